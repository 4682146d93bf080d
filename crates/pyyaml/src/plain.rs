//! Scalars without quotes.

use std::ops::Range;

use super::cursor::Cursor;
use super::error::{Problem, YamlError};
use super::scalar_text::ScalarText;
use super::token::{Scalar, Token, TokenKind};
use crate::Grammar;

/// A plain scalar, and whether a key may begin after it: it may where the scalar ended with its line.
pub(super) struct Plain<'a> {
    pub(super) token: Token<'a>,
    pub(super) allow_simple_key: bool,
}

/// Reads a scalar in a block that is indented by `parent`, or between brackets.
pub(super) fn scan<'a>(cursor: &mut Cursor<'a>, parent: i64, in_flow: bool) -> Result<Plain<'a>, YamlError> {
    let start = cursor.place();
    let mut end = start;
    let mut text = ScalarText::of(cursor.source());
    let mut allow_simple_key = false;
    let mut spaces = Spaces::None;
    while cursor.peek() != b'#' {
        let before = cursor.offset();
        loop {
            cursor.skip_ascii(is_of_word);
            if ends_word(cursor, in_flow) {
                break;
            }
            if in_flow && cursor.grammar() == Grammar::LibYaml && is_odd_colon(cursor) {
                return Err(YamlError::since(Problem::ColonInFlow, cursor.place(), start));
            }
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
        spaces = skip_spaces(cursor, parent)?;
        allow_simple_key = cursor.line() + 1 > end.line;
        let outside = !in_flow && i64::from(cursor.column()) <= parent;
        if outside || matches!(spaces, Spaces::None) {
            break;
        }
    }
    let kind = TokenKind::Scalar(Scalar { text: text.finish(), plain: true });
    Ok(Plain { token: Token { kind, start, end }, allow_simple_key })
}

/// Whether a character, wherever in a word it stands, is of it: what ends one is a blank or stands below.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b':' | b'?' | b',' | b'[' | b']' | b'{' | b'}')
}

fn ends_word(cursor: &Cursor<'_>, in_flow: bool) -> bool {
    let grammar = cursor.grammar();
    match cursor.peek() {
        b':' if cursor.is_blank(1) => true,
        b':' => in_flow && grammar == Grammar::PyYaml && matches!(cursor.byte(1), b',' | b'[' | b']' | b'{' | b'}'),
        b'?' => in_flow && grammar != Grammar::LibYaml,
        b',' | b'[' | b']' | b'{' | b'}' => in_flow,
        _ => cursor.is_blank(0),
    }
}

/// A colon between brackets that libyaml does not want to guess about.
fn is_odd_colon(cursor: &Cursor<'_>) -> bool {
    cursor.peek() == b':' && matches!(cursor.byte(1), b',' | b'?' | b'[' | b']' | b'{' | b'}')
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

fn skip_spaces(cursor: &mut Cursor<'_>, parent: i64) -> Result<Spaces, YamlError> {
    let before = cursor.offset();
    cursor.skip_blanks();
    let spaces = before..cursor.offset();
    let Some(first) = cursor.line_break() else {
        return Ok(if spaces.is_empty() { Spaces::None } else { Spaces::Plain(spaces) });
    };
    if cursor.is_separator() {
        return Ok(Spaces::None);
    }
    let mut breaks = String::new();
    let libyaml = cursor.grammar().is_libyaml();
    loop {
        if cursor.peek() == b' ' {
            cursor.advance_ascii(1);
        } else if libyaml && cursor.peek() == b'\t' {
            if i64::from(cursor.column()) <= parent {
                return Err(YamlError::at(Problem::TabIndents, cursor.place()));
            }
            cursor.advance_ascii(1);
        } else if let Some(c) = cursor.line_break() {
            breaks.push(c);
            if cursor.is_separator() {
                return Ok(Spaces::None);
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
    Ok(Spaces::Folded(breaks))
}
