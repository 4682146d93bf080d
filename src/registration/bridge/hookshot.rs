//! matrix-hookshot: a prefix for the users of each service, some with a default; bots of their own for others.

use super::super::Said;
use super::reader::Reader;
use super::template::{Filling, prefix};
use super::{Bridge, BridgeConfig, Made, Names};
use crate::matrix::Kind;

/// The services whose users have names of their own, and what these begin with where nothing is said.
const SERVICES: [(&str, Option<&str>); 3] =
    [("github", Some("_github_")), ("gitlab", Some("_gitlab_")), ("generic", None)];

pub(super) fn read(reader: &Reader<'_>) -> Option<BridgeConfig> {
    let is_one = reader.has(&["bridge", "domain"])
        && ["passFile", "permissions", "listeners", "generic", "serviceBots", "feeds"]
            .into_iter()
            .any(|key| reader.has(&[key]));
    if !is_one || reader.has(&["bridge", "homeserverUrl"]) || reader.has(&["appservice"]) {
        return None;
    }
    let mut config = BridgeConfig::of(Bridge::Hookshot);
    config.domain = reader.text(&["bridge", "domain"]);
    config.port = reader.port(&["bridge", "port"]);
    config.hostname = reader.text(&["bridge", "bindAddress"]);
    for (service, default) in SERVICES {
        let Some(found) = reader.at(&[service]).filter(|_| !reader.is_false(&[service, "enabled"])) else { continue };
        let default = default.map(|prefix| Said { value: prefix.to_owned(), place: found.place });
        if let Some(Said { value: written, place }) = reader.text(&[service, "userIdPrefix"]).or(default) {
            let made = Made::Localparts(prefix(&written, Filling::Name));
            config.names.push(Names { kind: Kind::User, written, place, made });
        }
    }
    config.bots = reader.texts_in(&["serviceBots"], "localpart");
    Some(config)
}
