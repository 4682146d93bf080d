use super::flags::Flags;
use super::groups::Groups;
use super::names::named_character;
use super::tokens::{Result, Tokens};
use crate::ast::Anchor;
use crate::characters::Category;
use crate::error::{Named, PatternError, PatternErrorKind};

/// What an escape outside of a set means.
pub(super) enum Escape {
    Literal(u32),
    Category { category: Category, negated: bool },
    Anchor(Anchor),
    Reference(u32),
}

/// What an escape within a set means.
pub(super) enum SetEscape {
    Literal(u32),
    Category { category: Category, negated: bool },
}

/// Reads the rest of an escape outside of a set, whose backslash and next character have been taken.
pub(super) fn escape(tokens: &mut Tokens, c: char, flags: Flags, groups: &Groups) -> Result<Escape> {
    let boundary = |negated| Escape::Anchor(Anchor::WordBoundary { negated, ascii: flags.ascii });
    Ok(match c {
        'A' => Escape::Anchor(Anchor::Start),
        'Z' => Escape::Anchor(Anchor::End),
        'b' => boundary(false),
        'B' => boundary(true),
        '0' => {
            let digits = tokens.take_while(2, is_octal)?;
            Escape::Literal(number(&digits, 8))
        }
        '1'..='9' => digits(tokens, c, groups)?,
        _ => match category(c) {
            Some((category, negated)) => Escape::Category { category, negated },
            None => Escape::Literal(character(tokens, c)?),
        },
    })
}

/// Reads the rest of an escape within a set, whose backslash and next character have been taken.
pub(super) fn set_escape(tokens: &mut Tokens, c: char) -> Result<SetEscape> {
    Ok(match c {
        'b' => SetEscape::Literal(8),
        '0'..='7' => {
            let digits = format!("{c}{}", tokens.take_while(2, is_octal)?);
            SetEscape::Literal(octal(tokens, &digits)?)
        }
        '8' | '9' => return Err(tokens.error(PatternErrorKind::BadEscape(format!("\\{c}")), 2)),
        _ => match category(c) {
            Some((category, negated)) => SetEscape::Category { category, negated },
            None => SetEscape::Literal(character(tokens, c)?),
        },
    })
}

fn category(c: char) -> Option<(Category, bool)> {
    let category = match c.to_ascii_lowercase() {
        'd' => Category::Digit,
        's' => Category::Space,
        'w' => Category::Word,
        _ => return None,
    };
    Some((category, c.is_ascii_uppercase()))
}

/// Digits that do not begin with zero are an octal escape if they are three octal digits, else a back-reference.
fn digits(tokens: &mut Tokens, first: char, groups: &Groups) -> Result<Escape> {
    let mut digits = String::from(first);
    digits += &tokens.take_while(1, |c| c.is_ascii_digit())?;
    if digits.len() == 2 && digits.chars().all(is_octal) {
        digits += &tokens.take_while(1, is_octal)?;
    }
    if digits.len() == 3 {
        return octal(tokens, &digits).map(Escape::Literal);
    }
    let group = number(&digits, 10);
    if group >= groups.count() {
        return Err(tokens.error(PatternErrorKind::InvalidGroupReference(group.to_string()), digits.len()));
    }
    if groups.width(group).is_none() {
        return Err(tokens.error(PatternErrorKind::OpenGroupReference, digits.len() + 1));
    }
    groups.check_look_behind(group, tokens)?;
    Ok(Escape::Reference(group))
}

fn octal(tokens: &Tokens, digits: &str) -> Result<u32> {
    let value = number(digits, 8);
    if value > 0o377 {
        return Err(tokens.error(PatternErrorKind::OctalOutOfRange(format!("\\{digits}")), digits.len() + 1));
    }
    Ok(value)
}

/// The escapes that stand for one character in a set and outside alike.
fn character(tokens: &mut Tokens, c: char) -> Result<u32> {
    Ok(match c {
        'a' => 7,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        'x' => number(&hexadecimal(tokens, c, 2)?, 16),
        'u' => number(&hexadecimal(tokens, c, 4)?, 16),
        'U' => {
            let digits = hexadecimal(tokens, c, 8)?;
            let value = number(&digits, 16);
            if i32::try_from(value).is_err() {
                return Err(PatternError::without_position(PatternErrorKind::CharacterTooLarge));
            }
            if value > 0x10_FFFF {
                return Err(tokens.error(PatternErrorKind::BadEscape(format!("\\U{digits}")), 10));
            }
            value
        }
        'N' => named(tokens)?,
        _ if c.is_ascii_alphabetic() => return Err(tokens.error(PatternErrorKind::BadEscape(format!("\\{c}")), 2)),
        _ => c.into(),
    })
}

fn hexadecimal(tokens: &mut Tokens, c: char, wanted: usize) -> Result<String> {
    let digits = tokens.take_while(wanted, |c| c.is_ascii_hexdigit())?;
    if digits.len() < wanted {
        return Err(tokens.error(PatternErrorKind::IncompleteEscape(format!("\\{c}{digits}")), digits.len() + 2));
    }
    Ok(digits)
}

fn named(tokens: &mut Tokens) -> Result<u32> {
    if !tokens.take('{')? {
        return Err(tokens.error(PatternErrorKind::MissingBrace, 0));
    }
    let name = tokens.take_until('}', Named::Character)?;
    named_character(&name).map(u32::from).ok_or_else(|| {
        let before = name.chars().count() + r"\N{}".len();
        tokens.error(PatternErrorKind::UndefinedCharacterName(name), before)
    })
}

fn is_octal(c: char) -> bool {
    c.is_digit(8)
}

/// The value of at most eight digits; of none, zero.
fn number(digits: &str, radix: u32) -> u32 {
    u32::from_str_radix(digits, radix).unwrap_or(0)
}
