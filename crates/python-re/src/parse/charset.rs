use std::collections::HashSet;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::flags::Flags;
use crate::characters::{Category, category_class, contains, lower, negate, push};
use crate::tables::{EXTRA, LOWER, UPPER};

/// One member of a set in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Member {
    /// A code point; may be a lone surrogate, which no ID holds.
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
/// Without regard to case, CPython compares the lower case of the ID's character with the lower case of the members and
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
