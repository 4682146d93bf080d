//! The bridges of mautrix. Those in Python and the older ones in Go have the template of names below `bridge`, those since
//! `bridgev2` below `appservice`; Go writes the bot as a mapping, Python as `bot_username`.

use super::super::Said;
use super::reader::Reader;
use super::template::{Filling, Part, go, is_constant, python};
use super::{Bridge, BridgeConfig, Made, Names};
use crate::matrix::Kind;

const NO_GO: &str = "nothing in it stands for a name: bridges in Go write `{{.}}` for it";
const NO_PYTHON: &str = "nothing in it stands for a name: bridges in Python write `{userid}` for it";

pub(super) fn read(reader: &Reader<'_>) -> Option<BridgeConfig> {
    let is_of_appservice = |key| reader.has(&["appservice", key]);
    let is_one = reader.has(&["homeserver", "domain"])
        && ["id", "address", "as_token", "bot", "bot_username"].into_iter().any(is_of_appservice);
    if !is_one {
        return None;
    }
    let in_go = is_of_appservice("bot") || !is_of_appservice("bot_username");
    let mut config = BridgeConfig::of(if in_go { Bridge::MautrixGo } else { Bridge::MautrixPython });
    config.domain = reader.text(&["homeserver", "domain"]);
    config.id = reader.text(&["appservice", "id"]);
    // Over a websocket nobody sends anything to an address.
    if !reader.is_true(&["homeserver", "websocket"]) {
        config.address = reader.url(&["appservice", "address"]).filter(|url| url.value != "websocket");
        config.port = reader.port(&["appservice", "port"]);
        config.hostname = reader.text(&["appservice", "hostname"]);
    }
    config.as_token = reader.secret(&["appservice", "as_token"]);
    config.hs_token = reader.secret(&["appservice", "hs_token"]);
    let bot = reader.text(&["appservice", "bot", "username"]).or_else(|| reader.text(&["appservice", "bot_username"]));
    config.bots.extend(bot);
    let users =
        reader.text(&["appservice", "username_template"]).or_else(|| reader.text(&["bridge", "username_template"]));
    let aliases = reader.text(&["bridge", "alias_template"]);
    config.names.extend(users.map(|template| names(Kind::User, template, in_go)));
    config.names.extend(aliases.map(|template| names(Kind::Alias, template, in_go)));
    Some(config)
}

fn names(kind: Kind, Said { value: written, place }: Said<String>, in_go: bool) -> Names {
    let filling = if kind == Kind::User { Filling::Name } else { Filling::Alias };
    let parts: Option<Vec<Part>> = if in_go { go(&written, filling) } else { python(&written, filling) };
    let made = match parts {
        None => Made::Unknown,
        Some(parts) if is_constant(&parts) => Made::One(if in_go { NO_GO } else { NO_PYTHON }),
        Some(parts) => Made::Localparts(parts),
    };
    Names { kind, written, place, made }
}
