//! The keys of a registration that have no place of their own, as JSON.

use serde_json::{Map, Number, Value as Json};

use super::redact::{self, REDACTED, Secrets};
use pyyaml::{Document, NodeId, Value};

/// Values below one key that are shown; beyond that there is an ellipsis. The largest key of a real registration
/// (`heisenbridge`) holds a dozen.
const MAX_VALUES: usize = 1000;

/// Bytes of keys and texts that are shown in all; beyond that there is an ellipsis. An alias repeats a text of any length in
/// a few bytes; real registrations have less than a thousand.
const MAX_BYTES: usize = 64 << 10;

/// How deep nested values are shown. Real registrations reach 3.
const MAX_DEPTH: u32 = 16;

/// The keys that have their own place in the answers.
const KNOWN: [&str; 8] =
    ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces", "protocols", "rate_limited"];

/// All other keys.
pub(super) fn extra<'d>(
    document: &'d Document<'d>,
    pairs: &'d [(NodeId, NodeId)],
    secrets: &Secrets<'_>,
) -> Option<Box<Map<String, Json>>> {
    // Most registrations have no other, and need no table of their keys.
    let is_known = |&(key, _): &(NodeId, NodeId)| match document.value(key) {
        Value::Str(text) => KNOWN.iter().any(|known| text.is(known)),
        _ => false,
    };
    if pairs.iter().all(is_known) {
        return None;
    }
    let mut extra = Extra { document, secrets, left: MAX_VALUES, bytes: MAX_BYTES };
    let map = extra.pairs(pairs, 0, |key| !KNOWN.contains(&key));
    (!map.is_empty()).then(|| Box::new(map))
}

struct Extra<'d, 's> {
    document: &'d Document<'d>,
    secrets: &'s Secrets<'s>,
    left: usize,
    bytes: usize,
}

impl Extra<'_, '_> {
    fn pairs(&mut self, pairs: &[(NodeId, NodeId)], depth: u32, wanted: impl Fn(&str) -> bool) -> Map<String, Json> {
        let mut map = Map::new();
        // `1` and `true` are one key in Python.
        for (key, value) in self.document.entries(pairs) {
            let name = self.key(key);
            if wanted(&name) && !self.has_room_for(&name) {
                map.insert("…".to_owned(), Json::String("…".to_owned()));
            } else if wanted(&name) {
                let value = self.below(&name, value, depth);
                map.insert(self.secrets.hide(&name), value);
            }
        }
        map
    }

    /// Whether a text is shown.
    fn has_room_for(&mut self, text: &str) -> bool {
        let room = self.bytes.checked_sub(text.len());
        self.bytes = room.unwrap_or(self.bytes);
        room.is_some()
    }

    /// What stands under a key. That a secret is set or not may be shown; nothing else of it.
    fn below(&mut self, key: &str, value: NodeId, depth: u32) -> Json {
        if redact::announces_secret(key) && !matches!(self.document.value(value), Value::Bool(_) | Value::Null) {
            return Json::String(REDACTED.to_owned());
        }
        self.value(value, depth + 1)
    }

    /// A key as JSON allows it: a string.
    fn key(&self, id: NodeId) -> String {
        match self.document.value(id) {
            Value::Str(text) => text.escaped().into_owned(),
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(number) => number.small().map_or_else(|| "…".to_owned(), |number| number.to_string()),
            Value::Float(number) => number.to_string(),
            Value::Timestamp(text) => text.to_owned(),
            _ => "…".to_owned(),
        }
    }

    fn value(&mut self, id: NodeId, depth: u32) -> Json {
        if depth > MAX_DEPTH || self.left == 0 {
            return Json::String("…".to_owned());
        }
        self.left -= 1;
        match self.document.value(id) {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(value),
            Value::Int(number) => match number.small().map(|number| (number, i64::try_from(number))) {
                Some((_, Ok(number))) => Json::Number(number.into()),
                Some((number, Err(_))) => Json::String(number.to_string()),
                None => Json::String("…".to_owned()),
            },
            // JSON has neither infinities nor NaN.
            Value::Float(number) => {
                Number::from_f64(number).map_or_else(|| Json::String(number.to_string()), Json::Number)
            }
            Value::Str(text) if !self.has_room_for(&text.chars) => Json::String("…".to_owned()),
            Value::Str(text) => Json::String(self.secrets.hide(&redact::url(&text.escaped()))),
            Value::Binary { .. } => Json::String("<binary>".to_owned()),
            Value::Timestamp(text) => Json::String(text.to_owned()),
            Value::List(items) => items.iter().map(|&item| self.value(item, depth + 1)).collect(),
            Value::Pairs(items) => items.iter().map(|&item| self.single(item, depth + 1)).collect(),
            Value::Dict(pairs) => Json::Object(self.pairs(pairs, depth, |_| true)),
            Value::Set(pairs) => {
                let entries = self.document.entries(pairs);
                entries.into_iter().map(|(key, _)| self.value(key, depth + 1)).collect()
            }
        }
    }

    /// An item of `!!omap` or `!!pairs`.
    fn single(&mut self, id: NodeId, depth: u32) -> Json {
        match self.document.single_pair(id) {
            Some((key, _)) if !self.has_room_for(&self.key(key)) => Json::String("…".to_owned()),
            Some((key, value)) => {
                let name = self.key(key);
                let value = self.below(&name, value, depth);
                Json::Object(Map::from_iter([(self.secrets.hide(&name), value)]))
            }
            None => Json::Null,
        }
    }
}
