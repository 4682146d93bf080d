use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;

use super::fix::Edited;
use super::report::Texts;
use crate::homeserver::Homeserver;
use crate::registration::{self, Fault, Harmless, TokenHasher};
use crate::reload::{Engine, Options, Trigger};
use crate::snapshot::Snapshot;
use crate::source::{Loader, Provider};
use crate::telemetry::Metrics;

/// Loads sources once, as the service does.
pub(super) fn load(homeserver: Homeserver, sources: Vec<Arc<dyn Provider>>) -> anyhow::Result<Arc<Snapshot>> {
    let hasher = TokenHasher::new();
    let reads = homeserver.clone();
    load_by(
        homeserver,
        sources,
        Arc::new(move |file: &Arc<str>, bytes: &[u8]| registration::load_for(&reads, file, bytes, &hasher)),
    )
}

/// The same, keeping what the files say, those that are edited as they are to be; tokens are held against those of other loads
/// with the same hasher.
pub(super) fn load_with_texts(
    hasher: &TokenHasher,
    homeserver: Homeserver,
    sources: Vec<Arc<dyn Provider>>,
    texts: &Texts,
    edited: &Arc<Edited>,
) -> anyhow::Result<Arc<Snapshot>> {
    let (hasher, reads, texts, edited) = (hasher.clone(), homeserver.clone(), texts.clone(), Arc::clone(edited));
    load_by(
        homeserver,
        sources,
        Arc::new(move |file: &Arc<str>, bytes: &[u8]| {
            let bytes = edited.get(file).map_or(bytes, |edited| edited.as_slice());
            texts.keep(file, bytes, Harmless::Registration);
            registration::load_for(&reads, file, bytes, &hasher)
        }),
    )
}

fn load_by(
    homeserver: Homeserver,
    sources: Vec<Arc<dyn Provider>>,
    loader: Arc<dyn Loader>,
) -> anyhow::Result<Arc<Snapshot>> {
    let mut options = Options::new(homeserver, sources, loader);
    // What is there counts as it is; nobody waits for a writer.
    options.max_wait = Duration::ZERO;
    options.hold = Duration::ZERO;
    let mut engine = Engine::new(options, &Metrics::new());
    engine.reload(Trigger::Start, false);
    let snapshot = engine.live().load_full();
    if !snapshot.is_ready() {
        let missing: Vec<String> =
            snapshot.missing().iter().map(|missing| format!("{}: {}", missing.source, missing.problem.what)).collect();
        bail!("{}", missing.join("; "));
    }
    Ok(snapshot)
}

/// A file that cannot be loaded and so has no part in the answer.
#[derive(Serialize)]
pub(super) struct LeftOut {
    file: String,
    errors: Vec<Fault>,
}

/// The files of a set that cannot be loaded.
pub(super) fn left_out(snapshot: &Snapshot) -> impl Iterator<Item = LeftOut> {
    let faulty = snapshot.files().iter().filter(|file| !file.faults().is_empty());
    faulty.map(|file| LeftOut { file: file.file().to_string(), errors: file.faults().to_vec() })
}

impl LeftOut {
    /// What is wrong with it, fault by fault, each with its place.
    pub(super) fn explained(&self) -> impl Iterator<Item = String> {
        self.errors.iter().map(|fault| match (fault.line, fault.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}: {}", self.file, fault.message),
            _ => format!("{}: {}", self.file, fault.message),
        })
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be loaded and is left out", self.file)?;
        let Some(fault) = self.errors.first() else { return Ok(()) };
        match fault.line {
            Some(line) => write!(f, ": line {line}: {}", fault.message)?,
            None => write!(f, ": {}", fault.message)?,
        }
        match self.errors.len() {
            1 => Ok(()),
            all => write!(f, " (and {} more: `bailiwick check` says all)", all - 1),
        }
    }
}
