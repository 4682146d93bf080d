/// Which of a list's entries that match decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// The first in file order.
    FileOrder,
    /// The first exclusive one, or else the first.
    ExclusiveFirst,
}

/// The place of an entry in the precedence of its list: of those that match, the one of the least rank decides. It holds
/// the entry's position in the file, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rank(u32);

/// Set in the ranks of entries that yield to all others; so positions have 31 bits, and a file of 16 MiB holds fewer
/// than 2²¹ entries.
const YIELDS: u32 = 1 << 31;

impl Precedence {
    /// The rank of the entry at a position of its list.
    ///
    /// # Panics
    ///
    /// If there are 2³¹ entries in a list, which no file that is read has room for.
    #[must_use]
    pub const fn rank(self, position: usize, exclusive: bool) -> Rank {
        assert!(position < YIELDS as usize - 1, "a list of fewer than 2^31 entries");
        #[expect(clippy::cast_possible_truncation, reason = "checked in the line above")]
        let number = position as u32 + 1;
        match self {
            Self::FileOrder => Rank(number),
            Self::ExclusiveFirst if exclusive => Rank(number),
            Self::ExclusiveFirst => Rank(number | YIELDS),
        }
    }
}

impl Rank {
    /// What comes before all entries: the ID is the service's own user.
    pub const SENDER: Self = Self(0);

    /// The position of the entry in its list; `None` for the service's own user.
    #[must_use]
    pub const fn position(self) -> Option<u32> {
        (self.0 & !YIELDS).checked_sub(1)
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
    fn a_rank_remembers_the_position() {
        assert_eq!(Rank::SENDER.position(), None);
        for precedence in [Precedence::FileOrder, Precedence::ExclusiveFirst] {
            for (position, exclusive) in [(0, true), (0, false), (1_000_000, true), (1_000_000, false)] {
                let rank = precedence.rank(position, exclusive);
                assert_eq!(rank.position().map(|at| at as usize), Some(position));
            }
        }
    }
}
