use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_core::Stream;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use zeroize::Zeroizing;

use super::rows::Rows;
use super::session::{ANSWER_LIMIT, within};
use super::{Reader, StoreError, Whose, schema};
use crate::source::{Name, Recorded};

mod contradiction;
#[cfg(test)]
mod hostile;
mod reads;

use reads::{Read, Reads};

/// So many rows come along with what they say: a change of a few is in force after one question, and of a million no two copies are
/// in memory at once.
const FEW: i64 = 512;

/// What rows are called: this and the registration's id.
const PREFIX: &str = "store:";

/// Which rows there are, as of one revision.
#[derive(Debug)]
pub(super) struct Mirror {
    pub(super) at: Revision,
    pub(super) rows: Rows,
    /// The names of the rows that were removed.
    pub(super) removed: Arc<HashSet<Arc<str>>>,
}

/// Where a store is in its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    pub(super) number: i64,
    /// Which store it is.
    store: String,
    /// What the history says of this revision and of no other; none of the first, which nothing has led to.
    mark: Option<String>,
}

/// What rows say, by id.
pub(super) type Sources = HashMap<Arc<str>, Said>;

/// What a row says, and which revision made it say so.
type Said = (i64, Zeroizing<Vec<u8>>);

/// The name of a row.
pub(super) fn name_of(id: &str) -> Arc<str> {
    format!("{PREFIX}{id}").into()
}

/// The id of the registration that a name is that of, if it is the name of a row.
pub(super) fn id_of(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}

/// Can be asked of older tables, too, so that it is said that they are older.
const HEAD: &str = "
    select (select max(number) from bailiwick.migration), store::text, revision,
           (select mark::text from bailiwick.history where history.revision = head.revision),
           (select mark::text from bailiwick.history where history.revision = $1),
           coalesce((to_jsonb(head) ->> 'purged')::bigint, 0), to_jsonb(head) ->> 'server_name', to_jsonb(head) ->> 'homeserver'
    from bailiwick.head";

/// What a store says of itself.
#[derive(Debug)]
pub(super) struct Head {
    /// Where it is.
    pub(super) at: Revision,
    /// Up to which revision nobody can tell any more what was before.
    pub(super) purged: i64,
    /// Whose it is, if it is anybody's.
    pub(super) whose: Option<Whose>,
}

/// Where the store is, if it has come there from where it was read last.
pub(super) async fn head(client: &Client, last: Option<&Revision>) -> Result<Head, StoreError> {
    match head_since(client, last).await? {
        (head, true) => Ok(head),
        (_, false) => Err(StoreError::Another),
    }
}

/// Where the store is, and whether it has come there from where it was then.
pub(super) async fn head_since(client: &Client, then: Option<&Revision>) -> Result<(Head, bool), StoreError> {
    let since = then.map_or(0, |then| then.number);
    let row = within(ANSWER_LIMIT, client.query_typed_opt(HEAD, &[(&since, Type::INT8)])).await?;
    let row = row.ok_or_else(|| StoreError::Contradiction("it has no head".to_owned()))?;
    schema::check(row.try_get(0)?)?;
    let at = Revision { number: row.try_get(2)?, store: row.try_get(1)?, mark: row.try_get(3)? };
    let mark_then: Option<String> = row.try_get(4)?;
    let goes_on = then.is_none_or(|then| at.store == then.store && at.number >= then.number && mark_then == then.mark);
    Ok((Head { at, purged: row.try_get(5)?, whose: Whose::of(&row, 6)? }, goes_on))
}

/// What has changed since a revision, as of a later one.
pub(super) struct Changed {
    at: Revision,
    rows: Reads,
    /// Whether these are all that there are, since nobody can tell any more what has been removed since what is known.
    are_all: bool,
    /// The names of what was known and removed, of which there are no rows any more.
    forgotten: HashSet<Arc<str>>,
    /// Up to which revision the past was purged.
    pub(super) purged: i64,
}

/// What was known of a store before.
#[derive(Clone, Copy)]
pub(super) struct Before<'m> {
    /// Where it was.
    pub(super) last: Option<&'m Revision>,
    /// What was read of it.
    pub(super) mirror: Option<&'m Mirror>,
    /// The names of what was in force of it before the restart.
    pub(super) recalled: &'m [Arc<str>],
    /// Who reads it.
    pub(super) reader: &'m Reader,
}

/// All that has changed since what is known, as of one revision, if the store has come there from where it was last. `progress`
/// grows.
pub(super) async fn changed(client: &Client, before: Before<'_>, progress: &AtomicU64) -> Result<Changed, StoreError> {
    within(ANSWER_LIMIT, client.batch_execute("begin isolation level repeatable read, read only")).await?;
    let Head { at, purged, whose } = head(client, before.last).await?;
    before.reader.check(whose.as_ref())?;
    let since = before.mirror.map_or(0, |mirror| mirror.at.number);
    let are_all = since < purged;
    let since = if are_all { 0 } else { since };
    // Revisions have no gaps: there are no more rows than that. What a few of them say comes along, and of many only that they are
    // there.
    let say = if at.number - since <= FEW { "source" } else { "null::bytea" };
    let changed = format!(
        "select as_id, position, revision, source is null, {say} from bailiwick.registration where revision > $1 order by position"
    );
    let parameter: (&(dyn ToSql + Sync), Type) = (&since, Type::INT8);
    let mut rows = Reads::with_room(usize::try_from(at.number - since).unwrap_or_default());
    each_row(client, &changed, Some(parameter), |row| {
        rows.push(Read::of(row)?);
        progress.fetch_add(1, Ordering::Relaxed);
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    contradiction::check(before.mirror.filter(|_| !are_all), &rows)?;
    let forgotten = if are_all { forgotten(client, before, &rows).await? } else { HashSet::new() };
    within(ANSWER_LIMIT, client.batch_execute("commit")).await?;
    Ok(Changed { at, rows, are_all, forgotten, purged })
}

impl Changed {
    /// Each row that has changed, if these are few, and what they say has come along.
    pub(super) fn few(&self) -> Option<impl Iterator<Item = RowChange<'_>>> {
        let has_come = |row: Read<'_>| row.removed || row.source.is_some();
        let are_few = !self.are_all && self.forgotten.is_empty() && self.rows.iter().all(has_come);
        are_few.then(|| self.rows.iter().map(Read::change))
    }
}

/// What has become of a row.
pub(super) struct RowChange<'r> {
    pub(super) id: &'r str,
    pub(super) place: i64,
    pub(super) is_removed: bool,
}

/// The names of what was known, is not there, and was removed, so that nothing of it is in the history any more. What is there was put
/// at some time, so if the history still has it, its row has gone without anybody's having removed it.
async fn forgotten(client: &Client, before: Before<'_>, all: &Reads) -> Result<HashSet<Arc<str>>, StoreError> {
    let there: HashSet<&str> = all.iter().map(|row| row.id).collect();
    let known = before.mirror.into_iter().flat_map(|mirror| mirror.rows.values().map(|row| row.id));
    let known = known.chain(before.recalled.iter().filter_map(|name| id_of(name)));
    let mut gone: HashSet<Arc<str>> = known.filter(|id| !there.contains(id)).map(name_of).collect();
    if !gone.is_empty() {
        let ids: Vec<&str> = gone.iter().filter_map(|name| id_of(name)).collect();
        let put = "select distinct as_id from bailiwick.history where as_id = any($1)";
        let id = |row: &Row| Ok(name_of(row.try_get(0)?));
        for name in rows(client, put, (&ids, Type::TEXT_ARRAY), &AtomicU64::new(0), id).await? {
            gone.remove(&name);
        }
    }
    Ok(gone)
}

/// Hands over what rows said at these revisions, each with its id and the revision. Whatever has become of them since: the history has it.
/// `progress` grows.
pub(super) async fn said_at(
    client: &Client,
    mut revisions: Vec<i64>,
    progress: &AtomicU64,
    mut take: impl FnMut(&str, i64, &[u8]),
) -> Result<(), StoreError> {
    let now =
        "select as_id, revision, source from bailiwick.registration where revision = any($1) and source is not null";
    let then = "select as_id, revision, source from bailiwick.history where revision = any($1) and source is not null";
    for query in [now, then] {
        let mut found = HashSet::with_capacity(revisions.len());
        let parameter: (&(dyn ToSql + Sync), Type) = (&revisions, Type::INT8_ARRAY);
        each_row(client, query, Some(parameter), |row| {
            let revision = row.try_get(1)?;
            take(row.try_get(0)?, revision, row.try_get(2)?);
            found.insert(revision);
            progress.fetch_add(1, Ordering::Relaxed);
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        revisions.retain(|revision| !found.contains(revision));
        if revisions.is_empty() {
            break;
        }
    }
    Ok(())
}

/// The rows that a query yields.
async fn rows<T>(
    client: &Client,
    query: &str,
    parameter: (&(dyn ToSql + Sync), Type),
    progress: &AtomicU64,
    of: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    each_row(client, query, Some(parameter), |row| {
        rows.push(of(row)?);
        progress.fetch_add(1, Ordering::Relaxed);
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    Ok(rows)
}

/// Takes the rows that a query yields one by one, each in time: all of a million may take as long as they take.
pub(super) async fn each_row(
    client: &Client,
    query: &str,
    parameters: impl IntoIterator<Item = (&(dyn ToSql + Sync), Type)>,
    mut take: impl FnMut(&Row) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let parameters: Vec<_> = parameters.into_iter().collect();
    let mut stream = pin!(within(ANSWER_LIMIT, client.query_typed_raw(query, parameters)).await?);
    loop {
        let next = std::future::poll_fn(|context| stream.as_mut().poll_next(context));
        let next = within(ANSWER_LIMIT, async { next.await.transpose() }).await?;
        let Some(row) = next else { return Ok(()) };
        if take(&row)?.is_break() {
            return Ok(());
        }
    }
}

impl Revision {
    /// How many changes have led to it.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.number
    }

    /// As it is noted for the next start.
    pub(super) fn note(&self) -> Arc<str> {
        serde_json::to_string(self).expect("strings and a number only").into()
    }

    /// As it was noted before this one.
    pub(super) fn noted(note: &[u8]) -> Option<Self> {
        serde_json::from_slice(note).ok()
    }
}

impl Mirror {
    /// What is known after a change, and what the rows say of which that has come along.
    pub(super) fn after(before: Option<Self>, changed: Changed) -> (Self, Sources) {
        let nothing = |at, removed| Self { at, rows: Rows::default(), removed };
        let Changed { at, rows, are_all, forgotten, .. } = changed;
        let mut mirror = match before {
            Some(mirror) if !are_all => Self { at, ..mirror },
            before => nothing(at, before.map(|mirror| mirror.removed).unwrap_or_default()),
        };
        let sources = mirror.take_in(rows, forgotten);
        (mirror, sources)
    }

    /// What is on record of it.
    pub(super) fn recorded(&self) -> Recorded {
        let revision = u64::try_from(self.at.number).unwrap_or_default();
        Recorded { revision, removed: Arc::clone(&self.removed), note: self.at.note() }
    }

    /// The names of all rows, in load order, in one text.
    pub(super) fn names(&self) -> impl Iterator<Item = Name> {
        let mut text = String::with_capacity(self.rows.values().map(|row| PREFIX.len() + row.id.len()).sum());
        self.rows.values().for_each(|row| text.extend([PREFIX, row.id]));
        let text: Arc<str> = text.into();
        let mut end = 0;
        self.rows.values().map(move |row| {
            let start = end;
            end += PREFIX.len() + row.id.len();
            Name::part(&text, start..end)
        })
    }

    /// The revisions of a row and of those that follow it in the load order, so many of them.
    pub(super) fn revisions_from(&self, id: &str, count: usize) -> Option<Vec<i64>> {
        Some(self.rows.from(id)?.take(count).map(|row| row.revision).collect())
    }

    /// Takes over what has changed.
    fn take_in(&mut self, changed: Reads, forgotten: HashSet<Arc<str>>) -> Sources {
        // What was removed in all the time of a store may be much: it is copied only where it is something else now.
        let removed = &mut self.removed;
        if !forgotten.is_empty() {
            Arc::make_mut(removed).extend(forgotten);
        }
        for row in changed.iter() {
            if row.removed {
                Arc::make_mut(removed).insert(name_of(row.id));
            } else if !removed.is_empty() && removed.contains(&name_of(row.id)) {
                Arc::make_mut(removed).remove(&name_of(row.id));
            }
        }
        let goes = |row: &Read<'_>| self.rows.len() > 0 && (row.removed || self.rows.is_elsewhere(row.id, row.place));
        let gone: Vec<&str> = changed.iter().filter(goes).map(|row| row.id).collect();
        self.rows.remove_all(gone);
        self.rows.put_all(changed.there().map(Read::known));
        changed.into_sources()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'r>(id: &'r str, place: i64, revision: i64, source: Option<&'r str>) -> Read<'r> {
        Read { id, place, revision, removed: source.is_none(), source: source.map(str::as_bytes) }
    }

    impl<'r> FromIterator<Read<'r>> for Reads {
        fn from_iter<I: IntoIterator<Item = Read<'r>>>(rows: I) -> Self {
            let mut reads = Self::default();
            rows.into_iter().for_each(|row| reads.push(row));
            reads
        }
    }

    impl Changed {
        /// Rows by id and place, those that are removed saying nothing.
        pub(in crate::store) fn of(at: Revision, rows: &[(&str, i64, Option<&str>)]) -> Self {
            let rows = rows.iter().map(|(id, place, source)| row(id, *place, at.number, *source)).collect();
            Self { at, rows, are_all: false, forgotten: HashSet::new(), purged: 0 }
        }
    }

    impl Revision {
        pub(in crate::store) fn of(store: &str, number: i64, mark: &str) -> Self {
            Self { number, store: store.to_owned(), mark: Some(mark.to_owned()) }
        }
    }

    fn ids(mirror: &Mirror) -> Vec<&str> {
        mirror.rows.values().map(|known| known.id).collect()
    }

    #[test]
    fn what_is_noted_for_the_next_start_is_made_out_again() {
        let at = Revision::of("a", 3, "b");
        assert_eq!(Revision::noted(at.note().as_bytes()), Some(at));
        assert_eq!(Revision::noted(b""), None);
    }

    #[test]
    fn all_that_is_read_again_takes_the_place_of_what_was_known() {
        let at = |number| Revision { number, store: String::new(), mark: None };
        let rows =
            [row("a", 1, 1, Some("a")), row("b", 2, 2, Some("b")), row("c", 3, 3, Some("c")), row("d", 4, 4, None)]
                .into_iter()
                .collect();
        let (mirror, _) =
            Mirror::after(None, Changed { at: at(4), rows, are_all: false, forgotten: HashSet::new(), purged: 0 });
        // Since then `a` was removed, which was purged; `b` has gone by somebody's hand; `d` was put again, and `e` removed.
        let rows = [row("c", 3, 3, Some("c")), row("d", 7, 7, Some("d")), row("e", 8, 9, None)].into_iter().collect();
        let (mirror, _) = Mirror::after(
            Some(mirror),
            Changed { at: at(9), rows, are_all: true, forgotten: [name_of("a")].into(), purged: 5 },
        );
        assert_eq!((ids(&mirror), mirror.at.number), (vec!["c", "d"], 9));
        let mut removed: Vec<&str> = mirror.removed.iter().map(|name| &**name).collect();
        removed.sort_unstable();
        assert_eq!(removed, ["store:a", "store:e"]);
        assert_eq!(mirror.revisions_from("b", 1), None);
    }

    #[test]
    fn what_has_changed_is_taken_over_and_what_was_removed_is_remembered() {
        let at = Revision { number: 3, store: String::new(), mark: None };
        let rows = [row("b", 1, 1, Some("b")), row("a", 2, 2, Some("a")), row("c", 3, 3, None)].into_iter().collect();
        let (mut mirror, sources) =
            Mirror::after(None, Changed { at, rows, are_all: false, forgotten: HashSet::new(), purged: 0 });
        assert_eq!(ids(&mirror), ["b", "a"]);
        assert!(mirror.removed.contains("store:c") && sources.len() == 2);

        // An edit keeps its place, and what is put again comes last.
        let sources = mirror
            .take_in([row("b", 1, 4, Some("b2")), row("c", 5, 5, Some("c2"))].into_iter().collect(), HashSet::new());
        assert_eq!(ids(&mirror), ["b", "a", "c"]);
        assert_eq!((mirror.revisions_from("a", 9), sources["b"].0), (Some(vec![2, 5]), 4));
        assert!(mirror.removed.is_empty());

        mirror.take_in([row("b", 1, 6, None)].into_iter().collect(), HashSet::new());
        assert_eq!((ids(&mirror), mirror.revisions_from("b", 1)), (vec!["a", "c"], None));
        assert_eq!(id_of("store:b:c"), Some("b:c"));
    }
}
