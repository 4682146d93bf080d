//! The memory that questions work in: one for each thread that answers, since it answers one question at a time.

use std::cell::RefCell;

use crate::index::Scratch;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// The steps that regexes with back-references may take for one question where others wait: a fifth of a millisecond.
/// Whoever needs more is asked again where it may take longer.
const A_MOMENT: u64 = 5_000;

/// The steps that they may take for one question at most: five of those that explode. As a rule that is half a second, of a
/// thread that nothing else waits for. Beyond it, IDs count as claimed.
const STEPS: u64 = 10_000_000;

/// Asks with this thread's scratch memory what can be told in a moment; `None` if it cannot.
pub(super) fn in_a_moment<R>(ask: impl FnOnce(&mut Scratch) -> R) -> Option<R> {
    limited(A_MOMENT, |scratch| {
        let answer = ask(scratch);
        (scratch.steps_left() != Some(0)).then_some(answer)
    })
}

/// Asks with this thread's scratch memory, for as long as a question may take.
pub(super) fn patiently<R>(ask: impl FnOnce(&mut Scratch) -> R) -> R {
    limited(STEPS, ask)
}

fn limited<R>(steps: u64, ask: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => {
            scratch.limit_steps(Some(steps));
            ask(&mut scratch)
        }
        // A question within a question has its own.
        Err(_) => {
            let mut scratch = Scratch::new();
            scratch.limit_steps(Some(steps));
            ask(&mut scratch)
        }
    })
}
