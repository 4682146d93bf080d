//! From the regex of a namespace to something that can be matched and reasoned about.
//!
//! The syntax and the meaning are those of CPython 3.11's `re` for a `str` pattern without flags, tried with
//! `re.match`: what Synapse 1.163 does with a namespace. [`Pattern::parse`] accepts and refuses what `re.compile` does.
//! What is regular is lowered to an expression for automata ([`Form::Regular`]); the rest is matched by backtracking in
//! Python's order, with a step limit ([`Form::Backtracking`]).

mod ast;
mod backtrack;
mod charset;
mod error;
mod escape;
mod flags;
mod groups;
mod lower;
mod parenthesis;
mod parser;
mod program;
mod set;
mod tables;
mod tokens;
mod width;

use std::sync::Arc;

use regex_syntax::hir::Hir;

pub use ast::{Anchor, Ast, Case, Look, Mode, Repeat};
pub use backtrack::Backtracker;
pub use error::PatternError;

/// A compiled namespace regex.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Arc<str>,
    ast: Arc<Ast>,
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

impl Pattern {
    /// Parses a pattern as `re.compile` of CPython 3.11 does.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        let parsed = parser::parse(source)?;
        let form = match lower::lower(&parsed.ast) {
            Some(hir) => Form::Regular(hir),
            None => Form::Backtracking(Arc::new(Backtracker::new(&parsed.ast, parsed.groups))),
        };
        Ok(Self { source: source.into(), ast: Arc::new(parsed.ast), form })
    }

    /// Whether `re.compile` would take this pattern.
    pub fn check(source: &str) -> Result<(), PatternError> {
        parser::parse(source).map(drop)
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

    /// How it can be matched.
    #[must_use]
    pub const fn form(&self) -> &Form {
        &self.form
    }

    /// The matcher that tries ways in Python's order, whatever the form.
    #[must_use]
    pub fn backtracker(&self) -> Backtracker {
        Backtracker::new(&self.ast, groups_of(&self.ast))
    }
}

/// The highest number of a group.
fn groups_of(ast: &Ast) -> u32 {
    match ast {
        Ast::Empty | Ast::Literal(_) | Ast::Class(_) | Ast::Anchor(_) | Ast::Reference { .. } => 0,
        Ast::Concat(items) | Ast::Alternation(items) => items.iter().map(groups_of).max().unwrap_or(0),
        Ast::Repeat(repeat) => groups_of(&repeat.body),
        Ast::Group(group, body) => groups_of(body).max(*group),
        Ast::Conditional { yes, no, .. } => groups_of(yes).max(groups_of(no)),
        Ast::Look(look) => groups_of(&look.body),
        Ast::Atomic(body) => groups_of(body),
    }
}
