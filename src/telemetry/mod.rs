//! Metrics and logging.
//!
//! (skeleton)

use std::time::Duration;

use crate::snapshot::Snapshot;

/// What the service counts about itself.
#[derive(Debug, Default)]
pub struct Metrics {}

/// What came of a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReloadResult {
    /// A new snapshot is in force.
    Changed,
    /// Nothing had changed.
    Unchanged,
    /// Nothing was taken over: the directory vanished or became empty.
    Refused,
}

impl Metrics {
    /// Metrics in a registry of their own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reload has ended. `good` is false when a file is stale or quarantined, or the directory was refused.
    pub fn reload_finished(&self, _trigger: &'static str, _result: ReloadResult, _good: bool, _took: Duration) {}

    /// A snapshot is in force.
    pub fn snapshot_in_force(&self, _snapshot: &Snapshot) {}
}
