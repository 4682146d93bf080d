use std::sync::Arc;

use super::draft::Draft;
use super::{
    Fault, Loaded, Namespaces, Place, Registration, Token, TokenHasher, extra, messages, namespaces, options, redact,
    warnings,
};
use pyyaml::{Document, Release, Text, Value};

/// Reads the bytes of one file, and collects everything that is wrong with it. `file` is how the file is shown in
/// answers.
///
/// A file loads if and only if Synapse 1.163 on CPython 3.11 would load it, up to the limits on size and depth that
/// keep a stranger's file from taking all memory.
pub fn load(file: &Arc<str>, bytes: &[u8], hasher: &TokenHasher) -> Loaded {
    let text = pyyaml::decode(bytes).map_err(|error| vec![messages::syntax(&error, "")])?;
    let document = Document::read(&text, RELEASE).map_err(|error| vec![messages::syntax(&error, &text)])?;
    let Some(document) = document else { return Err(vec![messages::empty_file()]) };
    match document.value(document.root()) {
        Value::Dict(pairs) => read(Draft::new(&document, pairs), file, hasher),
        other => Err(vec![messages::not_a_mapping(other, document.place(document.root()))] as Vec<Fault>),
    }
}

/// The release whose verdicts are given: the one that Synapse's own images and packages hold.
const RELEASE: Release = Release::V6_0_3;

/// Checks everything and makes the registration.
fn read(mut draft: Draft<'_>, file: &Arc<str>, hasher: &TokenHasher) -> Loaded {
    if let Some((key, place)) = nested(&draft) {
        return Err(vec![messages::nested(key, place)]);
    }
    let id = required(&mut draft, "id");
    if let Some((text, place)) = id
        && text.chars.contains('|')
    {
        draft.fault(messages::pipe_in_id(place));
    }
    let as_token = required(&mut draft, "as_token");
    let hs_token = required(&mut draft, "hs_token");
    let sender = required(&mut draft, "sender_localpart");
    if let Some((text, place)) = sender
        && !is_unquoted(text)
    {
        draft.fault(messages::quoted_sender(text, place));
    }
    let url = url(&mut draft);
    let namespaces: Namespaces = namespaces::read(&mut draft);
    let protocols = options::protocols(&mut draft);
    options::check_rest(&mut draft);
    let proxy_prefix = options::proxy(&mut draft);
    let (Some(id), Some(as_token), Some(hs_token), Some(sender), Some(url), true) =
        (id, as_token, hs_token, sender, url, draft.is_faultless())
    else {
        return Err(draft.into_faults());
    };
    let digest = |token: &Text<'_>| hasher.digest(&Token::new(token.escaped()));
    let rate_limited = draft.get("rate_limited").is_none_or(|found| found.value != Value::Bool(false));
    Ok(Registration {
        file: Arc::clone(file),
        id: id.0.escaped().into(),
        url,
        sender_localpart: sender.0.escaped().into(),
        sender_place: sender.1,
        as_token: digest(as_token.0),
        hs_token: digest(hs_token.0),
        namespaces,
        protocols,
        rate_limited,
        proxy_prefix,
        extra: extra::extra(draft.document, draft.pairs, &draft.secrets),
        warnings: warnings::warnings(draft.document, as_token, hs_token),
    })
}

/// The key below which the registration stands, if it is not at the top level.
fn nested<'d>(draft: &Draft<'d>) -> Option<(&'d str, Place)> {
    let document = draft.document;
    let [(key, value)] = *draft.pairs else { return None };
    let (Value::Str(name), Value::Dict(below)) = (document.value(key), document.value(value)) else { return None };
    let is_one = ["id", "as_token", "hs_token"].iter().any(|key| document.get(below, key).is_some());
    is_one.then(|| (&*name.chars, document.place(key)))
}

/// A string that must be there.
fn required<'d>(draft: &mut Draft<'d>, key: &'static str) -> Option<(&'d Text<'d>, Place)> {
    match draft.get(key) {
        Some(found) => match found.value {
            Value::Str(text) => return Some((text, found.place)),
            _ => draft.fault(messages::not_a_string(key, found)),
        },
        None => draft.fault(messages::missing(key, draft.top())),
    }
    None
}

/// The localpart of the service's own user must survive URL quoting: `urllib.parse.quote` leaves these alone.
fn is_unquoted(text: &Text<'_>) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'~' | b'/');
    text.surrogates.is_empty() && text.chars.bytes().all(is_safe)
}

/// The URL: `Some(None)` for an explicit null.
#[expect(clippy::option_option, reason = "a fault, an explicit null and a URL are three things")]
fn url(draft: &mut Draft<'_>) -> Option<Option<Box<str>>> {
    let Some(found) = draft.get("url") else {
        draft.fault(messages::missing("url", draft.top()));
        return None;
    };
    match found.value {
        Value::Str(text) => {
            let url = redact::url(text.escaped().trim_end_matches('/'));
            Some(Some(draft.secrets.cut(url).into()))
        }
        Value::Null => Some(None),
        _ => {
            draft.fault(messages::not_a_string("url", found));
            None
        }
    }
}
