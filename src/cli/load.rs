use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use crate::homeserver::Homeserver;
use crate::registration::{self, TokenHasher};
use crate::reload::{Engine, Options, Trigger};
use crate::snapshot::Snapshot;
use crate::source::Provider;
use crate::telemetry::Metrics;

/// Loads sources once, as the service does.
pub(super) fn load(homeserver: Homeserver, sources: Vec<Arc<dyn Provider>>) -> anyhow::Result<Arc<Snapshot>> {
    let hasher = TokenHasher::new();
    let loader = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher);
    let mut options = Options::new(homeserver, sources, Arc::new(loader));
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
