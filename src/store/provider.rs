use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_postgres::Client;

use super::listener::Listener;
use super::mirror::{self, Mirror, Sources};
use super::session::{Driver, connect};
use super::{Address, StoreError};
use crate::registration::FileFacts;
use crate::source::{Content, Hint, Item, Listed, Listing, Provider, Recorded, Unlisted, Unread, Version, Watched};

/// So many rows are read at once where one is asked for that was listed long ago: whoever makes copies of all asks for one after
/// the other, and a question for each would take a thousand times as long as one for all.
const AHEAD: i64 = 256;

/// A store as a source of registrations. Each row is an item, called `store:` and its id.
pub struct Store {
    address: Arc<Address>,
    state: Mutex<State>,
    /// Grows as rows are read.
    progress: AtomicU64,
    listener: Mutex<Option<Listener>>,
}

struct State {
    driver: Driver,
    client: Option<Client>,
    mirror: Option<Mirror>,
    /// What the rows say that were read with the last listing, until somebody asks for it.
    sources: Sources,
    /// What rows say that somebody is likely to ask for next.
    ahead: Sources,
}

impl Store {
    /// A store, which need not be there yet.
    pub fn new(address: Arc<Address>) -> io::Result<Self> {
        let state = State {
            driver: Driver::new()?,
            client: None,
            mirror: None,
            sources: Sources::new(),
            ahead: Sources::new(),
        };
        Ok(Self { address, state: Mutex::new(state), progress: AtomicU64::new(0), listener: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Asks, by the connection that is there or else by a new one: that one has been lost is seen only when it is used.
    fn ask<T>(
        &mut self,
        address: &Address,
        ask: impl Fn(&mut Self, &Client) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(client) = self.client.take().filter(|client| !client.is_closed()) {
            match ask(self, &client) {
                Err(StoreError::Unreachable(_)) => {}
                Err(other) => return Err(other),
                Ok(answer) => {
                    self.client = Some(client);
                    return Ok(answer);
                }
            }
        }
        let client = self.driver.run(connect(address))?;
        let answer = ask(self, &client)?;
        self.client = Some(client);
        Ok(answer)
    }

    /// Sees to it that what is known is as of now.
    fn catch_up(&mut self, address: &Address, progress: &AtomicU64) -> Result<&Mirror, StoreError> {
        self.ask(address, |state, client| {
            let last = state.mirror.as_ref().map(|mirror| &mirror.at);
            if last.is_some() && Some(&state.driver.run(mirror::head(client, last))?) == last {
                return Ok(());
            }
            let last = state.mirror.take();
            let read = state.driver.run(async { Ok(mirror::read(client, last, progress).await) })?;
            match read {
                Ok((mirror, sources)) => {
                    state.mirror = Some(mirror);
                    state.sources = sources;
                    Ok(())
                }
                Err((last, error)) => {
                    state.mirror = last;
                    Err(error)
                }
            }
        })?;
        self.mirror.as_ref().ok_or_else(|| StoreError::Contradiction("nothing was read".to_owned()))
    }

    /// What a row says, if that is still what it said at a revision.
    fn source(&mut self, address: &Address, name: &str, version: &Version) -> Result<Vec<u8>, Unread> {
        let is_it = |revision: i64| *version == of(revision);
        for sources in [&mut self.sources, &mut self.ahead] {
            if let Some((revision, mut source)) = sources.remove(name)
                && is_it(revision)
            {
                return Ok(std::mem::take(&mut *source));
            }
        }
        let place = self.mirror.as_ref().and_then(|mirror| mirror.place_of(name)).ok_or(Unread::Gone)?;
        let ahead = self.ask(address, |state, client| state.driver.run(mirror::read_ahead(client, place, AHEAD)));
        self.ahead = ahead.map_err(|error| Unread::Because(error.to_string()))?;
        match self.ahead.remove(name) {
            Some((revision, mut source)) if is_it(revision) => Ok(std::mem::take(&mut *source)),
            // The next listing says what it has become.
            _ => Err(Unread::Because("it has been changed since it was listed".to_owned())),
        }
    }
}

impl Provider for Store {
    fn shown(&self) -> String {
        self.address.to_string()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        let mut state = self.state();
        let mirror = state.catch_up(&self.address, &self.progress);
        let mirror = mirror.map_err(|error| Unlisted::Unreadable(error.to_string()))?;
        let item = |row: &mirror::Known| {
            let version = of(row.revision);
            Listed::Item(Item { name: Arc::clone(&row.name), version, facts: FileFacts::default() })
        };
        let revision = u64::try_from(mirror.at.number).unwrap_or_default();
        let recorded = Some(Recorded { revision, removed: Arc::clone(&mirror.removed) });
        Ok(Listing { items: mirror.rows.values().map(item).collect(), recorded, ..Listing::default() })
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        let bytes = self.state().source(&self.address, &item.name, &item.version)?;
        Ok(Content { bytes, version: item.version.clone() })
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
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What a revision has made of a row.
fn of(revision: i64) -> Version {
    Version::Opaque(revision.to_be_bytes().into())
}
