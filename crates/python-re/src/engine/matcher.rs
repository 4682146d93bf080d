use super::backtrack::Backtracker;
use super::backward::Backward;
use super::scratch::Scratch;
use crate::ast::Ast;

/// What a match attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The pattern matches at the start of the text.
    Match,
    /// It does not.
    NoMatch,
    /// The step limit ran out before that was known.
    StepLimit,
}

/// Matches a pattern at the start of a text, as `re.match` does, by the engine that is best for it.
#[derive(Debug)]
pub struct Matcher {
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Backward(Backward),
    Backtrack(Backtracker),
}

impl Matcher {
    pub(crate) fn new(ast: &Ast, groups: u32) -> Self {
        let engine = match Backward::new(ast) {
            Some(backward) => Engine::Backward(backward),
            None => Engine::Backtrack(Backtracker::new(ast, groups)),
        };
        Self { engine }
    }

    /// Tries the pattern at the start of `text`.
    #[must_use]
    pub fn run(&self, scratch: &mut Scratch, text: &str) -> Outcome {
        match &self.engine {
            Engine::Backward(engine) => engine.run(scratch, text, 0),
            Engine::Backtrack(engine) => engine.run(scratch, text),
        }
    }

    /// The bytes that it takes on the heap, with its part of what others share.
    #[must_use]
    pub fn memory_usage(&self) -> usize {
        match &self.engine {
            Engine::Backward(engine) => engine.memory_usage(),
            Engine::Backtrack(engine) => engine.memory_usage(),
        }
    }
}
