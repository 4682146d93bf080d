//! docs/homeservers.md says what was recorded: its tables are made of the data that the oracles left, and bailiwick is held to
//! the same data here.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick::homeserver::{Dialect, Homeserver};
use bailiwick::matrix::Kind;
use bailiwick::registration::{self, Loaded, TokenHasher};
use python_re::{Outcome, Scratch};
use serde_json::{Value, json};

use super::support::blessing;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/homeservers");
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/homeservers.md");

/// The homeservers of which there is a column.
const COLUMNS: [&str; 6] = ["synapse", "dendrite", "tuwunel", "continuwuity", "conduit", "palpo"];

/// A part of the documentation that is made of data: compared, or written.
pub(crate) fn generated(part: &str, shown: &str) {
    // Two parts are not to be written over each other.
    static WRITTEN: Mutex<()> = Mutex::new(());
    let _one = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let (begin, end) = (format!("<!-- {part}: generated -->\n"), format!("<!-- end of {part} -->"));
    let docs = fs::read_to_string(DOCS).expect("docs/homeservers.md is committed");
    let (before, rest) = docs.split_once(&begin).unwrap_or_else(|| panic!("no place for {part}"));
    let (is, after) = rest.split_once(&end).expect("the end of the part");
    if blessing() {
        fs::write(DOCS, format!("{before}{begin}{shown}{end}{after}")).expect("the documentation can be written");
    } else {
        assert!(is == shown, "BAILIWICK_BLESS=1 writes it anew:\n{shown}");
    }
}

fn recorded(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(format!("{DATA}/{name}.jsonl")).expect("recorded data is committed");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn dialect(homeserver: &str) -> Dialect {
    homeserver.parse().expect("a dialect")
}

fn load(homeserver: &str, bytes: &[u8]) -> Loaded {
    let homeserver = Homeserver::new("example.com".parse().expect("a name"), dialect(homeserver));
    registration::load_for(&homeserver, &Arc::from("case.yaml"), bytes, &TokenHasher::new())
}

/// Whether a homeserver loads a real file: whether its library does, and it takes what that makes of it.
fn loads(homeserver: &str, file: &Value) -> bool {
    let says = &file["says"];
    if file["loads"][homeserver] != true {
        return false;
    }
    let entries = |list: &str| -> Vec<Value> {
        let entries = says[list].as_array().expect("a list").iter();
        entries.map(|entry| json!({"regex": entry[0], "exclusive": entry[1]})).collect()
    };
    let registration = json!({
        "id": says["id"], "as_token": "as-token", "hs_token": "hs-token", "sender_localpart": says["sender"], "url": says["url"],
        "namespaces": {"users": entries("users"), "aliases": entries("aliases"), "rooms": entries("rooms")},
    });
    load(homeserver, registration.to_string().as_bytes()).is_ok()
}

#[test]
fn real_files_load_as_was_recorded() {
    let mut shown = String::from(
        "| file | `id` | users | aliases | rooms | Synapse | Dendrite | Tuwunel | Continuwuity | Conduit | Palpo |\n\
         |---|---|---:|---:|---:|---|---|---|---|---|---|\n",
    );
    let (mut all, mut some) = (0, 0);
    for file in recorded("real") {
        let verdicts = COLUMNS.map(|homeserver| loads(homeserver, &file));
        if verdicts == [true; 6] {
            all += 1;
        } else {
            some += 1;
        }
        let of =
            |list: &str| file["says"][list].as_array().map_or_else(|| "–".to_owned(), |list| list.len().to_string());
        let id = file["says"]["id"].as_str().map_or_else(|| "–".to_owned(), |id| format!("`{id}`"));
        let cells = verdicts.map(|loads| if loads { "loads" } else { "–" }).join(" | ");
        let name = file["file"].as_str().expect("a name");
        shown += &format!("| {name} | {id} | {} | {} | {} | {cells} |\n", of("users"), of("aliases"), of("rooms"));
    }
    // 75 that Synapse loads, as all others do, and 8 that it does not.
    assert_eq!((all, some), (75, 8));
    generated("real files", &shown);
}

/// What of a registration a row is about, as it was recorded of the libraries.
fn looked_at(loaded: &Loaded, what: &str) -> Value {
    let Ok(loaded) = loaded else { return Value::Null };
    let users = loaded.entries(Kind::User);
    match what {
        "exclusive" => json!(users.at(0).exclusive),
        "regex" => json!(&*users.at(0).regex),
        "id" => json!(loaded.id()),
        "url" => json!(loaded.url().unwrap_or("none")),
        "users" => {
            let entries: Vec<Value> = users.iter().map(|entry| json!([&*entry.regex, entry.exclusive])).collect();
            json!(entries)
        }
        _ => json!(true),
    }
}

#[test]
fn a_value_is_what_was_recorded() {
    let mut shown = String::from(
        "| written | Synapse | Dendrite | Tuwunel | Continuwuity | Conduit | Palpo (files) |\n|---|---|---|---|---|---|---|\n",
    );
    let mut wrong = Vec::new();
    let rows = recorded("scalars");
    assert!(rows.len() >= 50, "only {} rows", rows.len());
    for row in rows {
        let text = |key: &str| row[key].as_str().expect("a text");
        let cells = COLUMNS.map(|homeserver| {
            let says = &row["says"][homeserver];
            let ours = looked_at(&load(homeserver, text("file").as_bytes()), text("looked_at"));
            // A token is told to nobody, here as elsewhere.
            let same = if text("looked_at") == "as_token" { ours.is_null() == says.is_null() } else { ours == *says };
            if !same {
                wrong.push(format!("{homeserver}: {}: {ours} and not {says}", text("written")));
            }
            match says {
                Value::Null => "–".to_owned(),
                Value::Bool(true) if text("looked_at") == "loads" => "loads".to_owned(),
                Value::String(none) if none == "none" => none.clone(),
                Value::Array(entries) if entries.is_empty() => "none".to_owned(),
                Value::Bool(value) => value.to_string(),
                value => format!("`{value}`"),
            }
        });
        let written = text("written");
        let written =
            if written.contains(':') || written.starts_with('%') { format!("`{written}`") } else { written.to_owned() };
        shown += &format!("| {} | {} |\n", written.replace('|', r"\|"), cells.join(" | "));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    generated("values", &shown);
}

#[test]
fn a_regex_matches_as_was_recorded() {
    let mut shown = String::from(
        "| regex | text | Python, at the start (Synapse) | Go, anywhere (Dendrite) | Rust, anywhere (the others) |\n|---|---|---|---|---|\n",
    );
    let mut wrong = Vec::new();
    let rows = recorded("regexes");
    assert!(rows.len() >= 50, "only {} rows", rows.len());
    for row in rows {
        let (regex, text) = (row["regex"].as_str().expect("a regex"), row["text"].as_str().expect("a text"));
        let cells =
            [("python", "synapse"), ("go", "dendrite"), ("rust", "continuwuity")].map(|(engine, homeserver)| {
                let syntax = dialect(homeserver).syntax();
                let pattern = syntax.pattern(Kind::User, regex);
                let pattern = pattern.and_then(|pattern| syntax.check_together(Kind::User, &[regex]).map(|()| pattern));
                let ours =
                    pattern.ok().map(|pattern| pattern.matcher().run(&mut Scratch::new(), text) == Outcome::Match);
                if json!(ours) != row[engine] {
                    wrong.push(format!("{homeserver}: {regex:?} on {text:?}: {ours:?} and not {}", row[engine]));
                }
                row[engine].as_bool().map_or("–", |matches| if matches { "matches" } else { "does not" })
            });
        let code = |text: &str| match text {
            "" => "the empty one".to_owned(),
            _ if text.chars().count() > 24 => format!("`{}…`", text.chars().take(8).collect::<String>()),
            _ => format!("`{}`", text.escape_debug().to_string().replace(r"\\", r"\").replace('|', r"\|")),
        };
        shown += &format!("| {} | {} | {} |\n", code(regex), code(text), cells.join(" | "));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    generated("regexes", &shown);
}
