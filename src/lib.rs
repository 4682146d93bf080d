//! bailiwick knows who owns which part of a Matrix homeserver's namespace.
//!
//! It reads the registrations of application services, compiles what they claim into one index, and answers who
//! owns an ID and who may register it, exactly as Synapse would. The rooms of the house are layered one way; each
//! knows only those listed after it:
//!
//! * [`cli`] and [`http`]: one file for each command and each endpoint, thin.
//! * [`page`]: the files of the page that operators look at.
//! * [`store`]: registrations in PostgreSQL, with the feature `postgres`.
//! * [`reload`]: when to look again, and how a scan becomes a new snapshot, swapped in at once.
//! * [`kept`]: copies of what is in force, for the next start.
//! * [`reloadable_files`]: small files of tokens and certificates, read again when they change.
//! * [`source`]: where registrations come from: directories, files, lists of files.
//! * [`export`]: reserved names in the forms of other programs.
//! * [`snapshot`]: what is in force, immutable: files and their states, services, index, digest.
//! * [`analysis`]: findings about a set of registrations, and the difference between two sets.
//! * [`ruling`]: ownership and decisions, from claims.
//! * [`index`]: from an ID to claims.
//! * [`registration`]: from bytes to a registration with source positions, or to faults.
//! * [`homeserver`]: who the homeserver is: its name and its dialect.
//! * [`matrix`]: IDs, grammar, error codes.
//! * [`telemetry`]: the registry of metrics, and logging.
//! * [`priority`]: which threads stand back behind which.
//! * [`pulse`]: which threads are alive and get on with what they do.
//! * [`list`]: a list of which a copy shares all that is not changed in it.

// Who reads this changes the code: it is built with all that is private (`.ci/run doc`).
#![allow(rustdoc::private_intra_doc_links)]

pub mod analysis;
pub mod cli;
pub mod export;
pub mod homeserver;
pub mod http;
pub mod index;
pub mod kept;
pub mod list;
pub mod matrix;
pub mod page;
pub mod priority;
pub mod pulse;
pub mod registration;
pub mod reload;
pub mod reloadable_files;
pub mod ruling;
pub mod snapshot;
pub mod source;
#[cfg(feature = "postgres")]
pub mod store;
pub mod telemetry;
