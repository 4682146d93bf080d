use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio_postgres::Client;
use zeroize::Zeroizing;

use super::lately::Lately;
use super::listener::Listener;
use super::metrics::StoreMetrics;
use super::mirror::{self, Head, Mirror, Revision, Sources};
use super::session::{Driver, Ending, Session, connect};
use super::{Address, Reader, StoreError, Whose, whose};
use crate::registration::FileFacts;
use crate::source::{
    Changed, Content, Hint, Item, Listed, Listing, Name, Provider, Put, Recorded, Since, Unlisted, Unread, Version,
    Watched,
};
use crate::telemetry::Metrics;

/// What so many rows say is read at once, of which one is asked for: whoever reads all asks for one after the other, and a question for
/// each would take a thousand times as long as one for all. With 1 KB each, 4 MB of a million rows are in memory at a time.
const AHEAD: usize = 4_096;

/// So many rows are read together where they are known beforehand: with 1 KB each, and as many that are worked on and that lie ready
/// meanwhile, 6 MB of a million rows are in memory at a time.
const TOGETHER: NonZeroUsize = NonZeroUsize::new(2_048).unwrap();

/// So many rows may be left of what was read ahead before, which others ask for at this moment: more than are read together.
const ASKED_AT_A_TIME: usize = 1_024;

/// A store as a source of registrations. Each row is an item, called `store:` and its id.
pub struct Store {
    address: Arc<Address>,
    reader: Reader,
    state: Mutex<State>,
    /// Somebody has said that what is there is meant.
    accepts: AtomicBool,
    /// Grows as rows are read.
    progress: AtomicU64,
    listener: Mutex<Option<Listener>>,
    ending: Ending,
    metrics: OnceLock<StoreMetrics>,
}

struct State {
    driver: Driver,
    session: Option<Session>,
    before: Before,
    mirror: Option<Mirror>,
    /// What has come since somebody was told what there is, as long as that is simple.
    lately: Option<Lately>,
    /// Up to which revision its past was purged.
    purged: Cell<i64>,
    /// How often another store has been taken for this one: its revisions are others of the same number.
    others: u64,
    /// What rows say that somebody is likely to ask for next.
    sources: Sources,
}

/// Where the store was before the restart.
enum Before {
    /// Nothing is known of it.
    Nothing,
    /// It was there, and this was in force of it.
    At(Revision, Vec<Arc<str>>),
    /// Something was known.
    Forgotten,
}

impl Store {
    /// A store, which need not be there yet.
    pub fn new(address: Arc<Address>, reader: Reader) -> io::Result<Self> {
        let ending = Ending::new();
        let state = State {
            driver: Driver::until(ending.clone())?,
            session: None,
            before: Before::Nothing,
            mirror: None,
            lately: None,
            purged: Cell::new(0),
            others: 0,
            sources: Sources::new(),
        };
        Ok(Self {
            address,
            reader,
            state: Mutex::new(state),
            accepts: AtomicBool::new(false),
            progress: AtomicU64::new(0),
            listener: Mutex::default(),
            ending,
            metrics: OnceLock::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that what is known is as of now, if somebody answers and it is the store of before, or another is meant.
    fn catch_up(&self, state: &mut State) -> Result<(), StoreError> {
        let caught_up = state.catch_up(self, self.accepts.load(Ordering::Acquire));
        self.measured(caught_up.is_ok(), state);
        caught_up
    }

    /// Shows what a look has found.
    fn measured(&self, has_answered: bool, state: &State) {
        let Some(metrics) = self.metrics.get() else { return };
        match state.mirror.as_ref().filter(|_| has_answered) {
            Some(mirror) => metrics.read(mirror.at.number, state.purged.get(), mirror.rows.len()),
            None => metrics.lost(),
        }
    }
}

impl State {
    /// Asks, by the connection that is there or else by a new one: that one has been lost is seen only when it is used.
    fn ask<T>(
        &mut self,
        address: &Address,
        ask: impl Fn(&mut Self, &Client) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(session) = self.session.take() {
            match ask(self, &session) {
                Err(StoreError::Unreachable(_)) => {}
                answered => return self.answered(session, answered),
            }
        }
        let session = self.driver.run(connect(address))?;
        let answered = ask(self, &session);
        self.answered(session, answered)
    }

    /// Keeps a session that has answered, and ends another.
    fn answered<T>(&mut self, session: Session, answered: Result<T, StoreError>) -> Result<T, StoreError> {
        match answered {
            Ok(_) => self.session = Some(session),
            Err(_) => self.driver.end(Some(session)),
        }
        answered
    }

    /// Where the store was when it was read last.
    fn last(&self) -> Result<Option<&Revision>, StoreError> {
        match (&self.mirror, &self.before) {
            (Some(mirror), _) => Ok(Some(&mirror.at)),
            (None, Before::Nothing) => Ok(None),
            (None, Before::At(revision, _)) => Ok(Some(revision)),
            (None, Before::Forgotten) => Err(StoreError::Forgotten),
        }
    }

    /// Sees to it that what is known is as of now; of another store than before, if that is meant.
    fn catch_up(&mut self, of: &Store, accepts: bool) -> Result<(), StoreError> {
        match self.catch_up_with_the_same(of) {
            Err(StoreError::Another | StoreError::Forgotten) if accepts => {
                tracing::warn!(store = %of.address, "another store, or an earlier state of it, is read now: that has been confirmed");
                (self.mirror, self.before) = (None, Before::Nothing);
                self.others += 1;
                self.catch_up_with_the_same(of)
            }
            caught_up => caught_up,
        }
    }

    fn catch_up_with_the_same(&mut self, of: &Store) -> Result<(), StoreError> {
        let Store { address, reader, progress, .. } = of;
        self.ask(address, |state, client| {
            let last = state.last()?;
            let known = state.mirror.as_ref();
            let head = state.driver.run(head_of(client, last, of))?;
            state.purged.set(head.purged);
            if known.is_some() && Some(&head.at) == last {
                return Ok(());
            }
            let recalled: &[Arc<str>] = match &state.before {
                Before::At(_, names) => names,
                _ => &[],
            };
            let before = mirror::Before { last, mirror: known, recalled, reader };
            let changed = state.driver.run(mirror::changed(client, before, progress))?;
            state.purged.set(changed.purged);
            let lately = state.lately.take();
            state.lately = lately.zip(state.mirror.as_ref()).and_then(|(lately, mirror)| lately.and(mirror, &changed));
            let (mirror, sources) = Mirror::after(state.mirror.take(), changed);
            (state.mirror, state.sources, state.before) = (Some(mirror), sources, Before::Nothing);
            Ok(())
        })
    }

    /// What has changed since a listing with this note, if that is simple, and what was put has come along.
    fn changed_since(&mut self, note: &str) -> Option<Changed> {
        let lately = self.lately.take().filter(|lately| lately.is_since(note))?;
        let mirror = self.mirror.as_ref()?;
        let mut items = Vec::with_capacity(lately.put().len());
        for id in lately.put() {
            let (at, row) = mirror.rows.find(id)?;
            let (revision, mut source) = self.sources.remove(id)?;
            if revision != row.revision {
                return None;
            }
            let item = self.item(mirror::name_of(row.id).into(), row.revision);
            let content = Content { bytes: std::mem::take(&mut *source), version: item.version.clone() };
            items.push(Put { at, item, content });
        }
        items.sort_unstable_by_key(|put| put.at);
        let (among, gone, recorded) = (lately.among(), lately.gone().collect(), mirror.recorded());
        self.lately = Some(Lately::nothing_since(mirror));
        Some(Changed { among, gone, put: items, recorded })
    }

    /// A row as an item.
    fn item(&self, name: Name, revision: i64) -> Item {
        Item { name, version: self.version(revision), facts: FileFacts::default() }
    }

    /// What a revision has made of a row.
    fn version(&self, revision: i64) -> Version {
        Version::Opaque([self.others, revision.cast_unsigned()])
    }

    /// What a row said when it was listed.
    fn source(&mut self, address: &Address, item: &Item) -> Result<Vec<u8>, Unread> {
        let id = mirror::id_of(&item.name).ok_or(Unread::Gone)?;
        if !self.sources.contains_key(id) {
            let ahead = self.mirror.as_ref().and_then(|mirror| mirror.revisions_from(id, AHEAD));
            let ahead = ahead.ok_or(Unread::Gone)?;
            let said = self.ask(address, |state, client| {
                let mut said = Sources::with_capacity(ahead.len());
                let take = |id: &str, revision, source: &[u8]| {
                    said.insert(id.into(), (revision, Zeroizing::new(source.to_vec())));
                };
                state.driver.run(mirror::said_at(client, ahead.clone(), &AtomicU64::new(0), take))?;
                Ok(said)
            });
            let said = said.map_err(|error| Unread::Because(error.to_string()))?;
            if self.sources.len() > ASKED_AT_A_TIME {
                self.sources.clear();
            }
            self.sources.extend(said);
        }
        match self.sources.remove(id) {
            Some((revision, mut source)) if self.version(revision) == item.version => Ok(std::mem::take(&mut *source)),
            _ => Err(changed_since()),
        }
    }

    /// What some rows said when they were listed, in the same order.
    fn sources(&mut self, address: &Address, items: &[Item], progress: &AtomicU64) -> Vec<Result<Vec<u8>, Unread>> {
        let mut asked: HashMap<i64, usize> = HashMap::with_capacity(items.len());
        let mut said: Vec<Result<Vec<u8>, Unread>> = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let revision = self.revision(&item.version);
            let read = mirror::id_of(&item.name).and_then(|id| self.sources.remove(id));
            said.push(match (read, revision) {
                (Some((of, mut source)), Some(revision)) if of == revision => Ok(std::mem::take(&mut *source)),
                (_, revision) => {
                    asked.extend(revision.map(|revision| (revision, at)));
                    Err(changed_since())
                }
            });
        }
        if asked.is_empty() {
            return said;
        }
        let revisions: Vec<i64> = asked.keys().copied().collect();
        let read = self.ask(address, |state, client| {
            let mut read: Vec<(usize, Zeroizing<Vec<u8>>)> = Vec::with_capacity(revisions.len());
            let take = |id: &str, revision: i64, source: &[u8]| {
                let at = asked.get(&revision).filter(|at| mirror::id_of(&items[**at].name) == Some(id));
                read.extend(at.map(|at| (*at, Zeroizing::new(source.to_vec()))));
            };
            state.driver.run(mirror::said_at(client, revisions.clone(), progress, take))?;
            Ok(read)
        });
        match read {
            Ok(read) => read.into_iter().for_each(|(at, mut source)| said[at] = Ok(std::mem::take(&mut *source))),
            Err(error) => asked.values().for_each(|at| said[*at] = Err(Unread::Because(error.to_string()))),
        }
        said
    }

    /// The revision that has made a row what it was when it was listed, if that was of the store that is read now.
    fn revision(&self, version: &Version) -> Option<i64> {
        match version {
            Version::Opaque([others, revision]) if *others == self.others => Some(revision.cast_signed()),
            _ => None,
        }
    }
}

impl Provider for Store {
    fn shown(&self) -> String {
        self.address.to_string()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        let mut state = self.state();
        self.catch_up(&mut state).map_err(|error| unlisted(&error))?;
        let Some(mirror) = &state.mirror else { return Ok(Listing::default()) };
        let revisions = mirror.rows.values().map(|row| row.revision);
        let items = mirror.names().zip(revisions).map(|(name, revision)| Listed::Item(state.item(name, revision)));
        let items = items.collect();
        let recorded = mirror.recorded();
        state.lately = Some(Lately::nothing_since(mirror));
        Ok(Listing { items, recorded: Some(recorded), ..Listing::default() })
    }

    fn since(&self, recorded: &Recorded) -> Since {
        let mut state = self.state();
        let caught_up = self.catch_up(&mut state);
        match &state.mirror {
            Some(mirror) if caught_up.is_ok() && mirror.at.note() == recorded.note => Since::Nothing,
            Some(_) if caught_up.is_ok() => state.changed_since(&recorded.note).map_or(Since::Unknown, Since::Changed),
            _ => Since::Unknown,
        }
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        let bytes = self.state().source(&self.address, item)?;
        Ok(Content { bytes, version: item.version.clone() })
    }

    fn reads_together(&self) -> Option<NonZeroUsize> {
        Some(TOGETHER)
    }

    fn read_together(&self, items: &[Item]) -> Vec<Result<Content, Unread>> {
        let said = self.state().sources(&self.address, items, &self.progress);
        let content = |(item, said): (&Item, Result<Vec<u8>, Unread>)| {
            Ok(Content { bytes: said?, version: item.version.clone() })
        };
        items.iter().zip(said).map(content).collect()
    }

    fn watch(&self, _listed: &[Arc<str>], hint: &Hint) -> Watched {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.is_none() {
            // Where no thread can be started, it is looked at more often.
            *listener = Listener::start(Arc::clone(&self.address), Arc::clone(hint)).ok();
        }
        let all = listener.as_ref().is_some_and(Listener::hears);
        Watched { all, ..Watched::ALL }
    }

    fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    fn may_be_away_at_start(&self) -> bool {
        true
    }

    fn could_list(&self, name: &str) -> bool {
        mirror::id_of(name).is_some()
    }

    fn recall(&self, note: &[u8], in_force: Vec<Arc<str>>) {
        self.state().before = Revision::noted(note).map_or(Before::Forgotten, |at| Before::At(at, in_force));
    }

    fn accept(&self, whatever: bool) {
        self.accepts.store(whatever, Ordering::Release);
    }

    fn end_waiting(&self) {
        self.ending.begin();
    }

    fn show(&self, metrics: &Metrics) {
        self.metrics.get_or_init(|| StoreMetrics::register(metrics));
    }
}

/// What the store says of itself, if it may be read; a service's from now on, if it was nobody's.
async fn head_of(client: &Client, last: Option<&Revision>, of: &Store) -> Result<Head, StoreError> {
    let mut head = mirror::head(client, last).await?;
    if let (None, Reader::Serves(homeserver)) = (&head.whose, &of.reader)
        && whose::claim(client, homeserver).await?
    {
        tracing::info!(store = %of.address, "the store is that of {} from now on", Whose::from(homeserver));
        head.whose = Some(homeserver.into());
    }
    of.reader.check(head.whose.as_ref())?;
    Ok(head)
}

/// Why a row is not read that has become something else: the next listing says what.
fn changed_since() -> Unread {
    Unread::Because("it has been changed since it was listed".to_owned())
}

/// Why there is no listing.
fn unlisted(error: &StoreError) -> Unlisted {
    match error {
        StoreError::Another | StoreError::Forgotten => Unlisted::Another(error.to_string()),
        _ => Unlisted::Unreadable(error.to_string()),
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("address", &self.address).finish_non_exhaustive()
    }
}
