//! Scalars in single or double quotes.

use super::cursor::Cursor;
use super::error::{Problem, YamlError};
use super::scalar_text::ScalarText;
use super::token::{Scalar, Token, TokenKind};
use crate::{Grammar, Place};

pub(super) fn scan<'a>(cursor: &mut Cursor<'a>) -> Result<Token<'a>, YamlError> {
    let start = cursor.place();
    let quote = cursor.peek();
    cursor.advance_ascii(1);
    let mut text = ScalarText::of(cursor.source());
    scan_words(cursor, quote, start, &mut text)?;
    while cursor.peek() != quote {
        scan_spaces(cursor, start, &mut text)?;
        scan_words(cursor, quote, start, &mut text)?;
    }
    cursor.advance_ascii(1);
    let end = cursor.place();
    Ok(Token { kind: TokenKind::Scalar(Scalar { text: text.finish(), plain: false }), start, end })
}

fn scan_words<'a>(
    cursor: &mut Cursor<'a>,
    quote: u8,
    start: Place,
    text: &mut ScalarText<'a>,
) -> Result<(), YamlError> {
    let double = quote == b'"';
    loop {
        let before = cursor.offset();
        loop {
            cursor.skip_ascii(|byte| byte.is_ascii_graphic() && !is_special(byte));
            if cursor.is_blank(0) || is_special(cursor.peek()) {
                break;
            }
            cursor.advance();
        }
        text.push_source(before..cursor.offset());
        match cursor.peek() {
            b'\'' if !double && cursor.byte(1) == b'\'' => {
                text.push('\'');
                cursor.advance_ascii(2);
            }
            c @ (b'\'' | b'"' | b'\\') if (double && c == b'\'') || (!double && c != b'\'') => {
                text.push(char::from(c));
                cursor.advance_ascii(1);
            }
            b'\\' if double => scan_escape(cursor, start, text)?,
            _ => return Ok(()),
        }
    }
}

/// Whether a character may mean something else than itself, in one kind of quotes or the other.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"' | b'\\')
}

fn scan_escape(cursor: &mut Cursor<'_>, start: Place, text: &mut ScalarText<'_>) -> Result<(), YamlError> {
    let backslash = cursor.place();
    cursor.advance_ascii(1);
    let (escape, c) = (cursor.peek(), cursor.char());
    let replacement = match escape {
        b'0' => '\0',
        b'a' => '\x07',
        b'b' => '\x08',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\x0B',
        b'f' => '\x0C',
        b'r' => '\r',
        b'e' => '\x1B',
        b' ' | b'"' | b'\\' => char::from(escape),
        b'/' if cursor.grammar() != Grammar::GoYaml => '/',
        b'\'' if cursor.grammar() == Grammar::GoYaml => '\'',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        b'x' => return scan_code(cursor, 2, backslash, start, text),
        b'u' => return scan_code(cursor, 4, backslash, start, text),
        b'U' => return scan_code(cursor, 8, backslash, start, text),
        _ if cursor.is_break(0) => {
            cursor.line_break();
            return scan_breaks(cursor, start).map(|breaks| text.push_str(&breaks));
        }
        _ if cursor.at_end() => return Err(YamlError::since(Problem::UnclosedQuote, backslash, start)),
        _ => return Err(YamlError::since(Problem::UnknownEscape(c), backslash, start)),
    };
    text.push(replacement);
    cursor.advance_ascii(1);
    Ok(())
}

fn scan_code(
    cursor: &mut Cursor<'_>,
    digits: usize,
    backslash: Place,
    start: Place,
    text: &mut ScalarText<'_>,
) -> Result<(), YamlError> {
    let letter = cursor.char();
    cursor.advance_ascii(1);
    let mut code = 0_u32;
    for ahead in 0..digits {
        let Some(digit) = char::from(cursor.byte(ahead)).to_digit(16) else {
            return Err(YamlError::since(Problem::HexEscape(letter), backslash, start));
        };
        code = code << 4 | digit;
    }
    let surrogate = cursor.grammar().is_libyaml() && (0xD800..=0xDFFF).contains(&code);
    if code > 0x10_FFFF || surrogate {
        return Err(YamlError::since(Problem::NotACharacter, backslash, start));
    }
    text.push_code(code);
    cursor.advance_ascii(digits);
    Ok(())
}

fn scan_spaces<'a>(cursor: &mut Cursor<'a>, start: Place, text: &mut ScalarText<'a>) -> Result<(), YamlError> {
    let before = cursor.offset();
    while matches!(cursor.peek(), b' ' | b'\t') {
        cursor.advance_ascii(1);
    }
    let spaces = before..cursor.offset();
    if cursor.at_end() {
        return Err(YamlError::since(Problem::UnclosedQuote, cursor.place(), start));
    }
    let Some(first) = cursor.line_break() else {
        text.push_source(spaces);
        return Ok(());
    };
    let breaks = scan_breaks(cursor, start)?;
    if first != '\n' {
        text.push(first);
    } else if breaks.is_empty() {
        text.push(' ');
    }
    text.push_str(&breaks);
    Ok(())
}

fn scan_breaks(cursor: &mut Cursor<'_>, start: Place) -> Result<String, YamlError> {
    let mut breaks = String::new();
    loop {
        if cursor.is_separator() {
            return Err(YamlError::since(Problem::SeparatorInQuote, cursor.place(), start));
        }
        while matches!(cursor.peek(), b' ' | b'\t') {
            cursor.advance_ascii(1);
        }
        match cursor.line_break() {
            Some(c) => breaks.push(c),
            None => return Ok(breaks),
        }
    }
}
