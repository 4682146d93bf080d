//! From the bytes of a registration file to a [`Registration`] with source positions, or to every fault in it.

mod address;
mod draft;
mod entry;
mod extra;
mod facts;
mod fault;
mod homeserver;
mod load;
mod messages;
mod model;
mod namespaces;
mod options;
mod redact;
mod regex;
mod token;
mod warnings;

pub use entry::{Entry, Namespaces};
pub use facts::FileFacts;
pub use fault::{Fault, FaultCode};
pub use homeserver::{HomeserverConfig, HomeserverConfigError, homeserver_config};
pub use load::load;
pub use model::{Loaded, Registration, Warning, WarningCode};
pub use pyyaml::Place;
pub use regex::ValidRegex;
pub use token::{Token, TokenDigest, TokenHasher};
