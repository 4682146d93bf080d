//! A sorted list of which most is the same after a change.
//!
//! It lies in blocks of some hundred items, which a list and the ones that come of it share. A change makes anew the blocks
//! that it falls into, and copies a pointer for each of the others: of a million items with one changed, two blocks and
//! four thousand pointers. Whoever still reads the list of before keeps what differs, and no more.

use std::cmp::Ordering;
use std::sync::Arc;

/// A block has so many items at most. With 64, a list of a million is 16,000 pointers to copy for each change, with 1,024 an
/// item that comes moves 32 KiB; this lies between them, by that reasoning and no measurement.
const MAX_BLOCK: usize = 256;

/// Items in some order, which whoever changes them brings along.
#[derive(Clone, Debug)]
pub(super) struct Sorted<T> {
    /// None is empty.
    blocks: Vec<Arc<[T]>>,
    len: usize,
}

/// A place in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    block: usize,
    at: usize,
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), len: 0 }
    }
}

impl<T: Clone> Sorted<T> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.blocks.iter().flat_map(|block| block.iter())
    }

    /// The item at a place, and the place behind it.
    pub(super) fn next(&self, Place { block, at }: Place) -> Option<(&T, Place)> {
        let items = self.blocks.get(block)?;
        let item = items.get(at)?;
        let behind = if at + 1 < items.len() { Place { block, at: at + 1 } } else { Place { block: block + 1, at: 0 } };
        Some((item, behind))
    }

    /// All from the first on that does not come before something; those that do stand in front of all others.
    pub(super) fn from(&self, comes_before: impl Fn(&T) -> bool) -> impl Iterator<Item = &T> {
        let block = self.blocks.partition_point(|block| block.first().is_some_and(&comes_before)).saturating_sub(1);
        let at = self.blocks.get(block).map_or(0, |items| items.partition_point(&comes_before));
        let blocks = self.blocks.get(block..).unwrap_or_default();
        blocks.iter().flat_map(|items| items.iter()).skip(at)
    }

    /// Takes items out and puts others in, which are in order. Returns those taken out.
    pub(super) fn change(
        &mut self,
        is_gone: Option<&impl Fn(&T) -> bool>,
        added: Vec<T>,
        order: impl Fn(&T, &T) -> Ordering,
    ) -> Vec<T> {
        let before = std::mem::take(&mut self.blocks);
        let is_gone = |item: &T| is_gone.is_some_and(|is_gone| is_gone(item));
        let (mut gone, mut added) = (Vec::new(), added.into_iter().peekable());
        for (at, block) in before.iter().enumerate() {
            let next = before.get(at + 1).and_then(|block| block.first());
            let mut come = Vec::new();
            while let Some(item) = added.next_if(|item| next.is_none_or(|next| order(item, next).is_lt())) {
                come.push(item);
            }
            if come.is_empty() && !block.iter().any(is_gone) {
                self.blocks.push(Arc::clone(block));
                continue;
            }
            let (lost, kept): (Vec<T>, Vec<T>) = block.iter().cloned().partition(is_gone);
            gone.extend(lost);
            self.fill(merged(kept, come, &order));
        }
        self.fill(added.collect());
        self.len = self.blocks.iter().map(|block| block.len()).sum();
        // Much has gone here and there: blocks of a few items are more pointers than items.
        if self.blocks.len() > 16 + self.len * 4 / MAX_BLOCK {
            let all = self.iter().cloned().collect();
            self.blocks.clear();
            self.fill(all);
        }
        gone
    }

    fn fill(&mut self, items: Vec<T>) {
        if items.is_empty() {
            return;
        }
        // Of equal size, so that what is split has room on both sides.
        let size = items.len().div_ceil(items.len().div_ceil(MAX_BLOCK));
        let mut items = items.into_iter();
        while items.len() > 0 {
            self.blocks.push(items.by_ref().take(size).collect());
        }
    }
}

/// Two lists as one.
pub(super) fn merged<T>(a: Vec<T>, b: Vec<T>, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if a.is_empty() || b.is_empty() {
        return if a.is_empty() { b } else { a };
    }
    let mut all = Vec::with_capacity(a.len() + b.len());
    let mut b = b.into_iter().peekable();
    for item in a {
        while let Some(before) = b.next_if(|before| order(before, &item).is_lt()) {
            all.push(before);
        }
        all.push(item);
    }
    all.extend(b);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_that_is_changed_is_the_list_made_anew(
            changes in prop::collection::vec((prop::collection::vec(0..4_000_u32, 0..900), 0..7_u32), 1..8),
            asked in 0..4_000_u32,
        ) {
            let (mut list, mut plain): (Sorted<u32>, Vec<u32>) = (Sorted::default(), Vec::new());
            for (mut come, rest) in changes {
                come.sort_unstable();
                let is_gone = |item: &u32| item % 7 == rest;
                let gone = list.change(Some(&is_gone), come.clone(), Ord::cmp);
                let (expected, kept): (Vec<u32>, Vec<u32>) = plain.iter().partition(|item| is_gone(item));
                prop_assert_eq!(gone, expected);
                plain = kept;
                plain.extend(come);
                plain.sort_unstable();
                prop_assert_eq!(list.iter().copied().collect::<Vec<_>>(), plain.clone());
                prop_assert_eq!(list.len(), plain.len());
                prop_assert!(list.blocks.iter().all(|block| (1..=MAX_BLOCK).contains(&block.len())));
                let from: Vec<u32> = list.from(|item| *item < asked).copied().collect();
                prop_assert_eq!(from, plain.iter().copied().filter(|item| *item >= asked).collect::<Vec<_>>());
                let mut place = Place::default();
                for item in &plain {
                    let (next, behind) = list.next(place).expect("another");
                    prop_assert_eq!(next, item);
                    place = behind;
                }
                prop_assert!(list.next(place).is_none());
            }
        }

        #[test]
        fn what_does_not_change_is_shared(items in prop::collection::vec(any::<u32>(), 2_000..4_000), one: u32) {
            let mut items = items;
            items.sort_unstable();
            let mut before = Sorted::default();
            before.change(None::<&fn(&u32) -> bool>, items, Ord::cmp);
            let mut after = before.clone();
            after.change(None::<&fn(&u32) -> bool>, vec![one], Ord::cmp);
            let made = after.blocks.iter().filter(|block| !before.blocks.iter().any(|old| Arc::ptr_eq(old, block)));
            prop_assert!(made.count() <= 2);
        }
    }
}
