//! bailiwick knows who owns which part of a Matrix homeserver's namespace.
//!
//! It reads the registrations of application services, compiles what they claim into one index, and answers who
//! owns an ID and who may register it, exactly as Synapse would. The rooms of the house are layered one way; each
//! knows only those listed after it:
//!
//! * [`cli`] and [`http`]: one file for each command and each endpoint, thin.
//! * [`watch`]: a directory becomes a scan, a scan a new snapshot, and that is swapped in at once.
//! * [`telemetry`]: metrics and logging.
//! * [`snapshot`]: what is loaded, immutable: files and their states, services, index, digest.
//! * [`analysis`]: findings about a set of registrations, and the difference between two sets.
//! * [`ruling`]: ownership and decisions, from claims.
//! * [`index`]: from an ID to claims.
//! * [`registration`]: from bytes to a registration with source positions, or to faults.
//! * [`matrix`]: IDs, grammar, error codes.

pub mod analysis;
pub mod cli;
pub mod http;
pub mod index;
pub mod matrix;
pub mod registration;
pub mod ruling;
pub mod snapshot;
pub mod telemetry;
pub mod watch;
