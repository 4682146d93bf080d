//! Requests that are no HTTP, counted.
//!
//! The HTTP library answers these itself, and says so with a line at the level of errors that names what it read.
//! Whoever connects could so fill the log and wake an operator. They are counted here instead, and the line is left to
//! those who log at `debug`.

use std::fmt;
use std::sync::LazyLock;

use prometheus::IntCounter;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter, Layer};

/// Where the line comes from.
const TARGET: &str = "actix_http::h1::dispatcher";
/// The TLS library, which warns of what clients send it, and repeats it: a line for each that names a host by its address.
/// What it has to say of ourselves is an error that is returned.
const TLS: &str = "rustls";
/// How it begins.
const MESSAGE: &str = "stream error: request parse error";

/// Requests that could not be read.
pub(super) static MALFORMED: LazyLock<IntCounter> = LazyLock::new(|| {
    let help =
        "Requests that could not be read as HTTP; they are answered with 400 or 431 and the connection is closed.";
    IntCounter::new("bailiwick_http_malformed_requests_total", help).expect("the name of a metric is valid")
});

/// Counts one that is answered by ourselves.
pub fn count() {
    MALFORMED.inc();
}

/// Counts the lines.
#[derive(Debug)]
pub(super) struct Counter;

impl Counter {
    /// What it is to be shown: nothing else need be looked at.
    pub(super) fn filter<S>() -> impl Filter<S> {
        Targets::new().with_target(TARGET, LevelFilter::ERROR)
    }
}

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line { malformed: false };
        event.record(&mut line);
        if line.malformed {
            MALFORMED.inc();
        }
    }
}

struct Line {
    malformed: bool,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.malformed |= field.name() == "message" && format!("{value:?}").starts_with(MESSAGE);
    }
}

/// Leaves the lines out of a log, unless it has a level at which one looks for what goes on.
pub(super) fn left_out_of(filter: EnvFilter) -> EnvFilter {
    let quiet = filter.max_level_hint().is_some_and(|level| level <= LevelFilter::INFO);
    if !quiet {
        return filter;
    }
    let off = [TARGET, TLS].map(|target| format!("{target}=off").parse());
    off.into_iter().flatten().fold(filter, EnvFilter::add_directive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_write_into_a_log_only_where_one_looks_for_what_goes_on() {
        let shown = |level: &str| left_out_of(EnvFilter::new(level)).to_string();
        for target in [TARGET, TLS] {
            let off = format!("{target}=off");
            assert!(shown("info").contains(&off) && shown("bailiwick=info,warn").contains(&off), "{}", shown("info"));
            assert!(!shown("debug").contains(&off), "{}", shown("debug"));
        }
    }
}
