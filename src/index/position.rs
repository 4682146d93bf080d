//! The numbers by which the parts of an index name each other, each a type of its own.

use std::num::NonZeroU32;

/// Declares positions: 32 bits, so that the tables that hold millions of them stay small; counted from one inside, so
/// that an `Option` of one is no larger.
///
/// Building one beyond 2³² - 2 panics. It needs more memory than there is to get there (a path takes 20 bytes, a
/// registration hundreds); a panic in the thread that loads leaves in force what is in force, where a number that was cut
/// off would name another service.
macro_rules! positions {
    ($($(#[$doc:meta])* $visibility:vis $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $visibility struct $name(NonZeroU32);

        impl $name {
            /// The position of what stands at an index of its list.
            ///
            /// # Panics
            ///
            /// If the list holds 2³² - 1 things, for which there is no memory.
            #[must_use]
            #[inline]
            $visibility fn new(index: usize) -> Self {
                let number = u32::try_from(index).ok().and_then(|index| NonZeroU32::MIN.checked_add(index));
                Self(number.expect("a list of fewer than 2^32 - 1"))
            }

            /// The index in its list.
            #[must_use]
            #[inline]
            $visibility const fn index(self) -> usize {
                self.0.get() as usize - 1
            }
        }
    )*};
}

positions! {
    /// A service, by its position in load order.
    pub ServicePos
    /// A service among those that a layer was built from.
    pub(super) Slot
    /// What must hold behind a prefix.
    pub(super) CheckId
    /// An automaton for what follows a prefix.
    pub(super) ResidualId
    /// A matcher for a whole pattern.
    pub(super) MatcherId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_comes_back_as_it_was() {
        for index in [0, 1, u32::MAX as usize - 1] {
            assert_eq!(ServicePos::new(index).index(), index);
        }
        assert_eq!(size_of::<Option<ServicePos>>(), 4);
    }

    #[test]
    #[should_panic(expected = "fewer than")]
    fn what_does_not_fit_is_loud() {
        let _ = Slot::new(u32::MAX as usize);
    }
}
