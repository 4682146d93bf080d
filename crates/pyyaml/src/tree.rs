use super::error::YamlError;
use super::graph::{self, Content, Graph, NodeId};
use super::parser;
use crate::{Grammar, Place, Text};

/// A document as it is written: no scalar has a type yet, and nothing is merged.
#[derive(Debug)]
pub struct Tree<'a> {
    graph: Graph<'a>,
    root: NodeId,
}

/// A node of a [`Tree`].
#[derive(Clone, Copy, Debug)]
pub enum Node<'t> {
    /// A text.
    Scalar {
        /// What it says.
        text: &'t Text<'t>,
        /// Whether it is neither quoted nor a block.
        plain: bool,
    },
    /// A list.
    Sequence(&'t [NodeId]),
    /// Keys and values, in their order.
    Mapping(&'t [(NodeId, NodeId)]),
}

impl<'a> Tree<'a> {
    /// Reads the document in a text; `None` when the text is empty. What an alias names may hold it again.
    pub fn read(text: &'a str, grammar: Grammar) -> Result<Option<Self>, YamlError> {
        let (graph, root) = parser::parse(text, grammar)?;
        Ok(root.map(|root| Self { graph, root }))
    }

    /// The node that holds all others.
    #[must_use]
    pub const fn root(&self) -> NodeId {
        self.root
    }

    /// What a node holds.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Node<'_> {
        let graph::Node { content, plain, .. } = self.graph.node(id);
        match content {
            Content::Scalar(text) => Node::Scalar { text, plain: *plain },
            Content::Sequence(items) => Node::Sequence(items),
            Content::Mapping(pairs) => Node::Mapping(pairs),
        }
    }

    /// Its tag, if one is written, with its handle resolved.
    #[must_use]
    pub fn tag(&self, id: NodeId) -> Option<&str> {
        self.graph.node(id).written.as_deref()
    }

    /// Where it begins, with its tag or anchor if it has one.
    #[must_use]
    pub fn place(&self, id: NodeId) -> Place {
        self.graph.node(id).place
    }

    /// Behind its last character, where it is a scalar; of all else where it begins.
    #[must_use]
    pub fn end(&self, id: NodeId) -> Place {
        self.graph.node(id).end
    }
}
