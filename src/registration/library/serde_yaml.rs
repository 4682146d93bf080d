//! `serde_yaml` 0.9.34, into the structs that ruma derives.

use pyyaml::{Node, NodeId, Tree};

use super::said::{At, Keys, LIST, MAPPING, Room, Said, SaidEntry, TEXT, TRUE_OR_FALSE, Wrong};
use super::scalar;

pub(super) fn read(tree: &Tree<'_>, keys: Keys, room: Room) -> Result<Said, Vec<Wrong>> {
    let mut reader = Reader { tree, wrong: Vec::new(), room };
    let said = reader.registration(keys);
    match said {
        Some(said) if reader.wrong.is_empty() => Ok(said),
        _ => Err(reader.wrong),
    }
}

struct Reader<'t> {
    tree: &'t Tree<'t>,
    wrong: Vec<Wrong>,
    room: Room,
}

/// The keys of a struct that were found, and the place to name for those that were not.
struct Fields {
    of: NodeId,
    found: Vec<(&'static str, NodeId)>,
}

impl Fields {
    fn get(&self, key: &str) -> Option<NodeId> {
        self.found.iter().find(|(name, _)| *name == key).map(|&(_, value)| value)
    }
}

impl Reader<'_> {
    fn is(&mut self, what: &'static str, id: NodeId, needs: &'static str) {
        let (is, place) = (scalar::kind(self.tree, id), self.tree.place(id));
        self.wrong.push(Wrong::Kind { what, is, needs, place });
    }

    /// A mapping as a struct with these fields; what is empty is one without any. Other keys are passed over, what is
    /// below them as well.
    fn fields(&mut self, what: &'static str, id: NodeId, known: &[&'static str]) -> Option<Fields> {
        let pairs = match self.tree.node(id) {
            Node::Mapping(pairs) => pairs,
            Node::Scalar { text, plain: true } if text.chars.is_empty() => &[],
            _ => {
                self.is(what, id, MAPPING);
                return None;
            }
        };
        let mut fields = Fields { of: id, found: Vec::new() };
        for &(key, value) in pairs {
            let Node::Scalar { text, .. } = self.tree.node(key) else {
                self.is("a key", key, TEXT);
                continue;
            };
            let Some(&name) = known.iter().find(|&&name| text.is(name)) else { continue };
            if fields.get(name).is_some() {
                self.wrong.push(Wrong::Twice { key: name, place: self.tree.place(key) });
            } else {
                fields.found.push((name, value));
            }
        }
        Some(fields)
    }

    fn needed(&mut self, fields: &Fields, key: &'static str) -> Option<NodeId> {
        let found = fields.get(key);
        if found.is_none() {
            self.wrong.push(Wrong::Missing { key, place: self.tree.place(fields.of) });
        }
        found
    }

    /// Any scalar, as it is written.
    fn text(&mut self, key: &'static str, id: NodeId) -> Option<At> {
        match self.tree.node(id) {
            Node::Scalar { text, .. } if !self.room.take(&text.chars) => {
                self.wrong.push(Wrong::Other { message: Room::FULL, place: Some(self.tree.place(id)) });
                None
            }
            Node::Scalar { text, .. } => Some(At { text: text.chars.clone().into_owned(), place: self.tree.place(id) }),
            _ => {
                self.is(key, id, TEXT);
                None
            }
        }
    }

    fn needed_text(&mut self, fields: &Fields, key: &'static str) -> Option<At> {
        let id = self.needed(fields, key)?;
        self.text(key, id)
    }

    fn boolean(&mut self, key: &'static str, id: NodeId) -> Option<bool> {
        if let Node::Scalar { text, plain: true } = self.tree.node(id)
            && let Some(value) = scalar::boolean(&text.chars)
        {
            return Some(value);
        }
        self.is(key, id, TRUE_OR_FALSE);
        None
    }

    /// Whether a value that may be missing is there.
    fn is_some(&mut self, key: &'static str, id: NodeId) -> bool {
        let Node::Scalar { text, plain: true } = self.tree.node(id) else { return true };
        match self.tree.tag(id) {
            None => !text.chars.is_empty() && !scalar::is_null(&text.chars),
            Some(scalar::NULL) if scalar::is_null(&text.chars) => false,
            Some(scalar::NULL) => {
                self.is(key, id, "null, as its tag says");
                false
            }
            Some(_) => true,
        }
    }

    fn list(&mut self, what: &'static str, id: NodeId) -> Vec<NodeId> {
        match self.tree.node(id) {
            Node::Sequence(items) => items.to_vec(),
            Node::Scalar { text, plain: true } if text.chars.is_empty() => Vec::new(),
            _ => {
                self.is(what, id, LIST);
                Vec::new()
            }
        }
    }

    fn registration(&mut self, keys: Keys) -> Option<Said> {
        const KNOWN: [&str; 8] =
            ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces", "rate_limited", "protocols"];
        let known: Vec<&'static str> = KNOWN.iter().chain(keys.booleans).copied().collect();
        let fields = self.fields("the file", self.tree.root(), &known)?;
        let id = self.needed_text(&fields, "id");
        let url = match fields.get("url") {
            Some(url) if self.is_some("url", url) => self.text("url", url),
            None if keys.url => {
                self.wrong.push(Wrong::Missing { key: "url", place: self.tree.place(fields.of) });
                None
            }
            Some(_) | None => None,
        };
        let as_token = self.needed_text(&fields, "as_token");
        let hs_token = self.needed_text(&fields, "hs_token");
        let sender = self.needed_text(&fields, "sender_localpart");
        let [users, aliases, rooms] = match self.needed(&fields, "namespaces") {
            Some(namespaces) => self.namespaces(namespaces),
            None => Default::default(),
        };
        let rate_limited = match fields.get("rate_limited") {
            Some(value) if self.is_some("rate_limited", value) => self.boolean("rate_limited", value),
            _ => None,
        };
        let protocols = match fields.get("protocols") {
            Some(value) if self.is_some("protocols", value) => self.list("protocols", value),
            _ => Vec::new(),
        };
        let protocols = protocols.into_iter().filter_map(|item| Some(self.text("protocols", item)?.text)).collect();
        for &key in keys.booleans {
            if let Some(value) = fields.get(key) {
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
        let Some(fields) = self.fields("namespaces", id, &LISTS) else { return Default::default() };
        LISTS.map(|list| {
            let items = fields.get(list).map_or_else(Vec::new, |found| self.list(list, found));
            items.into_iter().filter_map(|item| self.entry(item)).collect()
        })
    }

    fn entry(&mut self, id: NodeId) -> Option<SaidEntry> {
        let fields = self.fields("an entry", id, &["exclusive", "regex"])?;
        let exclusive = self.needed(&fields, "exclusive").and_then(|value| self.boolean("exclusive", value));
        let regex = self.needed_text(&fields, "regex");
        Some(SaidEntry { regex: regex?, exclusive: exclusive?, group_id: None })
    }
}
