use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use super::Snapshot;

/// The place where the snapshot in force is found.
#[derive(Debug)]
pub struct Live {
    current: ArcSwap<Snapshot>,
    /// How often another snapshot came into force.
    swaps: Mutex<u64>,
    swapped: Condvar,
}

impl Live {
    /// Begins with a first snapshot.
    #[must_use]
    pub fn new(first: Snapshot) -> Self {
        Self { current: ArcSwap::from_pointee(first), swaps: Mutex::new(0), swapped: Condvar::new() }
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
        self.current.store(next);
        *self.swaps.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.swapped.notify_all();
    }

    /// Waits until there have been more swaps than were seen, or the time is up; how many there have been.
    pub fn wait(&self, seen: u64, time: Duration) -> u64 {
        let swaps = self.swaps.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.swapped.wait_timeout_while(swaps, time, |swaps| *swaps <= seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
