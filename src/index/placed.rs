//! Paths by their prefix.

use super::check::Checks;
use super::scratch::CheckScratch;
use super::source::Prefixed;
use super::subject::Subject;
use super::target::Target;
use super::trie::{Key, Trie};
use python_re::Outcome;

/// At most so many different checks are run behind one prefix; where there are more, the paths are found another way.
/// Measured: see [`super`].
const MAX_CHECKS: usize = 12;
/// The same behind a prefix that every ID has.
const MAX_CHECKS_OF_ALL: usize = 3;

/// A trie of prefixes, with where those paths lead that begin with each.
#[derive(Debug, Default)]
pub(super) struct Placed(Trie);

impl Placed {
    /// Takes in paths that are sorted by prefix and target, and gives those to `unplaced` that a trie is not good for.
    pub(super) fn new(prefixed: &[Prefixed], mut unplaced: impl FnMut(&Prefixed)) -> Self {
        let mut keys: Vec<Key<'_>> = Vec::new();
        for paths in prefixed.chunk_by(|a, b| a.prefix == b.prefix) {
            let prefix = &*paths[0].prefix;
            let checks = paths.chunk_by(|a, b| a.target.check == b.target.check).count();
            let most = if prefix.len() <= 1 { MAX_CHECKS_OF_ALL } else { MAX_CHECKS };
            if checks > most {
                paths.iter().for_each(&mut unplaced);
            } else {
                keys.push(Key { prefix, paths });
            }
        }
        Self(Trie::new(&keys))
    }

    /// Runs the checks behind each prefix that the key of a subject goes on with from a place.
    pub(super) fn lookup(
        &self,
        (subject, from): (Subject<'_>, usize),
        checks: &Checks,
        scratch: &mut CheckScratch,
        found: &mut impl FnMut(Target, Outcome),
    ) {
        self.0.prefixes(&subject.key().as_bytes()[from..], |length, targets| {
            let end = subject.place(from + length);
            let mut last = None;
            for target in targets.iter() {
                // Neighbours share their check.
                let outcome = match last {
                    Some((check, outcome)) if check == target.check => outcome,
                    _ => checks.run(target.check, subject.text, (from, end), scratch),
                };
                last = Some((target.check, outcome));
                found(target, outcome);
            }
        });
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.0.memory_usage()
    }
}
