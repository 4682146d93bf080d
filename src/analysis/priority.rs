//! How far threads that load and compare stand back behind those that answer.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// How much threads stand back behind those that answer, in steps of `nice`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rank {
    /// Loading: names are not guarded before it is done.
    Load = 10,
    /// Comparing: it can wait.
    Compare = 19,
}

/// Lets those that answer go first where there are not enough cores for all.
pub(crate) fn stand_back(rank: Rank) {
    // Where that is not allowed, all are equal.
    let _ = setpriority_process(Some(gettid()), rank as i32);
}

fn builder(rank: Rank, name: &'static str) -> ThreadPoolBuilder {
    ThreadPoolBuilder::new().start_handler(move |_| stand_back(rank)).thread_name(move |at| format!("{name}-{at}"))
}

/// Lets the threads that rayon scans and builds with stand back too. To be called once, before any work is given out.
pub fn stand_back_all() {
    // Somebody else may have set the pool up already, as tests do.
    let _ = builder(Rank::Load, "build").build_global();
}

/// Threads of their own for comparing, so that it holds up neither those that answer nor those that load.
pub(crate) fn comparing_pool() -> Result<ThreadPool, ThreadPoolBuildError> {
    builder(Rank::Compare, "compare").build()
}
