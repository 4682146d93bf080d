//! Which IDs change hands from one set of registrations to another.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Deadline;
use super::contests::contests;
use super::examiner::{Examiner, Pass};
use super::finding::{Witness, WitnessIs};
use super::search::LimitReached;
use super::term::{ANY, NEVER, Term};
use crate::homeserver::{Homeserver, Rank, Scope, Sender};
use crate::matrix::{Kind, user_id};
use crate::registration::{Entry, Registration};
use crate::ruling::Services;

/// IDs that change hands, with one of them as proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What happens to them.
    pub change: ChangeKind,
    /// What they name.
    pub kind: Kind,
    /// The services concerned.
    pub as_ids: Vec<String>,
    /// One of the IDs, a shortest.
    pub witness: Option<String>,
    /// What kind of ID that is.
    pub witness_is: Option<WitnessIs>,
    /// What happens, in one sentence.
    pub message: String,
}

/// What happens to IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A service holds them exclusively that did not.
    Gained,
    /// A service no longer holds them exclusively.
    Lost,
    /// A service sees them that did not.
    Joined,
    /// A service no longer sees them.
    Left,
    /// More than one service holds them exclusively, which was not so.
    BecameContested,
    /// Services no longer hold them exclusively at the same time.
    ContestEnded,
    /// It could not be decided within the limits.
    Undecided,
}

/// So many changes of one kind are listed for one service, or two that contest: one for each of their entries, since one
/// alone could be that of an own user, and the prefix of a whole bridge be missed. Real registrations have at most 11
/// entries, so that nothing of theirs is left out; the last counts the rest.
pub(super) const MAX_CHANGES: usize = 20;

impl Change {
    /// What happens to services, without a proof.
    pub(super) fn of(ids: &[&str], kind: Kind, change: ChangeKind, message: String) -> Self {
        let as_ids = ids.iter().map(|&id| id.to_owned()).collect();
        Self { change, kind, as_ids, witness: None, witness_is: None, message }
    }

    pub(super) fn proved_by(self, witness: Witness) -> Self {
        Self { witness: Some(witness.id.into()), witness_is: Some(witness.is), ..self }
    }
}

/// What a service holds: exclusively, and at all.
pub(super) struct Holding<'a> {
    pub(super) exclusive: Term<'a>,
    pub(super) any: Term<'a>,
    /// What each entry adds to those before it, its own user first; no ID is in two of them.
    pub(super) parts: Vec<Part<'a>>,
}

/// What one entry adds.
pub(super) struct Part<'a> {
    pub(super) ids: Term<'a>,
    pub(super) exclusive: bool,
    /// The position of the entry; `None` for the service's own user.
    pub(super) entry: Option<u32>,
}

/// All changes from one set to another, by service and kind.
pub(super) fn difference(old: &Services, new: &Services) -> Vec<Change> {
    let mut examiner = Examiner::new(new.homeserver(), &Deadline::none());
    let ids: BTreeSet<&str> = old.registrations().iter().chain(new.registrations()).map(Registration::id).collect();
    let mut changes = Vec::new();
    for id in ids {
        let of = |services: &Services| services.position_of_id(id).map(|at| services.registration(at).clone());
        let (before, after) = (of(old), of(new));
        for kind in Kind::ALL {
            let before = before.as_ref().map(|one| (old.homeserver(), one));
            let after = after.as_ref().map(|one| (new.homeserver(), one));
            changes.extend(examiner.pass().changes_of(id, kind, before, after));
        }
    }
    changes.extend(contests(&mut examiner, old, new));
    changes.sort_by(|a, b| (a.change, &a.as_ids, a.kind).cmp(&(b.change, &b.as_ids, b.kind)));
    changes
}

impl<'a> Pass<'a> {
    fn changes_of(
        &mut self,
        id: &str,
        kind: Kind,
        before: Option<(&Homeserver, &Registration)>,
        after: Option<(&Homeserver, &Registration)>,
    ) -> Vec<Change> {
        let (Some(before), Some(after)) = (self.holding(kind, before), self.holding(kind, after)) else {
            let message = format!("a regex of `{id}` is not of a kind that can be compared");
            return vec![Change::of(&[id], kind, ChangeKind::Undecided, message)];
        };
        // Who gains also sees: that is said once.
        let held = self.terms.or([before.exclusive, after.exclusive]);
        let [seen_before, seen_after] = [before.any, after.any].map(|any| self.terms.or([any, held]));
        let steps = [
            (ChangeKind::Gained, &after, before.exclusive, "holds", "that it did not hold exclusively"),
            (ChangeKind::Lost, &before, after.exclusive, "no longer holds", "exclusively"),
            (ChangeKind::Joined, &after, seen_before, "sees", "that it did not see"),
            (ChangeKind::Left, &before, seen_after, "no longer sees", "at all"),
        ];
        let list = kind.list();
        let mut changes = Vec::new();
        for (change, of, without, verb, how) in steps {
            let only_exclusive = matches!(change, ChangeKind::Gained | ChangeKind::Lost);
            let parts = of.parts.iter().filter(|part| part.exclusive || !only_exclusive);
            let moved: Vec<Term<'a>> = parts.map(|part| self.terms.without(part.ids, without)).collect();
            let said = |witness: &Witness| format!("`{id}` {verb} {list} such as `{}` {how}", witness.id);
            let undecided = || format!("whether `{id}` {verb} other {list} could not be decided within the limits");
            changes.extend(self.listed(&[id], kind, change, &moved, &said, &undecided));
        }
        changes
    }

    /// A change for each of some languages that is not empty, up to a number; what could not be decided is said once.
    pub(super) fn listed(
        &mut self,
        ids: &[&str],
        kind: Kind,
        change: ChangeKind,
        moved: &[Term<'a>],
        said: &dyn Fn(&Witness) -> String,
        undecided: &dyn Fn() -> String,
    ) -> Vec<Change> {
        let (mut changes, mut more, mut open) = (Vec::new(), 0, false);
        for &moved in moved {
            match self.witness(kind, moved) {
                Ok(None) => {}
                Ok(Some(_)) if changes.len() == MAX_CHANGES => more += 1,
                Ok(Some(witness)) => changes.push(Change::of(ids, kind, change, said(&witness)).proved_by(witness)),
                Err(LimitReached) => open = true,
            }
        }
        if let Some(last) = changes.last_mut().filter(|_| more > 0) {
            last.message += &format!("; and those of {more} more entries that are not listed");
        }
        if open {
            changes.push(Change::of(ids, kind, ChangeKind::Undecided, undecided()));
        }
        changes
    }

    /// What a service holds by a homeserver's precedence; `None` if one of its languages is not known, or nobody waits any longer.
    pub(super) fn holding(&mut self, kind: Kind, of: Option<(&Homeserver, &Registration)>) -> Option<Holding<'a>> {
        let mut holding = Holding { exclusive: NEVER, any: NEVER, parts: Vec::new() };
        let Some((homeserver, registration)) = of else { return Some(holding) };
        if kind == Kind::User {
            let sender = self.sender(homeserver, registration);
            self.add(&mut holding, sender, Rank::SENDER);
        }
        let dialect = homeserver.dialect;
        let ranked =
            |(position, entry): (usize, Entry<'_>)| (dialect.precedence().rank(position, entry.exclusive), position);
        let mut entries: Vec<_> = registration.entries(kind).iter().enumerate().map(ranked).collect();
        entries.sort_by_key(|(rank, _)| *rank);
        let bound = (kind == Kind::User && dialect.scope() == Scope::Local).then(|| self.local(homeserver));
        for (rank, position) in entries {
            let entry = registration.entries(kind).at(position);
            if self.terms.is_late_now() {
                return None;
            }
            let matched = self.language_of_regex_in(homeserver, kind, entry.regex)?;
            let matched = bound.map_or(matched, |bound| self.terms.and([matched, bound]));
            self.add(&mut holding, matched, rank);
        }
        Some(holding)
    }

    /// A service's own user, as a homeserver recognises it.
    pub(super) fn sender(&mut self, homeserver: &Homeserver, registration: &Registration) -> Term<'a> {
        let localpart = registration.sender_localpart();
        let id = user_id(localpart, homeserver.name.as_str());
        match homeserver.dialect.sender() {
            Sender::Exact => self.terms.literal(&id),
            Sender::AnyServer => {
                let begins = self.terms.literal(&format!("@{localpart}:"));
                self.terms.concat(begins, ANY)
            }
            // Behind a second sigil it would be found, too; such IDs are not compared.
            Sender::Quoted => {
                let begins = self.terms.literal(&id);
                self.terms.concat(begins, ANY)
            }
        }
    }

    /// The users of a server.
    fn local(&mut self, homeserver: &Homeserver) -> Term<'a> {
        let ends = self.terms.literal(&format!(":{}", homeserver.name));
        let any = self.terms.concat(ANY, ends);
        // One that is of another server has another colon before.
        let colon = self.terms.char(':');
        let two = self.terms.concat(colon, ANY);
        let two = self.terms.concat(two, ends);
        let two = self.terms.concat(ANY, two);
        self.terms.without(any, two)
    }

    /// Adds what comes next in the precedence.
    fn add(&mut self, holding: &mut Holding<'a>, matched: Term<'a>, rank: Rank) {
        let exclusive = rank.is_exclusive();
        let ids = self.terms.without(matched, holding.any);
        if exclusive {
            holding.exclusive = self.terms.or([holding.exclusive, ids]);
        }
        holding.any = self.terms.or([holding.any, matched]);
        holding.parts.push(Part { ids, exclusive, entry: rank.position() });
    }
}
