//! From the regex of a namespace to something that can be matched and reasoned about.
//!
//! (skeleton: to be replaced by the real parser of Python's syntax)

use std::sync::Arc;

use regex_syntax::hir::Hir;

/// A compiled namespace regex.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Arc<str>,
    form: Form,
}

/// How a pattern can be matched.
#[derive(Clone, Debug)]
pub enum Form {
    /// A regular language. An ID is claimed if and only if a search for this expression, anchored at the start of
    /// the ID (and not at its end), finds a match. Look-around in it is limited to start, end, their line variants
    /// and ASCII word boundaries, so that every engine of regex-automata takes it.
    Regular(Hir),
    /// Not expressible that way: back-references, look-around, atomic groups.
    Backtracking(Arc<Backtracker>),
}

/// What a match attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The ID is claimed.
    Match,
    /// The ID is not claimed.
    NoMatch,
    /// The step limit ran out: to be treated as claimed (fail closed), and to be said.
    StepLimit,
}

/// Matches by backtracking over the syntax tree, with a step limit.
#[derive(Debug)]
pub struct Backtracker {}

impl Backtracker {
    /// Tries the pattern at the start of `text`, as `re.match` does.
    #[must_use]
    pub fn run(&self, _text: &str) -> Outcome {
        Outcome::NoMatch
    }
}

/// Why Python's `re.compile` would refuse a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at position {position}")]
pub struct PatternError {
    /// Python's message, without the position.
    pub message: String,
    /// Where, in characters from the start of the pattern.
    pub position: usize,
}

impl Pattern {
    /// Parses a pattern as `re.compile` of CPython 3.11 does.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        let hir =
            regex_syntax::parse(source).map_err(|error| PatternError { message: error.to_string(), position: 0 })?;
        Ok(Self { source: source.into(), form: Form::Regular(hir) })
    }

    /// The regex as it stands in the registration.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How it can be matched.
    #[must_use]
    pub const fn form(&self) -> &Form {
        &self.form
    }
}
