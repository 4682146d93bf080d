use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::Snapshot;

/// The place where the snapshot in force is found.
#[derive(Debug)]
pub struct Live {
    current: ArcSwap<Snapshot>,
}

impl Live {
    /// Begins with a first snapshot.
    #[must_use]
    pub fn new(first: Snapshot) -> Self {
        Self { current: ArcSwap::from_pointee(first) }
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
    }
}
