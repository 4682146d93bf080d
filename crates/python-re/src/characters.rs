use python_text::{DECIMAL, LETTER_OR_NUMBER, SPACE};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use crate::tables::LOWER;

/// A category of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Category {
    Digit,
    Space,
    Word,
}

/// The characters of a category.
pub(crate) fn category_class(category: Category, ascii: bool) -> ClassUnicode {
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
pub(crate) fn is_word(c: char, ascii: bool) -> bool {
    if ascii {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c == '_' || LETTER_OR_NUMBER.contains(c)
}

/// The lower case of a character, as `re` sees it.
pub(crate) fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    match LOWER.binary_search_by_key(&u32::from(c), |&(from, _)| from) {
        Ok(at) => char::from_u32(LOWER[at].1).unwrap_or(c),
        Err(_) => c,
    }
}

/// Makes it the class of all other characters.
///
/// The library takes two ranges with nothing but surrogates between them for two, and the nothing for what they leave out.
pub(crate) fn negate(class: &mut ClassUnicode) {
    const AROUND_SURROGATES: [char; 2] = ['\u{D7FF}', '\u{E000}'];
    if AROUND_SURROGATES.iter().all(|&c| contains(class, c.into())) {
        let [last, first] = AROUND_SURROGATES;
        class.push(ClassUnicodeRange::new(last, first));
    }
    class.negate();
}

/// Adds a range of code points without the surrogates in it.
pub(crate) fn push(class: &mut ClassUnicode, low: u32, high: u32) {
    for (low, high) in [(low, high.min(0xD7FF)), (low.max(0xE000), high)] {
        if low <= high
            && let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
        {
            class.push(ClassUnicodeRange::new(low, high));
        }
    }
}

/// Whether a code point is in a class.
pub(crate) fn contains(class: &ClassUnicode, c: u32) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| u32::from(range.end()) < c);
    ranges.get(at).is_some_and(|range| u32::from(range.start()) <= c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_blind_to_case() {
        for &(from, to) in LOWER {
            let [from, to] = [from, to].map(|c| char::from_u32(c).expect("a character"));
            for category in [DECIMAL, SPACE, LETTER_OR_NUMBER] {
                assert_eq!(category.contains(from), category.contains(to), "{from:?} and {to:?}");
            }
        }
    }
}
