//! What other homeservers load and decide: the libraries' own words as `oracle/loaders.py` recorded them, and the table of
//! decisions, of which nothing can be run and each row says where it was read.

use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

use bailiwick::homeserver::{Consequence, Dialect, Homeserver, Library};
use bailiwick::index::Scratch;
use bailiwick::matrix::{Kind, MatrixId};
use bailiwick::registration::{self, Entries, Fault, FaultCode, FileFacts, Loaded, Parts, Token, TokenHasher};
use bailiwick::ruling::{AccountRule, Asker, Decision, Reason, Services, Status, UserName};
use bailiwick::snapshot::{Candidate, ContentHash, Good, Snapshot};
use serde_json::{Value, json};

use super::homeservers_page::generated;
use super::registration_verdicts::bytes;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/homeservers");

fn homeserver(dialect: &str) -> Homeserver {
    let name = "example.com".parse().expect("a server name");
    Homeserver::new(name, dialect.parse().expect("a dialect"))
}

fn load(dialect: &str, bytes: &[u8]) -> Loaded {
    load_named(dialect, "case.yaml", bytes)
}

fn load_named(dialect: &str, name: &str, bytes: &[u8]) -> Loaded {
    registration::load_for(&homeserver(dialect), &Arc::from(name), bytes, &TokenHasher::new())
}

/// What a library says of a file, and what bailiwick makes of it for the homeserver that reads with that library.
fn difference_of(ours: &Loaded, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Err(_), Value::Null) => None,
        (Ok(_), Value::Null) => Some("the library refuses it, bailiwick loads it".to_owned()),
        // What the homeserver refuses behind its library.
        (Err(faults), _) => {
            let library = faults.iter().find(|fault| !is_behind(fault));
            library.map(|fault| format!("the library makes {theirs} of it, bailiwick: {}", fault.message))
        }
        (Ok(loaded), _) => {
            let entries = |entries: Entries<'_>| -> Vec<Value> {
                entries.iter().map(|entry| json!([&*entry.regex, entry.exclusive])).collect()
            };
            let [users, aliases, rooms] = Kind::ALL.map(|kind| loaded.entries(kind));
            let same = loaded.id() == theirs["id"].as_str().expect("an id")
                && Value::from(entries(users)) == theirs["users"]
                && Value::from(entries(aliases)) == theirs["aliases"]
                && Value::from(entries(rooms)) == theirs["rooms"];
            (!same).then(|| format!("the library makes {theirs} of it, bailiwick {users:?}, {aliases:?}, {rooms:?}"))
        }
    }
}

/// The dialects, and the engine of `oracle/loaders.py` that stands for each one's library.
const READ_WITH: [(&str, &str); 5] = [
    ("dendrite", "go"),
    ("tuwunel", "serde-yaml"),
    ("conduit", "serde-yaml-ruma"),
    ("continuwuity", "saphyr-0"),
    ("palpo", "figment"),
];

/// Of each dialect: how many files were asked about, how many its library loads, and what differs.
fn compare(path: &str) -> [(usize, usize, Vec<String>); 5] {
    let recorded = fs::read_to_string(path).expect("the cases can be read");
    let mut tallies = READ_WITH.map(|_| (0, 0, Vec::new()));
    for line in recorded.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let file = bytes(case["hex"].as_str().expect("hex"));
        for ((dialect, library), (asked, loaded, wrong)) in READ_WITH.iter().zip(&mut tallies) {
            *asked += 1;
            *loaded += usize::from(!case[library].is_null());
            if let Some(difference) = difference_of(&load(dialect, &file), &case[library]) {
                wrong.push(format!("{dialect}: {difference}\n{}", String::from_utf8_lossy(&file)));
            }
        }
    }
    tallies
}

#[test]
fn recorded_files_load_as_the_libraries_read_them() {
    for (asked, load, wrong) in compare(&format!("{DATA}/loaders.jsonl")) {
        assert!(asked >= 1_000 && load >= 250, "{load} of {asked} load");
        assert!(wrong.is_empty(), "{} of {asked} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
    }
}

/// Compares the cases of `LOADER_CASES`, made by `oracle/loaders.py --out`.
#[test]
#[ignore = "a tool of the differential run"]
fn compare_files() {
    let tallies = compare(&std::env::var("LOADER_CASES").expect("LOADER_CASES names the cases"));
    for ((dialect, library), (asked, load, wrong)) in READ_WITH.iter().zip(&tallies) {
        println!("{dialect} ({library}): {asked} files, {load} load, {} wrong", wrong.len());
    }
    for (_, _, wrong) in tallies {
        assert!(wrong.is_empty(), "{}", wrong[..wrong.len().min(20)].join("\n\n"));
    }
}

#[test]
fn recorded_toml_is_read_as_figment_does() {
    let (asked, wrong) = compare_toml(&format!("{DATA}/toml.jsonl"));
    assert!(asked >= 800, "only {asked} files");
    assert!(wrong.is_empty(), "{} of {asked} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Compares the cases of `TOML_CASES`, made by `oracle/toml_cases.py --out`.
#[test]
#[ignore = "a tool of the differential run"]
fn compare_toml_files() {
    let (asked, wrong) = compare_toml(&std::env::var("TOML_CASES").expect("TOML_CASES names the cases"));
    println!("{asked} files, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong[..wrong.len().min(20)].join("\n\n"));
}

fn compare_toml(path: &str) -> (usize, Vec<String>) {
    let recorded = fs::read_to_string(path).expect("the cases can be read");
    let (mut asked, mut wrong) = (0, Vec::new());
    for line in recorded.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let file = bytes(case["hex"].as_str().expect("hex"));
        asked += 1;
        let palpo = difference_of(&load_named("palpo", "case.toml", &file), &case["palpo"]);
        for difference in palpo.into_iter().chain(tables_differ(&case["tuwunel"], &file)) {
            wrong.push(format!("{difference}\n{}", String::from_utf8_lossy(&file)));
        }
    }
    (asked, wrong)
}

/// How what bailiwick makes of Tuwunel's configuration differs from what figment does.
fn tables_differ(theirs: &Value, file: &[u8]) -> Vec<String> {
    let named = |table: &str| load_named("tuwunel", &format!("tuwunel.toml#{table}"), file);
    let Some(theirs) = theirs.as_object() else {
        // One table that is none is enough for Tuwunel not to start.
        let starts = registration::toml_tables(file).is_ok_and(|tables| {
            tables.iter().all(|table| named(table).map_or_else(|faults| faults.iter().all(is_behind), |_| true))
        });
        return starts.then(|| "figment refuses it, bailiwick reads every table".to_owned()).into_iter().collect();
    };
    match registration::toml_tables(file) {
        // What would be laid over each other is not read, and nothing of it is let go.
        Err(error) if error.contains("below `[global]`") => Vec::new(),
        Err(error) => vec![format!("figment finds {} tables, bailiwick: {error}", theirs.len())],
        Ok(tables) if !tables.iter().eq(theirs.keys()) => vec![format!("tables {tables:?}, not {:?}", theirs.keys())],
        Ok(tables) => tables.iter().filter_map(|table| difference_of(&named(table), &theirs[table])).collect(),
    }
}

/// Whether it is not the library that refuses a file, but what the homeserver wants besides.
fn is_behind(fault: &Fault) -> bool {
    let begins = ["sender_localpart makes", "group_id", "id is not"];
    fault.code == FaultCode::InvalidRegex || begins.iter().any(|key| fault.message.starts_with(key))
}

/// The registrations that the table of decisions is about.
pub(super) fn registrations() -> Vec<Value> {
    let one = |id: &str, sender: &str, users: Value, aliases: Value| {
        json!({
            "id": id, "as_token": format!("as-token-of-{id}-0123456789"), "hs_token": format!("hs-token-of-{id}-0123456789"),
            "sender_localpart": sender, "url": null, "namespaces": {"users": users, "aliases": aliases, "rooms": []},
        })
    };
    let entry = |regex: &str, exclusive: bool| json!([{"regex": regex, "exclusive": exclusive}]);
    vec![
        one("irc", "ircbot", entry(r"@irc_.*:example\.com", true), entry(r"#irc_.*:example\.com", true)),
        one("photon", "photonbot", entry("@.*", false), entry("#.*", false)),
        one("slack1", "slack1bot", entry(r"@slack_.*:example\.com", true), json!([])),
        one("slack2", "slack2bot", entry(r"@slack_.*:example\.com", true), json!([])),
        one("nosigil", "hookbot", entry("webhook", true), json!([])),
        one("noserver", "tgbot", entry("@telegram_.*", true), json!([])),
    ]
}

fn services(dialect: &str) -> Services {
    let loaded = registrations().into_iter().map(|one| {
        let loaded = load(dialect, one.to_string().as_bytes());
        loaded.unwrap_or_else(|faults| panic!("{dialect}: {one}: {faults:?}"))
    });
    Services::new(homeserver(dialect), loaded.collect())
}

fn decide<'s>(services: &'s Services, who: &str, what: &str) -> Decision<'s> {
    let mut scratch = Scratch::new();
    let (way, rest) = who.split_once(' ').unwrap_or((who, ""));
    let (as_id, user) = rest.split_once(" as ").map_or((rest, None), |(id, user)| (id, Some(user)));
    let asker = match as_id {
        "" => Asker::Person,
        _ => services.position_of_id(as_id).map_or(Asker::Unknown(Some("nobody")), Asker::Service),
    };
    let name = UserName::Localpart(what);
    let alias = || MatrixId::of_any_length(what).expect("an alias");
    let user = user.or(as_id.is_empty().then_some("@alice:example.com"));
    match way {
        "person" | "service" => services.may_register(asker, name, &mut scratch),
        "available" => services.may_register(Asker::Availability, name, &mut scratch),
        "administrator" => services.may_register(Asker::Administrator, name, &mut scratch),
        "login" | "password" => services.may_log_in(asker, name, &mut scratch),
        "alias" => services.may_create_alias(alias(), asker, user, &mut scratch),
        "room" => services.may_create_room(alias(), user, &mut scratch),
        "delete" => services.may_delete_alias(alias(), asker, user, &mut scratch),
        "act" => services.may_act(asker, what, &mut scratch),
        _ => panic!("who is `{who}`?"),
    }
}

/// A decision as the table has it; of Synapse the status is not told.
fn told(decision: &Decision<'_>, expected: &str) -> String {
    match (decision.allowed, decision.account) {
        (true, None | Some(AccountRule::NotNeeded)) => "200".to_owned(),
        (true, Some(AccountRule::Needed)) => "200 if there".to_owned(),
        (true, Some(AccountRule::Made)) => "200 and made".to_owned(),
        (false, _) => {
            let status = decision.status.map(|status| status.to_string());
            let status = status.unwrap_or_else(|| expected.split(' ').next().unwrap_or_default().to_owned());
            format!("{status} {}", decision.errcode.expect("a refusal has a code"))
        }
    }
}

pub(super) const COLUMNS: [&str; 7] =
    ["synapse", "dendrite", "tuwunel", "continuwuity", "conduit", "palpo", "palpo-421"];

/// Who asks, what, the answer of each homeserver, and where it says so.
pub(super) type Row = (String, String, Vec<String>, String);

pub(super) fn table() -> Vec<Row> {
    let text = fs::read_to_string(format!("{DATA}/decisions.txt")).expect("the table is committed");
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        assert_eq!(cells.len(), COLUMNS.len() + 3, "{line}");
        let mut answers: Vec<String> = Vec::new();
        for &cell in &cells[2..cells.len() - 1] {
            answers.push(if cell == "=" { answers.last().expect("an answer before").clone() } else { cell.to_owned() });
        }
        (cells[0].to_owned(), cells[1].to_owned(), answers, cells[cells.len() - 1].to_owned())
    })
    .collect()
}

#[test]
fn each_homeserver_decides_as_its_source_says() {
    let table = table();
    assert!(table.len() >= 40, "only {} rows", table.len());
    let mut wrong = Vec::new();
    for (column, dialect) in COLUMNS.iter().enumerate() {
        let services = services(dialect);
        for (who, what, answers, source) in &table {
            let decision = decide(&services, who, what);
            let told = told(&decision, &answers[column]);
            if told != answers[column] {
                let Decision { reason, error, .. } = decision;
                wrong.push(format!(
                    "{dialect}: {who} | {what}: {told} ({reason:?}, {error:?}), not {}: {source}",
                    answers[column]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Three of them refuse a whole ID of another server as they do one that is none; Tuwunel does not ask whose it is.
#[test]
fn a_whole_id_of_another_server_is_no_name_here() {
    for dialect in ["continuwuity", "conduit", "palpo", "palpo-421"] {
        for who in ["person", "service irc"] {
            let services = services(dialect);
            let decision = decide(&services, who, "@zoe:other.org");
            assert_eq!(told(&decision, ""), "400 M_INVALID_USERNAME", "{dialect}, {who}");
        }
    }
}

/// Of those that take an empty id none is told that it is empty.
#[test]
fn what_is_missing_is_called_empty_only_where_that_is_refused() {
    for (dialect, empty) in [("dendrite", true), ("tuwunel", false), ("conduit", false), ("palpo", false)] {
        let faults = load(dialect, b"url: null").expect_err("it is no registration");
        assert_eq!(faults[0].message.contains("or empty"), empty, "{faults:?}");
    }
}

/// The sixth of the ten cases: one file of many has a regex that one engine takes and another refuses.
#[test]
fn a_regex_that_is_refused_is_told_with_what_becomes_of_the_others() {
    let file = json!({
        "id": "foodtoshare", "as_token": "as-token-0123456789", "hs_token": "hs-token-0123456789", "sender_localpart": "food",
        "url": null, "namespaces": {"users": [{"regex": "@foodtoshare_{[0-9]+}:localhost", "exclusive": true}]},
    });
    for dialect in Dialect::ALL {
        let loaded = load(dialect.name(), file.to_string().as_bytes());
        let loads = ["synapse", "dendrite", "spec", "spec-anywhere"].contains(&dialect.name());
        assert_eq!(loaded.is_ok(), loads, "{}: {loaded:?}", dialect.name());
        let Err(faults) = loaded else { continue };
        assert_eq!(faults[0].code, FaultCode::InvalidRegex, "{faults:?}");
        assert_eq!(faults[0].consequence, Some(dialect.set().bad_regex), "{faults:?}");
        assert!(
            !faults[0].message.contains('\n') && faults[0].message.contains(": repetition quantifier"),
            "{faults:?}"
        );
        assert!(faults[0].message.ends_with(&dialect.would(dialect.set().bad_regex)), "{faults:?}");
        assert_ne!(dialect.set().bad_regex, Consequence::Undefined);
    }
}

/// Continuwuity makes the account of a whole ID, and then compares that text with localparts: the name is nobody else's, and the
/// service may have it by its entries alone.
#[test]
fn a_sender_that_is_a_whole_id_is_taken_and_is_not_its_services_own() {
    for (written, regex, own) in [
        ("ircbot", r"@irc_.*:example\.com", "200"),
        ("@ircbot:example.com", r"@irc_.*:example\.com", "400 M_EXCLUSIVE"),
        ("@ircbot:example.com", r"@irc.*:example\.com", "200"),
    ] {
        let mut file = registrations()[0].clone();
        file["sender_localpart"] = json!(written);
        file["namespaces"]["users"][0]["regex"] = json!(regex);
        let loaded = load("continuwuity", file.to_string().as_bytes()).expect("it loads");
        let services = Services::new(homeserver("continuwuity"), vec![loaded].into());
        for (who, what, expected) in [
            ("person", "ircbot", "400 M_EXCLUSIVE"),
            ("available", "ircbot", "400 M_EXCLUSIVE"),
            ("service irc", "ircbot", own),
            ("login irc", "ircbot", own),
            ("act irc", "@ircbot:example.com", own),
            ("act irc", "@irc_a:example.com", "200"),
        ] {
            assert_eq!(told(&decide(&services, who, what), expected), expected, "{written}, {regex}: {who} | {what}");
        }
        if own != "200" {
            let error = decide(&services, "service irc", "ircbot").error;
            let why = "`sender_localpart` is written as a whole ID (line 1), by which Continuwuity knows no user of the \
                       service's own: write `ircbot` alone";
            assert!(error.as_deref().is_some_and(|error| error.contains(why)), "{error:?}");
        }
    }
}

/// Palpo ends over a sender that makes no user ID, and passes over a regex that does not compile until its service asks.
#[test]
fn a_sender_that_makes_no_user_id_has_consequences_of_its_own() {
    let mut file = registrations()[0].clone();
    file["sender_localpart"] = json!("irc:bot");
    for dialect in Dialect::ALL {
        let Err(faults) = load(dialect.name(), file.to_string().as_bytes()) else { continue };
        if dialect.loader().library != Library::PyYaml {
            assert_eq!(faults[0].consequence, Some(dialect.set().bad_sender), "{faults:?}");
            assert!(faults[0].message.ends_with(&dialect.would(dialect.set().bad_sender)), "{faults:?}");
        }
    }
    assert_eq!("palpo".parse().map(|palpo: Dialect| palpo.set().bad_sender), Ok(Consequence::RefusesToStart));
}

/// `webhook` is a name that the first reading of the specification finds nowhere and the second in every ID that holds it.
#[test]
fn what_the_specification_leaves_open_is_undefined_with_both_readings() {
    let services = services("spec");
    let mut scratch = Scratch::new();
    let id = |text| MatrixId::parse(text).expect("an ID");
    let ownership = services.ownership(id("@mywebhookfan:example.com"), &mut scratch);
    let other = ownership.undefined.as_deref().expect("the readings differ");
    assert_eq!((ownership.status, ownership.owner), (Status::Shared, None));
    assert_eq!((other.status, other.owner), (Status::Exclusive, Some("nosigil")));
    assert!(services.ownership(id("@irc_a:example.com"), &mut scratch).undefined.is_none());

    // Of two answers the one that refuses is told first: nothing is given away that either reading holds.
    let person = services.may_register(Asker::Person, UserName::Localpart("mywebhookfan"), &mut scratch);
    let other = person.undefined.as_deref().expect("the readings differ");
    assert_eq!((person.allowed, person.reason, person.because.check), (false, Reason::Reserved, Some("not_reserved")));
    assert_eq!((other.allowed, other.reason, other.because.check), (true, Reason::Shared, None));
    let service = services.position_of_id("nosigil").map(Asker::Service).expect("it is loaded");
    let act = services.may_act(service, "@mywebhookfan:example.com", &mut scratch);
    let other = act.undefined.as_deref().expect("the readings differ");
    assert_eq!((act.reason, other.reason), (Reason::OutsideOwnNamespace, Reason::OwnNamespace));
    assert!(services.may_register(Asker::Person, UserName::Localpart("zoe"), &mut scratch).undefined.is_none());
}

/// A registration that the other reading's syntax refuses is not there by it; it does not claim everything.
#[test]
fn a_regex_that_one_reading_refuses_claims_nothing_by_it() {
    let mut file = registrations()[0].clone();
    file["namespaces"]["users"][0]["regex"] = json!(r"@irc_(?!x).*:example\.com");
    let both = |files: &[&Value]| {
        let loaded = files.iter().map(|file| load("spec", file.to_string().as_bytes()).expect("it loads"));
        loaded.collect::<Vec<_>>()
    };
    let last = registrations().pop().expect("some");
    let before = Services::new(homeserver("spec"), both(&[&file]).into());
    // A set that is mended knows which of its registrations the other reading refuses.
    let mut registrations = before.registrations().clone();
    registrations.extend(both(&[&last]));
    let undefined = |services: &Services, id: &str| {
        let ownership = services.ownership(MatrixId::parse(id).expect("an ID"), &mut Scratch::new());
        ownership.undefined.map(|other| other.status)
    };
    for services in [&before, &before.updated(registrations)] {
        assert_eq!(undefined(services, "@irc_a:example.com"), Some(Status::Unclaimed));
        assert_eq!(undefined(services, "@zoe:example.com"), None);
    }
}

#[test]
fn the_sender_is_recognised_as_each_homeserver_does() {
    for (dialect, here, elsewhere, behind) in [
        ("synapse", true, false, false),
        ("dendrite", true, false, true),
        ("tuwunel", true, false, false),
        ("continuwuity", true, true, true),
        ("palpo", true, true, true),
    ] {
        let services = services(dialect);
        let held = |id: &str| {
            let claims = services.claims(MatrixId::parse(id).expect("an ID"), &mut Scratch::new());
            claims.iter().any(|claim| claim.as_id == "irc" && claim.exclusive)
        };
        let found = (held("@ircbot:example.com"), held("@ircbot:evil.org"), held("@ircbot:example.com.evil.org"));
        assert_eq!(found, (here, elsewhere, behind), "{dialect}");
    }
}

#[test]
fn two_services_have_one_token_where_their_homeserver_lets_them() {
    for (dialect, loaded) in [("synapse", 1), ("tuwunel", 1), ("continuwuity", 1), ("conduit", 2), ("palpo", 2)] {
        let hasher = TokenHasher::new();
        let goods: Vec<(Arc<str>, Good)> = registrations()
            .into_iter()
            .take(2)
            .map(|mut one| {
                one["as_token"] = json!("as-token-of-both-0123456789");
                let (file, bytes) = (Arc::from(one["id"].as_str().expect("an id")), one.to_string().into_bytes());
                let registration = registration::load_for(&homeserver(dialect), &file, &bytes, &hasher);
                (
                    file,
                    Good::new(
                        Parts { content: ContentHash::of(&bytes), ..registration.expect("it loads").parts() }.into(),
                    ),
                )
            })
            .collect();
        let candidates: Vec<Candidate<'_>> = goods
            .iter()
            .map(|(file, good)| Candidate { file, facts: FileFacts::default(), offered: Ok(good), held: None })
            .collect();
        let nothing = Snapshot::before_first_load(homeserver(dialect), Vec::new());
        let snapshot = nothing.next(&candidates, Vec::new(), None, SystemTime::UNIX_EPOCH).expect("something is new");
        assert_eq!(snapshot.services().registrations().len(), loaded, "{dialect}");
        let digest = hasher.digest(&Token::new("as-token-of-both-0123456789"));
        let first = snapshot.services().position_of_token(&digest).expect("the token is known");
        assert_eq!(snapshot.services().registration(first).id(), "irc", "{dialect}");
    }
}

/// `UserId::parse` of ruma.
#[test]
fn nobody_acts_as_a_user_whose_id_is_too_long() {
    let id = |length: usize| format!("@irc_{}:example.com", "a".repeat(length - "@irc_:example.com".len()));
    for dialect in ["tuwunel", "continuwuity", "conduit", "palpo"] {
        let services = services(dialect);
        let irc = services.position_of_id("irc").map(Asker::Service).expect("it is loaded");
        let reason = |length| services.may_act(irc, &id(length), &mut Scratch::new()).reason;
        assert_eq!((reason(255), reason(256)), (Reason::OwnNamespace, Reason::InvalidUserId), "{dialect}");
    }
}

#[test]
fn what_the_documentation_says_of_decisions_is_the_table() {
    let mut shown = String::from(
        "| who asks | for | Synapse | Dendrite | Tuwunel | Continuwuity | Conduit | Palpo | Palpo since #421 | source |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (who, what, answers, source) in table() {
        shown += &format!("| {who} | `{what}` | {} | {source} |\n", answers.join(" | "));
    }
    generated("decisions", &shown);
}
