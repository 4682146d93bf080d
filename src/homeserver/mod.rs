//! Who the homeserver is: its name, and the dialect by which it reads registrations and decides.
//!
//! A dialect is a row of parameters ([`Dialect`]), not a fork of the code: how a regex is read, which of a list's entries
//! comes first, which checks are made in which order, what one broken entry does to the others. The rooms above ask the
//! row, and know no homeserver by its name; the room named after a homeserver is the only place that does.

mod checks;
mod dialect;
mod join;
mod precedence;
mod synapse;

use std::str::FromStr;

pub use checks::{AliasCheck, Checks, UserCheck};
pub use dialect::Dialect;
pub use join::{Broken, Join};
pub use precedence::{Precedence, Rank};

use crate::matrix::{ServerName, ServerNameError};

/// The homeserver whose answers are given. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Homeserver {
    /// Its name, as it stands after the colon of its users' IDs.
    pub name: ServerName,
    /// How it reads registrations and decides.
    pub dialect: Dialect,
}

impl Homeserver {
    /// A homeserver of this name that speaks a dialect.
    #[must_use]
    pub const fn new(name: ServerName, dialect: Dialect) -> Self {
        Self { name, dialect }
    }
}

impl From<ServerName> for Homeserver {
    /// A homeserver of this name that speaks the default dialect.
    fn from(name: ServerName) -> Self {
        Self::new(name, Dialect::default())
    }
}

impl FromStr for Homeserver {
    type Err = ServerNameError;

    /// Reads the name; the dialect is the default one.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        name.parse::<ServerName>().map(Self::from)
    }
}
