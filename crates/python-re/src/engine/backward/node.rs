use super::words::Words;
use crate::ast::{Anchor, Ast, Mode, Repeat};
use crate::engine::unit::Unit;

/// A pattern as the backward simulation runs it.
#[derive(Debug)]
pub(super) enum Node {
    Empty,
    Unit(Unit),
    /// Several characters, one after the other.
    Literal(Box<[char]>),
    Anchor(Anchor),
    Concat(Box<[Node]>),
    Alternation(Box<[Node]>),
    /// Alternatives of characters and sets alone.
    Words(Box<Words>),
    /// One character or set, so many times.
    Run {
        unit: Unit,
        times: Times,
    },
    Repeat {
        body: Box<Node>,
        times: Times,
    },
    Look {
        /// Which of the pattern's look-arounds.
        number: usize,
        negated: bool,
        behind: Option<u32>,
        body: Box<Node>,
    },
    /// What is matched in one way alone: the first that CPython finds.
    Fixed {
        /// Which of the pattern's.
        number: usize,
        body: Box<Node>,
        /// For a possessive repetition, how often; for an atomic group, once.
        times: Times,
    },
}

/// How often something is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) min: u32,
    pub(super) max: Option<u32>,
    pub(super) lazy: bool,
}

/// Makes nodes of a tree, and numbers what is looked up again and again.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) looks: usize,
    pub(super) fixed: usize,
    /// Within what is matched in one way alone the order of alternatives counts.
    in_order: bool,
}

impl Builder {
    /// `None` for what refers to groups, and for a repetition that may be empty where the order of tries counts: what
    /// CPython does with a round that takes nothing depends on the round before.
    pub(super) fn node(&mut self, ast: &Ast) -> Option<Node> {
        Some(match ast {
            Ast::Empty => Node::Empty,
            Ast::Literal(_) | Ast::Class(_) => Node::Unit(Unit::of(ast)?),
            Ast::Anchor(anchor) => Node::Anchor(*anchor),
            Ast::Concat(items) => self.concat(items)?,
            Ast::Alternation(branches) => self.alternation(branches)?,
            Ast::Repeat(repeat) => self.repeat(repeat)?,
            Ast::Group(_, body) => self.node(body)?,
            Ast::Look(look) => {
                // Whether the body matches at all does not depend on the order.
                let in_order = std::mem::replace(&mut self.in_order, false);
                let body = Box::new(self.node(&look.body)?);
                self.in_order = in_order;
                self.looks += 1;
                Node::Look { number: self.looks - 1, negated: look.negated, behind: look.behind, body }
            }
            Ast::Atomic(body) => self.fixed(body, Times { min: 1, max: Some(1), lazy: false })?,
            Ast::Reference { .. } | Ast::Conditional { .. } => return None,
        })
    }

    fn concat(&mut self, items: &[Ast]) -> Option<Node> {
        let mut nodes = Vec::new();
        let mut literal = Vec::new();
        for item in items {
            if let Ast::Literal(c) = item {
                literal.push(*c);
                continue;
            }
            nodes.extend(spelled(&mut literal));
            nodes.push(self.node(item)?);
        }
        nodes.extend(spelled(&mut literal));
        Some(Node::Concat(nodes.into()))
    }

    fn alternation(&mut self, branches: &[Ast]) -> Option<Node> {
        if !self.in_order
            && let Some(words) = Words::of(branches)
        {
            return Some(Node::Words(Box::new(words)));
        }
        branches.iter().map(|branch| self.node(branch)).collect::<Option<_>>().map(Node::Alternation)
    }

    fn repeat(&mut self, repeat: &Repeat) -> Option<Node> {
        let times = Times { min: repeat.min, max: repeat.max, lazy: repeat.mode == Mode::Lazy };
        if repeat.mode == Mode::Possessive {
            return self.fixed(&repeat.body, times);
        }
        if let Some(unit) = Unit::of(&repeat.body) {
            return Some(Node::Run { unit, times });
        }
        if self.in_order && may_be_empty(&repeat.body) {
            return None;
        }
        Some(Node::Repeat { body: Box::new(self.node(&repeat.body)?), times })
    }

    fn fixed(&mut self, body: &Ast, times: Times) -> Option<Node> {
        let in_order = std::mem::replace(&mut self.in_order, true);
        let body = Box::new(self.node(body)?);
        self.in_order = in_order;
        self.fixed += 1;
        Some(Node::Fixed { number: self.fixed - 1, body, times })
    }
}

impl Node {
    /// The bytes on the heap.
    pub(super) fn memory_usage(&self) -> usize {
        let boxed = |body: &Self| size_of::<Self>() + body.memory_usage();
        match self {
            Self::Empty | Self::Anchor(_) => 0,
            Self::Unit(unit) | Self::Run { unit, .. } => unit.memory_usage(),
            Self::Literal(chars) => size_of_val(&**chars),
            Self::Concat(nodes) | Self::Alternation(nodes) => nodes.iter().map(boxed).sum(),
            Self::Words(words) => size_of::<Words>() + words.memory_usage(),
            Self::Repeat { body, .. } | Self::Look { body, .. } | Self::Fixed { body, .. } => boxed(body),
        }
    }
}

fn spelled(literal: &mut Vec<char>) -> Option<Node> {
    match **literal {
        [] => None,
        [only] => {
            literal.clear();
            Some(Node::Unit(Unit::Char(only)))
        }
        _ => Some(Node::Literal(std::mem::take(literal).into())),
    }
}

/// Whether something may match without taking a character; if in doubt, it may.
fn may_be_empty(ast: &Ast) -> bool {
    match ast {
        Ast::Literal(_) | Ast::Class(_) => false,
        Ast::Empty | Ast::Anchor(_) | Ast::Look(_) | Ast::Reference { .. } | Ast::Conditional { .. } => true,
        Ast::Concat(items) => items.iter().all(may_be_empty),
        Ast::Alternation(branches) => branches.iter().any(may_be_empty),
        Ast::Repeat(repeat) => repeat.min == 0 || may_be_empty(&repeat.body),
        Ast::Group(_, body) | Ast::Atomic(body) => may_be_empty(body),
    }
}
