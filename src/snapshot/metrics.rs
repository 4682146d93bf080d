use prometheus::{IntCounterVec, IntGauge, IntGaugeVec};

use super::Snapshot;
use crate::matrix::Kind;
use crate::telemetry::{Info, Metrics, signed};

/// What is in force, as metrics.
#[derive(Debug)]
pub struct SnapshotMetrics {
    registrations: IntGaugeVec,
    namespaces: IntGaugeVec,
    index_bytes: IntGauge,
    index_automata: IntGauge,
    registration_bytes: IntGauge,
    complete: IntGauge,
    generation: IntGauge,
    digest: Info,
    changes: IntCounterVec,
}

impl SnapshotMetrics {
    /// Takes its place among a service's metrics.
    #[must_use]
    pub fn register(metrics: &Metrics) -> Self {
        let changes = metrics.counters(
            "bailiwick_service_changes_total",
            "Services that came into force, changed, or went out of force, whose names are free from then on.",
            &["change"],
        );
        for change in ["added", "changed", "removed"] {
            changes.with_label_values(&[change]);
        }
        Self {
            changes,
            registrations: metrics.gauges("bailiwick_registrations", "Registration files, by state.", &["state"]),
            namespaces: metrics.gauges("bailiwick_namespaces", "Namespace entries in force, by kind.", &["kind"]),
            index_bytes: metrics.gauge("bailiwick_index_bytes", "Memory that the index takes, in bytes."),
            index_automata: metrics.gauge("bailiwick_index_automata", "Distinct automata in the index."),
            registration_bytes: metrics.gauge(
                "bailiwick_registration_bytes",
                "Resident memory for each registration in force when it came into force, the process itself included.",
            ),
            complete: metrics.gauge("bailiwick_snapshot_complete", "1 if answers are complete, else 0."),
            generation: metrics.gauge("bailiwick_snapshot_generation", "Snapshots of this process, counted."),
            digest: metrics.info(
                "bailiwick_snapshot_info",
                "1; the digest of the snapshot in force is in the label.",
                "snapshot",
            ),
        }
    }

    /// A snapshot is in force.
    pub fn in_force(&self, snapshot: &Snapshot) {
        let counts = snapshot.counts();
        let of_states = [
            ("active", counts.active),
            ("held", counts.held),
            ("stale", counts.stale),
            ("quarantined", counts.quarantined),
        ];
        for (state, count) in of_states {
            self.registrations.with_label_values(&[state]).set(signed(count));
        }
        let registrations = snapshot.services().registrations();
        for kind in Kind::ALL {
            self.namespaces.with_label_values(&[kind.as_str()]).set(signed(snapshot.services().entries()[kind]));
        }
        let size = snapshot.services().index().size();
        self.index_bytes.set(signed(size.bytes));
        self.index_automata.set(signed(size.automata));
        #[cfg(target_os = "linux")]
        if let Some(resident) = crate::telemetry::resident_bytes() {
            self.registration_bytes.set(resident / signed(registrations.len().max(1)));
        }
        self.complete.set(i64::from(snapshot.is_complete()));
        self.generation.set(i64::try_from(snapshot.generation()).unwrap_or(i64::MAX));
        self.digest.set(snapshot.digest());
        let changes = snapshot.changes();
        for (change, services) in
            [("added", &changes.added), ("changed", &changes.changed), ("removed", &changes.removed)]
        {
            self.changes.with_label_values(&[change]).inc_by(services.len() as u64);
        }
    }
}
