//! Sets of code points as Go keeps them: ranges in the order in which they came, until somebody cleans them.
//!
//! Order and length show: how many ranges a set has decides when an expression is too large. A code point is a number here, as
//! a rune is in Go, since Go's sets may hold surrogates, which no text does.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use crate::tables;

/// The last code point.
pub(crate) const MAX_RUNE: u32 = 0x10_FFFF;
/// No character outside of these is the same as another but for case; a test looks whether the table agrees.
const FOLDED: std::ops::RangeInclusive<u32> = 0x41..=0x1_E943;

const SURROGATES: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;

/// Ranges, ends included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(Vec<(u32, u32)>);

impl Set {
    pub(crate) const EMPTY: Self = Self(Vec::new());

    pub(crate) fn of(ranges: &[(u32, u32)]) -> Self {
        Self(ranges.to_vec())
    }

    pub(crate) fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// Adds a range; one of the last two is made longer instead if that is the same.
    pub(crate) fn add(&mut self, low: u32, high: u32) {
        for last in self.0.iter_mut().rev().take(2) {
            if low <= last.1 + 1 && last.0 <= high + 1 {
                *last = (last.0.min(low), last.1.max(high));
                return;
            }
        }
        self.0.push((low, high));
    }

    pub(crate) fn add_all(&mut self, ranges: &[(u32, u32)]) {
        for &(low, high) in ranges {
            self.add(low, high);
        }
    }

    /// Adds a range, and what is the same but for case.
    pub(crate) fn add_folded(&mut self, low: u32, high: u32) {
        if low == high {
            return orbit(low).for_each(|c| self.add(c, c));
        }
        self.add(low, high);
        for &(c, _) in tables::next_in_orbits(low..=high) {
            orbit(c).skip(1).for_each(|c| self.add(c, c));
        }
    }

    /// Adds what is in no range of a clean set.
    pub(crate) fn add_others(&mut self, clean: &[(u32, u32)]) {
        let mut next = 0;
        for &(low, high) in clean {
            if next < low {
                self.add(next, low - 1);
            }
            next = high + 1;
        }
        if next <= MAX_RUNE {
            self.add(next, MAX_RUNE);
        }
    }

    /// Sorts the ranges, and unites those that meet.
    pub(crate) fn clean(&mut self) {
        self.0.sort_unstable_by_key(|&(low, high)| (low, std::cmp::Reverse(high)));
        self.0.dedup_by(|next, last| {
            let meets = next.0 <= last.1 + 1;
            if meets {
                last.1 = last.1.max(next.1);
            }
            meets
        });
    }

    /// Makes of a clean set that of all other code points.
    pub(crate) fn negate(&mut self) {
        let mut others = Self::default();
        others.add_others(&self.0);
        *self = others;
    }

    pub(crate) fn contains(&self, c: u32) -> bool {
        self.0.iter().any(|&(low, high)| (low..=high).contains(&c))
    }

    /// As characters: without surrogates.
    pub(crate) fn class(&self) -> ClassUnicode {
        ClassUnicode::new(self.0.iter().filter_map(|&(low, high)| {
            let low = if SURROGATES.contains(&low) { SURROGATES.end() + 1 } else { low };
            let high = if SURROGATES.contains(&high) { SURROGATES.start() - 1 } else { high };
            (low <= high).then_some(ClassUnicodeRange::new(char::from_u32(low)?, char::from_u32(high)?))
        }))
    }
}

/// A code point, and all that are the same but for case, each the next greater one and at last the least.
pub(crate) fn orbit(c: u32) -> impl Iterator<Item = u32> {
    let next = |c: u32| if FOLDED.contains(&c) { tables::next_in_orbit(c) } else { c };
    let mut at = Some(c);
    std::iter::from_fn(move || {
        let this = at?;
        at = Some(next(this)).filter(|&next| next != c);
        Some(this)
    })
}
