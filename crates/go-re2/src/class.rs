//! Classes: in brackets, and behind a backslash.

use crate::error::{Error, ErrorKind};
use crate::escape::{self, character};
use crate::names::Group;
use crate::set::Set;

/// The set in brackets, and what follows. The text begins with the bracket.
pub(crate) fn bracketed(text: &str, fold: bool) -> Result<(Set, &str), Error> {
    let behind = &text[1..];
    let (negated, mut rest) = behind.strip_prefix('^').map_or((false, behind), |rest| (true, rest));
    let mut set = Set::default();
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if let Some(after) = named(rest, fold, &mut set)? {
            rest = after;
        } else if let Some(after) = escaped(rest, fold, &mut set)? {
            rest = after;
        } else {
            rest = range(rest, text, fold, &mut set)?;
        }
    }
    set.clean();
    if negated {
        set.negate();
    }
    Ok((set, &rest[1..]))
}

/// Adds `[:alpha:]`, if the text begins so, and returns what follows.
fn named<'s>(text: &'s str, fold: bool, set: &mut Set) -> Result<Option<&'s str>, Error> {
    let Some((name, rest)) = text.strip_prefix("[:").and_then(|behind| behind.split_once(":]")) else {
        return Ok(None);
    };
    let group = Group::posix(name);
    let group = group.ok_or_else(|| Error::new(ErrorKind::InvalidCharRange, &text[..text.len() - rest.len()]))?;
    group.add_to(set, fold);
    Ok(Some(rest))
}

/// Adds `\d`, `\pL`, `\p{Greek}`, if the text begins so, and returns what follows.
pub(crate) fn escaped<'s>(text: &'s str, fold: bool, set: &mut Set) -> Result<Option<&'s str>, Error> {
    let Some(behind) = text.strip_prefix('\\').filter(|behind| !behind.is_empty()) else { return Ok(None) };
    let (letter, behind) = character(behind);
    if !matches!(letter, 'p' | 'P') {
        let group = Group::perl(letter);
        return Ok(group.map(|group| {
            group.add_to(set, fold);
            behind
        }));
    }
    let (c, after) = character(behind);
    let (name, rest) = if c == '{' {
        after.split_once('}').ok_or_else(|| Error::new(ErrorKind::InvalidCharRange, text))?
    } else {
        (&behind[..behind.len() - after.len()], after)
    };
    let group = Group::unicode(name);
    let mut group = group.ok_or_else(|| Error::new(ErrorKind::InvalidCharRange, &text[..text.len() - rest.len()]))?;
    if letter == 'P' {
        group.negate();
    }
    group.add_to(set, fold);
    Ok(Some(rest))
}

/// Adds a character or a range, and returns what follows. `class`: what is to be shown if the class does not end.
fn range<'s>(text: &'s str, class: &str, fold: bool, set: &mut Set) -> Result<&'s str, Error> {
    let (low, mut rest) = member(text, class)?;
    let mut high = low;
    // A hyphen that is last is itself.
    if let Some(behind) = rest.strip_prefix('-').filter(|behind| !behind.is_empty() && !behind.starts_with(']')) {
        (high, rest) = member(behind, class)?;
        if high < low {
            return Err(Error::new(ErrorKind::InvalidCharRange, &text[..text.len() - rest.len()]));
        }
    }
    if fold {
        set.add_folded(low, high);
    } else {
        set.add(low, high);
    }
    Ok(rest)
}

fn member<'s>(text: &'s str, class: &str) -> Result<(u32, &'s str), Error> {
    match character(text) {
        _ if text.is_empty() => Err(Error::new(ErrorKind::MissingBracket, class)),
        ('\\', _) => escape::escaped(text),
        (c, rest) => Ok((c.into(), rest)),
    }
}
