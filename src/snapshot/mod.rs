//! What is loaded: files and their states, services, digest. Immutable, swapped as a whole.
//!
//! A [`Snapshot`] is everything that a question can be answered from. Nothing in it ever changes; a reload builds the
//! next one beside it and [`Live::swap`]s it in with one atomic store. Whoever answers a request takes **one**
//! [`Live::load`] and answers from that alone, so that no answer mixes two sets.
//!
//! # Which files are in force
//!
//! A file takes part with what is on disk if that loads, else with what it last had in force. Where two files collide
//! (same `id`, same `as_token`, overlapping proxy prefixes) the rules are, in this order:
//!
//! 1. *What is in force stays.* A new file, or new content of a file, never displaces a service that is in force: the
//!    mistake is where the change is, and a mistake in one file must not set another service's names free. This
//!    includes the last good content of a stale file. It ends when its own file is mended or removed.
//! 2. Among those that are new, *the first in load order stays* and the later ones are turned away, as Synapse would
//!    refuse them. At start everything is new.
//! 3. Who is turned away keeps its last good content ([`FileState::Stale`]), or is [`FileState::Quarantined`] if it
//!    never had any. The fault names both files, never the token.
//!
//! When the files on disk do not collide with each other, all of them are in force, whatever was before: two files may
//! swap their ids in one step or in two.
//!
//! [`Snapshot::try_admission`] asks the same rules what would come of a file that is not there yet.
//!
//! # What led here
//!
//! [`Live`] remembers the last generations: of each its digest, and which IDs it touched, by the services that differ
//! (`touched` says what that means). Whoever knows the digest of a set that was in force is told what has happened since
//! ([`Live::since`]), or that he has to start anew. The snapshots themselves are not kept.
//!
//! # Digest
//!
//! The digest covers the server name, the dialect, and for each file in force, in load order, its name relative to its
//! directory and the hash of the bytes in force. Replicas that mount the directory elsewhere agree on it; so do a
//! replica that holds a file as stale and one that reads the same bytes from disk.

mod admission;
mod changes;
mod digest;
mod file;
mod history;
mod in_force;
mod live;
mod metrics;
mod step;
mod taken;
mod touched;
mod trial;
mod unique;

pub use crate::registration::ContentHash;
pub use admission::Candidate;
use changes::ServiceChange;
pub use changes::{Changes, Ids};
pub(crate) use file::Claimed;
use file::Standing;
pub use file::{FileRecord, FileState, Good, Holding, Refusal};
pub use history::{Generation, Since};
pub use in_force::{AsOf, Counts, MissingSource, Problem, Snapshot};
pub use live::Live;
pub use metrics::SnapshotMetrics;
pub use step::Step;
pub use touched::{Touched, What, merged};
pub use trial::Obstacle;
pub(crate) use trial::obstacles;
pub use unique::Unique;
