//! A sorted list of beginnings, and the tree that it is.

use std::collections::HashMap;

use crate::index::ServicePos;

/// What IDs begin with that a service may claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The characters, the sigil first.
    pub text: Box<str>,
    /// Who may claim them.
    pub service: ServicePos,
    /// By which entry of the list of their kind; `None` when it is the service's own user.
    pub index: Option<u32>,
    /// Whether for itself alone.
    pub exclusive: bool,
}

/// The beginnings of a kind, as a tree of prefixes.
#[derive(Debug, Default)]
pub struct Tree {
    /// By text, and then in load order.
    beginnings: Box<[Beginning]>,
    /// Each before those below it, side by side in the order of their texts.
    parts: Box<[Part]>,
}

/// All beginnings that begin alike, and longer than those of the part above.
#[derive(Clone, Debug, Default)]
struct Part {
    /// Which beginnings.
    first: usize,
    end: usize,
    /// So many bytes they have in common.
    length: usize,
    /// The first part that is neither this one nor below it.
    after: usize,
    services: usize,
    exclusive: usize,
    contested: usize,
}

/// A node of the tree: a prefix, and all that begins with it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'t> {
    tree: &'t Tree,
    at: usize,
}

impl Tree {
    /// The tree of some beginnings; where services hold IDs exclusively against each other, there are witnesses of it.
    pub(super) fn new(mut beginnings: Vec<Beginning>, witnesses: impl IntoIterator<Item = String>) -> Self {
        let order = |one: &Beginning| (one.service, one.index);
        beginnings.sort_unstable_by(|a, b| a.text.cmp(&b.text).then_with(|| order(a).cmp(&order(b))));
        // An entry may begin with the same in several ways.
        beginnings.dedup();
        let parts = parts(&beginnings);
        let mut tree = Self { beginnings: beginnings.into(), parts: parts.into() };
        tree.close();
        tree.count(witnesses);
        tree
    }

    /// All that begin with a prefix, in the order of their texts.
    #[must_use]
    pub fn below(&self, prefix: &str) -> &[Beginning] {
        let first = self.beginnings.partition_point(|one| *one.text < *prefix);
        let count = self.beginnings[first..].partition_point(|one| one.text.starts_with(prefix));
        &self.beginnings[first..][..count]
    }

    /// All that are shorter than a prefix and that it begins with, shortest first: they may reach into what is below it.
    pub fn reaching<'t>(&'t self, prefix: &'t str) -> impl Iterator<Item = &'t Beginning> {
        let shorter = prefix.char_indices().map(|(end, _)| &prefix[..end]);
        shorter.flat_map(|shorter| self.exactly(shorter))
    }

    fn exactly(&self, text: &str) -> &[Beginning] {
        let first = self.beginnings.partition_point(|one| *one.text < *text);
        let count = self.beginnings[first..].partition_point(|one| *one.text == *text);
        &self.beginnings[first..][..count]
    }

    /// The uppermost node of which all that is below it begins with a prefix.
    #[must_use]
    pub fn node(&self, prefix: &str) -> Option<Node<'_>> {
        let mut node = self.root().filter(|root| agree(root.prefix(), prefix))?;
        while node.prefix().len() < prefix.len() {
            node = node.children().find(|child| agree(child.prefix(), prefix))?;
        }
        Some(node)
    }

    fn root(&self) -> Option<Node<'_>> {
        (!self.parts.is_empty()).then_some(Node { tree: self, at: 0 })
    }

    /// Says of each part where what is below it ends.
    fn close(&mut self) {
        let count = self.parts.len();
        let mut open: Vec<usize> = Vec::new();
        for at in 0..count {
            while let Some(&above) = open.last().filter(|above| self.parts[**above].end <= self.parts[at].first) {
                self.parts[above].after = at;
                open.pop();
            }
            open.push(at);
        }
        for above in open {
            self.parts[above].after = count;
        }
    }

    /// Counts what is below each part.
    ///
    /// A service is counted for each of its beginnings, and once less at the lowest part that holds two of them that follow
    /// each other in the list: so each part has it once.
    fn count(&mut self, witnesses: impl IntoIterator<Item = String>) {
        let mut latest: HashMap<ServicePos, usize> = HashMap::new();
        let mut again = vec![0; self.parts.len()];
        let (mut open, mut next): (Vec<usize>, usize) = (Vec::new(), 0);
        for (at, beginning) in self.beginnings.iter().enumerate() {
            open.retain(|part| self.parts[*part].end > at);
            while self.parts.get(next).is_some_and(|part| part.first == at) {
                open.push(next);
                next += 1;
            }
            let Some(&lowest) = open.last() else { continue };
            self.parts[lowest].exclusive += usize::from(beginning.exclusive);
            if let Some(before) = latest.insert(beginning.service, at) {
                let with_both = open.partition_point(|part| self.parts[*part].first <= before);
                again[open[with_both - 1]] += 1;
            }
        }
        for witness in witnesses {
            if let Some(lowest) = self.lowest(&witness) {
                self.parts[lowest].contested += 1;
            }
        }
        self.add_up(again);
    }

    /// Adds to each part what is counted below it.
    fn add_up(&mut self, mut again: Vec<usize>) {
        for at in (0..self.parts.len()).rev() {
            let below: Vec<usize> = Node { tree: self, at }.children().map(|child| child.at).collect();
            for child in below {
                let Part { exclusive, contested, .. } = self.parts[child];
                self.parts[at].exclusive += exclusive;
                self.parts[at].contested += contested;
                again[at] += again[child];
            }
            let part = &mut self.parts[at];
            part.services = part.end - part.first - again[at];
        }
    }

    /// The lowest part that an ID begins like.
    fn lowest(&self, id: &str) -> Option<usize> {
        let mut node = self.root().filter(|root| id.starts_with(root.prefix()))?;
        while let Some(child) = node.children().find(|child| id.starts_with(child.prefix())) {
            node = child;
        }
        Some(node.at)
    }
}

impl<'t> Node<'t> {
    fn part(self) -> &'t Part {
        &self.tree.parts[self.at]
    }

    /// What all below it begin with.
    #[must_use]
    pub fn prefix(self) -> &'t str {
        &self.tree.beginnings[self.part().first].text[..self.part().length]
    }

    /// All beginnings that begin so.
    #[must_use]
    pub fn beginnings(self) -> &'t [Beginning] {
        &self.tree.beginnings[self.part().first..self.part().end]
    }

    /// How many of them are no longer than the prefix.
    #[must_use]
    pub fn here(self) -> usize {
        self.children().next().map_or(self.part().end, |child| child.part().first) - self.part().first
    }

    /// How many services they are of.
    #[must_use]
    pub fn services(self) -> usize {
        self.part().services
    }

    /// How many of them claim for one service alone.
    #[must_use]
    pub fn exclusive(self) -> usize {
        self.part().exclusive
    }

    /// How many collisions have their witness below.
    #[must_use]
    pub fn contested(self) -> usize {
        self.part().contested
    }

    /// The nodes right below it, in the order of their prefixes.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let Self { tree, at } = self;
        let end = tree.parts[at].after;
        let first = (at + 1 < end).then_some(at + 1);
        let next = move |child: &usize| Some(tree.parts[*child].after).filter(|next| *next < end);
        std::iter::successors(first, next).map(move |at| Self { tree, at })
    }
}

/// Whether one of two texts begins with the other.
fn agree(a: &str, b: &str) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// The parts of sorted beginnings, so far without what is counted.
fn parts(beginnings: &[Beginning]) -> Vec<Part> {
    let mut parts = Vec::new();
    // Not by recursion: a name may be as long as an ID, and have a part at each of its characters.
    let mut todo = vec![(0, beginnings.len())];
    while let Some((start, end)) = todo.pop() {
        let within = &beginnings[start..end];
        let (Some(first), Some(last)) = (within.first(), within.last()) else { continue };
        let length = in_common(&first.text, &last.text);
        parts.push(Part { first: start, end, length, ..Part::default() });
        let here = within.partition_point(|one| one.text.len() == length);
        let mut child = start + here;
        let done = todo.len();
        while child < end {
            let next = beginnings[child].text[length..].chars().next();
            let count = beginnings[child..end].partition_point(|one| one.text[length..].chars().next() == next);
            todo.push((child, child + count));
            child += count;
        }
        todo[done..].reverse();
    }
    parts
}

/// So many bytes of whole characters two texts begin with alike.
fn in_common(a: &str, b: &str) -> usize {
    let alike = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    alike.map(|(a, _)| a.len_utf8()).sum()
}
