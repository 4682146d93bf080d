//! Sets of characters, with regard to case or without.
//!
//! Without regard to case CPython does not ask whether a character *or another case of it* is in a set. `_sre` puts the
//! text's character into lower case, by the simple mapping that has one character for one, and asks whether that is in the
//! set; `_compiler.py` has put the members into lower case before, and added those that share an upper case with them (the
//! table `EXTRA`: `ſ` for `s`, `ı` for `i`, `μ` for `µ`). What we make is the set of all characters of which that is true, so
//! that nobody after the parser has to know of case.
//!
//! The preparation has gaps, which decide what matches:
//!
//! | pattern | text | CPython 3.11 | why |
//! |---|---|---|---|
//! | `(?i)[𐐀]` | `𐐀` | match | a set of one character becomes that character, and that is put into lower case |
//! | `(?i)[𐐀x]` | `𐐀` | no match | members beyond the Basic Multilingual Plane are left as they are, and no text's character in lower case is a capital |
//! | `(?i)[𐐀x]` | `𐐨` | no match | the same: the capital is lost ([`is_lost`]) |
//! | `(?i)[𐐨x]` | `𐐀` | match | small letters need no preparation |
//! | `(?i)[𐐀-𐐁]` | `𐐀`, `𐐨` | match | a range that reaches beyond that plane is also asked about the upper case of the text's character |
//! | `(?i)[^𐐀x]` | `𐐀` | match | what is lost is not left out, either |
//!
//! Categories are asked about the character in lower case; each belongs to them if and only if the character does, which a
//! test of `characters.rs` sees to.

use std::collections::HashSet;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::flags::Flags;
use crate::characters::{Category, category_class, contains, lower, negate, push};
use crate::tables::{EXTRA, LOWER, UPPER};

/// One member of a set in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Member {
    /// A code point; may be a lone surrogate, which no Rust string holds.
    Literal(u32),
    Range(u32, u32),
    Category {
        category: Category,
        negated: bool,
    },
}

/// The last character of the plane within which CPython puts the members of a set into lower case.
const LAST_OF_PLANE: u32 = 0xFFFF;

/// The characters that the members match under some flags. No member stands twice.
///
/// Without regard to case, CPython compares the lower case of the text's character with the lower case of the members and
/// with those that its list of extra cases adds. Categories it asks about the character's lower case, to which each
/// belongs if and only if the character does. Beyond the Basic Multilingual Plane it leaves the members as they are: a
/// range is also asked about the upper case of what is in lower case, a capital is lost (see [`is_lost`]).
pub(super) fn class(members: &[Member], negated: bool, flags: Flags) -> ClassUnicode {
    let mut class = ClassUnicode::empty();
    let mut categories = ClassUnicode::empty();
    for member in members {
        match *member {
            lost if members.len() > 1 && is_lost(lost, flags) => {}
            Member::Literal(c) => push(&mut class, c, c),
            Member::Range(low, high) => {
                push(&mut class, low, high);
                if flags.ignore_case && high > LAST_OF_PLANE {
                    let upper_within = |&&(_, upper): &&(u32, u32)| (low..=high).contains(&upper);
                    UPPER.iter().filter(upper_within).for_each(|&(from, _)| push(&mut class, from, from));
                }
            }
            Member::Category { category, negated } => {
                let mut of_category = category_class(category, flags.ascii);
                if negated {
                    negate(&mut of_category);
                }
                categories.union(&of_category);
            }
        }
    }
    if flags.ignore_case {
        class = if flags.ascii { any_ascii_case(&class) } else { any_case(&class) };
    }
    class.union(&categories);
    if negated {
        negate(&mut class);
    }
    class
}

/// Whether a member matches nothing in a set that has others: without regard to case, no character has a capital from
/// beyond the Basic Multilingual Plane for its lower case. Alone in its set, it is put into lower case.
pub(super) fn is_lost(member: Member, flags: Flags) -> bool {
    let Member::Literal(c) = member else { return false };
    let is_capital = || char::from_u32(c).is_some_and(|c| lower(c) != c);
    flags.ignore_case && !flags.ascii && c > LAST_OF_PLANE && is_capital()
}

fn any_case(class: &ClassUnicode) -> ClassUnicode {
    // What the members are in lower case…
    let changed = |class: &ClassUnicode| -> Vec<(u32, u32)> {
        LOWER.iter().copied().filter(|&(from, _)| contains(class, from)).collect()
    };
    let mut lowered = class.clone();
    for (_, to) in changed(class) {
        push(&mut lowered, to, to);
    }
    let members = lowered.clone();
    for &(one, other) in EXTRA {
        if contains(&members, one) {
            push(&mut lowered, other, other);
        }
    }
    // …and every character that has one of these as its lower case.
    let mut any = lowered.clone();
    for &(from, to) in LOWER {
        if contains(&lowered, to) {
            push(&mut any, from, from);
        }
    }
    let mut strays = ClassUnicode::empty();
    for (from, to) in changed(&any) {
        if !contains(&lowered, to) {
            push(&mut strays, from, from);
        }
    }
    any.difference(&strays);
    any
}

fn any_ascii_case(class: &ClassUnicode) -> ClassUnicode {
    let mut any = class.clone();
    for (upper, lower) in ('A'..='Z').zip('a'..='z') {
        if contains(class, upper.into()) || contains(class, lower.into()) {
            any.push(ClassUnicodeRange::new(upper, upper));
            any.push(ClassUnicodeRange::new(lower, lower));
        }
    }
    any
}

/// Each member once.
pub(super) fn distinct(members: Vec<Member>) -> Vec<Member> {
    let mut seen = HashSet::with_capacity(members.len());
    members.into_iter().filter(|member| seen.insert(*member)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_around_surrogates_is_left_out() {
        for members in [[Member::Range(0xFF, 0x1_0000), Member::Literal(0x61)], [0xD7FF, 0xE000].map(Member::Literal)] {
            let class = class(&members, true, Flags::default());
            for c in [0xD7FF, 0xE000] {
                assert!(!contains(&class, c), "{class:?} and {c:#x}");
            }
        }
    }
}
