use std::sync::Arc;

use super::draft::Draft;
use super::parts::Read;
use super::syntax::{self, Subject};
use super::{
    ContentHash, Fault, Loaded, OwnedNamespaces, Parts, Place, Token, TokenHasher, Warning, WarningCode, extra,
    messages, namespaces, options, redact, shape, warnings,
};
use crate::homeserver::Dialect;
use crate::matrix::Kind;
use pyyaml::{Document, Release, Text, Value};
use serde_json::{Map, Value as Json};

/// Reads the bytes of one file, and collects everything that is wrong with it. `file` is how the file is shown in
/// answers.
///
/// A file loads if and only if Synapse 1.163 on CPython 3.11 would load it, up to the limits on size and depth that
/// keep a stranger's file from taking all memory.
pub fn load(file: &Arc<str>, bytes: &[u8], hasher: &TokenHasher) -> Loaded {
    load_as(Dialect::default(), file, bytes, hasher)
}

/// The same for a homeserver that reads as Synapse does, and has Synapse's rules or not.
pub(super) fn load_as(dialect: Dialect, file: &Arc<str>, bytes: &[u8], hasher: &TokenHasher) -> Loaded {
    let text = pyyaml::decode(bytes).map_err(|error| {
        vec![shape::of_bytes(bytes).unwrap_or_else(|| syntax::undecodable(&error, bytes, Subject::Registration))]
    })?;
    let of = |release| read_as(release, &text, (dialect, file), hasher);
    let (read, merges) = of(RELEASE);
    let read = if merges { with_other_release(read, &of(OTHER_RELEASE).0) } else { read };
    read.map(Into::into)
}

/// The release whose verdicts are given: the one that Synapse is locked to, and that its images and packages hold.
const RELEASE: Release = Release::V6_0_3;

/// The release that `pip install matrix-synapse` takes.
const OTHER_RELEASE: Release = Release::V6_0_4;

/// What comes of a text under a release, and whether another release might read it otherwise.
fn read_as(release: Release, text: &str, (dialect, file): (Dialect, &Arc<str>), hasher: &TokenHasher) -> (Read, bool) {
    let document = match Document::read(text, release) {
        Ok(Some(document)) => document,
        Ok(None) => return (Err(vec![messages::empty_file()]), false),
        Err(error) => {
            let fault = shape::of_text(text).unwrap_or_else(|| syntax::fault(&error, text, Subject::Registration));
            // Whatever is merged has not been looked at; what cannot be built with one release may be with another.
            return (Err(vec![fault]), error.problem.depends_on_merging());
        }
    };
    let loaded = match document.value(document.root()) {
        Value::Dict(pairs) => read(Draft::new(text, &document, pairs, dialect), file, hasher),
        other => Err(vec![
            shape::of_other(&document)
                .or_else(|| shape::of_text(text))
                .unwrap_or_else(|| messages::not_a_mapping(other, document.place(document.root()))),
        ] as Vec<Fault>),
    };
    (loaded, document.merges())
}

/// Says where the other release reads the file otherwise.
fn with_other_release(loaded: Read, other: &Read) -> Read {
    let differs = |how: &str| {
        format!(
            "which PyYAML reads this file matters: {} (which Synapse is locked to, and its images and packages hold) is \
             followed here, {} (which `pip` installs) {how}; the releases merge a list under `<<` in opposite orders: write \
             the keys out",
            RELEASE.as_str(),
            OTHER_RELEASE.as_str()
        )
    };
    match (loaded, other) {
        (Ok(mut ours), Ok(theirs)) => {
            if let Some((what, place)) = difference(&ours, theirs) {
                let warning = Warning::at(WarningCode::MergeOrder, place, differs(&format!("reads another {what}")));
                let mut warnings = std::mem::take(&mut ours.warnings).into_vec();
                warnings.push(warning);
                warnings.sort_by_key(|warning| warning.place);
                ours.warnings = warnings.into();
            }
            Ok(ours)
        }
        (Ok(mut ours), Err(theirs)) => {
            let place = theirs.iter().find_map(|fault| Some(Place { line: fault.line?, column: fault.column? }));
            let warning = Warning::at(WarningCode::MergeOrder, place.unwrap_or_default(), differs("refuses it"));
            ours.warnings = ours.warnings.iter().cloned().chain([warning]).collect();
            Ok(ours)
        }
        (Err(mut faults), Ok(_)) => {
            if let Some(fault) = faults.first_mut() {
                fault.message = format!("{}; {}", fault.message, differs("loads it"));
            }
            Err(faults)
        }
        (loaded, _) => loaded,
    }
}

/// The first thing in which two readings of a file differ, and where it stands.
fn difference(ours: &Parts, theirs: &Parts) -> Option<(String, Place)> {
    let top = Place { line: 1, column: 1 };
    for kind in Kind::ALL {
        let (mine, other) = (ours.namespaces.of(kind), theirs.namespaces.of(kind));
        for (at, (mine, other)) in mine.iter().zip(other).enumerate() {
            let what = if mine.exclusive == other.exclusive { "regex" } else { "exclusive" };
            if mine.exclusive != other.exclusive || mine.regex != other.regex {
                return Some((format!("`{what}` in entry {at} of the {}", kind_name(kind)), mine.place));
            }
        }
        if mine.len() != other.len() {
            return Some((format!("list of {}", kind_name(kind)), top));
        }
    }
    let differs = [
        ("id", ours.id != theirs.id),
        ("url", ours.url != theirs.url),
        ("as_token", ours.as_token != theirs.as_token),
        ("hs_token", ours.hs_token != theirs.hs_token),
        ("sender_localpart", ours.sender_localpart != theirs.sender_localpart),
        ("protocols", ours.protocols != theirs.protocols),
        ("rate_limited", ours.rate_limited != theirs.rate_limited),
        ("io.element.msc4512.proxy_prefix", ours.proxy_prefix != theirs.proxy_prefix),
    ];
    differs.into_iter().find_map(|(key, differs)| differs.then(|| (format!("`{key}`"), top)))
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "users",
        Kind::Alias => "aliases",
        Kind::Room => "rooms",
    }
}

/// Keys without a place of their own, and warnings.
pub(super) type Besides = (Option<Box<Map<String, Json>>>, Box<[Warning]>);

/// What another homeserver's registration holds besides, as PyYAML reads the text, if it does: what is shown of it, and what
/// there is to warn of that is as true there.
pub(super) fn besides(text: &str, dialect: Dialect) -> Besides {
    let Ok(Some(document)) = Document::read(text, RELEASE) else { return Default::default() };
    let Value::Dict(pairs) = document.value(document.root()) else { return Default::default() };
    let draft = Draft::new(text, &document, pairs, dialect);
    (extra::extra(&document, pairs, &draft.secrets), warnings::elsewhere(&draft).into())
}

/// Checks everything and makes the registration.
fn read(mut draft: Draft<'_>, file: &Arc<str>, hasher: &TokenHasher) -> Read {
    let id = required(&mut draft, "id");
    let is_synapses = draft.dialect.loader().is_synapses();
    if let Some((text, place)) = id
        && is_synapses
        && text.chars.contains('|')
    {
        draft.fault(messages::pipe_in_id(place));
    }
    let as_token = required(&mut draft, "as_token");
    let hs_token = required(&mut draft, "hs_token");
    let sender = required(&mut draft, "sender_localpart");
    if let Some((text, place)) = sender
        && is_synapses
        && !is_unquoted(text)
    {
        draft.fault(messages::quoted_sender(text, place));
    }
    let url = url(&mut draft);
    let namespaces: OwnedNamespaces = namespaces::read(&mut draft);
    let protocols = options::protocols(&mut draft);
    let proxy_prefix = if is_synapses {
        options::check_rest(&mut draft);
        options::proxy(&mut draft)
    } else {
        None
    };
    let (Some(id), Some(as_token), Some(hs_token), Some(sender), Some(url), true) =
        (id, as_token, hs_token, sender, url, draft.is_faultless())
    else {
        // What is no registration at all has one fault: that.
        let other = shape::of_mapping(draft.document, draft.pairs);
        return Err(other.map_or_else(|| draft.into_faults(), |fault| vec![fault]));
    };
    let digest = |token: &Text<'_>| hasher.digest(&Token::new(token.escaped()));
    let rate_limited = draft.get("rate_limited").is_none_or(|found| found.value != Value::Bool(false));
    Ok(Parts {
        file: Arc::clone(file),
        source: None,
        content: ContentHash::default(),
        id: id.0.escaped().into(),
        url,
        sender_localpart: sender.0.escaped().into(),
        sender_is_whole: false,
        sender_place: sender.1,
        url_place: draft.get("url").map_or(shape::TOP, |found| found.place),
        hs_token_place: hs_token.1,
        as_token: digest(as_token.0),
        hs_token: digest(hs_token.0),
        namespaces,
        protocols,
        rate_limited,
        proxy_prefix,
        extra: extra::extra(draft.document, draft.pairs, &draft.secrets),
        warnings: if is_synapses { warnings::warnings(&draft) } else { warnings::elsewhere(&draft) }.into(),
    })
}

/// A string that must be there.
fn required<'d>(draft: &mut Draft<'d>, key: &'static str) -> Option<(&'d Text<'d>, Place)> {
    let fault = match draft.get(key) {
        Some(found) => match found.value {
            Value::Str(text) => return Some((text, found.place)),
            _ => messages::not_a_string(draft, key, found),
        },
        None => messages::missing(draft, key),
    };
    draft.fault(fault);
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
    let fault = match draft.get("url") {
        Some(found) => match found.value {
            Value::Str(text) => {
                let url = redact::url(text.escaped().trim_end_matches('/'));
                return Some(Some(draft.secrets.cut(url).into()));
            }
            Value::Null => return Some(None),
            _ => messages::not_a_string(draft, "url", found),
        },
        None => messages::missing(draft, "url"),
    };
    draft.fault(fault);
    None
}
