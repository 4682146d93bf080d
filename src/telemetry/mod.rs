//! Metrics and logging: the ground that every room stands on when it says what it does. Knows none of them.
//!
//! Every metric lives in one registry ([`Metrics`]), made when the service starts, so that tests can have several side
//! by side. Each room owns its family of metrics and registers it when it starts its work. No label has a value that a
//! caller or a registration can choose: routes, methods, statuses, reasons, states, kinds and triggers are fixed sets, and
//! of the names that an operator gives tokens there are only so many.

mod decision_log;
mod logging;
mod malformed;
mod metrics;
mod panics;
#[cfg(target_os = "linux")]
mod process;
mod timestamp;
mod visible;

pub use decision_log::DecisionLog;
pub use logging::{LogFormat, flush as flush_log, init as init_logging};
pub use malformed::count as count_malformed;
pub use metrics::{Info, Metrics, signed};
pub use panics::report as report_panics;
#[cfg(target_os = "linux")]
pub use process::resident_bytes;
pub use timestamp::timestamp;
pub use visible::{Visible, VisibleJson};
