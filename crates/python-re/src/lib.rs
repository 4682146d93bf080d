//! CPython's `re` to the letter: what it takes and refuses, in its own words, and what `re.match` matches.
//!
//! Regexes that were written for Python mean something else, or nothing, to `regex` and `fancy-regex`: `\Z`, `{,3}`, a
//! literal `{`, `(?P=name)`, possessive quantifiers, `(?(1)…|…)`, what `\w` and `\d` are, which characters are the same
//! without regard to case, which patterns are refused at all. This crate reads them as CPython 3.11 does for a `str`
//! pattern without flags, and matches as `re.match` does: at the start of the text, to wherever the match ends. It says
//! *whether* there is a match, not what groups have captured.
//!
//! ```
//! use python_re::{Outcome, Pattern, Scratch};
//!
//! let pattern = Pattern::parse(r"(?i)@(?P<net>irc|xmpp)_(?!bot)\w{,16}:(?P=net)\.example\Z").unwrap();
//! let matcher = pattern.matcher();
//! let mut scratch = Scratch::new();
//! assert_eq!(matcher.run(&mut scratch, "@IRC_Ann:irc.example"), Outcome::Match);
//! assert_eq!(matcher.run(&mut scratch, "@irc_ann:xmpp.example"), Outcome::NoMatch);
//!
//! let error = Pattern::parse("@irc_**").unwrap_err();
//! assert_eq!(error.to_string(), "multiple repeat at position 6");
//! ```
//!
//! # The ways through it
//!
//! [`Pattern::parse`] makes a tree, the [`Ast`], in which flags are resolved. From there:
//!
//! | | for | cost of a match | see |
//! |---|---|---|---|
//! | [`regular`] | what automata over bytes can hold; yours to compile, with regex-automata | a few instructions a byte | `lower` |
//! | [`Backward`] | what remembers nothing: all but references to groups | pattern × text, never more | `engine::backward` |
//! | [`Backtracker`] | everything, in CPython's order | as long as it takes, up to a limit of steps | `engine::backtrack` |
//! | [`paths`], [`fingerprint`], [`required_literals`] | an index over many patterns | – | `path` |
//!
//! [`Pattern::matcher`] takes the second where it can and the third where it must. All of them were tried against each other
//! and against CPython; the README says how.
//!
//! # Memory and limits
//!
//! A matcher never changes and may be shared; what a match writes to is a [`Scratch`], one for each thread, that can also limit
//! what many matches take together. A match that runs into a limit ends with [`Outcome::StepLimit`]: it is not known.

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
pub use lower::LONGEST_TEXT;
pub use path::{
    Condition, Folded, Path, asks_for_start, cases, fingerprint, folded_literals, folded_paths, looked_for,
    matches_only_at_start, necessary_paths, paths, required_literals,
};

/// A compiled pattern.
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

    /// A tree without groups as a pattern, which has no source.
    #[must_use]
    pub fn of(ast: Ast) -> Self {
        Self::written("", ast)
    }

    /// A tree without groups, which some other syntax gives for a source, as a pattern.
    #[must_use]
    pub fn written(source: &str, ast: Ast) -> Self {
        Self { source: source.into(), ast: Arc::new(ast), groups: 0 }
    }

    /// The pattern that matches wherever in a text this one does, and not only at its start.
    #[must_use]
    pub fn anywhere(&self) -> Self {
        Self { ast: Arc::new(path::anywhere(Ast::clone(&self.ast))), ..self.clone() }
    }

    /// Whether `re.compile` would take this pattern.
    pub fn check(source: &str) -> Result<(), PatternError> {
        parse::parse(source).map(drop)
    }

    /// The pattern as it was written.
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
///
/// It is made for texts of at most [`LONGEST_TEXT`] characters: what is repeated more often than that counts as repeated
/// without limit, or as never matching.
#[must_use]
pub fn regular(ast: &Ast) -> Option<Hir> {
    lower::lower(ast)
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
