//! What of a registration is shown: unknown keys as JSON, secrets redacted.

use serde_json::{Map, Number, Value as Json};

use pyyaml::{Document, NodeId, Value};

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "<redacted>";

/// Values below one key that are shown; beyond that there is an ellipsis.
const VALUE_LIMIT: usize = 1000;

/// How deep nested values are shown.
const DEPTH_LIMIT: u32 = 16;

/// The keys that have their own place in the answers.
const KNOWN: [&str; 8] =
    ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces", "protocols", "rate_limited"];

/// Words in a key that announce a secret.
const SECRET_WORDS: [&str; 9] =
    ["token", "secret", "password", "passwd", "passphrase", "key", "auth", "credential", "signature"];

/// All keys that are not known, as JSON.
pub(super) fn extra<'d>(
    document: &'d Document<'d>,
    pairs: &'d [(NodeId, NodeId)],
    secrets: &[&str],
) -> Option<Box<Map<String, Json>>> {
    let mut shown = Shown { document, secrets, left: VALUE_LIMIT };
    let map = shown.pairs(pairs, 0, |key| !KNOWN.contains(&key));
    (!map.is_empty()).then(|| Box::new(map))
}

/// What is shorter than this is no secret, and stands in many a word.
const SECRET: usize = 4;

/// A text without a secret that stands in it, as it is or as Rust or a URL escape it.
pub(super) fn without(text: String, secret: &str) -> String {
    if secret.len() < SECRET {
        return text;
    }
    let quoted = format!("{secret:?}");
    let in_url = secret.bytes().fold(String::new(), |mut url, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
        url
    });
    let forms = [secret, quoted.trim_matches('"'), &in_url];
    forms.into_iter().fold(text, |text, form| if text.contains(form) { text.replace(form, REDACTED) } else { text })
}

/// A URL without user info, and without the values of query parameters that look secret.
pub(super) fn url(url: &str) -> String {
    let mut shown = match url.split_once("//") {
        Some((scheme, rest)) => {
            let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}//{}", &rest[host..])
        }
        None => url.to_owned(),
    };
    if let Some(query) = shown.find('?') {
        let parameters = shown.split_off(query + 1);
        let parameters: Vec<String> = parameters.split('&').map(parameter).collect();
        shown.push_str(&parameters.join("&"));
    }
    shown
}

fn parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if announces_secret(name) => format!("{name}={REDACTED}"),
        _ => parameter.to_owned(),
    }
}

fn announces_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

struct Shown<'d, 's> {
    document: &'d Document<'d>,
    secrets: &'s [&'s str],
    left: usize,
}

impl<'d> Shown<'d, '_> {
    fn pairs(&mut self, pairs: &'d [(NodeId, NodeId)], depth: u32, wanted: impl Fn(&str) -> bool) -> Map<String, Json> {
        let mut map = Map::new();
        for &(key, value) in pairs {
            let name = self.key(key);
            if !wanted(&name) {
                continue;
            }
            let shown =
                if announces_secret(&name) && !matches!(self.document.value(value), Value::Bool(_) | Value::Null) {
                    Json::String(REDACTED.to_owned())
                } else {
                    self.value(value, depth + 1)
                };
            map.insert(self.without_secrets(&name), shown);
        }
        map
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
        if depth > DEPTH_LIMIT || self.left == 0 {
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
            Value::Str(text) => Json::String(self.without_secrets(&url(&text.escaped()))),
            Value::Binary { .. } => Json::String("<binary>".to_owned()),
            Value::Timestamp(text) => Json::String(text.to_owned()),
            Value::List(items) => items.iter().map(|&item| self.value(item, depth + 1)).collect(),
            Value::Pairs(items) => items.iter().map(|&item| self.single(item, depth + 1)).collect(),
            Value::Dict(pairs) => Json::Object(self.pairs(pairs, depth, |_| true)),
            Value::Set(pairs) => pairs.iter().map(|&(key, _)| self.value(key, depth + 1)).collect(),
        }
    }

    /// An item of `!!omap` or `!!pairs`.
    fn single(&mut self, id: NodeId, depth: u32) -> Json {
        match self.document.single_pair(id) {
            Some(pair) => Json::Object(self.pairs_of(pair, depth)),
            None => Json::Null,
        }
    }

    fn pairs_of(&mut self, (key, value): (NodeId, NodeId), depth: u32) -> Map<String, Json> {
        let name = self.key(key);
        let shown =
            if announces_secret(&name) { Json::String(REDACTED.to_owned()) } else { self.value(value, depth + 1) };
        Map::from_iter([(self.without_secrets(&name), shown)])
    }

    fn without_secrets(&self, text: &str) -> String {
        let holds = |secret: &&str| !secret.is_empty() && text.contains(*secret);
        if self.secrets.iter().any(holds) { REDACTED.to_owned() } else { text.to_owned() }
    }
}
