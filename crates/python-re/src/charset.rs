use python_text::{DECIMAL, LETTER_OR_NUMBER, SPACE};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::flags::Flags;
use super::tables::{ALIASES, EXTRA, ID_CONTINUE, ID_START, LOWER, NAMED, UPPER};

/// A category of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Category {
    Digit,
    Space,
    Word,
}

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

/// Makes it the class of all other characters.
///
/// The library takes two ranges with nothing but surrogates between them for two, and the nothing for what they leave out.
fn negate(class: &mut ClassUnicode) {
    const AROUND_SURROGATES: [char; 2] = ['\u{D7FF}', '\u{E000}'];
    if AROUND_SURROGATES.iter().all(|&c| contains(class, c.into())) {
        let [last, first] = AROUND_SURROGATES;
        class.push(ClassUnicodeRange::new(last, first));
    }
    class.negate();
}

/// Whether a member matches nothing in a set that has others: without regard to case, no character has a capital from
/// beyond the Basic Multilingual Plane for its lower case. Alone in its set, it is put into lower case.
pub(super) fn is_lost(member: Member, flags: Flags) -> bool {
    let Member::Literal(c) = member else { return false };
    let is_capital = || char::from_u32(c).is_some_and(|c| lower(c) != c);
    flags.ignore_case && !flags.ascii && c > LAST_OF_PLANE && is_capital()
}

/// The characters of a category.
pub(super) fn category_class(category: Category, ascii: bool) -> ClassUnicode {
    if ascii {
        let ranges: &[(char, char)] = match category {
            Category::Digit => &[('0', '9')],
            Category::Space => &[('\t', '\r'), (' ', ' ')],
            Category::Word => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        };
        return ClassUnicode::new(ranges.iter().map(|&(low, high)| ClassUnicodeRange::new(low, high)));
    }
    let mut class = ClassUnicode::empty();
    let characters = match category {
        Category::Digit => DECIMAL,
        Category::Space => SPACE,
        Category::Word => {
            push(&mut class, '_'.into(), '_'.into());
            LETTER_OR_NUMBER
        }
    };
    for &(low, high) in characters.ranges() {
        push(&mut class, low, high);
    }
    class
}

/// Whether a character is a word character of a str pattern.
pub(super) fn is_word(c: char, ascii: bool) -> bool {
    if ascii {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c == '_' || LETTER_OR_NUMBER.contains(c)
}

/// The character of a name in `\N{…}`, of those that Unicode 14.0 knows.
pub(super) fn named_character(name: &str) -> Option<char> {
    let upper = name.to_ascii_uppercase();
    if let Ok(at) = ALIASES.binary_search_by_key(&&*upper, |&(alias, _)| alias) {
        return Some(ALIASES[at].1);
    }
    // The library is lenient about spaces and hyphens, and Python about case, except where a name is computed.
    let c = unicode_names2::character(name).filter(|&c| holds(NAMED, c))?;
    let full = unicode_names2::name(c)?.to_string();
    let computed = full.starts_with("CJK UNIFIED IDEOGRAPH-") || full.starts_with("HANGUL SYLLABLE ");
    (full == if computed { name } else { &upper }).then_some(c)
}

/// Whether this is a name that a group can have.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| holds(ID_START, first)) && chars.all(|c| holds(ID_CONTINUE, c))
}

fn holds(table: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let at = table.partition_point(|&(_, high)| high < c);
    table.get(at).is_some_and(|&(low, _)| low <= c)
}

/// The lower case of a character, as `re` sees it.
pub(super) fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    match LOWER.binary_search_by_key(&u32::from(c), |&(from, _)| from) {
        Ok(at) => char::from_u32(LOWER[at].1).unwrap_or(c),
        Err(_) => c,
    }
}

/// Adds a range of code points without the surrogates in it.
fn push(class: &mut ClassUnicode, low: u32, high: u32) {
    for (low, high) in [(low, high.min(0xD7FF)), (low.max(0xE000), high)] {
        if low <= high
            && let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
        {
            class.push(ClassUnicodeRange::new(low, high));
        }
    }
}

fn contains(class: &ClassUnicode, c: u32) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| u32::from(range.end()) < c);
    ranges.get(at).is_some_and(|range| u32::from(range.start()) <= c)
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

    #[test]
    fn categories_are_blind_to_case() {
        for &(from, to) in LOWER {
            let [from, to] = [from, to].map(|c| char::from_u32(c).expect("a character"));
            for category in [DECIMAL, SPACE, LETTER_OR_NUMBER] {
                assert_eq!(category.contains(from), category.contains(to), "{from:?} and {to:?}");
            }
        }
    }

    #[test]
    fn names_are_looked_up_as_python_does() {
        for (name, c) in [
            ("LINE FEED", Some('\n')),
            ("lf", Some('\n')),
            ("latin small letter a", Some('a')),
            ("LATIN CAPITAL LETTER GHA", Some('Ƣ')),
            ("HANGUL SYLLABLE GAG", Some('각')),
            ("HANGUL SYLLABLE gag", None),
            ("CJK UNIFIED IDEOGRAPH-4E00", Some('一')),
            ("cjk unified ideograph-4e00", None),
            ("LATINSMALL LETTER A", None),
            ("KEYCAP DIGIT ONE", None),
        ] {
            assert_eq!(named_character(name), c, "{name}");
        }
    }
}
