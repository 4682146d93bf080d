//! What `serde_yaml` makes values of. All of the file must be readable, what is below unknown keys too.

use std::cell::Cell;

use pyyaml::{Node, NodeId, Place, Tree};

use super::super::said::{MAPPING, TEXT, Wrong};
use super::super::scalar;
use super::{Dict, Value, Values};

/// `serde_yaml`'s limit on lists and mappings within each other.
const DEPTH: usize = 128;

/// Values that are looked at, aliases followed: `serde_yaml` follows a hundred for each event of a file. This bounds what a
/// stranger's file costs, at some 0.2 s.
const VALUES: usize = 2_000_000;

/// No key that anybody asks for is longer, and what is longer is not copied each time that an alias names its mapping.
const LONGEST_KEY: usize = 64;

pub(super) struct Yaml<'t> {
    tree: &'t Tree<'t>,
    left: Cell<usize>,
}

impl<'t> Yaml<'t> {
    pub(super) const fn new(tree: &'t Tree<'t>) -> Self {
        Self { tree, left: Cell::new(VALUES) }
    }

    fn is(&self, what: &'static str, id: NodeId, needs: &'static str) -> Wrong {
        Wrong::Kind { what, is: scalar::kind(self.tree, id), needs, place: self.tree.place(id) }
    }

    fn refuse(&self, message: &'static str, id: NodeId) -> Wrong {
        Wrong::Other { message, place: Some(self.tree.place(id)) }
    }

    /// The mapping that the file is, all that is in it being readable.
    pub(super) fn root(&self) -> Result<Dict<NodeId>, Wrong> {
        let id = self.tree.root();
        match self.tree.node(id) {
            Node::Mapping(pairs) => {
                for &(_, value) in pairs {
                    self.readable(value, 1)?;
                }
                self.dict(pairs)
            }
            Node::Scalar { text, plain: true } if text.chars.is_empty() => Ok(Dict::new()),
            _ => Err(self.is("the file", id, MAPPING)),
        }
    }

    fn dict(&self, pairs: &[(NodeId, NodeId)]) -> Result<Dict<NodeId>, Wrong> {
        let mut dict = Dict::new();
        for &(key, value) in pairs {
            let name = self.key(key)?;
            if name.len() <= LONGEST_KEY {
                dict.insert(name.to_owned(), value);
            }
        }
        Ok(dict)
    }

    fn key(&self, key: NodeId) -> Result<&str, Wrong> {
        match self.tree.node(key) {
            Node::Scalar { text, .. } => Ok(&text.chars),
            _ => Err(self.is("a key", key, TEXT)),
        }
    }

    /// Whether a value within so many others, and all that is in it, can be read at all.
    fn readable(&self, id: NodeId, depth: usize) -> Result<(), Wrong> {
        let node = self.tree.node(id);
        if depth >= DEPTH && !matches!(node, Node::Scalar { .. }) {
            return Err(self.refuse("lists and mappings are nested too deep", id));
        }
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(self.refuse("the file holds too many values", id));
        };
        self.left.set(left);
        match node {
            Node::Scalar { text, .. } => {
                let chars = &*text.chars;
                let fits = match self.tree.tag(id) {
                    Some(scalar::BOOL) => scalar::boolean(chars).is_some(),
                    Some(scalar::INT) => scalar::is_integer(chars),
                    Some(scalar::FLOAT) => scalar::is_float(chars),
                    Some(scalar::NULL) => scalar::is_null(chars),
                    _ => true,
                };
                if fits { Ok(()) } else { Err(self.refuse("a value is not what its tag says", id)) }
            }
            Node::Sequence(items) => items.iter().try_for_each(|&item| self.readable(item, depth + 1)),
            Node::Mapping(pairs) => {
                pairs.iter().try_for_each(|&(key, _)| self.key(key).map(drop))?;
                pairs.iter().try_for_each(|&(_, value)| self.readable(value, depth + 1))
            }
        }
    }
}

impl Values for Yaml<'_> {
    type Id = NodeId;

    /// A value that is readable.
    fn value(&self, id: NodeId) -> Value<NodeId> {
        let tag = self.tree.tag(id);
        // A tag of its own makes a mapping of one key, which nobody asks for.
        if tag.is_some_and(|tag| tag.starts_with('!')) {
            return Value::Dict(Dict::new());
        }
        match self.tree.node(id) {
            Node::Sequence(items) => Value::List(items.to_vec()),
            Node::Mapping(pairs) => self.dict(pairs).map_or(Value::Null, Value::Dict),
            Node::Scalar { text, plain } => {
                let chars = &*text.chars;
                match tag {
                    Some(scalar::BOOL) => scalar::boolean(chars).map_or(Value::Null, Value::Bool),
                    Some(scalar::INT | scalar::FLOAT) => Value::Number,
                    Some(scalar::NULL) => Value::Null,
                    None if plain => plain_value(chars),
                    _ => Value::Text(chars.to_owned()),
                }
            }
        }
    }

    fn kind(&self, id: NodeId) -> &'static str {
        scalar::kind(self.tree, id)
    }

    fn place(&self, id: NodeId) -> Place {
        self.tree.place(id)
    }
}

/// A scalar that is neither quoted nor tagged.
fn plain_value(text: &str) -> Value<NodeId> {
    if text.is_empty() || scalar::is_null(text) {
        Value::Null
    } else if let Some(value) = scalar::boolean(text) {
        Value::Bool(value)
    } else if scalar::is_number(text) {
        Value::Number
    } else {
        Value::Text(text.to_owned())
    }
}
