use std::fmt;

use super::{Checks, Join, Precedence, Syntax, synapse};

/// How a kind of homeserver reads registrations and decides: a row of parameters. One pointer; two are equal when they
/// have the same name.
#[derive(Clone, Copy)]
pub struct Dialect(&'static Row);

/// The parameters of a dialect.
pub(super) struct Row {
    /// As it stands in options and digests.
    pub(super) name: &'static str,
    /// What the homeserver is called in a sentence.
    pub(super) homeserver: &'static str,
    /// How the regex of an entry is read.
    pub(super) syntax: Syntax,
    /// Which of a list's entries that match decides.
    pub(super) precedence: Precedence,
    /// What it makes of the regexes of all files together.
    pub(super) join: Option<Join>,
    /// Whether something may stand behind the colon of an alias that is asked about.
    pub(super) is_server_name: fn(&str) -> bool,
    /// What is checked, and in which order.
    pub(super) checks: Checks,
    /// What becomes of two files that cannot both load, as a sentence without an end.
    pub(super) collision: &'static str,
}

impl Dialect {
    /// The name, as it stands in options; part of a snapshot's digest, so that two dialects never look alike.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// What a homeserver that speaks it is called in a sentence.
    #[must_use]
    pub const fn homeserver(self) -> &'static str {
        self.0.homeserver
    }

    /// How the regex of an entry is read.
    #[must_use]
    pub const fn syntax(self) -> Syntax {
        self.0.syntax
    }

    /// Which of a list's entries that match decides.
    #[must_use]
    pub const fn precedence(self) -> Precedence {
        self.0.precedence
    }

    /// What the homeserver makes of the regexes of all files together, if it makes anything.
    #[must_use]
    pub const fn join(self) -> Option<&'static Join> {
        self.0.join.as_ref()
    }

    /// Whether the homeserver takes something for the name of a server, its own or another.
    #[must_use]
    pub fn is_server_name(self, name: &str) -> bool {
        (self.0.is_server_name)(name)
    }

    /// What is checked when somebody asks, and in which order.
    #[must_use]
    pub const fn checks(self) -> &'static Checks {
        &self.0.checks
    }

    /// What the homeserver does about two files of which only one can load, as a sentence without an end.
    #[must_use]
    pub const fn collision(self) -> &'static str {
        self.0.collision
    }
}

#[cfg(test)]
impl Dialect {
    /// A dialect of which no homeserver is known: the default one, but exclusive entries come first, whatever the order of
    /// the file.
    pub(crate) fn exclusive_first() -> Self {
        static ROW: Row = Row { name: "exclusive-first", precedence: Precedence::ExclusiveFirst, ..synapse::ROW };
        Self(&ROW)
    }
}

impl Default for Dialect {
    fn default() -> Self {
        static ROW: Row = synapse::ROW;
        Self(&ROW)
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Dialect {}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
