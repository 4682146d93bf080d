//! From the regex of a namespace to something that can be matched and reasoned about.
//!
//! The syntax and the meaning are those of CPython 3.11's `re` for a `str` pattern without flags, tried with
//! `re.match`: what Synapse 1.163 does with a namespace. [`Pattern::parse`] accepts and refuses what `re.compile` does.
//! What is regular becomes an expression for automata ([`regular`]); the rest is matched by backtracking in Python's
//! order, with a step limit ([`Backtracker`]).

mod ast;
mod characters;
mod engine;
mod error;
mod lower;
mod parse;
mod path;
mod tables;

use std::sync::Arc;

use regex_syntax::hir::Hir;

pub use ast::{Anchor, Ast, Case, Look, Mode, Repeat};
pub use engine::{Backtracker, Backward, Matcher, Outcome, Scratch};
pub use error::{Named, PatternError, PatternErrorKind};
pub use path::{Condition, Path, fingerprint, necessary_paths, paths, required_literals};

/// A compiled namespace regex.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Arc<str>,
    ast: Arc<Ast>,
    groups: u32,
}

impl Pattern {
    /// Parses a pattern as `re.compile` of CPython 3.11 does.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        let parsed = parse::parse(source)?;
        Ok(Self { source: source.into(), ast: Arc::new(parsed.ast), groups: parsed.groups })
    }

    /// A pattern without groups that has no source: what the service looks for besides the namespaces.
    #[must_use]
    pub fn of(ast: Ast) -> Self {
        Self { source: "".into(), ast: Arc::new(ast), groups: 0 }
    }

    /// Whether `re.compile` would take this pattern.
    pub fn check(source: &str) -> Result<(), PatternError> {
        parse::parse(source).map(drop)
    }

    /// The regex as it stands in the registration.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its syntax tree.
    #[must_use]
    pub fn ast(&self) -> &Ast {
        &self.ast
    }

    /// The expression that automata match; `None` if only the backtracker does.
    #[must_use]
    pub fn regular(&self) -> Option<Hir> {
        regular(&self.ast)
    }

    /// The ways through it: exact ones if there are such, else necessary ones, for all ways alike.
    #[must_use]
    pub fn paths(&self) -> Vec<Path> {
        let exact = paths(&self.ast);
        if exact.iter().all(|path| path.rest.is_some()) { exact } else { necessary_paths(&self.ast) }
    }

    /// What matches it, whatever it is.
    #[must_use]
    pub fn matcher(&self) -> Matcher {
        Matcher::new(&self.ast, self.groups)
    }

    /// The matcher that goes through a text once, backwards; `None` if what a group has captured bears on what matches.
    #[must_use]
    pub fn backward(&self) -> Option<Backward> {
        Backward::new(&self.ast)
    }

    /// The matcher that tries ways in Python's order, which every pattern has.
    #[must_use]
    pub fn backtracker(&self) -> Backtracker {
        Backtracker::new(&self.ast, self.groups)
    }
}

/// The word characters of `\b` and `\w`.
#[must_use]
pub fn word_class(ascii: bool) -> regex_syntax::hir::ClassUnicode {
    characters::category_class(characters::Category::Word, ascii)
}

/// The expression for a tree that ends a pattern, if it is regular.
///
/// A text is matched if and only if a search for it that is anchored at the start, and not at the end, finds a match.
/// Look-around in it is limited to start, end, their line variants and ASCII word boundaries, so that every engine of
/// regex-automata takes it. `None` for back-references, look-around, atomic groups, `$` before something, Unicode word
/// boundaries, and for what unfolds beyond reason.
#[must_use]
pub fn regular(ast: &Ast) -> Option<Hir> {
    lower::lower(ast)
}
