/// A set of places in a text: before each of its characters, and at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places(Vec<u64>);

const BITS: usize = u64::BITS as usize;

impl Places {
    /// Makes it the empty set of a text of so many characters.
    pub(super) fn reset(&mut self, chars: usize) {
        self.0.clear();
        self.0.resize(chars / BITS + 1, 0);
    }

    /// Makes it the set of all places.
    pub(super) fn fill(&mut self, chars: usize) {
        self.0.clear();
        self.0.resize(chars / BITS + 1, u64::MAX);
        if let Some(last) = self.0.last_mut() {
            *last >>= BITS - 1 - chars % BITS;
        }
    }

    pub(super) fn copy_from(&mut self, other: &Self) {
        self.0.clone_from(&other.0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn contains(&self, place: usize) -> bool {
        self.0.get(place / BITS).is_some_and(|word| word >> (place % BITS) & 1 == 1)
    }

    pub(super) fn insert(&mut self, place: usize) {
        self.0[place / BITS] |= 1 << (place % BITS);
    }

    /// The last of them.
    pub(super) fn last(&self) -> Option<usize> {
        let at = self.0.iter().rposition(|word| *word != 0)?;
        Some(at * BITS + BITS - 1 - self.0[at].leading_zeros() as usize)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= !other);
    }

    /// Keeps those for which this holds.
    pub(super) fn retain(&mut self, holds: impl Fn(usize) -> bool) {
        for (at, word) in self.0.iter_mut().enumerate() {
            let mut left = *word;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                if !holds(at * BITS + bit) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// The places so many characters before these; those that have as many before them.
    pub(super) fn move_back(&mut self, chars: usize) {
        let (words, bits) = (chars / BITS, chars % BITS);
        for at in 0..self.0.len() {
            let low = self.0.get(at + words).map_or(0, |word| word >> bits);
            let high = match bits {
                0 => 0,
                _ => self.0.get(at + words + 1).map_or(0, |word| word << (BITS - bits)),
            };
            self.0[at] = low | high;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(at * BITS + bit)
            })
        })
    }

    /// How many words it takes: what an operation on it costs.
    pub(super) fn words(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_are_sets(chars in 0_usize..200, back in 0_usize..210, members in prop::collection::btree_set(0_usize..200, 0..40)) {
            let members: Vec<usize> = members.into_iter().filter(|&place| place <= chars).collect();
            let mut places = Places::default();
            places.reset(chars);
            for &place in &members {
                places.insert(place);
            }
            prop_assert_eq!(places.iter().collect::<Vec<_>>(), members.clone());
            prop_assert_eq!(places.last(), members.last().copied());
            prop_assert_eq!(places.is_empty(), members.is_empty());
            let mut all = Places::default();
            all.fill(chars);
            prop_assert_eq!(all.iter().count(), chars + 1);
            all.remove(&places);
            prop_assert_eq!(all.iter().count(), chars + 1 - members.len());
            let mut even = places.clone();
            even.retain(|place| place % 2 == 0);
            prop_assert!((0..=chars).all(|place| even.contains(place) == (places.contains(place) && place % 2 == 0)));
            places.move_back(back);
            let moved: Vec<usize> = members.iter().filter_map(|place| place.checked_sub(back)).collect();
            prop_assert_eq!(places.iter().collect::<Vec<_>>(), moved);
        }
    }
}
