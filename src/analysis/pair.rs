//! Two entries, held against each other.

use super::finding::{Code, Finding, FindingPlace, Relation, Severity, WitnessIs};
use super::language::language;
use super::search::{LimitReached, is_within, shortest};
use super::single::Examiner;
use super::term::{Arena, NEVER, Term};
use crate::index::necessary_paths;
use crate::matrix::{Kind, user_id};
use crate::pattern::Pattern;
use crate::registration::Registration;

/// An entry of a registration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compared<'r> {
    pub(super) registration: &'r Registration,
    pub(super) kind: Kind,
    pub(super) index: u32,
}

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
        let (Some(of_a), Some(of_b)) = (self.language_of(a, true), self.language_of(b, scope == Scope::Effective))
        else {
            return Ok(None);
        };
        let universe = self.universe(a.kind);
        let mut both = self.arena.and([of_a, of_b, universe.all]);
        if a.kind == Kind::User {
            // Their own users are theirs in any case, and findings of their own.
            for entry in [a, b] {
                let sender = user_id(&entry.registration.sender_localpart, self.server_name.as_str());
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

    /// What an entry claims: all that it matches, or what the earlier entries of its file leave of that.
    fn language_of(&mut self, entry: Compared<'_>, effective: bool) -> Option<Term> {
        let entries = entry.registration.namespaces.of(entry.kind);
        let pattern = Pattern::parse(&entries[entry.index as usize].regex).ok()?;
        let mut claimed = language(&mut self.arena, pattern.ast())?;
        if effective {
            for earlier in &entries[..entry.index as usize] {
                // What an earlier entry leaves is not known if its language is not: then nothing is said.
                let earlier = Pattern::parse(&earlier.regex).ok()?;
                if !may_meet(&earlier, &pattern) {
                    continue;
                }
                let earlier = language(&mut self.arena, earlier.ast())?;
                let left = self.arena.not(earlier);
                claimed = self.arena.and([claimed, left]);
            }
        }
        Some(claimed)
    }

    /// What comes of two entries of different services; `a` comes first in load order.
    pub(super) fn collision(&mut self, a: Compared<'_>, b: Compared<'_>) -> Option<Finding> {
        let exclusive =
            |entry: Compared<'_>| entry.registration.namespaces.of(entry.kind)[entry.index as usize].exclusive;
        let (code, first, second) = match (exclusive(a), exclusive(b)) {
            (true, true) => (Code::ExclusiveConflict, a, b),
            (false, true) => (Code::BlockedByExclusive, a, b),
            (true, false) => (Code::BlockedByExclusive, b, a),
            (false, false) => return None,
        };
        let severity = match (code, a.kind) {
            // Nobody registers a room: Synapse gives exclusive rooms no effect.
            (_, Kind::Room) => Severity::Note,
            (Code::ExclusiveConflict, _) => Severity::Error,
            _ => Severity::Warning,
        };
        let places = [first, second].map(|entry| FindingPlace::entry(entry.registration, entry.kind, entry.index));
        let (severity, relation, witness, message) = match self.meeting(first, second, Scope::Effective) {
            Ok(None) => return None,
            Ok(Some(meeting)) => {
                let message = message(code, first, second, &meeting);
                let severity = match meeting.witness_is {
                    WitnessIs::Valid => severity,
                    WitnessIs::Historical => severity.less(),
                    WitnessIs::Remote => Severity::Note,
                };
                (severity, Some(meeting.relation), Some((meeting.witness, meeting.witness_is)), message)
            }
            Err(LimitReached) => {
                let message = format!(
                    "whether `{}` and `{}` claim the same {}s could not be decided within the limits",
                    first.registration.id, second.registration.id, a.kind
                );
                (severity.less(), None, None, message)
            }
        };
        let (witness, witness_is) = witness.map(|(witness, is)| (witness.into(), is)).unzip();
        Some(Finding {
            code,
            severity,
            kind: Some(a.kind),
            relation,
            witness,
            witness_is,
            message: message.into(),
            places: places.into(),
        })
    }
}

/// Whether the prefixes of two patterns leave room for an ID that both match.
fn may_meet(a: &Pattern, b: &Pattern) -> bool {
    let (a, b) = (necessary_paths(a.ast()), necessary_paths(b.ast()));
    a.iter().any(|a| b.iter().any(|b| a.prefix.starts_with(&b.prefix) || b.prefix.starts_with(&a.prefix)))
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
