//! Anchors, aliases, tags and directives.

use super::cursor::Cursor;
use super::error::{Problem, YamlError};
use super::token::{Directive, TagName, Token, TokenKind};
use crate::{Grammar, Place};

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

pub(super) fn scan_tag<'a>(cursor: &mut Cursor<'a>, in_flow: bool) -> Result<Token<'a>, YamlError> {
    let start = cursor.place();
    let tag = if cursor.byte(1) == b'<' {
        cursor.advance_ascii(2);
        let suffix = scan_uri(cursor, Problem::Tag, start, Uri::Verbatim)?;
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
        match scan_uri(cursor, Problem::Tag, start, Uri::Suffix)? {
            suffix if suffix.is_empty() && handle == "!" => TagName { handle: None, suffix: "!".to_owned() },
            suffix if suffix.is_empty() => return Err(YamlError::since(Problem::Tag, cursor.place(), start)),
            suffix => TagName { handle: Some(handle), suffix },
        }
    };
    let ends_early = in_flow && cursor.grammar() == Grammar::LibYaml && cursor.peek() == b',';
    if !cursor.is_blank_after_word(0) && !ends_early {
        return Err(YamlError::since(Problem::Tag, cursor.place(), start));
    }
    Ok(Token { kind: TokenKind::Tag(tag), start, end: cursor.place() })
}

/// Whether a second `!` follows before the next space: then the tag begins with a handle. For libyaml nothing but a word
/// may stand between the two; else all of it is the tag's own name.
fn has_second_bang(cursor: &Cursor<'_>) -> bool {
    let mut ahead = 1;
    if cursor.grammar().is_libyaml() {
        while is_word(cursor.byte(ahead)) {
            ahead += 1;
        }
        return cursor.byte(ahead) == b'!';
    }
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
    let alone = if cursor.grammar().is_libyaml() {
        !is_word(cursor.peek()) && cursor.peek() != b'!'
    } else {
        cursor.peek() == b' '
    };
    if !alone {
        scan_word(cursor);
        if cursor.peek() != b'!' {
            return Err(YamlError::since(problem, cursor.place(), start));
        }
        cursor.advance_ascii(1);
    }
    Ok(cursor.slice(before))
}

/// What a URI is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Uri {
    /// All of a tag, within `!<…>`.
    Verbatim,
    /// What follows a handle.
    Suffix,
    /// What a handle stands for.
    Prefix,
}

fn scan_uri(cursor: &mut Cursor<'_>, problem: Problem, start: Place, of: Uri) -> Result<String, YamlError> {
    let grammar = cursor.grammar();
    // Elsewhere these end an entry between brackets.
    let with_brackets = grammar != Grammar::LibYaml || of != Uri::Suffix;
    let mut uri = String::new();
    loop {
        match cursor.peek() {
            b'%' => scan_uri_escapes(cursor, problem, start, &mut uri)?,
            byte if byte.is_ascii_alphanumeric()
                || b"-;/?:@&=+$_.!~*'()".contains(&byte)
                || (with_brackets && b",[]".contains(&byte)) =>
            {
                uri.push(char::from(byte));
                cursor.advance_ascii(1);
            }
            // For libyaml a `!` is a tag of its own, whatever follows it.
            _ if uri.is_empty() && !(grammar.is_libyaml() && of == Uri::Suffix) => {
                return Err(YamlError::since(problem, cursor.place(), start));
            }
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
    if name.is_empty() || !cursor.is_blank_after_word(0) {
        return refuse(cursor);
    }
    let directive = match name {
        "YAML" => {
            cursor.skip_blanks();
            let major = scan_number(cursor, start)?;
            if cursor.peek() != b'.' {
                return refuse(cursor);
            }
            cursor.advance_ascii(1);
            let minor = scan_number(cursor, start)?;
            Directive::Version { known: is_known(cursor.grammar(), major, minor) }
        }
        "TAG" => {
            cursor.skip_blanks();
            let handle = scan_handle(cursor, Problem::Directive, start)?.to_owned();
            if !(cursor.peek() == b' ' || (cursor.peek() == b'\t' && cursor.grammar().is_libyaml())) {
                return refuse(cursor);
            }
            cursor.skip_blanks();
            let prefix = scan_uri(cursor, Problem::Directive, start, Uri::Prefix)?;
            if cursor.grammar().is_libyaml() && !cursor.is_blank(0) {
                return refuse(cursor);
            }
            Directive::Tag { handle, prefix }
        }
        _ if cursor.grammar().is_libyaml() => return refuse(cursor),
        _ => {
            cursor.skip_line();
            Directive::Other
        }
    };
    if !cursor.grammar().is_libyaml() && !cursor.is_space_or_line_end(0) {
        return refuse(cursor);
    }
    cursor.skip_blanks();
    if cursor.peek() == b'#' {
        cursor.skip_line();
    }
    if !cursor.is_line_end(0) {
        return refuse(cursor);
    }
    cursor.line_break();
    Ok(directive)
}

/// Whether a version of YAML is read at all.
fn is_known(grammar: Grammar, major: &str, minor: &str) -> bool {
    let number = |digits: &str| digits.trim_start_matches('0').to_owned();
    let (major, minor) = (number(major), number(minor));
    major == "1"
        && match grammar {
            Grammar::PyYaml => true,
            Grammar::LibYaml => minor == "1" || minor == "2",
            Grammar::GoYaml => minor == "1",
        }
}

/// The digits of a number.
fn scan_number<'a>(cursor: &mut Cursor<'a>, start: Place) -> Result<&'a str, YamlError> {
    let before = cursor.offset();
    while cursor.peek().is_ascii_digit() {
        cursor.advance_ascii(1);
    }
    let digits = cursor.slice(before);
    let most = match cursor.grammar() {
        // CPython refuses to read more.
        Grammar::PyYaml => python_text::MAX_DIGITS,
        Grammar::LibYaml => 9,
        Grammar::GoYaml => 2,
    };
    if digits.is_empty() || digits.len() > most {
        return Err(YamlError::since(Problem::Directive, cursor.place(), start));
    }
    Ok(digits)
}
