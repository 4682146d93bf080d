//! Paths by their prefix.

use super::check::Checks;
use super::prefixed::Prefixed;
use super::scratch::CheckScratch;
use super::subject::Subject;
use super::target::Target;
use super::trie::Trie;
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
    /// Takes in paths that are sorted by prefix and target, and gives those to `unplaced` that a trie is not good for. What is left of
    /// the list is not said.
    pub(super) fn new(text: &[u8], paths: &mut [Prefixed], mut unplaced: impl FnMut(&Prefixed)) -> Self {
        let (mut from, mut kept) = (0, 0);
        while let Some(first) = paths.get(from) {
            let prefix = first.prefix(text);
            let alike = paths[from..].iter().take_while(|path| path.prefix(text) == prefix).count();
            let checks = paths[from..from + alike].chunk_by(|a, b| a.target.check == b.target.check).count();
            let most = if prefix.len() <= 1 { MAX_CHECKS_OF_ALL } else { MAX_CHECKS };
            if checks > most {
                paths[from..from + alike].iter().for_each(&mut unplaced);
            } else {
                // Close up: a list of those that are left would be as large as this one.
                paths.copy_within(from..from + alike, kept);
                kept += alike;
            }
            from += alike;
        }
        Self(Trie::new(text, &paths[..kept]))
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
