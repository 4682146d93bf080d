//! A shortest text of a language.

use std::collections::HashMap;

use super::term::{ANY, Arena, NEVER, Term};

/// What a search may cost: so many terms are looked at.
const MAX_VISITED: usize = 10_000;
/// And so many are made.
const MAX_MADE: usize = 200_000;
/// And so much is done: about a second's worth.
const MAX_STEPS: u64 = 20_000_000;
/// No ID is longer, in characters.
const MAX_LENGTH: usize = 255;

/// The limits were reached before there was an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LimitReached;

/// A shortest text of a language, of those the most legible; `None` if there is none of at most 255 bytes.
pub(super) fn shortest(arena: &mut Arena, language: Term) -> Result<Option<String>, LimitReached> {
    let made = arena.weight() + MAX_MADE;
    let done = arena.steps() + MAX_STEPS;
    let mut from: HashMap<Term, Option<(Term, char)>> = HashMap::from([(language, None)]);
    let mut level = if language == NEVER { vec![] } else { vec![language] };
    for _ in 0..=MAX_LENGTH {
        if let Some(&found) = level.iter().find(|&&term| arena.is_nullable(term)) {
            return Ok(Some(way_to(&from, found)).filter(|text| text.len() <= MAX_LENGTH));
        }
        let mut next = Vec::new();
        for term in level {
            for c in representatives(&arena.cuts(term)) {
                let derivative = arena.derivative(term, c);
                if arena.steps() > done || arena.is_late() {
                    return Err(LimitReached);
                }
                if derivative != NEVER && !from.contains_key(&derivative) {
                    from.insert(derivative, Some((term, c)));
                    next.push(derivative);
                }
            }
            if from.len() > MAX_VISITED || arena.weight() > made {
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
pub(super) fn is_within(arena: &mut Arena, inner: Term, outer: Term) -> Result<bool, LimitReached> {
    if outer == ANY {
        return Ok(true);
    }
    let outside = arena.not(outer);
    let both = arena.and([inner, outside]);
    shortest(arena, both).map(|witness| witness.is_none())
}

fn way_to(from: &HashMap<Term, Option<(Term, char)>>, end: Term) -> String {
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
