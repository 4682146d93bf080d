use super::{backtrack, backward};

/// An attempt gets so many steps even when what all have in common is used up: enough for what does not explode.
const LEAST: u32 = 500;

/// What matching writes to besides its answer: memory that is used again, and a count of the steps that are left.
///
/// One for each thread or request is right; it may be used with any number of patterns.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The text that was asked about last, and its characters.
    source: String,
    pub(super) text: Vec<char>,
    pub(super) backtrack: backtrack::Memory,
    pub(super) backward: backward::Memory,
    steps_left: Option<u64>,
}

impl Scratch {
    /// One under which each attempt has its own limit, and no other.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the steps of all attempts from now on together, or no longer does so: who asks about thousands of texts must not
    /// keep a thread for longer than others can wait.
    ///
    /// When they are used up, attempts that need more than a few end with [`Outcome::StepLimit`](crate::Outcome).
    pub const fn limit_steps(&mut self, steps: Option<u64>) {
        self.steps_left = steps;
    }

    /// Takes a text apart; the same as before is not taken apart again.
    pub(super) fn read(&mut self, text: &str) {
        if self.source != text {
            text.clone_into(&mut self.source);
            self.text.clear();
            self.text.extend(text.chars());
        }
    }

    /// The steps that all attempts may still take together, where they are limited.
    #[must_use]
    pub const fn steps_left(&self) -> Option<u64> {
        self.steps_left
    }

    /// How many steps an attempt may take that may take `most` by itself.
    pub(super) fn allowance(&self, most: u32) -> u32 {
        let left = self.steps_left.map_or(most, |left| u32::try_from(left).unwrap_or(most));
        left.clamp(LEAST.min(most), most)
    }

    /// An attempt has taken so many steps.
    pub(super) fn spend(&mut self, steps: u32) {
        self.steps_left = self.steps_left.map(|left| left.saturating_sub(steps.into()));
    }
}
