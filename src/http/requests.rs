use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::Method;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use crate::ruling::Reason;
use crate::telemetry::Metrics;

/// The methods that are served; any other is counted as `other`, so that no caller names a label.
const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];
const METHOD_SLOTS: usize = METHODS.len() + 1;

/// The statuses that are answered; any other is counted under its class.
const STATUSES: [(u16, &str); 14] = [
    (200, "200"),
    (304, "304"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (408, "408"),
    (413, "413"),
    (415, "415"),
    (421, "421"),
    (429, "429"),
    (500, "500"),
    (503, "503"),
];
const STATUS_SLOTS: usize = STATUSES.len() + 1;

/// From what an owner takes to what a check may take.
const SECONDS: [f64; 13] = [50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 0.1, 0.5, 2.5, 10.0];

/// What is counted of one route. Counters are found once and kept, so that counting costs an addition.
#[derive(Debug)]
pub(super) struct RouteMetrics {
    /// The route as it stands in metrics: the pattern, never the path that was asked for.
    route: &'static str,
    total: IntCounterVec,
    counters: [[OnceLock<IntCounter>; STATUS_SLOTS]; METHOD_SLOTS],
    seconds: Histogram,
}

impl RouteMetrics {
    /// A request has been answered.
    pub(super) fn answered(&self, method: &Method, status: u16, took: Duration) {
        let method_slot = METHODS.iter().position(|known| known == method);
        let status_slot = STATUSES.iter().position(|(code, _)| *code == status);
        let method = method_slot.map_or("other", |slot| METHODS[slot].as_str());
        let status = status_slot.map_or("other", |slot| STATUSES[slot].1);
        let counter = &self.counters[method_slot.unwrap_or(METHODS.len())][status_slot.unwrap_or(STATUSES.len())];
        counter.get_or_init(|| self.total.with_label_values(&[self.route, method, status])).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(super) const fn route(&self) -> &'static str {
        self.route
    }
}

/// What is counted of questions and answers.
#[derive(Debug)]
pub(super) struct HttpMetrics {
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    decisions: Vec<IntCounter>,
    ids: IntCounter,
    step_limit: IntCounter,
}

impl HttpMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let decisions = metrics.counters("bailiwick_decisions_total", "Decisions, by reason.", &["reason"]);
        Self {
            requests: metrics.counters(
                "bailiwick_http_requests_total",
                "Requests answered, by route, method and status.",
                &["route", "method", "status"],
            ),
            request_seconds: metrics.durations_by(
                "bailiwick_http_request_duration_seconds",
                "Time from request to answer, by route.",
                &SECONDS,
                &["route"],
            ),
            decisions: Reason::ALL.iter().map(|reason| decisions.with_label_values(&[reason.as_str()])).collect(),
            ids: metrics.counter("bailiwick_ids_asked_total", "IDs whose owners were asked for."),
            step_limit: metrics.counter(
                "bailiwick_step_limit_exceeded_total",
                "Claims that stand only because a regex ran out of steps.",
            ),
        }
    }

    /// What is counted of a route. Each thread that answers has its own, and all add to the same counters.
    pub(super) fn route(&self, route: &'static str) -> RouteMetrics {
        RouteMetrics {
            route,
            total: self.requests.clone(),
            counters: Default::default(),
            seconds: self.request_seconds.with_label_values(&[route]),
        }
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
