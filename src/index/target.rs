use super::position::{CheckId, Slot};
use crate::homeserver::Rank;

/// Where a path leads: what must hold behind its prefix, and whose entry then matches.
///
/// The order keeps those of one check together, so that it is run once for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) check: CheckId,
    pub(super) slot: Slot,
    pub(super) rank: Rank,
}

/// How many bytes a target is as it stands in a trie.
pub(super) const WRITTEN: usize = 3 * size_of::<u32>();

impl Target {
    /// As it stands in a trie.
    pub(super) fn to_bytes(self) -> [u8; WRITTEN] {
        let mut bytes = [0; WRITTEN];
        let numbers = [number(self.check.index()), number(self.slot.index()), self.rank.number()];
        bytes.as_chunks_mut().0.copy_from_slice(&numbers.map(u32::to_le_bytes));
        bytes
    }

    #[inline]
    fn from_bytes(bytes: &[u8; WRITTEN]) -> Self {
        let number = |at: usize| u32::from_le_bytes(bytes.as_chunks().0[at]);
        Self {
            check: CheckId::new(number(0) as usize),
            slot: Slot::new(number(1) as usize),
            rank: Rank::numbered(number(2)),
        }
    }
}

/// Targets as they stand in a trie.
#[derive(Clone, Copy)]
pub(super) struct Targets<'t>(&'t [[u8; WRITTEN]]);

impl<'t> Targets<'t> {
    /// So many from the beginning of some bytes, and what stands behind them.
    #[inline]
    pub(super) fn read(bytes: &'t [u8], count: usize) -> (Self, &'t [u8]) {
        let (targets, behind) = bytes.split_at(count * WRITTEN);
        (Self(targets.as_chunks().0), behind)
    }

    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = Target> {
        self.0.iter().map(Target::from_bytes)
    }
}

/// A position as it is written. There is room for each, see [`super::position`].
fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a position has 32 bits")
}
