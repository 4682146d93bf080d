//! figment 0.10.19: `serde_yaml` into values without a wish for a type, and the values into structs.
//!
//! So a scalar that reads as a number is a number, where a text is wanted; a list may stand for a struct, its items for
//! the fields in their order; of two equal keys the last counts; and all of the file must be readable, what is below
//! unknown keys too.

use std::collections::BTreeMap;

use pyyaml::{Node, NodeId, Tree};

use super::said::{At, Keys, LIST, MAPPING, Said, SaidEntry, TEXT, TRUE_OR_FALSE, Wrong};
use super::scalar;

/// `serde_yaml`'s limit on lists and mappings within each other.
const DEPTH: usize = 128;

/// Values that are looked at, aliases followed: `serde_yaml` follows a hundred for each event of a file. This bounds what a
/// stranger's file costs, at some 0.2 s.
const VALUES: usize = 2_000_000;

pub(super) fn read(tree: &Tree<'_>, keys: Keys) -> Result<Said, Vec<Wrong>> {
    let mut reader = Reader { tree, wrong: Vec::new(), left: VALUES };
    let root = reader.root();
    let said = root.and_then(|root| reader.registration(&root, keys));
    match said {
        Some(said) if reader.wrong.is_empty() => Ok(said),
        _ => Err(reader.wrong),
    }
}

struct Reader<'t> {
    tree: &'t Tree<'t>,
    wrong: Vec<Wrong>,
    left: usize,
}

type Dict = BTreeMap<String, NodeId>;

/// A value of figment's.
enum Value {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<NodeId>),
    Dict(Dict),
}

impl Reader<'_> {
    fn is(&mut self, what: &'static str, id: NodeId, needs: &'static str) {
        let (is, place) = (scalar::kind(self.tree, id), self.tree.place(id));
        self.wrong.push(Wrong::Kind { what, is, needs, place });
    }

    fn refuse<T>(&mut self, message: &'static str, id: NodeId) -> Option<T> {
        self.wrong.push(Wrong::Other { message, place: Some(self.tree.place(id)) });
        None
    }

    /// The mapping that the file is, all that is in it being readable.
    fn root(&mut self) -> Option<Dict> {
        let id = self.tree.root();
        match self.tree.node(id) {
            Node::Mapping(pairs) => {
                for &(_, value) in pairs {
                    self.readable(value, 1)?;
                }
                self.dict(pairs)
            }
            Node::Scalar { text, plain: true } if text.chars.is_empty() => Some(Dict::new()),
            _ => {
                self.is("the file", id, MAPPING);
                None
            }
        }
    }

    fn dict(&mut self, pairs: &[(NodeId, NodeId)]) -> Option<Dict> {
        let mut dict = Dict::new();
        for &(key, value) in pairs {
            let Node::Scalar { text, .. } = self.tree.node(key) else {
                self.is("a key", key, TEXT);
                return None;
            };
            dict.insert(text.chars.clone().into_owned(), value);
        }
        Some(dict)
    }

    /// Whether a value within so many others, and all that is in it, can be read at all.
    fn readable(&mut self, id: NodeId, depth: usize) -> Option<()> {
        let node = self.tree.node(id);
        if depth >= DEPTH && !matches!(node, Node::Scalar { .. }) {
            return self.refuse("lists and mappings are nested too deep", id);
        }
        if self.left == 0 {
            return self.refuse("the file holds too many values", id);
        }
        self.left -= 1;
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
                if fits { Some(()) } else { self.refuse("a value is not what its tag says", id) }
            }
            Node::Sequence(items) => items.iter().try_for_each(|&item| self.readable(item, depth + 1)),
            Node::Mapping(pairs) => {
                self.dict(pairs)?;
                pairs.iter().try_for_each(|&(_, value)| self.readable(value, depth + 1))
            }
        }
    }

    /// A value that is readable.
    fn value(&mut self, id: NodeId) -> Value {
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

    fn needed(&mut self, dict: &Dict, key: &'static str, of: NodeId) -> Option<NodeId> {
        let found = dict.get(key).copied();
        if found.is_none() {
            self.wrong.push(Wrong::Missing { key, place: self.tree.place(of) });
        }
        found
    }

    fn text(&mut self, key: &'static str, id: NodeId) -> Option<At> {
        match self.value(id) {
            Value::Text(text) => Some(At { text, place: self.tree.place(id) }),
            _ => {
                self.is(key, id, TEXT);
                None
            }
        }
    }

    fn boolean(&mut self, key: &'static str, id: NodeId) -> Option<bool> {
        match self.value(id) {
            Value::Bool(value) => Some(value),
            _ => {
                self.is(key, id, TRUE_OR_FALSE);
                None
            }
        }
    }

    fn list(&mut self, key: &'static str, id: NodeId) -> Vec<NodeId> {
        match self.value(id) {
            Value::List(items) => items,
            _ => {
                self.is(key, id, LIST);
                Vec::new()
            }
        }
    }

    /// A value that may be missing, or null.
    fn optional(&mut self, dict: &Dict, key: &str) -> Option<NodeId> {
        let id = dict.get(key).copied()?;
        (!matches!(self.value(id), Value::Null)).then_some(id)
    }

    fn registration(&mut self, dict: &Dict, keys: Keys) -> Option<Said> {
        let root = self.tree.root();
        let mut needed = |key| {
            let id = self.needed(dict, key, root)?;
            self.text(key, id)
        };
        let (id, as_token, hs_token) = (needed("id"), needed("as_token"), needed("hs_token"));
        let sender = needed("sender_localpart");
        if keys.url {
            self.needed(dict, "url", root);
        }
        let url = self.optional(dict, "url").and_then(|url| self.text("url", url));
        let [users, aliases, rooms] = match self.needed(dict, "namespaces", root) {
            Some(namespaces) => self.namespaces(namespaces),
            None => Default::default(),
        };
        let rate_limited = self.optional(dict, "rate_limited").and_then(|id| self.boolean("rate_limited", id));
        let protocols = self.optional(dict, "protocols").map_or_else(Vec::new, |id| self.list("protocols", id));
        let protocols = protocols.into_iter().filter_map(|item| Some(self.text("protocols", item)?.text)).collect();
        for &key in keys.booleans {
            if let Some(&value) = dict.get(key) {
                self.boolean(key, value);
            }
        }
        Some(Said {
            id: id?,
            url: url.map(|url| url.text),
            as_token: as_token?,
            hs_token: hs_token?,
            sender_localpart: sender?,
            users,
            aliases,
            rooms,
            others: Vec::new(),
            protocols,
            rate_limited,
        })
    }

    fn namespaces(&mut self, id: NodeId) -> [Vec<SaidEntry>; 3] {
        const LISTS: [&str; 3] = ["users", "aliases", "rooms"];
        let found: [Option<NodeId>; 3] = match self.value(id) {
            Value::Dict(dict) => LISTS.map(|list| dict.get(list).copied()),
            Value::List(items) => [0, 1, 2].map(|at| items.get(at).copied()),
            _ => {
                self.is("namespaces", id, MAPPING);
                return Default::default();
            }
        };
        let mut lists = LISTS.iter().zip(found).map(|(list, found)| {
            let items = found.map_or_else(Vec::new, |id| self.list(list, id));
            items.into_iter().filter_map(|item| self.entry(item)).collect()
        });
        [(); 3].map(|()| lists.next().unwrap_or_default())
    }

    fn entry(&mut self, id: NodeId) -> Option<SaidEntry> {
        let (exclusive, regex) = match self.value(id) {
            Value::Dict(dict) => (self.needed(&dict, "exclusive", id), self.needed(&dict, "regex", id)),
            Value::List(items) => {
                let found = (items.first().copied(), items.get(1).copied());
                if found.1.is_none() {
                    self.is("an entry", id, MAPPING);
                }
                found
            }
            _ => {
                self.is("an entry", id, MAPPING);
                return None;
            }
        };
        let exclusive = exclusive.and_then(|value| self.boolean("exclusive", value));
        let regex = regex.and_then(|value| self.text("regex", value));
        Some(SaidEntry { regex: regex?, exclusive: exclusive?, group_id: None })
    }
}

/// A scalar that is neither quoted nor tagged.
fn plain_value(text: &str) -> Value {
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
