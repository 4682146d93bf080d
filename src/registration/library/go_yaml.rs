//! gopkg.in/yaml.v2 2.4.0, into Dendrite's structs, not strict.
//!
//! It goes through a mapping from its beginning to its end and sets what it finds, so that the last of two equal keys counts,
//! and `<<` overwrites what stands before it. Null sets a field to nothing: `""`, `false`, no list.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pyyaml::{Node, NodeId, Place, Tree};

use super::said::{At, LIST, MAPPING, Room, Said, SaidEntry, TEXT, TRUE_OR_FALSE, Wrong};

pub(super) fn read(tree: &Tree<'_>, room: Room) -> Result<Said, Vec<Wrong>> {
    let mut reader = Reader { tree, wrong: Vec::new(), merging: Vec::new(), left: VALUES, room, compiled: Vec::new() };
    let mut service = Service { rate_limited: true, ..Service::default() };
    reader.service(tree.root(), &mut service);
    let said = reader.whole(service);
    match said {
        Some(said) if reader.wrong.is_empty() => Ok(said),
        _ => Err(reader.wrong),
    }
}

/// Values that are set, aliases followed. yaml.v2 has a limit on the share of aliases; this bounds what a stranger's file
/// costs, at some 0.2 s.
const VALUES: usize = 2_000_000;

struct Reader<'t> {
    tree: &'t Tree<'t>,
    wrong: Vec<Wrong>,
    /// The mappings that are being merged.
    merging: Vec<NodeId>,
    left: usize,
    room: Room,
    /// What must compile besides.
    compiled: Vec<At>,
}

/// `config.ApplicationService`.
#[derive(Default)]
struct Service {
    id: At,
    url: String,
    as_token: At,
    hs_token: At,
    sender_localpart: At,
    namespaces: Option<BTreeMap<String, Vec<SaidEntry>>>,
    rate_limited: bool,
    protocols: Vec<String>,
}

/// What a scalar comes to.
enum Scalar<'t> {
    Null,
    Bool(bool),
    /// Anything else: as a text it is what it is written as.
    Text(Cow<'t, str>),
    /// Its tag says something that it is not.
    Mistagged,
}

const PREFIX: &str = "tag:yaml.org,2002:";

impl<'t> Reader<'t> {
    fn is(&mut self, what: &'static str, id: NodeId, needs: &'static str) {
        let is = match self.tree.node(id) {
            Node::Sequence(_) => "a list",
            Node::Mapping(_) => "a mapping",
            Node::Scalar { .. } => match self.scalar(id) {
                Scalar::Null => "null",
                Scalar::Bool(_) => "a boolean",
                Scalar::Text(_) => "a text or a number",
                Scalar::Mistagged => "something else than its tag says",
            },
        };
        self.wrong.push(Wrong::Kind { what, is, needs, place: self.tree.place(id) });
    }

    fn refuse(&mut self, message: &'static str, id: NodeId) {
        self.wrong.push(Wrong::Other { message, place: Some(self.tree.place(id)) });
    }

    /// `resolve`, as far as it matters for texts and booleans.
    fn scalar(&self, id: NodeId) -> Scalar<'t> {
        let tree: &'t Tree<'t> = self.tree;
        let Node::Scalar { text, plain } = tree.node(id) else { return Scalar::Null };
        let text = &*text.chars;
        let tag = tree.tag(id).unwrap_or("");
        if tag.is_empty() && !plain {
            return Scalar::Text(text.into());
        }
        // Tags of one's own, a lone `!` too, let a text be a text.
        let Some(name) = tag.strip_prefix(PREFIX).or((tag.is_empty()).then_some("")) else {
            return Scalar::Text(text.into());
        };
        match name {
            "" => match word(text) {
                Some(word) => word,
                None => Scalar::Text(text.into()),
            },
            "binary" => decode_base64(text).map_or(Scalar::Mistagged, |text| Scalar::Text(text.into())),
            "null" => {
                if matches!(word(text), Some(Scalar::Null)) {
                    Scalar::Null
                } else {
                    Scalar::Mistagged
                }
            }
            "bool" => match word(text) {
                Some(Scalar::Bool(value)) => Scalar::Bool(value),
                _ => Scalar::Mistagged,
            },
            "int" => {
                if is_integer(text) {
                    Scalar::Text(text.into())
                } else {
                    Scalar::Mistagged
                }
            }
            "float" if is_float(text) => Scalar::Text(text.into()),
            "timestamp" if is_timestamp(text) => Scalar::Text(text.into()),
            "float" | "timestamp" => Scalar::Mistagged,
            // `!!str`, and what is not known.
            _ => Scalar::Text(text.into()),
        }
    }

    fn is_null(&self, id: NodeId) -> bool {
        matches!(self.tree.node(id), Node::Scalar { .. }) && matches!(self.scalar(id), Scalar::Null)
    }

    /// A string: any scalar as it is written, and null as the empty one.
    fn text(&mut self, what: &'static str, id: NodeId) -> Option<At> {
        let place = self.tree.place(id);
        if let Node::Scalar { text, .. } = self.tree.node(id) {
            let written = &*text.chars;
            if !self.room.take(written) {
                self.refuse(Room::FULL, id);
                return None;
            }
            let text = match self.scalar(id) {
                Scalar::Null => String::new(),
                Scalar::Bool(_) => written.to_owned(),
                Scalar::Text(text) => text.into_owned(),
                Scalar::Mistagged => {
                    self.refuse("a value is not what its tag says", id);
                    return None;
                }
            };
            return Some(At { text, place });
        }
        self.is(what, id, TEXT);
        None
    }

    fn set_text(&mut self, what: &'static str, id: NodeId, into: &mut At) {
        if let Some(text) = self.text(what, id) {
            *into = text;
        }
    }

    fn set_boolean(&mut self, what: &'static str, id: NodeId, into: &mut bool) {
        if let Node::Scalar { .. } = self.tree.node(id) {
            match self.scalar(id) {
                Scalar::Null => return *into = false,
                Scalar::Bool(value) => return *into = value,
                Scalar::Text(_) | Scalar::Mistagged => {}
            }
        }
        self.is(what, id, TRUE_OR_FALSE);
    }

    /// A list; null is an empty one.
    fn list(&mut self, what: &'static str, id: NodeId) -> Vec<NodeId> {
        match self.tree.node(id) {
            Node::Sequence(items) => items.to_vec(),
            Node::Scalar { .. } if self.is_null(id) => Vec::new(),
            _ => {
                self.is(what, id, LIST);
                Vec::new()
            }
        }
    }

    /// Goes through a mapping, each key as a text, and through what it merges where that stands.
    fn each_key(&mut self, id: NodeId, set: &mut dyn FnMut(&mut Self, &str, NodeId)) {
        let Node::Mapping(pairs) = self.tree.node(id) else { return };
        for &(key, value) in pairs {
            if self.left == 0 {
                return self.refuse("the file holds too many values", id);
            }
            self.left -= 1;
            if self.is_merge(key) {
                self.merge(key, value, set);
            } else if let Some(name) = self.text("a key", key) {
                set(self, &name.text, value);
            }
        }
    }

    fn is_merge(&self, key: NodeId) -> bool {
        let Node::Scalar { text, plain } = self.tree.node(key) else { return false };
        let untagged = match self.tree.tag(key) {
            None => plain,
            Some(tag) => tag == "!" || tag == "tag:yaml.org,2002:merge",
        };
        text.is("<<") && untagged
    }

    fn merge(&mut self, key: NodeId, value: NodeId, set: &mut dyn FnMut(&mut Self, &str, NodeId)) {
        // What stands before its key is named by an alias, and a list that is named so does not merge.
        let is_alias = self.tree.place(value) < self.tree.place(key);
        let sources: Vec<NodeId> = match self.tree.node(value) {
            Node::Mapping(_) => vec![value],
            // Earlier ones take precedence, and so come last.
            Node::Sequence(items) if !is_alias => items.iter().rev().copied().collect(),
            Node::Sequence(_) | Node::Scalar { .. } => {
                return self.refuse("`<<` wants a mapping, or a list of mappings that stands there", value);
            }
        };
        for source in sources {
            if !matches!(self.tree.node(source), Node::Mapping(_)) {
                return self.refuse("`<<` wants a mapping, or a list of mappings that stands there", source);
            }
            if self.merging.contains(&source) {
                return self.refuse("what an alias names holds the alias", source);
            }
            self.merging.push(source);
            self.each_key(source, set);
            self.merging.pop();
        }
    }

    fn service(&mut self, id: NodeId, service: &mut Service) {
        match self.tree.node(id) {
            Node::Mapping(_) => {}
            Node::Scalar { .. } if self.is_null(id) => return *service = Service::default(),
            _ => return self.is("the file", id, MAPPING),
        }
        self.each_key(id, &mut |reader, key, value| match key {
            "id" => reader.set_text("id", value, &mut service.id),
            "url" => {
                if let Some(url) = reader.text("url", value) {
                    service.url = url.text;
                }
            }
            "as_token" => reader.set_text("as_token", value, &mut service.as_token),
            "hs_token" => reader.set_text("hs_token", value, &mut service.hs_token),
            "sender_localpart" => reader.set_text("sender_localpart", value, &mut service.sender_localpart),
            "namespaces" => reader.namespaces(value, &mut service.namespaces),
            "rate_limited" => reader.set_boolean("rate_limited", value, &mut service.rate_limited),
            "protocols" => {
                let items = reader.list("protocols", value);
                service.protocols =
                    items.into_iter().filter_map(|item| Some(reader.text("protocols", item)?.text)).collect();
            }
            _ => {}
        });
    }

    /// A map of lists, whatever their keys are. A second one adds to the first.
    fn namespaces(&mut self, id: NodeId, into: &mut Option<BTreeMap<String, Vec<SaidEntry>>>) {
        match self.tree.node(id) {
            Node::Mapping(_) => {}
            Node::Scalar { .. } if self.is_null(id) => return *into = None,
            _ => return self.is("namespaces", id, MAPPING),
        }
        let lists = into.get_or_insert_default();
        self.each_key(id, &mut |reader, key, value| {
            let items = reader.list("a list of namespaces", value);
            let entries = items.into_iter().map(|item| reader.entry(item)).collect();
            lists.insert(key.to_owned(), entries);
        });
    }

    fn entry(&mut self, id: NodeId) -> SaidEntry {
        let place = self.tree.place(id);
        let mut entry = SaidEntry { regex: At { text: String::new(), place }, ..SaidEntry::default() };
        match self.tree.node(id) {
            Node::Mapping(_) => {}
            Node::Scalar { .. } if self.is_null(id) => return entry,
            _ => {
                self.is("an entry", id, MAPPING);
                return entry;
            }
        }
        self.each_key(id, &mut |reader, key, value| match key {
            "exclusive" => reader.set_boolean("exclusive", value, &mut entry.exclusive),
            "regex" => reader.set_text("regex", value, &mut entry.regex),
            "group_id" => entry.group_id = reader.text("group_id", value),
            // A field without a name of its own: what it is set to is overwritten, once it has been compiled.
            "regexpobject" => match reader.tree.node(value) {
                Node::Sequence(_) => reader.is("regexpobject", value, MAPPING),
                Node::Scalar { .. } if !reader.is_null(value) => {
                    let regex = reader.text("regexpobject", value);
                    reader.compiled.extend(regex);
                }
                Node::Scalar { .. } | Node::Mapping(_) => {}
            },
            _ => {}
        });
        entry
    }

    /// `checkErrors`, as far as it looks at one registration.
    fn whole(&mut self, service: Service) -> Option<Said> {
        let top = Place { line: 1, column: 1 };
        let Service { id, url, as_token, hs_token, sender_localpart, namespaces, rate_limited, protocols } = service;
        let needed =
            [("id", &id), ("as_token", &as_token), ("hs_token", &hs_token), ("sender_localpart", &sender_localpart)];
        for (key, at) in needed {
            if at.text.is_empty() {
                let place = if at.place == Place::default() { top } else { at.place };
                self.wrong.push(Wrong::Missing { key, place });
            }
        }
        let Some(mut lists) = namespaces else {
            // Nothing in Dendrite checks for it; it then writes into a map that is not there.
            self.wrong.push(Wrong::Missing { key: "namespaces", place: top });
            return None;
        };
        let mut list = |key| lists.remove(key).unwrap_or_default();
        let (users, aliases, rooms) = (list("users"), list("aliases"), list("rooms"));
        Some(Said {
            id,
            url: Some(url),
            as_token,
            hs_token,
            sender_localpart,
            users,
            aliases,
            rooms,
            others: lists
                .into_values()
                .flatten()
                .map(|entry| entry.regex)
                .chain(std::mem::take(&mut self.compiled))
                .filter(|regex| !regex.text.is_empty())
                .collect(),
            protocols,
            rate_limited: Some(rate_limited),
        })
    }
}

/// The words that stand for something, if they are not tagged otherwise.
fn word(text: &str) -> Option<Scalar<'_>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => return None,
    })
}

/// `strconv.ParseInt(…, 0, 64)` of what is left without `_`.
fn is_integer(text: &str) -> bool {
    let plain = text.replace('_', "");
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let lower = digits.to_ascii_lowercase();
    let (radix, rest) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &*lower),
    };
    !rest.starts_with(['+', '-']) && u64::from_str_radix(rest, radix).is_ok()
}

fn is_float(text: &str) -> bool {
    let plain = text.replace('_', "");
    let starts = text.starts_with(['+', '-', '.']) || text.starts_with(|c: char| c.is_ascii_digit());
    let named = plain.trim_start_matches(['+', '-']);
    matches!(text, ".nan" | ".NaN" | ".NAN")
        || matches!(named, ".inf" | ".Inf" | ".INF")
        || is_integer(text)
        || (starts && !plain.contains(['i', 'I', 'n', 'N']) && plain.parse::<f64>().is_ok())
}

/// `2006-1-2`, and the same with a time.
fn is_timestamp(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok())?;
    match parts[..] {
        [year, month, day] if year.len() == 4 && number(year).is_some() => {
            number(month).is_some_and(|month| (1..=12).contains(&month))
                && number(day).is_some_and(|day| (1..=31).contains(&day))
        }
        _ => false,
    }
}

/// `base64.StdEncoding`, which passes over line breaks.
fn decode_base64(text: &str) -> Option<String> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let padding = digits.iter().rev().take_while(|&&byte| byte == b'=').count();
    if !digits.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in &digits[..digits.len() - padding] {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        buffer = buffer << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 0xFF).unwrap_or_default());
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
