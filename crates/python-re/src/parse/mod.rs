//! CPython's parser, to the letter: what `re.compile` takes and refuses, why and where.
//!
//! It is one pass over the tokens, by recursive descent, in the order in which CPython looks at things, because that order
//! shows: of several mistakes Python names the one that it comes upon first. Three habits of `_parser.py` are kept that a
//! parser written afresh would not have:
//!
//! * **The look-ahead of one token is part of the grammar** ([`tokens`]). A backslash at the very end is noticed when it comes
//!   into view: `*\` is `bad escape (end of pattern) at position 1` and not `nothing to repeat at position 0`.
//! * **Some errors come late.** A look-behind without fixed width is found only when all has been parsed (`(?<=a*)(` is an
//!   unterminated subpattern), and so is a conditional that asks about a group which never comes ([`groups`]).
//! * **Widths saturate** ([`width`]). A look-behind has a fixed width if CPython's own reckoning says so, whatever can match.
//!
//! The tree that comes out needs no flags: each character and set says what it matches, each anchor which kind it is. Sets
//! and alternatives are the hard part, and explained in [`charset`] and [`piece`].

mod atom;
mod charset;
mod escape;
mod flags;
mod groups;
mod names;
mod parenthesis;
mod parser;
mod piece;
mod sequence;
mod set;
mod tokens;
mod width;

pub(crate) use parser::parse;
