use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_core::Stream;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use zeroize::Zeroizing;

use super::session::{ANSWER_LIMIT, within};
use super::{StoreError, schema};

/// What rows are called: this and the registration's id.
const PREFIX: &str = "store:";

/// Which rows there are, as of one revision.
#[derive(Debug)]
pub(super) struct Mirror {
    pub(super) at: Revision,
    /// By their place in the load order.
    pub(super) rows: BTreeMap<i64, Known>,
    places: HashMap<Arc<str>, i64>,
    /// The names of the rows that were removed.
    pub(super) removed: Arc<HashSet<Arc<str>>>,
}

/// Where a store is in its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    pub(super) number: i64,
    /// Which store it is.
    store: String,
    /// What the history says of this revision and of no other; none of the first, which nothing has led to.
    mark: Option<String>,
}

/// A row that is there.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: Arc<str>,
    /// Which has made it what it is.
    pub(super) revision: i64,
}

/// What rows say, by name, with the revision that made them say it.
pub(super) type Sources = HashMap<Arc<str>, (i64, Zeroizing<Vec<u8>>)>;

/// What a row says, while it is read.
struct Read {
    name: Arc<str>,
    place: i64,
    revision: i64,
    source: Option<Zeroizing<Vec<u8>>>,
}

/// The name of a row.
pub(super) fn name_of(id: &str) -> Arc<str> {
    format!("{PREFIX}{id}").into()
}

/// The id of the registration that a name is that of, if it is the name of a row.
pub(super) fn id_of(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}

const HEAD: &str = "
    select (select max(number) from bailiwick.migration), store::text, revision,
           (select mark::text from bailiwick.history where history.revision = head.revision),
           (select mark::text from bailiwick.history where history.revision = $1)
    from bailiwick.head";

/// Where the store is, and whether it has come there from where it was read last.
pub(super) async fn head(client: &Client, last: Option<&Revision>) -> Result<Revision, StoreError> {
    let since = last.map_or(0, |last| last.number);
    let row = within(ANSWER_LIMIT, client.query_typed_opt(HEAD, &[(&since, Type::INT8)])).await?;
    let row = row.ok_or_else(|| StoreError::Contradiction("it has no head".to_owned()))?;
    schema::check(row.try_get(0)?)?;
    let head = Revision { number: row.try_get(2)?, store: row.try_get(1)?, mark: row.try_get(3)? };
    let mark_then: Option<String> = row.try_get(4)?;
    let goes_on = |last: &Revision| head.store == last.store && head.number >= last.number && mark_then == last.mark;
    if last.is_some_and(|last| !goes_on(last)) { Err(StoreError::Another) } else { Ok(head) }
}

/// All that is there, or what has changed, as of one revision; and what the rows say that were read for it. `progress` grows.
pub(super) async fn read(
    client: &Client,
    last: Option<Mirror>,
    progress: &AtomicU64,
) -> Result<(Mirror, Sources), (Option<Mirror>, StoreError)> {
    match begin_and_read(client, last.as_ref(), progress).await {
        Ok((at, rows)) => {
            let mut mirror = last.unwrap_or_else(|| Mirror::before(at.clone()));
            mirror.at = at;
            let sources = mirror.take_in(rows);
            Ok((mirror, sources))
        }
        Err(error) => Err((last, error)),
    }
}

async fn begin_and_read(
    client: &Client,
    last: Option<&Mirror>,
    progress: &AtomicU64,
) -> Result<(Revision, Vec<Read>), StoreError> {
    within(ANSWER_LIMIT, client.batch_execute("begin isolation level repeatable read, read only")).await?;
    let head = head(client, last.map(|last| &last.at)).await?;
    let since = last.map_or(0, |last| last.at.number);
    let changed =
        "select as_id, position, revision, source from bailiwick.registration where revision > $1 order by position";
    let rows = rows(client, changed, vec![(since, Type::INT8)], progress).await?;
    within(ANSWER_LIMIT, client.batch_execute("commit")).await?;
    Ok((head, rows))
}

/// What rows from some place on say, as they are now: so many of them.
pub(super) async fn read_ahead(client: &Client, from: i64, count: i64) -> Result<Sources, StoreError> {
    let ahead = "select as_id, position, revision, source from bailiwick.registration
                 where position >= $1 and source is not null order by position limit $2";
    let rows = rows(client, ahead, vec![(from, Type::INT8), (count, Type::INT8)], &AtomicU64::new(0)).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.name, (row.revision, row.source?)))).collect())
}

/// The rows that a query yields, each in time: all of a million may take as long as they take.
async fn rows(
    client: &Client,
    query: &str,
    parameters: Vec<(i64, Type)>,
    progress: &AtomicU64,
) -> Result<Vec<Read>, StoreError> {
    let parameters = parameters.iter().map(|(value, of)| (value as &(dyn ToSql + Sync), of.clone()));
    let mut stream = pin!(within(ANSWER_LIMIT, client.query_typed_raw(query, parameters)).await?);
    let mut rows = Vec::new();
    loop {
        let next = std::future::poll_fn(|context| stream.as_mut().poll_next(context));
        let next = within(ANSWER_LIMIT, async { next.await.transpose() }).await?;
        let Some(row) = next else { return Ok(rows) };
        rows.push(Read::of(&row)?);
        progress.fetch_add(1, Ordering::Relaxed);
    }
}

impl Read {
    fn of(row: &Row) -> Result<Self, StoreError> {
        let id: &str = row.try_get(0)?;
        let source: Option<&[u8]> = row.try_get(3)?;
        let source = source.map(|source| Zeroizing::new(source.to_vec()));
        Ok(Self { name: name_of(id), place: row.try_get(1)?, revision: row.try_get(2)?, source })
    }
}

impl Mirror {
    /// Nothing has been read.
    fn before(at: Revision) -> Self {
        Self { at, rows: BTreeMap::new(), places: HashMap::new(), removed: Arc::default() }
    }

    /// The place of a row in the load order.
    pub(super) fn place_of(&self, name: &str) -> Option<i64> {
        self.places.get(name).copied()
    }

    /// Takes over what has changed; what the rows say that are there.
    fn take_in(&mut self, changed: Vec<Read>) -> Sources {
        let mut sources = Sources::with_capacity(changed.len());
        let mut removed = HashSet::clone(&self.removed);
        for Read { name, place, revision, source } in changed {
            if let Some(before) = self.places.remove(&name) {
                self.rows.remove(&before);
            }
            let Some(source) = source else {
                removed.insert(name);
                continue;
            };
            removed.remove(&name);
            self.places.insert(Arc::clone(&name), place);
            self.rows.insert(place, Known { name: Arc::clone(&name), revision });
            sources.insert(name, (revision, source));
        }
        if removed != *self.removed {
            self.removed = Arc::new(removed);
        }
        sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, place: i64, revision: i64, source: Option<&str>) -> Read {
        let source = source.map(|source| Zeroizing::new(source.as_bytes().to_vec()));
        Read { name: name_of(id), place, revision, source }
    }

    fn names(mirror: &Mirror) -> Vec<&str> {
        mirror.rows.values().map(|known| &*known.name).collect()
    }

    #[test]
    fn what_has_changed_is_taken_over_and_what_was_removed_is_remembered() {
        let at = Revision { number: 3, store: String::new(), mark: None };
        let mut mirror = Mirror::before(at);
        let sources = mirror.take_in(vec![row("b", 1, 1, Some("b")), row("a", 2, 2, Some("a")), row("c", 3, 3, None)]);
        assert_eq!(names(&mirror), ["store:b", "store:a"]);
        assert!(mirror.removed.contains("store:c") && sources.len() == 2);

        // An edit keeps its place, and what is put again comes last.
        let sources = mirror.take_in(vec![row("b", 1, 4, Some("b2")), row("c", 5, 5, Some("c2"))]);
        assert_eq!(names(&mirror), ["store:b", "store:a", "store:c"]);
        assert_eq!((mirror.place_of("store:c"), sources["store:b"].0), (Some(5), 4));
        assert!(mirror.removed.is_empty());

        mirror.take_in(vec![row("b", 1, 6, None)]);
        assert_eq!((names(&mirror), mirror.place_of("store:b")), (vec!["store:a", "store:c"], None));
        assert_eq!(id_of("store:b:c"), Some("b:c"));
    }
}
