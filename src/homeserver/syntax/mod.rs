//! How the regex of an entry is read, and where in an ID it may match.

mod bounds;
mod go;
mod rust;
#[cfg(test)]
mod tests;
mod tree;
mod work;

use std::fmt;

use python_re::{Pattern, PatternError};

use crate::matrix::{Kind, PerKind};

/// What a homeserver takes a regex for: whose syntax it is, where it is looked for, and whether capitals matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// Whose syntax it is.
    pub engine: Engine,
    /// Where in an ID it is looked for.
    pub anchor: Anchor,
    /// For which kinds capitals and small letters are one.
    pub fold: PerKind<bool>,
}

/// A library of regular expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// CPython's `re`, on `str`.
    Python,
    /// Go's `regexp`, with the syntax of RE2 and Go's own tables.
    GoRe2,
    /// Rust's `regex`.
    Rust(RustRelease),
}

/// A release of Rust's `regex` that some homeserver is locked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RustRelease {
    /// 1.11.1, with regex-syntax 0.8.5.
    V1_11,
    /// 1.13.1, with regex-syntax 0.8.11.
    V1_13,
}

/// Where in an ID a regex is looked for. It never has to reach to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At the start of the ID.
    Start,
    /// Anywhere in it.
    Anywhere,
}

/// Why an engine refuses a regex, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexError {
    message: String,
}

impl RegexError {
    /// What the engine says.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl From<PatternError> for RegexError {
    fn from(error: PatternError) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RegexError {}

impl Syntax {
    /// A Python regex, tried from the start of the whole ID, as it is written.
    pub(super) const PYTHON: Self = Self { engine: Engine::Python, anchor: Anchor::Start, fold: PerKind::all(false) };

    /// What a regex claims, on the whole ID: anchor and folding are in the pattern.
    pub fn pattern(self, kind: Kind, regex: &str) -> Result<Pattern, RegexError> {
        let pattern = match (self.engine, self.fold[kind]) {
            (Engine::Python, false) => Pattern::parse(regex)?,
            (Engine::GoRe2, false) => go::pattern(regex)?,
            (Engine::Rust(_), fold) => rust::pattern(regex, fold)?,
            (Engine::Python | Engine::GoRe2, true) => return Err(RegexError::new("no homeserver reads regexes so")),
        };
        Ok(match self.anchor {
            Anchor::Start => pattern,
            Anchor::Anywhere => pattern.anywhere(),
        })
    }

    /// A regex that matches this ID and no other, but for capitals where they do not matter.
    #[must_use]
    pub fn exactly(self, id: &str) -> String {
        match self.engine {
            Engine::Python => python_exactly(id),
            Engine::GoRe2 | Engine::Rust(_) => format!(r"\A{}\z", regex_syntax::escape(id)),
        }
    }

    /// Whether the homeserver takes a regex at all, without what it takes to match it.
    pub fn check(self, kind: Kind, regex: &str) -> Result<(), RegexError> {
        match self.engine {
            Engine::Python => Ok(Pattern::check(regex)?),
            Engine::GoRe2 | Engine::Rust(_) => self.pattern(kind, regex).map(drop),
        }
    }

    /// Whether the regexes of a file, all together, can be read in moderate memory and time; if not, the position of the one that
    /// is too much. Those of Python are bounded one by one, where they are read.
    pub fn check_size<'r>(self, regexes: impl Iterator<Item = &'r str>) -> Result<(), (usize, RegexError)> {
        let fold = Kind::ALL.iter().any(|&kind| self.fold[kind]);
        let work = |regex: &str| match self.engine {
            Engine::Python => 0,
            Engine::GoRe2 => go::work(regex),
            Engine::Rust(_) => work::of(regex, fold),
        };
        if self.engine == Engine::Python {
            return Ok(());
        }
        let mut budget = bounds::Budget::new();
        regexes.enumerate().try_for_each(|(at, regex)| budget.spend(regex, work).map_err(|error| (at, error)))
    }

    /// Whether an engine that compiles the regexes of a list together takes them so: all that one service claims
    /// exclusively of one kind, or all that it shares, each of which it takes alone.
    pub fn check_together(self, kind: Kind, regexes: &[&str]) -> Result<(), RegexError> {
        match self.engine {
            Engine::Python | Engine::GoRe2 => Ok(()),
            Engine::Rust(_) => rust::check_together(regexes, self.fold[kind]),
        }
    }
}

/// The same in Python, where it is tried from the start. Not `$`, which matches before a line feed at the end, too.
fn python_exactly(id: &str) -> String {
    let mut regex = String::with_capacity(2 * id.len());
    for c in id.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            regex.push('\\');
        }
        regex.push(c);
    }
    regex + r"\Z"
}
