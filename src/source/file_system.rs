use std::fmt;
use std::sync::Arc;

use super::{Clock, Disk, EventSource, OsDisk, SystemClock, os_events};

/// What providers of files are made on: all of it passed in, so that tests can let it fail, fall silent or stand still.
#[derive(Clone)]
pub struct FileSystem {
    /// What is asked.
    pub disk: Arc<dyn Disk>,
    /// What tells of changes.
    pub events: Arc<EventSource>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether `*.toml` in a directory is a registration as well.
    pub toml: bool,
}

impl Default for FileSystem {
    /// That of the operating system.
    fn default() -> Self {
        Self { disk: Arc::new(OsDisk), events: Arc::new(os_events), clock: Arc::new(SystemClock), toml: false }
    }
}

impl fmt::Debug for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSystem").finish_non_exhaustive()
    }
}
