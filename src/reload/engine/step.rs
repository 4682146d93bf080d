//! What is spared where every source can tell what has come of its listing: a look at all of it, which a hundred thousand files make
//! dear, and it is they that are asked most often, every few seconds and for each change.
//!
//! *Nothing* has come of it nearly always. Where *some items were put or removed*, these are read, parsed and let in by the same rules as
//! in a look, and no other is touched. Wherever that is not the whole story, a look is taken, as if nobody had told: where anything
//! is held, missing or away, where something does not load, has become another service's, or may collide. So all that is special
//! is decided in one place, and this is a way to it that is shorter.

use std::sync::Arc;

use super::keeping::Kept;
use super::taking_part::hold;
use super::{Engine, as_of, recorded};
use crate::kept::StateDir;
use crate::reload::state::State;
use crate::snapshot::{AsOf, Candidate, Snapshot, Step};
use crate::source::{Changed, Known, Put, Recorded, Since, Source, place_before};

/// What has come of one source.
struct Came {
    /// Of which.
    source: usize,
    changed: Changed,
}

impl Engine {
    /// Whether no look is needed: nothing has changed, or what has is in force now.
    pub(super) fn is_spared_a_look(&mut self) -> bool {
        let before = self.live.load_full();
        if !self.is_at_rest(&before) {
            return false;
        }
        let since = |(state, source): (&State, &Source)| state.recorded.as_ref().map(|recorded| source.since(recorded));
        let since: Vec<Option<Since>> = self.states.iter().zip(&self.sources).map(since).collect();
        let changed = since.into_iter().enumerate().filter(|(_, since)| !matches!(since, Some(Since::Nothing)));
        let mut changed = changed.collect::<Vec<_>>().into_iter();
        match (changed.next(), changed.next()) {
            (None, _) => {
                self.remember(&before, false);
                true
            }
            (Some((source, Some(Since::Changed(changed)))), None) => self.take_in(&before, Came { source, changed }),
            _ => false,
        }
    }

    /// Whether a look that found the same as the last one would have no consequences, and all that is listed is in force.
    fn is_at_rest(&self, live: &Snapshot) -> bool {
        live.is_complete()
            // A look that has failed in the middle may have noted more than has come into force.
            && live.as_of() == as_of(recorded(&self.states)).as_ref()
            && self.holds.is_empty()
            && !self.put_off.is_waiting()
            && self.states.iter().all(|state| state.is_at_rest() && state.recorded.is_some())
    }

    /// Puts in force what has come; whether that could be done without a look at the rest.
    fn take_in(&mut self, before: &Arc<Snapshot>, came: Came) -> bool {
        if !self.is_simple(before, &came) {
            return false;
        }
        let Some(put) = self.loaded(&came) else { return false };
        let ahead: usize = self.states[..came.source].iter().map(|state| state.files.len()).sum();
        let Changed { gone, recorded, .. } = came.changed;
        let after = {
            let put: Vec<(usize, Candidate<'_>)> =
                put.iter().map(|(at, known)| (ahead + at, known.candidate())).collect();
            let gone: Vec<usize> = gone.iter().map(|at| ahead + at).collect();
            let as_of = self.as_of_with(came.source, &recorded);
            before.step(Step { gone: &gone, put: &put }, as_of, self.options.clock.wall())
        };
        let Some(after) = after.map(Arc::new) else { return false };
        let state = &mut self.states[came.source];
        let gone: Vec<Known> = gone.iter().rev().map(|&at| state.files.remove(at)).collect();
        let places: Vec<usize> = put.iter().map(|(at, _)| *at).collect();
        for (at, mut known) in put {
            hold(&mut known, &after.files()[ahead + at]);
            match state.files.get_mut(at) {
                Some(own) => *own = known,
                None => state.push(known),
            }
        }
        state.recorded = Some(recorded);
        self.remember_step((before, &after), Kept { source: came.source, gone: &gone, put: &places });
        self.swap(before, &after);
        self.snapshot_metrics.in_force(&after);
        self.metrics.held(self.holds.claims());
        true
    }

    /// Whether what has come is about what is known and in force, and whoever has removed something is on record.
    fn is_simple(&self, before: &Snapshot, came: &Came) -> bool {
        let Changed { among, gone, put, recorded } = &came.changed;
        let files = &self.states[came.source].files;
        let all: usize = self.states.iter().map(|state| state.files.len()).sum();
        let others_follow = self.states[came.source + 1..].iter().any(|state| !state.files.is_empty());
        let is_new = |put: &Put| put.at >= among.saturating_sub(gone.len());
        files.len() == *among
            && all == before.files().len()
            && gone.is_sorted_by(|a, b| a < b)
            && gone.iter().all(|&at| files.get(at).is_some_and(|known| recorded.has_removed(known)))
            && !(others_follow && put.iter().any(is_new))
            // What was damaged of a file that is gone is made up for no more.
            && (gone.is_empty() || !self.state.as_ref().is_some_and(StateDir::has_damaged))
    }

    /// What is known of the items that were put, each with its place in its source; none if it takes a look to know more.
    fn loaded(&self, came: &Came) -> Option<Vec<(usize, Known)>> {
        let Changed { among, gone, put, .. } = &came.changed;
        let files = &self.states[came.source].files;
        let scanner = self.scanner();
        let mut behind = among - gone.len()..;
        let one = |put: &Put| {
            let known = files.get(place_before(gone.iter().copied(), put.at));
            let has_its_place = match known {
                Some(known) => *known.file() == *put.item.name,
                None => behind.next() == Some(put.at),
            };
            let known = scanner.put(put, known).filter(|_| has_its_place)?;
            let is_same_service = match (known.offered(), known.held()) {
                (Ok(offered), Some(held)) => offered.registration.id() == held.registration.id(),
                (Ok(_), None) => true,
                (Err(_), _) => false,
            };
            is_same_service.then_some((put.at, known))
        };
        put.iter().map(one).collect()
    }

    /// Where the store is with what is on record of one source now.
    fn as_of_with(&self, source: usize, recorded: &Recorded) -> Option<AsOf> {
        let others = self.states.iter().enumerate().filter(|(at, _)| *at != source);
        as_of(others.filter_map(|(_, state)| state.recorded.as_ref()).chain([recorded]))
    }
}
