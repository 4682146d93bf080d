use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Snapshot, Touched};

/// So many generations are remembered: a follower that was away for a while catches up without starting anew. At the
/// fastest rate at which changes come into force, one every 100 ms, that is a hundred seconds; at one an hour, six weeks.
const GENERATIONS: usize = 1_024;

/// What is touched may take so many bytes in all, so that a history of large changes does not become one of memory. A
/// change to a service as real ones are takes 180 bytes, so that a change to twenty at a time is remembered as long as one. All told, 1,000 generations of one
/// changed service each took 1.1 MB more of resident memory.
pub(super) const BYTES: usize = 4 << 20;

/// A set that was in force, and what it changed against the one before it.
#[derive(Clone, Debug)]
pub struct Generation {
    /// Which it was, counted from 1.
    pub number: u64,
    /// Its digest.
    pub digest: Arc<str>,
    /// Whether it was complete.
    pub complete: bool,
    /// Whether some service's claims were not known.
    pub lacks_claims: bool,
    /// When it came into force.
    pub at: SystemTime,
    /// The services that differ. None does, when only the state of a file has changed.
    pub touched: Arc<[Touched]>,
}

/// What has happened since a set was in force.
#[derive(Clone, Debug)]
pub enum Since {
    /// It is remembered.
    Known {
        /// The last generation in which that set was in force.
        then: Arc<Generation>,
        /// Those that came after it, the oldest first; none when it is in force.
        after: Vec<Arc<Generation>>,
    },
    /// More than is remembered, or the set was never in force here: whoever asks has to start anew.
    Reset,
}

/// The last generations, without the snapshots themselves: what was in force is freed as ever.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The oldest first. What that one changed is told to nobody, since nobody can ask from before it.
    generations: VecDeque<Arc<Generation>>,
    /// What they touched takes so many bytes.
    bytes: usize,
}

impl History {
    /// A snapshot came into force.
    pub(super) fn push(&mut self, snapshot: &Snapshot) {
        let touched = snapshot.touched();
        if touched.is_none() {
            // It is too far from the one before it.
            *self = Self::default();
        }
        let next = Arc::new(Generation {
            number: snapshot.generation(),
            digest: Arc::clone(snapshot.digest()),
            complete: snapshot.is_complete(),
            lacks_claims: snapshot.lacks_claims(),
            at: snapshot.loaded_at(),
            touched: touched.map_or_else(|| Arc::new([]) as Arc<[Touched]>, Arc::clone),
        });
        self.bytes += bytes(&next);
        self.generations.push_back(next);
        while self.generations.len() > GENERATIONS + 1 || self.bytes > BYTES {
            let Some(oldest) = self.generations.pop_front() else { return };
            self.bytes -= bytes(&oldest);
        }
    }

    /// What has happened since a set was in force, the last time that it was.
    pub(super) fn since(&self, digest: &str) -> Since {
        match self.generations.iter().rposition(|generation| &*generation.digest == digest) {
            Some(at) => Since::Known {
                then: Arc::clone(&self.generations[at]),
                after: self.generations.range(at + 1..).cloned().collect(),
            },
            None => Since::Reset,
        }
    }
}

impl History {
    /// The last generations, the latest first.
    pub(super) fn latest(&self, count: usize) -> Vec<Arc<Generation>> {
        self.generations.iter().rev().take(count).cloned().collect()
    }

    /// The oldest that is remembered: what it changed is not known.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.generations.front().map(|generation| generation.number)
    }

    /// Since when no set has been complete, as far back as is remembered; `None` if the latest is.
    pub(super) fn incomplete_since(&self) -> Option<SystemTime> {
        let incomplete = self.generations.iter().rev().take_while(|generation| !generation.complete);
        incomplete.last().map(|generation| generation.at)
    }
}

fn bytes(generation: &Generation) -> usize {
    generation.touched.iter().map(Touched::bytes).sum()
}

#[cfg(test)]
mod tests;
