use std::sync::Arc;

use regex_syntax::hir::ClassUnicode;

use crate::ast::Ast;

/// What one character is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Char(char),
    Class {
        /// The ASCII characters of the class, by bit: most of what is asked about is ASCII.
        ascii: u128,
        class: Arc<ClassUnicode>,
    },
}

impl Unit {
    /// `None` for what is not a single character or a set of such.
    pub(super) fn of(ast: &Ast) -> Option<Self> {
        match ast {
            Ast::Literal(c) => Some(Self::Char(*c)),
            Ast::Class(class) => Some(Self::Class { ascii: ascii(class), class: Arc::clone(class) }),
            _ => None,
        }
    }

    pub(super) fn fits(&self, c: char) -> bool {
        match self {
            Self::Char(wanted) => c == *wanted,
            Self::Class { ascii, .. } if c.is_ascii() => ascii >> u32::from(c) & 1 == 1,
            Self::Class { class, .. } => {
                let ranges = class.ranges();
                let at = ranges.partition_point(|range| range.end() < c);
                ranges.get(at).is_some_and(|range| range.start() <= c)
            }
        }
    }

    /// The bytes on the heap: of a class, the part of one of those that share it.
    pub(super) fn memory_usage(&self) -> usize {
        match self {
            Self::Char(_) => 0,
            Self::Class { class, .. } => size_of_val(class.ranges()) / Arc::strong_count(class).max(1),
        }
    }
}

fn ascii(class: &ClassUnicode) -> u128 {
    let ranges = class.iter().take_while(|range| range.start().is_ascii());
    let of_ascii = |range: &regex_syntax::hir::ClassUnicodeRange| {
        (u32::from(range.start())..=u32::from(range.end()).min(127)).fold(0, |bits, c| bits | 1_u128 << c)
    };
    ranges.fold(0, |bits, range| bits | of_ascii(range))
}
