//! Which threads stand back behind which, where there are not enough cores for all.
//!
//! Those that answer go first, then those that load (names are not guarded before that is done), then what of an answer takes
//! longer than a moment, then those that compare.
//!
//! The distance matters, too: Linux lets a thread that runs finish the better part of its slice of three milliseconds before
//! one that wakes takes its place, unless the one that runs stands far back. With checks and long batches on two cores, the
//! 99th of 100 small questions took 3.0 ms where long answers stood back by 11, and 0.5 ms by 19 (Linux 6.18).

use rayon::ThreadPoolBuilder;
use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// How much a thread stands back behind those that answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rank {
    /// Loading: names are not guarded before it is done.
    Load,
    /// Answering at length: whoever asks ten thousand things waits longer than who asks one.
    AnswerAtLength,
    /// Answering what patterns make hard: who asks for little else must not have to wait for it.
    AnswerHard,
    /// Comparing: it can wait.
    Compare,
}

impl Rank {
    /// In steps of `nice`, of which there are 19.
    const fn nice(self) -> i32 {
        match self {
            Self::Load => 10,
            Self::AnswerAtLength => 18,
            Self::AnswerHard | Self::Compare => 19,
        }
    }
}

/// Lets threads of a higher rank go before this one.
pub(crate) fn stand_back(rank: Rank) {
    // Where that is not allowed, all are equal.
    let _ = setpriority_process(Some(gettid()), rank.nice());
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
