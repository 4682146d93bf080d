//! A registration in the place of a configuration: what heisenbridge is started with, and what other bridges keep beside their
//! configuration. The homeserver has another copy of the same.

use std::sync::Arc;

use super::super::{Said, load_for};
use super::reader::Reader;
use super::template::{Filling, Part};
use super::{Bridge, BridgeConfig, BridgeConfigError, Made, Names};
use crate::homeserver::Homeserver;
use crate::matrix::Kind;
use crate::registration::{Entry, Registration};

/// What is said of such a file; `None` if it is none.
pub(super) fn read(
    reader: &Reader<'_>,
    homeserver: &Homeserver,
    bytes: &[u8],
) -> Option<Result<BridgeConfig, BridgeConfigError>> {
    let is_one = ["as_token", "hs_token", "namespaces"].into_iter().all(|key| reader.has(&[key]));
    is_one.then(|| {
        let hasher = reader.hasher();
        let registration = load_for(homeserver, &Arc::from(""), bytes, hasher)
            .map_err(|mut faults| BridgeConfigError(faults.swap_remove(0)))?;
        Ok(of_registration(reader, &registration))
    })
}

fn of_registration(reader: &Reader<'_>, registration: &Registration) -> BridgeConfig {
    let is_heisenbridge = reader.has(&["heisenbridge"]) || is_heisenbridges(registration);
    let mut config = BridgeConfig::of(if is_heisenbridge { Bridge::Heisenbridge } else { Bridge::Copy });
    config.id = reader.text(&["id"]);
    config.address = reader.url(&["url"]);
    config.as_token = reader.secret(&["as_token"]);
    config.hs_token = reader.secret(&["hs_token"]);
    config.sender = reader.text(&["sender_localpart"]);
    if is_heisenbridge {
        heisenbridge(reader, registration, &mut config);
    } else {
        for kind in [Kind::User, Kind::Alias] {
            config.names.extend(registration.entries(kind).iter().map(|entry| as_claimed(kind, entry)));
        }
    }
    config
}

/// Whether heisenbridge has made a registration: it writes what it is set to below a key of its own name.
fn is_heisenbridges(registration: &Registration) -> bool {
    let is_of = |text: &str| text.contains("heisenbridge");
    let has_settings = registration.extra().as_ref().is_some_and(|extra| extra.contains_key("heisenbridge"));
    has_settings || is_of(registration.id()) || is_of(registration.sender_localpart())
}

/// Whether the bridge that reads a registration takes an entry of it: of heisenbridge, the one of its own user, or one that
/// begins with what its users' names begin with, as it stands. What is built on
/// matrix-bot-sdk reads its prefix there, too; a registration does not say so.
pub(super) fn is_taken(registration: &Registration, kind: Kind, entry: Entry<'_>) -> bool {
    let is_plain =
        |parts: Vec<Part>| matches!(&parts[0], Part::Text(text) if !text.contains(|c| r".^$*+?{}[]()|\".contains(c)));
    kind != Kind::User
        || !is_heisenbridges(registration)
        || is_own(registration, entry)
        || parts(&entry.regex).is_some_and(is_plain)
}

fn is_own(registration: &Registration, entry: Entry<'_>) -> bool {
    let own = entry.regex.split(':').next().and_then(|own| own.strip_prefix('@'));
    own == Some(registration.sender_localpart())
}

fn as_claimed(kind: Kind, entry: Entry<'_>) -> Names {
    Names { kind, written: entry.regex.to_string(), place: entry.place, made: Made::Regex(entry.regex.to_owned()) }
}

/// heisenbridge takes what its users are called from the regex: one entry besides that of its own user, exclusive, a prefix
/// that ends in `_` or `/`, and then `.*` or `.+`. It stops at the start otherwise.
fn heisenbridge(reader: &Reader<'_>, registration: &Registration, config: &mut BridgeConfig) {
    let entries = registration.entries(Kind::User);
    let others: Vec<Entry<'_>> = entries.iter().filter(|entry| !is_own(registration, *entry)).collect();
    let [entry] = others[..] else {
        let place = others.get(1).map_or_else(|| reader.top(), |entry| entry.place);
        let count = others.len();
        let value = format!(
            "heisenbridge starts with one entry in `users` besides that of its own user alone, and there are {count}"
        );
        config.refused.push(Said { value, place });
        return;
    };
    if !entry.exclusive {
        let value = "heisenbridge starts with an entry alone that is exclusive".to_owned();
        config.refused.push(Said { value, place: entry.place });
    }
    match parts(&entry.regex) {
        Some(parts) => {
            let (written, made) = (entry.regex.to_string(), Made::Localparts(parts));
            config.names.push(Names { kind: Kind::User, written, place: entry.place, made });
        }
        None => {
            let value = "heisenbridge starts with a regex alone that is `@`, a beginning, `_` or `/`, and `.*`, such as `@irc_.*`".to_owned();
            config.refused.push(Said { value, place: entry.place });
        }
    }
}

/// What it makes of its regex: the beginning, a network's name, the same separator and a nick.
fn parts(regex: &str) -> Option<Vec<Part>> {
    let body = regex.strip_prefix('@')?;
    let ends = [".*", ".+"].iter().flat_map(|any| body.rmatch_indices(any).map(|(at, _)| at));
    let end = ends.filter(|&at| at > 1 && matches!(body.as_bytes()[at - 1], b'_' | b'/')).max()?;
    let (beginning, separator) = (&body[..end], &body[end - 1..end]);
    Some(vec![
        Part::Text(beginning.to_owned()),
        Part::Any(Filling::Name),
        Part::Text(separator.to_owned()),
        Part::Any(Filling::Name),
    ])
}
