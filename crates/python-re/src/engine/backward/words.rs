use std::collections::BTreeSet;

use super::places::Places;
use crate::ast::Ast;
use crate::engine::unit::Unit;

/// Alternatives that are sequences of single characters and sets, as of thousands of names.
///
/// They are kept in reverse and in order, so that those that may end at a place are found by walking the text to the left:
/// with each character the range of those that agree so far gets narrower. That takes as long as a name is, however many
/// there are, and no more memory than the names do.
#[derive(Debug)]
pub(super) struct Words {
    /// What the words are made of, each once: characters in ascending order, then sets.
    units: Box<[Unit]>,
    /// So many of them are characters.
    chars: usize,
    /// The words in reverse, as numbers of units, one after the other.
    letters: Box<[u16]>,
    /// Where each word begins in `letters`, and where the last ends.
    starts: Box<[u32]>,
}

/// Fewer alternatives than this are as quickly tried one by one.
const FEW: usize = 4;
/// Sets are tried one by one, so that more of them are no help. Without regard to case, a name has some forty.
const MAX_SETS: usize = 128;

/// Words that agree with the text so far.
struct Range {
    from: usize,
    to: usize,
    /// How many characters they agree in.
    depth: usize,
}

impl Words {
    /// `None` if the branches are not words, or too few to care.
    pub(super) fn of(branches: &[Ast]) -> Option<Self> {
        if branches.len() < FEW {
            return None;
        }
        let mut words = Vec::with_capacity(branches.len());
        for branch in branches {
            let mut word = Vec::new();
            spell(branch, &mut word)?;
            word.reverse();
            words.push(word);
        }
        let alphabet = Alphabet::of(words.iter().flatten().copied())?;
        let numbered = |word: &Vec<&Ast>| word.iter().map(|unit| alphabet.number(unit)).collect();
        let mut words: Vec<Vec<u16>> = words.iter().map(numbered).collect::<Option<_>>()?;
        words.sort_unstable();
        words.dedup();
        let mut starts = Vec::with_capacity(words.len() + 1);
        let mut letters = Vec::with_capacity(words.iter().map(Vec::len).sum());
        for word in &words {
            starts.push(u32::try_from(letters.len()).ok()?);
            letters.extend_from_slice(word);
        }
        starts.push(u32::try_from(letters.len()).ok()?);
        let chars = alphabet.chars.len();
        Some(Self { units: alphabet.units()?, chars, letters: letters.into(), starts: starts.into() })
    }

    /// Makes of the places where a word ends those where it begins. Returns how many steps that took.
    pub(super) fn before(&self, text: &[char], ends: &Places, begins: &mut Places) -> usize {
        let mut steps = 0;
        let mut todo = Vec::new();
        for end in ends.iter() {
            todo.push(Range { from: 0, to: self.starts.len() - 1, depth: 0 });
            while let Some(Range { mut from, to, depth }) = todo.pop() {
                steps += 1;
                // The shortest stand first.
                if self.word(from).len() == depth {
                    begins.insert(end - depth);
                    from += 1;
                }
                let Some(&c) = end.checked_sub(depth + 1).and_then(|place| text.get(place)) else { continue };
                self.each_unit(c, |unit| {
                    let above = |wanted: usize| {
                        let below = |at: &usize| usize::from(self.word(*at)[depth]) < wanted;
                        partition_point(from, to, below)
                    };
                    let (from, to) = (above(unit), above(unit + 1));
                    if from < to {
                        todo.push(Range { from, to, depth: depth + 1 });
                    }
                });
            }
        }
        steps
    }

    fn word(&self, at: usize) -> &[u16] {
        let Some(&[from, to]) = self.starts.get(at..at + 2).and_then(|ends| ends.first_chunk()) else { return &[] };
        &self.letters[from as usize..to as usize]
    }

    fn each_unit(&self, c: char, mut visit: impl FnMut(usize)) {
        let (chars, sets) = self.units.split_at(self.chars);
        if let Ok(at) = chars.binary_search_by(|unit| match unit {
            Unit::Char(other) => other.cmp(&c),
            Unit::Class { .. } => std::cmp::Ordering::Greater,
        }) {
            visit(at);
        }
        for (at, set) in sets.iter().enumerate() {
            if set.fits(c) {
                visit(self.chars + at);
            }
        }
    }

    pub(super) fn memory_usage(&self) -> usize {
        size_of_val(&*self.letters)
            + size_of_val(&*self.starts)
            + self.units.iter().map(|unit| size_of::<Unit>() + unit.memory_usage()).sum::<usize>()
    }
}

/// The first number of a range, in which those come first that are below, that is not.
fn partition_point(mut from: usize, mut to: usize, below: impl Fn(&usize) -> bool) -> usize {
    while from < to {
        let middle = usize::midpoint(from, to);
        if below(&middle) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from
}

/// What words are made of, each once.
#[derive(Default)]
struct Alphabet<'a> {
    /// In ascending order.
    chars: Vec<char>,
    sets: Vec<&'a Ast>,
}

impl<'a> Alphabet<'a> {
    /// `None` if there are too many.
    fn of(letters: impl Iterator<Item = &'a Ast>) -> Option<Self> {
        let mut chars = BTreeSet::new();
        let mut sets: Vec<&Ast> = Vec::new();
        for letter in letters {
            match letter {
                Ast::Literal(c) => {
                    chars.insert(*c);
                }
                _ if sets.contains(&letter) => {}
                _ if sets.len() == MAX_SETS => return None,
                _ => sets.push(letter),
            }
        }
        Some(Self { chars: chars.into_iter().collect(), sets })
    }

    fn number(&self, letter: &Ast) -> Option<u16> {
        let number = match letter {
            Ast::Literal(c) => self.chars.binary_search(c).ok()?,
            set => self.chars.len() + self.sets.iter().position(|known| *known == set)?,
        };
        u16::try_from(number).ok()
    }

    fn units(&self) -> Option<Box<[Unit]>> {
        let chars = self.chars.iter().map(|c| Some(Unit::Char(*c)));
        chars.chain(self.sets.iter().map(|set| Unit::of(set))).collect()
    }
}

/// Appends the characters and sets of a branch, if it is nothing else.
fn spell<'a>(ast: &'a Ast, word: &mut Vec<&'a Ast>) -> Option<()> {
    match ast {
        Ast::Empty => Some(()),
        Ast::Literal(_) | Ast::Class(_) => {
            word.push(ast);
            Some(())
        }
        Ast::Concat(items) => items.iter().try_for_each(|item| spell(item, word)),
        Ast::Group(_, body) => spell(body, word),
        _ => None,
    }
}
