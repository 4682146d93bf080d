//! Backward.

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

const MAX_STEPS: u32 = 1_000_000;

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
        let allowed = scratch.allowance(MAX_STEPS);
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
        let matches = start.is_some_and(|start| places.contains(start));
        scratch.backward.spare.push(places);
        scratch.spend(if done.is_err() { allowed } else { taken });
        match done {
            Ok(()) if matches => Outcome::Match,
            Ok(()) => Outcome::NoMatch,
            Err(_) => Outcome::StepLimit,
        }
    }

    /// The bytes that it takes on the heap, with its part of what others share.
    #[must_use]
    pub fn memory_usage(&self) -> usize {
        self.root.memory_usage()
    }
}
