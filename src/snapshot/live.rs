use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

use super::history::History;
use super::{Generation, Since, Snapshot};

/// The place where the snapshot in force is found, and what led to it.
#[derive(Debug)]
pub struct Live {
    current: ArcSwap<Snapshot>,
    history: Mutex<History>,
    /// How often another snapshot came into force, for threads that wait.
    swaps: Mutex<u64>,
    swapped: Condvar,
    /// The generation in force, for tasks that wait.
    generation: watch::Sender<u64>,
}

impl Live {
    /// Begins with a first snapshot.
    #[must_use]
    pub fn new(first: Snapshot) -> Self {
        let (generation, _) = watch::channel(first.generation());
        Self {
            current: ArcSwap::from_pointee(first),
            history: Mutex::default(),
            swaps: Mutex::new(0),
            swapped: Condvar::new(),
            generation,
        }
    }

    /// The snapshot in force. A request reads it once; what it holds stays valid however many reloads follow.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// The snapshot in force, to be kept for longer than a request.
    #[must_use]
    pub fn load_full(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Puts a snapshot in force with one atomic store.
    pub fn swap(&self, next: Arc<Snapshot>) {
        let generation = next.generation();
        {
            // Who asks what has led to a snapshot finds it, whenever he has seen the snapshot.
            let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
            if next.is_ready() {
                history.push(&next);
            }
            self.current.store(next);
        }
        *self.swaps.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.swapped.notify_all();
        self.generation.send_replace(generation);
    }

    /// The snapshot in force, and what has happened since a set with that digest was.
    #[must_use]
    pub fn since(&self, digest: &str) -> (Arc<Snapshot>, Since) {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        (self.current.load_full(), history.since(digest))
    }

    /// The snapshot in force; the last generations, the latest first; and the number of the oldest that is remembered.
    #[must_use]
    pub fn latest(&self, count: usize) -> (Arc<Snapshot>, Vec<Arc<Generation>>, Option<u64>) {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        (self.current.load_full(), history.latest(count), history.oldest())
    }

    /// Since when the set has not been complete, as far back as is remembered; `None` while it is.
    #[must_use]
    pub fn incomplete_since(&self) -> Option<SystemTime> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).incomplete_since()
    }

    /// The first snapshot in force that is later than a generation: the one that is in force now, or the next. Never
    /// ends when none follows, so that whoever waits says for how long.
    pub async fn later_than(&self, generation: u64) -> Arc<Snapshot> {
        // Taken before the snapshot is looked at, so that a swap in between is noticed.
        let mut told = self.generation.subscribe();
        // This cannot fail: the other end is in `self`.
        let _ = told.wait_for(|&now| now > generation).await;
        self.load_full()
    }

    /// Holds up a thread until there have been more swaps than were seen, or the time is up; how many there have been.
    pub fn wait(&self, seen: u64, time: Duration) -> u64 {
        let swaps = self.swaps.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.swapped.wait_timeout_while(swaps, time, |swaps| *swaps <= seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
