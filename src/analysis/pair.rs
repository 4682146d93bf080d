//! Two entries, held against each other.

use super::Code;
use super::examiner::{Examiner, Pass};
use super::finding::{Finding, FindingPlace, Relation, Severity, Witness, WitnessIs, shown};
use super::name::Ids;
use super::prepared::EntryOf;
use super::search::{LimitReached, is_within, shortest};
use super::term::{NEVER, Term};
use crate::homeserver::Dialect;
use crate::matrix::{Kind, MAX_ID_BYTES, user_id};

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
    pub(super) witness: Witness,
    pub(super) relation: Relation,
}

impl<'a> Pass<'a> {
    /// Whether two entries of a kind meet in an ID.
    pub(super) fn meeting(
        &mut self,
        a: EntryOf<'_>,
        b: EntryOf<'_>,
        scope: Scope,
    ) -> Result<Option<Meeting>, LimitReached> {
        let kind = a.kind();
        let Some(of_a) = self.effective(a)? else { return Ok(None) };
        let of_b = match scope {
            Scope::Effective => self.effective(b)?,
            Scope::FirstEffective => self.matched(b),
        };
        let Some(of_b) = of_b else { return Ok(None) };
        let ids = self.ids(kind, Ids::All);
        let mut both = self.terms.and([of_a, of_b, ids]);
        if kind == Kind::User {
            // Their own users are theirs in any case, and findings of their own.
            for entry in [a, b] {
                let sender = user_id(entry.registration.sender_localpart(), self.homeserver.name.as_str());
                // What is longer is no ID, and no search finds it.
                if sender.len() <= MAX_ID_BYTES {
                    let sender = self.terms.literal(&sender);
                    both = self.terms.without(both, sender);
                }
            }
        }
        // Most pairs meet nowhere, which is found out sooner without saying where.
        if both == NEVER || shortest(&mut self.terms, both)?.is_none() {
            return Ok(None);
        }
        let Some(witness) = self.witness(kind, both)? else { return Ok(None) };
        // Among which IDs the one contains the other: those of this server, if any of them proves it.
        let among = if witness.is == WitnessIs::Remote { Ids::Remote } else { Ids::Historical };
        let among = self.ids(kind, among);
        let relation = self.relation(of_a, of_b, among)?;
        Ok(Some(Meeting { witness, relation }))
    }

    fn relation(&mut self, a: Term<'a>, b: Term<'a>, among: Term<'a>) -> Result<Relation, LimitReached> {
        let (a_here, b_here) = (self.terms.and([a, among]), self.terms.and([b, among]));
        Ok(match (is_within(&mut self.terms, b_here, a)?, is_within(&mut self.terms, a_here, b)?) {
            (true, true) => Relation::Equal,
            (true, false) => Relation::Contains,
            (false, true) => Relation::Contained,
            (false, false) => Relation::Overlaps,
        })
    }
}

/// What comes of two entries of different services; `a` comes first in load order.
pub(super) fn collision(
    examiner: &mut Examiner<'_>,
    a: EntryOf<'_>,
    b: EntryOf<'_>,
) -> Result<Option<Finding>, TooLate> {
    let (code, first, second) = match (a.this().exclusive, b.this().exclusive) {
        (true, true) => (Code::ExclusiveConflict, a, b),
        (false, true) => (Code::BlockedByExclusive, a, b),
        (true, false) => (Code::BlockedByExclusive, b, a),
        (false, false) => return Ok(None),
    };
    let kind = a.kind();
    let severity = match (code, kind) {
        // Nobody registers a room, so that exclusive ones have no effect.
        (_, Kind::Room) => Severity::Note,
        (Code::ExclusiveConflict, _) => Severity::Error,
        _ => Severity::Warning,
    };
    let finding = match examiner.pass().meeting(first, second, Scope::Effective) {
        Ok(None) => return Ok(None),
        Ok(Some(Meeting { witness, relation })) => {
            let severity = match witness.is {
                WitnessIs::Valid => severity,
                WitnessIs::Historical => severity.less(),
                WitnessIs::Remote => Severity::Note,
            };
            let message = message(examiner.homeserver().dialect, code, (first, second), &witness);
            Finding::new(code, severity, message).relating(Some(relation)).proved_by(Some(witness))
        }
        Err(LimitReached) if examiner.is_late() => return Err(TooLate),
        Err(LimitReached) => {
            let message = format!(
                "whether `{}` and `{}` claim the same {} could not be decided within the limits",
                shown(first.registration.id()),
                shown(second.registration.id()),
                kind.list()
            );
            Finding::new(code, severity.less(), message)
        }
    };
    let place = |entry: EntryOf<'_>| FindingPlace::entry(entry.registration, kind, entry.index());
    Ok(Some(finding.on(kind).at(place(first)).at(place(second))))
}

/// What comes of it where no exclusive claim stands in a service's way.
const EITHER: &str = "either can register it, whichever is quicker, and no person can";

fn message(dialect: Dialect, code: Code, (first, second): (EntryOf<'_>, EntryOf<'_>), witness: &Witness) -> String {
    let (a, b, id) = (shown(first.registration.id()), shown(second.registration.id()), &witness.id);
    let which = match witness.is {
        WitnessIs::Valid => "",
        WitnessIs::Historical => ", an ID as only a service can make it,",
        WitnessIs::Remote => ", an ID of another server,",
    };
    match (code, first.kind()) {
        (_, Kind::Room) => {
            let homeserver = dialect.homeserver();
            format!("`{a}` and `{b}` both claim the room `{id}`{which}; {homeserver} gives exclusive rooms no effect")
        }
        (Code::ExclusiveConflict, _) if witness.is == WitnessIs::Remote => {
            format!("`{a}` and `{b}` both claim `{id}`{which} exclusively; no ID of this server is concerned")
        }
        (Code::ExclusiveConflict, Kind::User) => {
            let so = if dialect.holders_in_the_way().is_some() { "nobody can register it" } else { EITHER };
            format!("`{a}` and `{b}` both claim `{id}`{which} exclusively: {so}")
        }
        (Code::ExclusiveConflict, _) => {
            format!(
                "`{a}` and `{b}` both claim `{id}`{which} exclusively: either can create it, whichever is quicker, and no person can"
            )
        }
        (_, Kind::User) => {
            let alone = format!("`{a}` cannot register it");
            let so = if dialect.holders_in_the_way() == Some(1) { &alone } else { EITHER };
            let comma = if which.is_empty() { "," } else { "" };
            format!("`{a}` sees `{id}`{which}{comma} and `{b}` claims it exclusively: {so}")
        }
        _ => {
            format!("`{a}` sees `{id}`{which} and `{b}` claims it exclusively: either can create it, and no person can")
        }
    }
}
