use super::construct;
use super::error::YamlError;
use super::graph::{Content, Graph, NodeId, Tag};
use python_text::Integer;

use super::{base64, number, parser};
use crate::{Grammar, Place, Release, Text};

/// What PyYAML makes of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'g> {
    /// `None`.
    Null,
    /// `True` or `False`.
    Bool(bool),
    /// An `int`.
    Int(Integer),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Str(&'g Text<'g>),
    /// `bytes`, of `!!binary`.
    Binary {
        /// Whether they are none; they are not decoded.
        empty: bool,
    },
    /// A `date` or `datetime`, as it is written.
    Timestamp(&'g str),
    /// A `list`.
    List(&'g [NodeId]),
    /// A `list` of tuples, of `!!omap` and `!!pairs`; see [`Document::single_pair`].
    Pairs(&'g [NodeId]),
    /// A `dict`. Of two equal keys the last counts.
    Dict(&'g [(NodeId, NodeId)]),
    /// A `set`, of `!!set`: the keys.
    Set(&'g [(NodeId, NodeId)]),
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Located<'g> {
    /// The value.
    pub value: Value<'g>,
    /// Where it begins, with its tag or anchor if it has one.
    pub place: Place,
    /// Behind its last character, where it is a scalar; of all else where it begins.
    pub end: Place,
}

/// A document as PyYAML constructs it, its merge keys resolved.
#[derive(Debug)]
pub struct Document<'a> {
    graph: Graph<'a>,
    root: NodeId,
    repeated: Vec<(Place, Place)>,
    merges: bool,
}

impl<'a> Document<'a> {
    /// Reads the document in a text, as a release of PyYAML does; `None` when the text is empty.
    pub fn read(text: &'a str, release: Release) -> Result<Option<Self>, YamlError> {
        let (graph, Some(root)) = parser::parse(text, Grammar::PyYaml)? else { return Ok(None) };
        let built = construct::build(graph, root, release)?;
        Ok(Some(Self { graph: built.graph, root, repeated: built.repeated, merges: built.merges }))
    }

    /// The node that holds all others.
    #[must_use]
    pub const fn root(&self) -> NodeId {
        self.root
    }

    /// Where a node begins.
    #[must_use]
    pub fn place(&self, id: NodeId) -> Place {
        self.graph.node(id).place
    }

    /// A node's value and where it stands.
    #[must_use]
    pub fn locate(&self, id: NodeId) -> Located<'_> {
        let node = self.graph.node(id);
        Located { value: self.value(id), place: node.place, end: node.end }
    }

    /// A node's value.
    #[must_use]
    pub fn value(&self, id: NodeId) -> Value<'_> {
        let node = self.graph.node(id);
        match (&node.content, node.tag) {
            (Content::Sequence(items), Tag::Omap | Tag::Pairs) => Value::Pairs(items),
            (Content::Sequence(items), _) => Value::List(items),
            (Content::Mapping(pairs), Tag::Map) => Value::Dict(pairs),
            (Content::Mapping(pairs), Tag::Set) => Value::Set(pairs),
            _ => construct::scalar(&self.graph, id).map_or(Value::Null, |text| typed(node.tag, text)),
        }
    }

    /// The nodes of a string key and of its value in a `dict`: the last, if the key stands there more than once.
    #[must_use]
    pub fn lookup(&self, pairs: &[(NodeId, NodeId)], key: &str) -> Option<(NodeId, NodeId)> {
        pairs.iter().rev().copied().find(|&(id, _)| {
            let node = self.graph.node(id);
            match (&node.content, node.tag) {
                (Content::Scalar(text), tag) => tag == Tag::Str && text.is(key),
                _ => matches!(self.value(id), Value::Str(text) if text.is(key)),
            }
        })
    }

    /// The value of a string key in a `dict`, and where it stands.
    #[must_use]
    pub fn get(&self, pairs: &[(NodeId, NodeId)], key: &str) -> Option<Located<'_>> {
        self.lookup(pairs, key).map(|(_, value)| self.locate(value))
    }

    /// Key and value of an item of `!!omap` or `!!pairs`.
    #[must_use]
    pub fn single_pair(&self, id: NodeId) -> Option<(NodeId, NodeId)> {
        match &self.graph.node(id).content {
            Content::Mapping(pairs) => pairs.first().copied(),
            _ => None,
        }
    }

    /// Where mappings hold a string key twice, merged keys aside: the earlier and the later place.
    #[must_use]
    pub fn repeated(&self) -> &[(Place, Place)] {
        &self.repeated
    }

    /// Whether a mapping holds a merge key: only then may the [releases](Release) differ.
    #[must_use]
    pub const fn merges(&self) -> bool {
        self.merges
    }
}

fn typed<'g>(tag: Tag, text: &'g Text<'g>) -> Value<'g> {
    match tag {
        Tag::Bool => Value::Bool(construct::is_one_of(&text.chars, ["yes", "true", "on"])),
        Tag::Int => number::read_int(&text.chars).map_or(Value::Null, Value::Int),
        Tag::Float => number::read_float(&text.chars).map_or(Value::Null, Value::Float),
        Tag::Binary => Value::Binary { empty: base64::is_empty(&text.chars) },
        Tag::Timestamp => Value::Timestamp(&text.chars),
        Tag::Str => Value::Str(text),
        _ => Value::Null,
    }
}
