//! What is loaded: files and their states, services, digest. Immutable, swapped as a whole.
//!
//! (skeleton)

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;

use crate::registration::{Fault, Registration};
use crate::ruling::Services;

/// Everything that a question can be answered from.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts the snapshots of this process, from 1.
    pub generation: u64,
    /// Digest of the loaded set as lower-case hex: equal on every replica that loaded the same bytes.
    pub digest: Arc<str>,
    /// False while any file is stale or quarantined.
    pub complete: bool,
    /// Every file, in load order.
    pub files: Vec<Arc<FileRecord>>,
    /// The loaded services.
    pub services: Services,
}

/// One file and what came of it.
#[derive(Debug)]
pub struct FileRecord {
    /// The file as it is shown.
    pub file: Arc<str>,
    /// Whether it is in force.
    pub state: FileState,
    /// What is wrong with the bytes that are there now.
    pub faults: Vec<Fault>,
    /// What is in force.
    pub registration: Option<Arc<Registration>>,
}

/// Whether a file is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// As it is on disk.
    Active,
    /// What is on disk cannot be loaded; its last good content is in force.
    Stale,
    /// It cannot be loaded, and nothing of it is in force.
    Quarantined,
}

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

    /// The snapshot in force. A request reads it once.
    #[must_use]
    pub fn load(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// Puts a snapshot in force.
    pub fn swap(&self, next: Arc<Snapshot>) {
        self.current.store(next);
    }
}
