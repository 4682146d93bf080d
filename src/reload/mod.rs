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
//! Names must not be set free by accident. The rule, and the table of faults that tests it, are in `docs/semantics.md`,
//! "What frees a name"; here is who sees to what:
//!
//! * [`crate::source`] sees whether a file can be read; one that cannot keeps its last good content (`stale`).
//! * `settle` puts off what does not hold still, so that half of something is not taken for the whole of it.
//! * `state` does not believe a source that has vanished, is empty, or is another one than before.
//! * `hold` keeps in force for a while what an edit has taken away.
//! * [`crate::snapshot`] lets no newcomer displace what is in force.
//!
//! # The states of a file
//!
//! What is *read* of a file is one thing, what it *offers* another (a registration, or faults), and what of it is *held*,
//! that is in force, a third. A look at it comes to one of these:
//!
//! ```text
//!                        ┌────────────── busy: known to be half written ─► nothing changes
//!                        │
//!  listed ──► version ───┼── same, and settled ─────────────────────────► nothing changes
//!                        │
//!                        └── another one ─► read ─┬─ same bytes ────────► nothing changes
//!                                                 └─ other bytes ─► parsed ─┬─ loads ──► offered
//!                                                                           └─ else ───► refused, held stays
//!
//!  not listed ──► gone ─► gone at the second look, too ─► away: held for the grace, then forgotten
//!  source lost ─────────► lost: held until it is back
//! ```
//!
//! A second look follows when the first has seen something *restless* (changed just now), *moving* (the directory
//! changed meanwhile), *torn* (it was swapped for another one meanwhile) or *gone*. What is not the same in both is *put
//! off*: it stays as it was known, and is looked at again, until it holds still or has not for [`Options::max_wait`].
//!
//! # A timeline
//!
//! A program empties `irc.yaml`, writes half of it, pauses, and writes the rest:
//!
//! ```text
//!    0 ms  truncated, half written      event: a hint, and the file is busy
//!  100 ms  no hint for `quiet`          look: busy, so nothing changes
//! 1100 ms  polled, since one is busy    the same
//! 2000 ms  written to its end, closed   event: a hint, no longer busy
//! 2100 ms  no hint for `quiet`          look: other bytes, written less than `quiet` ago: restless
//! 2200 ms  second look                  the same bytes: parsed already, admitted, in force
//! ```
//!
//! Had there been no events, a poll in the pause would have found the half alike at two looks and taken it as it is. What
//! it then no longer claimed would have been held.

mod analyst;
mod elsewhere;
mod engine;
mod hold;
mod log;
mod losses;
mod metrics;
mod missed;
mod options;
mod reloader;
mod report;
mod schedule;
mod settle;
mod state;
mod trigger;

pub use analyst::{Analyst, Found};
pub use elsewhere::{Elsewhere, Find, Untold};
pub use engine::Engine;
pub use options::Options;
pub(crate) use options::{MAX_WAIT, POLL, QUIET};
pub(crate) use reloader::BLIND_POLL;
pub use reloader::{Reloader, ReloaderGone};
pub use report::{FoundIn, ReloadReport, ReloadResult};
pub(crate) use schedule::Schedule;
pub use trigger::Trigger;
