use std::borrow::Cow;

use super::error::{Problem, YamlError};
use crate::Place;

/// What CPython's text mode and PyYAML's reader make of the bytes of a file: strict UTF-8, `\r\n` and `\r` read as
/// `\n`, and none of the characters that YAML forbids. A byte order mark stays; the scanner skips it.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, YamlError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let sound = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        YamlError::at(Problem::NotUtf8, place_after(&unify_newlines(&sound)))
    })?;
    let text = unify_newlines(text);
    match text.char_indices().find(|&(_, c)| !is_printable(c)) {
        Some((at, c)) => Err(YamlError::at(Problem::Unprintable(c), place_after(&text[..at]))),
        None => Ok(text),
    }
}

fn unify_newlines(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

const fn is_printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Where the character after `text` stands.
fn place_after(text: &str) -> Place {
    let mut place = Place { line: 1, column: 1 };
    for c in text.chars() {
        match c {
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => place = Place { line: place.line + 1, column: 1 },
            '\u{FEFF}' => {}
            _ => place.column += 1,
        }
    }
    place
}
