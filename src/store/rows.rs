use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// The rows that are there, by their place in the load order, and by id.
///
/// There may be a million, so all of them are in three pieces of memory: the rows in load order, their ids one behind the other, and a
/// table of where in the list the row with an id is. That is 35 bytes a row, and its id; with a piece for each name and a table of places
/// it was 99. A row is put behind all others as a rule, or is said anew at its place. Where one goes, or comes in between, all are gone
/// through, once for all that go or come at a time.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    ids: Ids,
    /// Where in the list they are.
    by_id: HashTable<u32>,
    hasher: RandomState,
}

/// A row that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known<'r> {
    pub(super) id: &'r str,
    /// Its place in the load order.
    pub(super) place: i64,
    /// Which has made it what it is.
    pub(super) revision: i64,
}

/// The same as it is kept.
#[derive(Clone, Copy, Debug)]
struct Row {
    place: i64,
    revision: i64,
    id: Id,
}

/// Ids one behind the other.
#[derive(Debug, Default)]
pub(super) struct Ids {
    text: String,
    /// So many bytes of it are of ids that nobody has any more.
    lost: usize,
}

/// Where an id lies among others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id {
    start: u32,
    length: u32,
}

impl Ids {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), lost: 0 }
    }

    pub(super) fn push(&mut self, id: &str) -> Id {
        let [start, length] = [self.text.len(), id.len()].map(number);
        self.text.push_str(id);
        Id { start, length }
    }

    pub(super) fn get(&self, id: Id) -> &str {
        &self.text[id.start as usize..][..id.length as usize]
    }

    fn row(&mut self, Known { id, place, revision }: Known<'_>) -> Row {
        Row { place, revision, id: self.push(id) }
    }
}

impl Rows {
    /// All of them, in load order.
    pub(super) fn values(&self) -> impl ExactSizeIterator<Item = Known<'_>> + DoubleEndedIterator {
        self.rows.iter().map(|row| self.known(row))
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row and those that follow it.
    pub(super) fn from(&self, id: &str) -> Option<impl Iterator<Item = Known<'_>>> {
        let at = self.position(id)?;
        Some(self.rows[at..].iter().map(|row| self.known(row)))
    }

    /// A row, and how many stand before it.
    pub(super) fn find(&self, id: &str) -> Option<(usize, Known<'_>)> {
        let at = self.position(id)?;
        Some((at, self.known(&self.rows[at])))
    }

    /// The row that is at a place in the load order.
    pub(super) fn at(&self, place: i64) -> Option<Known<'_>> {
        let at = self.rows.binary_search_by_key(&place, |row| row.place).ok()?;
        Some(self.known(&self.rows[at]))
    }

    /// Whether a row is there, and at another place.
    pub(super) fn is_elsewhere(&self, id: &str, place: i64) -> bool {
        self.find(id).is_some_and(|(_, known)| known.place != place)
    }

    /// Puts rows at their places, whatever their places were before. No two of them have one place or one id; were it so, one of them
    /// would have it.
    pub(super) fn put_all<'k>(&mut self, rows: impl Iterator<Item = Known<'k>> + Clone) {
        if self.rows.is_empty() {
            self.rows.reserve_exact(rows.clone().count());
            self.by_id.reserve(self.rows.capacity(), |_| 0);
            self.ids.text.reserve_exact(rows.clone().map(|row| row.id.len()).sum());
        }
        let mut between: Vec<Known<'_>> = Vec::new();
        for row in rows {
            let at = self.position(row.id);
            if let Some(known) = at.map(|at| &mut self.rows[at]).filter(|known| known.place == row.place) {
                known.revision = row.revision;
            } else if at.is_none() && self.rows.last().is_none_or(|last| last.place < row.place) {
                let row = self.ids.row(row);
                self.rows.push(row);
                self.note_id(self.rows.len() - 1);
            } else {
                between.push(row);
            }
        }
        if !between.is_empty() {
            self.put_between(between);
        }
    }

    /// Puts rows at places among the others.
    fn put_between(&mut self, mut rows: Vec<Known<'_>>) {
        // The later ones first: of those that have one id, or one place, it is the first that stays.
        rows.reverse();
        let mut seen = HashSet::with_capacity(rows.len());
        rows.retain(|row| seen.insert(row.id));
        self.remove_all(rows.iter().map(|row| row.id));
        let mut all: Vec<Row> = rows.into_iter().map(|row| self.ids.row(row)).collect();
        all.append(&mut self.rows);
        all.sort_by_key(|row| row.place);
        all.dedup_by_key(|row| row.place);
        let used: usize = all.iter().map(|row| row.id.length as usize).sum();
        self.ids.lost = self.ids.text.len() - used;
        self.rows = all;
        self.by_id.clear();
        (0..self.rows.len()).for_each(|at| self.note_id(at));
        self.forget_lost_ids();
    }

    /// Removes rows, those that are there, in one walk: somebody may take back an import of a hundred thousand.
    pub(super) fn remove_all<'n>(&mut self, ids: impl IntoIterator<Item = &'n str>) {
        let Self { rows, ids: known, by_id, hasher } = self;
        let mut gone: Vec<u32> = Vec::new();
        for id in ids {
            let is = |at: &u32| known.get(rows[*at as usize].id) == id;
            gone.extend(by_id.find_entry(hasher.hash_one(id), is).ok().map(|found| found.remove().0));
        }
        if gone.is_empty() {
            return;
        }
        gone.sort_unstable();
        by_id.iter_mut().for_each(|at| *at -= number(gone.partition_point(|gone| gone < at)));
        let (mut at, mut next) = (0, gone.into_iter().peekable());
        rows.retain(|row| {
            let is_gone = next.next_if_eq(&at).is_some();
            at += 1;
            known.lost += if is_gone { row.id.length as usize } else { 0 };
            !is_gone
        });
        self.forget_lost_ids();
    }

    /// Writes the ids anew if most of what is written is of none that is there, so that it costs no more than those did that are lost.
    fn forget_lost_ids(&mut self) {
        let Self { rows, ids, .. } = self;
        if ids.lost <= ids.text.len() / 2 {
            return;
        }
        let mut written = Ids::with_capacity(ids.text.len() - ids.lost);
        for row in rows {
            row.id = written.push(ids.get(row.id));
        }
        *ids = written;
    }

    /// Notes where a row is that no other is called like.
    fn note_id(&mut self, at: usize) {
        let Self { rows, ids, by_id, hasher } = self;
        let hash_of = |at: &u32| hasher.hash_one(ids.get(rows[*at as usize].id));
        let at = number(at);
        by_id.insert_unique(hash_of(&at), at, hash_of);
    }

    /// Where in the list a row is.
    fn position(&self, id: &str) -> Option<usize> {
        let is = |at: &u32| self.ids.get(self.rows[*at as usize].id) == id;
        self.by_id.find(self.hasher.hash_one(id), is).map(|at| *at as usize)
    }

    fn known(&self, row: &Row) -> Known<'_> {
        Known { id: self.ids.get(row.id), place: row.place, revision: row.revision }
    }
}

/// A number of rows, or of bytes of their ids.
///
/// # Panics
///
/// If it has more than 32 bits, for which there is no memory: what is made of a row takes ten times as much as its id. A panic in the thread
/// that loads leaves in force what is in force.
fn number(of: usize) -> u32 {
    u32::try_from(of).expect("fewer than 2^32 rows, and less than 4 GiB of ids")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Rows {
        /// Whether each is found where it is, and no more is written than is said to be.
        fn are_noted(&self) -> bool {
            let written: usize = self.values().map(|row| row.id.len()).sum();
            let is_found =
                |(at, row): (usize, Known<'_>)| self.find(row.id) == Some((at, row)) && self.at(row.place) == Some(row);
            self.values().enumerate().all(is_found)
                && self.by_id.len() == self.len()
                && self.ids.text.len() == written + self.ids.lost
                && self.ids.lost <= self.ids.text.len() / 2
        }
    }

    proptest! {
        /// The same as a map by place and one by id, whether they come one by one or together.
        #[test]
        fn every_row_is_found_by_its_place_and_by_its_id(
            changes in prop::collection::vec((0..12_u8, prop::option::of(0..20_i64)), 0..60),
            together in 1..6_usize,
        ) {
            let (mut rows, mut by_place): (_, BTreeMap<i64, (String, i64)>) = (Rows::default(), BTreeMap::new());
            let changes: Vec<_> = (1..).zip(changes).map(|(revision, (id, place))| (format!("bridge-{id}"), place, revision)).collect();
            for changes in changes.chunks(together) {
                // Together come only those of which no two have one id or one place, and those that go, go first.
                let are_apart = (1..changes.len()).all(|at| {
                    changes[..at].iter().all(|one| one.0 != changes[at].0 && (one.1 != changes[at].1 || one.1.is_none()))
                });
                for changes in if are_apart { changes.chunks(together) } else { changes.chunks(1) } {
                    rows.remove_all(changes.iter().filter(|(_, place, _)| place.is_none()).map(|(id, ..)| &**id));
                    rows.put_all(changes.iter().filter_map(|(id, place, revision)| {
                        Some(Known { id, place: (*place)?, revision: *revision })
                    }));
                    by_place.retain(|_, (other, _)| changes.iter().all(|(id, ..)| id != other));
                    let put = changes.iter().filter_map(|(id, place, revision)| Some(((*place)?, (id.clone(), *revision))));
                    by_place.extend(put);
                    let expected: Vec<_> =
                        by_place.iter().map(|(&place, (id, revision))| Known { id, place, revision: *revision }).collect();
                    prop_assert!(rows.values().eq(expected.iter().copied()), "{:?} {expected:?}", rows);
                    prop_assert!(rows.are_noted(), "{:?}", rows);
                    for id in (0..12).map(|id| format!("bridge-{id}")) {
                        let behind = rows.from(&id).map(Iterator::collect::<Vec<_>>);
                        let at = expected.iter().position(|row| row.id == id);
                        prop_assert_eq!(behind, at.map(|at| expected[at..].to_vec()));
                    }
                }
            }
        }
    }

    #[test]
    fn what_goes_at_once_is_gone_and_all_else_is_found() {
        let ids: Vec<String> = (0..2_000).map(|at| format!("bridge-{at}")).collect();
        let mut rows = Rows::default();
        let row = |at: usize| Known { id: &ids[at], place: i64::try_from(at).expect("few"), revision: 1 };
        rows.put_all((0..500).map(row));
        rows.put_all((500..1_000).rev().map(row));
        assert!(rows.values().map(|row| row.place).eq(0..1_000) && rows.are_noted());
        rows.remove_all(ids.iter().step_by(3).rev().map(|id| &**id));
        assert_eq!(rows.len(), 666);
        for (at, id) in ids.iter().enumerate().take(1_000) {
            assert_eq!(rows.find(id).map(|(_, row)| row), (at % 3 != 0).then_some(row(at)));
        }
        rows.remove_all(ids.iter().skip(10).map(|id| &**id));
        assert!(rows.len() == 6 && rows.are_noted());
    }

    #[test]
    fn what_is_put_anew_a_thousand_times_takes_no_more_than_once() {
        let id = |at: i64| format!("bridge-{at}");
        let mut rows = Rows::default();
        for round in 0..1_000 {
            for at in 0..10 {
                rows.put_all(std::iter::once(Known { id: &id(at), place: at, revision: round }));
            }
        }
        assert_eq!((rows.len(), rows.ids.text.len()), (10, 80));
        // Nor does what goes and comes back behind all others, under its own name or another.
        for place in 10..10_000 {
            rows.remove_all([&*id(place % 10), &*id(place)]);
            rows.put_all(std::iter::once(Known { id: &id(place % 10), place, revision: 1 }));
        }
        assert!(rows.len() == 10 && rows.ids.text.len() <= 2 * 80 && rows.are_noted());
    }
}
