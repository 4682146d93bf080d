use std::time::{Duration, SystemTime};

use prometheus::{Gauge, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::{ReloadResult, Trigger};
use crate::telemetry::{Metrics, signed};

/// What came of reloads, as metrics.
#[derive(Debug)]
pub(super) struct ReloadMetrics {
    reloads: IntCounterVec,
    seconds: Histogram,
    last_success: Gauge,
    last_successful: IntGauge,
    state_saved: IntGaugeVec,
    events_complete: IntGauge,
    held_claims: IntGauge,
    released_claims: IntCounter,
}

impl ReloadMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let reloads = metrics.counters(
            "bailiwick_reloads_total",
            "Reloads, by what caused them and what came of them.",
            &["trigger", "result"],
        );
        for trigger in Trigger::ALL {
            for result in ReloadResult::ALL {
                reloads.with_label_values(&[trigger.as_str(), result.as_str()]);
            }
        }
        Self {
            reloads,
            seconds: metrics.durations(
                "bailiwick_reload_duration_seconds",
                "Time from the beginning of a scan to its end.",
                &[1e-3, 5e-3, 25e-3, 0.1, 0.5, 1.0, 5.0, 30.0],
            ),
            last_success: metrics.fraction(
                "bailiwick_last_reload_success_timestamp_seconds",
                "When the last reload ended that left nothing stale, quarantined or missing, in seconds since 1970.",
            ),
            last_successful: metrics.gauge(
                "bailiwick_last_reload_successful",
                "1 if the last reload left nothing stale, quarantined or missing, else 0.",
            ),
            state_saved: metrics.gauges(
                "bailiwick_state_saved",
                "1 if the state directory holds a copy of all that is in force, else 0; absent without such a directory.",
                &[],
            ),
            events_complete: metrics.gauge(
                "bailiwick_events_complete",
                "1 if every directory is watched for events, 0 if some changes are noticed by polling only.",
            ),
            held_claims: metrics.gauge(
                "bailiwick_held_claims",
                "Exclusive claims that are no longer made and are held for a while.",
            ),
            released_claims: metrics.counter(
                "bailiwick_released_claims_total",
                "Exclusive claims that were held and are not any more, because the grace is over or it was confirmed.",
            ),
        }
    }

    /// A reload has ended. `good` is false when a file is stale or quarantined, or a source was refused.
    pub(super) fn finished(&self, trigger: Trigger, result: ReloadResult, good: bool, took: Duration) {
        self.reloads.with_label_values(&[trigger.as_str(), result.as_str()]).inc();
        self.seconds.observe(took.as_secs_f64());
        self.last_successful.set(i64::from(good));
        if good {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.last_success.set(now.as_secs_f64());
        }
    }

    /// Whether the state directory holds a copy of all that is in force.
    pub(super) fn state_saved(&self, all: bool) {
        self.state_saved.with_label_values::<&str>(&[]).set(i64::from(all));
    }

    /// Whether every directory is watched for events.
    pub(super) fn events_complete(&self, all: bool) {
        self.events_complete.set(i64::from(all));
    }

    /// So many claims are held.
    pub(super) fn held(&self, claims: usize) {
        self.held_claims.set(signed(claims));
    }

    /// So many claims were let go.
    pub(super) fn released(&self, claims: usize) {
        self.released_claims.inc_by(claims as u64);
    }
}

/// Whether looks end, as metrics.
#[derive(Debug)]
pub(super) struct LookMetrics {
    last: Gauge,
    failed: IntCounter,
}

impl LookMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        Self {
            last: metrics.fraction(
                "bailiwick_last_look_timestamp_seconds",
                "When the last look at the sources ended, whatever came of it, in seconds since 1970.",
            ),
            failed: metrics.counter(
                "bailiwick_failed_looks_total",
                "Looks at the sources that ended by a defect of bailiwick, and changed nothing.",
            ),
        }
    }

    /// A look has ended.
    pub(super) fn finished(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.last.set(now.as_secs_f64());
    }

    /// A look has failed.
    pub(super) fn failed(&self) {
        self.failed.inc();
    }
}
