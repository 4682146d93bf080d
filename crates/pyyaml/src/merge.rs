//! Merge keys: `<<: *defaults` and `<<: [*first, *second]`.
//!
//! PyYAML takes the pair out of the mapping and puts the pairs of what it names in front of the mapping's own, so that
//! these win: of equal keys a `dict` keeps the last. What is merged is flattened before. Where several mappings are
//! merged, the order of their pairs decides which of them wins, and that is where the releases differ.
//!
//! * 6.0.3 and earlier turn a list of mappings round, so that the first wins. Each pair is copied as often as it is
//!   merged, which nine levels of nine aliases make a bomb of.
//! * 6.0.4 defuses the bomb: a pair whose key has been merged already is passed over. What "already" means is the
//!   *identity* of the key's string in memory and not that it is equal. The list is no longer turned round, on the
//!   belief that the first wins by being first; it does where the key is one and the same node, or a string that CPython
//!   keeps once, which are the empty one and those of one character below U+0100. Of all others the last wins.
//!
//! ```yaml
//! a: &a {kk: true, k: 1}
//! b: &b {kk: false, k: 2}
//! c: {<<: [*a, *b]}    # 6.0.3: kk is true, k is 1; 6.0.4: kk is false, k is 1
//! ```
//!
//! Under 6.0.3's rule the same pair may stand in a mapping many times. Only the first, for the order of the keys, and the
//! last, for the value, can count: the others are not kept, and a bomb stays as small as its file.

use std::collections::{HashMap, HashSet};

use super::error::{Problem, YamlError};
use super::graph::{Content, Graph, NodeId, Tag};
use crate::Release;

/// Pairs that merging may copy, in the whole file. A file of `n` pairs can copy `n`² of them, in PyYAML as here: 1,500
/// pairs merged 1,500 times, 30 kB, take PyYAML 3.4 s. So many take 0.15 s and 16 MB here.
const COPY_LIMIT: usize = 2_000_000;

/// Pairs that may move up when merge keys are taken out, in the whole file: for many merge keys in one mapping that
/// is quadratic. 2 GB of memory moved, a fraction of a second.
const MOVE_LIMIT: usize = 1 << 28;

/// How far PyYAML's constructor follows `=` and `<<` within each other: to CPython's recursion limit of 1,000. From a bare
/// script that is 988; a program has a few dozen frames on its stack before.
pub(super) const CHAIN_LIMIT: usize = 960;

type Pair = (NodeId, NodeId);

/// Replaces merge keys by what they merge, within the limits of one file.
#[derive(Debug)]
pub(super) struct Merger {
    release: Release,
    copied: usize,
    moved: usize,
    /// Whether there was anything to merge.
    pub(super) merged: bool,
}

/// A mapping whose merge keys are being replaced.
struct Flattening {
    id: NodeId,
    /// The pair that is looked at next.
    index: usize,
    /// What goes in front of the mapping's own pairs.
    merge: Vec<Pair>,
    /// What the current merge key names and is not flattened yet.
    sources: std::vec::IntoIter<NodeId>,
    /// The pairs of what is.
    groups: Vec<Vec<Pair>>,
    /// By identity, the keys that 6.0.4 has merged.
    seen: HashSet<Identity>,
}

/// What tells two strings apart that are equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Identity {
    Node(NodeId),
    /// An empty string or a character below U+0100, of which CPython has one each.
    Shared(Option<char>),
}

impl Flattening {
    fn of(id: NodeId) -> Self {
        Self {
            id,
            index: 0,
            merge: Vec::new(),
            sources: Vec::new().into_iter(),
            groups: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Takes the pairs of all that the current merge key names, in the order in which they count.
    fn take_groups(&mut self, graph: &Graph<'_>, release: Release) {
        let groups = self.groups.drain(..);
        match release {
            Release::V6_0_3 => self.merge.extend(groups.rev().flatten()),
            Release::V6_0_4 => {
                let seen = &mut self.seen;
                self.merge.extend(groups.flatten().filter(|&(key, _)| seen.insert(identity(graph, key))));
            }
        }
    }

    /// Puts what was merged in front of the mapping's own pairs.
    fn finish(&mut self, graph: &mut Graph<'_>) {
        let Content::Mapping(own) = &mut graph.node_mut(self.id).content else { return };
        if self.merge.is_empty() {
            return;
        }
        let mut merge = std::mem::take(&mut self.merge);
        drop_needless(&mut merge);
        merge.append(own);
        *own = merge;
    }
}

/// Drops a pair where it stands between others like it: the first tells the place of its key in a `dict`, the last its
/// value.
fn drop_needless(pairs: &mut Vec<Pair>) {
    let mut ends: HashMap<Pair, (usize, usize)> = HashMap::with_capacity(pairs.len());
    for (at, &pair) in pairs.iter().enumerate() {
        ends.entry(pair).or_insert((at, at)).1 = at;
    }
    let mut at = 0;
    pairs.retain(|pair| {
        let needed = ends.get(pair).is_none_or(|&(first, last)| at == first || at == last);
        at += 1;
        needed
    });
}

fn identity(graph: &Graph<'_>, key: NodeId) -> Identity {
    let Content::Scalar(text) = &graph.node(key).content else { return Identity::Node(key) };
    let mut chars = text.chars.chars();
    match (chars.next(), chars.next()) {
        (None, _) => Identity::Shared(None),
        (Some(c @ '\0'..='\u{FF}'), None) => Identity::Shared(Some(c)),
        _ => Identity::Node(key),
    }
}

impl Merger {
    pub(super) const fn new(release: Release) -> Self {
        Self { release, copied: 0, moved: 0, merged: false }
    }

    /// Replaces the merge keys of a mapping, and of all that is merged into it. PyYAML recurses; what is open is kept
    /// here and not on the thread's stack, which no file may exhaust.
    pub(super) fn flatten(&mut self, graph: &mut Graph<'_>, id: NodeId) -> Result<(), YamlError> {
        let mut index = 0;
        let Some(value) = self.take_merge_key(graph, id, &mut index)? else { return Ok(()) };
        let named = sources(graph, value, id)?.into_iter();
        let mut open = vec![Flattening { index, sources: named, ..Flattening::of(id) }];
        while let Some(mut innermost) = open.pop() {
            if let Some(source) = innermost.sources.next() {
                let node = graph.node(source);
                if !matches!(node.content, Content::Mapping(_)) {
                    return Err(YamlError::since(Problem::Merge, node.place, graph.node(innermost.id).place));
                }
                if open.len() >= CHAIN_LIMIT {
                    return Err(YamlError::at(Problem::TooDeep, node.place));
                }
                open.extend([innermost, Flattening::of(source)]);
                continue;
            }
            innermost.take_groups(graph, self.release);
            if let Some(value) = self.take_merge_key(graph, innermost.id, &mut innermost.index)? {
                innermost.sources = sources(graph, value, innermost.id)?.into_iter();
                open.push(innermost);
                continue;
            }
            innermost.finish(graph);
            if let Some(outer) = open.last_mut() {
                outer.groups.push(self.copy_pairs(graph, innermost.id)?);
            }
        }
        Ok(())
    }

    /// Removes the next merge key of a mapping from `index` on, and returns its value.
    fn take_merge_key(
        &mut self,
        graph: &mut Graph<'_>,
        id: NodeId,
        index: &mut usize,
    ) -> Result<Option<NodeId>, YamlError> {
        while let Some((key, value)) = pair(graph, id, *index) {
            match graph.node(key).tag {
                Tag::Merge => {
                    self.merged = true;
                    if let Content::Mapping(pairs) = &mut graph.node_mut(id).content {
                        pairs.remove(*index);
                        self.moved += pairs.len() - *index;
                    }
                    if self.moved > MOVE_LIMIT {
                        return Err(YamlError::at(Problem::TooLarge, graph.node(id).place));
                    }
                    return Ok(Some(value));
                }
                Tag::Value => graph.node_mut(key).tag = Tag::Str,
                _ => {}
            }
            *index += 1;
        }
        Ok(None)
    }

    fn copy_pairs(&mut self, graph: &Graph<'_>, id: NodeId) -> Result<Vec<Pair>, YamlError> {
        let Content::Mapping(pairs) = &graph.node(id).content else { return Ok(Vec::new()) };
        self.copied += pairs.len() + 1;
        if self.copied > COPY_LIMIT {
            return Err(YamlError::at(Problem::TooLarge, graph.node(id).place));
        }
        Ok(pairs.clone())
    }
}

/// A pair of a mapping; `None` behind its end.
pub(super) fn pair(graph: &Graph<'_>, id: NodeId, index: usize) -> Option<Pair> {
    match &graph.node(id).content {
        Content::Mapping(pairs) => pairs.get(index).copied(),
        _ => None,
    }
}

/// What the value of a merge key of `into` names: one mapping or a list.
fn sources(graph: &Graph<'_>, value: NodeId, into: NodeId) -> Result<Vec<NodeId>, YamlError> {
    let node = graph.node(value);
    match &node.content {
        Content::Mapping(_) => Ok(vec![value]),
        Content::Sequence(items) => Ok(items.clone()),
        Content::Scalar(_) => Err(YamlError::since(Problem::Merge, node.place, graph.node(into).place)),
    }
}
