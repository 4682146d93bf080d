//! Which of the files that ask are in force: the rules of [`crate::snapshot`], and nothing else.
//!
//! # Three answers, from cheap to thorough
//!
//! 1. Nearly always one file of many has changed, and what it says is new. [`admit_some`] looks at the changed files
//!    alone and asks the names in force whether they are free: the cost is that of the change. Whenever anything is
//!    taken, or a proxy prefix is about, it says nothing, and the second answer is asked for. Where it says something,
//!    it says what [`admit`] says; a property test holds both against each other.
//! 2. [`admit`] lets every file *prefer* what is on disk, or what it has in force where that does not load. If no two
//!    of these collide, all get what they prefer: one pass, three look-ups a file.
//! 3. Only when some collide, those are *contested* and decided one by one; all others have what they prefer.
//!
//! # Who is contested
//!
//! Everybody who prefers what another prefers, to begin with. A contested file may in the end keep what it has in force, so whoever
//! prefers something that collides with *that* is contested, too, and so on. Each file is added once and looked at
//! once, so the search ends, after at most one look at each file. When it has ended, no file outside is in the way of
//! anything that a contested file offers or holds as it is now; that is why the rest can be left alone.
//!
//! # How the contested are decided
//!
//! What each of them holds is reserved for it. The first in load order whose offer collides with nothing that is taken
//! or reserved gets in and gives up its reservation, which may have been what others were waiting for: these are asked
//! again, the first in load order first. Who gets in is never asked again and never gives up what it has got, so each
//! file gives up a reservation at most once; a file is asked once at the beginning and once for each reservation that
//! is given up while it waits for it. So this ends, too, and its cost is that of the collisions. Files still waiting at
//! the end keep what they hold, or are quarantined if they hold nothing.
//!
//! No step takes anything that another file holds, so *what is held is never displaced*.
//!
//! # An example: two files swap their ids
//!
//! ```text
//!                a.yaml   b.yaml    what is decided
//! in force       1        2
//! a is written   2        2         both prefer 2: contested. a waits for b's 2, which b holds and offers: it stays.
//!                                   a is stale and holds 1; b is active
//! b is written   2        1         nobody prefers what another prefers: not contested. Both are in force.
//! ```
//!
//! Between the two writes nobody's names were free. Had `b` offered 3 instead, it would have got in first, giving up 2,
//! and `a` would have been asked again and got it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::file::{Standing, TurnedAway};
use super::taken::{Taken, wanted_twice};
use super::{FileRecord, Good, Refusal};
use crate::homeserver::Dialect;
use crate::index::ServicePos;
use crate::registration::{FileFacts, Registration};
use crate::ruling::Services;

/// One file that asks to be in force.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'f> {
    /// The file as it is shown.
    pub file: &'f str,
    /// What the file system says about it.
    pub facts: FileFacts,
    /// What is on disk.
    pub offered: Result<&'f Good, &'f Refusal>,
    /// What the file had in force until now.
    pub held: Option<&'f Good>,
}

impl<'f> Candidate<'f> {
    /// A file that has not changed since its record was made.
    pub(super) fn unchanged(record: &'f FileRecord) -> Self {
        Self { file: record.file(), facts: record.facts(), offered: record.offered(), held: record.good() }
    }

    /// What takes part when nothing collides: what is on disk if it loads, else what was in force.
    fn preferred(&self) -> Option<&'f Good> {
        self.offered.ok().or(self.held)
    }

    /// Whether it is in force as it is on disk, and was so before, as its record says.
    pub(super) fn stays(&self, record: &FileRecord) -> bool {
        self.offered.is_ok_and(|offered| record.is_active_with(offered)) && record.facts() == self.facts
    }

    /// Whether the disk offers something else than what is in force.
    fn is_new(&self) -> bool {
        match (self.offered, self.held) {
            (Ok(offered), Some(held)) => !offered.same(held),
            (Ok(_), None) => true,
            (Err(_), _) => false,
        }
    }

    /// The record that tells what came of it.
    pub(super) fn record(&self, standing: Standing) -> FileRecord {
        FileRecord::new(self.file, self.facts, standing)
    }
}

/// What comes of some candidates, all others being in force as before; `None` if that takes a look at all of them,
/// because there is a collision or there may be one. `services` is what is in force.
pub(super) fn admit_some(
    candidates: &[Candidate<'_>],
    changed: &[usize],
    services: &Services,
) -> Option<Vec<Standing>> {
    let shared = services.homeserver().dialect.shares_tokens();
    let (mut ids, mut tokens) = (HashSet::new(), HashSet::new());
    for &at in changed {
        let Some(good) = candidates[at].preferred() else { continue };
        let registration = &good.registration;
        let is_own = |position: ServicePos| {
            let holder = services.registration(position);
            candidates[at].held.is_some_and(|own| Registration::ptr_eq(&own.registration, holder))
        };
        let free = registration.proxy_prefix().is_none()
            && services.position_of_id(registration.id()).is_none_or(is_own)
            && ids.insert(registration.id())
            && (shared || services.position_of_token(&registration.as_token()).is_none_or(is_own))
            && (shared || tokens.insert(registration.as_token()));
        if !free {
            return None;
        }
    }
    Some(changed.iter().map(|&at| uncontested(&candidates[at])).collect())
}

/// Decides what comes of each candidate; the rules are in the documentation of [`crate::snapshot`].
pub(super) fn admit(candidates: &[Candidate<'_>], dialect: Dialect) -> Vec<Standing> {
    let contested = contested(candidates, dialect);
    if contested.is_empty() {
        return candidates.iter().map(uncontested).collect();
    }
    let mut taken = Taken::with_capacity(candidates.len(), dialect);
    for (at, candidate) in candidates.iter().enumerate() {
        // What a contested file holds is reserved for it until it has something better.
        let reserved = if contested.contains(&at) { candidate.held } else { candidate.preferred() };
        if let Some(good) = reserved {
            taken.take(at, good);
        }
    }
    let mut decided = admit_contested(candidates, &contested, &mut taken, dialect);
    let all = candidates.iter().enumerate();
    all.map(|(at, candidate)| decided.remove(&at).unwrap_or_else(|| uncontested(candidate))).collect()
}

fn uncontested(candidate: &Candidate<'_>) -> Standing {
    match (candidate.offered, candidate.held) {
        (Ok(offered), _) => Standing::Active(offered.clone()),
        (Err(faults), Some(held)) => Standing::stale(held, TurnedAway::unloadable(faults)),
        (Err(faults), None) => Standing::Quarantined(Box::new(TurnedAway::unloadable(faults))),
    }
}

/// The candidates that cannot all have what they prefer, by position. Empty as a rule.
fn contested(candidates: &[Candidate<'_>], dialect: Dialect) -> BTreeSet<usize> {
    let preferred = candidates.iter().enumerate().filter_map(|(at, candidate)| Some((at, candidate.preferred()?)));
    let preferred: Vec<(usize, &Good)> = preferred.collect();
    let mut contested = wanted_twice(&preferred, dialect);
    if contested.is_empty() {
        return contested;
    }
    let mut taken = Taken::with_capacity(candidates.len(), dialect);
    preferred.into_iter().filter(|(at, _)| !contested.contains(at)).for_each(|(at, good)| taken.take(at, good));
    // What a contested file has in force is in the way of others too.
    let mut unexamined: Vec<usize> = contested.iter().copied().collect();
    while let Some(at) = unexamined.pop() {
        let Some(held) = candidates[at].held else { continue };
        for collision in taken.in_the_way_of(at, &held.registration) {
            if contested.insert(collision.with) {
                unexamined.push(collision.with);
            }
        }
    }
    contested
}

/// Lets the contested in, in load order, as long as that makes room for others; what comes of each, by position.
fn admit_contested<'f>(
    candidates: &[Candidate<'f>],
    contested: &BTreeSet<usize>,
    taken: &mut Taken<'f>,
    dialect: Dialect,
) -> HashMap<usize, Standing> {
    let mut decided = HashMap::with_capacity(contested.len());
    let mut ready = contested.clone();
    let mut waiting_for: HashMap<usize, Vec<usize>> = HashMap::new();
    while let Some(at) = ready.pop_first() {
        let candidate = &candidates[at];
        let Ok(offered) = candidate.offered else { continue };
        if let Some(obstacle) = taken.in_the_way_of(at, &offered.registration).first() {
            waiting_for.entry(obstacle.with).or_default().push(at);
            continue;
        }
        if candidate.is_new()
            && let Some(held) = candidate.held
        {
            taken.release(at, held);
            ready.extend(waiting_for.remove(&at).unwrap_or_default());
        }
        taken.take(at, offered);
        decided.insert(at, Standing::Active(offered.clone()));
    }
    for &at in contested {
        decided.entry(at).or_insert_with(|| turned_away(candidates, at, taken, dialect));
    }
    decided
}

/// What comes of a contested candidate that did not get in.
fn turned_away<'f>(candidates: &[Candidate<'f>], at: usize, taken: &mut Taken<'f>, dialect: Dialect) -> Standing {
    let candidate = &candidates[at];
    let away = match candidate.offered {
        Err(faults) => TurnedAway::unloadable(faults),
        Ok(offered) => match taken.in_the_way_of(at, &offered.registration).first() {
            Some(collision) => {
                let (id, holder) = (&offered.registration.id(), candidates[collision.with].file);
                TurnedAway::colliding(offered, collision.what.fault(candidate.file, id, holder, dialect))
            }
            // Cannot be: it would have been asked again. But then it may come in.
            None => {
                taken.take(at, offered);
                return Standing::Active(offered.clone());
            }
        },
    };
    match candidate.held {
        // Held contents were in force together, so nothing is in their way, unless they come from copies kept in
        // a state directory that were not taken at the same moment.
        Some(held) if taken.in_the_way_of(at, &held.registration).is_empty() => {
            taken.take(at, held);
            Standing::stale(held, away)
        }
        _ => Standing::Quarantined(Box::new(away)),
    }
}

#[cfg(test)]
mod tests;
