//! Which IDs change hands from one set of registrations to another.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::examiner::{Examiner, Pass};
use super::finding::{Finding, Witness, WitnessIs};
use super::term::{NEVER, Term};
use super::{Analysis, Code, Deadline, Set};
use crate::matrix::{Kind, user_id};
use crate::registration::Registration;
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
    /// It could not be decided within the limits.
    Undecided,
}

impl Change {
    /// What happens to a service, without a proof.
    fn of(id: &str, kind: Kind, change: ChangeKind, message: String) -> Self {
        Self { change, kind, as_ids: vec![id.to_owned()], witness: None, witness_is: None, message }
    }

    fn proved_by(self, witness: Witness) -> Self {
        Self { witness: Some(witness.id.into()), witness_is: Some(witness.is), ..self }
    }
}

/// What a service holds: exclusively, and at all.
struct Holding<'a> {
    exclusive: Term<'a>,
    any: Term<'a>,
}

/// All changes from one set to another, by service and kind.
pub(super) fn difference(old: &Services, new: &Services) -> Vec<Change> {
    let mut examiner = Examiner::new(new.homeserver(), &Deadline::none());
    let ids: BTreeSet<&str> = old.registrations().iter().chain(new.registrations()).map(|one| &*one.id).collect();
    let mut changes = Vec::new();
    for id in ids {
        let of = |services: &Services| services.position_of_id(id).map(|at| Arc::clone(services.registration(at)));
        let (before, after) = (of(old), of(new));
        for kind in Kind::ALL {
            changes.extend(examiner.pass().changes_of(id, kind, before.as_deref(), after.as_deref()));
        }
    }
    changes.extend(became_contested(old, new));
    changes.sort_by(|a, b| (a.change, &a.as_ids, a.kind).cmp(&(b.change, &b.as_ids, b.kind)));
    changes
}

impl<'a> Pass<'a> {
    fn changes_of(
        &mut self,
        id: &str,
        kind: Kind,
        before: Option<&Registration>,
        after: Option<&Registration>,
    ) -> Vec<Change> {
        let (Some(before), Some(after)) = (self.holding(kind, before), self.holding(kind, after)) else {
            let message = format!("a regex of `{id}` is not of a kind that can be compared");
            return vec![Change::of(id, kind, ChangeKind::Undecided, message)];
        };
        // Who gains also sees: that is said once.
        let held = self.terms.or([before.exclusive, after.exclusive]);
        let [seen_before, seen_after] = [before.any, after.any].map(|any| self.terms.or([any, held]));
        let steps = [
            (ChangeKind::Gained, after.exclusive, before.exclusive, "holds", "that it did not hold exclusively"),
            (ChangeKind::Lost, before.exclusive, after.exclusive, "no longer holds", "exclusively"),
            (ChangeKind::Joined, after.any, seen_before, "sees", "that it did not see"),
            (ChangeKind::Left, before.any, seen_after, "no longer sees", "at all"),
        ];
        let list = kind.list();
        let change = |(change, with, without, verb, how)| {
            let moved = self.terms.without(with, without);
            match self.witness(kind, moved) {
                Ok(None) => None,
                Ok(Some(witness)) => {
                    let message = format!("`{id}` {verb} {list} such as `{}` {how}", witness.id);
                    Some(Change::of(id, kind, change, message).proved_by(witness))
                }
                Err(_) => {
                    let message = format!("whether `{id}` {verb} other {list} could not be decided within the limits");
                    Some(Change::of(id, kind, ChangeKind::Undecided, message))
                }
            }
        };
        steps.into_iter().filter_map(change).collect()
    }

    /// What a service holds by the homeserver's precedence; `None` if one of its languages is not known.
    fn holding(&mut self, kind: Kind, registration: Option<&Registration>) -> Option<Holding<'a>> {
        let Some(registration) = registration else { return Some(Holding { exclusive: NEVER, any: NEVER }) };
        let (mut exclusive, mut any) = (NEVER, NEVER);
        if kind == Kind::User {
            let sender = user_id(&registration.sender_localpart, self.homeserver.name.as_str());
            exclusive = self.terms.literal(&sender);
            any = exclusive;
        }
        let precedence = self.homeserver.dialect.precedence();
        let mut entries: Vec<_> = registration.namespaces.of(kind).iter().enumerate().collect();
        entries.sort_by_key(|(position, entry)| precedence.rank(*position, entry.exclusive));
        for (_, entry) in entries {
            let matched = self.language_of_regex(kind, &entry.regex)?;
            if entry.exclusive {
                let effective = self.terms.without(matched, any);
                exclusive = self.terms.or([exclusive, effective]);
            }
            any = self.terms.or([any, matched]);
        }
        Some(Holding { exclusive, any })
    }
}

/// The exclusive conflicts of the new set between services that did not collide in the old one.
fn became_contested(old: &Services, new: &Services) -> Vec<Change> {
    let conflicts = |services: &Services| -> Vec<(Vec<String>, Kind, Arc<Finding>)> {
        let analysis = Analysis::new(&Set::new(services), &Analysis::default(), &Deadline::none());
        let of = |finding: &Arc<Finding>| {
            let ids = finding.places.iter().map(|place| place.as_id.to_string()).collect();
            finding.kind.map(|kind| (ids, kind, Arc::clone(finding)))
        };
        let conflicts = analysis.findings.iter().filter(|finding| finding.code == Code::ExclusiveConflict);
        conflicts.filter_map(of).collect()
    };
    let before = conflicts(old);
    let known = |ids: &[String], kind| before.iter().any(|(known, known_kind, _)| known == ids && *known_kind == kind);
    let mut changes: Vec<Change> = Vec::new();
    for (as_ids, kind, finding) in conflicts(new) {
        if known(&as_ids, kind) || changes.iter().any(|change| change.as_ids == as_ids && change.kind == kind) {
            continue;
        }
        changes.push(Change {
            change: ChangeKind::BecameContested,
            kind,
            as_ids,
            witness: finding.witness.as_deref().map(str::to_owned),
            witness_is: finding.witness_is,
            message: finding.message.clone().into_owned(),
        });
    }
    changes
}
