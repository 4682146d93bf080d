//! The syntax of Go's `regexp`, which is RE2's, as Go 1.25 reads it.
//!
//! A program in Go that decides by a regex decides by Go's: what `regexp.Compile` takes and refuses, what `\d`, `(?i)` and
//! `\p{Greek}` are there. [`parse`] reads an expression so, and gives regex-syntax's [`Hir`] for it, which automata take: those of
//! regex-automata, or whatever else is made of it. A text is matched by Go's `MatchString` if and only if an unanchored search
//! with that expression finds a match.
//!
//! ```
//! use regex_automata::meta::Regex;
//!
//! let expression = go_re2::parse(r"(?i)@irc_\Q[x]\E\pL{2}\z").unwrap();
//! let regex = Regex::builder().build_from_hir(&expression).unwrap();
//! assert!(regex.is_match("see @IRC_[X]éa"));
//! assert!(!regex.is_match("see @IRC_[X]éa1"));
//!
//! let error = go_re2::parse("@irc_(?!bot)").unwrap_err();
//! assert_eq!(error.to_string(), "error parsing regexp: invalid or unsupported Perl syntax: `(?!`");
//! ```
//!
//! # Why Rust's `regex` does not do
//!
//! Its syntax comes from the same place, and differs where it decides. What Go takes, on the left:
//!
//! | | Go | Rust |
//! |---|---|---|
//! | `\d`, `\w`, `\s`, `\b` | of ASCII | of Unicode |
//! | `f_{x}`, `a{,5}` | braces are characters | refused |
//! | `[a&&b]`, `[[a]b]`, `[a--b]` | characters | set operations, classes within classes |
//! | `a**`, `a{1001}`, `(?x)` | refused | taken |
//! | `\Qa.b\E`, `\pL` with a name twice, `\12` | taken | refused |
//! | `\<`, `\b{start}` | `<`, and `\b` with characters in braces | places at words |
//! | characters | Unicode 15.0 | Unicode 16.0 |
//!
//! # How
//!
//! ```text
//! escape, class, names    what a backslash or a bracket begins
//! parser                  operators reduce what is on a stack of nodes
//! alternatives            branches become classes, and what they begin with is put before them
//! limits                  what is too large or too deep
//! lower                   nodes → Hir
//! set, tables             sets of code points in Go's order; what Go knows of characters
//! ```
//!
//! The parser follows Go's, node by node. That would not be needed for what matches, nor for what is refused as wrong, but it is
//! for what is refused as too large: Go decides that by the nodes that it happens to have made (`limits`), after it has put
//! together what branches have in common (`alternatives`), where even a mistake of Go's is one of meaning.
//!
//! What is given up is memory: classes are written out, up to 33 million code points, as in Go.

mod alternatives;
mod class;
mod error;
mod escape;
mod limits;
mod lower;
mod names;
mod node;
mod parser;
mod set;
mod tables;

use regex_syntax::hir::Hir;

pub use error::{Error, ErrorKind};

/// Reads an expression as `regexp.Compile` does.
pub fn parse(expression: &str) -> Result<Hir, Error> {
    parser::parse(expression).map(|parsed| lower::lower(&parsed))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
