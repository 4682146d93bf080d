//! `serde-saphyr` 0.0.29, into the structs that ruma derives: the library itself, at the release that Continuwuity is
//! locked to.
//!
//! Its grammar is that of YAML 1.2, and none of the readers here has it. What it says of a mistake may repeat the file, so of
//! that only the kind and the place are taken.

use std::cell::Cell;

use pyyaml::Place;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

use super::said::{At, Room, Said, SaidEntry, Wrong};

thread_local! {
    /// For the text of the file that this thread reads: serde hands nothing down to what it fills.
    static ROOM: Cell<Option<Room>> = const { Cell::new(None) };
}

/// A text, if there is room for it.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut room = ROOM.take();
        let fits = room.as_mut().is_some_and(|room| room.take(&text));
        ROOM.set(room);
        if fits { Ok(Self(text)) } else { Err(D::Error::custom(Room::FULL)) }
    }
}

#[derive(Deserialize)]
struct Registration {
    id: Spanned<Text>,
    #[serde(deserialize_with = "Option::deserialize")]
    url: Option<Text>,
    as_token: Spanned<Text>,
    hs_token: Spanned<Text>,
    sender_localpart: Spanned<Text>,
    namespaces: Namespaces,
    rate_limited: Option<bool>,
    protocols: Option<Vec<Text>>,
    #[serde(default, rename = "receive_ephemeral")]
    _receive_ephemeral: bool,
}

#[derive(Deserialize)]
struct Namespaces {
    #[serde(default)]
    users: Vec<Entry>,
    #[serde(default)]
    aliases: Vec<Entry>,
    #[serde(default)]
    rooms: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    exclusive: bool,
    regex: Spanned<Text>,
}

/// The keys that are asked for are those of the struct: only Continuwuity reads so.
pub(super) fn read(bytes: &[u8], room: Room) -> Result<Said, Vec<Wrong>> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| vec![Wrong::Other { message: "it is not UTF-8", place: None }])?;
    ROOM.set(Some(room));
    // The text came by chat, as one message.
    match serde_saphyr::from_str::<Registration>(text) {
        Ok(registration) => Ok(said(registration)),
        Err(error) => Err(vec![wrong(&error)]),
    }
}

fn said(registration: Registration) -> Said {
    let entries = |entries: Vec<Entry>| -> Vec<SaidEntry> {
        let entry = |entry: Entry| SaidEntry { regex: at(entry.regex), exclusive: entry.exclusive, group_id: None };
        entries.into_iter().map(entry).collect()
    };
    let Namespaces { users, aliases, rooms } = registration.namespaces;
    Said {
        id: at(registration.id),
        url: registration.url.map(|url| url.0),
        as_token: at(registration.as_token),
        hs_token: at(registration.hs_token),
        sender_localpart: at(registration.sender_localpart),
        users: entries(users),
        aliases: entries(aliases),
        rooms: entries(rooms),
        others: Vec::new(),
        protocols: registration.protocols.unwrap_or_default().into_iter().map(|protocol| protocol.0).collect(),
        rate_limited: registration.rate_limited,
    }
}

fn at(text: Spanned<Text>) -> At {
    let place = place(text.defined).unwrap_or_default();
    At { text: text.value.0, place }
}

fn place(location: Location) -> Option<Place> {
    let number = |number: u64| u32::try_from(number).ok();
    let place = Place { line: number(location.line())?, column: number(location.column())? };
    (place.line > 0).then_some(place)
}

fn wrong(error: &serde_saphyr::Error) -> Wrong {
    let text = error.without_snippet().to_string();
    // Only what holds nothing of the file may be told.
    let message =
        MESSAGES.iter().find(|(part, _)| text.contains(part)).map_or("it is no registration", |found| found.1);
    Wrong::Other { message, place: error.location().and_then(place) }
}

/// What the library says, by a part of it, and what is told.
const MESSAGES: [(&str, &str); 19] = [
    (Room::FULL, Room::FULL),
    ("missing field `id`", "id is missing"),
    ("missing field `url`", "url is missing: write `url: null` if nothing is to be sent"),
    ("missing field `as_token`", "as_token is missing"),
    ("missing field `hs_token`", "hs_token is missing"),
    ("missing field `sender_localpart`", "sender_localpart is missing"),
    ("missing field `namespaces`", "namespaces is missing"),
    ("missing field `exclusive`", "an entry does not say exclusive"),
    ("missing field `regex`", "an entry has no regex"),
    ("duplicate", "a key stands twice"),
    ("invalid boolean", "a value is no boolean"),
    ("null", "a value is null where a text is needed"),
    ("multiple", "a second document begins"),
    ("anchor", "an alias has no anchor"),
    ("tag", "a value has a tag that does not fit it"),
    ("merge", "`<<` wants a mapping or a list of mappings"),
    ("expected sequence", "a list is needed"),
    ("expected mapping", "a mapping is needed"),
    ("expected string", "a text is needed"),
];
