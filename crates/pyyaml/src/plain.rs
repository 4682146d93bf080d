//! Scalars without quotes.

use std::ops::Range;

use super::cursor::Cursor;
use super::scalar_text::ScalarText;
use super::token::{Scalar, Token, TokenKind};

/// A plain scalar, and whether a key may begin after it: it may where the scalar ended with its line.
pub(super) struct Plain<'a> {
    pub(super) token: Token<'a>,
    pub(super) allow_simple_key: bool,
}

/// Reads a scalar in a block that is indented by `parent`, or between brackets.
pub(super) fn scan<'a>(cursor: &mut Cursor<'a>, parent: i64, in_flow: bool) -> Plain<'a> {
    let start = cursor.place();
    let mut end = start;
    let mut text = ScalarText::of(cursor.source());
    let mut allow_simple_key = false;
    let mut spaces = Spaces::None;
    while cursor.peek() != b'#' {
        let before = cursor.offset();
        while !ends_word(cursor, in_flow) {
            cursor.advance();
        }
        if cursor.offset() == before {
            break;
        }
        match spaces {
            Spaces::None => {}
            Spaces::Plain(stretch) => text.push_source(stretch),
            Spaces::Folded(breaks) => text.push_str(&breaks),
        }
        text.push_source(before..cursor.offset());
        end = cursor.place();
        spaces = skip_spaces(cursor);
        allow_simple_key = cursor.line() + 1 > end.line;
        let outside = !in_flow && i64::from(cursor.column()) <= parent;
        if outside || matches!(spaces, Spaces::None) {
            break;
        }
    }
    let kind = TokenKind::Scalar(Scalar { text: text.finish(), plain: true });
    Plain { token: Token { kind, start, end }, allow_simple_key }
}

fn ends_word(cursor: &Cursor<'_>, in_flow: bool) -> bool {
    match cursor.peek() {
        b':' => cursor.is_blank(1) || (in_flow && matches!(cursor.byte(1), b',' | b'[' | b']' | b'{' | b'}')),
        b',' | b'?' | b'[' | b']' | b'{' | b'}' => in_flow,
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

fn skip_spaces(cursor: &mut Cursor<'_>) -> Spaces {
    let before = cursor.offset();
    cursor.skip_spaces();
    let spaces = before..cursor.offset();
    let Some(first) = cursor.line_break() else {
        return if spaces.is_empty() { Spaces::None } else { Spaces::Plain(spaces) };
    };
    if cursor.is_separator() {
        return Spaces::None;
    }
    let mut breaks = String::new();
    loop {
        if cursor.peek() == b' ' {
            cursor.advance_ascii(1);
        } else if let Some(c) = cursor.line_break() {
            breaks.push(c);
            if cursor.is_separator() {
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
