//! From the graph of nodes to a document: everything refused that PyYAML cannot make an object of.
//!
//! PyYAML makes a collection empty and fills it later, by generators that it runs after the root is made, so that a cycle
//! of aliases can be built. The order tells which of several faults is named, and what a merge key finds already filled.

use std::collections::VecDeque;

use super::error::{Problem, YamlError};
use super::graph::{Content, Graph, NodeId, Tag};
use super::merge::{CHAIN_LIMIT, Merger};
use super::{base64, number, timestamp};
use crate::{Place, Release, Text};

/// What building a document yields.
pub(super) struct Built<'a> {
    pub(super) graph: Graph<'a>,
    /// Where mappings hold a key twice by themselves: the earlier and the later place.
    pub(super) repeated: Vec<(Place, Place)>,
    /// Whether there was a merge key.
    pub(super) merges: bool,
}

/// Builds a document in the order in which PyYAML does, and refuses what it refuses.
pub(super) fn build(graph: Graph<'_>, root: NodeId, release: Release) -> Result<Built<'_>, YamlError> {
    let made = vec![false; graph.nodes.len()];
    let merger = Merger::new(release);
    let mut builder = Builder { graph, made, waiting: VecDeque::new(), merger, repeated: Vec::new() };
    builder.object(root)?;
    while let Some(id) = builder.waiting.pop_front() {
        builder.fill(id)?;
    }
    Ok(Built { graph: builder.graph, repeated: builder.repeated, merges: builder.merger.merged })
}

/// The text of a scalar, or of a mapping that says it under `=`.
pub(super) fn scalar<'g>(graph: &'g Graph<'_>, mut id: NodeId) -> Result<&'g Text<'g>, YamlError> {
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

struct Builder<'a> {
    graph: Graph<'a>,
    /// By node: whether its object exists.
    made: Vec<bool>,
    /// Collections that are made and not yet filled: PyYAML's state generators.
    waiting: VecDeque<NodeId>,
    merger: Merger,
    repeated: Vec<(Place, Place)>,
}

impl Builder<'_> {
    fn object(&mut self, id: NodeId) -> Result<(), YamlError> {
        if self.made[id.index()] {
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
        self.made[id.index()] = true;
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
        self.merger.flatten(&mut self.graph, id)?;
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
