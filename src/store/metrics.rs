use std::time::{Duration, SystemTime};

use prometheus::{Gauge, Histogram, IntCounterVec, IntGauge};

use super::{Objection, Outcome, StoreError};
use crate::telemetry::{Metrics, signed};

/// What is known of the store, as metrics.
#[derive(Debug)]
pub(super) struct StoreMetrics {
    connected: IntGauge,
    confirmed: Gauge,
    revision: IntGauge,
    purged: IntGauge,
    registrations: IntGauge,
}

impl StoreMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        Self {
            connected: metrics.gauge(
                "bailiwick_store_connected",
                "1 if the store has answered when it was asked last, and is the one of before, else 0.",
            ),
            confirmed: metrics.fraction(
                "bailiwick_store_confirmed_timestamp_seconds",
                "When the store last said that nothing has changed since what was read of it, in seconds since 1970; 0 before the first \
                 time.",
            ),
            revision: metrics
                .gauge("bailiwick_store_revision", "The store's revision that was read last; 0 before the first time."),
            purged: metrics.gauge(
                "bailiwick_store_purged_revision",
                "The revision up to which the store's past has been purged; 0 where nothing was.",
            ),
            registrations: metrics
                .gauge("bailiwick_store_registrations", "Registrations in the store, whether they can be loaded or not."),
        }
    }

    /// All that is there at a revision has been read.
    pub(super) fn read(&self, revision: i64, purged: i64, registrations: usize) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.confirmed.set(now.as_secs_f64());
        self.connected.set(1);
        self.revision.set(revision);
        self.purged.set(purged);
        self.registrations.set(signed(registrations));
    }

    /// Nobody knows what is there.
    pub(super) fn lost(&self) {
        self.connected.set(0);
    }
}

/// What the gate does, as metrics.
#[derive(Debug)]
pub(super) struct GateMetrics {
    changes: IntCounterVec,
    wait: Histogram,
    held: Histogram,
}

impl GateMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let changes = metrics.counters(
            "bailiwick_store_changes_total",
            "Changes to the store that somebody has asked for, by what came of them.",
            &["outcome"],
        );
        for outcome in OUTCOMES {
            changes.with_label_values(&[outcome]);
        }
        // Up to what ends it: five seconds for a lock, thirty for whoever has it and says nothing.
        let buckets = [1e-3, 5e-3, 25e-3, 0.1, 0.5, 1.0, 5.0, 30.0];
        Self {
            changes,
            wait: metrics.durations(
                "bailiwick_store_lock_wait_seconds",
                "Time until the store could be changed by this replica alone, of those changes that came so far.",
                &buckets,
            ),
            held: metrics.durations(
                "bailiwick_store_lock_held_seconds",
                "Time for which nobody else could change the store, since it was judged and written meanwhile.",
                &buckets,
            ),
        }
    }

    /// Something has come of a change.
    pub(super) fn ended(&self, outcome: &Result<Outcome, StoreError>) {
        self.changes.with_label_values(&[name_of(outcome)]).inc();
    }

    /// The lock was waited for, and held.
    pub(super) fn locked(&self, wait: Duration, held: Duration) {
        self.wait.observe(wait.as_secs_f64());
        self.held.observe(held.as_secs_f64());
    }
}

/// All that may come of a change, in the words of the metric.
const OUTCOMES: [&str; 13] = [
    "made",
    "unchanged",
    "not_there",
    "elsewhere",
    "unloadable",
    "in_the_way",
    "collides",
    "not_allowed",
    "not_compared",
    "busy",
    "behind",
    "unsure",
    "unavailable",
];

fn name_of(outcome: &Result<Outcome, StoreError>) -> &'static str {
    match outcome {
        Ok(Outcome::Made(_)) => "made",
        Ok(Outcome::AsItWas(_)) => "unchanged",
        Ok(Outcome::NotThere) => "not_there",
        Ok(Outcome::Elsewhere(_)) => "elsewhere",
        Ok(Outcome::Refused(Objection::Unloadable(_))) => "unloadable",
        Ok(Outcome::Refused(Objection::InTheWay(_))) => "in_the_way",
        Ok(Outcome::Refused(Objection::Collides(_))) => "collides",
        Err(StoreError::NotAllowed(_) | StoreError::Others(_)) => "not_allowed",
        Err(StoreError::NotCompared(_)) => "not_compared",
        Err(StoreError::Busy) => "busy",
        Err(StoreError::Behind(_)) => "behind",
        Err(StoreError::Unsure(_)) => "unsure",
        Err(_) => "unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_changes_is_counted_by_words_that_are_there_from_the_beginning() {
        let metrics = Metrics::new();
        let gate = GateMetrics::register(&metrics);
        let outcomes = [
            Ok(Outcome::Made(7)),
            Ok(Outcome::AsItWas(7)),
            Ok(Outcome::NotThere),
            Ok(Outcome::Elsewhere(None)),
            Ok(Outcome::Refused(Objection::Unloadable(Vec::new()))),
            Ok(Outcome::Refused(Objection::InTheWay(Vec::new()))),
            Ok(Outcome::Refused(Objection::Collides(Vec::new()))),
            Err(StoreError::NotAllowed("secret".to_owned())),
            Err(StoreError::NotCompared(Duration::ZERO)),
            Err(StoreError::Busy),
            Err(StoreError::Behind("secret".to_owned())),
            Err(StoreError::Unsure("secret".to_owned())),
            Err(StoreError::Unreachable("secret".to_owned())),
        ];
        let lines = |value: u8| {
            let text = String::from_utf8(metrics.render()).expect("UTF-8");
            let is_it = |line: &&str| {
                line.starts_with("bailiwick_store_changes_total{") && line.ends_with(&format!(" {value}"))
            };
            text.lines().filter(is_it).count()
        };
        assert_eq!((lines(0), lines(1)), (OUTCOMES.len(), 0));
        for outcome in &outcomes {
            gate.ended(outcome);
        }
        // Each is counted under a word of its own, and none under one that was not there before.
        assert_eq!((lines(0), lines(1)), (0, OUTCOMES.len()));
    }
}
