use std::fmt;
use std::str::FromStr;

use super::{
    Checks, Consequence, Join, Loader, Precedence, Scope, Sender, SetRules, Syntax, UserCheck, conduit, continuwuity,
    dendrite, palpo, spec, synapse, tuwunel,
};

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
    /// The release that the row was taken from.
    pub(super) release: &'static str,
    /// How the bytes of a file become a registration.
    pub(super) loader: Loader,
    /// What becomes of files that do not load, or not together.
    pub(super) set: SetRules,
    /// How the regex of an entry is read.
    pub(super) syntax: Syntax,
    /// Which users the entries can bind.
    pub(super) scope: Scope,
    /// Which IDs a service's own user has.
    pub(super) sender: Sender,
    /// Which of a list's entries that match decides.
    pub(super) precedence: Precedence,
    /// What it makes of the regexes of all files together.
    pub(super) join: Option<Join>,
    /// Whether something may stand behind the colon of an alias that is asked about.
    pub(super) is_server_name: fn(&str) -> bool,
    /// What is checked, and in which order.
    pub(super) checks: Checks,
    /// Another way to read what it leaves open.
    pub(super) other_reading: Option<&'static Self>,
}

static SYNAPSE: Row = synapse::ROW;

impl Dialect {
    /// All that can be asked for, the default first.
    pub const ALL: [Self; 9] = [
        Self(&SYNAPSE),
        Self(&dendrite::ROW),
        Self(&tuwunel::ROW),
        Self(&continuwuity::ROW),
        Self(&conduit::ROW),
        Self(&palpo::ROW),
        Self(&palpo::SINCE_421),
        Self(&spec::ROW),
        Self(&spec::ANYWHERE),
    ];

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

    /// The release that its row was taken from.
    #[must_use]
    pub const fn release(self) -> &'static str {
        self.0.release
    }

    /// How the bytes of a file become a registration.
    #[must_use]
    pub const fn loader(self) -> Loader {
        self.0.loader
    }

    /// What becomes of files that do not load, or not together.
    #[must_use]
    pub const fn set(self) -> SetRules {
        self.0.set
    }

    /// How the regex of an entry is read.
    #[must_use]
    pub const fn syntax(self) -> Syntax {
        self.0.syntax
    }

    /// Which users the entries can bind.
    #[must_use]
    pub const fn scope(self) -> Scope {
        self.0.scope
    }

    /// Which IDs a service's own user has.
    #[must_use]
    pub const fn sender(self) -> Sender {
        self.0.sender
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

    /// What a fault says that ends with what the homeserver does then, and that.
    #[must_use]
    pub fn without_consequence(self, fault: &str) -> (&str, Option<Consequence>) {
        let SetRules { same_id, same_token, answers: _, broken, bad_regex, bad_sender } = self.set();
        for consequence in [same_id, same_token, broken, bad_regex, bad_sender] {
            let would = self.would(consequence);
            if let Some(rest) = fault.strip_suffix(&would).and_then(|rest| rest.strip_suffix("; ")) {
                return (rest, Some(consequence));
            }
        }
        (fault, None)
    }

    /// How many services must hold a user exclusively, the one that asks among them, before one whose user it is as well may
    /// not register it; `None` if that stands in no service's way.
    #[must_use]
    pub fn holders_in_the_way(self) -> Option<u8> {
        let steps = self.0.checks.service.steps;
        let has = |check| steps.iter().any(|step| step.check == check);
        has(UserCheck::NotReserved).then_some(1).or_else(|| has(UserCheck::NotReservedTwice).then_some(2))
    }

    /// Another way to read what this one leaves open: where the two answer otherwise, nobody can say what is right.
    #[must_use]
    pub fn other_reading(self) -> Option<Self> {
        self.0.other_reading.map(Self)
    }

    /// Whether two services may have the same token, of whom the first answers to it.
    #[must_use]
    pub fn shares_tokens(self) -> bool {
        self.set().same_token == Consequence::LoadsBoth
    }

    /// What the homeserver does, as a sentence without an end.
    #[must_use]
    pub fn would(self, consequence: Consequence) -> String {
        format!("{} {}", self.homeserver(), consequence.would())
    }
}

#[cfg(test)]
impl Dialect {
    /// A dialect that reads regexes so, and is the default one else. Not given back: for tests.
    pub(crate) fn reading(syntax: Syntax) -> Self {
        Self(Box::leak(Box::new(Row { name: "reading", syntax, ..synapse::ROW })))
    }

    /// A dialect of which no homeserver is known: the default one, but exclusive entries come first, whatever the order of
    /// the file.
    pub(crate) fn exclusive_first() -> Self {
        static ROW: Row = Row { name: "exclusive-first", precedence: Precedence::ExclusiveFirst, ..synapse::ROW };
        Self(&ROW)
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Self(&SYNAPSE)
    }
}

/// A name that is no dialect's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no homeserver that is known here; known are {}", known())]
pub struct UnknownDialect {
    name: String,
}

impl UnknownDialect {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn known() -> String {
    Dialect::ALL.map(|dialect| format!("`{}`", dialect.name())).join(", ")
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|dialect| dialect.name() == name);
        found.ok_or_else(|| UnknownDialect { name: name.to_owned() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_checked_is_said_somewhere() {
        for dialect in Dialect::ALL {
            let Checks { person, availability, administrator, service, login, password, acting, .. } = dialect.checks();
            let users = [person, availability, administrator, service, login, password].map(|flow| flow.source);
            let Checks { alias_of_person, alias_of_new_room, alias_of_service, .. } = dialect.checks();
            let Checks { alias_deleted_by_person, alias_deleted_by_service, .. } = dialect.checks();
            let made = [alias_of_person, alias_of_new_room, alias_of_service].map(|flow| flow.source);
            let deleted = [alias_deleted_by_person, alias_deleted_by_service].map(|flow| flow.source);
            let all = [&users[..], &made, &deleted, &[acting.source]].concat();
            assert!(all.iter().all(|source| !source.is_empty()), "{dialect:?}: {all:?}");
        }
    }

    #[test]
    fn a_dialect_is_found_by_its_name_and_no_two_have_the_same() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.name().parse(), Ok(dialect));
        }
        assert_eq!(Dialect::ALL[0], Dialect::default());
        assert!("construct".parse::<Dialect>().is_err_and(|error| error.to_string().contains("`tuwunel`")));
    }
}
