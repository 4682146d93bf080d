//! What runs a pattern on a text.

mod anchor;
mod backtrack;
mod backward;
mod matcher;
mod program;
mod scratch;
mod unit;

pub use backtrack::Backtracker;
pub use backward::Backward;
pub use matcher::{Matcher, Outcome};
pub use scratch::Scratch;

/// The step limit has been reached.
#[derive(Clone, Copy, Debug)]
struct OutOfSteps;
