use std::sync::Arc;

use super::mirror::{Changed, Mirror, RowChange};
use crate::source::place_before;

/// So many rows may have come: each is looked for among those before it, and where there are more, to tell everything costs little beside
/// what is to be done about them.
const MOST: usize = 64;

/// So many rows may have gone: all that stand behind one are moved for it.
const MOST_GONE: usize = 4;

/// What has come since somebody was told what there is, as long as it is rows that were removed, or put anew in their places or behind
/// all others: then it need not be told again what all the others are.
#[derive(Debug)]
pub(super) struct Lately {
    /// Where the store was then, as it is noted.
    since: Arc<str>,
    /// How many rows there were.
    among: usize,
    /// The ids of the rows that were put since.
    put: Vec<Arc<str>>,
    /// Those that were removed since: where they stood then, and their ids, the first first.
    gone: Vec<(usize, Arc<str>)>,
}

impl Lately {
    /// What has come since it was told what is known now.
    pub(super) fn nothing_since(mirror: &Mirror) -> Self {
        Self { since: mirror.at.note(), among: mirror.rows.len(), put: Vec::new(), gone: Vec::new() }
    }

    /// The same with what has changed since; none where that is more, or is not simple.
    pub(super) fn and(mut self, before: &Mirror, changed: &Changed) -> Option<Self> {
        let mut last = before.rows.values().next_back().map(|row| row.place);
        let mut gone = Vec::new();
        for RowChange { id, place, is_removed } in changed.few()? {
            if self.gone.iter().any(|(_, gone)| **gone == *id) {
                return None;
            }
            match before.rows.find(id) {
                Some((at, _)) if is_removed => gone.push((self.place_then(at)?, id.into())),
                // It came and went, and was not told.
                None if is_removed => {}
                Some((_, row)) if row.place == place => self.has_put(id),
                None if last < Some(place) => {
                    last = Some(place);
                    self.has_put(id);
                }
                _ => return None,
            }
        }
        self.put.retain(|id| !gone.iter().any(|(_, gone)| gone == id));
        self.gone.extend(gone);
        self.gone.sort_unstable();
        (self.put.len() <= MOST && self.gone.len() <= MOST_GONE).then_some(self)
    }

    fn has_put(&mut self, id: &str) {
        if !self.put.iter().any(|put| **put == *id) {
            self.put.push(id.into());
        }
    }

    /// Where a row stood then that stands there now, unless it was put behind all others since.
    fn place_then(&self, at: usize) -> Option<usize> {
        let then = place_before(self.gone(), at);
        (then < self.among).then_some(then)
    }

    /// Whether it is what has come since the store was there.
    pub(super) fn is_since(&self, note: &str) -> bool {
        *self.since == *note
    }

    /// How many rows there were then.
    pub(super) const fn among(&self) -> usize {
        self.among
    }

    /// Where those rows stood that were removed, the first first.
    pub(super) fn gone(&self) -> impl Iterator<Item = usize> {
        self.gone.iter().map(|(at, _)| *at)
    }

    /// The ids of the rows that were put.
    pub(super) fn put(&self) -> &[Arc<str>] {
        &self.put
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mirror::Revision;
    use super::*;

    fn listed(mirror: &Mirror) -> Vec<(Arc<str>, i64)> {
        mirror.rows.values().map(|row| (row.id.into(), row.revision)).collect()
    }

    proptest! {
        /// Whatever comes, if it is told, the old listing without what is gone, and what was put in its place, is the new one.
        #[test]
        fn what_is_gone_and_what_was_put_makes_of_the_old_listing_the_new_one(
            rows in prop::collection::vec((0..8_usize, prop::option::weighted(0.9, any::<bool>())), 1..30),
            told in prop::collection::vec(any::<bool>(), 30),
        ) {
            let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
            let at = |number| Revision::of("store", number, &number.to_string());
            let (mut mirror, _) = Mirror::after(None, Changed::of(at(0), &[]));
            let mut lately = Some(Lately::nothing_since(&mirror));
            let (mut then, mut note) = (listed(&mirror), mirror.at.note());
            for ((number, (name, put)), told) in (1..).zip(rows).zip(told) {
                // An edit keeps its place, as a rule; what is new or was removed comes last.
                let place = mirror.rows.find(names[name]).map(|(_, row)| row.place);
                let place = place.filter(|_| put != Some(false)).unwrap_or(number);
                let changed = Changed::of(at(number), &[(names[name], place, put.map(|_| "text"))]);
                lately = lately.and_then(|lately| lately.and(&mirror, &changed));
                mirror = Mirror::after(Some(mirror), changed).0;
                if let Some(lately) = &lately {
                    prop_assert!(lately.is_since(&note) && lately.among() == then.len());
                    let mut after = then.clone();
                    lately.gone().collect::<Vec<_>>().into_iter().rev().for_each(|at| drop(after.remove(at)));
                    let mut put: Vec<_> = lately.put().iter().filter_map(|id| mirror.rows.find(id)).collect();
                    put.sort_unstable_by_key(|(at, _)| *at);
                    for (at, row) in put {
                        if at == after.len() {
                            after.push((row.id.into(), row.revision));
                        }
                        prop_assert_eq!(&*after[at].0, row.id);
                        after[at].1 = row.revision;
                    }
                    prop_assert_eq!(after, listed(&mirror));
                }
                if told {
                    lately = Some(Lately::nothing_since(&mirror));
                    (then, note) = (listed(&mirror), mirror.at.note());
                }
            }
        }
    }

    #[test]
    fn what_is_put_or_goes_is_told_and_what_moves_is_not() {
        let at = |number| Revision::of("store", number, "mark");
        let (mirror, _) = Mirror::after(None, Changed::of(at(2), &[("a", 1, Some("1")), ("b", 2, Some("2"))]));
        let told = |rows: &[(&str, i64, Option<&str>)]| {
            let lately = Lately::nothing_since(&mirror).and(&mirror, &Changed::of(at(3), rows));
            lately.map(|lately| lately.put().iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(told(&[("a", 1, Some("3")), ("c", 3, Some("3"))]), Some(vec!["a".to_owned(), "c".to_owned()]));
        assert_eq!(told(&[("a", 1, None), ("b", 2, Some("3"))]), Some(vec!["b".to_owned()]));
        for more in [("a", 3, Some("3")), ("c", 0, Some("3"))] {
            assert_eq!(told(&[more]), None, "{more:?}");
        }
        let names: Vec<String> = (0..=MOST).map(|at| format!("x{at}")).collect();
        let many: Vec<_> = (3..).zip(&names).map(|(at, name)| (&**name, at, Some(""))).collect();
        assert!(told(&many[..MOST]).is_some() && told(&many).is_none());
    }
}
