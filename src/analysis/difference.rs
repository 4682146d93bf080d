//! Which IDs change hands from one set of registrations to another.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::finding::{Code, Finding, WitnessIs};
use super::language::language;
use super::search::shortest;
use super::single::Examiner;
use super::term::{NEVER, Term};
use super::{Analysis, Deadline};
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

/// What a service holds: exclusively, and at all.
struct Holding {
    exclusive: Term,
    any: Term,
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
            examiner.tidy();
            examiner.change_of_service(id, kind, before.as_deref(), after.as_deref(), &mut changes);
        }
    }
    changes.extend(became_contested(old, new));
    changes.sort_by(|a, b| (a.change, &a.as_ids, a.kind).cmp(&(b.change, &b.as_ids, b.kind)));
    changes
}

impl Examiner<'_> {
    fn change_of_service(
        &mut self,
        id: &str,
        kind: Kind,
        before: Option<&Registration>,
        after: Option<&Registration>,
        changes: &mut Vec<Change>,
    ) {
        let holdings = (self.holding(kind, before), self.holding(kind, after));
        let (Some(before), Some(after)) = holdings else {
            changes.push(Change {
                change: ChangeKind::Undecided,
                kind,
                as_ids: vec![id.to_owned()],
                witness: None,
                witness_is: None,
                message: format!("a regex of `{id}` is not of a kind that can be compared"),
            });
            return;
        };
        let steps = [
            (ChangeKind::Gained, after.exclusive, before.exclusive, "holds", "that it did not hold exclusively"),
            (ChangeKind::Lost, before.exclusive, after.exclusive, "no longer holds", "exclusively"),
            (ChangeKind::Joined, after.any, before.any, "sees", "that it did not see"),
            (ChangeKind::Left, before.any, after.any, "no longer sees", "at all"),
        ];
        for (change, with, without, verb, how) in steps {
            // Who gains also sees: that is said once.
            let said = matches!(change, ChangeKind::Joined | ChangeKind::Left);
            let without = if said { self.arena.or([without, before.exclusive, after.exclusive]) } else { without };
            let outside = self.arena.not(without);
            let moved = self.arena.and([with, outside]);
            let found = self.any_of(kind, moved);
            let as_ids = vec![id.to_owned()];
            match found {
                Ok(None) => {}
                Ok(Some((witness, witness_is))) => {
                    let message = format!("`{id}` {verb} {kind}s such as `{witness}` {how}");
                    changes.push(Change {
                        change,
                        kind,
                        as_ids,
                        witness: Some(witness),
                        witness_is: Some(witness_is),
                        message,
                    });
                }
                Err(_) => {
                    let message = format!("whether `{id}` {verb} other {kind}s could not be decided within the limits");
                    changes.push(Change {
                        change: ChangeKind::Undecided,
                        kind,
                        as_ids,
                        witness: None,
                        witness_is: None,
                        message,
                    });
                }
            }
        }
    }

    /// A shortest ID of this server, or else of another, in a language.
    fn any_of(
        &mut self,
        kind: Kind,
        language: Term,
    ) -> Result<Option<(String, WitnessIs)>, super::search::LimitReached> {
        let universe = self.universe(kind);
        for (within, is) in [
            (universe.valid, WitnessIs::Valid),
            (universe.historical, WitnessIs::Historical),
            (universe.remote, WitnessIs::Remote),
        ] {
            let here = self.arena.and([language, within]);
            if let Some(witness) = shortest(&mut self.arena, here)? {
                return Ok(Some((witness, is)));
            }
        }
        Ok(None)
    }

    fn holding(&mut self, kind: Kind, registration: Option<&Registration>) -> Option<Holding> {
        let Some(registration) = registration else { return Some(Holding { exclusive: NEVER, any: NEVER }) };
        let (mut exclusive, mut any) = (NEVER, NEVER);
        if kind == Kind::User {
            let sender = user_id(&registration.sender_localpart, self.homeserver.name.as_str());
            exclusive = self.arena.literal(&sender);
            any = exclusive;
        }
        for entry in registration.namespaces.of(kind) {
            let pattern = self.homeserver.dialect.parse(kind, &entry.regex).ok()?;
            let claimed = language(&mut self.arena, pattern.ast())?;
            if entry.exclusive {
                let left = self.arena.not(any);
                let effective = self.arena.and([claimed, left]);
                exclusive = self.arena.or([exclusive, effective]);
            }
            any = self.arena.or([any, claimed]);
        }
        Some(Holding { exclusive, any })
    }
}

/// The exclusive conflicts of the new set between services that did not collide in the old one.
fn became_contested(old: &Services, new: &Services) -> Vec<Change> {
    let conflicts = |services: &Services| -> Vec<(Vec<String>, Kind, Arc<Finding>)> {
        let analysis = Analysis::new(services, &Analysis::default(), &Deadline::none());
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
