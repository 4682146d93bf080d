use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use regex_syntax::hir::ClassUnicode;

use crate::analysis::Deadline;
use crate::analysis::name::Name;

/// The number of a term in its arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(u32);

impl Id {
    pub(super) const NEVER: Self = Self(0);
    pub(super) const EMPTY: Self = Self(1);
    pub(super) const ANY: Self = Self(2);

    const fn at(self) -> usize {
        self.0 as usize
    }
}

/// The number of a set of characters in its arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ClassId(u32);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Never,
    Empty,
    Any,
    /// One character of a set.
    Class(ClassId),
    Concat(Id, Id),
    Or(Arc<[Id]>),
    And(Arc<[Id]>),
    Not(Id),
    Repeat {
        body: Id,
        min: u32,
        max: Option<u32>,
    },
}

/// All terms that have been made, and what has been found out about them.
#[derive(Debug)]
pub(in crate::analysis) struct Arena {
    nodes: Vec<Node>,
    /// Finds a node's number.
    known: HashTable<Id>,
    hasher: RandomState,
    nullable: Vec<bool>,
    classes: Vec<Arc<[(char, char)]>>,
    known_classes: HashMap<Arc<[(char, char)]>, ClassId>,
    derivatives: HashMap<(Id, char), Id>,
    cuts: HashMap<Id, Arc<[u32]>>,
    /// Terms that are kept by name.
    pub(super) named: HashMap<Name, Option<Id>>,
    /// How many bytes all this takes, about.
    weight: usize,
    /// How many it may take.
    most: usize,
    /// How much has been done.
    steps: u64,
    /// Until when somebody waits for what is found out.
    deadline: Deadline,
    /// The deadline has been seen to be over.
    late: bool,
    /// After so many steps the clock is looked at again.
    look_again: u64,
}

/// What a node takes with its place in the tables: itself, its number, whether it is nullable, and room to grow.
const NODE_BYTES: usize = 2 * (size_of::<Node>() + size_of::<Id>() + 2);
/// What a derivative takes that is remembered.
const DERIVATIVE_BYTES: usize = 2 * (size_of::<((Id, char), Id)>() + 1);
/// What a list takes besides its parts: the counts of its `Arc` and what the allocator adds.
const LIST_BYTES: usize = 32;
/// The clock is looked at once in so many steps: a step takes from 10 ns to 1 µs, a look 30 ns, so that looking costs
/// less than a hundredth, and a deadline is overrun by a millisecond at most.
const STEPS_TO_LOOK: u64 = 1_000;

impl Arena {
    pub(in crate::analysis) fn new(deadline: Deadline) -> Self {
        let mut arena = Self {
            nodes: Vec::new(),
            known: HashTable::new(),
            hasher: RandomState::new(),
            nullable: Vec::new(),
            classes: Vec::new(),
            known_classes: HashMap::new(),
            derivatives: HashMap::new(),
            cuts: HashMap::new(),
            named: HashMap::new(),
            weight: 0,
            most: usize::MAX,
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

    /// The arena without any term, for the same purpose.
    pub(in crate::analysis) fn afresh(&self) -> Self {
        Self { steps: self.steps, late: self.late, look_again: self.look_again, ..Self::new(self.deadline.clone()) }
    }

    /// Lets terms be made and used.
    pub(in crate::analysis) const fn terms(&mut self) -> super::Terms<'_> {
        super::Terms::of(self)
    }

    /// How many bytes it takes, about.
    pub(in crate::analysis) const fn weight(&self) -> usize {
        self.weight
    }

    /// Lets so many bytes more be made from now on.
    pub(in crate::analysis) const fn allow(&mut self, bytes: usize) {
        self.most = self.weight.saturating_add(bytes);
    }

    /// Whether more has been made than may be.
    pub(in crate::analysis) const fn is_full(&self) -> bool {
        self.weight > self.most
    }

    /// How much has been done so far.
    pub(in crate::analysis) const fn steps(&self) -> u64 {
        self.steps
    }

    /// Counts what is done elsewhere.
    pub(in crate::analysis) const fn step(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(steps);
    }

    /// Whether the time is up. Costs next to nothing.
    pub(in crate::analysis) fn is_late(&mut self) -> bool {
        if !self.late && self.steps >= self.look_again {
            self.late = self.deadline.is_over();
            self.look_again = self.steps + STEPS_TO_LOOK;
        }
        self.late
    }

    /// The same, with a look at the clock: before what takes long and counts no steps.
    pub(in crate::analysis) fn is_late_now(&mut self) -> bool {
        self.look_again = self.steps;
        self.is_late()
    }

    fn intern(&mut self, node: Node) -> Id {
        let hash = self.hasher.hash_one(&node);
        if let Some(&known) = self.known.find(hash, |known| self.nodes[known.at()] == node) {
            return known;
        }
        let id = Id(u32::try_from(self.nodes.len()).expect("an arena is thrown away long before four billion terms"));
        self.nullable.push(self.is_nullable_node(&node));
        self.weight += NODE_BYTES;
        if let Node::Or(items) | Node::And(items) = &node {
            self.weight += LIST_BYTES + size_of_val(&**items);
        }
        self.nodes.push(node);
        let Self { nodes, hasher, .. } = self;
        self.known.insert_unique(hash, id, |known| hasher.hash_one(&nodes[known.at()]));
        id
    }

    fn is_nullable_node(&self, node: &Node) -> bool {
        match node {
            Node::Never | Node::Class(_) => false,
            Node::Empty | Node::Any => true,
            Node::Concat(a, b) => self.is_nullable(*a) && self.is_nullable(*b),
            Node::Or(items) => items.iter().any(|&item| self.is_nullable(item)),
            Node::And(items) => items.iter().all(|&item| self.is_nullable(item)),
            Node::Not(body) => !self.is_nullable(*body),
            Node::Repeat { body, min, .. } => *min == 0 || self.is_nullable(*body),
        }
    }

    pub(super) fn is_nullable(&self, term: Id) -> bool {
        self.nullable[term.at()]
    }

    pub(super) fn class(&mut self, class: &ClassUnicode) -> Id {
        let ranges: Arc<[(char, char)]> = class.iter().map(|range| (range.start(), range.end())).collect();
        if ranges.is_empty() {
            return Id::NEVER;
        }
        self.step(ranges.len() as u64);
        let class = match self.known_classes.get(&ranges) {
            Some(&known) => known,
            None => {
                let id = ClassId(u32::try_from(self.classes.len()).expect("there are fewer classes than terms"));
                self.weight += 2 * LIST_BYTES + size_of_val(&*ranges);
                self.classes.push(Arc::clone(&ranges));
                self.known_classes.insert(ranges, id);
                id
            }
        };
        self.intern(Node::Class(class))
    }

    pub(super) fn concat(&mut self, a: Id, b: Id) -> Id {
        match (a, b) {
            (Id::NEVER, _) | (_, Id::NEVER) => Id::NEVER,
            (Id::EMPTY, other) | (other, Id::EMPTY) => other,
            (Id::ANY, Id::ANY) => Id::ANY,
            _ => match self.nodes[a.at()] {
                Node::Concat(first, rest) => {
                    let rest = self.concat(rest, b);
                    self.concat(first, rest)
                }
                _ => self.intern(Node::Concat(a, b)),
            },
        }
    }

    pub(super) fn or(&mut self, items: impl IntoIterator<Item = Id>) -> Id {
        let mut flat = Vec::new();
        for item in items {
            match &self.nodes[item.at()] {
                Node::Never => {}
                Node::Any => return Id::ANY,
                Node::Or(inner) => flat.extend_from_slice(inner),
                _ => flat.push(item),
            }
        }
        self.step(flat.len() as u64);
        flat.sort_unstable();
        flat.dedup();
        match *flat.as_slice() {
            [] => Id::NEVER,
            [only] => only,
            _ => self.intern(Node::Or(flat.into())),
        }
    }

    pub(super) fn and(&mut self, items: impl IntoIterator<Item = Id>) -> Id {
        let mut flat = Vec::new();
        for item in items {
            match &self.nodes[item.at()] {
                Node::Any => {}
                Node::Never => return Id::NEVER,
                Node::And(inner) => flat.extend_from_slice(inner),
                _ => flat.push(item),
            }
        }
        self.step(flat.len() as u64);
        flat.sort_unstable();
        flat.dedup();
        if flat.contains(&Id::EMPTY) {
            return if flat.iter().all(|&item| self.is_nullable(item)) { Id::EMPTY } else { Id::NEVER };
        }
        let contradicts =
            |&item: &Id| matches!(self.nodes[item.at()], Node::Not(body) if flat.binary_search(&body).is_ok());
        match *flat.as_slice() {
            [] => Id::ANY,
            [only] => only,
            _ if flat.iter().any(contradicts) => Id::NEVER,
            _ => self.intern(Node::And(flat.into())),
        }
    }

    pub(super) fn not(&mut self, body: Id) -> Id {
        match self.nodes[body.at()] {
            Node::Never => Id::ANY,
            Node::Any => Id::NEVER,
            Node::Not(inner) => inner,
            _ => self.intern(Node::Not(body)),
        }
    }

    pub(super) fn repeat(&mut self, body: Id, min: u32, max: Option<u32>) -> Id {
        // As often as one likes is also as seldom as one likes, if nothing is a way to do it.
        let min = if self.is_nullable(body) { 0 } else { min };
        match (body, min, max) {
            (_, _, Some(0)) | (Id::EMPTY, ..) | (Id::NEVER, 0, _) => Id::EMPTY,
            (Id::NEVER, ..) => Id::NEVER,
            (body, 1, Some(1)) => body,
            (Id::ANY, ..) => Id::ANY,
            _ if min == 0 && max.is_none() && self.is_every_char(body) => Id::ANY,
            _ => self.intern(Node::Repeat { body, min, max }),
        }
    }

    fn is_every_char(&self, term: Id) -> bool {
        matches!(self.nodes[term.at()], Node::Class(class) if *self.classes[class.0 as usize] == [('\0', char::MAX)])
    }

    pub(super) fn derivative(&mut self, term: Id, c: char) -> Id {
        match self.nodes[term.at()] {
            Node::Never | Node::Empty => return Id::NEVER,
            Node::Any => return Id::ANY,
            Node::Class(class) => return if self.holds(class, c) { Id::EMPTY } else { Id::NEVER },
            _ => {}
        }
        self.step(1);
        if let Some(&known) = self.derivatives.get(&(term, c)) {
            return known;
        }
        let derivative = self.new_derivative(term, c);
        self.weight += DERIVATIVE_BYTES;
        self.derivatives.insert((term, c), derivative);
        derivative
    }

    fn new_derivative(&mut self, term: Id, c: char) -> Id {
        match self.nodes[term.at()].clone() {
            Node::Never | Node::Empty | Node::Any | Node::Class(_) => Id::NEVER,
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
                let items: Vec<Id> = items.iter().map(|&item| self.derivative(item, c)).collect();
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
        }
    }

    /// Most intersections end at the first part that does not go on.
    fn derivative_of_all(&mut self, items: &[Id], c: char) -> Id {
        let mut all = Vec::with_capacity(items.len());
        for &item in items {
            match self.derivative(item, c) {
                Id::NEVER => return Id::NEVER,
                derivative => all.push(derivative),
            }
        }
        self.and(all)
    }

    fn holds(&self, class: ClassId, c: char) -> bool {
        let ranges = &self.classes[class.0 as usize];
        let at = ranges.partition_point(|&(_, end)| end < c);
        ranges.get(at).is_some_and(|&(start, _)| start <= c)
    }

    pub(super) fn cuts(&mut self, term: Id) -> Arc<[u32]> {
        if let Some(known) = self.cuts.get(&term) {
            return Arc::clone(known);
        }
        let mut cuts = Vec::new();
        match self.nodes[term.at()].clone() {
            Node::Never | Node::Empty | Node::Any => {}
            Node::Class(class) => {
                for &(start, end) in self.classes[class.0 as usize].iter() {
                    cuts.extend([start.into(), u32::from(end) + 1]);
                }
            }
            Node::Concat(a, b) => {
                // What has the same cuts as its first part shares them.
                if !self.is_nullable(a) {
                    let cuts = self.cuts(a);
                    self.cuts.insert(term, Arc::clone(&cuts));
                    return cuts;
                }
                cuts.extend_from_slice(&self.cuts(a));
                cuts.extend_from_slice(&self.cuts(b));
            }
            Node::Or(items) | Node::And(items) => {
                for &item in items.iter() {
                    cuts.extend_from_slice(&self.cuts(item));
                }
            }
            Node::Not(body) | Node::Repeat { body, .. } => {
                let cuts = self.cuts(body);
                self.cuts.insert(term, Arc::clone(&cuts));
                return cuts;
            }
        }
        self.step(cuts.len() as u64);
        cuts.sort_unstable();
        cuts.dedup();
        let cuts: Arc<[u32]> = cuts.into();
        self.weight += 2 * LIST_BYTES + size_of_val(&*cuts);
        self.cuts.insert(term, Arc::clone(&cuts));
        cuts
    }
}
