//! From directories to snapshots, and again whenever something changes.
//!
//! # How a change becomes an answer
//!
//! ```text
//! events ─► Schedule ─► Reload ─► Scan ─► Snapshot::next ─► Live::swap
//!            poll, SIGHUP, POST      │ Disk, Loader
//! ```
//!
//! One thread does all this ([`Reloader`]); requests never wait for it, they read [`crate::snapshot::Live`]. All that
//! can fail happens before the one atomic store, and an outcome that says the same as before stores nothing.
//!
//! # What a fault may not do
//!
//! Names must not be set free by accident:
//!
//! * A file that breaks, cannot be read, or is replaced by a directory keeps its last good content (`stale`).
//! * A directory that cannot be read, vanishes, or becomes empty keeps everything, until it is back, or the emptiness is
//!   confirmed by [`Reloader::reload`] with `allow_empty` or a restart. On the first load a directory that is missing
//!   means that the service is not ready and says what is missing; one that is empty is taken at its word, with a warning.
//! * A file that is being written is left alone until its writer closes it or is quiet, within limits; a file that is
//!   gone is gone only when two scans in a row say so (editors delete and create).
//! * A collision displaces nothing that is in force; see [`crate::snapshot`].

mod analyst;
mod engine;
mod hold;
mod log;
mod metrics;
mod options;
mod reloader;
mod report;
mod schedule;
mod settle;
mod state;
mod trigger;

pub use analyst::{Analyst, Found};
pub use engine::Engine;
pub use options::Options;
pub use reloader::{Reloader, ReloaderGone};
pub use report::{ReloadReport, ReloadResult};
pub use trigger::Trigger;
