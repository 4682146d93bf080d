use super::room;
use crate::{Place, Text};

/// A node of a [`Document`](crate::Document); means nothing to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The nodes of a document. Aliases make it a graph, which may hold cycles.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
}

/// A node before it has a value.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) tag: Tag,
    pub(super) content: Content<'a>,
    /// Where it begins: its tag or anchor, if it has one.
    pub(super) place: Place,
    /// Behind its last character, of a scalar; of all else where it begins.
    pub(super) end: Place,
    /// The tag as it is written, its handle resolved. Kept for other grammars than PyYAML's alone, as is the next.
    pub(super) written: Option<Box<str>>,
    /// Whether it is a scalar that is neither quoted nor a block.
    pub(super) plain: bool,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Scalar(Text<'a>),
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
}

/// The tags that `SafeLoader` knows, and those that it meets and refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Null,
    Bool,
    Int,
    Float,
    Binary,
    Timestamp,
    Omap,
    Pairs,
    Set,
    Str,
    Seq,
    Map,
    Merge,
    Value,
    Unknown,
}

impl Tag {
    /// Reads a whole tag.
    pub(super) fn named(name: &str) -> Self {
        match name.strip_prefix("tag:yaml.org,2002:") {
            Some("null") => Self::Null,
            Some("bool") => Self::Bool,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("binary") => Self::Binary,
            Some("timestamp") => Self::Timestamp,
            Some("omap") => Self::Omap,
            Some("pairs") => Self::Pairs,
            Some("set") => Self::Set,
            Some("str") => Self::Str,
            Some("seq") => Self::Seq,
            Some("map") => Self::Map,
            Some("merge") => Self::Merge,
            Some("value") => Self::Value,
            _ => Self::Unknown,
        }
    }

    /// Whether what it makes can be the key of a dict.
    pub(super) const fn is_hashable(self) -> bool {
        !matches!(self, Self::Omap | Self::Pairs | Self::Set | Self::Seq | Self::Map)
    }
}

impl Default for Graph<'_> {
    fn default() -> Self {
        Self { nodes: room::for_nodes() }
    }
}

impl Drop for Graph<'_> {
    fn drop(&mut self) {
        room::leave_nodes(std::mem::take(&mut self.nodes));
    }
}

impl<'a> Graph<'a> {
    #[inline]
    pub(super) fn node(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id.index()]
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node<'a> {
        &mut self.nodes[id.index()]
    }

    pub(super) fn add(&mut self, tag: Tag, content: Content<'a>, (place, end): (Place, Place)) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("the parser limits the number of nodes"));
        self.nodes.push(Node { tag, content, place, end, written: None, plain: true });
        id
    }
}
