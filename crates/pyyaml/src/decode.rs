use std::borrow::Cow;

use super::error::{Problem, YamlError};
use crate::{Grammar, Place};

/// What CPython's text mode and PyYAML's reader make of the bytes of a file: strict UTF-8, `\r\n` and `\r` read as
/// `\n`, and none of the characters that YAML forbids. A byte order mark stays; the scanner skips it.
pub(super) fn decode(bytes: &[u8], grammar: Grammar) -> Result<Cow<'_, str>, YamlError> {
    let text = match (grammar, bytes) {
        (Grammar::GoYaml, [0xFF, 0xFE, rest @ ..]) => utf16(rest, u16::from_le_bytes)?,
        (Grammar::GoYaml, [0xFE, 0xFF, rest @ ..]) => utf16(rest, u16::from_be_bytes)?,
        (Grammar::GoYaml, [0xEF, 0xBB, 0xBF, rest @ ..]) => utf8(rest)?,
        _ => utf8(bytes)?,
    };
    if text.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b' '..=b'~')) {
        return Ok(text);
    }
    match text.char_indices().find(|&(_, c)| !is_printable(c)) {
        Some((at, c)) => Err(YamlError::at(Problem::Unprintable(c), place_after(&text[..at]))),
        None => Ok(text),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, YamlError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let sound = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        YamlError::at(Problem::NotUtf8, place_after(&unify_newlines(&sound)))
    })?;
    Ok(unify_newlines(text))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'static, str>, YamlError> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|&pair| unit(pair))).collect();
    match text {
        Ok(text) if odd.is_empty() => Ok(unify_newlines(&text).into_owned().into()),
        _ => Err(YamlError::at(Problem::NotUtf8, Place { line: 1, column: 1 })),
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
