use std::collections::HashMap;

use super::sheet::{Found, Sheet};
use super::{Entry, Namespaces, ValidRegex, advice};
use python_re::Pattern;
use pyyaml::{Text, Value};

/// Reads `namespaces` and compiles every regex in it.
pub(super) fn read(sheet: &mut Sheet<'_>) -> Namespaces {
    let Some(found) = sheet.get("namespaces") else {
        sheet.fault(advice::missing("namespaces", sheet.top()));
        return Namespaces::default();
    };
    let Value::Dict(pairs) = found.value else {
        sheet.fault(advice::namespaces_not_a_mapping(found));
        return Namespaces::default();
    };
    let mut regexes = Regexes::new();
    let mut list = |kind| match sheet.get_in(pairs, kind) {
        Some(found) => entries(sheet, kind, found, &mut regexes),
        None => Box::default(),
    };
    Namespaces { users: list("users"), aliases: list("aliases"), rooms: list("rooms") }
}

/// The regexes so far, by the value in the document: aliases may repeat one thousands of times.
type Regexes<'d> = HashMap<*const Text<'d>, Option<ValidRegex>>;

fn entries<'d>(sheet: &mut Sheet<'d>, kind: &'static str, found: Found<'d>, regexes: &mut Regexes<'d>) -> Box<[Entry]> {
    match found.value {
        Value::List(items) => {
            let entries =
                items.iter().filter_map(|&item| entry(sheet, kind, Sheet::found(sheet.document, item), regexes));
            entries.collect()
        }
        // An empty `!!omap` is an empty list.
        Value::Pairs([]) => Box::default(),
        _ => {
            sheet.fault(advice::namespace_not_a_list(kind, found));
            Box::default()
        }
    }
}

fn entry<'d>(sheet: &mut Sheet<'d>, kind: &'static str, found: Found<'d>, regexes: &mut Regexes<'d>) -> Option<Entry> {
    let Value::Dict(pairs) = found.value else {
        sheet.fault(advice::entry_not_a_mapping(kind, found));
        return None;
    };
    let regex = match sheet.get_in(pairs, "regex") {
        Some(Found { value: Value::Str(text), place, .. }) => {
            let regex = regexes.entry(std::ptr::from_ref(text)).or_insert_with(|| {
                let source = text.escaped();
                let refuse = |error| sheet.fault(advice::invalid_regex(kind, &source, &error, place));
                ValidRegex::checked(&*source, Pattern::check).map_err(refuse).ok()
            });
            regex.clone().map(|regex| (regex, place))
        }
        other => {
            let prefix = sheet.get_in(pairs, "prefix").is_some();
            sheet.fault(advice::no_regex(kind, found.place, other, prefix));
            None
        }
    };
    let exclusive = match sheet.get_in(pairs, "exclusive") {
        Some(Found { value: Value::Bool(exclusive), .. }) => Some(exclusive),
        other => {
            sheet.fault(advice::no_exclusive(kind, found.place, other));
            None
        }
    };
    let group_id = match sheet.get_in(pairs, "group_id") {
        Some(Found { value: Value::Str(text), .. }) => Some(text.escaped().into()),
        _ => None,
    };
    let (regex, place) = regex?;
    Some(Entry { regex, exclusive: exclusive?, group_id, place })
}
