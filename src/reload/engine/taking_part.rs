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

/// A file that asks to be in force.
#[derive(Debug)]
pub(super) struct TakingPart {
    pub(super) known: Arc<Known>,
    /// What it asks for instead of what it says, because some of it is held.
    instead: Option<Good>,
}

impl TakingPart {
    pub(super) fn candidate(&self) -> Candidate<'_> {
        let candidate = self.known.candidate();
        Candidate { offered: self.instead.as_ref().map_or(candidate.offered, Ok), ..candidate }
    }
}

impl Engine {
    /// All files that take part, by source, with what is held of them.
    pub(super) fn with_what_is_held(
        &mut self,
        before: &Snapshot,
        states: &[State],
        said: Said,
    ) -> Vec<Vec<TakingPart>> {
        let mut files: Vec<Vec<Arc<Known>>> = states.iter().map(State::taking_part).collect();
        let gone: Vec<(usize, &Arc<Known>, &Good)> = (states.iter().enumerate())
            .flat_map(|(source, state)| state.gone().map(move |known| (source, known)))
            .filter_map(|(source, known)| Some((source, known, known.held()?)))
            .collect();
        let held = {
            let candidates: Vec<Candidate<'_>> = files.iter().flatten().map(|file| file.candidate()).collect();
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
                    By::Gone(at) => Some(&**gone[at].1),
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
        for (at, good) in whole {
            let (source, known, _) = gone[at];
            instead.insert(Arc::clone(&known.file), good);
            settle::put_back(&mut files[source], known);
        }
        for (source, known, good) in formers {
            // After a restart, a copy may tell of it already.
            if instead.insert(Arc::clone(&known.file), good).is_none() {
                settle::put_back(&mut files[source], &known);
            }
        }
        // Counts the files that are not gone.
        let mut at = 0_usize..;
        let mut taking_part = |known: Arc<Known>| {
            if known.absence() == Some(Absence::Gone) {
                let good = instead.remove(&known.file);
                return TakingPart { known, instead: good };
            }
            let at = at.next().unwrap_or_default();
            let known = kept.remove(&at).map_or_else(|| known.clone(), |good| Arc::new(known.holding(Some(good))));
            TakingPart { known, instead: extended.remove(&at) }
        };
        files.into_iter().map(|files| files.into_iter().map(&mut taking_part).collect()).collect()
    }
}

/// Of which source a file is, by its position among all.
fn source_of(files: &[Vec<Arc<Known>>], at: usize) -> Option<usize> {
    let mut before = 0;
    files.iter().position(|files| {
        before += files.len();
        at < before
    })
}

/// A file with what it has in force now.
pub(super) fn holding(file: Arc<Known>, record: &FileRecord) -> Arc<Known> {
    let same = match (&file.held(), record.good()) {
        (Some(held), Some(good)) => Registration::ptr_eq(&held.registration, &good.registration),
        (None, None) => true,
        _ => false,
    };
    if same {
        return file;
    }
    let mut file = file;
    match Arc::get_mut(&mut file) {
        Some(own) => *own = own.holding(record.good().cloned()),
        None => file = Arc::new(file.holding(record.good().cloned())),
    }
    file
}
