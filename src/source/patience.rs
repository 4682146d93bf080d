//! Asking what may never answer.
//!
//! A file system can hang: a server that is gone, a disk that fails, a pipe that came into a file's place. Whoever asks it then
//! waits in the kernel, and nothing gets it out of there. So nobody whose work must go on asks by itself: questions are asked by
//! threads that can be left behind. What has not been answered in time counts as what cannot be read, and is not asked again
//! before its thread has come back; everything else goes on.
//!
//! How many threads can be left behind is bounded ([`MOST_LOST`]): beyond it nothing of the source is asked until one of them has
//! come back.
//!
//! # Cost
//!
//! A thread is started for each look at a source, and some more for the items that are to be read: some 20 µs each. What has not
//! changed is not read, so a look at a source as a rule takes one.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// So many threads of one source may wait for answers that do not come, each with a stack of its own: few beside the 512 that the
/// unit allows, and enough for a file or two that is a link to a server that is gone. Beyond that it is the source that is.
const MOST_LOST: usize = 8;

/// So many things are asked at a time: more than there are cores, since a file server is waited for and not computed.
const AT_A_TIME: usize = 4;

/// After the first thing that has not been answered in time, the others are given this part of it: they are likely to be on the
/// same server, and nobody is to wait for each of them.
const IMPATIENCE: u32 = 10;

/// Patience with one source. Whoever asks does so from one thread at a time.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    limit: Duration,
    /// What has been asked and not answered yet: beyond a call of this, what has not been answered in time.
    open: Arc<Mutex<HashSet<Question>>>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Question {
    /// Something of the source as a whole.
    Source,
    /// What an item holds.
    Item(Arc<str>),
}

/// It has not been answered in time, or was not even asked, since it was not an earlier time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not answered within {} s", .0.as_secs_f64())]
pub(super) struct Unanswered(Duration);

/// Noted as open until it is dropped.
struct Open {
    of: Patience,
    question: Question,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.of.open().remove(&self.question);
    }
}

impl Patience {
    /// Whatever is asked is given so long.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, open: Arc::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashSet<Question>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, question: Question) -> Open {
        self.open().insert(question.clone());
        Open { of: self.clone(), question }
    }

    /// Asks something of the source as a whole, and waits as long as there is progress.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce() -> T + Send + 'static,
        progress: impl Fn() -> u64,
    ) -> Result<T, Unanswered> {
        let late = Unanswered(self.limit);
        {
            let open = self.open();
            if open.contains(&Question::Source) || open.len() >= MOST_LOST {
                return Err(late);
            }
        }
        let (answer, answers) = channel();
        let noted = self.note(Question::Source);
        let asked = move || {
            let answered = catch_unwind(AssertUnwindSafe(ask));
            // First, so that it is not open any more when it is known.
            drop(noted);
            // Nobody may be waiting any more.
            let _ = answer.send(answered);
        };
        let mut so_far = progress();
        if !spawn(asked) {
            return Err(late);
        }
        loop {
            match answers.recv_timeout(self.limit) {
                Ok(answered) => return Ok(said(answered)),
                Err(RecvTimeoutError::Timeout) if progress() != so_far => so_far = progress(),
                Err(_) => return Err(late),
            }
        }
    }

    /// Asks about each of these items, several at a time: by its position. The answers are in the same order.
    pub(super) fn ask_each<T: Send + 'static>(
        &self,
        items: Arc<[Arc<str>]>,
        ask: impl Fn(usize) -> T + Send + Sync + 'static,
    ) -> Vec<Result<T, Unanswered>> {
        let late = Unanswered(self.limit);
        let mut answered: Vec<Result<T, Unanswered>> = items.iter().map(|_| Err(late)).collect();
        let stuck: HashSet<Question> = self.open().clone();
        let asked: Vec<usize> =
            (0..items.len()).filter(|&at| !stuck.contains(&Question::Item(Arc::clone(&items[at])))).collect();
        if stuck.len() >= MOST_LOST || asked.is_empty() {
            return answered;
        }
        let (answer, answers) = channel();
        let mut left = asked.len();
        let mut workers = left.min(AT_A_TIME);
        let round = Arc::new(Round { items, asked, next: AtomicUsize::new(0), doing: Mutex::default(), ask });
        let start = || spawn(worker(self.clone(), Arc::clone(&round), answer.clone()));
        workers = (0..workers).filter(|_| start()).count();
        let mut limit = self.limit;
        while left > 0 && workers > 0 {
            match answers.recv_timeout(round.earliest(limit).saturating_duration_since(Instant::now())) {
                Ok((at, answer)) => {
                    answered[at] = Ok(said(answer));
                    left -= 1;
                }
                Err(_) => {
                    let given_up = round.give_up(limit);
                    if given_up == 0 {
                        continue;
                    }
                    limit = self.limit / IMPATIENCE;
                    left -= given_up;
                    workers -= given_up;
                    let more = given_up.min(MOST_LOST.saturating_sub(self.open().len()));
                    workers += (0..more).filter(|_| start()).count();
                }
            }
        }
        answered
    }
}

/// Questions about items that are asked together.
struct Round<F> {
    items: Arc<[Arc<str>]>,
    /// Which of them.
    asked: Vec<usize>,
    /// The next of those.
    next: AtomicUsize,
    /// Which are being asked, and since when.
    doing: Mutex<HashMap<usize, Instant>>,
    ask: F,
}

impl<F> Round<F> {
    fn doing(&self) -> MutexGuard<'_, HashMap<usize, Instant>> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the first of those that are being asked has had its time.
    fn earliest(&self, limit: Duration) -> Instant {
        self.doing().values().min().map_or_else(Instant::now, |since| *since) + limit
    }

    /// Waits no longer for those that have had their time; how many that are.
    fn give_up(&self, limit: Duration) -> usize {
        let now = Instant::now();
        self.doing().extract_if(|_, since| now.duration_since(*since) >= limit).count()
    }
}

/// Asks one after the other, until there is none left, or nobody has waited for the last one.
fn worker<T: Send + 'static>(
    patience: Patience,
    round: Arc<Round<impl Fn(usize) -> T + Send + Sync + 'static>>,
    answer: Sender<(usize, thread::Result<T>)>,
) -> impl FnOnce() + Send + 'static {
    move || {
        while let Some(&at) = round.asked.get(round.next.fetch_add(1, Ordering::Relaxed)) {
            let noted = patience.note(Question::Item(Arc::clone(&round.items[at])));
            round.doing().insert(at, Instant::now());
            let answered = catch_unwind(AssertUnwindSafe(|| (round.ask)(at)));
            drop(noted);
            let waited_for = round.doing().remove(&at).is_some();
            if !waited_for || answer.send((at, answered)).is_err() {
                return;
            }
        }
    }
}

/// What was answered. Who panics does so for whoever asked.
fn said<T>(answered: thread::Result<T>) -> T {
    answered.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Whether the thread has been started: not where there are too many. Then nothing is answered, and asked again another time.
fn spawn(work: impl FnOnce() + Send + 'static) -> bool {
    thread::Builder::new().name("source".to_owned()).spawn(work).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(100);
    /// Longer than any test takes.
    const LONG: Duration = Duration::from_secs(60);

    fn names(count: usize) -> Arc<[Arc<str>]> {
        (0..count).map(|at| at.to_string().into()).collect()
    }

    /// What hangs until it is let go.
    #[derive(Clone, Default)]
    struct Gate(Arc<(Mutex<bool>, std::sync::Condvar)>);

    impl Gate {
        fn wait(&self) {
            let open = self.0.0.lock().expect("no panic");
            drop(self.0.1.wait_while(open, |open| !*open).expect("no panic"));
        }

        fn open(&self) {
            *self.0.0.lock().expect("no panic") = true;
            self.0.1.notify_all();
        }
    }

    fn becomes_free(patience: &Patience) {
        while !patience.open().is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn who_answers_is_heard() {
        let patience = Patience::new(LONG);
        assert_eq!(patience.ask(|| 7, || 0), Ok(7));
        let all = patience.ask_each(names(1_000), |at| at * 2);
        assert!(all.into_iter().eq((0..1_000).map(|at| Ok(at * 2))));
        assert_eq!(patience.ask_each(names(0), |at| at), []);
    }

    #[test]
    fn a_source_that_hangs_is_not_asked_again_before_it_has_answered() {
        let patience = Patience::new(LIMIT);
        let gate = Gate::default();
        let hangs = gate.clone();
        assert_eq!(patience.ask(move || hangs.wait(), || 0), Err(Unanswered(LIMIT)));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        assert_eq!(patience.ask(move || count.fetch_add(1, Ordering::Relaxed), || 0), Err(Unanswered(LIMIT)));
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        gate.open();
        becomes_free(&patience);
        assert_eq!(patience.ask(|| 7, || 0), Ok(7));
    }

    #[test]
    fn what_takes_long_and_goes_on_does_not_hang() {
        let patience = Patience::new(LIMIT);
        let done = Arc::new(AtomicUsize::new(0));
        let doing = Arc::clone(&done);
        let works = move || {
            while doing.fetch_add(1, Ordering::Relaxed) < 50 {
                thread::sleep(LIMIT / 10);
            }
        };
        assert_eq!(patience.ask(works, || done.load(Ordering::Relaxed) as u64), Ok(()));
    }

    #[test]
    fn an_item_that_hangs_holds_up_no_other() {
        let patience = Patience::new(LIMIT);
        let gate = Gate::default();
        // On a busy machine others may be late, too, now and then; they come back.
        let is_as_expected = |_| {
            let hangs = gate.clone();
            let all = patience.ask_each(names(100), move |at| {
                if at % 50 == 7 {
                    hangs.wait();
                }
            });
            let late: Vec<usize> = (0..100).filter(|&at| all[at].is_err()).collect();
            assert!(late.contains(&7) && late.contains(&57), "{late:?}");
            while patience.open().len() > 2 {
                thread::sleep(Duration::from_millis(1));
            }
            late.len() == 2
        };
        assert!((0..100).filter(|round| is_as_expected(*round)).nth(1).is_some(), "no thread is lost the second time");
        gate.open();
        becomes_free(&patience);
        assert!((0..100).any(|_| patience.ask_each(names(100), |_| ()).iter().all(Result::is_ok)));
    }

    #[test]
    fn no_more_threads_are_lost_than_may_be() {
        let patience = Patience::new(LIMIT);
        let gate = Gate::default();
        for _ in 0..3 {
            let hangs = gate.clone();
            assert!(patience.ask_each(names(100), move |_| hangs.wait()).iter().all(Result::is_err));
            assert!(patience.open().len() < MOST_LOST + AT_A_TIME);
        }
        assert!(patience.ask(|| 7, || 0).is_err(), "the source as a whole is given up");
        gate.open();
        becomes_free(&patience);
        assert_eq!(patience.ask(|| 7, || 0), Ok(7));
    }
}
