use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

/// The rows that are there, by their place in the load order, and by name.
///
/// There may be a million, so they lie in one piece, and a name is found by a table of places: 44 bytes a row and its name,
/// where a tree and a map of names took 120. A row is put behind all others as a rule, or is said anew at its place.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Known>,
    places: HashTable<i64>,
    hasher: RandomState,
}

/// A row that is there.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: Arc<str>,
    /// Its place in the load order.
    pub(super) place: i64,
    /// Which has made it what it is.
    pub(super) revision: i64,
}

impl Rows {
    /// All of them, in load order.
    pub(super) fn values(&self) -> impl ExactSizeIterator<Item = &Known> + DoubleEndedIterator {
        self.rows.iter()
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row and those that follow it.
    pub(super) fn from(&self, name: &str) -> Option<&[Known]> {
        self.find(name).map(|(at, _)| &self.rows[at..])
    }

    /// A row, and how many stand before it.
    pub(super) fn find(&self, name: &str) -> Option<(usize, &Known)> {
        let at = self.position(self.place(name)?).ok()?;
        Some((at, &self.rows[at]))
    }

    /// The row that is at a place in the load order.
    pub(super) fn at(&self, place: i64) -> Option<&Known> {
        self.position(place).ok().map(|at| &self.rows[at])
    }

    /// Puts rows, none of which is called like another.
    pub(super) fn put_all(&mut self, rows: Vec<Known>) {
        if self.rows.is_empty() && rows.is_sorted_by(|a, b| a.place < b.place) {
            // As a database yields all that it has: nothing has to be looked for.
            self.rows = rows;
            self.find_by_name();
        } else {
            for row in rows {
                self.put(row);
            }
        }
    }

    /// Makes the table of places anew.
    fn find_by_name(&mut self) {
        let Self { rows, places, hasher } = self;
        *places = HashTable::with_capacity(rows.len());
        for row in &*rows {
            let hash_of = |place: &i64| position(rows, *place).map_or(0, |at| hasher.hash_one(&*rows[at].name));
            places.insert_unique(hasher.hash_one(&*row.name), row.place, hash_of);
        }
    }

    /// Puts a row at its place, whatever its place was before.
    pub(super) fn put(&mut self, row: Known) {
        if self.is_elsewhere(&row.name, row.place) {
            self.remove(&row.name);
        }
        match self.position(row.place) {
            Ok(at) if self.rows[at].name == row.name => self.rows[at] = row,
            Ok(at) => {
                // No two have one place; were it so, the later one would have it.
                let other = Arc::clone(&self.rows[at].name);
                self.remove(&other);
                self.put(row);
            }
            Err(at) => {
                let (place, hash) = (row.place, self.hasher.hash_one(&*row.name));
                self.rows.insert(at, row);
                let Self { rows, places, hasher } = self;
                let hash_of = |place: &i64| position(rows, *place).map_or(0, |at| hasher.hash_one(&*rows[at].name));
                places.insert_unique(hash, place, hash_of);
            }
        }
    }

    /// Removes a row, if it is there.
    fn remove(&mut self, name: &str) {
        self.remove_all([name]);
    }

    /// Removes rows, those that are there, in one walk: somebody may take back an import of a hundred thousand.
    pub(super) fn remove_all<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        let Self { rows, places, hasher } = self;
        let mut gone = Vec::new();
        for name in names {
            let is = |place: &i64| position(rows, *place).is_ok_and(|at| *rows[at].name == *name);
            gone.extend(places.find_entry(hasher.hash_one(name), is).ok().map(|found| found.remove().0));
        }
        if gone.is_empty() {
            return;
        }
        gone.sort_unstable();
        let mut gone = gone.into_iter().peekable();
        rows.retain(|row| gone.next_if_eq(&row.place).is_none());
    }

    /// Whether a row is there, and at another place.
    pub(super) fn is_elsewhere(&self, name: &str, place: i64) -> bool {
        self.place(name).is_some_and(|known| known != place)
    }

    /// The place of a row in the load order.
    fn place(&self, name: &str) -> Option<i64> {
        let is = |place: &i64| self.position(*place).is_ok_and(|at| *self.rows[at].name == *name);
        self.places.find(self.hasher.hash_one(name), is).copied()
    }

    fn position(&self, place: i64) -> Result<usize, usize> {
        position(&self.rows, place)
    }
}

/// Where the row with a place is, or would be.
fn position(rows: &[Known], place: i64) -> Result<usize, usize> {
    match rows.last() {
        Some(last) if last.place < place => Err(rows.len()),
        _ => rows.binary_search_by_key(&place, |row| row.place),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The same as a map by place and one by name.
        #[test]
        fn every_row_is_found_by_its_place_and_by_its_name(
            changes in prop::collection::vec((0..12_u8, prop::option::of(0..20_i64)), 0..60),
        ) {
            let (mut rows, mut by_place): (_, BTreeMap<i64, (Arc<str>, i64)>) = (Rows::default(), BTreeMap::new());
            for (revision, (name, place)) in (1..).zip(changes) {
                let name: Arc<str> = format!("store:{name}").into();
                by_place.retain(|_, (other, _)| *other != name);
                match place {
                    Some(place) => {
                        by_place.insert(place, (Arc::clone(&name), revision));
                        rows.put(Known { name, place, revision });
                    }
                    None => rows.remove(&name),
                }
                let expected: Vec<_> = by_place.iter().map(|(&place, (name, revision))| (&**name, place, *revision)).collect();
                let said = |row: &'_ Known| (row.place, row.revision);
                let all: Vec<_> = rows.values().map(|row| (&*row.name, row.place, row.revision)).collect();
                prop_assert_eq!(all, &expected[..]);
                prop_assert_eq!(rows.places.len(), expected.len());
                for name in 0..12 {
                    let name = format!("store:{name}");
                    let behind = rows.from(&name).map(|rows| rows.iter().map(said).collect::<Vec<_>>());
                    let at = expected.iter().position(|(other, ..)| *other == name);
                    prop_assert_eq!(behind, at.map(|at| expected[at..].iter().map(|row| (row.1, row.2)).collect()));
                }
            }
        }
    }

    #[test]
    fn what_goes_at_once_is_gone_and_all_else_is_found() {
        let mut rows = Rows::default();
        let name = |at: i64| -> Arc<str> { format!("store:{at}").into() };
        let row = |at| Known { name: name(at), place: at, revision: at };
        rows.put_all((0..500).map(row).collect());
        rows.put_all((500..1_000).rev().map(row).collect());
        assert!(rows.values().map(|row| row.place).eq(0..1_000));
        let gone: Vec<Arc<str>> = (0..2_000).filter(|at| at % 3 == 0).rev().map(name).collect();
        rows.remove_all(gone.iter().map(|name| &**name));
        assert_eq!(rows.len(), 666);
        for at in 0..1_000 {
            assert_eq!(rows.place(&name(at)), (at % 3 != 0).then_some(at));
        }
    }
}
