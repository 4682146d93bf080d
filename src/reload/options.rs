use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::homeserver::Homeserver;
use crate::source::{Clock, Loader, Provider, SystemClock};

/// A change is taken over when nothing has changed for this long.
pub(crate) const QUIET: Duration = Duration::from_millis(100);

/// But at the latest after this time, when changes do not cease.
pub(crate) const MAX_WAIT: Duration = Duration::from_millis(500);

/// How often to look without any event.
pub(crate) const POLL: Duration = Duration::from_secs(30);

/// What a reload needs to know.
#[derive(Clone)]
pub struct Options {
    /// The homeserver whose registrations these are.
    pub homeserver: Homeserver,
    /// Where they come from, in load order.
    pub sources: Vec<Arc<dyn Provider>>,
    /// A change is taken over when nothing has changed for this long. 100 ms.
    pub quiet: Duration,
    /// But at the latest after this time, when changes do not cease. 500 ms.
    pub max_wait: Duration,
    /// How often to look without any event, give or take a tenth. 30 s.
    pub poll: Duration,
    /// How long names stay held that an edit takes away, so that an accident sets none free. 60 s; zero holds nothing.
    ///
    /// Longer than editors and deployment tools take to replace a file, and a second scan with the usual interval; short
    /// enough to be waited for by whoever has removed a bridge.
    pub hold: Duration,
    /// A look that takes longer than this, and than ten times the longest so far, hangs, and is shown to. 60 s.
    pub look_limit: Duration,
    /// What a source is asked is given so long: what it has, what a file holds. What is not answered by then counts as what
    /// cannot be read, and everything else goes on. 10 s.
    ///
    /// A disk that has to spin up takes less, and a file server that takes longer is one that has gone.
    pub answer_limit: Duration,
    /// Where the last good copy of each file is kept across restarts.
    pub state_dir: Option<PathBuf>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What reads a registration.
    pub loader: Arc<dyn Loader>,
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new(homeserver: Homeserver, sources: Vec<Arc<dyn Provider>>, loader: Arc<dyn Loader>) -> Self {
        Self {
            homeserver,
            sources,
            quiet: QUIET,
            max_wait: MAX_WAIT,
            poll: POLL,
            hold: Duration::from_secs(60),
            look_limit: Duration::from_secs(60),
            answer_limit: Duration::from_secs(10),
            state_dir: None,
            clock: Arc::new(SystemClock),
            loader,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("homeserver", &self.homeserver)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}
