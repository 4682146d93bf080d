//! Two entries, held against each other.

use super::budget::MAX_SOURCE;
use super::finding::{Code, Finding, FindingPlace, Relation, Severity, WitnessIs};
use super::language::language;
use super::prepared::{PreparedEntry, can_meet};
use super::search::{LimitReached, is_within, shortest};
use super::single::Examiner;
use super::term::{Arena, NEVER, Term};
use crate::matrix::{Kind, user_id};
use crate::registration::Registration;

/// An entry of a registration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compared<'r> {
    pub(super) registration: &'r Registration,
    pub(super) kind: Kind,
    pub(super) index: u32,
    /// All entries of the registration, and which of them this is.
    entries: &'r [PreparedEntry],
    at: usize,
}

impl<'r> Compared<'r> {
    pub(super) fn new(registration: &'r Registration, entries: &'r [PreparedEntry], at: usize) -> Self {
        let PreparedEntry { kind, index, .. } = entries[at];
        Self { registration, kind, index, entries, at }
    }
}

/// Two entries were not compared, since there was no time left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLate;

/// Whether entries count with all that they match, or with what the earlier entries of their file leave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Both with what is left.
    Effective,
    /// The first with what is left of it, the second with all: does the first decide for some of the second?
    FirstEffective,
}

/// What two entries have in common.
#[derive(Clone, Debug)]
pub(super) struct Meeting {
    pub(super) witness: String,
    pub(super) witness_is: WitnessIs,
    pub(super) relation: Relation,
}

impl Examiner<'_> {
    /// Whether two entries meet in an ID.
    pub(super) fn meeting(
        &mut self,
        a: Compared<'_>,
        b: Compared<'_>,
        scope: Scope,
    ) -> Result<Option<Meeting>, LimitReached> {
        self.tidy();
        let Some(of_a) = self.what_is_left_of(a)? else { return Ok(None) };
        let of_b = if scope == Scope::Effective {
            self.what_is_left_of(b)?
        } else {
            self.language_of(b.registration, &b.entries[b.at])
        };
        let Some(of_b) = of_b else { return Ok(None) };
        let universe = self.universe(a.kind);
        let mut both = self.arena.and([of_a, of_b, universe.all]);
        if a.kind == Kind::User {
            // Their own users are theirs in any case, and findings of their own.
            for entry in [a, b] {
                let sender = user_id(&entry.registration.sender_localpart, self.homeserver.name.as_str());
                let sender = self.arena.literal(&sender);
                let others = self.arena.not(sender);
                both = self.arena.and([both, others]);
            }
        }
        if both == NEVER || shortest(&mut self.arena, both)?.is_none() {
            return Ok(None);
        }
        let tries = [
            (universe.valid, WitnessIs::Valid),
            (universe.historical, WitnessIs::Historical),
            (universe.remote, WitnessIs::Remote),
        ];
        for (within, witness_is) in tries {
            let here = self.arena.and([both, within]);
            if let Some(witness) = shortest(&mut self.arena, here)? {
                // Among which IDs the one contains the other: those of this server, if any of them proves it.
                let among = if witness_is == WitnessIs::Remote { within } else { universe.historical };
                let relation = relation(&mut self.arena, of_a, of_b, among)?;
                return Ok(Some(Meeting { witness, witness_is, relation }));
            }
        }
        Ok(None)
    }

    /// All that an entry matches; remembered. `None` if its language is not known.
    fn language_of(&mut self, registration: &Registration, entry: &PreparedEntry) -> Option<Term> {
        let key = (std::ptr::from_ref(registration) as usize, entry.kind, entry.index);
        if let Some(&known) = self.languages.get(&key) {
            return known;
        }
        let regex = &registration.namespaces.of(entry.kind)[entry.index as usize].regex;
        self.arena.step(regex.len() as u64);
        let pattern =
            if regex.len() > MAX_SOURCE { None } else { self.homeserver.dialect.parse(entry.kind, regex).ok() };
        let language = pattern.and_then(|pattern| language(&mut self.arena, pattern.ast()));
        self.languages.insert(key, language);
        language
    }

    /// What the earlier entries of its file leave of an entry; remembered. What an earlier entry leaves is not known if
    /// its language is not: then nothing is said.
    fn what_is_left_of(&mut self, entry: Compared<'_>) -> Result<Option<Term>, LimitReached> {
        let key = (std::ptr::from_ref(entry.registration) as usize, entry.kind, entry.index);
        if let Some(&known) = self.remainders.get(&key) {
            return Ok(known);
        }
        let this = &entry.entries[entry.at];
        let mut parts: Vec<Term> = self.language_of(entry.registration, this).into_iter().collect();
        if !parts.is_empty() {
            for earlier in &entry.entries[..entry.at] {
                self.arena.step(1 + earlier.prefixes.len() as u64);
                if self.arena.is_late() {
                    return Err(LimitReached);
                }
                if !can_meet(earlier, this) {
                    continue;
                }
                match self.language_of(entry.registration, earlier) {
                    Some(earlier) => parts.push(self.arena.not(earlier)),
                    None => {
                        parts.clear();
                        break;
                    }
                }
            }
        }
        let left = if parts.is_empty() { None } else { Some(self.arena.and(parts)) };
        self.remainders.insert(key, left);
        Ok(left)
    }

    /// What comes of two entries of different services; `a` comes first in load order.
    pub(super) fn collision(&mut self, a: Compared<'_>, b: Compared<'_>) -> Result<Option<Finding>, TooLate> {
        let exclusive =
            |entry: Compared<'_>| entry.registration.namespaces.of(entry.kind)[entry.index as usize].exclusive;
        let (code, first, second) = match (exclusive(a), exclusive(b)) {
            (true, true) => (Code::ExclusiveConflict, a, b),
            (false, true) => (Code::BlockedByExclusive, a, b),
            (true, false) => (Code::BlockedByExclusive, b, a),
            (false, false) => return Ok(None),
        };
        let severity = match (code, a.kind) {
            // Nobody registers a room: Synapse gives exclusive rooms no effect.
            (_, Kind::Room) => Severity::Note,
            (Code::ExclusiveConflict, _) => Severity::Error,
            _ => Severity::Warning,
        };
        let places = [first, second].map(|entry| FindingPlace::entry(entry.registration, entry.kind, entry.index));
        let (severity, relation, witness, message) = match self.meeting(first, second, Scope::Effective) {
            Ok(None) => return Ok(None),
            Ok(Some(meeting)) => {
                let message = message(code, first, second, &meeting);
                let severity = match meeting.witness_is {
                    WitnessIs::Valid => severity,
                    WitnessIs::Historical => severity.less(),
                    WitnessIs::Remote => Severity::Note,
                };
                (severity, Some(meeting.relation), Some((meeting.witness, meeting.witness_is)), message)
            }
            Err(LimitReached) if self.arena.is_late() => return Err(TooLate),
            Err(LimitReached) => {
                let message = format!(
                    "whether `{}` and `{}` claim the same {}s could not be decided within the limits",
                    first.registration.id, second.registration.id, a.kind
                );
                (severity.less(), None, None, message)
            }
        };
        let (witness, witness_is) = witness.map(|(witness, is)| (witness.into(), is)).unzip();
        Ok(Some(Finding {
            code,
            severity,
            kind: Some(a.kind),
            relation,
            witness,
            witness_is,
            message: message.into(),
            places: places.into(),
        }))
    }
}

fn message(code: Code, first: Compared<'_>, second: Compared<'_>, meeting: &Meeting) -> String {
    let (a, b, witness) = (&first.registration.id, &second.registration.id, &meeting.witness);
    let which = match meeting.witness_is {
        WitnessIs::Valid => "",
        WitnessIs::Historical => ", an ID as only a service can make it,",
        WitnessIs::Remote => ", an ID of another server,",
    };
    match (code, first.kind) {
        (_, Kind::Room) => {
            format!("`{a}` and `{b}` both claim the room `{witness}`{which}; Synapse gives exclusive rooms no effect")
        }
        (Code::ExclusiveConflict, _) if meeting.witness_is == WitnessIs::Remote => {
            format!("`{a}` and `{b}` both claim `{witness}`{which} exclusively; no ID of this server is concerned")
        }
        (Code::ExclusiveConflict, Kind::User) => {
            format!("`{a}` and `{b}` both claim `{witness}`{which} exclusively: nobody can register it")
        }
        (Code::ExclusiveConflict, _) => {
            format!(
                "`{a}` and `{b}` both claim `{witness}`{which} exclusively: whichever does not come first cannot create it"
            )
        }
        (_, Kind::User) => format!("`{a}` sees `{witness}`{which} but cannot register it: `{b}` claims it exclusively"),
        _ => format!("`{a}` sees `{witness}`{which} but `{b}` claims it exclusively"),
    }
}

fn relation(arena: &mut Arena, a: Term, b: Term, among: Term) -> Result<Relation, LimitReached> {
    let (a_here, b_here) = (arena.and([a, among]), arena.and([b, among]));
    Ok(match (is_within(arena, b_here, a)?, is_within(arena, a_here, b)?) {
        (true, true) => Relation::Equal,
        (true, false) => Relation::Contains,
        (false, true) => Relation::Contained,
        (false, false) => Relation::Overlaps,
    })
}
