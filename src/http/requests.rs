use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntCounterVec};

use crate::ruling::Reason;
use crate::telemetry::Metrics;

macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident => $path:literal),+ $(,)?) => {
        /// A route as it stands in metrics: the pattern, never the path that was asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Route { $($(#[$doc])* $name),+ }

        impl Route {
            /// All routes.
            pub(super) const ALL: &[Self] = &[$(Self::$name),+];

            /// The path, or what stands for it.
            #[must_use]
            pub(super) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $path),+ }
            }
        }
    };
}

routes! {
    /// Who owns an ID.
    Owners => "/v1/owners",
    /// May a user be registered.
    MayRegister => "/v1/may-register",
    /// May an alias be created.
    MayCreateAlias => "/v1/may-create-alias",
    /// Every file.
    Registrations => "/v1/registrations",
    /// Where registrations collide.
    Conflicts => "/v1/conflicts",
    /// What a registration would do.
    Check => "/v1/check",
    /// What is in force.
    Status => "/v1/status",
    /// Is the process alive.
    Healthz => "/healthz",
    /// Is the first load done.
    Readyz => "/readyz",
    /// Reload now.
    Reload => "/-/reload",
    /// Prometheus text.
    Metrics => "/metrics",
    /// The contract.
    OpenApi => "/openapi.json",
    /// Anything else.
    Unknown => "unknown",
}

/// A method as it stands in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Other,
}

impl Method {
    const COUNT: usize = 3;

    /// The method by its name.
    #[must_use]
    pub(super) fn of(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Other => "other",
        }
    }
}

/// The statuses that are answered; any other is counted under its class.
const STATUSES: [(u16, &str); 12] = [
    (200, "200"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (408, "408"),
    (413, "413"),
    (415, "415"),
    (429, "429"),
    (500, "500"),
    (503, "503"),
];
const STATUS_SLOTS: usize = STATUSES.len() + 1;

/// Requests by route, method and status, and how long they took. Counters are found once and kept, so that counting
/// costs an addition.
#[derive(Debug)]
pub(super) struct Requests {
    total: IntCounterVec,
    counters: Vec<OnceLock<IntCounter>>,
    durations: Vec<Histogram>,
}

/// From what an owner takes to what a check may take.
const SECONDS: [f64; 13] = [50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 0.1, 0.5, 2.5, 10.0];

impl Requests {
    fn new(metrics: &Metrics) -> Self {
        let total = metrics.counters(
            "bailiwick_http_requests_total",
            "Requests answered, by route, method and status.",
            &["route", "method", "status"],
        );
        let seconds = metrics.durations_by(
            "bailiwick_http_request_duration_seconds",
            "Time from request to answer, by route.",
            &SECONDS,
            &["route"],
        );
        let durations = Route::ALL.iter().map(|route| seconds.with_label_values(&[route.as_str()])).collect();
        let slots = Route::ALL.len() * Method::COUNT * STATUS_SLOTS;
        Self { total, counters: (0..slots).map(|_| OnceLock::new()).collect(), durations }
    }

    fn observe(&self, route: Route, method: Method, status: u16, took: Duration) {
        let slot = STATUSES.iter().position(|(code, _)| *code == status);
        let label = slot.map_or("other", |slot| STATUSES[slot].1);
        let slot = slot.unwrap_or(STATUSES.len());
        let at = (route as usize * Method::COUNT + method as usize) * STATUS_SLOTS + slot;
        self.counters[at].get_or_init(|| self.total.with_label_values(&[route.as_str(), method.as_str(), label])).inc();
        self.durations[route as usize].observe(took.as_secs_f64());
    }
}

/// What is counted of questions and answers.
#[derive(Debug)]
pub(super) struct HttpMetrics {
    requests: Requests,
    decisions: Vec<IntCounter>,
    ids: IntCounter,
    step_limit: IntCounter,
}

impl HttpMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let decisions = metrics.counters("bailiwick_decisions_total", "Decisions, by reason.", &["reason"]);
        Self {
            requests: Requests::new(metrics),
            decisions: Reason::ALL.iter().map(|reason| decisions.with_label_values(&[reason.as_str()])).collect(),
            ids: metrics.counter("bailiwick_ids_asked_total", "IDs whose owners were asked for."),
            step_limit: metrics.counter(
                "bailiwick_step_limit_exceeded_total",
                "Claims that stand only because a regex ran out of steps.",
            ),
        }
    }

    /// A request has been answered.
    pub(super) fn request(&self, route: Route, method: Method, status: u16, took: Duration) {
        self.requests.observe(route, method, status, took);
    }

    /// A decision has been made.
    pub(super) fn decision(&self, reason: Reason) {
        self.decisions[reason as usize].inc();
    }

    /// The owners of so many IDs have been asked for.
    pub(super) fn ids_asked(&self, ids: usize) {
        self.ids.inc_by(ids as u64);
    }

    /// So many claims stand only because a regex ran out of steps.
    pub(super) fn step_limits(&self, claims: usize) {
        if claims > 0 {
            self.step_limit.inc_by(claims as u64);
        }
    }
}
