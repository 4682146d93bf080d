//! Bridges' own configurations, held against the registrations that are checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::report::Texts;
use crate::analysis::{Comparer, Finding};
use crate::homeserver::Homeserver;
use crate::registration::{BridgeConfig, Harmless, Registration, TokenHasher, bridge_config};
use crate::reloadable_files::read_first;
use crate::snapshot::Snapshot;

/// Reads the configurations, and keeps what may be shown of them.
pub(super) fn read(
    paths: &[PathBuf],
    homeserver: &Homeserver,
    hasher: &TokenHasher,
    texts: &Texts,
) -> anyhow::Result<Vec<BridgeConfig>> {
    let read = |path: &PathBuf| {
        let file: Arc<str> = path.display().to_string().into();
        let bytes = zeroize::Zeroizing::new(contents(path)?);
        let config = bridge_config(homeserver, &file, &bytes, hasher)
            .with_context(|| format!("failed to use the bridge's configuration {file}"))?;
        texts.keep(&file, &bytes, Harmless::BridgeConfig);
        Ok(config)
    };
    paths.iter().map(read).collect()
}

fn contents(path: &Path) -> anyhow::Result<Vec<u8>> {
    read_first(path).with_context(|| format!("failed to read the bridge's configuration {}", path.display()))
}

/// On what the configurations and a homeserver's registrations do not agree.
pub(super) fn findings(
    comparer: &Comparer,
    snapshot: &Snapshot,
    configs: &[BridgeConfig],
    texts: &Texts,
) -> Vec<Arc<Finding>> {
    let place_of = |registration: &Registration, key: &str| texts.value_of(registration.file(), key);
    configs.iter().flat_map(|config| comparer.bridge(snapshot.services(), config, &place_of)).collect()
}
