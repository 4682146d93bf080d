//! From the graph of nodes to a document: everything refused that PyYAML cannot make an object of.
//!
//! PyYAML makes a collection empty and fills it later, by generators that it runs after the root is made, so that a cycle
//! of aliases can be built. The order tells which of several faults is named, and what a merge key finds already filled.

use std::collections::{HashMap, VecDeque};

use super::error::{Problem, YamlError};
use super::graph::{Content, Graph, NodeId, Tag};
use super::merge::{CHAIN_LIMIT, Merger};
use super::{base64, merge, number, timestamp};
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
                let mut at = 0;
                while let Some(item) = self.item(id, at, "a list")? {
                    self.object(item)?;
                    at += 1;
                }
                Ok(())
            }
            Tag::Map | Tag::Set => self.fill_mapping(id),
            _ => self.fill_pairs(id),
        }
    }

    /// An item of what is expected to be a list; `None` behind its end.
    fn item(&self, id: NodeId, at: usize, expected: &'static str) -> Result<Option<NodeId>, YamlError> {
        match &self.graph.node(id).content {
            Content::Sequence(items) => Ok(items.get(at).copied()),
            _ => Err(YamlError::at(Problem::WrongKind(expected), self.graph.node(id).place)),
        }
    }

    fn fill_mapping(&mut self, id: NodeId) -> Result<(), YamlError> {
        let Content::Mapping(own) = &self.graph.node(id).content else {
            return Err(YamlError::at(Problem::WrongKind("a mapping"), self.graph.node(id).place));
        };
        let merges = own.iter().any(|&(key, _)| self.graph.node(key).tag == Tag::Merge);
        let own = merges.then(|| own.clone());
        self.merger.flatten(&mut self.graph, id)?;
        let mut at = 0;
        while let Some((key, value)) = merge::pair(&self.graph, id, at) {
            self.object(key)?;
            if !self.graph.node(key).tag.is_hashable() {
                return Err(YamlError::at(Problem::UnhashableKey, self.graph.node(key).place));
            }
            self.object(value)?;
            at += 1;
        }
        let Content::Mapping(flattened) = &self.graph.node(id).content else { return Ok(()) };
        let repeated = repeated(&self.graph, own.as_ref().unwrap_or(flattened));
        self.repeated.extend(repeated);
        Ok(())
    }

    fn fill_pairs(&mut self, id: NodeId) -> Result<(), YamlError> {
        let mut at = 0;
        while let Some(item) = self.item(id, at, "a list")? {
            at += 1;
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
}

/// Mappings of more keys are gone through with a table. To compare each key with all before it took 20 ns at 8 keys where a table
/// took 118, 229 for 481 at 32, and as much at 64.
const FEW: usize = 32;

/// Where a mapping holds a string key that it has held before: the latest earlier place, and this one.
fn repeated(graph: &Graph<'_>, pairs: &[(NodeId, NodeId)]) -> Vec<(Place, Place)> {
    let key = |&(key, _): &(NodeId, NodeId)| {
        let node = graph.node(key);
        match (node.tag, &node.content) {
            (Tag::Str, Content::Scalar(text)) if text.surrogates.is_empty() => Some((&*text.chars, node.place)),
            _ => None,
        }
    };
    let keys = pairs.iter().filter_map(key);
    if pairs.len() <= FEW {
        let before = |at| pairs[..at].iter().rev().filter_map(key);
        let keys = pairs.iter().enumerate().filter_map(|(at, pair)| Some((at, key(pair)?)));
        let twice = |(at, (text, place))| Some((before(at).find(|(other, _)| *other == text)?.1, place));
        return keys.filter_map(twice).collect();
    }
    let mut seen: HashMap<&str, Place> = HashMap::with_capacity(pairs.len());
    keys.filter_map(|(text, place)| Some((seen.insert(text, place)?, place))).collect()
}

/// Whether a text is one of three words for a boolean when all of it is written small. None of the letters of these is the
/// small one of a character beyond ASCII.
pub(super) fn is_one_of(chars: &str, words: [&str; 3]) -> bool {
    words.iter().any(|word| chars.eq_ignore_ascii_case(word))
}

/// What a scalar claims to be, if its constructor raises.
fn refused(tag: Tag, text: &Text<'_>, own: bool) -> Option<&'static str> {
    let sound = text.surrogates.is_empty();
    let chars: &str = &text.chars;
    match tag {
        Tag::Bool => {
            let known = is_one_of(chars, ["yes", "true", "on"]) || is_one_of(chars, ["no", "false", "off"]);
            (!sound || !known).then_some("a boolean")
        }
        Tag::Int => (!sound || number::read_int(chars).is_none()).then_some("an integer"),
        Tag::Float => (!sound || number::read_float(chars).is_none()).then_some("a float"),
        Tag::Timestamp => (!sound || !own || !timestamp::is_valid(chars)).then_some("a date or time"),
        Tag::Binary => (!sound || !base64::is_valid(chars)).then_some("base64"),
        _ => None,
    }
}
