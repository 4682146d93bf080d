//! The keys that need not be there, as far as Synapse checks them.

use std::collections::HashSet;

use super::draft::Draft;
use super::{address, messages};
use pyyaml::{Located, Text, Value};

/// What Python's `if value:` says.
pub(super) fn is_truthy(value: Value<'_>) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => value,
        Value::Int(value) => value.magnitude != Some(0),
        Value::Float(value) => value != 0.0,
        Value::Str(text) => !text.chars.is_empty(),
        Value::Binary { empty } => !empty,
        Value::Timestamp(_) => true,
        Value::List(items) | Value::Pairs(items) => !items.is_empty(),
        Value::Dict(pairs) | Value::Set(pairs) => !pairs.is_empty(),
    }
}

/// The strings of a list of strings; the first item that is none otherwise.
fn strings<'d>(draft: &Draft<'d>, found: Located<'d>) -> Result<Vec<(&'d Text<'d>, Located<'d>)>, Located<'d>> {
    let items = match found.value {
        Value::List(items) => items,
        Value::Pairs([]) => &[],
        _ => return Err(found),
    };
    let text = |&item| {
        let item = draft.document.locate(item);
        if let Value::Str(text) = item.value { Ok((text, item)) } else { Err(item) }
    };
    items.iter().map(text).collect()
}

/// `protocols`: a list of strings, if truthy.
pub(super) fn protocols(draft: &mut Draft<'_>) -> Box<[Box<str>]> {
    let Some(found) = draft.get("protocols").filter(|found| is_truthy(found.value)) else { return Box::default() };
    match strings(draft, found) {
        Ok(names) => {
            // By the value in the document first: aliases may repeat a long one thousands of times.
            let mut seen: HashSet<*const Text<'_>> = HashSet::new();
            let mut known: HashSet<String> = HashSet::new();
            let different = names.into_iter().filter(|(name, _)| seen.insert(std::ptr::from_ref(*name)));
            let hidden = different.map(|(name, _)| draft.secrets.hide(&name.escaped()));
            hidden.filter(|name| known.insert(name.clone())).map(String::into_boxed_str).collect()
        }
        Err(wrong) => {
            draft.fault(messages::not_strings("protocols", wrong));
            Box::default()
        }
    }
}

/// The scopes of MSC4502 that Synapse 1.163 knows.
const SCOPES: [&str; 1] = ["urn:matrix:client:io.element.msc4502:rooms:is_joined"];

/// Checks what Synapse checks beside.
pub(super) fn check_rest(draft: &mut Draft<'_>) {
    for key in ["org.matrix.msc3202", "io.element.msc4190"] {
        if let Some(found) = draft.get(key)
            && !matches!(found.value, Value::Bool(_))
        {
            draft.fault(messages::not_a_boolean(key, found));
        }
    }
    if let Some(found) = draft.get("io.element.msc4502.scopes") {
        match strings(draft, found) {
            Ok(scopes) => {
                for (scope, item) in scopes {
                    if !SCOPES.iter().any(|known| scope.is(known)) {
                        draft.fault(messages::unknown_scope(item.place));
                    }
                }
            }
            Err(wrong) => draft.fault(messages::not_strings("io.element.msc4502.scopes", wrong)),
        }
    }
    if let Some(found) = draft.get("ip_range_whitelist").filter(|found| is_truthy(found.value))
        && let Some(place) = address::refused(draft.document, found)
    {
        draft.fault(messages::not_addresses(place));
    }
}

/// The prefixes below which MSC4512 lets a service answer requests.
const PROXY_PREFIXES: [&str; 1] = ["rtc/livekit"];

/// `io.element.msc4512.proxy_prefix` with `proxy_url`; the prefix without slashes at its end.
pub(super) fn proxy(draft: &mut Draft<'_>) -> Option<Box<str>> {
    let prefix = proxy_part(draft, "io.element.msc4512.proxy_prefix")?;
    let url = proxy_part(draft, "io.element.msc4512.proxy_url")?;
    match (prefix, url) {
        (None, None) => None,
        (Some((_, place)), None) => {
            draft.fault(messages::proxy_alone("io.element.msc4512.proxy_url", place));
            None
        }
        (None, Some((_, place))) => {
            draft.fault(messages::proxy_alone("io.element.msc4512.proxy_prefix", place));
            None
        }
        (Some((prefix, prefix_place)), Some((url, url_place))) => {
            if url.chars.trim_end_matches('/').is_empty() {
                draft.fault(messages::empty_proxy("io.element.msc4512.proxy_url", url_place));
            }
            let below = |allowed: &&str| {
                prefix.chars.strip_prefix(*allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if !PROXY_PREFIXES.iter().any(below) {
                draft.fault(messages::reserved_proxy(prefix_place));
            }
            Some(prefix.escaped().trim_end_matches('/').into())
        }
    }
}

/// One of the two; `Some(None)` when it is missing or null, `None` when it is faulty.
#[expect(clippy::option_option, reason = "absent and faulty are different")]
fn proxy_part<'d>(draft: &mut Draft<'d>, key: &'static str) -> Option<Option<(&'d Text<'d>, super::Place)>> {
    match draft.get(key) {
        None | Some(Located { value: Value::Null, .. }) => Some(None),
        Some(Located { value: Value::Str(text), place, .. }) if !text.chars.is_empty() => Some(Some((text, place))),
        Some(found) => {
            draft.fault(messages::empty_proxy(key, found.place));
            None
        }
    }
}
