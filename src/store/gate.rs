//! Changes: judged ahead, and written while nobody else can change anything, if nothing has come that speaks against them.
//!
//! Comparing a newcomer with a hundred thousand others takes longer than writing it, and while somebody holds the head's lock nobody
//! else can change anything. So it is compared before, with what is in force then ([`Judge::ahead`]), by several at a time. Behind the
//! lock there is to be seen only whether that is what there is still: mostly it is, or a few have come since, with which alone it is
//! compared then ([`Judge::bears`]). Otherwise the lock is given back, and it is judged anew; after some turns behind the lock
//! ([`Judge::at`]), so that nobody waits for ever.
//!
//! What is asked of the database goes together as far as it can: one round trip takes the lock and tells what there is, the second
//! writes and commits.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use zeroize::Zeroizing;

use super::judge::Objection;
use super::listener::CHANNEL;
use super::metrics::GateMetrics;
use super::mirror::{Head, Revision};
use super::session::{ANSWER_LIMIT, Driver, Ending, Session, connect, within};
use super::{Address, StoreError, mirror, whose};
use crate::homeserver::Homeserver;
use crate::telemetry::Metrics;

/// Whoever is not let in within this time is told to come again: some hundred changes are made in it.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
/// Whoever holds the head and says nothing for so long has lost it: longer than a judgement may take (5 s of a service, 25 s of a
/// command), so that one that is frozen, or behind a firewall, does not keep everybody else from changing anything.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

const ROLLBACK: &str = "rollback";

/// So many registrations at most are read or written by one statement: 1,000 take 56 ms on loopback, and one by one 1.1 s; of 10,000
/// each takes no less.
const BATCH: usize = 1_000;
/// And so many bytes: those of the largest registrations would else be more than are answered for in time.
const BATCH_BYTES: usize = 4 << 20;

/// So often a change is judged ahead, then behind the lock. Each time more than [`FEW_SINCE`] others, or one of the same registration,
/// must have been quicker, which many writers are seldom twice: the third time is for the case that they are.
const TURNS: usize = 3;

/// With so many that have come since it was judged a change is compared behind the lock, which is some milliseconds' work.
/// Chosen by reasoning: as many as others can have made while a change waits for a lock that is held for ten milliseconds by
/// each of four writers on each of eight replicas.
const FEW_SINCE: usize = 32;

/// The most bytes of a name of whoever wants a change: as many as an `id` may have, and more than a mail address. What the history
/// keeps of each change for good is not for whoever changes something to choose.
pub const MAX_BY: usize = 250;

/// What is to become of a registration.
#[derive(Clone, Copy, Debug)]
pub struct Change<'c> {
    /// Of which.
    pub id: &'c str,
    /// What it is to say; `None` removes it.
    pub source: Option<&'c [u8]>,
    /// Where it is to be in the load order, if it was there before; else an edit keeps its place, and what is new comes last.
    pub place: Option<i64>,
}

/// Under which conditions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'t> {
    /// Only if this is so.
    pub if_it: Option<Condition>,
    /// Although it collides.
    pub force: bool,
    /// Who wants it, for the history.
    pub by: &'t str,
}

/// What whoever wants a change thinks that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// What this revision has made of it.
    IsAt(i64),
    /// Nothing.
    IsNotThere,
}

/// What has come of a change.
#[derive(Debug)]
pub enum Outcome {
    /// It was made, as this revision.
    Made(i64),
    /// It was so already, since this revision.
    AsItWas(i64),
    /// There is nothing to remove.
    NotThere,
    /// It is not what whoever wants the change thinks, but what this revision has made of it: nothing, if there is none.
    Elsewhere(Option<i64>),
    /// Something speaks against it.
    Refused(Objection),
}

/// What has come of several changes.
#[derive(Debug)]
pub enum Several {
    /// They were made, all of them.
    Made {
        /// The store's revision from now on.
        revision: i64,
        /// How many there were.
        made: usize,
        /// How many were so already.
        same: usize,
        /// Those that were to be removed, and of which the store knows nothing.
        not_there: Vec<String>,
    },
    /// The store is at this revision, and not at the one at which they were thought of.
    Elsewhere(i64),
    /// Something speaks against one of them.
    Refused(Objection),
}

/// What is thought of a change; what cannot be judged is an error.
pub type Verdict = Result<Result<(), Objection>, StoreError>;

/// Judges several changes where the head is, at which everything is as long as it does so.
pub type JudgeAll<'j> = dyn Fn(&Revision) -> Verdict + 'j;

/// Judges a change to a registration that is to be there.
pub trait Judge {
    /// By what is in force at this moment, while others may change the store; nothing, if nothing can be judged by that.
    fn ahead(&self) -> Option<Judged>;

    /// Whether a change that nothing speaks against ahead may be made beside what has come since; if that is not known, it may not.
    fn bears(&self, come: &[Change<'_>]) -> bool;

    /// Where the head is, at which everything is as long as it does so.
    fn at(&self, head: &Revision) -> Verdict;

    /// Sees to it that what is in force is what the store holds by now, before it is judged once more.
    fn catch_up(&self);
}

/// What is thought of a change ahead.
#[derive(Debug)]
pub struct Judged {
    /// Where the store was then.
    pub then: Revision,
    /// What was thought.
    pub verdict: Verdict,
}

/// Where changes are made, one at a time.
pub struct Gate {
    address: Arc<Address>,
    homeserver: Option<Homeserver>,
    ending: Ending,
    metrics: OnceLock<GateMetrics>,
    state: Mutex<State>,
}

struct State {
    driver: Driver,
    session: Option<Session>,
    /// How long the lock was waited for that is held, and since when that is.
    locked: Option<(Duration, Instant)>,
}

/// What there is of a registration.
struct Row {
    revision: i64,
    place: i64,
    /// None of one that was removed.
    source: Option<Zeroizing<Vec<u8>>>,
}

/// A change, and who judges it.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    change: &'w Change<'w>,
    terms: Terms<'w>,
    judge: &'w dyn Judge,
}

/// What there is behind the lock, besides the head.
struct There {
    /// Of the registration that is to be changed.
    row: Option<Row>,
    /// What has become of others since a change was judged, if the store has come here from there and that is little.
    since: Option<Vec<Come>>,
}

/// What has become of a registration.
struct Come {
    id: String,
    /// None of one that was removed.
    source: Option<Zeroizing<Vec<u8>>>,
}

impl Gate {
    /// A gate to a store, which need not be there yet, for changes that are judged for this homeserver. Whoever only removes
    /// something need not say any: what goes claims nothing any more, and is not held up. (It may break what is joined, where a
    /// reference counts its groups: findings say so.)
    pub fn new(address: Arc<Address>, homeserver: Option<Homeserver>) -> io::Result<Self> {
        let ending = Ending::new();
        let driver = Driver::until(ending.clone())?;
        let state = Mutex::new(State { driver, session: None, locked: None });
        Ok(Self { address, homeserver, ending, metrics: OnceLock::new(), state })
    }

    /// Shows among these metrics what it does.
    pub fn show(&self, metrics: &Metrics) {
        self.metrics.get_or_init(|| GateMetrics::register(metrics));
    }

    /// The service is to stop: whoever waits for the database does not for long any more.
    pub fn end_waiting(&self) {
        self.ending.begin();
    }

    /// The store as it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        self.address.to_string()
    }

    /// Makes a change, if nothing speaks against it.
    pub fn make(&self, change: &Change<'_>, terms: Terms<'_>, judge: &dyn Judge) -> Result<Outcome, StoreError> {
        let outcome = self.in_turns(change, terms, judge);
        if let Some(metrics) = self.metrics.get() {
            metrics.ended(&outcome);
        }
        outcome
    }

    fn in_turns(&self, change: &Change<'_>, terms: Terms<'_>, judge: &dyn Judge) -> Result<Outcome, StoreError> {
        let wanted = Wanted { change, terms, judge };
        for _ in 0..TURNS {
            let judged = change.source.and_then(|_| judge.ahead());
            if let Some(outcome) = self.ending(|state| state.attempt(self, wanted, judged))? {
                return Ok(outcome);
            }
            judge.catch_up();
        }
        let outcome = self.ending(|state| state.attempt(self, wanted, None))?;
        outcome.ok_or_else(|| StoreError::Contradiction("what was judged behind the lock was not decided".to_owned()))
    }

    /// Makes all of several changes or none, if nothing speaks against what comes of them; `at` is the revision at which they were
    /// thought of, if that matters.
    pub fn make_all(
        &self,
        changes: &[Change<'_>],
        at: Option<i64>,
        terms: Terms<'_>,
        judge: &JudgeAll<'_>,
    ) -> Result<Several, StoreError> {
        self.ending(|state| state.make_all(self, changes, at, terms, judge))
    }

    /// Without an answer the session is ended, and with it all that was not committed: the next one is not kept waiting for it.
    fn ending<T>(&self, make: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = make(&mut state);
        if outcome.is_err() {
            let session = state.session.take();
            state.driver.end(session);
        }
        if let (Some((wait, since)), Some(metrics)) = (state.locked.take(), self.metrics.get()) {
            metrics.locked(wait, since.elapsed());
        }
        outcome
    }
}

impl State {
    /// Begins a change: nobody else can make one from now on. Says what the lock has told besides.
    fn begin<'t, T>(
        &'t mut self,
        gate: &'t Gate,
        lock: impl AsyncFn(&Client) -> Result<(Head, T), StoreError>,
    ) -> Result<(Turn<'t>, T), StoreError> {
        let Self { driver, session, locked } = self;
        let began = Instant::now();
        let (session, (head, there)) = driver.run(begun(&gate.address, session, lock))?;
        *locked = Some((began.elapsed(), Instant::now()));
        let homeserver = gate.homeserver.as_ref();
        if let (Some(kept), Some(homeserver)) = (&head.whose, homeserver) {
            whose::check(kept, homeserver)?;
        }
        Ok((Turn { driver, session, head, homeserver }, there))
    }

    /// Makes a change, if nothing speaks against it; nothing, if what was judged ahead is not known to hold any more. Without that it
    /// is judged behind the lock.
    fn attempt(
        &mut self,
        gate: &Gate,
        wanted: Wanted<'_>,
        judged: Option<Judged>,
    ) -> Result<Option<Outcome>, StoreError> {
        let Wanted { change, terms, judge } = wanted;
        let then = judged.as_ref().map(|judged| &judged.then);
        let (turn, there) = self.begin(gate, async |client: &Client| lock_for(client, change, then).await)?;
        let There { row, since } = there;
        if let Some(outcome) = without_writing(change, terms, row.as_ref()) {
            return turn.give_up(Some(outcome));
        }
        let verdict = match judged {
            _ if change.source.is_none() => Ok(()),
            None => judge.at(&turn.head.at)?,
            // What takes too long takes as long once more, and behind the lock all would wait for it.
            Some(Judged { verdict: Err(error), .. }) => return Err(error),
            Some(Judged { then, verdict: Ok(verdict) }) if then == turn.head.at => verdict,
            Some(Judged { verdict: Ok(Ok(())), .. }) if since.is_some_and(|since| bears(judge, &since)) => Ok(()),
            Some(_) => return turn.give_up(None),
        };
        match verdict {
            Err(objection) if !terms.allow(&objection) => turn.give_up(Some(Outcome::Refused(objection))),
            _ => turn.make(*change, terms).map(|revision| Some(Outcome::Made(revision))),
        }
    }

    fn make_all(
        &mut self,
        gate: &Gate,
        changes: &[Change<'_>],
        at: Option<i64>,
        terms: Terms<'_>,
        judge: &JudgeAll<'_>,
    ) -> Result<Several, StoreError> {
        let locked = async |client: &Client| lock_head(client).await.map(|head| (head, ()));
        let (turn, ()) = self.begin(gate, locked)?;
        let mut revision = turn.head.at.number;
        if at.is_some_and(|at| at != revision) {
            return turn.give_up(Several::Elsewhere(revision));
        }
        let mut to_make = Vec::with_capacity(changes.len());
        let mut not_there = Vec::new();
        for batch in batches(changes) {
            let there = turn.run(rows(turn.session, batch))?;
            for change in batch {
                match without_writing(change, terms, there.get(change.id)) {
                    None => to_make.push(*change),
                    Some(Outcome::NotThere) => not_there.push(change.id.to_owned()),
                    Some(_) => {}
                }
            }
        }
        if !to_make.is_empty()
            && let Err(objection) = judge(&turn.head.at)?
            && !terms.allow(&objection)
        {
            return turn.give_up(Several::Refused(objection));
        }
        for batch in batches(&to_make) {
            revision = turn.run(write(turn.session, batch, terms))?;
        }
        turn.commit()?;
        let (made, same) = (to_make.len(), changes.len() - to_make.len() - not_there.len());
        Ok(Several::Made { revision, made, same, not_there })
    }
}

/// A transaction that holds the head.
struct Turn<'t> {
    driver: &'t Driver,
    session: &'t Session,
    head: Head,
    homeserver: Option<&'t Homeserver>,
}

impl Turn<'_> {
    fn run<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.driver.run(asked)
    }

    /// Lets the next one in, with nothing changed.
    fn give_up<T>(self, outcome: T) -> Result<T, StoreError> {
        self.run(end(self.session, ROLLBACK))?;
        Ok(outcome)
    }

    /// Writes a change and commits; the revision that it makes.
    fn make(self, change: Change<'_>, terms: Terms<'_>) -> Result<i64, StoreError> {
        if self.head.whose.is_some() || self.homeserver.is_none() {
            return self.run(write_and_commit(self.session, change, terms));
        }
        let revision = self.run(write(self.session, &[change], terms))?;
        self.commit().map(|()| revision)
    }

    /// Makes what was written so, and the store the homeserver's by which it was judged, if it was nobody's.
    fn commit(self) -> Result<(), StoreError> {
        if let (None, Some(homeserver)) = (&self.head.whose, self.homeserver) {
            self.run(whose::set(self.session, homeserver))?;
        }
        self.run(commit(self.session)).map_err(unsure)
    }
}

impl Terms<'_> {
    /// Whether it is made in spite of this.
    fn allow(&self, objection: &Objection) -> bool {
        self.force && matches!(objection, Objection::Collides(_))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What can be said without a judgement: it is so already, or is not what it is thought to be.
fn without_writing(change: &Change<'_>, terms: Terms<'_>, row: Option<&Row>) -> Option<Outcome> {
    let there = row.filter(|row| row.source.is_some());
    match (change.source, row) {
        // Whoever asks again since he has had no answer finds it done, whatever he thought before.
        (Some(source), Some(row))
            if row.source.as_ref().is_some_and(|is| **is == source)
                && change.place.is_none_or(|place| place == row.place) =>
        {
            return Some(Outcome::AsItWas(row.revision));
        }
        (None, Some(row)) if there.is_none() => return Some(Outcome::AsItWas(row.revision)),
        (None, None) => return Some(Outcome::NotThere),
        _ => {}
    }
    let is_met = match terms.if_it {
        None => true,
        Some(Condition::IsAt(revision)) => there.is_some_and(|row| row.revision == revision),
        Some(Condition::IsNotThere) => there.is_none(),
    };
    (!is_met).then(|| Outcome::Elsewhere(there.map(|row| row.revision)))
}

/// A session in which a transaction has begun that holds the head, and what that has told: the one that was kept, or a new one.
async fn begun<'s, T>(
    address: &Address,
    kept: &'s mut Option<Session>,
    lock: impl AsyncFn(&Client) -> Result<T, StoreError>,
) -> Result<(&'s Session, T), StoreError> {
    if let Some(session) = kept.as_ref().filter(|session| !session.is_closed()) {
        // That a connection has been lost is seen only when it is used.
        match lock(session).await {
            Ok(told) => return Ok((kept.as_ref().ok_or_else(lost)?, told)),
            Err(StoreError::Unreachable(_)) => {}
            Err(other) => return Err(other),
        }
    }
    let session = kept.insert(connect(address).await?);
    let told = lock(session).await?;
    Ok((session, told))
}

fn lost() -> StoreError {
    StoreError::Unreachable("the connection is lost".to_owned())
}

/// Begins, and sees to it that nobody else changes anything until the end; where that is.
pub(super) async fn lock_head(client: &Client) -> Result<Head, StoreError> {
    // By itself, behind the lock: what the statement that has waited for it sees is from before.
    let (locked, head) = tokio::join!(lock(client), mirror::head(client, None));
    locked.and(head)
}

/// Begins, and takes the lock.
async fn lock(client: &Client) -> Result<(), StoreError> {
    let begin = format!(
        "begin isolation level read committed, read write; set local lock_timeout = '{}ms'; \
         set local idle_in_transaction_session_timeout = '{}ms'",
        LOCK_LIMIT.as_millis(),
        SILENCE_LIMIT.as_millis()
    );
    let lock = "select from bailiwick.head for update";
    let (started, locked) = tokio::join!(
        within(ANSWER_LIMIT, client.batch_execute(&begin)),
        within(ANSWER_LIMIT, client.query_typed_opt(lock, &[])),
    );
    started.and(locked.map(drop))
}

/// The same for a change, and what there is then, in one round trip: the database does one after the other, and what follows on one
/// that has failed fails.
async fn lock_for(client: &Client, change: &Change<'_>, then: Option<&Revision>) -> Result<(Head, There), StoreError> {
    let changes = [*change];
    let (locked, head, there, since) =
        tokio::join!(lock(client), mirror::head_since(client, then), rows(client, &changes), come_since(client, then));
    locked?;
    let ((head, goes_on), row) = (head?, there?.remove(change.id));
    // Of what has been purged nobody knows any more that it has come and gone.
    let is_known = then.is_some_and(|then| goes_on && head.purged <= then.number);
    let since = since?.filter(|since| is_known && since.len() <= FEW_SINCE);
    Ok((head, There { row, since }))
}

/// What has become of registrations since a revision, up to one more than are looked at.
async fn come_since(client: &Client, then: Option<&Revision>) -> Result<Option<Vec<Come>>, StoreError> {
    let Some(then) = then else { return Ok(None) };
    let since = "select as_id, source from bailiwick.registration where revision > $1 order by revision limit $2";
    let most = i64::try_from(FEW_SINCE + 1).unwrap_or(i64::MAX);
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&then.number, Type::INT8), (&most, Type::INT8)];
    let rows = within(ANSWER_LIMIT, client.query_typed(since, &parameters)).await?;
    let come = |row: &tokio_postgres::Row| {
        let source: Option<Vec<u8>> = row.try_get(1)?;
        Ok(Come { id: row.try_get(0)?, source: source.map(Zeroizing::new) })
    };
    rows.iter().map(come).collect::<Result<_, StoreError>>().map(Some)
}

/// Whether nothing speaks against a change beside what has come since it was judged.
fn bears(judge: &dyn Judge, since: &[Come]) -> bool {
    let change = |come| {
        let Come { id, source }: &Come = come;
        Change { id, source: source.as_ref().map(|source| &***source), place: None }
    };
    judge.bears(&since.iter().map(change).collect::<Vec<_>>())
}

/// Changes in parts that a statement can take each.
fn batches<'a, 'c>(changes: &'a [Change<'c>]) -> impl Iterator<Item = &'a [Change<'c>]> {
    let mut rest = changes;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |change: &&Change<'_>| {
            bytes += change.source.map_or(0, <[u8]>::len);
            bytes <= BATCH_BYTES
        };
        // One that is larger than that goes alone.
        let count = rest.iter().take(BATCH).take_while(fits).count().max(1).min(rest.len());
        let (batch, more) = rest.split_at(count);
        rest = more;
        (!batch.is_empty()).then_some(batch)
    })
}

/// What there is of each registration, by its id.
async fn rows(client: &Client, changes: &[Change<'_>]) -> Result<HashMap<String, Row>, StoreError> {
    // By itself, behind the lock: what the statement that has waited for it sees of other tables is from before.
    let rows = "select as_id, revision, source, position from bailiwick.registration where as_id = any($1)";
    let ids: Vec<&str> = changes.iter().map(|change| change.id).collect();
    let rows = within(ANSWER_LIMIT, client.query_typed(rows, &[(&ids, Type::TEXT_ARRAY)])).await?;
    let row = |row: &tokio_postgres::Row| {
        let source: Option<Vec<u8>> = row.try_get(2)?;
        let (revision, place) = (row.try_get(1)?, row.try_get(3)?);
        Ok((row.try_get(0)?, Row { revision, place, source: source.map(Zeroizing::new) }))
    };
    rows.iter().map(row).collect()
}

/// Writes changes under the lock, none of a registration that another is of, each as a revision of its own, in their order; the last
/// of these.
async fn write(client: &Client, changes: &[Change<'_>], terms: Terms<'_>) -> Result<i64, StoreError> {
    let write = "
        with head as (update bailiwick.head set revision = revision + cardinality($1) returning revision - cardinality($1) as before),
             change as (select before + number as revision, id, change.source,
                               coalesce(place, case when there.source is not null then there.position end, before + number) as position
                        from head, unnest($1, $2, $3) with ordinality as change (id, source, place, number)
                        left join bailiwick.registration as there on there.as_id = id),
             noted as (insert into bailiwick.history (revision, as_id, source, position, forced, changed_by)
                       select revision, id, source, position, $4, $5 from change),
             made as (insert into bailiwick.registration (as_id, source, position, revision)
                      select id, source, position, revision from change
                      on conflict (as_id) do update set source = excluded.source, position = excluded.position,
                        revision = excluded.revision
                      returning revision)
        select max(revision) from made";
    let ids: Vec<&str> = changes.iter().map(|change| change.id).collect();
    let sources: Vec<Option<&[u8]>> = changes.iter().map(|change| change.source).collect();
    let places: Vec<Option<i64>> = changes.iter().map(|change| change.place).collect();
    let parameters: [(&(dyn ToSql + Sync), Type); 5] = [
        (&ids, Type::TEXT_ARRAY),
        (&sources, Type::BYTEA_ARRAY),
        (&places, Type::INT8_ARRAY),
        (&terms.force, Type::BOOL),
        (&terms.by, Type::TEXT),
    ];
    let written = within(ANSWER_LIMIT, client.query_typed_one(write, &parameters)).await?;
    Ok(written.try_get(0)?)
}

/// Writes a change and commits, in one round trip; the revision that it makes.
async fn write_and_commit(client: &Client, change: Change<'_>, terms: Terms<'_>) -> Result<i64, StoreError> {
    let changes = [change];
    let (written, committed) = tokio::join!(write(client, &changes, terms), commit(client));
    match written {
        Ok(revision) => committed.map_err(unsure).map(|()| revision),
        // It has answered no more: whether it has written and committed before nobody can tell.
        Err(error @ (StoreError::Unreachable(_) | StoreError::Late(_) | StoreError::Stopping)) => Err(unsure(error)),
        // It has refused that, and then there was nothing to be committed.
        Err(error) => Err(error),
    }
}

/// Tells everybody, and lets the next one in.
pub(super) async fn commit(client: &Client) -> Result<(), StoreError> {
    end(client, &format!("notify {CHANNEL}; commit")).await
}

/// What went wrong while it was committed.
pub(super) fn unsure(error: StoreError) -> StoreError {
    match error {
        // Since it might read that nothing was changed.
        StoreError::Stopping => {
            StoreError::Unsure("bailiwick is stopping, and the database has not answered before".to_owned())
        }
        error => StoreError::Unsure(error.to_string()),
    }
}

async fn end(client: &Client, how: &str) -> Result<(), StoreError> {
    within(ANSWER_LIMIT, client.batch_execute(how)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(revision: i64, source: Option<&str>) -> Row {
        Row { revision, place: 5, source: source.map(|source| Zeroizing::new(source.as_bytes().to_vec())) }
    }

    fn said(source: Option<&str>, if_it: Option<Condition>, row: Option<&Row>) -> Option<Outcome> {
        let change = Change { id: "irc", source: source.map(str::as_bytes), place: None };
        without_writing(&change, Terms { if_it, ..Terms::default() }, row)
    }

    #[test]
    fn many_changes_go_in_parts_and_each_goes_once() {
        let (small, large) = (vec![b'x'; 100], vec![b'x'; BATCH_BYTES + 1]);
        let ids: Vec<String> = (0..BATCH * 2 + 5).map(|number| number.to_string()).collect();
        let change = |id| Change { id, source: Some(&small), place: None };
        let mut changes: Vec<Change<'_>> = ids.iter().map(|id| change(id)).collect();
        let sizes = |changes: &[Change<'_>]| batches(changes).map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!((sizes(&[]), sizes(&changes)), (vec![], vec![BATCH, BATCH, 5]));
        changes[1].source = Some(&large);
        changes[BATCH].source = None;
        assert_eq!(sizes(&changes), [1, 1, BATCH, BATCH, 3]);
        let ids: Vec<&str> = batches(&changes).flatten().map(|change| change.id).collect();
        assert!(ids.iter().eq(changes.iter().map(|change| &change.id)));
    }

    #[test]
    fn what_is_so_already_is_no_change_whatever_was_thought() {
        let there = row(7, Some("a"));
        for if_it in [None, Some(Condition::IsAt(3)), Some(Condition::IsNotThere)] {
            assert!(matches!(said(Some("a"), if_it, Some(&there)), Some(Outcome::AsItWas(7))));
            assert!(matches!(said(None, if_it, Some(&row(8, None))), Some(Outcome::AsItWas(8))));
            assert!(matches!(said(None, if_it, None), Some(Outcome::NotThere)));
        }
    }

    #[test]
    fn what_says_the_same_at_another_place_is_changed() {
        let at = |place| Change { id: "irc", source: Some(b"a"), place: Some(place) };
        let said = |place| without_writing(&at(place), Terms::default(), Some(&row(7, Some("a"))));
        assert!(matches!(said(5), Some(Outcome::AsItWas(7))));
        assert!(said(4).is_none());
    }

    #[test]
    fn what_is_not_as_it_was_thought_to_be_is_not_changed() {
        let (there, gone) = (row(7, Some("a")), row(8, None));
        assert!(said(Some("b"), None, Some(&there)).is_none());
        assert!(said(Some("b"), Some(Condition::IsAt(7)), Some(&there)).is_none());
        assert!(matches!(said(Some("b"), Some(Condition::IsAt(6)), Some(&there)), Some(Outcome::Elsewhere(Some(7)))));
        assert!(matches!(said(None, Some(Condition::IsAt(6)), Some(&there)), Some(Outcome::Elsewhere(Some(7)))));
        assert!(matches!(
            said(Some("b"), Some(Condition::IsNotThere), Some(&there)),
            Some(Outcome::Elsewhere(Some(7)))
        ));
        assert!(matches!(said(Some("b"), Some(Condition::IsAt(8)), Some(&gone)), Some(Outcome::Elsewhere(None))));
        assert!(said(Some("b"), Some(Condition::IsNotThere), Some(&gone)).is_none());
        assert!(said(Some("b"), Some(Condition::IsNotThere), None).is_none());
    }
}
