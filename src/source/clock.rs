use std::fmt;
use std::time::{Duration, Instant, SystemTime};

/// The time, passed in so that tests need no sleeping.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Time that never jumps; all waiting is measured by it.
    fn now(&self) -> Instant;

    /// The time of day, to compare with that of files. May jump.
    fn wall(&self) -> SystemTime;

    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The time of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
