//! The tables `[global.appservice.ID]` of Tuwunel's configuration: src/core/config/mod.rs, `AppService` and `load_file`.
//!
//! A table is a registration of another shape: its lists of namespaces stand in it themselves, `exclusive` may be left out,
//! and what it does not say of its id and sender is the name of the table. Figment's profiles are kept in mind: without the
//! headers `[global…]` the file is taken as a whole, and one with both is refused. Variables of the environment, which
//! Tuwunel lays over all this, are not known here.

use super::toml::{Document, Node, Text, Toml};
use super::{At, Dict, MAPPING, Reader, Room, Said, Value, Values, Wrong};

/// The names of the tables, in Tuwunel's order.
pub(in crate::registration) fn tables(bytes: &[u8]) -> Result<Vec<String>, Vec<Wrong>> {
    let text = Text::new(bytes)?;
    let document = text.parse()?;
    Ok(all(&Toml::new(&text), &document)?.into_iter().map(|(name, _)| name).collect())
}

/// What Tuwunel makes of the table of this name.
pub(in crate::registration) fn read(bytes: &[u8], name: &str) -> Result<Said, Vec<Wrong>> {
    let text = Text::new(bytes)?;
    let document = text.parse()?;
    let values = Toml::new(&text);
    let found = all(&values, &document)?.into_iter().find(|(other, _)| other == name);
    let Some((_, table)) = found else {
        return Err(vec![Wrong::Other { message: "the table is not there", place: None }]);
    };
    Reader::new(&values, Room::of(bytes)).finish(|reader| reader.app_service(table, name))
}

type Found<'d> = Vec<(String, Node<'d>)>;

/// The directory besides whose files are registrations too, if the configuration names one.
pub(in crate::registration) fn directory(bytes: &[u8]) -> Result<Option<String>, Vec<Wrong>> {
    let text = Text::new(bytes)?;
    let document = text.parse()?;
    let values = Toml::new(&text);
    let said = global(&values, &document)?.and_then(|global| match values.value(*global.get("appservice_dir")?) {
        Value::Text(said) => Some(said),
        _ => None,
    });
    Ok(said)
}

/// The tables of all services. What says nothing that could be read stops Tuwunel as a whole.
fn all<'d>(values: &Toml<'d>, document: &'d Document<'_>) -> Result<Found<'d>, Vec<Wrong>> {
    let Some(global) = global(values, document)? else { return Ok(Vec::new()) };
    match global.get("appservice").map(|&id| (id, values.value(id))) {
        None => Ok(Vec::new()),
        Some((_, Value::Dict(tables))) => Ok(tables.into_iter().collect()),
        Some((id, _)) => Err(stop(values, "`appservice` is no table", id)),
    }
}

/// The table in which everything stands, if there is one.
fn global<'d>(values: &Toml<'d>, document: &'d Document<'_>) -> Result<Option<Dict<Node<'d>>>, Vec<Wrong>> {
    let root = document.root();
    let Value::Dict(top) = values.value(root) else { return Ok(None) };
    let is_table = |id: &Node<'d>| matches!(values.value(*id), Value::Dict(_));
    let global = if top.values().all(is_table) {
        // The names of profiles are taken without regard to case, and what is in `default` lies beneath `global`.
        let is_profile = |name: &str| name.eq_ignore_ascii_case("global") || name.eq_ignore_ascii_case("default");
        let profiles: Vec<(&String, &Node<'d>)> = top.iter().filter(|(name, _)| is_profile(name)).collect();
        match profiles.as_slice() {
            [] => return Ok(None),
            [(name, global)] if name.eq_ignore_ascii_case("global") => **global,
            [.., (_, other)] => {
                let message = "write all that is about services below `[global]`, and below it once";
                return Err(stop(values, message, **other));
            }
        }
    } else if top.contains_key("global") {
        return Err(stop(values, "bare keys stand beside `[global]`, with which Tuwunel does not start", root));
    } else {
        root
    };
    match values.value(global) {
        Value::Dict(global) => Ok(Some(global)),
        _ => Ok(None),
    }
}

fn stop<'d>(values: &Toml<'d>, message: &'static str, id: Node<'d>) -> Vec<Wrong> {
    vec![Wrong::Other { message, place: Some(values.place(id)) }]
}

impl<V: Values> Reader<'_, V> {
    /// Tuwunel's `AppService`; as a list, its fields are in this order.
    fn app_service(&mut self, id: V::Id, name: &str) -> Option<Said> {
        const FIELDS: [&str; 13] = [
            "id",
            "url",
            "as_token",
            "hs_token",
            "sender_localpart",
            "users",
            "aliases",
            "rooms",
            "rate_limited",
            "protocols",
            "receive_ephemeral",
            "device_management",
            "msc3202_transaction_extensions",
        ];
        let dict = match self.values.value(id) {
            Value::Dict(dict) => dict,
            // What has no default must be there.
            Value::List(items) if items.len() >= 5 => {
                FIELDS.iter().map(|field| (*field).to_owned()).zip(items).collect()
            }
            _ => {
                self.is("the table", id, MAPPING);
                return None;
            }
        };
        let mut needed = |key| {
            let found = self.needed(&dict, key, id)?;
            self.text(key, found)
        };
        let (as_token, hs_token) = (needed("as_token"), needed("hs_token"));
        let mut text = |key: &'static str| self.optional(&dict, key).map(|found| self.text(key, found));
        let (said_id, url, sender) = (text("id"), text("url"), text("sender_localpart"));
        let named = At { text: name.to_owned(), place: self.values.place(id) };
        let said_id = match said_id {
            Some(said) => said.map(|said| if said.text.is_empty() { named.clone() } else { said }),
            None => Some(named),
        };
        let [users, aliases, rooms] = ["users", "aliases", "rooms"].map(|list| {
            let items = dict.get(list).map_or_else(Vec::new, |&found| self.list(list, found));
            items.into_iter().filter_map(|item| self.entry(item, Some(false))).collect()
        });
        let rate_limited = dict.get("rate_limited").map(|&found| self.boolean("rate_limited", found));
        let protocols = dict.get("protocols").map_or_else(Vec::new, |&found| self.texts("protocols", found));
        for key in ["receive_ephemeral", "device_management", "msc3202_transaction_extensions"] {
            if let Some(&found) = dict.get(key) {
                self.boolean(key, found);
            }
        }
        let said_id = said_id?;
        Some(Said {
            sender_localpart: sender.unwrap_or_else(|| Some(said_id.clone()))?,
            id: said_id,
            url: url.flatten().map(|url| url.text),
            as_token: as_token?,
            hs_token: hs_token?,
            users,
            aliases,
            rooms,
            others: Vec::new(),
            protocols,
            rate_limited: Some(rate_limited.flatten().unwrap_or(false)),
        })
    }
}
