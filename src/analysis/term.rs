//! Languages as terms of an extended regular expression, with intersection and complement.
//!
//! Terms are kept once each and put into a normal form as they are made, so that the terms that derivatives lead to are
//! few, and equal ones are the same number.

use std::collections::HashMap;
use std::sync::Arc;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::Deadline;

/// A term, by its number in its [`Arena`].
pub(super) type Term = u32;

/// No text.
pub(super) const NEVER: Term = 0;
/// The empty text.
pub(super) const EMPTY: Term = 1;
/// Every text.
pub(super) const ANY: Term = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Never,
    Empty,
    Any,
    /// One character of a set, by its number.
    Class(u32),
    Concat(Term, Term),
    Or(Arc<[Term]>),
    And(Arc<[Term]>),
    Not(Term),
    Repeat {
        body: Term,
        min: u32,
        max: Option<u32>,
    },
}

/// All terms that have been made, and what has been found out about them.
#[derive(Debug)]
pub(super) struct Arena {
    nodes: Vec<Node>,
    known: HashMap<Node, Term>,
    nullable: Vec<bool>,
    classes: Vec<Arc<[(char, char)]>>,
    known_classes: HashMap<Arc<[(char, char)]>, u32>,
    derivatives: HashMap<(Term, char), Term>,
    cuts: HashMap<Term, Arc<[u32]>>,
    /// How much memory the terms take, roughly: one for each, and more for those that list many.
    weight: usize,
    /// How much has been done: one for each operation, and more for those on many terms.
    steps: u64,
    /// When whoever waits for an answer no longer does.
    deadline: Deadline,
    /// The deadline has been seen to be over.
    late: bool,
    /// After so many steps the clock is looked at again.
    look_again: u64,
}

/// So many parts of a list, or ends of stretches, weigh as much as one term.
const PARTS_OF_WEIGHT: usize = 16;
/// The clock is looked at once in so many steps.
const STEPS_TO_LOOK: u64 = 1_000;

impl Arena {
    pub(super) fn new(deadline: Deadline) -> Self {
        let mut arena = Self {
            nodes: Vec::new(),
            known: HashMap::new(),
            nullable: Vec::new(),
            classes: Vec::new(),
            known_classes: HashMap::new(),
            derivatives: HashMap::new(),
            cuts: HashMap::new(),
            weight: 0,
            steps: 0,
            deadline,
            late: false,
            look_again: 0,
        };
        for node in [Node::Never, Node::Empty, Node::Any] {
            arena.intern(node);
        }
        arena
    }

    /// Whether the time is up. Costs next to nothing.
    pub(super) fn is_late(&mut self) -> bool {
        if !self.late && self.steps >= self.look_again {
            self.late = self.deadline.is_over();
            self.look_again = self.steps + STEPS_TO_LOOK;
        }
        self.late
    }

    /// How much has been done so far.
    pub(super) const fn steps(&self) -> u64 {
        self.steps
    }

    /// Counts what is done elsewhere.
    pub(super) const fn step(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(steps);
    }

    pub(super) const fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// How many terms there are, long ones counted several times.
    pub(super) const fn weight(&self) -> usize {
        self.weight
    }

    fn intern(&mut self, node: Node) -> Term {
        if let Some(&known) = self.known.get(&node) {
            return known;
        }
        let nullable = match &node {
            Node::Never | Node::Class(_) => false,
            Node::Empty | Node::Any => true,
            Node::Concat(a, b) => self.is_nullable(*a) && self.is_nullable(*b),
            Node::Or(items) => items.iter().any(|&item| self.is_nullable(item)),
            Node::And(items) => items.iter().all(|&item| self.is_nullable(item)),
            Node::Not(body) => !self.is_nullable(*body),
            Node::Repeat { body, min, .. } => *min == 0 || self.is_nullable(*body),
        };
        let term = Term::try_from(self.nodes.len()).unwrap_or(Term::MAX);
        self.weight += match &node {
            Node::Or(items) | Node::And(items) => 1 + items.len() / PARTS_OF_WEIGHT,
            _ => 1,
        };
        self.nodes.push(node.clone());
        self.nullable.push(nullable);
        self.known.insert(node, term);
        term
    }

    /// Whether the empty text belongs to it.
    pub(super) fn is_nullable(&self, term: Term) -> bool {
        self.nullable[term as usize]
    }

    pub(super) fn class(&mut self, class: &ClassUnicode) -> Term {
        let ranges: Arc<[(char, char)]> = class.iter().map(|range| (range.start(), range.end())).collect();
        if ranges.is_empty() {
            return NEVER;
        }
        let number = match self.known_classes.get(&ranges) {
            Some(&known) => known,
            None => {
                let number = u32::try_from(self.classes.len()).unwrap_or(u32::MAX);
                self.classes.push(Arc::clone(&ranges));
                self.known_classes.insert(ranges, number);
                number
            }
        };
        self.intern(Node::Class(number))
    }

    pub(super) fn char(&mut self, c: char) -> Term {
        self.class(&ClassUnicode::new([ClassUnicodeRange::new(c, c)]))
    }

    /// A text and nothing else.
    pub(super) fn literal(&mut self, text: &str) -> Term {
        let chars: Vec<char> = text.chars().collect();
        chars.into_iter().rev().fold(EMPTY, |rest, c| {
            let first = self.char(c);
            self.concat(first, rest)
        })
    }

    pub(super) fn concat(&mut self, a: Term, b: Term) -> Term {
        match (a, b) {
            (NEVER, _) | (_, NEVER) => NEVER,
            (EMPTY, other) | (other, EMPTY) => other,
            (ANY, ANY) => ANY,
            _ => match self.nodes[a as usize] {
                Node::Concat(first, rest) => {
                    let rest = self.concat(rest, b);
                    self.concat(first, rest)
                }
                _ => self.intern(Node::Concat(a, b)),
            },
        }
    }

    pub(super) fn or(&mut self, items: impl IntoIterator<Item = Term>) -> Term {
        let mut flat = Vec::new();
        for item in items {
            match &self.nodes[item as usize] {
                Node::Never => {}
                Node::Any => return ANY,
                Node::Or(inner) => flat.extend_from_slice(inner),
                _ => flat.push(item),
            }
        }
        self.step(flat.len() as u64);
        flat.sort_unstable();
        flat.dedup();
        match *flat.as_slice() {
            [] => NEVER,
            [only] => only,
            _ => self.intern(Node::Or(flat.into())),
        }
    }

    pub(super) fn and(&mut self, items: impl IntoIterator<Item = Term>) -> Term {
        let mut flat = Vec::new();
        for item in items {
            match &self.nodes[item as usize] {
                Node::Any => {}
                Node::Never => return NEVER,
                Node::And(inner) => flat.extend_from_slice(inner),
                _ => flat.push(item),
            }
        }
        self.step(flat.len() as u64);
        flat.sort_unstable();
        flat.dedup();
        if flat.contains(&EMPTY) {
            return if flat.iter().all(|&item| self.is_nullable(item)) { EMPTY } else { NEVER };
        }
        let contradicts =
            |&item: &Term| matches!(self.nodes[item as usize], Node::Not(body) if flat.binary_search(&body).is_ok());
        match *flat.as_slice() {
            [] => ANY,
            [only] => only,
            _ if flat.iter().any(contradicts) => NEVER,
            _ => self.intern(Node::And(flat.into())),
        }
    }

    pub(super) fn not(&mut self, body: Term) -> Term {
        match self.nodes[body as usize] {
            Node::Never => ANY,
            Node::Any => NEVER,
            Node::Not(inner) => inner,
            _ => self.intern(Node::Not(body)),
        }
    }

    pub(super) fn repeat(&mut self, body: Term, min: u32, max: Option<u32>) -> Term {
        // As often as one likes is also as seldom as one likes, if nothing is a way to do it.
        let min = if self.is_nullable(body) { 0 } else { min };
        match (body, min, max) {
            (_, _, Some(0)) | (EMPTY, ..) | (NEVER, 0, _) => EMPTY,
            (NEVER, ..) => NEVER,
            (body, 1, Some(1)) => body,
            (ANY, ..) => ANY,
            _ if min == 0 && max.is_none() && self.is_every_char(body) => ANY,
            _ => self.intern(Node::Repeat { body, min, max }),
        }
    }

    fn is_every_char(&self, term: Term) -> bool {
        matches!(self.nodes[term as usize], Node::Class(class) if *self.classes[class as usize] == [('\0', char::MAX)])
    }

    /// What may follow a character in texts of this language.
    pub(super) fn derivative(&mut self, term: Term, c: char) -> Term {
        match self.nodes[term as usize] {
            Node::Never | Node::Empty => return NEVER,
            Node::Any => return ANY,
            Node::Class(class) => return if self.holds(class, c) { EMPTY } else { NEVER },
            _ => {}
        }
        self.step(1);
        if let Some(&known) = self.derivatives.get(&(term, c)) {
            return known;
        }
        let derivative = match self.nodes[term as usize].clone() {
            Node::Never | Node::Empty | Node::Any | Node::Class(_) => NEVER,
            Node::Concat(a, b) => {
                let first = self.derivative(a, c);
                let first = self.concat(first, b);
                if self.is_nullable(a) {
                    let second = self.derivative(b, c);
                    self.or([first, second])
                } else {
                    first
                }
            }
            Node::Or(items) => {
                let items: Vec<Term> = items.iter().map(|&item| self.derivative(item, c)).collect();
                self.or(items)
            }
            Node::And(items) => self.derivative_of_all(&items, c),
            Node::Not(body) => {
                let body = self.derivative(body, c);
                self.not(body)
            }
            Node::Repeat { body, min, max } => {
                let first = self.derivative(body, c);
                let rest = self.repeat(body, min.saturating_sub(1), max.map(|max| max - 1));
                self.concat(first, rest)
            }
        };
        self.derivatives.insert((term, c), derivative);
        derivative
    }

    /// Most intersections end at the first part that does not go on.
    fn derivative_of_all(&mut self, items: &[Term], c: char) -> Term {
        let mut all = Vec::with_capacity(items.len());
        for &item in items {
            match self.derivative(item, c) {
                NEVER => return NEVER,
                derivative => all.push(derivative),
            }
        }
        self.and(all)
    }

    fn holds(&self, class: u32, c: char) -> bool {
        let ranges = &self.classes[class as usize];
        let at = ranges.partition_point(|&(_, end)| end < c);
        ranges.get(at).is_some_and(|&(start, _)| start <= c)
    }

    /// Code points between which all characters have the same derivative: where a new stretch begins, ascending.
    pub(super) fn cuts(&mut self, term: Term) -> Arc<[u32]> {
        if let Some(known) = self.cuts.get(&term) {
            return Arc::clone(known);
        }
        let mut cuts = Vec::new();
        match self.nodes[term as usize].clone() {
            Node::Never | Node::Empty | Node::Any => {}
            Node::Class(class) => {
                for &(start, end) in self.classes[class as usize].iter() {
                    cuts.extend([start.into(), u32::from(end) + 1]);
                }
            }
            Node::Concat(a, b) => {
                cuts.extend_from_slice(&self.cuts(a));
                if self.is_nullable(a) {
                    cuts.extend_from_slice(&self.cuts(b));
                }
            }
            Node::Or(items) | Node::And(items) => {
                for &item in items.iter() {
                    cuts.extend_from_slice(&self.cuts(item));
                }
            }
            Node::Not(body) | Node::Repeat { body, .. } => cuts.extend_from_slice(&self.cuts(body)),
        }
        self.step(cuts.len() as u64);
        cuts.sort_unstable();
        cuts.dedup();
        self.weight += cuts.len() / PARTS_OF_WEIGHT;
        let cuts: Arc<[u32]> = cuts.into();
        self.cuts.insert(term, Arc::clone(&cuts));
        cuts
    }
}
