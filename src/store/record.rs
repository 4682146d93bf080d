//! What a store tells about itself: its rows, its history, and what it was at an earlier revision.

use std::ops::ControlFlow;

use tokio_postgres::types::Type;
use zeroize::Zeroizing;

use super::mirror::{self, Head};
use super::session::{ANSWER_LIMIT, Driver, connect, within};
use super::{Address, StoreError};

/// A registration that is there.
#[derive(Debug)]
pub struct Kept {
    /// Its `id`.
    pub id: String,
    /// Which has made it what it is.
    pub revision: i64,
    /// The YAML as it was written. It holds tokens.
    pub source: Zeroizing<Vec<u8>>,
}

/// A change that was made.
#[derive(Debug)]
pub struct Entry {
    /// As which revision.
    pub revision: i64,
    /// Of which registration.
    pub id: String,
    /// Whether that was removed.
    pub removed: bool,
    /// Whether it was made although it collides.
    pub forced: bool,
    /// When, in UTC.
    pub at: String,
    /// Who has made it, as was said.
    pub by: String,
    /// The role in which the database was told to.
    pub role: String,
}

/// What a registration was at an earlier revision and is not now: nothing, where it was not there.
#[derive(Debug)]
pub struct Earlier {
    /// Its `id`.
    pub id: String,
    /// What it said.
    pub source: Option<Zeroizing<Vec<u8>>>,
    /// Where it was in the load order, if it was there.
    pub place: Option<i64>,
}

/// Hands over all that is there as of one revision, in load order and one by one, until whoever takes it has enough.
pub fn kept(address: &Address, mut take: impl FnMut(Kept) -> ControlFlow<()>) -> Result<(), StoreError> {
    Driver::new()?.run(async {
        let client = connect(address).await?;
        mirror::head(&client, None).await?;
        let all =
            "select as_id, revision, source from bailiwick.registration where source is not null order by position";
        mirror::each_row(&client, all, None, |row| {
            let source = Zeroizing::new(row.try_get(2)?);
            Ok(take(Kept { id: row.try_get(0)?, revision: row.try_get(1)?, source }))
        })
        .await
    })
}

/// What is needed to go back to an earlier revision.
#[derive(Debug)]
pub struct Back {
    /// At which revision the store is.
    pub head: i64,
    /// Up to which nobody can tell any more what it was before.
    pub purged: i64,
    /// What is to be changed so that it says what it said.
    pub changes: Vec<Earlier>,
}

/// Up to which revision changes were purged, and the last changes, the latest first; of one registration, or of all.
pub fn history(address: &Address, id: Option<&str>, count: i64) -> Result<(i64, Vec<Entry>), StoreError> {
    Driver::new()?.run(async {
        let client = connect(address).await?;
        let purged = mirror::head(&client, None).await?.purged;
        let changes = "
            select revision, as_id, source is null, forced,
                   to_char(changed_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), changed_by, role
            from bailiwick.history where as_id is not null and ($1::text is null or as_id = $1) order by revision desc limit $2";
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&id, Type::TEXT), (&count, Type::INT8)];
        let rows = within(ANSWER_LIMIT, client.query_typed(changes, &parameters)).await?;
        let entry = |row: &tokio_postgres::Row| {
            Ok(Entry {
                revision: row.try_get(0)?,
                id: row.try_get(1)?,
                removed: row.try_get(2)?,
                forced: row.try_get(3)?,
                at: row.try_get(4)?,
                by: row.try_get(5)?,
                role: row.try_get(6)?,
            })
        };
        let entries: Result<Vec<Entry>, StoreError> = rows.iter().map(entry).collect();
        Ok((purged, entries?))
    })
}

/// What has to be changed so that the store says what it said at an earlier revision, if nothing was purged that says so.
pub fn back_to(address: &Address, revision: i64) -> Result<Back, StoreError> {
    Driver::new()?.run(async {
        let client = connect(address).await?;
        let begin = "begin isolation level repeatable read, read only";
        within(ANSWER_LIMIT, client.batch_execute(begin)).await?;
        let Head { at, purged, .. } = mirror::head(&client, None).await?;
        let earlier = "
            select r.as_id, last.source, case when last.source is not null then last.position end
            from bailiwick.registration r left join lateral (
              select h.source, h.position from bailiwick.history h where h.as_id = r.as_id and h.revision <= $1
              order by h.revision desc limit 1) last on true
            where r.revision > $1 order by r.position";
        let rows = within(ANSWER_LIMIT, client.query_typed(earlier, &[(&revision, Type::INT8)])).await?;
        within(ANSWER_LIMIT, client.batch_execute("commit")).await?;
        let one = |row: &tokio_postgres::Row| {
            let source: Option<Vec<u8>> = row.try_get(1)?;
            Ok(Earlier { id: row.try_get(0)?, source: source.map(Zeroizing::new), place: row.try_get(2)? })
        };
        let changes: Result<Vec<Earlier>, StoreError> = rows.iter().map(one).collect();
        Ok(Back { head: at.number(), purged, changes: changes? })
    })
}
