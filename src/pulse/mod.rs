//! Signs of life: whether the threads that matter are alive and get on with what they do.
//!
//! A service whose answers are right but old looks well from outside. So each thread that matters has a [`Pulse`]: it
//! says by when its next sign is to be expected, before it waits and before it works, and that it has [finished] something.
//! One that has ended unasked is *dead*, one that is overdue is *late*, and one whose last work failed has *failed*; who
//! asks for health, the metrics and the systemd watchdog all ask the same pulses. That a thread is dead ends the process:
//! it cannot be mended, and whoever started the service is to start it anew.
//!
//! [finished]: Pulse::finished

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The signs of life of one thread.
#[derive(Debug)]
pub struct Pulse {
    thread: &'static str,
    began: Instant,
    /// When the next sign is due, in milliseconds since the beginning.
    due: AtomicU64,
    failed: AtomicBool,
    dead: AtomicBool,
}

const NEVER: u64 = u64::MAX;

/// What is wrong with a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ailment {
    /// The thread.
    pub thread: &'static str,
    /// What it is.
    pub kind: AilmentKind,
}

/// What can be wrong with a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AilmentKind {
    /// It has ended, and nobody has told it to.
    Dead,
    /// It has given no sign for longer than it said.
    Late,
    /// What it did last has failed.
    Failed,
}

impl AilmentKind {
    /// Whether a new start is the way out. What has failed once may succeed next time, and what fails each time does so
    /// after a new start, too: answers are right meanwhile, and a service that is started again and again gives none.
    #[must_use]
    pub const fn wants_a_new_start(self) -> bool {
        match self {
            Self::Dead | Self::Late => true,
            Self::Failed => false,
        }
    }

    /// The ailment as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Late => "late",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { thread, kind } = self;
        match kind {
            AilmentKind::Dead => write!(f, "the thread `{thread}` has ended, which is a defect of bailiwick"),
            AilmentKind::Late => write!(f, "the thread `{thread}` hangs: it has given no sign of life in time"),
            AilmentKind::Failed => {
                write!(f, "what the thread `{thread}` did last has failed, which is a defect of bailiwick")
            }
        }
    }
}

impl Pulse {
    /// The pulse of a thread that is about to begin.
    #[must_use]
    pub fn new(thread: &'static str) -> Arc<Self> {
        Arc::new(Self {
            thread,
            began: Instant::now(),
            due: AtomicU64::new(NEVER),
            failed: AtomicBool::new(false),
            dead: AtomicBool::new(false),
        })
    }

    /// The name of the thread.
    #[must_use]
    pub const fn thread(&self) -> &'static str {
        self.thread
    }

    /// To be held by the thread as long as it lives.
    #[must_use]
    pub fn life(self: &Arc<Self>) -> Life {
        Life { pulse: Arc::clone(self), may_end: false }
    }

    /// The next sign will come within this time.
    pub fn expects(&self, within: Duration) {
        self.due.store(self.at(Instant::now() + within), Ordering::Relaxed);
    }

    /// Something is finished, and has not failed.
    pub fn finished(&self) {
        self.failed.store(false, Ordering::Relaxed);
    }

    /// Something has failed.
    pub fn failed(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// What is wrong with it.
    #[must_use]
    pub fn ailment(&self) -> Option<Ailment> {
        let kind = if self.dead.load(Ordering::Relaxed) {
            AilmentKind::Dead
        } else if self.at(Instant::now()) > self.due.load(Ordering::Relaxed) {
            AilmentKind::Late
        } else if self.failed.load(Ordering::Relaxed) {
            AilmentKind::Failed
        } else {
            return None;
        };
        Some(Ailment { thread: self.thread, kind })
    }

    fn at(&self, time: Instant) -> u64 {
        u64::try_from(time.saturating_duration_since(self.began).as_millis()).unwrap_or(NEVER - 1)
    }
}

/// Held by a thread: when it is dropped and the thread was not told to end, the thread is dead.
#[derive(Debug)]
pub struct Life {
    pulse: Arc<Pulse>,
    may_end: bool,
}

impl Life {
    /// The thread ends because it was told to.
    pub fn end(mut self) {
        self.may_end = true;
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if self.may_end {
            self.pulse.due.store(NEVER, Ordering::Relaxed);
        } else {
            self.pulse.dead.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(pulse: &Pulse) -> Option<AilmentKind> {
        pulse.ailment().map(|ailment| ailment.kind)
    }

    #[test]
    fn who_is_overdue_is_late_until_the_next_sign() {
        let pulse = Pulse::new("worker");
        assert_eq!(kind(&pulse), None, "nothing was promised");
        pulse.expects(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(kind(&pulse), Some(AilmentKind::Late));
        pulse.expects(Duration::from_secs(3_600));
        assert_eq!(kind(&pulse), None);
    }

    #[test]
    fn who_has_failed_is_well_after_something_is_finished() {
        let pulse = Pulse::new("worker");
        pulse.failed();
        assert_eq!(kind(&pulse), Some(AilmentKind::Failed));
        pulse.finished();
        assert_eq!(kind(&pulse), None);
    }

    #[test]
    fn who_ends_unasked_is_dead() {
        let pulse = Pulse::new("worker");
        pulse.life().end();
        assert_eq!(kind(&pulse), None);
        let life = pulse.life();
        let thread = std::thread::spawn(move || {
            let _life = life;
            panic!("this is part of the test");
        });
        assert!(thread.join().is_err());
        assert_eq!(kind(&pulse), Some(AilmentKind::Dead));
    }
}
