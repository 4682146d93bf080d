use crate::tables::{ALIASES, ID_CONTINUE, ID_START, NAMED};

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

#[cfg(test)]
mod tests {
    use super::*;

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
