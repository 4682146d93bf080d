//! Metrics and logging.
//!
//! Every metric lives in one registry of its own, made when the service starts, so that tests can have several side by
//! side. No label has a value that a caller or a registration can choose: routes, methods, statuses, reasons, states,
//! kinds and triggers are fixed sets.

mod logging;
mod metrics;
#[cfg(target_os = "linux")]
mod process;
mod requests;

pub use logging::{LogFormat, init as init_logging};
pub use metrics::{Metrics, ReloadResult};
pub use requests::{Method, Route};
