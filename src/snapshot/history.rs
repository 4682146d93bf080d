use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use super::{ServiceChange, Snapshot};

/// So many generations are remembered: a follower that was away for a while catches up without starting anew. At the
/// fastest rate at which changes come into force, one every 100 ms, that is a hundred seconds; at one an hour, six weeks.
const GENERATIONS: usize = 1_024;

/// So many changed services are remembered in all, so that a history of large changes does not become one of memory.
/// What a service said before is kept alive by it: 0.9 KiB for each of the example registrations, so 14 MiB at most.
pub(super) const SERVICES: usize = 16_384;

/// A set that was in force, and what it changed against the one before it.
#[derive(Clone, Debug)]
pub struct Generation {
    /// Which it was, counted from 1.
    pub number: u64,
    /// Its digest.
    pub digest: Arc<str>,
    /// Whether it was complete.
    pub complete: bool,
    /// When it came into force.
    pub at: SystemTime,
    /// The services that were touched. None is, when only the state of a file has changed.
    pub services: Arc<[ServiceChange]>,
}

/// What has happened since a set was in force.
#[derive(Clone, Debug)]
pub enum Since {
    /// These generations, the oldest first; none when that set is in force.
    Generations(Vec<Arc<Generation>>),
    /// More than is remembered, or the set was never in force here: whoever asks has to start anew.
    Reset,
}

/// The last generations, without the snapshots themselves: what was in force is freed as ever.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The digest of the set that the oldest generation came after.
    base: Option<Arc<str>>,
    /// The oldest first.
    generations: VecDeque<Arc<Generation>>,
    /// How many services they touched in all.
    services: usize,
}

impl History {
    /// A snapshot came into force.
    pub(super) fn push(&mut self, snapshot: &Snapshot) {
        let digest = Arc::clone(snapshot.digest());
        let (Some(services), true) = (snapshot.touched(), self.base.is_some()) else {
            // The first one, or one that is too far from the one before it.
            *self = Self { base: Some(digest), ..Self::default() };
            return;
        };
        self.services += services.len();
        self.generations.push_back(Arc::new(Generation {
            number: snapshot.generation(),
            digest,
            complete: snapshot.is_complete(),
            at: snapshot.loaded_at(),
            services: Arc::clone(services),
        }));
        while self.generations.len() > GENERATIONS || self.services > SERVICES {
            let Some(oldest) = self.generations.pop_front() else { return };
            self.services -= oldest.services.len();
            self.base = Some(Arc::clone(&oldest.digest));
        }
    }

    /// What has happened since a set was in force, the last time that it was.
    pub(super) fn since(&self, digest: &str) -> Since {
        if let Some(at) = self.generations.iter().rposition(|generation| &*generation.digest == digest) {
            Since::Generations(self.generations.range(at + 1..).cloned().collect())
        } else if self.base.as_deref() == Some(digest) {
            Since::Generations(self.generations.iter().cloned().collect())
        } else {
            Since::Reset
        }
    }
}

#[cfg(test)]
mod tests;
