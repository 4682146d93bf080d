//! Anchors, aliases, tags and directives.

use super::cursor::Cursor;
use super::error::{Problem, YamlError};
use super::token::{Directive, TagName, Token, TokenKind};
use crate::Place;

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn scan_word<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    let before = cursor.offset();
    while is_word(cursor.peek()) {
        cursor.advance_ascii(1);
    }
    cursor.slice(before)
}

pub(super) fn scan_anchor<'a>(cursor: &mut Cursor<'a>) -> Result<Token<'a>, YamlError> {
    let start = cursor.place();
    let sigil = cursor.peek();
    cursor.advance_ascii(1);
    let name = scan_word(cursor);
    if name.is_empty() {
        return Err(YamlError::since(Problem::NoAnchorName(char::from(sigil)), cursor.place(), start));
    }
    if !cursor.is_blank(0) && !b"?:,]}%@`".contains(&cursor.peek()) {
        return Err(YamlError::since(Problem::AnchorName(char::from(sigil)), cursor.place(), start));
    }
    let kind = if sigil == b'*' { TokenKind::Alias(name) } else { TokenKind::Anchor(name) };
    Ok(Token { kind, start, end: cursor.place() })
}

pub(super) fn scan_tag<'a>(cursor: &mut Cursor<'a>) -> Result<Token<'a>, YamlError> {
    let start = cursor.place();
    let tag = if cursor.byte(1) == b'<' {
        cursor.advance_ascii(2);
        let suffix = scan_uri(cursor, Problem::Tag, start)?;
        if cursor.peek() != b'>' {
            return Err(YamlError::since(Problem::Tag, cursor.place(), start));
        }
        cursor.advance_ascii(1);
        TagName { handle: None, suffix }
    } else if cursor.is_blank(1) {
        cursor.advance_ascii(1);
        TagName { handle: None, suffix: "!".to_owned() }
    } else {
        let handle = if has_second_bang(cursor) {
            scan_handle(cursor, Problem::Tag, start)?
        } else {
            cursor.advance_ascii(1);
            "!"
        };
        TagName { handle: Some(handle), suffix: scan_uri(cursor, Problem::Tag, start)? }
    };
    if !cursor.is_space_or_line_end(0) {
        return Err(YamlError::since(Problem::Tag, cursor.place(), start));
    }
    Ok(Token { kind: TokenKind::Tag(tag), start, end: cursor.place() })
}

/// Whether a second `!` follows before the next space: then the tag begins with a handle.
fn has_second_bang(cursor: &Cursor<'_>) -> bool {
    let mut ahead = 1;
    while !cursor.is_space_or_line_end(ahead) {
        if cursor.byte(ahead) == b'!' {
            return true;
        }
        ahead += 1;
    }
    false
}

fn scan_handle<'a>(cursor: &mut Cursor<'a>, problem: Problem, start: Place) -> Result<&'a str, YamlError> {
    let before = cursor.offset();
    if cursor.peek() != b'!' {
        return Err(YamlError::since(problem, cursor.place(), start));
    }
    cursor.advance_ascii(1);
    if cursor.peek() != b' ' {
        scan_word(cursor);
        if cursor.peek() != b'!' {
            return Err(YamlError::since(problem, cursor.place(), start));
        }
        cursor.advance_ascii(1);
    }
    Ok(cursor.slice(before))
}

fn scan_uri(cursor: &mut Cursor<'_>, problem: Problem, start: Place) -> Result<String, YamlError> {
    let mut uri = String::new();
    loop {
        match cursor.peek() {
            b'%' => scan_uri_escapes(cursor, problem, start, &mut uri)?,
            byte if byte.is_ascii_alphanumeric() || b"-;/?:@&=+$,_.!~*'()[]".contains(&byte) => {
                uri.push(char::from(byte));
                cursor.advance_ascii(1);
            }
            _ if uri.is_empty() => return Err(YamlError::since(problem, cursor.place(), start)),
            _ => return Ok(uri),
        }
    }
}

fn scan_uri_escapes(
    cursor: &mut Cursor<'_>,
    problem: Problem,
    start: Place,
    uri: &mut String,
) -> Result<(), YamlError> {
    let place = cursor.place();
    let mut bytes = Vec::new();
    while cursor.peek() == b'%' {
        let digit = |ahead| char::from(cursor.byte(ahead)).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (Some(high), Some(low)) = (digit(1), digit(2)) else {
            return Err(YamlError::since(problem, place, start));
        };
        bytes.push(high << 4 | low);
        cursor.advance_ascii(3);
    }
    let text = String::from_utf8(bytes).map_err(|_| YamlError::since(problem, place, start))?;
    uri.push_str(&text);
    Ok(())
}

pub(super) fn scan_directive(cursor: &mut Cursor<'_>) -> Result<Directive, YamlError> {
    let start = cursor.place();
    let refuse = |cursor: &Cursor<'_>| Err(YamlError::since(Problem::Directive, cursor.place(), start));
    cursor.advance_ascii(1);
    let name = scan_word(cursor);
    if name.is_empty() || !cursor.is_space_or_line_end(0) {
        return refuse(cursor);
    }
    let directive = match name {
        "YAML" => {
            cursor.skip_spaces();
            let one = scan_number(cursor, start)?;
            if cursor.peek() != b'.' {
                return refuse(cursor);
            }
            cursor.advance_ascii(1);
            scan_number(cursor, start)?;
            Directive::Version { one }
        }
        "TAG" => {
            cursor.skip_spaces();
            let handle = scan_handle(cursor, Problem::Directive, start)?.to_owned();
            if cursor.peek() != b' ' {
                return refuse(cursor);
            }
            cursor.skip_spaces();
            Directive::Tag { handle, prefix: scan_uri(cursor, Problem::Directive, start)? }
        }
        _ => {
            cursor.skip_line();
            Directive::Other
        }
    };
    if !cursor.is_space_or_line_end(0) {
        return refuse(cursor);
    }
    cursor.skip_spaces();
    if cursor.peek() == b'#' {
        cursor.skip_line();
    }
    if !cursor.is_line_end(0) {
        return refuse(cursor);
    }
    cursor.line_break();
    Ok(directive)
}

/// Whether the number is one.
fn scan_number(cursor: &mut Cursor<'_>, start: Place) -> Result<bool, YamlError> {
    let before = cursor.offset();
    while cursor.peek().is_ascii_digit() {
        cursor.advance_ascii(1);
    }
    let digits = cursor.slice(before);
    // CPython refuses to read more than 4,300 digits.
    if digits.is_empty() || digits.len() > python_text::MAX_DIGITS {
        return Err(YamlError::since(Problem::Directive, cursor.place(), start));
    }
    Ok(digits.trim_start_matches('0') == "1")
}
