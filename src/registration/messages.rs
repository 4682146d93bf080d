//! The messages of faults: what is wrong, what Synapse would say, and the way out.
//!
//! Nothing of a file but keys, regexes and single characters may stand in a message. What follows a colon is the way out,
//! and must make nothing worse when it is followed to the letter.

use super::draft::Draft;
use super::spelling::is_spelt_like;
use super::{Fault, FaultCode, Place, keys};
use python_re::{PatternError, PatternErrorKind};
use pyyaml::{Located, Text, Value};

/// Nothing in the file.
pub(super) fn empty_file() -> Fault {
    Fault::of_file(
        FaultCode::WrongType,
        "the file is empty, or holds comments alone: a registration is a mapping with id, url, as_token, …",
    )
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
    let way_out = match value {
        Value::Null => ": write id, url, as_token, … into it",
        _ => "",
    };
    let message =
        format!("the file holds {} where a registration, a mapping of keys to values, is needed{way_out}", kind(value));
    Fault::at(FaultCode::WrongType, place, message)
}

/// A key that must be there is not.
pub(super) fn missing(draft: &Draft<'_>, key: &str) -> Fault {
    if let Some((name, found)) = keys::instead_of(draft, key) {
        let shown = keys::shown(&name);
        let goes_on = name.to_lowercase().starts_with(key) && !is_spelt_like(&name, key);
        let way_out = if goes_on && key.ends_with("token") {
            format!("Synapse reads a token from the registration alone: write the token itself as `{key}: …`")
        } else {
            format!("write `{key}`")
        };
        let message = format!("{key} is missing, and Synapse does not know {shown}: {way_out}");
        return Fault::over(FaultCode::MissingKey, found, message);
    }
    if let Some((found, odd)) = keys::with_odd_character(draft, key) {
        let message = format!("{key} is missing: what looks like it holds {odd} in its name; type the key anew");
        return Fault::over(FaultCode::MissingKey, found, message);
    }
    let way_out = match key {
        "id" => "add `id:` with a name that no other registration has",
        "url" => {
            "add `url:` with the address at which the service listens, or `url: null` if nothing is to be sent to it"
        }
        "as_token" | "hs_token" => "add it with a long random string, the same as in the service's own configuration",
        "sender_localpart" => "add it with the localpart of the service's own user, such as `ircbot` for `@ircbot:…`",
        "namespaces" if keys::KINDS.iter().any(|kind| draft.get(kind).is_some()) => {
            "`users`, `aliases` and `rooms` stand below it: put `namespaces:` in front of them, and indent them"
        }
        "namespaces" => {
            "add `namespaces:` with lists under `users`, `aliases` and `rooms`, or `namespaces: {}` for none"
        }
        _ => "add it",
    };
    Fault::at(FaultCode::MissingKey, draft.top(), format!("{key} is missing: {way_out}"))
}

/// Whether what follows a value's place in its line is a comment.
fn is_comment(draft: &Draft<'_>, found: Located<'_>) -> bool {
    let line = draft.text.lines().nth(found.place.line as usize - 1).unwrap_or_default();
    let rest: String = line.chars().skip(found.place.column as usize - 1).collect();
    rest.trim_start().starts_with('#')
}

/// How to write a text in the place of something else.
fn as_text(draft: &Draft<'_>, found: Located<'_>) -> &'static str {
    match found.value {
        Value::Null if is_comment(draft, found) => "what begins with '#' is a comment: put the value in single quotes",
        Value::Null => "write it behind the colon",
        Value::List(_) => "write one text, without brackets or dashes; put it in quotes if it begins with a bracket",
        Value::Dict(_) | Value::Set(_) => "write one text behind the colon; put it in quotes if it begins with '{'",
        Value::Pairs(_) | Value::Binary { .. } => "write the text itself, without a tag",
        _ => "put it in quotes",
    }
}

/// A key holds something else than a string.
pub(super) fn not_a_string(draft: &Draft<'_>, key: &str, found: Located<'_>) -> Fault {
    let way_out = match found.value {
        Value::Bool(_) if key == "url" => "write `url: null` if nothing is to be sent, else the address",
        Value::Int(_) | Value::Float(_) | Value::Timestamp(_) if key == "url" => {
            "write the whole address, such as `http://localhost:9999`"
        }
        _ => as_text(draft, found),
    };
    let message = format!("{key} is {} where a string is needed: {way_out}", kind(found.value));
    Fault::over(FaultCode::WrongType, found, message)
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
pub(super) fn namespaces_not_a_mapping(draft: &Draft<'_>, found: Located<'_>) -> Fault {
    let way_out = match found.value {
        Value::List(_) => "write `users:`, `aliases:` and `rooms:` below it, without `- ` in front of them",
        Value::Null if keys::KINDS.iter().any(|kind| draft.get(kind).is_some()) => {
            "indent `users:`, `aliases:` and `rooms:`, so that they stand below it"
        }
        _ => "write them below it, or `namespaces: {}` for none",
    };
    let message = format!(
        "namespaces is {} where a mapping with users, aliases and rooms is needed: {way_out}",
        kind(found.value)
    );
    Fault::over(FaultCode::WrongType, found, message)
}

/// A kind of namespace is something else than a list.
pub(super) fn namespace_not_a_list(draft: &Draft<'_>, kind_of: &str, found: Located<'_>) -> Fault {
    let way_out = match found.value {
        Value::Dict(pairs) if ["regex", "exclusive"].iter().any(|key| draft.document.get(pairs, key).is_some()) => {
            "put `- ` in front of the entry's first key, and indent its other keys by as much"
        }
        Value::Dict(pairs) if !pairs.is_empty() => {
            "write a list of entries, each `- regex: '…'` and below it, indented alike, `exclusive: true` or \
             `exclusive: false`"
        }
        Value::Str(_) => "write `- regex: '…'` and below it, indented alike, `exclusive: true` or `exclusive: false`",
        Value::Null if is_comment(draft, found) => {
            "what begins with '#' is a comment: write [] for none, or entries that begin with `- regex:`"
        }
        _ => "write [] for none",
    };
    let message = format!("namespaces.{kind_of} is {} where a list is needed: {way_out}", kind(found.value));
    Fault::over(FaultCode::WrongType, found, message)
}

/// An entry is something else than a mapping.
pub(super) fn entry_not_a_mapping(kind_of: &str, found: Located<'_>) -> Fault {
    let message = format!(
        "an entry of namespaces.{kind_of} is {} where a mapping is needed: write `- regex: '…'` and below it, indented \
         alike, `exclusive: true` or `exclusive: false`",
        kind(found.value)
    );
    Fault::over(FaultCode::WrongType, found, message)
}

/// One entry that a dash too many makes two of.
pub(super) fn split_entry(kind_of: &str, missing: &str, second: Place) -> Fault {
    let message = format!(
        "an entry of namespaces.{kind_of} is split in two: remove the `- ` in front of this, and indent `{missing}` like the \
         key above it, so that one entry holds both regex and exclusive"
    );
    Fault::at(FaultCode::MissingKey, second, message)
}

/// An entry without a regex that is a string.
pub(super) fn no_regex(draft: &Draft<'_>, kind_of: &str, entry: Located<'_>, found: Option<Located<'_>>) -> Fault {
    match found {
        Some(found) => {
            let way_out = match found.value {
                // In quotes, brackets would be a class of characters, and claim everybody.
                Value::List(items) if items.len() < 2 => {
                    "write the regex itself behind the colon, in single quotes, without the brackets or the `- `"
                }
                Value::List(_) | Value::Pairs(_) => "write one entry, with regex and exclusive, for each regex",
                _ => as_text(draft, found),
            };
            let message =
                format!("regex in namespaces.{kind_of} is {} where a string is needed: {way_out}", kind(found.value));
            Fault::over(FaultCode::WrongType, found, message)
        }
        None => {
            let way_out = match keys::instead_in_entry(draft, entry, "regex") {
                Some(name) => format!("write `regex` instead of `{name}`"),
                None => "add `regex: '…'`".to_owned(),
            };
            let message = format!("an entry of namespaces.{kind_of} has no regex: {way_out}");
            Fault::at(FaultCode::MissingKey, entry.place, message)
        }
    }
}

/// An entry without an `exclusive` that is a boolean.
pub(super) fn no_exclusive(draft: &Draft<'_>, kind_of: &str, entry: Located<'_>, found: Option<Located<'_>>) -> Fault {
    match found {
        Some(found) => {
            let message = format!(
                "exclusive in namespaces.{kind_of} is {} where true or false is needed, without quotes",
                kind(found.value)
            );
            Fault::over(FaultCode::WrongType, found, message)
        }
        None => {
            let way_out = match keys::instead_in_entry(draft, entry, "exclusive") {
                Some(name) => format!("write `exclusive` instead of `{name}`"),
                None => "add 'exclusive: true' or 'exclusive: false'".to_owned(),
            };
            let message = format!("an entry of namespaces.{kind_of} does not say exclusive: {way_out}");
            Fault::at(FaultCode::MissingKey, entry.place, message)
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
        "the regex `{regex}` in namespaces.{kind_of} is refused by Python: {error}{}",
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
    let way_out = match wrong.value {
        Value::Str(_) => format!("put it in brackets: `{key}: [...]`"),
        Value::Null | Value::Dict(_) | Value::Set(_) | Value::List(_) | Value::Pairs(_) => {
            format!("write `{key}: [first, second]`")
        }
        _ => "put it in quotes".to_owned(),
    };
    let message = format!("{key} must be a list of strings; this is {}: {way_out}", kind(wrong.value));
    Fault::over(FaultCode::WrongType, wrong, message)
}

/// A flag of an experimental feature that is no boolean.
pub(super) fn not_a_boolean(key: &str, found: Located<'_>) -> Fault {
    let message = format!("{key} is {} where true or false is needed, without quotes", kind(found.value));
    Fault::over(FaultCode::WrongType, found, message)
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
