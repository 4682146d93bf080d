//! Backward simulation: what a pattern matches, found by going through it once, from its end to its start.
//!
//! # The idea
//!
//! Unless what a group has captured bears on the match, it does not matter *how* a place of the text was reached, only
//! whether what follows can begin there. So nothing has to be tried one by one. For a text of *n* characters there are
//! *n* + 1 places; a node of the pattern is a function that makes of the set of places at which **what follows** may begin
//! the set of places at which **the node and what follows** may. `re.match` asks for a match that may end anywhere, so the
//! last node is given all places; the pattern matches if the first one returns a set that holds place 0.
//!
//! `@a+b$` on `@aab`, whose places are 0 to 4:
//!
//! | node | of what it is given | it makes |
//! |---|---|---|
//! | `$` | 0 1 2 3 4 | 4: here the text ends |
//! | `b` | 4 | 3: a `b` stands before 4 |
//! | `a+` | 3 | 1 2: from both, `a`s lead to 3 |
//! | `@` | 1 2 | 0 |
//!
//! Sets are bits in machine words ([`Places`]), and most texts have less than 64 characters, so that a node is a few
//! instructions and a look at the characters in question. Alternatives are united; a concatenation goes from right to left; a
//! loop goes round until nothing new comes in. It is the backward half of what Kleene's and Thompson's constructions do
//! forward (an NFA's states are never made: its sets of states are there one pattern node at a time), and bit-parallel as
//! Navarro and Raffinot's matchers are, with the bits for places of the text instead of positions of the pattern.
//!
//! # What it takes that automata over bytes do not
//!
//! * **Assertions.** A look-ahead's body is run by itself, with all places for what follows; then `(?=…)` keeps the places that
//!   come out of it, and `(?!…)` the others. A look-behind of *w* characters does the same *w* places further on.
//! * **Python's word boundaries**, line ends and all other anchors: conditions on a place, which is kept or not.
//! * **Atomic groups and possessive quantifiers** are matched in one way alone, the first that CPython finds. For them there is
//!   an end for each place in place of a set ([`first`]).
//! * **Lists of names**, however long ([`words`]).
//!
//! # Why it ends, and what it costs
//!
//! Places only get smaller on the way to the left. In a loop of *m* or more rounds, after the rounds that may be, the
//! rounds that must be are made one by one until one changes nothing. That comes after at most *n* + 2 of them: whether the
//! last place stays is settled after one round, the one before it a round later, and so on, each depending only on
//! itself and on those behind it. So a pattern of *m* nodes costs *O*(*m* · *n*) for each level of loops within loops, and
//! no text makes it explode. It is built without determinizing anything, in memory of the size of the pattern.
//!
//! In nanoseconds, on one core of a busy machine (CPython 3.11 in brackets): `@.*:example\.com` 125 (800),
//! `@irc_.*\b` 470 (700), `@.*\bfoo\b.*\bbar\b.*:example\.com` on 245 characters 470 (372,000),
//! `@[\s\S]*?(?:(.*)\b(\d+)$)` on 160 characters 775 (1,260,000). A table of regex-automata is four or five times as quick
//! on the first, so that a pattern that everybody asks about is better compiled to one.

mod first;
mod node;
mod places;
mod simulation;
mod words;

use first::Ends;
use node::{Builder, Node};
use places::Places;
use simulation::Simulation;

use super::matcher::Outcome;
use super::scratch::Scratch;
use crate::ast::Ast;

/// No run takes more steps: for each node that is passed one for each word of its set, times the rounds of loops. The 217
/// real patterns take two to ten of them; an alternation of 100,000 things that are no names (`n1\d+x|n2\d+x|…`) takes 400,000,
/// which are 10 to 40 ms.
const MAX_STEPS: u32 = 1_000_000;
/// So many steps are not counted among those that all attempts have in common, and are there when these are used up: a run of
/// them is over within a millisecond, as an automaton's is, and 2,500 alternatives that are no names take no more.
const FREE_STEPS: u32 = 10_000;

/// Matches by backward simulation.
#[derive(Debug)]
pub struct Backward {
    root: Node,
    looks: usize,
    fixed: usize,
}

/// What a run writes to.
#[derive(Debug, Default)]
pub(super) struct Memory {
    spare: Vec<Places>,
    /// For each look-around the places at which its body matches, once that is known.
    looks: Vec<Option<Places>>,
    /// For each atomic group and possessive repetition its ends, once they are known.
    fixed: Vec<Option<Ends>>,
}

impl Backward {
    /// `None` if what a group has captured bears on what the tree matches, and for a few rare shapes within what is matched
    /// in one way alone.
    #[must_use]
    pub fn new(ast: &Ast) -> Option<Self> {
        let mut builder = Builder::default();
        let root = builder.node(ast)?;
        Some(Self { root, looks: builder.looks, fixed: builder.fixed })
    }

    /// Tries the pattern at a place of `text`, in bytes, as `re.match` does at its start.
    #[must_use]
    pub fn run(&self, scratch: &mut Scratch, text: &str, at: usize) -> Outcome {
        let allowed = scratch.allowance(MAX_STEPS).max(FREE_STEPS);
        scratch.read(text);
        let memory = &mut scratch.backward;
        for number in 0..memory.looks.len() {
            memory.spare.extend(memory.looks[number].take());
        }
        memory.looks.resize_with(self.looks, || None);
        memory.fixed.clear();
        memory.fixed.resize_with(self.fixed, || None);
        let mut places = memory.spare.pop().unwrap_or_default();
        places.fill(scratch.text.len());
        let mut simulation = Simulation { text: &scratch.text, memory, steps: allowed };
        let done = simulation.before(&self.root, &mut places);
        let taken = allowed - simulation.steps;
        let start = text.get(..at).map(|before| before.chars().count());
        let matches = start.map(|start| places.contains(start));
        scratch.backward.spare.push(places);
        let taken = if done.is_err() { allowed } else { taken };
        scratch.spend(taken.saturating_sub(FREE_STEPS));
        match done {
            Ok(()) if matches == Some(true) => Outcome::Match,
            Ok(()) if matches == Some(false) => Outcome::NoMatch,
            // What begins within a character is no place of the text: undecided, and not as if it did not match.
            Ok(()) | Err(_) => Outcome::StepLimit,
        }
    }

    /// The bytes that it takes on the heap, with its part of what others share.
    #[must_use]
    pub fn memory_usage(&self) -> usize {
        self.root.memory_usage()
    }
}
