/// Which of a list's entries that match decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// The first in file order.
    FileOrder,
    /// The first exclusive one, or else the first.
    ExclusiveFirst,
}

/// The place of an entry in the precedence of its list: of those that match, the one of the least rank decides.
///
/// Four bytes, since an index holds one for every path of every entry. From the highest bit: whether it yields to all
/// that do not; one more than its position in the file, 0 for the service's own user; and, of no weight
/// since positions differ, whether it is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rank(u32);

const YIELDS: u32 = 1 << 31;
const EXCLUSIVE: u32 = 1;
/// Positions have 30 bits: a file of 16 MiB, the largest that is read, holds fewer than 2²¹ entries.
const MAX_POSITION: usize = (1 << 30) - 2;

impl Precedence {
    /// The rank of the entry at a position of its list.
    ///
    /// # Panics
    ///
    /// If there are 2³⁰ entries in a list, which no file that is read has room for.
    #[must_use]
    pub const fn rank(self, position: usize, exclusive: bool) -> Rank {
        assert!(position <= MAX_POSITION, "a list of fewer than 2^30 entries");
        #[expect(clippy::cast_possible_truncation, reason = "checked in the line above")]
        let number = (position as u32 + 1) << 1;
        match (self, exclusive) {
            (_, true) => Rank(number | EXCLUSIVE),
            (Self::FileOrder, false) => Rank(number),
            (Self::ExclusiveFirst, false) => Rank(number | YIELDS),
        }
    }
}

impl Precedence {
    /// Why an entry that decides does, as a sentence without an end.
    #[must_use]
    pub const fn reason(self, exclusive: bool) -> &'static str {
        match (self, exclusive) {
            (Self::FileOrder, _) => "it is the first entry of the file that matches",
            (Self::ExclusiveFirst, true) => "it is the first exclusive entry of the file that matches",
            (Self::ExclusiveFirst, false) => {
                "it is the first entry of the file that matches, and no exclusive one does"
            }
        }
    }
}

impl Rank {
    /// What comes before all entries: the ID is the service's own user, exclusively.
    pub const SENDER: Self = Self(EXCLUSIVE);

    /// As a number, to be kept among others.
    #[must_use]
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The rank that was kept as a number.
    #[must_use]
    #[inline]
    pub(crate) const fn numbered(number: u32) -> Self {
        Self(number)
    }

    /// The position of the entry in its list; `None` for the service's own user.
    #[must_use]
    pub const fn position(self) -> Option<u32> {
        ((self.0 & !YIELDS) >> 1).checked_sub(1)
    }

    /// Whether it claims exclusively.
    #[must_use]
    pub const fn is_exclusive(self) -> bool {
        self.0 & EXCLUSIVE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_order_is_the_order_of_the_file() {
        let rank = |position, exclusive| Precedence::FileOrder.rank(position, exclusive);
        assert!(Rank::SENDER < rank(0, false) && rank(0, false) < rank(1, true) && rank(1, true) < rank(2, false));
    }

    #[test]
    fn exclusive_entries_come_first_and_keep_their_order() {
        let rank = |position, exclusive| Precedence::ExclusiveFirst.rank(position, exclusive);
        assert!(Rank::SENDER < rank(1, true) && rank(1, true) < rank(3, true) && rank(3, true) < rank(0, false));
        assert!(rank(0, false) < rank(2, false));
    }

    #[test]
    fn a_rank_remembers_the_entry() {
        assert_eq!((Rank::SENDER.position(), Rank::SENDER.is_exclusive()), (None, true));
        for precedence in [Precedence::FileOrder, Precedence::ExclusiveFirst] {
            for position in [0, 1, 1_000_000, MAX_POSITION] {
                for exclusive in [false, true] {
                    let rank = precedence.rank(position, exclusive);
                    assert_eq!(rank.position().map(|at| at as usize), Some(position));
                    assert_eq!(rank.is_exclusive(), exclusive);
                }
            }
        }
    }
}
