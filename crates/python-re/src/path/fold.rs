//! Texts and prefixes without regard to case.
//!
//! `(?i)@irc_` would make sixteen paths, one for each way to write it, and thirty-two of a longer one are too many. So who looks
//! for prefixes without regard to case makes the *text* one, character by character, and gives each prefix in the same way: a
//! set that holds all characters that are one but for case is then no more than the one that stands for them.
//!
//! What is one but for case is Unicode's simple case folding, as `regex` has it: `k`, `K` and the Kelvin sign are one, `ß` and
//! `ẞ` are, `i` and `İ` are not. (Python's `re` goes by another rule; patterns of its own are not told this way.)

use std::collections::HashMap;
use std::sync::LazyLock;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// All that are one but for case, for each of them that is not ASCII: which one stands for them, and how many they are.
static ORBITS: LazyLock<HashMap<char, (char, u32)>> = LazyLock::new(|| {
    let mut orbits = HashMap::new();
    // No character beyond has another case in Unicode 16, nor in any plane that is in use.
    for c in '\u{80}'..'\u{20000}' {
        let orbit = orbit_of(c);
        if let [first, _, ..] = orbit[..] {
            let stands = orbit.iter().copied().find(char::is_ascii_lowercase).unwrap_or(first);
            orbits.insert(c, (stands, u32::try_from(orbit.len()).unwrap_or(u32::MAX)));
        }
    }
    orbits
});

fn orbit_of(c: char) -> Vec<char> {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    class.case_fold_simple();
    class.iter().flat_map(|range| range.start()..=range.end()).collect()
}

/// The character that stands for all that are the same but for case, and how many they are.
fn orbit(c: char) -> (char, u32) {
    match c {
        // The Kelvin sign and the long s.
        'k' | 'K' | 's' | 'S' => (c.to_ascii_lowercase(), 3),
        _ if c.is_ascii_alphabetic() => (c.to_ascii_lowercase(), 2),
        _ if c.is_ascii() => (c, 1),
        _ => ORBITS.get(&c).copied().unwrap_or((c, 1)),
    }
}

/// The character itself, if no other is the same but for case.
pub(super) fn caseless(c: char) -> Option<char> {
    (orbit(c).1 == 1).then_some(c)
}

/// For each character of a set the one that stands for it, in order and each once, if the set holds all that are the same but
/// for case; `None` if it does not, or if there are more than `most`.
pub(super) fn representatives(class: &ClassUnicode, most: u32) -> Option<Vec<char>> {
    // No character has more than three others.
    let count = super::walk::count(class);
    if count > most.saturating_mul(4) {
        return None;
    }
    let mut members = 0;
    let mut found: Vec<char> = Vec::new();
    for c in class.iter().flat_map(|range| range.start()..=range.end()) {
        let (stands, size) = orbit(c);
        if !found.contains(&stands) {
            found.push(stands);
            members += size;
        }
    }
    found.sort_unstable();
    (members == count && found.len() <= most as usize).then_some(found)
}

/// The characters that are the same as this one but for case, itself included.
#[must_use]
pub fn cases(c: char) -> ClassUnicode {
    ClassUnicode::new(orbit_of(c).into_iter().map(|c| ClassUnicodeRange::new(c, c)))
}

/// A text without regard to case, and where each of its places is in the text as it was.
#[derive(Debug, Default)]
pub struct Folded {
    text: String,
    /// For each byte where a character begins, and for the end, where that is in the text as it was; empty if it is the same.
    places: Vec<usize>,
}

impl Folded {
    /// Takes in a text in place of the one before.
    pub fn read(&mut self, text: &str) {
        self.text.clear();
        self.places.clear();
        if text.is_ascii() {
            self.text.push_str(text);
            self.text.make_ascii_lowercase();
            return;
        }
        for (at, c) in text.char_indices() {
            self.places.resize(self.text.len() + 1, at);
            self.text.push(orbit(c).0);
        }
        self.places.resize(self.text.len() + 1, text.len());
    }

    /// The text without regard to case.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where in the text as it was a place between characters is that is so many bytes into this one.
    #[must_use]
    pub fn place(&self, at: usize) -> usize {
        self.places.get(at).copied().unwrap_or(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stands_for_others_stands_for_itself() {
        for c in '\0'..=char::MAX {
            let (stands, size) = orbit(c);
            assert_eq!(orbit(stands), (stands, size), "{c:?}");
        }
    }

    #[test]
    fn sets_are_told_by_unicodes_simple_folding() {
        for c in ('\0'..'\u{20000}').step_by(7).chain(['k', 's', 'İ', 'ı', 'ß', 'ς', '\u{345}']) {
            let class = cases(c);
            assert_eq!(representatives(&class, 1), Some(vec![orbit(c).0]), "{c:?}");
            assert_eq!(super::super::walk::count(&class), orbit(c).1, "{c:?}");
        }
        let class = |chars: &str| ClassUnicode::new(chars.chars().map(|c| ClassUnicodeRange::new(c, c)));
        assert_eq!(representatives(&class("kK"), 8), None, "the Kelvin sign is missing");
        assert_eq!(representatives(&class("aAbB1"), 8), Some(vec!['1', 'a', 'b']));
        assert_eq!(representatives(&class("aAbB1"), 2), None);
    }

    #[test]
    fn places_are_those_of_the_text_as_it_was() {
        let mut folded = Folded::default();
        folded.read("@\u{212A}É\u{17F}x");
        assert_eq!(folded.text(), "@kÉsx");
        let boundaries: Vec<usize> = folded.text().char_indices().map(|(at, _)| folded.place(at)).collect();
        assert_eq!(boundaries, [0, 1, 4, 6, 8]);
        assert_eq!(folded.place(folded.text().len()), 9);
        folded.read("@IRC_");
        assert_eq!((folded.text(), folded.place(3)), ("@irc_", 3));
    }
}
