use std::cell::Cell;

/// An attempt gets so many steps even when the budget is used up: enough for what does not explode.
const LEAST: u32 = 500;

thread_local! {
    /// The steps that are left for this thread's attempts; `None`: each has its own limit and no more.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Limits the steps of all backtracking on this thread together, for as long as it lives: one request about thousands of
/// IDs must not keep a thread for longer than others can wait.
///
/// When it is used up, attempts that need more than a few steps end as if they had reached their limit, that is, the ID
/// counts as claimed.
#[derive(Debug)]
#[must_use]
pub struct StepBudget(());

impl StepBudget {
    /// Begins to count.
    pub fn of(steps: u64) -> Self {
        LEFT.set(Some(steps));
        Self(())
    }
}

impl Drop for StepBudget {
    fn drop(&mut self) {
        LEFT.set(None);
    }
}

/// How many steps an attempt may take that may take `most` by itself.
pub(super) fn allowance(most: u32) -> u32 {
    LEFT.get().map_or(most, |left| u32::try_from(left).unwrap_or(most).clamp(LEAST.min(most), most))
}

/// An attempt has taken so many steps.
pub(super) fn spend(steps: u32) {
    LEFT.set(LEFT.get().map(|left| left.saturating_sub(steps.into())));
}
