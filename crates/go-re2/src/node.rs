//! The tree in the making: nodes in an arena, since which of them are taken anew and which again decides about limits.

use crate::set::Set;

/// Flags as they are in force at a place of the expression.
#[expect(clippy::struct_excessive_bools, reason = "four letters that are there or not")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `i`
    pub(crate) fold: bool,
    /// Not `m`: `^` and `$` are start and end of the text.
    pub(crate) one_line: bool,
    /// `s`
    pub(crate) dot_matches_newline: bool,
    /// `U`
    pub(crate) lazy: bool,
}

impl Flags {
    /// Those of `regexp.Compile`.
    pub(crate) const PERL: Self = Self { fold: false, one_line: true, dot_matches_newline: false, lazy: false };
}

/// What a node is, in Go's order: of two that may become one class, the latter takes in the former.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    NoMatch,
    Empty,
    Literal,
    Class,
    AnyButNewline,
    Any,
    BeginLine,
    EndLine,
    BeginText,
    EndText,
    WordBoundary,
    NoWordBoundary,
    Capture,
    Star,
    Plus,
    Quest,
    Repeat,
    Concat,
    Alternate,
    /// On the stack alone: an open parenthesis.
    LeftParen,
    /// On the stack alone: what stands below it is one branch or more.
    VerticalBar,
}

impl Op {
    /// Whether it only marks a place on the stack.
    pub(crate) const fn is_mark(self) -> bool {
        matches!(self, Self::LeftParen | Self::VerticalBar)
    }
}

/// The number of a node in its arena.
pub(crate) type Id = usize;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) flags: Flags,
    /// `$`, and not `\z`.
    pub(crate) dollar: bool,
    /// What a literal matches, one after the other.
    pub(crate) literal: Vec<u32>,
    /// What a class matches.
    pub(crate) set: Set,
    pub(crate) subs: Vec<Id>,
    pub(crate) min: u32,
    /// `None`: without limit.
    pub(crate) max: Option<u32>,
    /// The number of a group that captures, and 0 of one that does not.
    pub(crate) capture: u32,
}

impl Node {
    const fn new(op: Op, flags: Flags) -> Self {
        Self {
            op,
            flags,
            dollar: false,
            literal: Vec::new(),
            set: Set::EMPTY,
            subs: Vec::new(),
            min: 0,
            max: Some(0),
            capture: 0,
        }
    }

    /// How many code points it holds, as Go counts: both ends of each range.
    pub(crate) fn runes(&self) -> usize {
        self.literal.len() + 2 * self.set.ranges().len()
    }

    /// One character, or one of a set.
    pub(crate) fn is_one_character(&self) -> bool {
        match self.op {
            Op::Literal => self.literal.len() == 1,
            Op::Class | Op::AnyButNewline | Op::Any => true,
            _ => false,
        }
    }

    /// Whether one of its characters is this one.
    pub(crate) fn matches(&self, c: u32) -> bool {
        match self.op {
            Op::Literal => self.literal == [c],
            Op::Class => self.set.contains(c),
            Op::AnyButNewline => c != u32::from('\n'),
            Op::Any => true,
            _ => false,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Arena {
    nodes: Vec<Node>,
    /// Those that are free, the next at the end.
    free: Vec<Id>,
}

impl Arena {
    pub(crate) fn node(&mut self, op: Op, flags: Flags) -> Id {
        let node = Node::new(op, flags);
        match self.free.pop() {
            Some(id) => {
                self.nodes[id] = node;
                id
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        }
    }

    pub(crate) fn free(&mut self, id: Id) {
        self.free.push(id);
    }

    /// How many nodes have been needed at most.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether two are the same by Go's lights, which do not see whether a literal is one without regard to case.
    pub(crate) fn are_equal(&self, a: Id, b: Id) -> bool {
        let (x, y) = (&self[a], &self[b]);
        let subs = || {
            let pairs = || x.subs.iter().zip(&y.subs);
            x.subs.len() == y.subs.len() && pairs().all(|(&a, &b)| self.are_equal(a, b))
        };
        x.op == y.op
            && match x.op {
                Op::EndText => x.dollar == y.dollar,
                Op::Literal | Op::Class => x.literal == y.literal && x.set == y.set,
                Op::Alternate | Op::Concat => subs(),
                Op::Star | Op::Plus | Op::Quest => x.flags.lazy == y.flags.lazy && subs(),
                Op::Repeat => x.flags.lazy == y.flags.lazy && (x.min, x.max) == (y.min, y.max) && subs(),
                Op::Capture => x.capture == y.capture && subs(),
                _ => true,
            }
    }
}

impl std::ops::Index<Id> for Arena {
    type Output = Node;

    fn index(&self, id: Id) -> &Node {
        &self.nodes[id]
    }
}

impl std::ops::IndexMut<Id> for Arena {
    fn index_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id]
    }
}
