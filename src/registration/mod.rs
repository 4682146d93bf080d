//! From the bytes of a registration file to a [`Registration`] with source positions, or to every fault in it.

mod entry;
mod fault;
mod load;
mod model;
mod token;

pub use entry::{Entry, Namespaces, Place};
pub use fault::{Fault, FaultCode};
pub use load::load;
pub use model::{Loaded, Registration, Warning, WarningCode};
pub use token::{Token, TokenDigest, TokenHasher};
