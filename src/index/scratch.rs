use super::Hit;
use super::lazy::LazyStates;

/// The memory that a question works in, kept from one to the next so that a question allocates nothing. One for each
/// thread that asks; none of it outlives its question in meaning.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) hits: Vec<Hit>,
    pub(super) engines: Engines,
}

/// What the engines work in.
#[derive(Debug, Default)]
pub(super) struct Engines {
    /// The text at hand without regard to case, where that does not matter.
    pub(super) folded: python_re::Folded,
    /// The literals that the text at hand has been seen to contain.
    pub(super) seen: Vec<aho_corasick::PatternID>,
    /// What lazy automata have found out so far.
    pub(super) lazy: LazyStates,
    pub(super) checks: CheckScratch,
}

/// What a check works in.
#[derive(Debug, Default)]
pub(super) struct CheckScratch {
    /// What matchers of whole patterns work in, with the steps that they may still take.
    pub(super) matching: python_re::Scratch,
}

impl Scratch {
    /// Fresh memory; it grows as questions need it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the steps that all matching from now on may take together, or no longer does so. Beyond it, IDs count as
    /// claimed by what would need more.
    pub fn limit_steps(&mut self, steps: Option<u64>) {
        self.engines.checks.matching.limit_steps(steps);
    }

    /// The steps that all matching may still take together, where they are limited.
    #[must_use]
    pub fn steps_left(&self) -> Option<u64> {
        self.engines.checks.matching.steps_left()
    }
}
