//! Which threads stand back behind which, where there are not enough cores for all.
//!
//! Those that answer go first, then those that load (names are not guarded before that is done), then what of an answer takes
//! longer than a moment, then those that compare.

use rayon::ThreadPoolBuilder;
use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// How much a thread stands back behind those that answer, in steps of `nice`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rank {
    /// Loading: names are not guarded before it is done.
    Load = 10,
    /// Answering at length: whoever asks ten thousand things waits longer than who asks one.
    AnswerAtLength = 11,
    /// Answering what patterns make hard: who asks for little else must not have to wait for it.
    AnswerHard = 15,
    /// Comparing: it can wait.
    Compare = 19,
}

/// Lets threads of a higher rank go before this one.
pub(crate) fn stand_back(rank: Rank) {
    // Where that is not allowed, all are equal.
    let _ = setpriority_process(Some(gettid()), rank as i32);
}

/// A pool of threads of one rank, named so that they can be told apart.
pub(crate) fn pool(rank: Rank, name: &'static str) -> ThreadPoolBuilder {
    ThreadPoolBuilder::new().start_handler(move |_| stand_back(rank)).thread_name(move |at| format!("{name}-{at}"))
}

/// Lets the threads that rayon scans and builds with stand back too. To be called once, before any work is given out.
pub fn stand_back_all() {
    // Somebody else may have set the pool up already, as tests do.
    let _ = pool(Rank::Load, "build").build_global();
}
