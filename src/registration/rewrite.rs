//! A regex of a file, written anew: its scalar alone, quoted as it was, and every other byte as it is.
//!
//! What a scalar is differs from library to library, and so does what may stand in one. So the text is edited in the one way
//! that YAML, JSON and TOML have in common, a value within a line, and **the edited file is read again**: what the homeserver
//! reads in it has to be what it read before with the new regex in the place of the old. What is not so is no edit.

use std::ops::Range;
use std::sync::Arc;

use super::{Place, Regex, Registration, TokenHasher, ValidRegex, load_for};
use crate::homeserver::Homeserver;
use crate::matrix::Kind;
use zeroize::Zeroizing;

/// A file with one regex written anew.
#[derive(Debug)]
pub struct Rewritten {
    /// Where the old value ended: behind its last character.
    pub end: Place,
    /// The new value, as it stands in the file.
    pub text: String,
    /// The whole file.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// Which entry is written anew, and how its regex is to be.
#[derive(Clone, Copy, Debug)]
pub struct Rewrite<'r> {
    /// The list.
    pub kind: Kind,
    /// The position in it.
    pub index: u32,
    /// The regex as it is.
    pub replace: &'r str,
    /// The regex as it is to be.
    pub with: &'r str,
}

impl Rewrite<'_> {
    /// Writes it in a file; `None` if that cannot be done in the place of its value alone.
    #[must_use]
    pub fn of(
        &self,
        homeserver: &Homeserver,
        file: &Arc<str>,
        bytes: &[u8],
        hasher: &TokenHasher,
    ) -> Option<Rewritten> {
        let before = load_for(homeserver, file, bytes, hasher).ok()?;
        let entry = before.entries(self.kind).get(self.index as usize)?;
        if entry.regex.as_str() != self.replace {
            return None;
        }
        let source = std::str::from_utf8(bytes).ok()?;
        let value = value_at(source, entry.place, self.replace)?;
        let expected = self.expected(&before)?;
        let written = [source[value.clone()].chars().next().filter(|&c| c == '"'), None, Some('\'')];
        let plain = !source[value.clone()].starts_with(['"', '\'']);
        let ways = written.into_iter().filter(|way| way.is_some() || plain).map(|way| quoted(self.with, way));
        ways.into_iter().find_map(|text| {
            let mut edited = Zeroizing::new(Vec::with_capacity(bytes.len() + text.len()));
            edited.extend_from_slice(&bytes[..value.start]);
            edited.extend_from_slice(text.as_bytes());
            edited.extend_from_slice(&bytes[value.end..]);
            let after = load_for(homeserver, file, &edited, hasher).ok()?;
            let width = u32::try_from(source[value.clone()].chars().count()).ok()?;
            let end = Place { line: entry.place.line, column: entry.place.column.checked_add(width)? };
            is_same(&after, &expected).then_some(Rewritten { end, text, bytes: edited })
        })
    }

    fn expected(&self, before: &Registration) -> Option<Registration> {
        let mut expected = before.parts();
        let entry = expected.namespaces.of_mut(self.kind).get_mut(self.index as usize)?;
        entry.regex = ValidRegex::checked(self.with, |_| Ok::<(), ()>(())).ok()?;
        Some(expected.into())
    }
}

/// A value in a way that the file has: in quotation marks, or bare.
fn quoted(value: &str, mark: Option<char>) -> String {
    match mark {
        None => value.to_owned(),
        Some('\'') => format!("'{}'", value.replace('\'', "''")),
        Some(mark) => {
            let escaped = value.replace('\\', r"\\").replace(mark, &format!("\\{mark}"));
            format!("{mark}{escaped}{mark}")
        }
    }
}

/// The bytes of the value that begins at a place, with its quotation marks; `None` if it does not end in the same line.
fn value_at(source: &str, place: Place, value: &str) -> Option<Range<usize>> {
    let start = offset(source, place)?;
    let rest = &source[start..];
    let length = match rest.chars().next()? {
        '\'' => closed(&rest[1..], |rest| if rest.starts_with("''") { 2 } else { 0 }, '\'')? + 2,
        '"' => closed(&rest[1..], |rest| if rest.starts_with('\\') { 2 } else { 0 }, '"')? + 2,
        _ => rest.starts_with(value).then_some(value.len())?,
    };
    let is_within_line = !source.get(start..start + length)?.contains(ends_line);
    is_within_line.then_some(start..start + length)
}

/// How much stands before the closing mark; `skipped` says how many bytes are passed over where something else begins.
fn closed(rest: &str, skipped: impl Fn(&str) -> usize, mark: char) -> Option<usize> {
    let mut at = 0;
    while let Some(c) = rest.get(at..)?.chars().next() {
        match skipped(&rest[at..]) {
            0 if c == mark => return Some(at),
            0 => at += c.len_utf8(),
            more => at += more,
        }
    }
    None
}

const fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The byte at which a place is, as YAML's readers count lines and characters.
fn offset(source: &str, place: Place) -> Option<usize> {
    let (mut line, mut column) = (1, 1);
    let mut chars = source.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if (line, column) == (place.line, place.column) && c != '\u{FEFF}' {
            return Some(at);
        }
        match c {
            '\r' if chars.peek().is_some_and(|(_, next)| *next == '\n') => {}
            c if ends_line(c) => (line, column) = (line + 1, 1),
            '\u{FEFF}' => {}
            _ => column += 1,
        }
    }
    None
}

/// Whether two readings of a file say the same, wherever in it that stands.
fn is_same(one: &Registration, other: &Registration) -> bool {
    fn entries(of: &Registration) -> [Vec<(Regex<'_>, bool, Option<&str>)>; 3] {
        let said = |kind: Kind| {
            let entries = of.entries(kind).iter();
            entries.map(|entry| (entry.regex, entry.exclusive, entry.group_id)).collect::<Vec<_>>()
        };
        Kind::ALL.map(said)
    }
    let warnings = |of: &Registration| -> Vec<_> {
        of.warnings().iter().map(|warning| (warning.code, warning.message.clone())).collect()
    };
    entries(one) == entries(other)
        && warnings(one) == warnings(other)
        && one.id() == other.id()
        && one.url() == other.url()
        && one.sender_localpart() == other.sender_localpart()
        && one.as_token() == other.as_token()
        && one.hs_token() == other.hs_token()
        && one.protocols() == other.protocols()
        && one.rate_limited() == other.rate_limited()
        && one.proxy_prefix() == other.proxy_prefix()
        && one.extra() == other.extra()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::homeserver::Dialect;

    fn rewritten(regex: &str, with: &str) -> Option<(String, Place)> {
        let head =
            "id: irc\nurl:\nas_token: an-as-token-0123456789\nhs_token: an-hs-token-0123456789\nsender_localpart: i\n";
        let file = format!("{head}namespaces:\n  users:\n  - exclusive: true\n    regex: {regex}  # ü\r\n");
        let homeserver = Homeserver::new("example.com".parse().expect("a name"), Dialect::default());
        let name = "irc.yaml".into();
        let hasher = TokenHasher::new();
        let loaded = load_for(&homeserver, &name, file.as_bytes(), &hasher).expect("it loads");
        let replace = loaded.entries(Kind::User).at(0).regex.as_str();
        let rewrite = Rewrite { kind: Kind::User, index: 0, replace, with };
        let Rewritten { end, text, bytes } = rewrite.of(&homeserver, &name, file.as_bytes(), &hasher)?;
        let expected = file.replace(&format!("regex: {regex}  #"), &format!("regex: {text}  #"));
        assert_eq!(std::str::from_utf8(&bytes), Ok(&*expected));
        Some((text, end))
    }

    #[test]
    fn a_regex_is_quoted_as_it_was() {
        for (regex, with, text) in [
            (r"'@irc_.*'", r"@irc_.*:a\.b$", Some(r"'@irc_.*:a\.b$'")),
            ("\"@irc_.*\"", r"@irc_.*:a\.b$", Some(r#""@irc_.*:a\\.b$""#)),
            (r"^@irc_.*", r"^@irc_.*:a\.b$", Some(r"^@irc_.*:a\.b$")),
            // Bare, that would be something else.
            (r"irc_.*", "@irc_.*", Some("'@irc_.*'")),
            (r"irc_.*", "#irc: a", Some("'#irc: a'")),
            ("'@it''s_.*'", "@it's_(?!x).*", Some("'@it''s_(?!x).*'")),
            ("\"@\\x41\\\"_.*\"", "@A\"_", Some("\"@A\\\"_\"")),
            ("|-\n      @irc_.*\n   ", "@a", None),
            ("'@a\n      b'", "@a", None),
            ("!!str '@irc_.*'", "@a", None),
        ] {
            assert_eq!(rewritten(regex, with).map(|(text, _)| text).as_deref(), text, "{regex}");
        }
        assert_eq!(rewritten("'@ü_.*'", "@a").map(|(_, end)| end), Some(Place { line: 9, column: 19 }));
    }
}
