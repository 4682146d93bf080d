//! What takes longer than a moment, off the threads that answer.
//!
//! A thread that answers turns from client to client, and whatever it does at a stretch all others wait for. A hundred
//! microseconds nobody notices; ten thousand IDs are ten milliseconds, two megabytes of JSON are five, and a pattern that
//! refers to its groups may be at one ID for a tenth of a second. Each of these is begun where it was asked, since most
//! are over in a moment, and what is not is finished here, on threads that stand back behind those that answer. So the
//! operating system sees to it that whoever asks little is answered first, on one core as on many.
//!
//! There are three kinds of such work, each with threads of its own, so that the many never wait behind the few:
//!
//! | | one piece of work | how long |
//! |---|---|---|
//! | *long* | a piece of a long answer, a long body | a millisecond or so |
//! | *hard* | one question that patterns make long | below half a second as a rule; eight seconds where ten groups are remembered at every step (0.8 µs each), which their number bounds |
//! | *walk* | all files, read again for other homeservers | six seconds of one core |
//!
//! Pieces of work are done in the order in which they come, and whoever wants the next piece of a long answer comes again:
//! so all long answers get on alike, however many a client asks for.

use rayon::{ThreadPool, ThreadPoolBuildError};
use tokio::sync::oneshot;

use crate::priority::{self, Rank};

/// So many threads do hard work, whatever the machine: each may take eight megabytes to remember what has failed.
const HARD_AT_A_TIME: usize = 2;

/// The threads for what takes longer than a moment.
#[derive(Debug)]
pub struct Aside {
    long: ThreadPool,
    hard: ThreadPool,
    walk: ThreadPool,
}

/// The work was not done, since it panicked or the service is shutting down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotDone;

impl Aside {
    /// Starts the threads.
    pub fn start() -> Result<Self, ThreadPoolBuildError> {
        // Whoever waits for what has panicked is told so; the panic itself has been reported.
        let quiet = |_| {};
        Ok(Self {
            long: priority::pool(Rank::AnswerAtLength, "long").panic_handler(quiet).build()?,
            hard: priority::pool(Rank::AnswerHard, "hard").panic_handler(quiet).num_threads(HARD_AT_A_TIME).build()?,
            walk: priority::pool(Rank::Compare, "walk").panic_handler(quiet).num_threads(1).build()?,
        })
    }

    /// Does a piece of long work.
    pub(super) async fn long<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        done(&self.long, work).await
    }

    /// Reads all files again. It has one core, so that whoever asks for that takes no other.
    pub(super) async fn walk<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        done(&self.walk, work).await
    }

    /// Does hard work.
    pub(super) async fn hard<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        done(&self.hard, work).await
    }
}

async fn done<T: Send + 'static>(pool: &ThreadPool, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
    let (sender, receiver) = oneshot::channel();
    pool.spawn_fifo(move || {
        // Whoever waited may have gone.
        if !sender.is_closed() {
            let _ = sender.send(work());
        }
    });
    receiver.await.map_err(|_| NotDone)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[actix_web::test]
    async fn what_is_done_aside_comes_back_and_a_panic_is_told() {
        let aside = Aside::start().expect("threads");
        assert_eq!(aside.long(|| 1).await, Ok(1));
        assert_eq!(aside.hard(|| -> u8 { panic!("this is part of the test") }).await, Err(NotDone));
        assert_eq!(aside.hard(|| 2).await, Ok(2));
    }

    #[actix_web::test]
    async fn long_work_does_not_wait_behind_hard_work() {
        let aside = Aside::start().expect("threads");
        let (release, wait) = mpsc::channel::<()>();
        let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
        let mut hard = Vec::new();
        for _ in 0..3 * HARD_AT_A_TIME {
            let wait = std::sync::Arc::clone(&wait);
            let held = aside.hard(move || wait.lock().is_ok_and(|wait| wait.recv().is_ok()));
            hard.push(Box::pin(held));
        }
        for held in &mut hard {
            assert!(futures_poll(held.as_mut()).is_none(), "it is held");
        }
        assert_eq!(aside.long(|| 3).await, Ok(3));
        for _ in &hard {
            release.send(()).expect("somebody waits");
        }
        for held in hard {
            assert_eq!(held.await, Ok(true));
        }
    }

    /// Polls once.
    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
