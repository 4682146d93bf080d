use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Until when somebody waits for what is being computed: a time, or until they go away.
///
/// Whoever computes asks [`Deadline::is_over`] often, and what is not decided then is said to be undecided.
#[derive(Clone, Debug, Default)]
pub struct Deadline {
    end: Option<Instant>,
    left: Arc<AtomicBool>,
}

impl Deadline {
    /// Somebody waits for as long as it takes.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Somebody waits for so long from now on.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self { end: Instant::now().checked_add(time), ..Self::default() }
    }

    /// Until one part in so many of what time is left has passed; who goes away is gone for each.
    #[must_use]
    pub fn part(&self, parts: u32) -> Self {
        let now = Instant::now();
        let end = self.end.map(|end| now + end.saturating_duration_since(now) / parts.max(1));
        Self { end, left: Arc::clone(&self.left) }
    }

    /// Something that ends the waiting when it is dropped, as the future of an answer is when its client has gone.
    #[must_use]
    pub fn waiter(&self) -> Waiter {
        Waiter(Arc::clone(&self.left))
    }

    /// Whether nobody waits any longer. Looks at the clock.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left.load(Ordering::Relaxed) || self.end.is_some_and(|end| Instant::now() >= end)
    }
}

/// Waits for what is being computed, until it is dropped.
#[derive(Debug)]
pub struct Waiter(Arc<AtomicBool>);

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
