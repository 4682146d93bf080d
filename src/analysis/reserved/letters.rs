use crate::matrix::{is_historical, is_registrable};

/// A set of ASCII characters: all that a localpart is made of here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Letters(u128);

impl Letters {
    /// What a person may register, by today's grammar.
    pub(super) fn registrable() -> Self {
        Self::those(is_registrable)
    }

    /// What old servers and lenient bridges have made localparts of.
    pub(super) fn historical() -> Self {
        Self::those(is_historical)
    }

    fn those(is_in: impl Fn(char) -> bool) -> Self {
        let bits = (0..128_u8).filter(|&byte| is_in(byte.into())).map(|byte| 1 << byte);
        Self(bits.fold(0, |set: u128, bit: u128| set | bit))
    }

    /// One character; none if it is not ASCII.
    pub(super) fn one(c: char) -> Self {
        if c.is_ascii() { Self(1 << u32::from(c)) } else { Self(0) }
    }

    /// Those of a stretch of code points, its end not included.
    pub(super) fn between(start: u32, end: u32) -> Self {
        let below = |end: u32| if end >= u128::BITS { u128::MAX } else { (1 << end) - 1 };
        Self(below(end) & !below(start))
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = char> {
        (0..128_u8).filter(move |byte| self.0 & (1 << byte) != 0).map(char::from)
    }

    /// The only one.
    pub(super) fn only(self) -> Option<char> {
        if self.0.is_power_of_two() { self.iter().next() } else { None }
    }

    /// The stretches that it consists of, first and last.
    pub(super) fn ranges(self) -> Vec<(char, char)> {
        let mut ranges: Vec<(char, char)> = Vec::new();
        for c in self.iter() {
            match ranges.last_mut() {
                Some((_, last)) if u32::from(*last) + 1 == u32::from(c) => *last = c,
                _ => ranges.push((c, c)),
            }
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_what_it_is_made_of() {
        let registrable = Letters::registrable();
        assert_eq!(registrable.iter().filter(|&c| !is_registrable(c)).count(), 0);
        assert_eq!(registrable.iter().count(), 26 + 10 + 6);
        assert!(registrable.without(Letters::historical()).is_empty());
        assert_eq!(Letters::between(0x61, 0x64).ranges(), [('a', 'c')]);
        assert_eq!(Letters::between(0x7a, 0x11_0000).and(registrable).only(), Some('z'));
        assert_eq!(Letters::one('é'), Letters::between(200, 300));
        let some = Letters::one('a').or(Letters::one('c')).or(Letters::one('b')).or(Letters::one('x'));
        assert_eq!(some.ranges(), [('a', 'c'), ('x', 'x')]);
    }
}
