//! A shortest text of a language, by a breadth-first search through its derivatives.
//!
//! The states are terms, and their number is finite ([`super::term`]); level after level, each state is derived by one
//! character of each stretch that its cuts leave, so that the first state that holds the empty text is reached by a
//! shortest text. Of several shortest ones that of the most legible characters is found, since those are tried first.
//! Texts of more than [`MAX_LENGTH`] are no IDs, so a language whose shortest text is longer counts as empty.

use std::collections::HashMap;

use super::term::{ANY, NEVER, Term, Terms};

/// So many states of a search are looked at. Among the regexes of 75 real files the largest search looks at 268.
const MAX_VISITED: usize = 10_000;
/// And so many steps may be done: about a second's worth, and six hundred times what the largest of those searches does.
const MAX_STEPS: u64 = 20_000_000;
/// No ID is longer, in bytes (specification, "Common namespace format").
const MAX_LENGTH: usize = 255;

/// The limits were reached before there was an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LimitReached;

/// A shortest text of a language, of those the most legible; `None` if there is none of at most 255 bytes.
pub(super) fn shortest<'a>(terms: &mut Terms<'a>, language: Term<'a>) -> Result<Option<String>, LimitReached> {
    let done = terms.steps() + MAX_STEPS;
    // From which state, and by which character, each state was first reached.
    let mut from: HashMap<Term<'a>, Option<(Term<'a>, char)>> = HashMap::from([(language, None)]);
    let mut level = if language == NEVER { vec![] } else { vec![language] };
    for _ in 0..=MAX_LENGTH {
        if let Some(&found) = level.iter().find(|&&state| terms.is_nullable(state)) {
            return Ok(Some(way_to(&from, found)).filter(|text| text.len() <= MAX_LENGTH));
        }
        let mut next = Vec::new();
        for state in level {
            for c in representatives(&terms.cuts(state)) {
                let derivative = terms.derivative(state, c);
                if terms.steps() > done || terms.is_full() || terms.is_late() {
                    return Err(LimitReached);
                }
                if derivative != NEVER && !from.contains_key(&derivative) {
                    from.insert(derivative, Some((state, c)));
                    next.push(derivative);
                }
            }
            if from.len() > MAX_VISITED {
                return Err(LimitReached);
            }
        }
        if next.is_empty() {
            return Ok(None);
        }
        level = next;
    }
    Ok(None)
}

/// Whether every text of one language belongs to the other.
pub(super) fn is_within<'a>(terms: &mut Terms<'a>, inner: Term<'a>, outer: Term<'a>) -> Result<bool, LimitReached> {
    if outer == ANY {
        return Ok(true);
    }
    let outside = terms.without(inner, outer);
    shortest(terms, outside).map(|witness| witness.is_none())
}

fn way_to<'a>(from: &HashMap<Term<'a>, Option<(Term<'a>, char)>>, end: Term<'a>) -> String {
    let mut chars = Vec::new();
    let mut at = end;
    while let Some(&Some((before, c))) = from.get(&at) {
        chars.push(c);
        at = before;
    }
    chars.into_iter().rev().collect()
}

/// One character of each stretch, the legible first.
fn representatives(cuts: &[u32]) -> Vec<char> {
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([0x11_0000]);
    let mut chars: Vec<char> = starts.zip(ends).filter_map(|(start, end)| legible(start, end)).collect();
    chars.sort_by_key(|&c| rank(c));
    chars
}

fn legible(start: u32, end: u32) -> Option<char> {
    let prefer = [('a', 'z'), ('0', '9'), ('A', 'Z'), ('!', '~')];
    let within = prefer.iter().find_map(|&(low, high)| {
        let first = start.max(low.into());
        (first < end && first <= high.into()).then_some(first)
    });
    let first = within.unwrap_or(if (0xD800..0xE000).contains(&start) { 0xE000 } else { start });
    char::from_u32(first).filter(|_| first < end)
}

fn rank(c: char) -> (u8, char) {
    let group = match c {
        'a'..='z' => 0,
        '0'..='9' => 1,
        '_' | '-' | '.' => 2,
        'A'..='Z' => 3,
        '!'..='~' => 4,
        _ => 5,
    };
    (group, c)
}
