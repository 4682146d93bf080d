use std::collections::VecDeque;

use super::base64;
use super::error::{Problem, YamlError};
use super::graph::{Content, Graph, NodeId, Tag};
use super::number::{self, Int};
use super::timestamp;
use super::token::Text;
use crate::Place;

/// Pairs that merging may copy, in the whole file. Doubling merges (an alias bomb) would take all memory.
const MERGE_LIMIT: usize = 2_000_000;

/// Pairs that may move up when merge keys are taken out, in the whole file: for many merge keys in one mapping that
/// is quadratic.
const MOVE_LIMIT: usize = 1 << 28;

/// How far PyYAML's constructor follows `=` and `<<` within each other: to CPython's recursion limit of 1,000, less what
/// stands on Synapse's stack before.
const CHAIN_LIMIT: usize = 960;

/// What PyYAML makes of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'g> {
    Null,
    Bool(bool),
    Int(Int),
    Float(f64),
    Str(&'g Text<'g>),
    /// `!!binary`, not decoded; whether it is empty.
    Binary {
        empty: bool,
    },
    /// A date or time, as it is written.
    Timestamp(&'g str),
    /// A list.
    List(&'g [NodeId]),
    /// `!!omap` and `!!pairs`: a list of tuples.
    Pairs(&'g [NodeId]),
    /// A dict.
    Dict(&'g [(NodeId, NodeId)]),
    /// `!!set`.
    Set(&'g [(NodeId, NodeId)]),
}

/// A document that PyYAML constructs, its merge keys resolved.
#[derive(Debug)]
pub struct Document<'a> {
    graph: Graph<'a>,
    root: NodeId,
    /// For each mapping that holds a key twice by itself: the earlier and the later place.
    repeated: Vec<(Place, Place)>,
}

impl<'a> Document<'a> {
    pub const fn root(&self) -> NodeId {
        self.root
    }

    pub fn place(&self, id: NodeId) -> Place {
        self.graph.node(id).place
    }

    pub fn value(&self, id: NodeId) -> Value<'_> {
        let node = self.graph.node(id);
        match (&node.content, node.tag) {
            (Content::Sequence(items), Tag::Omap | Tag::Pairs) => Value::Pairs(items),
            (Content::Sequence(items), _) => Value::List(items),
            (Content::Mapping(pairs), Tag::Map) => Value::Dict(pairs),
            (Content::Mapping(pairs), Tag::Set) => Value::Set(pairs),
            _ => scalar(&self.graph, id).map_or(Value::Null, |text| typed(node.tag, text)),
        }
    }

    /// The nodes of a string key, the last first.
    pub fn lookup<'d>(&'d self, pairs: &'d [(NodeId, NodeId)], key: &'d str) -> Option<(NodeId, NodeId)> {
        pairs.iter().rev().copied().find(|&(id, _)| matches!(self.value(id), Value::Str(text) if text.is(key)))
    }

    /// Key and value of an item of `!!omap` or `!!pairs`.
    pub fn single_pair(&self, id: NodeId) -> Option<(NodeId, NodeId)> {
        match &self.graph.node(id).content {
            Content::Mapping(pairs) => pairs.first().copied(),
            _ => None,
        }
    }

    /// Where mappings hold a key twice: the earlier and the later place.
    pub fn repeated(&self) -> &[(Place, Place)] {
        &self.repeated
    }

    /// Builds a document in the order in which PyYAML does, and refuses what it refuses.
    pub(super) fn construct(graph: Graph<'a>, root: NodeId) -> Result<Self, YamlError> {
        let made = vec![false; graph.nodes.len()];
        let mut builder = Builder { graph, made, waiting: VecDeque::new(), merged: 0, moved: 0, repeated: Vec::new() };
        builder.object(root)?;
        while let Some(id) = builder.waiting.pop_front() {
            builder.fill(id)?;
        }
        Ok(Self { graph: builder.graph, root, repeated: builder.repeated })
    }
}

fn typed<'g>(tag: Tag, text: &'g Text<'g>) -> Value<'g> {
    match tag {
        Tag::Bool => Value::Bool(matches!(text.chars.to_lowercase().as_str(), "yes" | "true" | "on")),
        Tag::Int => number::read_int(&text.chars).map_or(Value::Null, Value::Int),
        Tag::Float => number::read_float(&text.chars).map_or(Value::Null, Value::Float),
        Tag::Binary => Value::Binary { empty: base64::is_empty(&text.chars) },
        Tag::Timestamp => Value::Timestamp(&text.chars),
        Tag::Str => Value::Str(text),
        _ => Value::Null,
    }
}

/// The text of a scalar, or of a mapping that says it under `=`.
fn scalar<'g>(graph: &'g Graph<'_>, mut id: NodeId) -> Result<&'g Text<'g>, YamlError> {
    for _ in 0..=CHAIN_LIMIT {
        let node = graph.node(id);
        id = match &node.content {
            Content::Scalar(text) => return Ok(text),
            Content::Sequence(_) => return Err(YamlError::at(Problem::WrongKind("a scalar"), node.place)),
            Content::Mapping(pairs) => match pairs.iter().find(|&&(key, _)| graph.node(key).tag == Tag::Value) {
                Some(&(_, value)) => value,
                None => return Err(YamlError::at(Problem::WrongKind("a scalar"), node.place)),
            },
        };
    }
    Err(YamlError::at(Problem::Recursive, graph.node(id).place))
}

/// A mapping whose merge keys are being replaced.
struct Flattening {
    id: NodeId,
    /// The pair that is looked at next.
    index: usize,
    /// What goes in front of the mapping's own pairs.
    merge: Vec<(NodeId, NodeId)>,
    /// What the current merge key names and is not flattened yet.
    sources: std::vec::IntoIter<NodeId>,
    /// The pairs of what is.
    groups: Vec<Vec<(NodeId, NodeId)>>,
}

impl Flattening {
    fn of(id: NodeId) -> Self {
        Self { id, index: 0, merge: Vec::new(), sources: Vec::new().into_iter(), groups: Vec::new() }
    }
}

struct Builder<'a> {
    graph: Graph<'a>,
    /// By node: whether its object exists.
    made: Vec<bool>,
    /// Collections that are made and not yet filled: PyYAML's state generators.
    waiting: VecDeque<NodeId>,
    merged: usize,
    moved: usize,
    repeated: Vec<(Place, Place)>,
}

impl Builder<'_> {
    fn object(&mut self, id: NodeId) -> Result<(), YamlError> {
        if self.made[id as usize] {
            return Ok(());
        }
        let node = self.graph.node(id);
        let (tag, place) = (node.tag, node.place);
        let refuse = |problem| Err(YamlError::at(problem, place));
        match tag {
            Tag::Seq | Tag::Map | Tag::Set | Tag::Omap | Tag::Pairs => self.waiting.push_back(id),
            Tag::Unknown => return refuse(Problem::UnknownTag),
            Tag::Merge => return refuse(Problem::MisplacedSpecial("'<<'")),
            Tag::Value => return refuse(Problem::MisplacedSpecial("'='")),
            Tag::Null | Tag::Str | Tag::Bool | Tag::Int | Tag::Float | Tag::Binary | Tag::Timestamp => {
                let text = scalar(&self.graph, id)?;
                // A timestamp's constructor looks at the node itself.
                let own = matches!(node.content, Content::Scalar(_));
                if let Some(what) = refused(tag, text, own) {
                    return refuse(Problem::Scalar(what));
                }
            }
        }
        self.made[id as usize] = true;
        Ok(())
    }

    fn fill(&mut self, id: NodeId) -> Result<(), YamlError> {
        match self.graph.node(id).tag {
            Tag::Seq => {
                for item in self.items(id, "a list")? {
                    self.object(item)?;
                }
                Ok(())
            }
            Tag::Map | Tag::Set => self.fill_mapping(id),
            _ => self.fill_pairs(id),
        }
    }

    fn items(&self, id: NodeId, expected: &'static str) -> Result<Vec<NodeId>, YamlError> {
        match &self.graph.node(id).content {
            Content::Sequence(items) => Ok(items.clone()),
            _ => Err(YamlError::at(Problem::WrongKind(expected), self.graph.node(id).place)),
        }
    }

    fn fill_mapping(&mut self, id: NodeId) -> Result<(), YamlError> {
        let Content::Mapping(own) = &self.graph.node(id).content else {
            return Err(YamlError::at(Problem::WrongKind("a mapping"), self.graph.node(id).place));
        };
        let own = own.clone();
        self.flatten(id)?;
        let Content::Mapping(pairs) = &self.graph.node(id).content else { return Ok(()) };
        for (key, value) in pairs.clone() {
            self.object(key)?;
            if !self.graph.node(key).tag.is_hashable() {
                return Err(YamlError::at(Problem::UnhashableKey, self.graph.node(key).place));
            }
            self.object(value)?;
        }
        self.note_repeated(&own);
        Ok(())
    }

    fn fill_pairs(&mut self, id: NodeId) -> Result<(), YamlError> {
        for item in self.items(id, "a list")? {
            let node = self.graph.node(item);
            let (key, value) = match &node.content {
                Content::Mapping(pairs) if pairs.len() == 1 => pairs[0],
                _ => return Err(YamlError::at(Problem::WrongKind("mappings of one key"), node.place)),
            };
            self.object(key)?;
            self.object(value)?;
        }
        Ok(())
    }

    /// Replaces the merge keys of a mapping by what they merge, in front of its own pairs.
    ///
    /// What is merged is flattened first, and what is merged into that before; PyYAML recurses.
    fn flatten(&mut self, id: NodeId) -> Result<(), YamlError> {
        let mut open = vec![Flattening::of(id)];
        while let Some(mut innermost) = open.pop() {
            if let Some(source) = innermost.sources.next() {
                let node = self.graph.node(source);
                if !matches!(node.content, Content::Mapping(_)) {
                    return Err(YamlError::since(Problem::Merge, node.place, self.graph.node(innermost.id).place));
                }
                if open.len() >= CHAIN_LIMIT {
                    return Err(YamlError::at(Problem::TooDeep, node.place));
                }
                open.extend([innermost, Flattening::of(source)]);
                continue;
            }
            innermost.merge.extend(innermost.groups.drain(..).rev().flatten());
            if let Some(value) = self.take_merge_key(innermost.id, &mut innermost.index)? {
                innermost.sources = self.sources(value, innermost.id)?.into_iter();
                open.push(innermost);
                continue;
            }
            if let (false, Content::Mapping(pairs)) =
                (innermost.merge.is_empty(), &mut self.graph.node_mut(innermost.id).content)
            {
                innermost.merge.append(pairs);
                *pairs = innermost.merge;
            }
            if let Some(outer) = open.last_mut() {
                outer.groups.push(self.copy_pairs(innermost.id)?);
            }
        }
        Ok(())
    }

    /// Removes the next merge key of a mapping from `index` on, and returns its value.
    fn take_merge_key(&mut self, id: NodeId, index: &mut usize) -> Result<Option<NodeId>, YamlError> {
        while let Some((key, value)) = self.pair(id, *index) {
            match self.graph.node(key).tag {
                Tag::Merge => {
                    if let Content::Mapping(pairs) = &mut self.graph.node_mut(id).content {
                        pairs.remove(*index);
                        self.moved += pairs.len() - *index;
                    }
                    if self.moved > MOVE_LIMIT {
                        return Err(YamlError::at(Problem::TooLarge, self.graph.node(id).place));
                    }
                    return Ok(Some(value));
                }
                Tag::Value => self.graph.node_mut(key).tag = Tag::Str,
                _ => {}
            }
            *index += 1;
        }
        Ok(None)
    }

    fn pair(&self, id: NodeId, index: usize) -> Option<(NodeId, NodeId)> {
        match &self.graph.node(id).content {
            Content::Mapping(pairs) => pairs.get(index).copied(),
            _ => None,
        }
    }

    /// What the value of a merge key of `into` names: one mapping or a list.
    fn sources(&self, value: NodeId, into: NodeId) -> Result<Vec<NodeId>, YamlError> {
        let node = self.graph.node(value);
        match &node.content {
            Content::Mapping(_) => Ok(vec![value]),
            Content::Sequence(items) => Ok(items.clone()),
            Content::Scalar(_) => Err(YamlError::since(Problem::Merge, node.place, self.graph.node(into).place)),
        }
    }

    fn copy_pairs(&mut self, id: NodeId) -> Result<Vec<(NodeId, NodeId)>, YamlError> {
        let Content::Mapping(pairs) = &self.graph.node(id).content else { return Ok(Vec::new()) };
        self.merged += pairs.len() + 1;
        if self.merged > MERGE_LIMIT {
            return Err(YamlError::at(Problem::TooLarge, self.graph.node(id).place));
        }
        Ok(pairs.clone())
    }

    fn note_repeated(&mut self, pairs: &[(NodeId, NodeId)]) {
        let mut seen: std::collections::HashMap<&str, Place> = std::collections::HashMap::new();
        for &(key, _) in pairs {
            let node = self.graph.node(key);
            if let (Tag::Str, Content::Scalar(text)) = (node.tag, &node.content)
                && text.surrogates.is_empty()
                && let Some(first) = seen.insert(&text.chars, node.place)
            {
                self.repeated.push((first, node.place));
            }
        }
    }
}

/// What a scalar claims to be, if its constructor raises.
fn refused(tag: Tag, text: &Text<'_>, own: bool) -> Option<&'static str> {
    let sound = text.surrogates.is_empty();
    let chars: &str = &text.chars;
    match tag {
        Tag::Bool => {
            let lower = chars.to_lowercase();
            let known = matches!(lower.as_str(), "yes" | "no" | "true" | "false" | "on" | "off");
            (!sound || !known).then_some("a boolean")
        }
        Tag::Int => (!sound || number::read_int(chars).is_none()).then_some("an integer"),
        Tag::Float => (!sound || number::read_float(chars).is_none()).then_some("a float"),
        Tag::Timestamp => (!sound || !own || !timestamp::is_valid(chars)).then_some("a date or time"),
        Tag::Binary => (!sound || !base64::is_valid(chars)).then_some("base64"),
        _ => None,
    }
}
