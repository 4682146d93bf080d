//! The memory that questions work in: one for each thread that answers, since it answers one question at a time.

use std::cell::RefCell;

use crate::index::Scratch;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// The steps that regexes with back-references may take for one question: five of those that explode, about half a second.
/// Beyond it, IDs count as claimed.
const STEPS: u64 = 10_000_000;

/// Asks with this thread's scratch memory.
pub(super) fn with<R>(ask: impl FnOnce(&mut Scratch) -> R) -> R {
    limited(STEPS, ask)
}

/// The same, where all questions together may take so many steps; those that are left afterwards are counted.
pub(super) fn with_steps<R>(steps: &mut u64, ask: impl FnOnce(&mut Scratch) -> R) -> R {
    limited(*steps, |scratch| {
        let answer = ask(scratch);
        *steps = scratch.steps_left().unwrap_or(*steps);
        answer
    })
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
