//! What a bridge calls its users and rooms, and what its registration claims, as languages.

use super::super::Code;
use super::super::examiner::{Examiner, Pass};
use super::super::finding::{Finding, FindingPlace, Severity, Witness, shown};
use super::super::id_space::class_of;
use super::super::search::{LimitReached, is_within, shortest};
use super::super::term::{EMPTY, Term};
use super::BridgePair;
use crate::homeserver::Homeserver;
use crate::matrix::Kind;
use crate::registration::{Filling, Made, Names, Part, Registration};

impl BridgePair<'_> {
    /// What lies outside of the registration.
    pub(super) fn names(&self, examiner: &mut Examiner<'_>) -> Vec<Finding> {
        self.config.names.iter().filter_map(|names| self.outside(&mut examiner.pass(), names)).collect()
    }

    fn outside(&self, pass: &mut Pass<'_>, names: &Names) -> Option<Finding> {
        let at = |code, severity, message| self.finding(code, severity, names.place, message).on(names.kind);
        if let Made::One(why) = names.made {
            let message = format!("`{}` is one name for everybody: {why}", shown(&names.written));
            return Some(at(Code::BridgeNamespace, Severity::Error, message));
        }
        let server = self.homeserver.name.as_str();
        // One that takes the homeserver for another is told so, and its registration may be right about that or not.
        let other = self.config.domain.as_ref().map(|said| &*said.value).filter(|said| *said != server);
        let mut found = pass.outside(self, names, server);
        if let Some(other) = other
            && !matches!(found, Ok(None))
            && matches!(pass.outside(self, names, other), Ok(None))
        {
            found = Ok(None);
        }
        match found {
            Ok(outside) => outside.map(|outside| {
                let (severity, message) = self.told(names, &outside);
                let finding = at(Code::BridgeNamespace, severity, message).at(self.nearest(names));
                finding.proved_by(Some(outside.witness))
            }),
            Err(Unknown) => {
                let message = format!(
                    "whether all that `{}` makes lies in `{}` is not known: one of the two does more than can be compared",
                    shown(&names.written),
                    shown(self.registration.id())
                );
                Some(at(Code::NotCompared, Severity::Note, message))
            }
        }
    }

    fn told(&self, names: &Names, Outside { witness, how }: &Outside) -> (Severity, String) {
        let (what, so) = match names.kind {
            Kind::User => ("users", "register"),
            _ => ("rooms", "create"),
        };
        let (id, witness) = (shown(self.registration.id()), &witness.id);
        match how {
            How::All => (
                Severity::Error,
                format!(
                    "the bridge calls its {what} `{witness}` and the like, none of which `{id}` claims: it could {so} none"
                ),
            ),
            How::Some => (
                Severity::Warning,
                format!("`{id}` does not claim all that the bridge may call its {what}: it could not {so} `{witness}`"),
            ),
            How::AllButDigits => (
                Severity::Note,
                format!(
                    "`{id}` claims what the bridge calls its {what} if all are digits: it could not {so} `{witness}`"
                ),
            ),
        }
    }

    /// The entry that begins most as the names do: the one that was meant.
    pub(super) fn nearest(&self, names: &Names) -> FindingPlace {
        let begins = match &names.made {
            Made::Localparts(parts) => match parts.first() {
                Some(Part::Text(text)) => format!("{}{text}", names.kind.sigil()),
                _ => names.kind.sigil().to_string(),
            },
            _ => names.written.clone(),
        };
        let entries = self.registration.entries(names.kind);
        let alike = |regex: &str| {
            let regex = regex.trim_start_matches('^').trim_start_matches('\\').chars();
            regex.zip(begins.chars()).take_while(|(a, b)| a == b).count()
        };
        // Of several that begin alike the first that stands for more than one name.
        let is_open = |regex: &str| regex.contains(['*', '+']);
        let likeness = |regex: &str| std::cmp::Reverse((alike(regex), is_open(regex)));
        let nearest = (0u32..).zip(entries).min_by_key(|(_, entry)| likeness(&entry.regex));
        match nearest {
            Some((index, _)) => FindingPlace::entry(self.registration, names.kind, index),
            None => self.there("namespaces"),
        }
    }
}

/// An ID that the bridge makes and the registration does not claim, and which others it does.
struct Outside {
    witness: Witness,
    how: How,
}

/// How much of what the bridge makes is not claimed.
enum How {
    All,
    Some,
    /// What is made with a name of digits is claimed, as the names of many networks are.
    AllButDigits,
}

/// It is not known, within the limits or at all.
struct Unknown;

impl From<LimitReached> for Unknown {
    fn from(_: LimitReached) -> Self {
        Self
    }
}

impl<'a> Pass<'a> {
    fn outside(&mut self, pair: &BridgePair<'_>, names: &Names, server: &str) -> Result<Option<Outside>, Unknown> {
        let made = self.made_by(pair.homeserver, names, server, None).ok_or(Unknown)?;
        let (claimed, is_known) = self.claims_of(pair.homeserver, pair.registration, names.kind);
        let outside = self.terms.without(made, claimed);
        let witness = match self.witness(names.kind, outside)? {
            Some(witness) => witness,
            None if shortest(&mut self.terms, outside)?.is_none() => return Ok(None),
            // Of a kind that no ID is.
            None => return Err(Unknown),
        };
        if !is_known {
            return Err(Unknown);
        }
        let inside = self.terms.and([made, claimed]);
        let how = if shortest(&mut self.terms, inside)?.is_none() {
            How::All
        } else {
            let digits = self.made_by(pair.homeserver, names, server, Some(Filling::Digit)).ok_or(Unknown)?;
            let all_digits = digits != made && is_within(&mut self.terms, digits, claimed)?;
            if all_digits { How::AllButDigits } else { How::Some }
        };
        Ok(Some(Outside { witness, how }))
    }

    /// The IDs that a template makes on a server, perhaps with something else in the place of any name; `None` if that is not
    /// known.
    pub(super) fn made_by(
        &mut self,
        homeserver: &Homeserver,
        names: &Names,
        server: &str,
        filling: Option<Filling>,
    ) -> Option<Term<'a>> {
        match &names.made {
            Made::Localparts(parts) => {
                let sigil = self.terms.char(names.kind.sigil());
                let behind = self.terms.literal(&format!(":{server}"));
                let localpart = parts.iter().rev().fold(EMPTY, |rest, part| {
                    let first = match part {
                        Part::Text(text) => self.terms.literal(text),
                        Part::Any(own) => {
                            let of = filling.filter(|_| *own == Filling::Name).unwrap_or(*own);
                            let chars = class_of(&mut self.terms, |c| of.holds(c));
                            self.terms.repeat(chars, 1, None)
                        }
                    };
                    self.terms.concat(first, rest)
                });
                let rest = self.terms.concat(localpart, behind);
                Some(self.terms.concat(sigil, rest))
            }
            Made::Regex(regex) => self.language_of_regex_in(homeserver, names.kind, regex.borrowed()),
            Made::One(_) | Made::Unknown => None,
        }
    }

    /// What a registration claims of a kind, exclusively or not, and whether that is all.
    pub(super) fn claims_of(
        &mut self,
        homeserver: &Homeserver,
        registration: &Registration,
        kind: Kind,
    ) -> (Term<'a>, bool) {
        let mut parts = Vec::new();
        if kind == Kind::User {
            parts.push(self.sender(homeserver, registration));
        }
        let mut is_known = true;
        for entry in registration.entries(kind) {
            match self.language_of_regex_in(homeserver, kind, entry.regex) {
                Some(claimed) => parts.push(claimed),
                None => is_known = false,
            }
        }
        (self.terms.or(parts), is_known)
    }

    /// The users that a registration holds exclusively, as far as that is known.
    pub(super) fn held_of_one(&mut self, homeserver: &Homeserver, registration: &Registration) -> Term<'a> {
        let entries = registration.entries(Kind::User).iter().filter(|entry| entry.exclusive);
        let parts: Vec<Term<'a>> =
            entries.filter_map(|entry| self.language_of_regex_in(homeserver, Kind::User, entry.regex)).collect();
        self.terms.or(parts)
    }
}
