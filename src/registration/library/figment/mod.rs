//! figment 0.10.19: a text into values without a wish for a type, and the values into structs.
//!
//! So a scalar that reads as a number is a number, where a text is wanted; a list may stand for a struct, its items for the
//! fields in their order; of two equal keys the last counts, where the text may have two. The values come from
//! `serde_yaml` (Palpo's `*.yaml`) or `toml` (Palpo's `*.toml`, and the tables of Tuwunel's configuration).

mod table;
mod toml;
mod yaml;

use std::collections::BTreeMap;

use pyyaml::{Place, Tree};

use super::said::{At, Keys, LIST, MAPPING, Room, Said, SaidEntry, TEXT, TRUE_OR_FALSE, Wrong};

pub(super) use table::read as read_table;
pub(in crate::registration) use table::{directory, tables};

/// What `serde_yaml` and Palpo make of a text.
pub(super) fn read(tree: &Tree<'_>, keys: Keys, room: Room) -> Result<Said, Vec<Wrong>> {
    let yaml = yaml::Yaml::new(tree);
    let top = yaml.root().map_err(|wrong| vec![wrong])?;
    Reader::new(&yaml, room).finish(|reader| reader.registration(&top, tree.root(), keys))
}

/// What `toml` and Palpo make of the bytes of a file.
pub(super) fn read_toml(bytes: &[u8], keys: Keys) -> Result<Said, Vec<Wrong>> {
    let text = toml::Text::new(bytes)?;
    let document = text.parse()?;
    let values = toml::Toml::new(&text);
    let Value::Dict(root) = values.value(document.root()) else { return Err(vec![Wrong::Empty]) };
    Reader::new(&values, Room::of(bytes)).finish(|reader| reader.registration(&root, document.root(), keys))
}

/// A value of figment's.
enum Value<I> {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<I>),
    Dict(Dict<I>),
}

type Dict<I> = BTreeMap<String, I>;

/// Where values come from, and where each stands there.
trait Values {
    /// What one is known by.
    type Id: Copy;

    fn value(&self, id: Self::Id) -> Value<Self::Id>;

    /// What it is called in a message.
    fn kind(&self, id: Self::Id) -> &'static str;

    fn place(&self, id: Self::Id) -> Place;
}

/// Values into the structs of a homeserver.
struct Reader<'v, V: Values> {
    values: &'v V,
    wrong: Vec<Wrong>,
    room: Room,
}

impl<'v, V: Values> Reader<'v, V> {
    const fn new(values: &'v V, room: Room) -> Self {
        Self { values, wrong: Vec::new(), room }
    }

    /// What is read, if nothing was wrong.
    fn finish(mut self, read: impl FnOnce(&mut Self) -> Option<Said>) -> Result<Said, Vec<Wrong>> {
        match read(&mut self) {
            Some(said) if self.wrong.is_empty() => Ok(said),
            _ => Err(self.wrong),
        }
    }

    fn is(&mut self, what: &'static str, id: V::Id, needs: &'static str) {
        let (is, place) = (self.values.kind(id), self.values.place(id));
        self.wrong.push(Wrong::Kind { what, is, needs, place });
    }

    fn needed(&mut self, dict: &Dict<V::Id>, key: &'static str, of: V::Id) -> Option<V::Id> {
        let found = dict.get(key).copied();
        if found.is_none() {
            self.wrong.push(Wrong::Missing { key, place: self.values.place(of) });
        }
        found
    }

    fn text(&mut self, key: &'static str, id: V::Id) -> Option<At> {
        if let Value::Text(text) = self.values.value(id) {
            if !self.room.take(&text) {
                self.wrong.push(Wrong::Other { message: Room::FULL, place: Some(self.values.place(id)) });
                return None;
            }
            return Some(At { text, place: self.values.place(id) });
        }
        self.is(key, id, TEXT);
        None
    }

    fn boolean(&mut self, key: &'static str, id: V::Id) -> Option<bool> {
        if let Value::Bool(value) = self.values.value(id) {
            return Some(value);
        }
        self.is(key, id, TRUE_OR_FALSE);
        None
    }

    fn list(&mut self, key: &'static str, id: V::Id) -> Vec<V::Id> {
        if let Value::List(items) = self.values.value(id) {
            return items;
        }
        self.is(key, id, LIST);
        Vec::new()
    }

    /// A value that may be missing, or null.
    fn optional(&self, dict: &Dict<V::Id>, key: &str) -> Option<V::Id> {
        let id = dict.get(key).copied()?;
        (!matches!(self.values.value(id), Value::Null)).then_some(id)
    }

    fn texts(&mut self, key: &'static str, id: V::Id) -> Vec<String> {
        self.list(key, id).into_iter().filter_map(|item| Some(self.text(key, item)?.text)).collect()
    }

    /// Palpo's `Registration`.
    fn registration(&mut self, dict: &Dict<V::Id>, root: V::Id, keys: Keys) -> Option<Said> {
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
        let protocols = self.optional(dict, "protocols").map_or_else(Vec::new, |id| self.texts("protocols", id));
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

    fn namespaces(&mut self, id: V::Id) -> [Vec<SaidEntry>; 3] {
        const LISTS: [&str; 3] = ["users", "aliases", "rooms"];
        let found: [Option<V::Id>; 3] = match self.values.value(id) {
            Value::Dict(dict) => LISTS.map(|list| dict.get(list).copied()),
            Value::List(items) => [0, 1, 2].map(|at| items.get(at).copied()),
            _ => {
                self.is("namespaces", id, MAPPING);
                return Default::default();
            }
        };
        let mut lists = LISTS.iter().zip(found).map(|(list, found)| {
            let items = found.map_or_else(Vec::new, |id| self.list(list, id));
            items.into_iter().filter_map(|item| self.entry(item, None)).collect()
        });
        [(); 3].map(|()| lists.next().unwrap_or_default())
    }

    /// An entry, of which `exclusive` may be left out where there is something that it then is.
    fn entry(&mut self, id: V::Id, unless_said: Option<bool>) -> Option<SaidEntry> {
        let (exclusive, regex) = match self.values.value(id) {
            Value::Dict(dict) => {
                let exclusive = match unless_said {
                    Some(_) => dict.get("exclusive").copied(),
                    None => self.needed(&dict, "exclusive", id),
                };
                (exclusive, self.needed(&dict, "regex", id))
            }
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
        let exclusive = exclusive.map_or(unless_said, |value| self.boolean("exclusive", value));
        let regex = regex.and_then(|value| self.text("regex", value));
        Some(SaidEntry { regex: regex?, exclusive: exclusive?, group_id: None })
    }
}
