use std::collections::HashMap;
use std::sync::Arc;

use super::draft::Draft;
use super::keys::instead_in_entry;
use super::{OwnedEntry, OwnedNamespaces, ValidRegex, messages};
use python_re::Pattern;
use pyyaml::{Located, Text, Value};

/// Reads `namespaces` and compiles every regex in it.
pub(super) fn read(draft: &mut Draft<'_>) -> OwnedNamespaces {
    let Some(found) = draft.get("namespaces") else {
        draft.fault(messages::missing(draft, "namespaces"));
        return OwnedNamespaces::default();
    };
    let Value::Dict(pairs) = found.value else {
        draft.fault(messages::namespaces_not_a_mapping(draft, found));
        return OwnedNamespaces::default();
    };
    let mut texts = Texts::default();
    let mut list = |kind| match draft.document.get(pairs, kind) {
        Some(found) => entries(draft, kind, found, &mut texts),
        None => Box::default(),
    };
    OwnedNamespaces { users: list("users"), aliases: list("aliases"), rooms: list("rooms") }
}

/// The texts so far, by the value in the document: aliases may repeat one thousands of times, and each is kept once.
#[derive(Default)]
struct Texts<'d> {
    regexes: HashMap<*const Text<'d>, Option<ValidRegex>>,
    groups: HashMap<*const Text<'d>, Arc<str>>,
}

fn entries<'d>(
    draft: &mut Draft<'d>,
    kind: &'static str,
    found: Located<'d>,
    texts: &mut Texts<'d>,
) -> Box<[OwnedEntry]> {
    match found.value {
        Value::List(items) => {
            let mut entries = Vec::with_capacity(items.len());
            let mut rest = items;
            while let [first, after @ ..] = rest {
                let first = draft.document.locate(*first);
                let second = after.first().map(|&second| draft.document.locate(second));
                rest = after;
                if let Some((second, missing)) = second.and_then(|second| Some((second, split(draft, first, second)?)))
                {
                    draft.fault(messages::split_entry(kind, missing, second.place));
                    rest = &after[1..];
                } else {
                    entries.extend(entry(draft, kind, first, texts));
                }
            }
            entries.into()
        }
        // An empty `!!omap` is an empty list.
        Value::Pairs([]) => Box::default(),
        _ => {
            draft.fault(messages::namespace_not_a_list(draft, kind, found));
            Box::default()
        }
    }
}

/// What the first of two entries lacks, if the second holds just that: a `- ` too many parts what is one entry.
fn split(draft: &Draft<'_>, first: Located<'_>, second: Located<'_>) -> Option<&'static str> {
    let has = |entry: Located<'_>, key: &str| match entry.value {
        Value::Dict(pairs) => {
            Some(draft.document.get(pairs, key).is_some() || instead_in_entry(draft, entry, key).is_some())
        }
        _ => None,
    };
    let of = |entry| Some((has(entry, "regex")?, has(entry, "exclusive")?));
    match (of(first)?, of(second)?) {
        ((true, false), (false, true)) => Some("exclusive"),
        ((false, true), (true, false)) => Some("regex"),
        _ => None,
    }
}

fn entry<'d>(
    draft: &mut Draft<'d>,
    kind: &'static str,
    found: Located<'d>,
    texts: &mut Texts<'d>,
) -> Option<OwnedEntry> {
    let Value::Dict(pairs) = found.value else {
        draft.fault(messages::entry_not_a_mapping(kind, found));
        return None;
    };
    let regex = match draft.document.get(pairs, "regex") {
        Some(Located { value: Value::Str(text), place, .. }) => {
            let regex = texts.regexes.entry(std::ptr::from_ref(text)).or_insert_with(|| {
                let source = text.escaped();
                let refuse = |error| draft.fault(messages::invalid_regex(kind, &source, &error, place));
                ValidRegex::checked(&*source, Pattern::check).map_err(refuse).ok()
            });
            regex.clone().map(|regex| (regex, place))
        }
        other => {
            draft.fault(messages::no_regex(draft, kind, found, other));
            None
        }
    };
    let exclusive = match draft.document.get(pairs, "exclusive") {
        Some(Located { value: Value::Bool(exclusive), .. }) => Some(exclusive),
        other => {
            draft.fault(messages::no_exclusive(draft, kind, found, other));
            None
        }
    };
    let group_id = match draft.document.get(pairs, "group_id") {
        Some(Located { value: Value::Str(text), .. }) => {
            let group = texts.groups.entry(std::ptr::from_ref(text)).or_insert_with(|| text.escaped().into());
            Some(Arc::clone(group))
        }
        _ => None,
    };
    let (regex, place) = regex?;
    Some(OwnedEntry { regex, exclusive: exclusive?, group_id, place })
}
