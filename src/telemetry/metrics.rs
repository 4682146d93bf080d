use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::requests::{Method, Requests, Route};
use crate::analysis::{Code, Finding, Severity};
use crate::matrix::Kind;
use crate::ruling::Reason;
use crate::snapshot::Snapshot;

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

impl ReloadResult {
    const ALL: [Self; 3] = [Self::Changed, Self::Unchanged, Self::Refused];

    /// The result as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

/// What the service counts about itself.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Requests,
    decisions: Vec<IntCounter>,
    ids: IntCounter,
    step_limit: IntCounter,
    registrations: IntGaugeVec,
    namespaces: IntGaugeVec,
    index_bytes: IntGauge,
    index_automata: IntGauge,
    registration_bytes: IntGauge,
    state_saved: IntGaugeVec,
    events_complete: IntGauge,
    findings: IntGaugeVec,
    findings_seconds: Histogram,
    reloads: IntCounterVec,
    reload_seconds: Histogram,
    last_success: Gauge,
    last_successful: IntGauge,
    complete: IntGauge,
    generation: IntGauge,
    snapshot_info: IntGaugeVec,
    /// Held while the one label value of `snapshot_info` is replaced, so that a scrape never sees two.
    snapshot_label: Mutex<()>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics in a registry of their own.
    ///
    /// # Panics
    ///
    /// Never: names and labels are fixed, and a test makes them all.
    #[must_use]
    pub fn new() -> Self {
        Self::build().expect("names and labels of metrics are valid and distinct")
    }

    fn build() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let decisions = counters(&registry, "bailiwick_decisions_total", "Decisions, by reason.", &["reason"])?;
        let reloads = counters(
            &registry,
            "bailiwick_reloads_total",
            "Reloads, by what caused them and what came of them.",
            &["trigger", "result"],
        )?;
        for trigger in ["start", "event", "poll", "signal", "request"] {
            for result in ReloadResult::ALL {
                reloads.with_label_values(&[trigger, result.as_str()]);
            }
        }
        let build_info = gauges(&registry, "bailiwick_build_info", "1; the version is in the label.", &["version"])?;
        build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let reload_seconds = Histogram::with_opts(
            HistogramOpts::new("bailiwick_reload_duration_seconds", "Time from the beginning of a scan to its end.")
                .buckets(vec![1e-3, 5e-3, 25e-3, 0.1, 0.5, 1.0, 5.0, 30.0]),
        )?;
        registry.register(Box::new(reload_seconds.clone()))?;
        let findings_seconds = Histogram::with_opts(
            HistogramOpts::new("bailiwick_findings_duration_seconds", "Time that the findings for a set took.")
                .buckets(vec![1e-3, 5e-3, 25e-3, 0.1, 0.5, 1.0, 5.0, 30.0]),
        )?;
        registry.register(Box::new(findings_seconds.clone()))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(super::process::Process::new()?))?;
        Ok(Self {
            requests: Requests::new(&registry)?,
            decisions: Reason::ALL.iter().map(|reason| decisions.with_label_values(&[reason.as_str()])).collect(),
            ids: counter(&registry, "bailiwick_ids_asked_total", "IDs whose owners were asked for.")?,
            step_limit: counter(
                &registry,
                "bailiwick_step_limit_exceeded_total",
                "Claims that stand only because a regex ran out of steps.",
            )?,
            registrations: gauges(&registry, "bailiwick_registrations", "Registration files, by state.", &["state"])?,
            namespaces: gauges(&registry, "bailiwick_namespaces", "Namespace entries in force, by kind.", &["kind"])?,
            index_bytes: gauge(&registry, "bailiwick_index_bytes", "Memory that the index takes, in bytes.")?,
            index_automata: gauge(&registry, "bailiwick_index_automata", "Distinct automata in the index.")?,
            registration_bytes: gauge(
                &registry,
                "bailiwick_registration_bytes",
                "Resident memory for each registration in force when it came into force, the process itself included.",
            )?,
            state_saved: gauges(
                &registry,
                "bailiwick_state_saved",
                "1 if the state directory holds a copy of all that is in force, else 0; absent without such a directory.",
                &[],
            )?,
            events_complete: gauge(
                &registry,
                "bailiwick_events_complete",
                "1 if every directory is watched for events, 0 if some changes are noticed by polling only.",
            )?,
            findings: gauges(
                &registry,
                "bailiwick_findings",
                "Findings about the set in force, by severity and code.",
                &["severity", "code"],
            )?,
            findings_seconds,
            reloads,
            reload_seconds,
            last_success: float(
                &registry,
                "bailiwick_last_reload_success_timestamp_seconds",
                "When the last reload ended that left nothing stale, quarantined or missing, in seconds since 1970.",
            )?,
            last_successful: gauge(
                &registry,
                "bailiwick_last_reload_successful",
                "1 if the last reload left nothing stale, quarantined or missing, else 0.",
            )?,
            complete: gauge(&registry, "bailiwick_snapshot_complete", "1 if answers are complete, else 0.")?,
            generation: gauge(&registry, "bailiwick_snapshot_generation", "Snapshots of this process, counted.")?,
            snapshot_info: gauges(
                &registry,
                "bailiwick_snapshot_info",
                "1; the digest of the snapshot in force is in the label.",
                &["snapshot"],
            )?,
            snapshot_label: Mutex::new(()),
            registry,
        })
    }

    /// A request has been answered.
    pub fn request(&self, route: Route, method: Method, status: u16, took: Duration) {
        self.requests.observe(route, method, status, took);
    }

    /// A decision has been made.
    pub fn decision(&self, reason: Reason) {
        self.decisions[reason as usize].inc();
    }

    /// The owners of so many IDs have been asked for.
    pub fn ids_asked(&self, ids: usize) {
        self.ids.inc_by(ids as u64);
    }

    /// So many claims stand only because a regex ran out of steps.
    pub fn step_limits(&self, claims: usize) {
        if claims > 0 {
            self.step_limit.inc_by(claims as u64);
        }
    }

    /// A reload has ended. `good` is false when a file is stale or quarantined, or the directory was refused.
    pub fn reload_finished(&self, trigger: &'static str, result: ReloadResult, good: bool, took: Duration) {
        self.reloads.with_label_values(&[trigger, result.as_str()]).inc();
        self.reload_seconds.observe(took.as_secs_f64());
        self.last_successful.set(i64::from(good));
        if good {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.last_success.set(now.as_secs_f64());
        }
    }

    /// A snapshot is in force.
    pub fn snapshot_in_force(&self, snapshot: &Snapshot) {
        let counts = snapshot.counts;
        for (state, count) in [("active", counts.active), ("stale", counts.stale), ("quarantined", counts.quarantined)]
        {
            self.registrations.with_label_values(&[state]).set(signed(count));
        }
        for kind in Kind::ALL {
            let entries = snapshot.services.registrations().iter().map(|r| r.namespaces.of(kind).len()).sum();
            self.namespaces.with_label_values(&[kind.as_str()]).set(signed(entries));
        }
        let size = snapshot.services.index().size();
        self.index_bytes.set(signed(size.bytes));
        self.index_automata.set(signed(size.automata));
        #[cfg(target_os = "linux")]
        if let Some(resident) = super::process::resident_bytes() {
            self.registration_bytes.set(resident / signed(snapshot.services.registrations().len().max(1)));
        }
        self.complete.set(i64::from(snapshot.complete));
        self.generation.set(i64::try_from(snapshot.generation).unwrap_or(i64::MAX));
        let _held = self.snapshot_label.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.snapshot_info.reset();
        self.snapshot_info.with_label_values(&[&*snapshot.digest]).set(1);
    }

    /// The findings for the set in force are there.
    pub fn findings(&self, findings: &[Arc<Finding>], took: Duration) {
        for &code in Code::ALL {
            for severity in Severity::ALL {
                let fits = |finding: &&Arc<Finding>| finding.code == code && finding.severity == severity;
                let count = findings.iter().filter(fits).count();
                self.findings.with_label_values(&[severity.as_str(), code.as_str()]).set(signed(count));
            }
        }
        self.findings_seconds.observe(took.as_secs_f64());
    }

    /// Whether the state directory holds a copy of all that is in force.
    pub fn state_saved(&self, all: bool) {
        self.state_saved.with_label_values::<&str>(&[]).set(i64::from(all));
    }

    /// Whether every directory is watched for events.
    pub fn events_complete(&self, all: bool) {
        self.events_complete.set(i64::from(all));
    }

    /// Everything in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let families = {
            let _held = self.snapshot_label.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            self.registry.gather()
        };
        let mut text = Vec::with_capacity(16 * 1024);
        if let Err(error) = TextEncoder::new().encode(&families, &mut text) {
            tracing::error!(%error, "failed to render metrics");
        }
        text
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn counter(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    registered(registry, IntCounter::new(name, help)?)
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    registered(registry, IntGauge::new(name, help)?)
}

fn float(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Gauge> {
    registered(registry, Gauge::new(name, help)?)
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
}
