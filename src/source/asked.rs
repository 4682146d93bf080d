use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::patience::Patience;
use super::{Content, Hint, Item, Listing, Provider, Recorded, Since, Stamp, Unlisted, Unread, Watched};

/// A provider that is asked with patience, and not for ever: what does not answer in time counts as what cannot be read.
#[derive(Debug)]
pub(crate) struct Source {
    provider: Arc<dyn Provider>,
    patience: Patience,
}

impl Source {
    /// Whatever is asked of the provider is given so long.
    pub(crate) fn new(provider: Arc<dyn Provider>, limit: Duration) -> Self {
        Self { provider, patience: Patience::new(limit) }
    }

    /// How it is shown.
    pub(crate) fn shown(&self) -> String {
        self.provider.shown()
    }

    /// Whether an item of this name could be listed here.
    pub(crate) fn could_list(&self, name: &str) -> bool {
        self.provider.could_list(name)
    }

    /// Whether it may be away when the service is started.
    pub(crate) fn may_be_away_at_start(&self) -> bool {
        self.provider.may_be_away_at_start()
    }

    /// Tells it what it said of itself before a restart.
    pub(crate) fn recall(&self, note: &[u8], in_force: Vec<Arc<str>>) {
        self.provider.recall(note, in_force);
    }

    /// Whether somebody has said, for the looks to come, that what is there is meant.
    pub(crate) fn accept(&self, whatever: bool) {
        self.provider.accept(whatever);
    }

    /// What is there now, and which set that is.
    pub(super) fn list(&self) -> Result<(Stamp, Listing), Unlisted> {
        self.ask(|provider| (provider.stamp(), provider.list())).and_then(|(stamp, listing)| Ok((stamp, listing?)))
    }

    /// What has come of what was listed with this on record. Who does not answer in time does not know.
    pub(crate) fn since(&self, recorded: &Recorded) -> Since {
        let recorded = recorded.clone();
        self.ask(move |provider| provider.since(&recorded)).unwrap_or(Since::Unknown)
    }

    /// Which set of items is there.
    pub(super) fn stamp(&self) -> Result<Stamp, Unlisted> {
        self.ask(|provider| provider.stamp())
    }

    /// How many items are best read at once, of a source that has no opinion so many.
    pub(super) fn read_at_once(&self, otherwise: usize) -> usize {
        self.provider.reads_together().map_or(otherwise, NonZeroUsize::get)
    }

    /// The contents of some items, in the same order.
    pub(super) fn read_each(&self, items: Vec<Item>) -> Vec<Result<Content, Unread>> {
        if items.len() > 1 && self.provider.reads_together().is_some() {
            let count = items.len();
            let read = self.ask(move |provider| provider.read_together(&items));
            let why = |late: Unlisted| vec![Err(Unread::Because(late.to_string())); count];
            return read.unwrap_or_else(why);
        }
        let names = items.iter().map(|item| item.name.alone()).collect();
        let provider = Arc::clone(&self.provider);
        let read = self.patience.ask_each(names, move |at| provider.read(&items[at]));
        let late = |late: super::patience::Unanswered| Err(Unread::Because(late.to_string()));
        read.into_iter().map(|read| read.unwrap_or_else(late)).collect()
    }

    /// The content of an item.
    pub(crate) fn read(&self, item: Item) -> Result<Content, Unread> {
        self.read_each(vec![item]).pop().unwrap_or(Err(Unread::Gone))
    }

    /// Sees to it that `hint` is called when something may have changed, as far as that is possible.
    pub(crate) fn watch(&self, listed: Vec<Arc<str>>, hint: &Hint) -> Watched {
        let hint = Arc::clone(hint);
        let watched = self.ask(move |provider| provider.watch(&listed, &hint));
        watched.unwrap_or(Watched { all: false, anew: false, writers: false })
    }

    /// Waits until nobody is writing any more, at most for so long.
    pub(crate) fn wait_for_writers(&self, longest: Duration) {
        // Who cannot say whether anybody writes is not waited for.
        let _ = self.ask(move |provider| provider.wait_for_writers(longest));
    }

    fn ask<T: Send + 'static>(&self, ask: impl FnOnce(&dyn Provider) -> T + Send + 'static) -> Result<T, Unlisted> {
        let provider = Arc::clone(&self.provider);
        let late = |late| Unlisted::Unreadable(format!("it cannot be read: {late}"));
        self.patience.ask(move || ask(&*provider), || self.provider.progress()).map_err(late)
    }
}
