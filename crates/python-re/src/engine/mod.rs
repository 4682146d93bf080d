//! What runs a pattern on a text.

mod backtrack;
mod matcher;
mod program;
mod scratch;

pub use backtrack::Backtracker;
pub use matcher::{Matcher, Outcome};
pub use scratch::Scratch;
