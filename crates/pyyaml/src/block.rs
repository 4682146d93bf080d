//! Scalars after `|` and `>`.

use super::cursor::Cursor;
use super::error::{Problem, YamlError};
use super::scalar_text::ScalarText;
use super::token::{Scalar, Token, TokenKind};
use crate::Place;

/// What becomes of the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Clip,
    Keep,
    Strip,
}

/// Reads a scalar in a block that is indented by `parent`, which is -1 outside of any.
pub(super) fn scan<'a>(cursor: &mut Cursor<'a>, parent: i64) -> Result<Token<'a>, YamlError> {
    let min_indent = u32::try_from((parent + 1).max(1)).unwrap_or(u32::MAX);
    let start = cursor.place();
    let folded = cursor.peek() == b'>';
    cursor.advance_ascii(1);
    let (chomping, increment) = scan_indicators(cursor, start)?;
    skip_rest_of_line(cursor, start)?;
    let (indent, breaks) = match increment {
        Some(increment) => {
            let indent = min_indent + increment - 1;
            (indent, scan_breaks(cursor, indent)?)
        }
        None => {
            let (breaks, deepest) = scan_indentation(cursor)?;
            (min_indent.max(deepest), breaks)
        }
    };
    let text = scan_lines(cursor, folded, chomping, indent, breaks)?;
    let end = cursor.place();
    Ok(Token { kind: TokenKind::Scalar(Scalar { text: text.finish(), plain: false }), start, end })
}

fn scan_lines<'a>(
    cursor: &mut Cursor<'a>,
    folded: bool,
    chomping: Chomping,
    indent: u32,
    mut breaks: String,
) -> Result<ScalarText<'a>, YamlError> {
    let mut text = ScalarText::of(cursor.source());
    let mut line_break = None;
    let is_line = |cursor: &Cursor<'_>| cursor.column() == indent && !cursor.at_end();
    while is_line(cursor) {
        text.push_str(&breaks);
        let leading_text = !matches!(cursor.peek(), b' ' | b'\t');
        let before = cursor.offset();
        cursor.skip_line();
        text.push_source(before..cursor.offset());
        line_break = cursor.line_break();
        breaks = scan_breaks(cursor, indent)?;
        if !is_line(cursor) {
            break;
        }
        if folded && line_break == Some('\n') && leading_text && !matches!(cursor.peek(), b' ' | b'\t') {
            if breaks.is_empty() {
                text.push(' ');
            }
        } else if let Some(c) = line_break {
            text.push(c);
        }
    }
    if let (Some(c), false) = (line_break, chomping == Chomping::Strip) {
        text.push(c);
    }
    if chomping == Chomping::Keep {
        text.push_str(&breaks);
    }
    Ok(text)
}

fn scan_indicators(cursor: &mut Cursor<'_>, start: Place) -> Result<(Chomping, Option<u32>), YamlError> {
    let mut chomping = Chomping::Clip;
    let mut increment = None;
    if let Some(found) = scan_chomping(cursor) {
        chomping = found;
        increment = scan_increment(cursor, start)?;
    } else if let Some(found) = scan_increment(cursor, start)? {
        increment = Some(found);
        chomping = scan_chomping(cursor).unwrap_or(chomping);
    }
    if !cursor.grammar().is_libyaml() && !cursor.is_space_or_line_end(0) {
        return Err(YamlError::since(Problem::BlockHeader, cursor.place(), start));
    }
    Ok((chomping, increment))
}

fn scan_chomping(cursor: &mut Cursor<'_>) -> Option<Chomping> {
    let chomping = match cursor.peek() {
        b'+' => Chomping::Keep,
        b'-' => Chomping::Strip,
        _ => return None,
    };
    cursor.advance_ascii(1);
    Some(chomping)
}

fn scan_increment(cursor: &mut Cursor<'_>, start: Place) -> Result<Option<u32>, YamlError> {
    match cursor.peek() {
        b'0' => Err(YamlError::since(Problem::BlockHeader, cursor.place(), start)),
        digit @ b'1'..=b'9' => {
            cursor.advance_ascii(1);
            Ok(Some(u32::from(digit - b'0')))
        }
        _ => Ok(None),
    }
}

fn skip_rest_of_line(cursor: &mut Cursor<'_>, start: Place) -> Result<(), YamlError> {
    cursor.skip_blanks();
    if cursor.peek() == b'#' {
        cursor.skip_line();
    }
    if !cursor.is_line_end(0) {
        return Err(YamlError::since(Problem::BlockHeader, cursor.place(), start));
    }
    cursor.line_break();
    Ok(())
}

/// The line breaks before the first line, and the deepest column that spaces among them reach.
fn scan_indentation(cursor: &mut Cursor<'_>) -> Result<(String, u32), YamlError> {
    let mut breaks = String::new();
    let mut deepest = 0;
    loop {
        if cursor.peek() == b' ' {
            cursor.advance_ascii(1);
            deepest = deepest.max(cursor.column());
        } else if let Some(c) = cursor.line_break() {
            breaks.push(c);
        } else {
            refuse_tab(cursor)?;
            return Ok((breaks, deepest));
        }
    }
}

fn scan_breaks(cursor: &mut Cursor<'_>, indent: u32) -> Result<String, YamlError> {
    let mut breaks = String::new();
    loop {
        while cursor.column() < indent && cursor.peek() == b' ' {
            cursor.advance_ascii(1);
        }
        if cursor.column() < indent {
            refuse_tab(cursor)?;
        }
        match cursor.line_break() {
            Some(c) => breaks.push(c),
            None => return Ok(breaks),
        }
    }
}

/// libyaml wants no tab where a block is indented.
fn refuse_tab(cursor: &Cursor<'_>) -> Result<(), YamlError> {
    if cursor.grammar().is_libyaml() && cursor.peek() == b'\t' {
        return Err(YamlError::at(Problem::TabIndents, cursor.place()));
    }
    Ok(())
}
