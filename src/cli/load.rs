use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use crate::homeserver::Homeserver;
use crate::registration::{self, TokenHasher};
use crate::reload::{Engine, Options, Trigger};
use crate::snapshot::Snapshot;
use crate::source::Source;
use crate::telemetry::Metrics;

/// Loads sources once, as the service does.
pub(super) fn load(homeserver: Homeserver, sources: Vec<Source>) -> anyhow::Result<Arc<Snapshot>> {
    let hasher = TokenHasher::new();
    let loader = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher);
    let mut options = Options::new(homeserver, sources, Arc::new(loader));
    // What is there counts as it is; nobody waits for a writer.
    options.max_wait = Duration::ZERO;
    let mut engine = Engine::new(options, &Metrics::new());
    engine.reload(Trigger::Start, false, &HashSet::new);
    let snapshot = engine.live().load_full();
    if !snapshot.is_ready() {
        let missing: Vec<String> = snapshot
            .missing()
            .iter()
            .map(|missing| format!("{}: {}", missing.source, plain(&missing.problem)))
            .collect();
        bail!("{}", missing.join("; "));
    }
    Ok(snapshot)
}

/// The problem without what a running service would do about it.
fn plain(problem: &str) -> &str {
    problem.split(';').next().unwrap_or(problem)
}
