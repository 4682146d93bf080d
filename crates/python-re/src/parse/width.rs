/// How many characters something takes, at least and at most, as Python reckons it.
///
/// It decides which look-behinds are refused, so the reckoning is Python's to the letter: saturating, blind to what
/// cannot match, and a repetition of nothing without end takes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) min: u128,
    pub(super) max: u128,
}

/// More than any number of characters.
const UNBOUNDED: u128 = 1 << 64;

impl Width {
    pub(super) const ZERO: Self = Self { min: 0, max: 0 };
    pub(super) const ONE: Self = Self { min: 1, max: 1 };

    /// One after the other.
    pub(super) fn then(self, other: Self) -> Self {
        Self { min: (self.min + other.min).min(UNBOUNDED), max: (self.max + other.max).min(UNBOUNDED) }
    }

    /// One or the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// Repeated; `None` for no limit.
    pub(super) fn repeated(self, min: u32, max: Option<u32>) -> Self {
        let most = match max {
            Some(max) => self.max * u128::from(max),
            None if self.max == 0 => 0,
            None => UNBOUNDED,
        };
        Self { min: (self.min * u128::from(min)).min(UNBOUNDED), max: most.min(UNBOUNDED) }
    }
}
