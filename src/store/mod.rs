//! Registrations in PostgreSQL: for many writers, replicas that agree, and a gate that cannot be raced.
//!
//! # The head row
//!
//! `bailiwick.head` has one row, which says at which *revision* the store is. Whoever changes anything locks it first, and adds one to
//! it for each registration that he changes, in the same transaction: so revisions are committed in their order, without gaps, and
//! what was judged at a revision is still what is there when it is written. A sequence would not do: a slow writer commits a lower
//! number after a faster one a higher, and a reader who has seen the higher never looks for the lower. Nor would SERIALIZABLE without
//! a lock, under which most of the attempts of eight writers fail and have to be made again.
//!
//! ```text
//! registration   what is there: the YAML as it was written, its place in the load order, the revision that made it so;
//!                a row that was removed stays, empty
//! head           the revision, and the one up to which the past was purged; whose homeserver's registrations these are
//! history        each revision: what it made of which registration, when, and who; the mark alone, if it was purged
//! migration      which migrations have been made
//! ```
//!
//! # How a change is seen
//!
//! The revision is the truth. A [`Store`] asks for it, and if it is another than before, for the rows that have a later one than it
//! has seen, both in one transaction: what it lists is what was there at one revision, so that replicas at the same revision have
//! the same snapshot and the same digest. Where many rows have changed, what they say is asked for some thousands at a time while
//! they are parsed, by the revisions that were listed: of what has been changed since, the history has it. Where few have, only these are
//! told, with what they say and where they stand (`lately`), so that nobody need look at all others. NOTIFY is a hint, like
//! an event of a file system: what is sent while nobody listens is lost, and PgBouncer does not pass it on; whoever begins to
//! listen sends himself one, to see whether anything arrives. So there is a look at every hint, after each time that the connection
//! for them was made anew, and every few seconds besides.
//!
//! # How a change is made
//!
//! A change is judged by the set in force, before anything is locked. Behind the head's lock, while nobody can change anything,
//! is seen whether that is what the store holds still. If others have come since, it is held against those; if that is not
//! enough, the lock is given back, the replica catches up and judges anew. The collision is proved in memory, on the
//! regexes; no constraint of a database could say it. What is accepted is written before the lock is given back ([`Gate`]).
//!
//! ```text
//! judge ─► begin, lock the head, what has come since ─► row, history, head + 1, notify, commit
//!   5 s      5 s at most │ refused: rollback, with the findings
//!   ▲                    │ more has come than can be judged at once: rollback
//!   └────── catch up ────┘ at most three times, then behind the lock
//! ```
//!
//! Where many are changed at once (`store import`), they are loaded and compared before, with what is in force then, so that the lock
//! is held for what has come since alone ([`rehearse`]).
//!
//! Under READ COMMITTED, what a statement that has waited for a lock sees of other tables is from before it waited: the row is read
//! by a statement of its own. Who is lost while he holds the lock is cut off by the database, and nothing of his is written. Who is
//! lost while he commits does not know, and asks again, which makes nothing twice.
//!
//! # Whose it is
//!
//! Whether something collides depends on the homeserver: by another name than the regexes are of, or by another homeserver's rules,
//! nothing might. So the store keeps of which it is: of the first service that may write to it, or of whoever is first to change
//! something; and whoever says another then neither answers by it nor changes it, until [it is made another's](assign())
//! by somebody who means that. Whoever only has a look may do so by others' rules, which is how it is seen what these would make of it.
//!
//! # What is not believed
//!
//! A row that was removed is there until it is purged, so whatever is gone without one was not removed by anybody; and of the
//! last revision that was read, the history has a random mark, so that a backup that was put back, or another database in its place, is
//! not taken for the same store further on; with a state directory not after a restart either, since the revision and its mark are
//! kept there. In both cases there is no listing, and what is in force stays, until somebody says that what is there is meant: nothing
//! but a decision sets a name free. What was decided is on record, and needs no grace ([`crate::source::Recorded`]).
//!
//! # What is forgotten
//!
//! What has not been in force since long ago can be [purged](purge()): what registrations were before, and the rows of what was removed.
//! `head.purged` says up to which revision. Whoever has read the store last before that reads all again; what he knew and is gone was
//! removed if the history has nothing of it any more, and has gone by accident, or by somebody's hand, if it has. So a purge never
//! takes that with it: where a row is not what the history says, it stops. Of each change the mark remains, by which whoever has been
//! away for long still knows the store again.
//!
//! # What waits for what
//!
//! Whoever asks the database has a time for it, and gives the connection up when that is over: behind a firewall that drops packets
//! nothing else would end the waiting. Nothing of a session goes on while nobody asks, so whoever gives one up ends it, lest what it
//! has locked stay so until he asks again. What is asked goes without names for prepared statements and without settings of a session,
//! which PgBouncer in transaction mode would give to another. When the service is to stop, it has two seconds instead of ten.

mod address;
mod error;
mod gate;
mod judge;
mod lately;
mod listener;
mod metrics;
mod mirror;
mod provider;
mod purge;
mod record;
mod rows;
mod schema;
mod session;
mod whose;

pub use address::{Address, Given, Unusable};
pub use error::StoreError;
pub use gate::{Change, Condition, Gate, Judge, JudgeAll, Judged, MAX_BY, Outcome, Several, Terms, Verdict};
pub use judge::{
    Bench, Loaded, Objection, bears, can_judge, is_collision, is_in_force, judge, judge_all, judgeable, load_all,
    rehearse,
};
pub use mirror::Revision;
pub use provider::Store;
pub use purge::{Purged, purge};
pub use record::{Back, Earlier, Entry, Kept, back_to, history, kept};
pub use schema::{Migrated, migrate};
pub use whose::{Assigned, Reader, Whose, assign};
