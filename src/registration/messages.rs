//! The messages of faults: what is wrong, what Synapse would say, and the way out.
//!
//! Nothing of a file but keys, regexes and single characters may stand in a message.

use std::borrow::Cow;

use super::{Fault, FaultCode, Place};
use python_re::{PatternError, PatternErrorKind};
use pyyaml::{Located, Problem, Text, Value, YamlError};

/// The file is not YAML as PyYAML reads it.
pub(super) fn syntax(error: &YamlError, text: &str) -> Fault {
    let mut message = error.problem.to_string();
    if let Some(since) = error.since.filter(|&since| since != error.place) {
        message.push_str(&format!(" (in what begins at line {}, column {})", since.line, since.column));
    }
    if let Some(way_out) = way_out(error, text) {
        message.push_str(": ");
        message.push_str(&way_out);
    }
    Fault::at(FaultCode::Syntax, error.place, message)
}

fn way_out(error: &YamlError, text: &str) -> Option<Cow<'static, str>> {
    let way_out = match error.problem {
        Problem::CannotStart('`') if text.lines().any(|line| line.starts_with("```")) => {
            "remove the lines that begin with ```: they are Markdown, and the registration is what stands between them"
        }
        Problem::CannotStart('\t') => "indent with spaces; YAML forbids tabs there",
        Problem::NoColon | Problem::ValueNotAllowed => return Some(key_and_value(error, text)),
        Problem::UnknownEscape(_) => "put the value in single quotes, where a backslash is only a backslash",
        Problem::CannotStart('@' | '`' | '%') => "put the value in single quotes",
        Problem::NoAnchorName('*') => "for any text write '.*' in quotes; a list entry begins with '- '",
        _ => return None,
    };
    Some(way_out.into())
}

/// A key without `: `, and where that seems to be.
fn key_and_value(error: &YamlError, text: &str) -> Cow<'static, str> {
    let ends = error.place.line as usize;
    let begins = error.since.map_or(ends.saturating_sub(1), |since| since.line as usize).max(1);
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let mut near =
        lines.skip(begins - 1).take((ends + 1).saturating_sub(begins)).filter(|(_, line)| !line.contains(": "));
    let assigned = near.find_map(|(at, line)| {
        let key = line.trim_start().split_once('=')?.0.trim_end();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        (!key.is_empty() && key.chars().all(plain)).then_some((at, key))
    });
    match assigned {
        // What is no key of a registration may be a part of a token.
        Some((line, key)) if KEYS.contains(&key) => {
            format!("in line {line} write `{key}: ` instead of `{key}=`").into()
        }
        Some((line, _)) => format!("line {line} holds a '=': a key is followed by ': ', a colon and a space").into(),
        None => "a key is followed by ': ', a colon and a space; here or in the line before".into(),
    }
}

/// The keys of a registration and of its entries.
const KEYS: [&str; 12] = [
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

/// A registration that stands below a key.
pub(super) fn nested(key: &str, place: Place) -> Fault {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let below = if key.chars().all(plain) { format!("`{key}:`") } else { "a key".to_owned() };
    let message = format!(
        "the registration stands below {below}: remove that line, and move what is below it to the left, to the top level"
    );
    Fault::at(FaultCode::MissingKey, place, message)
}

/// Nothing in the file.
pub(super) fn empty_file() -> Fault {
    Fault::of_file(FaultCode::WrongType, "the file is empty: a registration is a mapping with id, url, as_token, …")
}

/// What a value is called.
pub(super) fn kind(value: Value<'_>) -> &'static str {
    match value {
        Value::Null => "empty (null)",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "an integer",
        Value::Float(_) => "a number",
        Value::Str(_) => "a string",
        Value::Binary { .. } => "binary data",
        Value::Timestamp(_) => "a date",
        Value::List(_) | Value::Pairs(_) => "a list",
        Value::Dict(_) => "a mapping",
        Value::Set(_) => "a set",
    }
}

/// The document is something else than a mapping.
pub(super) fn not_a_mapping(value: Value<'_>, place: Place) -> Fault {
    let message =
        format!("the file holds {} where a registration, a mapping of keys to values, is needed", kind(value));
    Fault::at(FaultCode::WrongType, place, message)
}

/// A key that must be there is not.
pub(super) fn missing(key: &str, place: Place) -> Fault {
    let way_out = match key {
        "id" => "add `id:` with a name that no other registration has",
        "url" => {
            "add `url:` with the address at which the service listens, or `url: null` if nothing is to be sent to it"
        }
        "as_token" | "hs_token" => "add it with a long random string, the same as in the service's own configuration",
        "sender_localpart" => "add it with the localpart of the service's own user, such as `ircbot` for `@ircbot:…`",
        "namespaces" => {
            "add `namespaces:` with lists under `users`, `aliases` and `rooms`, or `namespaces: {}` for none"
        }
        _ => "add it",
    };
    Fault::at(FaultCode::MissingKey, place, format!("{key} is missing: {way_out}"))
}

/// A key holds something else than a string.
pub(super) fn not_a_string(key: &str, found: Located<'_>) -> Fault {
    let message = format!("{key} is {} where a string is needed: put it in quotes", kind(found.value));
    Fault::at(FaultCode::WrongType, found.place, message)
}

/// `|` in `id`.
pub(super) fn pipe_in_id(place: Place) -> Fault {
    Fault::at(FaultCode::InvalidValue, place, "id holds a '|', which Synapse uses itself: take another character")
}

/// A sender that URL quoting changes.
pub(super) fn quoted_sender(text: &Text<'_>, place: Place) -> Fault {
    if let Some(id) = text.chars.strip_prefix('@') {
        let localpart = id.split(':').next().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-~/".contains(&byte);
        let such = if !localpart.is_empty() && localpart.bytes().all(plain) {
            format!(", `{localpart}`")
        } else {
            String::new()
        };
        let message = format!("sender_localpart is a whole user ID: write only what is between '@' and ':'{such}");
        return Fault::at(FaultCode::InvalidValue, place, message);
    }
    let message =
        "sender_localpart holds a character that needs URL encoding: use only a-z, 0-9, '_', '.', '-', '~', '/'";
    Fault::at(FaultCode::InvalidValue, place, message)
}

/// `namespaces` is something else than a mapping.
pub(super) fn namespaces_not_a_mapping(found: Located<'_>) -> Fault {
    let message =
        format!("namespaces is {} where a mapping with users, aliases and rooms is needed", kind(found.value));
    Fault::at(FaultCode::WrongType, found.place, message)
}

/// A kind of namespace is something else than a list.
pub(super) fn namespace_not_a_list(kind_of: &str, found: Located<'_>) -> Fault {
    let message = format!("namespaces.{kind_of} is {} where a list is needed: write [] for none", kind(found.value));
    Fault::at(FaultCode::WrongType, found.place, message)
}

/// An entry is something else than a mapping.
pub(super) fn entry_not_a_mapping(kind_of: &str, found: Located<'_>) -> Fault {
    let message = format!(
        "an entry of namespaces.{kind_of} is {} where a mapping is needed: write `- regex: '…'` and below it, indented \
         alike, `exclusive: true` or `exclusive: false`",
        kind(found.value)
    );
    Fault::at(FaultCode::WrongType, found.place, message)
}

/// An entry without a regex that is a string.
pub(super) fn no_regex(kind_of: &str, entry: Place, found: Option<Located<'_>>, prefix: bool) -> Fault {
    match found {
        Some(found) => {
            let way_out = match found.value {
                Value::List(_) | Value::Pairs(_) => "write one entry, with regex and exclusive, for each regex",
                _ => "put it in quotes",
            };
            let message =
                format!("regex in namespaces.{kind_of} is {} where a string is needed: {way_out}", kind(found.value));
            Fault::at(FaultCode::WrongType, found.place, message)
        }
        None => {
            let way_out = if prefix { ": write regex instead of prefix" } else { "" };
            Fault::at(FaultCode::MissingKey, entry, format!("an entry of namespaces.{kind_of} has no regex{way_out}"))
        }
    }
}

/// An entry without an `exclusive` that is a boolean.
pub(super) fn no_exclusive(kind_of: &str, entry: Place, found: Option<Located<'_>>) -> Fault {
    match found {
        Some(found) => {
            let message = format!(
                "exclusive in namespaces.{kind_of} is {} where true or false is needed, without quotes",
                kind(found.value)
            );
            Fault::at(FaultCode::WrongType, found.place, message)
        }
        None => {
            let message = format!(
                "an entry of namespaces.{kind_of} does not say exclusive: add 'exclusive: true' or 'exclusive: false'"
            );
            Fault::at(FaultCode::MissingKey, entry, message)
        }
    }
}

/// A regex that Python refuses.
pub(super) fn invalid_regex(kind_of: &str, regex: &str, error: &PatternError, place: Place) -> Fault {
    let foreign = matches!(&error.kind, PatternErrorKind::UnknownExtension(extension) if extension.starts_with("?<"));
    let help = match named_group(regex).filter(|_| foreign) {
        Some(name) => Some(format!("in Python a group with a name is written `(?P<{name}>…)`")),
        None => error.help().map(str::to_owned),
    };
    let message = format!(
        "the regex {regex:?} in namespaces.{kind_of} is refused by Python: {error}{}",
        help.map_or(String::new(), |help| format!("; {help}"))
    );
    Fault::at(FaultCode::InvalidRegex, place, message)
}

/// The name in `(?<name>…)`, as other languages write it.
fn named_group(regex: &str) -> Option<&str> {
    let plain = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    regex.split("(?<").skip(1).find_map(|rest| rest.split_once('>').map(|(name, _)| name).filter(plain))
}

/// Something other than a list of strings.
pub(super) fn not_strings(key: &str, wrong: Located<'_>) -> Fault {
    Fault::at(
        FaultCode::WrongType,
        wrong.place,
        format!("{key} must be a list of strings; this is {}", kind(wrong.value)),
    )
}

/// A flag of an experimental feature that is no boolean.
pub(super) fn not_a_boolean(key: &str, found: Located<'_>) -> Fault {
    let message = format!("{key} is {} where true or false is needed, without quotes", kind(found.value));
    Fault::at(FaultCode::WrongType, found.place, message)
}

/// A scope that Synapse does not know.
pub(super) fn unknown_scope(place: Place) -> Fault {
    Fault::at(
        FaultCode::InvalidValue,
        place,
        "io.element.msc4502.scopes holds a scope that Synapse 1.163 does not know",
    )
}

/// `ip_range_whitelist` holds something that is no address.
pub(super) fn not_addresses(place: Place) -> Fault {
    let message = "ip_range_whitelist must be a list of IP addresses and networks, such as 10.0.0.0/8";
    Fault::at(FaultCode::InvalidValue, place, message)
}

/// One of the proxy keys without the other.
pub(super) fn proxy_alone(missing: &str, place: Place) -> Fault {
    Fault::at(FaultCode::MissingKey, place, format!("{missing} is missing: prefix and URL of a proxy go together"))
}

/// A proxy key that is empty or no string.
pub(super) fn empty_proxy(key: &str, place: Place) -> Fault {
    Fault::at(FaultCode::InvalidValue, place, format!("{key} must be a string that is not empty"))
}

/// A proxy prefix that Synapse does not give away.
pub(super) fn reserved_proxy(place: Place) -> Fault {
    let message = "io.element.msc4512.proxy_prefix must be rtc/livekit or something below it";
    Fault::at(FaultCode::InvalidValue, place, message)
}
