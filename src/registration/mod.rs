//! From the bytes of a registration file to a [`Registration`] with source positions, or to every fault in it.

mod address;
mod advice;
mod entry;
mod facts;
mod fault;
mod homeserver;
mod load;
mod model;
mod namespaces;
mod options;
mod regex;
mod sheet;
mod shown;
mod strength;
mod token;

pub use entry::{Entry, Namespaces};
pub use facts::FileFacts;
pub use fault::{Fault, FaultCode};
pub use homeserver::{HomeserverConfig, HomeserverConfigError, homeserver_config};
pub use load::load;
pub use model::{Loaded, Registration, Warning, WarningCode};
pub use pyyaml::Place;
pub use regex::ValidRegex;
pub use token::{Token, TokenDigest, TokenHasher};
