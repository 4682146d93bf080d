//! The files that take part, with what is held of them instead of what they say.

use std::collections::HashMap;
use std::sync::Arc;

use super::Engine;
use crate::registration::Registration;
use crate::reload::hold::{Held, Said, Terms};
use crate::reload::losses::{By, Gone};
use crate::reload::settle;
use crate::reload::state::State;
use crate::snapshot::{Candidate, FileRecord, Good, Snapshot};
use crate::source::{Absence, Known};

/// The files that ask to be in force.
#[derive(Debug)]
pub(super) struct TakingPart {
    /// By source.
    pub(super) files: Vec<Vec<Known>>,
    /// What some of them ask for instead of what they say, because some of it is held: by position among all.
    instead: HashMap<usize, Good>,
}

impl TakingPart {
    pub(super) fn candidates(&self) -> Vec<Candidate<'_>> {
        let mut candidates: Vec<Candidate<'_>> = self.files.iter().flatten().map(Known::candidate).collect();
        for (&at, good) in &self.instead {
            candidates[at].offered = Ok(good);
        }
        candidates
    }
}

impl Engine {
    /// All files that take part, with what is held of them: from here on they are known here alone, and by no state.
    pub(super) fn with_what_is_held(&mut self, before: &Snapshot, states: &mut [State], said: Said) -> TakingPart {
        let mut files: Vec<Vec<Known>> = states.iter_mut().map(State::take_part).collect();
        let states = &*states;
        let gone: Vec<(usize, &Known, &Good)> = (states.iter().enumerate())
            .flat_map(|(source, state)| state.gone().map(move |known| (source, known)))
            .filter_map(|(source, known)| Some((source, known, known.held()?)))
            .collect();
        let held = {
            let candidates: Vec<Candidate<'_>> = files.iter().flatten().map(Known::candidate).collect();
            let without: Vec<Gone<'_>> =
                gone.iter().map(|(_, known, good)| Gone { good, formerly: known.formerly() }).collect();
            let source = |by: By| match by {
                By::File(at) => source_of(&files, at),
                By::Gone(at) => Some(gone[at].0),
            };
            let uncovered = |by: By| source(by).is_some_and(|source| states[source].is_uncovered);
            let decided = |by: By| {
                let gone = match by {
                    By::File(_) => None,
                    By::Gone(at) => Some(gone[at].1),
                };
                source(by).is_some_and(|source| states[source].is_decided(gone))
            };
            let hidden = |at: usize| states[gone[at].0].is_hidden();
            let now = self.options.clock.now();
            let terms = Terms {
                grace: self.options.hold,
                now,
                said,
                uncovered: &uncovered,
                decided: &decided,
                hidden: &hidden,
            };
            self.holds.look(before, &candidates, &without, terms)
        };
        self.metrics.released(held.released);
        let Held { mut extended, mut kept, whole, former, .. } = held;
        let mut instead: HashMap<Arc<str>, Good> = HashMap::new();
        let formers = former.into_iter().filter_map(|(at, (held, good))| Some((source_of(&files, at)?, held, good)));
        let formers: Vec<_> = formers.collect();
        let mut back: Vec<Vec<Known>> = files.iter().map(|_| Vec::new()).collect();
        for (at, good) in whole {
            let (source, known, _) = gone[at];
            instead.insert(known.file().into(), good);
            back[source].push(known.clone());
        }
        for (source, known, good) in formers {
            // After a restart, a copy may tell of it already.
            if instead.insert(known.file().into(), good).is_none() {
                back[source].push(known);
            }
        }
        files.iter_mut().zip(back).for_each(|(files, back)| settle::put_back(files, back));
        // Counts the files that are not gone.
        let mut there = 0_usize..;
        let mut instead_at = HashMap::new();
        for (at, known) in files.iter_mut().flatten().enumerate() {
            let good = if known.absence() == Some(Absence::Gone) {
                instead.remove(known.file())
            } else {
                let at = there.next().unwrap_or_default();
                if let Some(good) = kept.remove(&at) {
                    *known = known.holding(Some(good));
                }
                extended.remove(&at)
            };
            instead_at.extend(good.map(|good| (at, good)));
        }
        TakingPart { files, instead: instead_at }
    }
}

/// Of which source a file is, by its position among all.
fn source_of(files: &[Vec<Known>], at: usize) -> Option<usize> {
    let mut before = 0;
    files.iter().position(|files| {
        before += files.len();
        at < before
    })
}

/// Notes of a file what it has in force now.
pub(super) fn hold(file: &mut Known, record: &FileRecord) {
    let same = match (file.held(), record.good()) {
        (Some(held), Some(good)) => Registration::ptr_eq(&held.registration, &good.registration),
        (None, None) => true,
        _ => false,
    };
    if !same {
        *file = file.holding(record.good().cloned());
    }
}
