//! What is missing, and what has come instead: of all sources together, since what is gone from one may have gone to another.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::settle::Looked;
use super::state::State;
use crate::source::{Absence, Known, Scan};

/// What a look has shown of all sources together. Nothing if nothing is missing anywhere.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The services that are offered now.
    offered: HashSet<Arc<str>>,
    /// The files of which nothing is known, since they cannot be loaded, or could not when they were listed last.
    unloadable: HashSet<Arc<str>>,
    /// Those of them that are listed for the first time, or have been for no longer than the grace.
    newcomers: HashSet<Arc<str>>,
}

impl Found {
    /// What came within the grace counts as coming now: which half of a move is seen first is chance.
    pub(super) fn of(states: &[State], looked: &[Looked], grace: Duration, now: Instant) -> Self {
        let scans = || looked.iter().flatten();
        if scans().all(|scan| scan.gone.iter().chain(&scan.away).all(|known| known.held().is_none())) {
            return Self::default();
        }
        let files = || scans().flat_map(|scan| &scan.files);
        let offered = files().filter_map(|file| Some(file.offered().ok()?.registration.id().into()));
        let mut unloadable: HashSet<Arc<str>> =
            files().filter(|file| is_unloadable(file)).map(|file| Arc::from(file.file())).collect();
        let mut newcomers = unloadable.clone();
        if !newcomers.is_empty() {
            let lately: HashSet<&str> =
                states.iter().flat_map(|state| state.newcomers_within(grace, now)).map(|file| &**file).collect();
            for known in states.iter().flat_map(|state| &state.files).filter(|known| !lately.contains(known.file())) {
                newcomers.remove(known.file());
            }
        }
        // Nobody can see whether what was not loaded is loaded by now, where nothing is listed.
        let unlisted =
            states.iter().zip(looked).filter(|(_, looked)| looked.is_err()).flat_map(|(state, _)| state.known());
        unloadable.extend(unlisted.filter(|known| is_unloadable(known)).map(|known| Arc::from(known.file())));
        Self { offered: offered.collect(), unloadable, newcomers }
    }

    /// What has come and cannot be loaded: a path that was cut or mistyped, a file that was renamed or moved and is half
    /// written. Nobody can tell that it is not what is missing.
    pub(super) const fn newcomers(&self) -> &HashSet<Arc<str>> {
        &self.newcomers
    }

    /// Whether nothing of what had come is still there and cannot be loaded.
    pub(super) fn has_told(&self, newcomers: &HashSet<Arc<str>>) -> bool {
        newcomers.is_disjoint(&self.unloadable)
    }

    /// Whether another file has come to say what this one said: the same service, whatever it claims by now.
    pub(super) fn is_elsewhere(&self, known: &Known) -> bool {
        known.held().is_some_and(|held| self.offered.contains(held.registration.id()))
    }
}

/// Whether nothing is known of what a file claims, or ever did.
pub(super) fn is_unloadable(file: &Known) -> bool {
    file.held().is_none() && file.offered().is_err()
}

/// What is missing in a source of what was in force.
pub(super) struct Missed {
    /// How many files are missing, and were not merely renamed or moved. What went a moment ago and is still held counts, so
    /// that it makes no difference whether a directory is lost at once or file by file.
    pub(super) missing: usize,
    /// How many are not.
    pub(super) left: usize,
}

impl Missed {
    pub(super) fn by(scan: &Scan, found: &Found) -> Self {
        let has_any = |known: &&Known| known.held().is_some();
        let is_missed = |known: &&Known| has_any(known) && known.formerly().is_none() && !scan.has_removed(known);
        let absent = scan.gone.iter().chain(&scan.away).filter(is_missed);
        let counted: Vec<&Known> = absent.filter(|known| known.absence() != Some(Absence::Lost)).collect();
        let missing = counted.iter().filter(|known| !found.is_elsewhere(known)).count();
        if missing == 0 {
            return Self { missing, left: 0 };
        }
        let left = scan.files.iter().filter(has_any).count() + counted.len() - missing;
        Self { missing, left }
    }
}
