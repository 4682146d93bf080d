//! Classes with names: `\d`, `[[:alpha:]]`, `\p{Greek}`.

use crate::set::{MAX_RUNE, Set};
use crate::tables::{ALIASES, CATEGORIES, FOLDED, SCRIPTS};

type Ranges = &'static [(u32, u32)];

const DIGIT: Ranges = &[(0x30, 0x39)];
const SPACE: Ranges = &[(0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20)];
const WORD: Ranges = &[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];

/// Those of POSIX, in brackets within brackets.
const POSIX: [(&str, Ranges); 14] = [
    ("alnum", &[(0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)]),
    ("alpha", &[(0x41, 0x5A), (0x61, 0x7A)]),
    ("ascii", &[(0x00, 0x7F)]),
    ("blank", &[(0x09, 0x09), (0x20, 0x20)]),
    ("cntrl", &[(0x00, 0x1F), (0x7F, 0x7F)]),
    ("digit", DIGIT),
    ("graph", &[(0x21, 0x7E)]),
    ("lower", &[(0x61, 0x7A)]),
    ("print", &[(0x20, 0x7E)]),
    ("punct", &[(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)]),
    ("space", &[(0x09, 0x0D), (0x20, 0x20)]),
    ("upper", &[(0x41, 0x5A)]),
    ("word", WORD),
    ("xdigit", &[(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)]),
];

/// A class, or all that is not in it.
pub(crate) struct Group {
    set: Set,
    negated: bool,
    /// Whether characters are added that are in it but for case, where case does not matter.
    folds: bool,
}

impl Group {
    /// What stands behind the backslash of `\d`, `\W` and the like.
    pub(crate) fn perl(letter: char) -> Option<Self> {
        let ranges = match letter.to_ascii_lowercase() {
            'd' => DIGIT,
            's' => SPACE,
            'w' => WORD,
            _ => return None,
        };
        Some(Self { set: Set::of(ranges), negated: letter.is_ascii_uppercase(), folds: true })
    }

    /// What stands between the colons of `[:alpha:]`, `[:^alpha:]`.
    pub(crate) fn posix(name: &str) -> Option<Self> {
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let (_, ranges) = POSIX.iter().find(|(known, _)| *known == name)?;
        Some(Self { set: Set::of(ranges), negated, folds: true })
    }

    /// What stands in the braces of `\p{…}`.
    pub(crate) fn unicode(name: &str) -> Option<Self> {
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let name = canonical(name);
        if name == "Assigned" {
            return Some(Self { set: category("Cn")?, negated: !negated, folds: false });
        }
        let (set, folds) = table(&name)?;
        Some(Self { set, negated, folds })
    }

    pub(crate) fn negate(&mut self) {
        self.negated = !self.negated;
    }

    /// Adds it to a set.
    pub(crate) fn add_to(mut self, set: &mut Set, fold: bool) {
        if fold && self.folds {
            let plain = std::mem::take(&mut self.set);
            for &(low, high) in plain.ranges() {
                self.set.add_folded(low, high);
            }
            self.set.clean();
        }
        let ranges = self.set.ranges();
        if self.negated { set.add_others(ranges) } else { set.add_all(ranges) }
    }
}

/// A first letter that is a capital, the others small, and no spaces, hyphens and underscores.
fn canonical(name: &str) -> String {
    let mut canonical = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')) {
        canonical.push(if canonical.is_empty() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
    }
    canonical
}

/// The class of a canonical name, and whether case may add to it.
fn table(name: &str) -> Option<(Set, bool)> {
    match name {
        "Any" => return Some((Set::of(&[(0, MAX_RUNE)]), true)),
        "Ascii" => return Some((Set::of(&[(0, 0x7F)]), true)),
        "Lc" => return Some((category("LC")?, false)),
        _ => {}
    }
    if let Some(set) = category(name) {
        return Some((set, FOLDED.contains(&name)));
    }
    if let Some((_, ranges)) = SCRIPTS.iter().find(|(known, _)| *known == name) {
        return Some((Set::of(ranges), FOLDED.contains(&name)));
    }
    let (_, category_name) = ALIASES.iter().find(|(alias, _)| canonical(alias) == name)?;
    Some((category(category_name)?, FOLDED.contains(category_name)))
}

/// A category by its own name.
fn category(name: &str) -> Option<Set> {
    let parts = || CATEGORIES.iter();
    let mut set = Set::default();
    let mut add = |matches: &dyn Fn(&str) -> bool| {
        parts().filter(|(part, _)| matches(part)).for_each(|(_, ranges)| set.add_all(ranges));
    };
    match name {
        "LC" => add(&|part| matches!(part, "Ll" | "Lt" | "Lu")),
        "Cn" | "C" => add(&|part| name == "Cn" || !part.starts_with('C')),
        _ => add(&|part| part == name || (name.len() == 1 && part.starts_with(name))),
    }
    set.clean();
    if matches!(name, "Cn" | "C") {
        set.negate();
        return Some(set);
    }
    (!set.ranges().is_empty()).then_some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_they_are_written() {
        for name in
            ["Greek", "greek", "GREEK", "gr_e-e k", "L", "l", "Letter", "letter", "lu", "Uppercase_Letter", "any", "lc"]
        {
            assert!(Group::unicode(name).is_some(), "{name}");
        }
        for name in ["", "Script=Greek", "Foo", "X", "IsGreek", "^^L"] {
            assert!(Group::unicode(name).is_none(), "{name}");
        }
    }
}
