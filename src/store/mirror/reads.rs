//! Rows as a database yields them.

use tokio_postgres::Row;
use zeroize::Zeroizing;

use super::{RowChange, Sources};
use crate::store::StoreError;
use crate::store::rows::{Id, Ids, Known};

/// Rows that have changed, in load order. At first these are all, and may be a million, so none has a piece of memory of its own unless
/// what it says has come along.
#[derive(Default)]
pub(in crate::store) struct Reads {
    ids: Ids,
    rows: Vec<One>,
}

struct One {
    id: Id,
    place: i64,
    revision: i64,
    removed: bool,
    source: Option<Zeroizing<Vec<u8>>>,
}

/// A row that has changed.
#[derive(Clone, Copy)]
pub(in crate::store) struct Read<'r> {
    pub(super) id: &'r str,
    pub(super) place: i64,
    pub(super) revision: i64,
    pub(super) removed: bool,
    /// What it says, if that has come along.
    pub(super) source: Option<&'r [u8]>,
}

/// Room for so many is taken beforehand where there may be as many: 56 MB, which an allocator takes from the system by itself and gives back
/// at once. Nothing is outgrown on the way, which would be copied, and of which some allocators keep the smaller pieces.
const ROOM: usize = 1 << 20;

/// So many bytes of ids are taken to be a row's: twice as many as most have, and 32 MB for so many rows.
const ID: usize = 32;

impl Reads {
    /// Room for at most so many.
    pub(super) fn with_room(rows: usize) -> Self {
        let rows = rows.min(ROOM);
        Self { ids: Ids::with_capacity(rows * ID), rows: Vec::with_capacity(rows) }
    }

    pub(super) fn push(&mut self, row: Read<'_>) {
        let Read { id, place, revision, removed, source } = row;
        let source = source.map(|source| Zeroizing::new(source.to_vec()));
        self.rows.push(One { id: self.ids.push(id), place, revision, removed, source });
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Read<'_>> + Clone {
        self.rows.iter().map(|row| {
            let One { id, place, revision, removed, source } = row;
            let source = source.as_ref().map(|source| &***source);
            Read { id: self.ids.get(*id), place: *place, revision: *revision, removed: *removed, source }
        })
    }

    /// Those that are there.
    pub(super) fn there(&self) -> impl Iterator<Item = Read<'_>> + Clone {
        self.iter().filter(|row| !row.removed)
    }

    /// What those say that are there, as far as it has come along.
    pub(super) fn into_sources(self) -> Sources {
        let Self { ids, rows } = self;
        let there = rows.into_iter().filter(|row| !row.removed);
        there.filter_map(|row| Some((ids.get(row.id).into(), (row.revision, row.source?)))).collect()
    }
}

impl<'r> Read<'r> {
    /// The id, place and revision, whether it was removed, and what it says.
    pub(super) fn of(row: &'r Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.try_get(0)?,
            place: row.try_get(1)?,
            revision: row.try_get(2)?,
            removed: row.try_get(3)?,
            source: row.try_get(4)?,
        })
    }

    pub(super) const fn known(self) -> Known<'r> {
        Known { id: self.id, place: self.place, revision: self.revision }
    }

    pub(super) const fn change(self) -> RowChange<'r> {
        RowChange { id: self.id, place: self.place, is_removed: self.removed }
    }
}
