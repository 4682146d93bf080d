//! Paths with the prefixes that they begin with, while a table is built.

use rayon::slice::ParallelSliceMut;

use super::source::Place;
use super::target::Target;

/// A path that begins with a prefix.
///
/// There are two million of a million registrations, so none has a piece of memory of its own: allocated by the threads that take
/// regexes apart, and freed when the trie is there, they left those threads' arenas full of holes that nobody gave back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefixed {
    pub(super) place: Place,
    /// Where its prefix begins, in the text in which those of all lie one behind the other.
    start: usize,
    length: u32,
    pub(super) target: Target,
    /// Which of the entry's paths it is.
    pub(super) path: u32,
}

/// Some paths, and the text of their prefixes.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    pub(super) text: Vec<u8>,
    pub(super) paths: Vec<Prefixed>,
}

impl Prefixed {
    /// Its prefix, in the text of all.
    #[inline]
    pub(super) fn prefix<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.start..][..self.length as usize]
    }
}

impl Prefixes {
    /// Takes in one of an entry's paths.
    ///
    /// # Panics
    ///
    /// If its number or the length of its prefix has more than 32 bits: a regex would have to be longer. A panic in the thread that loads
    /// leaves in force what is in force.
    pub(super) fn push(&mut self, place: Place, prefix: &[u8], target: Target, path: usize) {
        let [length, path] =
            [prefix.len(), path].map(|number| u32::try_from(number).expect("a regex of less than 4 GiB"));
        self.paths.push(Prefixed { place, start: self.text.len(), length, target, path });
        self.text.extend_from_slice(prefix);
    }

    /// Takes in those of another.
    pub(super) fn append(&mut self, other: &Self) {
        let base = self.text.len();
        self.text.extend_from_slice(&other.text);
        self.paths.extend(other.paths.iter().map(|path| Prefixed { start: base + path.start, ..*path }));
    }

    /// Puts those first that stand as they are written, and all of each sort in the order of prefixes, then targets.
    pub(super) fn sort(&mut self) {
        let Self { text, paths } = self;
        let order = |path: &Prefixed| path.place != Place::Written;
        paths.par_sort_unstable_by(|a, b| {
            (order(a), a.prefix(text), a.target).cmp(&(order(b), b.prefix(text), b.target))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::position::{CheckId, Slot};
    use super::*;
    use crate::homeserver::Rank;

    #[test]
    fn whoever_is_taken_in_keeps_its_prefix() {
        let target = |slot| Target { check: CheckId::new(0), slot: Slot::new(slot), rank: Rank::SENDER };
        let (mut all, mut others) = (Prefixes::default(), Prefixes::default());
        all.push(Place::Start, b"@b", target(0), 0);
        others.push(Place::Start, b"@ab", target(1), 0);
        others.push(Place::Written, b"@c", target(2), 3);
        all.append(&others);
        all.sort();
        let sorted = all.paths.iter().map(|path| (path.prefix(&all.text), path.target.slot.index(), path.path));
        assert_eq!(sorted.collect::<Vec<_>>(), [(&b"@c"[..], 2, 3), (b"@ab", 1, 0), (b"@b", 0, 0)]);
    }

    #[test]
    fn there_may_be_two_million() {
        assert_eq!(size_of::<Prefixed>(), 32);
    }
}
