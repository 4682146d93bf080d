//! Characters, as they are and behind a backslash.

use crate::error::{Error, ErrorKind};
use crate::set::MAX_RUNE;

/// The first character of a text and what follows; of the empty text, what Go takes for a character that is none.
pub(crate) fn character(text: &str) -> (char, &str) {
    let mut chars = text.chars();
    (chars.next().unwrap_or(char::REPLACEMENT_CHARACTER), chars.as_str())
}

/// The code point that an escape stands for, and what follows. The text begins with the backslash.
pub(crate) fn escaped(text: &str) -> Result<(u32, &str), Error> {
    let behind = &text[1..];
    if behind.is_empty() {
        return Err(Error::new(ErrorKind::TrailingBackslash, ""));
    }
    let (c, rest) = character(behind);
    let is_octal = |c: char| c.is_digit(8);
    let (found, rest) = match c {
        // A digit alone would refer to a group.
        '1'..='7' if !character(rest).0.is_digit(8) => (None, rest),
        c if is_octal(c) => {
            let rest =
                behind.char_indices().find(|&(at, c)| at == 3 || !is_octal(c)).map_or("", |(at, _)| &behind[at..]);
            let digits = &behind[..behind.len() - rest.len()];
            (u32::from_str_radix(digits, 8).ok(), rest)
        }
        'x' => hexadecimal(rest),
        'a' => (Some(0x07), rest),
        'f' => (Some(0x0C), rest),
        'n' => (Some(0x0A), rest),
        'r' => (Some(0x0D), rest),
        't' => (Some(0x09), rest),
        'v' => (Some(0x0B), rest),
        // What is no letter or digit is always itself.
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => (Some(c.into()), rest),
        _ => (None, rest),
    };
    match found {
        Some(c) => Ok((c, rest)),
        None => Err(Error::new(ErrorKind::InvalidEscape, &text[..text.len() - rest.len()])),
    }
}

/// What follows `\x`: two digits, or any number in braces. If it is wrong, what follows the first character that is.
fn hexadecimal(text: &str) -> (Option<u32>, &str) {
    if text.is_empty() {
        return (None, text);
    }
    let (first, mut rest) = character(text);
    if first != '{' {
        let (second, rest) = character(rest);
        let digits = first.to_digit(16).zip(second.to_digit(16));
        return (digits.map(|(high, low)| high * 16 + low), rest);
    }
    let mut number = None;
    while !rest.is_empty() {
        let (c, after) = character(rest);
        rest = after;
        if c == '}' {
            return (number, rest);
        }
        let Some(digit) = c.to_digit(16) else { break };
        let value = number.unwrap_or(0) * 16 + digit;
        if value > MAX_RUNE {
            break;
        }
        number = Some(value);
    }
    (None, rest)
}
