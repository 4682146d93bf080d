//! Keys that a homeserver passes over without a word, though somebody meant something by them.

use std::borrow::Cow;

use super::draft::Draft;
use super::spelling::{is_spelt_like, nearest};
use super::{Warning, WarningCode};
use crate::homeserver::Library;
use pyyaml::{Document, Located, NodeId, Value};

/// The keys at the top level that every homeserver reads; what it reads besides, its loader says.
const OF_ALL: [&str; 8] =
    ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces", "protocols", "rate_limited"];

/// The keys at the top level that Synapse 1.163 reads. Whatever is one of them is meant for somebody who knows it.
pub(super) const TOP_LEVEL: [&str; 16] = [
    "id",
    "url",
    "as_token",
    "hs_token",
    "sender_localpart",
    "namespaces",
    "protocols",
    "rate_limited",
    "receive_ephemeral",
    "ip_range_whitelist",
    EPHEMERAL,
    "org.matrix.msc3202",
    "io.element.msc4190",
    "io.element.msc4502.scopes",
    "io.element.msc4512.proxy_prefix",
    "io.element.msc4512.proxy_url",
];

/// The name of `receive_ephemeral` before it was in the specification.
const EPHEMERAL: &str = "de.sorunome.msc2409.push_ephemeral";

/// The keys of `namespaces`.
pub(super) const KINDS: [&str; 3] = ["users", "aliases", "rooms"];

/// The keys of an entry: those that Synapse reads, and the one that old registrations carry and answers repeat.
const ENTRY: [&str; 3] = ["regex", "exclusive", "group_id"];

/// The keys that a message may repeat from a text that is not YAML.
pub(super) const ALL: [&str; 12] = [
    "id",
    "url",
    "as_token",
    "hs_token",
    "sender_localpart",
    "namespaces",
    "protocols",
    "rate_limited",
    "users",
    "aliases",
    "rooms",
    "exclusive",
];

/// So many are listed; the others are counted. A file with more is not a registration with a slip.
const MAX_LISTED: usize = 20;

/// A longer key is near to none that is known, and is not looked at: a file may repeat one of a hundred thousand characters
/// forty thousand times.
const LONGEST: usize = 64;

/// Warns of every key that the homeserver does not know and that is near to one that it does, or that stands elsewhere.
pub(super) fn unknown(draft: &Draft<'_>) -> Vec<Warning> {
    let mut found = Found { draft, warnings: Vec::new(), more: 0 };
    for &(key, value) in draft.pairs {
        found.top_level(key, value);
    }
    if let Some(Value::Dict(pairs)) = draft.get("namespaces").map(|found| found.value) {
        for &(key, _) in pairs {
            found.namespace(key);
        }
        for kind in KINDS {
            if let Some(Value::List(items)) = draft.document.get(pairs, kind).map(|found| found.value) {
                for &item in items {
                    found.entry(kind, item);
                }
            }
        }
    }
    found.finish()
}

struct Found<'d, 'f> {
    draft: &'f Draft<'d>,
    warnings: Vec<Warning>,
    more: usize,
}

impl<'d> Found<'d, '_> {
    fn server(&self) -> &'static str {
        self.draft.dialect.homeserver()
    }

    /// A key as a text; `None` for one that is none, or is near to nothing by its length alone.
    fn name(&self, key: NodeId) -> Option<Cow<'d, str>> {
        match self.draft.document.value(key) {
            Value::Str(text) if text.chars.len() <= LONGEST => Some(text.escaped()),
            _ => None,
        }
    }

    fn warn(&mut self, key: NodeId, message: &str) {
        if self.warnings.len() == MAX_LISTED {
            self.more += 1;
            return;
        }
        let message = self.draft.secrets.cut(message.to_owned());
        self.warnings.push(Warning::over(WarningCode::UnknownKey, self.draft.document.locate(key), message));
    }

    fn top_level(&mut self, key: NodeId, value: NodeId) {
        let Some(name) = self.name(key).filter(|name| !TOP_LEVEL.contains(&&**name)) else { return };
        let shown = shown(&name);
        let way_out = if KINDS.contains(&&*name) {
            "at the top level: move it below `namespaces:`".to_owned()
        } else if name == "regex" || name == "exclusive" {
            "at the top level: an entry stands in a list below `namespaces:`".to_owned()
        } else if let Some(kind) = nearest(&name, &KINDS).filter(|_| holds_entries(self.draft.document, value)) {
            format!("and passes over what it holds: move it below `namespaces:`, as `{kind}:`")
        } else if let Some(meant) = self.meant(&name) {
            match self.draft.get(meant) {
                // Written twice, for one homeserver and for another.
                Some(_) if renamed(&name).is_some() => return,
                Some(_) => format!("and passes over it; `{meant}` is there already"),
                None => format!("and passes over it: did you mean `{meant}`?"),
            }
        } else if holds_entries(self.draft.document, value) {
            "and passes over it: entries stand below `namespaces:`".to_owned()
        } else {
            // What is near to nothing is the service's own.
            return;
        };
        let server = self.server();
        self.warn(key, &format!("{server} does not know {shown} {way_out}"));
    }

    /// The key that the homeserver reads in the place of one that it does not know.
    fn meant(&self, name: &str) -> Option<&'static str> {
        let loader = self.draft.dialect.loader();
        let known = if loader.is_synapses() { TOP_LEVEL.to_vec() } else { [&OF_ALL, loader.booleans].concat() };
        let meant = match renamed(name) {
            // The old name serves as well.
            Some("receive_ephemeral") if self.draft.get(EPHEMERAL).is_some() => Some(EPHEMERAL),
            Some(meant) => Some(meant),
            None => nearest(name, &known),
        };
        meant.filter(|meant| known.contains(meant))
    }

    fn namespace(&mut self, key: NodeId) {
        let Some(name) = self.name(key).filter(|name| !KINDS.contains(&&**name)) else { return };
        let way_out = if TOP_LEVEL.contains(&&*name) {
            "move it to the top level".to_owned()
        } else if ENTRY.contains(&&*name) {
            "an entry stands in a list below `users:`, `aliases:` or `rooms:`".to_owned()
        } else if let Some(meant) = nearest(&name, &KINDS) {
            format!("write `{meant}`")
        } else {
            "it knows `users`, `aliases` and `rooms` there".to_owned()
        };
        let shown = shown(&name);
        let server = self.server();
        let holds = match self.draft.dialect.loader().library {
            // It reads any list there, and refuses one with a regex that does not compile.
            Library::GoYaml => "reads what it holds for nothing",
            _ => "passes over what it holds",
        };
        self.warn(key, &format!("{server} does not know {shown} below `namespaces` and {holds}: {way_out}"));
    }

    fn entry(&mut self, kind: &str, item: NodeId) {
        let Value::Dict(pairs) = self.draft.document.value(item) else { return };
        for &(key, _) in pairs {
            let Some(name) = self.name(key).filter(|name| !ENTRY.contains(&&**name)) else { continue };
            let way_out = if TOP_LEVEL.contains(&&*name) {
                ": move it to the top level".to_owned()
            } else if let Some(meant) = nearest(&name, &ENTRY) {
                format!("; `{meant}` is there already")
                    .replace("; `group_id` is there already", ": did you mean `group_id`?")
            } else {
                continue;
            };
            let (server, shown) = (self.server(), shown(&name));
            self.warn(
                key,
                &format!(
                    "{server} does not know {shown} in an entry of `namespaces.{kind}` and passes over it{way_out}"
                ),
            );
        }
    }

    fn finish(mut self) -> Vec<Warning> {
        if let Some(last) = self.warnings.last_mut().filter(|_| self.more > 0) {
            let server = self.draft.dialect.homeserver();
            last.message = format!("{}; and {} more keys that {server} does not know", last.message, self.more).into();
        }
        self.warnings
    }
}

/// What another homeserver, an older proposal or a habit calls something that Synapse reads under another name.
fn renamed(name: &str) -> Option<&'static str> {
    let last = name.rsplit('.').next().unwrap_or(name);
    Some(match last {
        "push_ephemeral" | "pushEphemeral" => "receive_ephemeral",
        "msc3202" => "org.matrix.msc3202",
        "msc4190" => "io.element.msc4190",
        _ => match name {
            "sender" | "localpart" | "bot" | "bot_localpart" | "bot_username" => "sender_localpart",
            "homeserver_token" | "server_token" => "hs_token",
            "appservice_token" | "app_service_token" | "application_service_token" => "as_token",
            "protocol" => "protocols",
            "ratelimit" | "ratelimited" | "rate_limit" | "rate-limit" => "rate_limited",
            _ => return None,
        },
    })
}

/// Whether a value looks like `namespaces`, or like a list in it.
fn holds_entries(document: &Document<'_>, value: NodeId) -> bool {
    match document.value(value) {
        Value::Dict(pairs) => {
            KINDS.iter().any(|kind| matches!(document.get(pairs, kind).map(|found| found.value), Some(Value::List(_))))
        }
        Value::List(items) => items.iter().any(|&item| match document.value(item) {
            Value::Dict(pairs) => document.get(pairs, "regex").is_some() && document.get(pairs, "exclusive").is_some(),
            _ => false,
        }),
        _ => false,
    }
}

/// The key that seems to have been written in the place of one that is missing, and where.
pub(super) fn instead_of<'d>(draft: &Draft<'d>, missing: &str) -> Option<(String, Located<'d>)> {
    draft.pairs.iter().find_map(|&(key, _)| {
        let found = draft.document.locate(key);
        let Value::Str(text) = found.value else { return None };
        let name = text.escaped();
        let unknown = !TOP_LEVEL.contains(&&*name) && may_be_shown(&name);
        let meant = unknown.then(|| renamed(&name).or_else(|| nearest(&name, &TOP_LEVEL)))?;
        (meant == Some(missing)).then(|| (name.into_owned(), found))
    })
}

/// A key that is this one but for a character that does not show, or looks like another; and what that is.
pub(super) fn with_odd_character<'d>(draft: &Draft<'d>, missing: &str) -> Option<(Located<'d>, String)> {
    draft.pairs.iter().find_map(|&(key, _)| {
        let found = draft.document.locate(key);
        let Value::Str(text) = found.value else { return None };
        let odd = text.chars.chars().find(|c| !c.is_ascii())?;
        let plain: String = text.chars.chars().filter(char::is_ascii).collect();
        (plain.trim() == missing).then(|| (found, format!("the character U+{:04X}", u32::from(odd))))
    })
}

/// The key that seems to have been written in the place of one that is missing in an entry.
pub(super) fn instead_in_entry(draft: &Draft<'_>, entry: Located<'_>, missing: &str) -> Option<String> {
    let Value::Dict(pairs) = entry.value else { return None };
    pairs.iter().find_map(|&(key, _)| {
        let Value::Str(text) = draft.document.value(key) else { return None };
        let name = text.escaped();
        let known = ENTRY.contains(&&*name) || !may_be_shown(&name);
        let meant = if name == "prefix" || name == "pattern" { Some("regex") } else { nearest(&name, &ENTRY) };
        (!known && meant == Some(missing)).then(|| name.into_owned())
    })
}

/// A key in a message, if it is of the kind that keys are.
pub(super) fn shown(name: &str) -> String {
    if may_be_shown(name) { format!("`{name}`") } else { "this key".to_owned() }
}

/// Whether a key is of the kind that keys are, or one that is known and written another way: `hs token`. Of any other with a
/// blank in it nobody knows what it holds, which may be a token.
fn may_be_shown(name: &str) -> bool {
    name.len() <= LONGEST
        && (is_plain(name) || TOP_LEVEL.iter().chain(&KINDS).chain(&ENTRY).any(|known| is_spelt_like(name, known)))
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !name.is_empty() && name.chars().all(plain)
}
