use std::sync::Arc;

use regex_syntax::hir::ClassUnicode;

/// A pattern as a tree. Flags are resolved: every character and class says itself what it matches, every anchor which
/// kind it is, so that whoever walks the tree need not know where a flag was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ast {
    /// The empty string.
    Empty,
    /// One character.
    Literal(char),
    /// One character of a set; the empty set never matches. Shared, since the words of Unicode take six kilobytes.
    Class(Arc<ClassUnicode>),
    /// A place between characters.
    Anchor(Anchor),
    /// One after the other.
    Concat(Vec<Ast>),
    /// One of these, tried in order.
    Alternation(Vec<Ast>),
    /// The same again and again.
    Repeat(Box<Repeat>),
    /// A capturing group with its number, from 1.
    Group(u32, Box<Ast>),
    /// What a group has captured; fails while it has captured nothing.
    Reference {
        /// The group.
        group: u32,
        /// How the characters are compared.
        case: Case,
    },
    /// One of two, by whether a group has captured.
    Conditional {
        /// The group.
        group: u32,
        /// If it has.
        yes: Box<Ast>,
        /// If it has not.
        no: Box<Ast>,
    },
    /// A condition on what follows or precedes.
    Look(Box<Look>),
    /// Once matched, never tried another way.
    Atomic(Box<Ast>),
}

/// A repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// At least so many times.
    pub min: u32,
    /// At most so many times; `None` for no limit.
    pub max: Option<u32>,
    /// Which number is tried first.
    pub mode: Mode,
    /// What is repeated.
    pub body: Ast,
}

/// Which number of repetitions is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As many as possible.
    Greedy,
    /// As few as possible.
    Lazy,
    /// As many as possible, and no other number.
    Possessive,
}

/// A look-around assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether the body must not match.
    pub negated: bool,
    /// For a look-behind, the number of characters that the body takes; `None` for a look-ahead.
    pub behind: Option<u32>,
    /// What must or must not match.
    pub body: Ast,
}

/// A place between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// `^`, `\A`: the start of the text.
    Start,
    /// `^` with the flag `m`: also after a line feed.
    StartLine,
    /// `\Z`: the end of the text.
    End,
    /// `$`: the end, or before a line feed that ends the text.
    EndOrFinalNewline,
    /// `$` with the flag `m`: the end, or before any line feed.
    EndLine,
    /// `\b` or `\B`.
    WordBoundary {
        /// `\B`.
        negated: bool,
        /// Only ASCII characters count as word characters.
        ascii: bool,
    },
}

/// How the characters of a back-reference are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// As they are.
    Sensitive,
    /// By their lower case.
    Insensitive,
    /// By the lower case of ASCII letters alone.
    InsensitiveAscii,
}

impl Ast {
    /// Whether the tree holds only what a regular expression of the textbook holds, anchors included.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Empty | Self::Literal(_) | Self::Class(_) | Self::Anchor(_) => true,
            Self::Concat(items) | Self::Alternation(items) => items.iter().all(Self::is_plain),
            Self::Repeat(repeat) => repeat.mode != Mode::Possessive && repeat.body.is_plain(),
            Self::Group(_, body) => body.is_plain(),
            Self::Reference { .. } | Self::Conditional { .. } | Self::Look(_) | Self::Atomic(_) => false,
        }
    }

    /// Whether what a group has captured bears on what matches.
    #[must_use]
    pub fn remembers(&self) -> bool {
        match self {
            Self::Empty | Self::Literal(_) | Self::Class(_) | Self::Anchor(_) => false,
            Self::Concat(items) | Self::Alternation(items) => items.iter().any(Self::remembers),
            Self::Repeat(repeat) => repeat.body.remembers(),
            Self::Group(_, body) | Self::Atomic(body) => body.remembers(),
            Self::Look(look) => look.body.remembers(),
            Self::Reference { .. } | Self::Conditional { .. } => true,
        }
    }
}
