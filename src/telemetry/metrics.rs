use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// The registry of one service's metrics. Each room registers the family that it keeps: what is counted, and under
/// which labels, stands where it happens.
///
/// Cheap to clone; clones are the same registry. Two services in one process have one each.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry that holds the version and what the process takes, and nothing else yet.
    #[must_use]
    pub fn new() -> Self {
        let metrics = Self { registry: Registry::new() };
        metrics
            .info("bailiwick_build_info", "1; the version is in the label.", "version")
            .set(env!("CARGO_PKG_VERSION"));
        metrics.keep(Ok(super::logging::LOST.clone()));
        metrics.keep(Ok(super::malformed::MALFORMED.clone()));
        #[cfg(target_os = "linux")]
        metrics.keep(super::process::Process::new());
        metrics
    }

    /// A counter without labels.
    #[must_use]
    pub fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::new(name, help))
    }

    /// A counter for each combination of labels.
    #[must_use]
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// A whole number that goes up and down.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.keep(IntGauge::new(name, help))
    }

    /// A whole number for each combination of labels. Absent until it is first set: without labels, too.
    #[must_use]
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    /// A fraction that goes up and down.
    #[must_use]
    pub fn fraction(&self, name: &str, help: &str) -> Gauge {
        self.keep(Gauge::new(name, help))
    }

    /// Durations in seconds. `buckets` are their upper bounds.
    #[must_use]
    pub fn durations(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        self.keep(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
    }

    /// Durations in seconds for each combination of labels.
    #[must_use]
    pub fn durations_by(&self, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> HistogramVec {
        self.keep(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels))
    }

    /// A word, as the one value of a label. Absent until it is first set.
    #[must_use]
    pub fn info(&self, name: &'static str, help: &'static str, label: &'static str) -> Info {
        self.keep(Info::new(name, help, label))
    }

    /// Everything in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(16 * 1024);
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "failed to render metrics");
        }
        text
    }

    /// Registers a metric.
    ///
    /// # Panics
    ///
    /// When a name or a label is not valid, or the name is taken: names are constants, and a room registers its family
    /// once a service, so that the first test of a new metric finds it.
    fn keep<C: Collector + Clone + 'static>(&self, metric: prometheus::Result<C>) -> C {
        let metric = metric.expect("the name and the labels of a metric are valid");
        self.registry.register(Box::new(metric.clone())).expect("each metric is registered once a registry");
        metric
    }
}

/// A word that a service shows as the value of a label: the customary way to show text as a metric.
///
/// A scrape sees one value, the old one or the new one: it is replaced as a whole.
#[derive(Clone)]
pub struct Info {
    name: &'static str,
    help: &'static str,
    label: &'static str,
    desc: Desc,
    word: Arc<ArcSwapOption<String>>,
}

impl Info {
    fn new(name: &'static str, help: &'static str, label: &'static str) -> prometheus::Result<Self> {
        let desc =
            Desc::new(name.to_owned(), help.to_owned(), vec![label.to_owned()], std::collections::HashMap::new())?;
        Ok(Self { name, help, label, desc, word: Arc::default() })
    }

    /// Shows another word.
    pub fn set(&self, word: &str) {
        self.word.store(Some(Arc::new(word.to_owned())));
    }
}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Info").field("name", &self.name).field("word", &self.word).finish_non_exhaustive()
    }
}

impl Collector for Info {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(word) = self.word.load_full() else { return Vec::new() };
        let opts = Opts::new(self.name, self.help).const_label(self.label, &*word);
        let Ok(one) = IntGauge::with_opts(opts) else { return Vec::new() };
        one.set(1);
        one.collect()
    }
}

/// A count as metrics take it.
#[must_use]
pub fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
