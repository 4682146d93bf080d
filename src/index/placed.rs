//! Paths by their prefix.

use super::check::Checks;
use super::grouped::Grouped;
use super::scratch::CheckScratch;
use super::source::Prefixed;
use super::subject::Subject;
use super::target::Target;
use super::trie::Trie;
use python_re::Outcome;

/// At most so many different checks are run behind one prefix; where there are more, the paths are found another way.
/// Measured: see [`super`].
const MAX_CHECKS: usize = 12;
/// The same behind a prefix that every ID has.
const MAX_CHECKS_OF_ALL: usize = 3;

/// A trie of prefixes, and where those paths lead that begin with each.
#[derive(Debug, Default)]
pub(super) struct Placed {
    trie: Trie,
    targets: Grouped<Target>,
}

impl Placed {
    /// Takes in paths that are sorted by prefix and target, and gives those to `unplaced` that a trie is not good for.
    pub(super) fn new(prefixed: &[Prefixed], mut unplaced: impl FnMut(&Prefixed)) -> Self {
        let mut keys: Vec<&[u8]> = Vec::new();
        let mut targets = Grouped::default();
        for group in prefixed.chunk_by(|a, b| a.prefix == b.prefix) {
            let prefix = &*group[0].prefix;
            let checks = group.chunk_by(|a, b| a.target.check == b.target.check).count();
            let most = if prefix.len() <= 1 { MAX_CHECKS_OF_ALL } else { MAX_CHECKS };
            if checks > most {
                group.iter().for_each(&mut unplaced);
                continue;
            }
            keys.push(prefix);
            targets.push(group.iter().map(|path| path.target));
        }
        targets.shrink_to_fit();
        Self { trie: Trie::new(&keys), targets }
    }

    /// Runs the checks behind each prefix that the key of a subject goes on with from a place.
    pub(super) fn lookup(
        &self,
        (subject, from): (Subject<'_>, usize),
        checks: &Checks,
        scratch: &mut CheckScratch,
        found: &mut impl FnMut(Target, Outcome),
    ) {
        self.trie.prefixes(&subject.key().as_bytes()[from..], |length, key| {
            let end = subject.place(from + length);
            let mut last = None;
            for &target in self.targets.list(key.index()) {
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
        self.trie.memory_usage() + self.targets.memory_usage()
    }
}
