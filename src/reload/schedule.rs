use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::Trigger;

/// When to look next. Knows no clock: it is told the time.
#[derive(Debug)]
pub(crate) struct Schedule {
    quiet: Duration,
    max_wait: Duration,
    poll: Duration,
    /// The first and the last hint since the last reload.
    hints: Option<(Instant, Instant)>,
    next_poll: Instant,
    /// When something is over that was to last for a certain time.
    ends: Option<Instant>,
}

impl Schedule {
    pub(crate) fn new(quiet: Duration, max_wait: Duration, poll: Duration, now: Instant) -> Self {
        Self { quiet, max_wait, poll, hints: None, next_poll: now + jittered(poll), ends: None }
    }

    /// Something may have changed.
    pub(crate) fn hint(&mut self, now: Instant) {
        let first = self.hints.map_or(now, |(first, _)| first);
        self.hints = Some((first, now));
    }

    /// Changes how often to look without a hint; the next time is not later than that from now.
    pub(crate) fn poll_every(&mut self, poll: Duration, now: Instant) {
        if self.poll != poll {
            self.poll = poll;
            self.next_poll = self.next_poll.min(now + jittered(poll));
        }
    }

    /// At this time something is over, and a look is due whatever else is.
    pub(crate) fn ends_at(&mut self, ends: Option<Instant>) {
        self.ends = ends;
    }

    /// A reload that began now has made all that was due undue.
    pub(crate) fn reloaded(&mut self, now: Instant) {
        self.hints = None;
        self.ends = None;
        self.next_poll = now + jittered(self.poll);
    }

    /// What is due now.
    pub(crate) fn due(&self, now: Instant) -> Option<Trigger> {
        if self.settled().is_some_and(|at| at <= now) {
            Some(Trigger::Event)
        } else if self.polls_at() <= now {
            Some(Trigger::Poll)
        } else {
            None
        }
    }

    /// When something will be due.
    pub(crate) fn wake(&self) -> Instant {
        self.settled().map_or(self.polls_at(), |at| at.min(self.polls_at()))
    }

    fn polls_at(&self) -> Instant {
        self.ends.map_or(self.next_poll, |ends| ends.min(self.next_poll))
    }

    /// When the hints have been quiet for long enough, or have not been for too long.
    fn settled(&self) -> Option<Instant> {
        self.hints.map(|(first, last)| (last + self.quiet).min(first + self.max_wait))
    }
}

/// Give or take a tenth, so that replicas do not ask a file server all at once.
fn jittered(time: Duration) -> Duration {
    let random = u32::try_from(RandomState::new().hash_one(0_u8) % 200).unwrap_or(100);
    time * (900 + random) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(100);
    const MAX_WAIT: Duration = Duration::from_millis(500);
    const POLL: Duration = Duration::from_secs(30);

    fn schedule(now: Instant) -> Schedule {
        Schedule::new(QUIET, MAX_WAIT, POLL, now)
    }

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_hint_is_due_when_it_has_been_quiet() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        schedule.hint(now);
        schedule.hint(now + millis(60));
        assert_eq!(schedule.due(now + millis(159)), None);
        assert_eq!(schedule.wake(), now + millis(160));
        assert_eq!(schedule.due(now + millis(160)), Some(Trigger::Event));
        schedule.reloaded(now + millis(160));
        assert_eq!(schedule.due(now + millis(1_000)), None);
    }

    #[test]
    fn hints_that_do_not_cease_are_due_all_the_same() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        for at in (0..500).step_by(50) {
            schedule.hint(now + millis(at));
            assert_eq!(schedule.due(now + millis(at)), None, "{at}");
        }
        assert_eq!(schedule.due(now + MAX_WAIT), Some(Trigger::Event));
    }

    #[test]
    fn without_hints_it_is_polled_give_or_take_a_tenth() {
        let now = Instant::now();
        for _ in 0..100 {
            let mut schedule = schedule(now);
            assert_eq!(schedule.due(now + millis(26_999)), None);
            assert_eq!(schedule.due(now + POLL * 11 / 10), Some(Trigger::Poll));
            // More often from now on: not later than that, and not before.
            schedule.poll_every(Duration::from_secs(1), now);
            assert_eq!(schedule.due(now + millis(899)), None);
            assert_eq!(schedule.due(now + millis(1_100)), Some(Trigger::Poll));
        }
    }

    #[test]
    fn what_ends_is_looked_at_then() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        schedule.ends_at(Some(now + Duration::from_secs(2)));
        assert_eq!(schedule.wake(), now + Duration::from_secs(2));
        assert_eq!(schedule.due(now + Duration::from_secs(2)), Some(Trigger::Poll));
        // A hint comes first, and a look forgets what was to end: whoever looks says it anew.
        schedule.hint(now);
        assert_eq!(schedule.due(now + QUIET), Some(Trigger::Event));
        schedule.reloaded(now + QUIET);
        assert_eq!(schedule.due(now + Duration::from_secs(2)), None);
    }
}
