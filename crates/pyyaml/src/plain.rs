//! Scalars without quotes.

use std::ops::Range;

use super::error::YamlError;
use super::pieces::Pieces;
use super::scanner::Scanner;
use super::token::{Scalar, Token, TokenKind};

#[expect(clippy::unnecessary_wraps, reason = "of one shape with what scans the other scalars")]
pub(super) fn scan<'a>(scanner: &mut Scanner<'a>) -> Result<Token<'a>, YamlError> {
    let start = scanner.cursor.place();
    let mut end = start;
    let indent = scanner.indent + 1;
    let mut pieces = Pieces::of(scanner.cursor.source());
    let mut spaces = Spaces::None;
    while scanner.cursor.peek() != b'#' {
        let before = scanner.cursor.offset();
        while !ends_word(scanner) {
            scanner.cursor.advance();
        }
        if scanner.cursor.offset() == before {
            break;
        }
        scanner.allow_simple_key = false;
        match spaces {
            Spaces::None => {}
            Spaces::Plain(stretch) => pieces.push_source(stretch),
            Spaces::Folded(breaks) => pieces.push_str(&breaks),
        }
        pieces.push_source(before..scanner.cursor.offset());
        end = scanner.cursor.place();
        spaces = skip_spaces(scanner);
        let outside = !scanner.in_flow() && i64::from(scanner.cursor.column()) < indent;
        if outside || matches!(spaces, Spaces::None) {
            break;
        }
    }
    Ok(Token { kind: TokenKind::Scalar(Scalar { text: pieces.finish(), plain: true }), start, end })
}

fn ends_word(scanner: &Scanner<'_>) -> bool {
    let cursor = &scanner.cursor;
    match cursor.peek() {
        b':' => cursor.is_blank(1) || (scanner.in_flow() && matches!(cursor.byte(1), b',' | b'[' | b']' | b'{' | b'}')),
        b',' | b'?' | b'[' | b']' | b'{' | b'}' => scanner.in_flow(),
        _ => cursor.is_blank(0),
    }
}

/// What stands between two words.
enum Spaces {
    /// Nothing, or a document separator: the scalar ends.
    None,
    /// Spaces on the same line.
    Plain(Range<usize>),
    /// What line breaks fold to.
    Folded(String),
}

fn skip_spaces(scanner: &mut Scanner<'_>) -> Spaces {
    let before = scanner.cursor.offset();
    scanner.cursor.skip_spaces();
    let spaces = before..scanner.cursor.offset();
    let Some(first) = scanner.cursor.line_break() else {
        return if spaces.is_empty() { Spaces::None } else { Spaces::Plain(spaces) };
    };
    scanner.allow_simple_key = true;
    if scanner.cursor.is_separator() {
        return Spaces::None;
    }
    let mut breaks = String::new();
    loop {
        if scanner.cursor.peek() == b' ' {
            scanner.cursor.advance_ascii(1);
        } else if let Some(c) = scanner.cursor.line_break() {
            breaks.push(c);
            if scanner.cursor.is_separator() {
                return Spaces::None;
            }
        } else {
            break;
        }
    }
    if first != '\n' {
        breaks.insert(0, first);
    } else if breaks.is_empty() {
        breaks.push(' ');
    }
    Spaces::Folded(breaks)
}
