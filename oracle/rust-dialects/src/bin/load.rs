//! What each library that a homeserver in Rust is locked to makes of registrations: reads one JSON object a line with the
//! bytes of a file as `hex`, and writes one with what loads, by engine, or null.
//!
//! The types are those of the homeservers: ruma's `Registration` for Tuwunel (whose fork has two keys more), Continuwuity
//! and Conduit; Palpo's own, which may lack a url. Only their fields and defaults are repeated here.

use std::io::{BufRead, Write};

use figment::providers::{Format, Toml, Yaml};
use figment::{Figment, Profile, Provider};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Entry {
    exclusive: bool,
    regex: String,
}

#[derive(Deserialize, Default)]
struct Namespaces {
    #[serde(default)]
    users: Vec<Entry>,
    #[serde(default)]
    aliases: Vec<Entry>,
    #[serde(default)]
    rooms: Vec<Entry>,
}

macro_rules! registration {
    ($name:ident, $(#[$url:meta])*, $($(#[$more:meta])* $field:ident),*) => {
        #[derive(Deserialize)]
        #[allow(dead_code)]
        struct $name {
            id: String,
            $(#[$url])*
            url: Option<String>,
            as_token: String,
            hs_token: String,
            sender_localpart: String,
            namespaces: Namespaces,
            rate_limited: Option<bool>,
            protocols: Option<Vec<String>>,
            #[serde(default)]
            receive_ephemeral: bool,
            $($(#[$more])* #[serde(default)] $field: bool,)*
        }

        impl $name {
            fn said(&self) -> Value {
                let entries = |entries: &[Entry]| -> Vec<Value> {
                    entries.iter().map(|entry| json!([entry.regex, entry.exclusive])).collect()
                };
                json!({
                    "id": self.id,
                    "sender": self.sender_localpart,
                    "as_token": self.as_token,
                    "hs_token": self.hs_token,
                    "url": self.url,
                    "users": entries(&self.namespaces.users),
                    "aliases": entries(&self.namespaces.aliases),
                    "rooms": entries(&self.namespaces.rooms),
                    "protocols": self.protocols.as_deref().unwrap_or_default(),
                    "rate_limited": self.rate_limited,
                })
            }
        }
    };
}

// ruma-appservice-api 0.17.1; conduit's 0.12.2 is the same.
registration!(Ruma, #[serde(deserialize_with = "Option::deserialize")],);
// matrix-construct/ruma, crates/ruma-appservice-api/src/lib.rs.
registration!(
    Tuwunel,
    #[serde(deserialize_with = "Option::deserialize")],
    #[serde(rename = "io.element.msc4190")] device_management,
    #[serde(rename = "org.matrix.msc3202")] msc3202_transaction_extensions
);
// palpo, crates/core/src/appservice.rs.
registration!(Palpo, , #[serde(rename = "io.element.msc4190")] device_management);

macro_rules! said {
    ($registration:expr) => {
        $registration.map_or(Value::Null, |registration| registration.said())
    };
}

/// The tables of Tuwunel's configuration: src/core/config/mod.rs.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    appservice: std::collections::BTreeMap<String, AppService>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct AppService {
    #[serde(default)]
    id: String,
    url: Option<String>,
    as_token: String,
    hs_token: String,
    sender_localpart: Option<String>,
    #[serde(default)]
    users: Vec<TableEntry>,
    #[serde(default)]
    aliases: Vec<TableEntry>,
    #[serde(default)]
    rooms: Vec<TableEntry>,
    #[serde(default)]
    rate_limited: bool,
    #[serde(default)]
    protocols: Vec<String>,
    #[serde(default)]
    receive_ephemeral: bool,
    #[serde(default)]
    device_management: bool,
    #[serde(default)]
    msc3202_transaction_extensions: bool,
}

#[derive(Deserialize)]
struct TableEntry {
    #[serde(default)]
    exclusive: bool,
    regex: String,
}

/// What becomes of a configuration: null where Tuwunel does not start, else what each table is.
fn tuwunel(text: &str) -> Value {
    let provider = Toml::string(text);
    let Ok(profiles) = provider.data() else { return Value::Null };
    let values = profiles.get(&Profile::Default);
    let headerless = values.is_some_and(|values| values.values().any(|value| value.as_dict().is_none()));
    if headerless && values.is_some_and(|values| values.contains_key("global")) {
        return Value::Null;
    }
    let provider = if headerless { provider.profile(Profile::Global) } else { provider.nested() };
    let figment = Figment::new().merge(Figment::new().merge(provider));
    let Ok(config) = figment.extract::<Config>() else { return Value::Null };
    let said = |(name, service): (String, AppService)| {
        let id = if service.id.is_empty() { name.clone() } else { service.id };
        let entries = |entries: &[TableEntry]| -> Vec<Value> {
            entries.iter().map(|entry| json!([entry.regex, entry.exclusive])).collect()
        };
        let said = json!({
            "id": id,
            "sender": service.sender_localpart.unwrap_or_else(|| id.clone()),
            "as_token": service.as_token,
            "hs_token": service.hs_token,
            "url": service.url,
            "users": entries(&service.users),
            "aliases": entries(&service.aliases),
            "rooms": entries(&service.rooms),
            "protocols": service.protocols,
            "rate_limited": service.rate_limited,
        });
        (name, said)
    };
    Value::Object(config.appservice.into_iter().map(said).collect())
}

fn answers(bytes: &[u8]) -> Value {
    let mut all = Map::new();
    let text = std::str::from_utf8(bytes).ok();
    let palpo = |figment: Figment| said!(figment.extract::<Palpo>().ok());
    all.insert("serde-yaml".into(), said!(serde_yaml::from_slice::<Tuwunel>(bytes).ok()));
    // Conduit reads a text that came by chat.
    all.insert("serde-yaml-ruma".into(), said!(text.and_then(|text| serde_yaml::from_str::<Ruma>(text).ok())));
    all.insert("saphyr-0".into(), said!(text.and_then(|text| serde_saphyr::from_str::<Ruma>(text).ok())));
    all.insert("saphyr-1".into(), said!(text.and_then(|text| serde_saphyr_1::from_str::<Palpo>(text).ok())));
    all.insert("figment".into(), text.map_or(Value::Null, |text| palpo(Figment::from(Yaml::string(text)))));
    all.insert("figment-toml".into(), text.map_or(Value::Null, |text| palpo(Figment::from(Toml::string(text)))));
    all.insert("tuwunel-toml".into(), text.map_or(Value::Null, tuwunel));
    Value::Object(all)
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input is text");
        let asked: Value = serde_json::from_str(&line).expect("a line is JSON");
        let hex = asked["hex"].as_str().expect("hex");
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
        let answers = std::panic::catch_unwind(|| answers(&bytes)).unwrap_or_else(|_| json!("panic"));
        writeln!(out, "{answers}").expect("standard output is open");
    }
}
