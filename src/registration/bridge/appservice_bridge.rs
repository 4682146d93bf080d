//! Bridges that are built on matrix-appservice-bridge: tokens, `id` and the bot stand in the registration, which they read
//! themselves; what they call their users stands in the configuration.

use super::super::Said;
use super::reader::Reader;
use super::template::{Filling, Part, prefix, words};
use super::{Bridge, BridgeConfig, Made, Names};
use crate::matrix::Kind;

/// matrix-appservice-irc: a template for each network, in which `$SERVER` is the network's name.
pub(super) fn irc(reader: &Reader<'_>) -> Option<BridgeConfig> {
    reader.at(&["ircService"])?;
    let mut config = BridgeConfig::of(Bridge::Irc);
    config.domain = reader.text(&["homeserver", "domain"]);
    config.port = reader.port(&["homeserver", "bindPort"]);
    config.hostname = reader.text(&["homeserver", "bindHostname"]);
    for server in reader.keys(&["ircService", "servers"]) {
        let below = |keys: [&'static str; 2]| reader.text(&["ircService", "servers", &server, keys[0], keys[1]]);
        if let Some(template) = below(["matrixClients", "userTemplate"]) {
            network(&mut config, &server, Kind::User, template);
        }
        let makes_aliases = reader.is_true(&["ircService", "servers", &server, "dynamicChannels", "enabled"])
            && !reader.is_false(&["ircService", "servers", &server, "dynamicChannels", "createAlias"]);
        if let Some(template) = below(["dynamicChannels", "aliasTemplate"]).filter(|_| makes_aliases) {
            network(&mut config, &server, Kind::Alias, template);
        }
    }
    Some(config)
}

/// What one network's template makes.
fn network(config: &mut BridgeConfig, server: &str, kind: Kind, Said { value: written, place }: Said<String>) {
    let (word, filling) = if kind == Kind::User { ("$NICK", Filling::Name) } else { ("$CHANNEL", Filling::Alias) };
    // A channel's name begins with the sigil itself.
    let localpart = written.strip_prefix(kind.sigil()).or_else(|| (written == "$CHANNEL").then_some(&*written));
    let made = match localpart {
        None => {
            let value = format!(
                "the template of names does not begin with `{}`, with which the bridge needs it to begin",
                kind.sigil()
            );
            config.refused.push(Said { value, place });
            return;
        }
        Some(localpart) if !localpart.contains(word) => Made::One(match kind {
            Kind::User => "nothing in it stands for a name: `$NICK` does",
            _ => "nothing in it stands for a channel: `$CHANNEL` does",
        }),
        Some(localpart) => Made::Localparts(words(&localpart.replace("$SERVER", server), word, filling)),
    };
    config.names.push(Names { kind, written, place, made });
}

/// matrix-appservice-slack: a prefix, then the team's name, `_`, and the user's ID in capitals.
pub(super) fn slack(reader: &Reader<'_>) -> Option<BridgeConfig> {
    let written = reader.text(&["username_prefix"]).filter(|_| reader.has(&["homeserver", "server_name"]))?;
    let mut config = BridgeConfig::of(Bridge::Slack);
    config.domain = reader.text(&["homeserver", "server_name"]);
    config.port = reader.port(&["homeserver", "appservice_port"]);
    config.hostname = reader.text(&["homeserver", "appservice_host"]);
    let mut parts = prefix(&written.value, Filling::Team);
    parts.extend([Part::Text("_".to_owned()), Part::Any(Filling::Capital)]);
    config.names.push(Names {
        kind: Kind::User,
        written: written.value,
        place: written.place,
        made: Made::Localparts(parts),
    });
    for team in reader.keys(&["team_sync"]) {
        if let Some(alias) = reader.text(&["team_sync", &team, "channels", "alias_prefix"]) {
            let made = Made::Localparts(prefix(&alias.value, Filling::Alias));
            config.names.push(Names { kind: Kind::Alias, written: alias.value, place: alias.place, made });
        }
    }
    Some(config)
}

/// matrix-appservice-discord: its prefixes are part of the program.
pub(super) fn discord(reader: &Reader<'_>) -> Option<BridgeConfig> {
    let domain = reader.text(&["bridge", "domain"])?;
    if !(reader.has(&["bridge", "homeserverUrl"]) && reader.has(&["auth", "botToken"])) {
        return None;
    }
    let mut config = BridgeConfig::of(Bridge::Discord);
    config.port = reader.port(&["bridge", "port"]);
    for (kind, filling) in [(Kind::User, Filling::Digit), (Kind::Alias, Filling::Alias)] {
        let made = Made::Localparts(prefix("_discord_", filling));
        config.names.push(Names { kind, written: "_discord_".to_owned(), place: domain.place, made });
    }
    config.domain = Some(domain);
    Some(config)
}
