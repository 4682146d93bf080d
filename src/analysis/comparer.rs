use rayon::{ThreadPool, ThreadPoolBuildError};

use super::{Analysis, Change, Deadline, difference};
use crate::priority::{self, Rank};
use crate::ruling::Services;

/// The only way to compute findings: on threads of its own, so that comparing holds up neither those that answer nor
/// those that load.
///
/// What a reload gives rise to and what somebody asks are computed on different threads, so that neither waits for the
/// other: the first may take a minute, the second is waited for.
#[derive(Debug)]
pub struct Comparer {
    reloads: ThreadPool,
    questions: ThreadPool,
}

impl Comparer {
    /// Starts the threads.
    pub fn new() -> Result<Self, ThreadPoolBuildError> {
        Ok(Self {
            reloads: priority::pool(Rank::Compare, "compare").build()?,
            questions: priority::pool(Rank::Compare, "check").build()?,
        })
    }

    /// The findings for a set; what is the same `Arc` as in `previous` is not analysed again.
    #[must_use]
    pub fn analyse(&self, services: &Services, previous: &Analysis, deadline: &Deadline) -> Analysis {
        self.reloads.install(|| Analysis::new(services, previous, deadline))
    }

    /// Does what somebody has asked for, on the threads that are there for that.
    pub fn ask<T: Send>(&self, question: impl FnOnce(&Asked) -> T + Send) -> T {
        self.questions.install(|| question(&Asked(())))
    }

    /// Which IDs change hands from one set to another.
    #[must_use]
    pub fn difference(&self, old: &Services, new: &Services) -> Vec<Change> {
        self.reloads.install(|| difference::difference(old, new))
    }
}

/// Shows that a question is being answered on the threads for questions.
#[derive(Debug)]
pub struct Asked(());

impl Asked {
    /// The findings for a set that differs from a known one by what is asked about.
    #[must_use]
    pub fn analyse(&self, services: &Services, previous: &Analysis, deadline: &Deadline) -> Analysis {
        Analysis::new(services, previous, deadline)
    }
}
