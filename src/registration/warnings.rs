//! Warnings: what a homeserver accepts and nobody should want.

use super::draft::Draft;
use super::{Place, Warning, WarningCode, keys, template, url};
use crate::homeserver::Library;
use pyyaml::{Document, Located, NodeId, Text, Value};

/// Tokens below this many characters can be guessed: 15 letters and digits of a word-like token are within reach of a
/// dictionary. What bridges generate has 43 to 64.
const SHORT: usize = 16;

/// So many keys that stand twice are listed; the others are counted. Who pastes a block twice repeats half a dozen.
const MAX_REPEATED: usize = 20;

/// Values in which placeholders are looked for. A real registration has less than a hundred beside its namespaces.
const MAX_VALUES: usize = 1000;

/// Everything in a file that loads and is worth a warning, in the order of the file.
pub(super) fn warnings(draft: &Draft<'_>) -> Vec<Warning> {
    let mut warnings = repeated(draft.document);
    warnings.extend(keys::unknown(draft));
    tokens(draft, &mut warnings);
    values(draft, &mut warnings);
    booleans(draft, &mut warnings);
    address(draft, &mut warnings);
    warnings.sort_by_key(|warning| warning.place);
    warnings
}

/// The same as far as it is as true of another homeserver: what was never filled in, what tokens are worth, keys that are passed
/// over, and a `url` that no client can reach. What its library makes of keys that stand twice is its own affair.
pub(super) fn elsewhere(draft: &Draft<'_>) -> Vec<Warning> {
    let loader = draft.dialect.loader();
    let mut warnings = if loader.library == Library::PyYaml { repeated(draft.document) } else { Vec::new() };
    warnings.extend(keys::unknown(draft));
    tokens(draft, &mut warnings);
    values(draft, &mut warnings);
    not_booleans_elsewhere(draft, &mut warnings);
    if let Some((text, found)) = string(draft, "url")
        && template::left_over(&text.chars).is_none()
        && let Some(why) = url::unusable_by_any(&text.escaped(), draft.dialect)
    {
        warnings.push(Warning::over(WarningCode::UnusableUrl, found, format!("url {why}")));
    }
    warnings.sort_by_key(|warning| warning.place);
    warnings
}

/// The switches of another homeserver that hold something else than a boolean, and that it takes all the same: others refuse
/// such a file, and Continuwuity takes a text for the boolean that it says.
fn not_booleans_elsewhere(draft: &Draft<'_>, warnings: &mut Vec<Warning>) {
    let server = draft.dialect.homeserver();
    let loader = draft.dialect.loader();
    for key in ["rate_limited"].iter().chain(loader.booleans) {
        let Some(found) = draft.get(key).filter(|found| !matches!(found.value, Value::Bool(_))) else { continue };
        let is = super::messages::kind(found.value);
        let message = match (loader.library, found.value) {
            (Library::GoYaml, Value::Null) => {
                format!("{key} is {is} and counts as false for {server}: write true or false, without quotes")
            }
            (Library::PyYaml, _) => {
                format!("{key} is {is}, and nobody says what that counts as: write true or false, without quotes")
            }
            _ => continue,
        };
        warnings.push(Warning::over(WarningCode::NotABoolean, found, message));
    }
}

fn repeated(document: &Document<'_>) -> Vec<Warning> {
    let all = document.repeated();
    let (listed, counted) = all.split_at(all.len().min(MAX_REPEATED));
    let mut warnings: Vec<Warning> = listed.iter().map(|&(first, last)| twice(first, last)).collect();
    if let Some((_, last)) = counted.first() {
        let message = format!("{} more keys of this file stand twice; of each the last one counts", counted.len());
        warnings.push(Warning::at(WarningCode::DuplicateKey, *last, message));
    }
    warnings
}

fn twice(first: Place, last: Place) -> Warning {
    let message = format!(
        "this key already stands at line {}, column {}; the last one counts and the earlier one is ignored: join what \
         both hold below one of them, or delete the one that is not meant",
        first.line, first.column
    );
    Warning::at(WarningCode::DuplicateKey, last, message)
}

/// A string at the top level.
fn string<'d>(draft: &Draft<'d>, key: &str) -> Option<(&'d Text<'d>, Located<'d>)> {
    let found = draft.get(key)?;
    match found.value {
        Value::Str(text) => Some((text, found)),
        _ => None,
    }
}

fn tokens(draft: &Draft<'_>, warnings: &mut Vec<Warning>) {
    let server = draft.dialect.homeserver();
    let tokens = ["as_token", "hs_token"].map(|key| string(draft, key).map(|(text, found)| (key, text, found)));
    for (key, text, found) in tokens.into_iter().flatten() {
        if let Some(what) = template::left_over(&text.chars) {
            let why = if template::is_encrypted(&text.chars) {
                format!("and {server} takes just that for the token")
            } else {
                "and whoever knows the template knows the token".to_owned()
            };
            let message = format!("{key} still holds {what}, {why}");
            warnings.push(Warning::over(WarningCode::Placeholder, found, message));
        } else if let Some(what) = template::no_token(&text.chars) {
            let message =
                format!("{key} is {what}, and {server} takes just that for the token: write the token itself");
            warnings.push(Warning::over(WarningCode::Placeholder, found, message));
        } else if let Some(what) = weakness(text) {
            let message = format!("{key} {what}; generate one, for example with `openssl rand -hex 32`");
            warnings.push(Warning::over(WarningCode::WeakToken, found, message));
        } else if let Some(place) = in_the_open(draft, text) {
            let message = format!(
                "{key} stands in {place} too, which is shown to whoever may ask, so that it is no secret: write there what \
                 is meant, and generate another token"
            );
            warnings.push(Warning::over(WarningCode::WeakToken, found, message));
        }
    }
    if let [Some((_, as_token, _)), Some((_, hs_token, found))] = tokens
        && as_token == hs_token
        && !as_token.chars.is_empty()
    {
        let message = "as_token and hs_token are the same: whoever receives the one can act as the other; generate two \
                       different ones";
        warnings.push(Warning::over(WarningCode::WeakToken, found, message.to_owned()));
    }
}

/// Where a token stands among what cannot be hidden, since it is what everybody asks about.
fn in_the_open(draft: &Draft<'_>, token: &Text<'_>) -> Option<&'static str> {
    let holds = |found: Located<'_>| matches!(found.value, Value::Str(text) if text.chars.contains(&*token.chars));
    if let Some(key) = ["id", "sender_localpart"].into_iter().find(|key| draft.get(key).is_some_and(holds)) {
        return Some(key);
    }
    let Value::Dict(namespaces) = draft.get("namespaces")?.value else { return None };
    let lists = ["users", "aliases", "rooms"].into_iter().filter_map(|kind| draft.document.get(namespaces, kind));
    let entries =
        lists.filter_map(|list| if let Value::List(items) = list.value { Some(items) } else { None }).flatten();
    let mut regexes = entries.filter_map(|&entry| match draft.document.value(entry) {
        Value::Dict(pairs) => draft.document.get(pairs, "regex"),
        _ => None,
    });
    regexes.any(holds).then_some("a regex")
}

fn weakness(text: &Text<'_>) -> Option<String> {
    match text.chars.chars().count() {
        0 => Some("is empty, and so is known to everybody".to_owned()),
        1..SHORT => Some(format!("has fewer than {SHORT} characters and can be guessed")),
        _ => None,
    }
}

/// Placeholders in all that homeservers read but tokens, which have words of their own, and regexes, on which the analysis
/// has the better word: that they match nothing.
fn values(draft: &Draft<'_>, warnings: &mut Vec<Warning>) {
    let mut left = MAX_VALUES;
    let mut seen = Vec::new();
    for key in keys::TOP_LEVEL {
        if !matches!(key, "as_token" | "hs_token" | "namespaces")
            && let Some((_, value)) = draft.document.lookup(draft.pairs, key)
        {
            value_of(draft, key, value, (&mut left, &mut seen), warnings);
        }
    }
}

/// A text that aliases repeat is looked at once.
fn value_of(
    draft: &Draft<'_>,
    key: &str,
    value: NodeId,
    (left, seen): (&mut usize, &mut Vec<*const Text<'_>>),
    warnings: &mut Vec<Warning>,
) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    let found = draft.document.locate(value);
    match found.value {
        // Of a thousand at most, and of a handful as a rule: a table would cost more than to look through them.
        Value::Str(text) if !seen.contains(&std::ptr::from_ref(text).cast()) => {
            seen.push(std::ptr::from_ref(text).cast());
            if let Some(what) = template::left_over(&text.chars) {
                let server = draft.dialect.homeserver();
                let message = format!("{key} still holds {what}, and {server} takes it as it stands");
                warnings.push(Warning::over(WarningCode::Placeholder, found, message));
            } else if key != "url" && template::is_in_foreign_quotes(&text.chars) {
                let server = draft.dialect.homeserver();
                let message = format!(
                    "{key} begins with a quotation mark that is none to YAML, and {server} takes it for a part of the text: \
                     write `'`, or no quotes at all"
                );
                warnings.push(Warning::over(WarningCode::Placeholder, found, message));
            } else if text.chars.is_empty() && matches!(key, "id" | "sender_localpart") {
                let then = if key == "id" { "the service has no name" } else { "the service's own user is `@:…`" };
                let message = format!("{key} is empty, so that {then}: write what belongs there");
                warnings.push(Warning::over(WarningCode::Placeholder, found, message));
            }
        }
        Value::List(items) => {
            for &item in items {
                value_of(draft, key, item, (&mut *left, &mut *seen), warnings);
            }
        }
        _ => {}
    }
}

/// Switches that hold something else than a boolean, of which Synapse makes one all the same.
fn booleans(draft: &Draft<'_>, warnings: &mut Vec<Warning>) {
    for key in ["rate_limited", "receive_ephemeral", "de.sorunome.msc2409.push_ephemeral"] {
        let Some(found) = draft.get(key).filter(|found| !matches!(found.value, Value::Bool(_))) else { continue };
        // Only `false` itself ends the rate limit; of the others Python's `if` asks.
        let counts_as = key == "rate_limited" || super::options::is_truthy(found.value);
        let message = format!(
            "{key} is {} and counts as {counts_as}: write true or false, without quotes",
            super::messages::kind(found.value)
        );
        warnings.push(Warning::over(WarningCode::NotABoolean, found, message));
    }
}

fn address(draft: &Draft<'_>, warnings: &mut Vec<Warning>) {
    let Some((text, found)) = string(draft, "url") else { return };
    if template::left_over(&text.chars).is_some() {
        return;
    }
    if let Some(why) = url::unusable(&text.escaped()) {
        warnings.push(Warning::over(WarningCode::UnusableUrl, found, format!("url {why}")));
    }
}
