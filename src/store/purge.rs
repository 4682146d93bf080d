//! What has not been in force for long goes: former sources, with their tokens, and the rows of what was removed.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::gate::lock_head;
use super::session::{ANSWER_LIMIT, Driver, Session, connect, within};
use super::{Address, StoreError, mirror};

/// So many revisions are purged by one transaction, which keeps everybody from changing anything for a second, of five that they wait: of
/// a million changes each portion took 1.1 s on two cores that were as busy as eighteen.
const PORTION: i64 = 10_000;

/// So many of the registrations that speak against it are named.
const NAMED: i64 = 5;

/// What has come of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Nobody can go back further than to this revision.
    pub up_to: i64,
    /// How many changes have lost what they said, just now.
    pub changes: u64,
    /// How many removals are not told any more.
    pub removals: u64,
    /// Registrations, the first few, of which the rows are not what the history says: somebody has written to the tables by hand. What
    /// was changed since then is not purged, since that would be all that could tell.
    pub by_hand: Vec<String>,
}

/// Purges what has not been in force since so long ago, in portions that are committed each.
pub fn purge(address: &Address, older_than: Duration) -> Result<Purged, StoreError> {
    let driver = Driver::new()?;
    let session = driver.run(connect(address))?;
    let purged = driver.run(purge_by(&session, older_than));
    driver.end(Some(session));
    purged
}

async fn purge_by(session: &Session, older_than: Duration) -> Result<Purged, StoreError> {
    let last = last_before(session, older_than).await?;
    let mut purged = Purged::default();
    loop {
        lock_head(session).await?;
        let from = "select purged from bailiwick.head";
        let from: i64 = within(ANSWER_LIMIT, session.query_typed_one(from, &[])).await?.try_get(0)?;
        let to = last.min(from.saturating_add(PORTION));
        purged.up_to = from;
        if to <= from {
            return Ok(purged);
        }
        purged.by_hand = by_hand(session, from, to).await?;
        if !purged.by_hand.is_empty() {
            return Ok(purged);
        }
        purge_portion(session, from, to, &mut purged).await?;
        within(ANSWER_LIMIT, session.batch_execute("commit")).await?;
    }
}

/// The last revision before the first that is younger; of all, if no time is given. The database's clock may have jumped: one change
/// that is told to be of years ago says nothing of those before it.
async fn last_before(client: &Client, older_than: Duration) -> Result<i64, StoreError> {
    mirror::head(client, None).await?;
    let last = "
        select coalesce(min(revision) - 1, (select max(revision) from bailiwick.history), 0) from bailiwick.history
        where $1 > 0 and changed_at > now() - make_interval(secs => $1)";
    let age = older_than.as_secs_f64();
    Ok(within(ANSWER_LIMIT, client.query_typed_one(last, &[(&age, Type::FLOAT8)])).await?.try_get(0)?)
}

/// The registrations that were changed as these revisions and are not what the history says.
async fn by_hand(client: &Client, from: i64, to: i64) -> Result<Vec<String>, StoreError> {
    let differ = "
        select as_id from (select distinct as_id from bailiwick.history
                           where revision > $1 and revision <= $2 and as_id is not null) as changed
        left join bailiwick.registration as is_now using (as_id)
        where is_now.revision is distinct from
              (select max(revision) from bailiwick.history as last where last.as_id = changed.as_id)
        order by as_id limit $3";
    let parameters: [(&(dyn ToSql + Sync), Type); 3] = [(&from, Type::INT8), (&to, Type::INT8), (&NAMED, Type::INT8)];
    let rows = within(ANSWER_LIMIT, client.query_typed(differ, &parameters)).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Purges what was changed as these revisions and what that took the place of, but for what was in force after them.
async fn purge_portion(client: &Client, from: i64, to: i64, purged: &mut Purged) -> Result<(), StoreError> {
    // What was put last up to there was in force then, and is what whoever goes back to there needs.
    let forget = "
        with changed as (select distinct as_id from bailiwick.history
                         where revision > $1 and revision <= $2 and as_id is not null)
        update bailiwick.history as old set as_id = null, source = null, position = null, forced = false, changed_by = null, role = null
        from changed
        where old.as_id = changed.as_id and old.revision <= $2
          and (old.source is null or exists (select from bailiwick.history as later where later.as_id = old.as_id
                                             and later.revision > old.revision and later.revision <= $2))";
    let portion = [(&from as &(dyn ToSql + Sync), Type::INT8), (&to, Type::INT8)];
    purged.changes += within(ANSWER_LIMIT, client.execute_typed(forget, &portion)).await?;
    let forget = "delete from bailiwick.registration where source is null and revision <= $1";
    purged.removals += within(ANSWER_LIMIT, client.execute_typed(forget, &[(&to, Type::INT8)])).await?;
    let note = "update bailiwick.head set purged = $1";
    within(ANSWER_LIMIT, client.execute_typed(note, &[(&to, Type::INT8)])).await?;
    Ok(())
}
