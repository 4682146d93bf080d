//! How the texts begin that a pattern matches, and what is left to be tried then.
//!
//! Who has a hundred thousand patterns and one text cannot try them all. Most patterns begin with a literal, or with one of a
//! few, and a table of literals (a radix tree, say) tells at once which of them a text begins with. So a pattern is taken
//! apart into **paths**: a literal prefix, conditions on what follows somewhere within it, and a rest.
//!
//! # One pattern followed through
//!
//! `^@(?!_bot)_?(irc|xmpp)_[a-z]+:example\.org$` is walked from the left, with a list of what is still to be walked:
//!
//! | next | what becomes of it |
//! |---|---|
//! | `^` | holds at the start anyway |
//! | `@` | the prefix is `@` |
//! | `(?!_bot)` | a condition, noted with how long the prefix is here: 1 |
//! | `_?` | two paths, one with `_` and one without |
//! | `(irc\|xmpp)` | two paths of each |
//! | `_` | the prefixes are `@_irc_`, `@_xmpp_`, `@irc_`, `@xmpp_` |
//! | `[a-z]+` | no literal: here the paths end, and `[a-z]+:example\.org$` is the rest of all four |
//!
//! A text is matched if and only if it begins with the prefix of a path, the rest of that path matches behind it, and each
//! condition holds where it was noted. The four rests are one and the same to [`fingerprint()`], so that whoever compiles them
//! does so once, also if ten thousand other patterns end alike. That is what makes an index of patterns small.
//!
//! # Exact and necessary
//!
//! Such paths are **exact**. There are none if a group's text counts further on (`@(a|b)_\1`: the rest of a path would have
//! to know which way led there), or if an assertion looks back across the prefix. Then the paths are only **necessary**:
//! each match begins with one of their prefixes, and [`Path::rest`] is `None`, that is, the whole pattern has to be tried.
//! Assertions are passed over then, and atomic groups are entered, since leaving out a condition finds too much and never
//! too little. [`Pattern::paths`](crate::Pattern::paths) gives exact paths where there are such, else necessary ones.
//!
//! # Anywhere, and in any case
//!
//! A pattern that is looked for anywhere in a text ([`Pattern::anywhere`](crate::Pattern::anywhere)) begins with whatever, and so
//! has no prefix; [`looked_for`] gives what stands behind that, whose paths begin where a match does. Where case does not
//! matter, [`folded_paths`] are those of a text that [`Folded`] has made one.
//!
//! # What it costs
//!
//! A path costs a prefix and an entry in somebody's table, so a pattern may make but 32 of them, which are handed down:
//! where the way forks, each branch gets its part of what is left, and a fork for which too little is left ends the path.
//! Of 217 patterns that real programs decide by (`tests/data/ruling/namespaces.jsonl` of the workspace), 215 make one path, one makes two
//! (`_zoen_(bot|agent_…)`), and one (`*`) is refused; the longest prefix has 37 bytes. The bounds are for what is written
//! in other ways: `(?i)@irc_` makes sixteen paths, since Python takes `i`, `I`, `İ` and `ı` for one.

mod fingerprint;
mod fold;
mod literals;
mod search;
mod walk;

pub use fingerprint::fingerprint;
pub use fold::{Folded, cases};
pub use literals::{folded_literals, required_literals};
pub(crate) use search::anywhere;
pub use search::{asks_for_start, looked_for, matches_only_at_start};
pub use walk::{folded_paths, necessary_paths, paths};

use crate::ast::Ast;

/// One way through a pattern: what begins with the prefix, fulfils the conditions and goes on as the rest.
#[derive(Clone, Debug)]
pub struct Path {
    /// What each text begins with.
    pub prefix: Vec<u8>,
    /// What must hold besides; empty if the path is only necessary.
    pub conditions: Vec<Condition>,
    /// What follows the prefix; `None` if the path is only necessary: to be told by trying the whole pattern.
    pub rest: Option<Ast>,
}

/// A look-ahead behind the first bytes of the prefix.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Behind how many bytes.
    pub at: usize,
    /// Whether the body must not match there.
    pub negated: bool,
    /// What must, or must not, match.
    pub body: Ast,
}
