//! Who the homeserver is: its name, and the dialect by which it reads registrations and decides.
//!
//! # A dialect is a row of parameters
//!
//! Homeservers differ in few places, and in each of them only so much: a [`Dialect`] is one value for each place, not a fork
//! of the code. The rooms above ask the row and do nothing for the sake of a homeserver's name; only the room named after
//! it does.
//!
//! | parameter | who asks it | what it says |
//! |---|---|---|
//! | name | `snapshot::digest`, options | two dialects never look alike |
//! | loader | `registration` | which library reads the text, at which release, and what the homeserver wants of what comes out |
//! | set | `snapshot`, `registration` | what becomes of a file, and of the others, when one does not load or two do not together |
//! | scope, sender | `ruling`, `index` | whether an entry can bind a user of another server; which IDs a service's own user has |
//! | syntax | `registration`, through `ValidRegex` | whose syntax a regex is, where in an ID it is looked for, and whether capitals matter; what comes of it is a [`python_re::Pattern`] that says what is claimed on the whole ID |
//! | precedence | `index`, `analysis`, `ruling` | in which order the entries of a list are asked. An entry's [`Rank`] is its place in it, so that *the first that matches decides* is the one rule everywhere, whatever "first" means |
//! | checks | `ruling` | what is checked when somebody asks, in which order; what each check does is said once, in `ruling` |
//! | join | `analysis` | what the homeserver makes of the regexes of all files together |
//! | sentences | faults and findings | what the homeserver would do, in its name |
//!
//! # How to add one
//!
//! 1. A room beside `synapse/`, with a row of its own and what only that homeserver does: its
//!    orders of checks, each with the function of the homeserver that it was taken from.
//! 2. If a parameter does not reach: a new variant of [`Precedence`], [`UserCheck`] or [`AliasCheck`], or a new parameter.
//!    The compiler names the places that must say what it means (`Precedence::rank` and `reason`; `ruling::user`,
//!    `ruling::alias`). A precedence is a total order of the entries of one list; a rule that looks at two lists at once is
//!    not one.
//! 3. A line in [`Dialect::ALL`].
//! 4. An oracle that asks the homeserver itself, over HTTP, as `oracle/endpoints.py` does, and its recorded cases in
//!    `tests/it/ruling.rs`. The property test in `index` runs the new precedence against a naive walk.
//!
//! A pattern for what the homeserver would find *anywhere* in an ID, or in any case of letters, is no worse for the index than
//! another: see there. What reads a new syntax gives regex-syntax's `Hir` for it, as `go-re2` does, or a tree of python-re.

mod checks;
mod conduit;
mod continuwuity;
mod dendrite;
mod dialect;
mod join;
mod loader;
mod palpo;
mod precedence;
mod ruma;
mod scope;
mod several;
mod spec;
mod synapse;
mod syntax;
mod tuwunel;

use std::str::FromStr;

pub use checks::{
    Account, ActingCheck, ActingFlow, AliasCheck, AliasFlow, Case, Check, Checks, Named, Refuses, Step, UserCheck,
    UserFlow,
};
pub use dialect::{Dialect, UnknownDialect};
pub use join::{Broken, Join};
pub use loader::{Consequence, First, Library, Loader, SenderRule, SetRules, Toml};
pub use precedence::{Precedence, Rank};
pub use scope::{Scope, Sender};
pub use several::Several;
pub use syntax::{Anchor, Engine, RegexError, RustRelease, Syntax};

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
