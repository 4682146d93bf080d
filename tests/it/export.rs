//! Reserved names as neighbours are told: exactly those that the service says are held exclusively.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use bailiwick::analysis::{Comparer, Deadline, Form, Reserved, Told};
use bailiwick::export::Lists;
use bailiwick::homeserver::{Dialect, Homeserver};
use bailiwick::index::Scratch;
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, Registration, TokenHasher};
use bailiwick::ruling::Services;
use proptest::prelude::*;
use regex::RegexSet;
use serde_json::{Value, json};

use super::support::{BINARY, Service, examples, registration as one_prefix};

static COMPARER: LazyLock<Comparer> = LazyLock::new(|| Comparer::new().expect("threads"));

/// A service with these users, each with whether it is exclusive.
fn service(id: &str, users: &[(&str, bool)], homeserver: &Homeserver) -> Registration {
    let users: Vec<Value> =
        users.iter().map(|(regex, exclusive)| json!({"regex": regex, "exclusive": exclusive})).collect();
    let file = json!({
        "id": id, "as_token": format!("{id}-as-token-0123456789abcdef"), "hs_token": format!("{id}-hs-token-0123456789abcdef"),
        "sender_localpart": format!("{id}-bot"), "url": "http://localhost:1", "namespaces": {"users": users},
    });
    let name = format!("{id}.yaml");
    let loaded =
        registration::load_for(homeserver, &name.as_str().into(), file.to_string().as_bytes(), &TokenHasher::new());
    loaded.unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn services(of: &[&[(&str, bool)]], homeserver: &Homeserver) -> Services {
    let each = of.iter().enumerate().map(|(at, users)| service(&format!("s{at}"), users, homeserver));
    Services::new(homeserver.clone(), each.collect())
}

fn synapse() -> Homeserver {
    "example.com".parse().expect("a server name")
}

fn reserved(services: &Services, told: Told) -> Reserved {
    COMPARER.reserved(services, told, &Deadline::none())
}

/// What is told of one service's users, but for its own user.
fn forms(users: &[(&str, bool)]) -> Vec<Form> {
    let Reserved { mut forms, inexact } = reserved(&services(&[users], &synapse()), Told::Localparts);
    assert_eq!(inexact, []);
    forms.retain(|form| *form != Form::Literal("s0-bot".to_owned()));
    forms
}

fn text(form: &str) -> String {
    form.to_owned()
}

#[test]
fn the_simplest_form_that_says_it_is_told() {
    for (regex, form) in [
        ("@irc_.*", Form::Prefix(text("irc_"))),
        (r"@irc_.*:example\.com", Form::Prefix(text("irc_"))),
        ("@irc_.*:example.com", Form::Prefix(text("irc_"))),
        // A glob written as a regex claims all that begins with what stands before the last letter.
        ("@draupnir_*", Form::Prefix(text("draupnir"))),
        (r"^@telegram_.+:example\.com$", Form::Regex(text("^telegram_."))),
        (r"@telegrambot:example\.com", Form::Literal(text("telegrambot"))),
        (r"@signal_[0-9a-f\-]+:example\.com", Form::Regex(text(r"^signal_[\-0-9a-f]+$"))),
        (r"@agent_[0-9a-f]{32}:example\.com", Form::Regex(text("^agent_[0-9a-f]{32}$"))),
        (r"@x[0-9]{1,3}:example\.com", Form::Regex(text("^x[0-9]{1,3}$"))),
        (r"@.*_bot:example\.com", Form::Suffix(text("_bot"))),
        (r"@.*_bot_.*", Form::Substring(text("_bot_"))),
        // Either way there is something before it.
        (r"@.+_bot:example\.com", Form::Regex(text("^.+_bot$"))),
        (r"@irc_.*_bot:example\.com", Form::Regex(text("^irc_.*_bot$"))),
        ("@.*", Form::Prefix(String::new())),
        (r"@.+:example\.com", Form::Prefix(String::new())),
        // Nothing looks around any more.
        (r"@irc_(?!b).*", Form::Regex(text("^irc_(?:[^b].*)?$"))),
    ] {
        assert_eq!(forms(&[(regex, true)]), [form], "{regex}");
    }
}

#[test]
fn what_is_of_no_use_to_a_person_is_not_told() {
    for regex in ["@X.*", r"@irc_.*:elsewhere\.org", "webhook", "#irc_.*", r"@é:example\.com"] {
        assert_eq!(forms(&[(regex, true)]), [], "{regex}");
    }
    assert_eq!(forms(&[("@irc_.*", false)]), []);
}

#[test]
fn what_a_shared_entry_takes_first_is_not_reserved_and_what_an_exclusive_one_takes_is() {
    assert_eq!(forms(&[(r"@irc_a:example\.com", true), ("@irc_.*", true)]), [Form::Prefix(text("irc_"))]);
    let taken = forms(&[(r"@irc_a.*", false), ("@irc_.*", true)]);
    let set = RegexSet::new(Lists::of(&taken).as_regexes()).expect("regexes");
    assert!(set.is_match("irc_b") && set.is_match("irc_") && !set.is_match("irc_ab"), "{taken:?}");
}

#[test]
fn a_few_names_are_listed_and_many_become_a_class() {
    assert_eq!(
        forms(&[(r"@(bot|admin|x[ab]):example\.com", true)]),
        ["admin", "bot", "xa", "xb"].map(|name| Form::Literal(text(name)))
    );
    assert_eq!(forms(&[(r"@x[a-i]:example\.com", true)]), [Form::Regex(text("^x[a-i]$"))]);
}

#[test]
fn a_name_that_a_prefix_covers_is_not_listed() {
    let told = reserved(
        &services(&[&[("@s.*", true)], &[("@s1-.*", true), (r"@t:example\.com", true)]], &synapse()),
        Told::Localparts,
    );
    assert_eq!(told.forms, [Form::Literal(text("t")), Form::Prefix(text("s"))]);
}

#[test]
fn what_cannot_be_said_is_named_and_left_out() {
    let hidden = [(r"@(.)\1.*", false), ("@a.*", true)];
    for (users, line) in [(&[(r"@(.)\1.*", true)][..], "groups"), (&hidden[..], "shared entry")] {
        let told = reserved(&services(&[users], &synapse()), Told::Localparts);
        assert_eq!(told.forms, [Form::Literal(text("s0-bot"))]);
        let [inexact] = &*told.inexact else { panic!("{told:?}") };
        assert!(inexact.why.contains(line) && *inexact.as_id == *"s0", "{inexact:?}");
    }
    let large = format!("@[ab]*a[ab]{{{}}}", 20);
    assert_eq!(reserved(&services(&[&[(&large, true)]], &synapse()), Told::Localparts).inexact.len(), 1);
}

#[test]
fn whole_ids_are_told_with_the_names_that_old_servers_made() {
    let told = reserved(&services(&[&[("@irc_.*", true), ("@Slack_[A-Z]+", true)]], &synapse()), Told::Ids);
    let regexes = [r"^@Slack_[A-Z].*:example\.com$", r"^@irc_.*:example\.com$", r"^@s0-bot:example\.com$"];
    assert_eq!(told.forms, regexes.map(|regex| Form::Regex(text(regex))));
}

/// Whether the service says that an ID is held exclusively.
fn is_held(services: &Services, id: &str) -> bool {
    let id = MatrixId::parse(id).expect("an ID");
    services.ownership(id, &mut Scratch::new()).claims.iter().any(|claim| claim.exclusive)
}

/// Holds what is told against what the service answers. What is inexact is not told, and nothing that nobody holds is.
fn agrees(services: &Services, localparts: &BTreeSet<String>) {
    for told in [Told::Localparts, Told::Ids] {
        let reserved = reserved(services, told);
        let regexes: Vec<String> = Lists::of(&reserved.forms).as_regexes().collect();
        let set = RegexSet::new(&regexes).expect("regexes");
        for localpart in localparts {
            let id = format!("@{localpart}:{}", services.server_name());
            let asked = if told == Told::Ids { &id } else { localpart };
            let (said, held) = (set.is_match(asked), is_held(services, &id));
            assert!(said == held || (held && !reserved.inexact.is_empty()), "{id} {told:?} {regexes:?}");
        }
    }
}

/// Localparts made of what regexes are made of, so that they are near.
fn near(regexes: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut localparts = BTreeSet::from(["a", "_", "irc_", "0", "bot"].map(str::to_owned));
    for regex in regexes {
        let kept = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-=/+.".contains(c);
        let start: String = regex.chars().skip_while(|c| !kept(*c)).take_while(|c| kept(*c) && *c != '.').collect();
        for end in ["", "a", "0", "_bot", "x1", ".", "-a9"] {
            localparts.insert(format!("{start}{end}"));
            localparts.insert(format!("x{start}{end}"));
        }
        if let Some((at, _)) = start.char_indices().last() {
            localparts.insert(start[..at].to_owned());
        }
    }
    localparts.remove("");
    localparts
}

/// Every namespace that real programs have, each as if it were exclusive.
#[test]
fn what_is_told_of_real_namespaces_is_what_the_service_says() {
    let recorded = include_str!("../data/ruling/namespaces.jsonl");
    let mut regexes: Vec<String> = Vec::new();
    for line in recorded.lines() {
        let namespace: Value = serde_json::from_str(line).expect("JSON");
        if namespace["kind"] == "users" {
            regexes.push(namespace["regex"].as_str().expect("a regex").to_owned());
        }
    }
    let localparts = near(regexes.iter().cloned());
    let mut asked = 0;
    for regex in regexes.iter().filter(|regex| python_re::Pattern::check(regex).is_ok()) {
        let services = services(&[&[(regex, true)]], &synapse());
        assert_eq!(reserved(&services, Told::Ids).inexact, []);
        agrees(&services, &localparts);
        asked += 1;
    }
    assert!(asked > 100, "{asked}");
}

fn piece() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        "[ab_]{1,3}",
        Just("[a-c]".to_owned()),
        Just(".".to_owned()),
        Just("[^a]".to_owned()),
        Just("(?:a|bb|)".to_owned()),
        Just("(?!a)".to_owned()),
        Just("(?<=b)".to_owned()),
    ];
    let times = prop_oneof![4 => Just(""), 2 => Just("*"), 1 => Just("+"), 1 => Just("?"), 1 => Just("{1,2}"), 1 => Just("{2}")];
    (atom, times).prop_map(|(atom, times)| {
        if atom.starts_with("(?!") || atom.starts_with("(?<") { atom } else { format!("(?:{atom}){times}") }
    })
}

fn regex() -> impl Strategy<Value = String> {
    let end = prop_oneof![Just(""), Just(r":example\.com"), Just(":example.com$"), Just(r".*:example\.com")];
    (prop::collection::vec(piece(), 1..4), end).prop_map(|(pieces, end)| format!("@{}{end}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_is_what_the_service_says(
        sets in prop::collection::vec(prop::collection::vec((regex(), any::<bool>()), 1..4), 1..3),
        localparts in prop::collection::btree_set("[ab_c]{1,6}", 1..40),
    ) {
        let sets: Vec<Vec<(&str, bool)>> =
            sets.iter().map(|set| set.iter().map(|(regex, exclusive)| (&**regex, *exclusive)).collect()).collect();
        let sets: Vec<&[(&str, bool)]> = sets.iter().map(|set| &**set).collect();
        for dialect in [Dialect::default(), "dendrite".parse().expect("a dialect")] {
            let homeserver = Homeserver::new("example.com".parse().expect("a server name"), dialect);
            let reads = |regex: &str| dialect.syntax().check(bailiwick::matrix::Kind::User, regex).is_ok();
            if sets.iter().all(|set| set.iter().all(|(regex, _)| reads(regex))) {
                agrees(&services(&sets, &homeserver), &localparts);
            }
        }
    }
}

fn bailiwick(arguments: &[&str]) -> Output {
    let root = env!("CARGO_MANIFEST_DIR");
    Command::new(BINARY).args(arguments).current_dir(root).env_clear().output().expect("it runs")
}

fn export(dir: &Path, format: &str) -> Output {
    bailiwick(&["export", dir.to_str().expect("UTF-8"), "--server-name", "example.com", "--format", format])
}

#[test]
fn the_command_says_it_in_the_form_of_each_neighbour() {
    let json: Value = serde_json::from_slice(&export(&examples(), "json").stdout).expect("JSON");
    assert_eq!(json["prefixes"], json!(["_github_", "_gitlab_", "_slackpuppet_", "irc_"]));
    assert_eq!(json["regexes"][1], "^telegram_.");
    assert_eq!(json["suffixes"], json!([]));
    let mas: Value = serde_json::from_slice(&export(&examples(), "mas").stdout).expect("JSON");
    let banned = &mas["registration"]["banned_usernames"];
    assert_eq!(banned["prefixes"], json["prefixes"]);
    // The data of a policy are joined with those of its configuration: what is not said is not there.
    assert!(banned.get("suffixes").is_none(), "{banned}");
    for list in ["literals", "prefixes", "regexes"] {
        assert_eq!(mas["bailiwick"][list], banned[list]);
    }
    assert_eq!(mas["bailiwick"]["snapshot"], json["snapshot"]);
    let ketesa: Value = serde_json::from_slice(&export(&examples(), "ketesa").stdout).expect("JSON");
    let managed = ketesa["asManagedUsers"].as_array().expect("a list");
    assert!(managed.contains(&json!(r"^@telegram_.+:example\.com$")), "{ketesa}");
    let regexes = export(&examples(), "regex");
    let lines: BTreeSet<&str> = std::str::from_utf8(&regexes.stdout).expect("UTF-8").lines().collect();
    assert!(lines.contains("^irc_") && lines.contains("^telegrambot$") && lines.contains("^telegram_."), "{lines:?}");
    assert_eq!(regexes.status.code(), Some(0));
}

#[test]
fn what_is_left_out_is_told_by_the_exit_code_and_on_standard_error() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("a.yaml");
    std::fs::write(&path, one_prefix("a", r"(.)\1")).expect("written");
    let inexact = export(home.path(), "mas");
    assert_eq!(inexact.status.code(), Some(3), "{inexact:?}");
    let said = String::from_utf8_lossy(&inexact.stderr).into_owned();
    assert!(said.contains(":8: ") && said.contains(r"(.)\1") && said.contains("left out"), "{said}");
    std::fs::write(home.path().join("b.yaml"), "id: b").expect("written");
    assert_eq!(export(home.path(), "mas").status.code(), Some(1));
    let empty = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(export(empty.path(), "mas").status.code(), Some(1));
    assert_eq!(bailiwick(&["export", "no/such", "--server-name", "example.com"]).status.code(), Some(64));
}

#[test]
fn the_service_says_the_same_as_the_command() {
    let service = Service::start(&[&examples()]);
    for format in ["json", "regex", "mas", "ketesa"] {
        let answer = service.get(&format!("/v1/reserved?format={format}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let told = export(&examples(), format).stdout;
        if format == "json" {
            assert_eq!(answer.json(), serde_json::from_slice::<Value>(&told).expect("JSON"));
            assert_eq!(service.get("/v1/reserved").body, answer.body);
        } else {
            assert_eq!(answer.text(), String::from_utf8_lossy(&told));
        }
        let type_ = if format == "regex" { "text/plain" } else { "application/json" };
        assert!(answer.head.contains(&format!("content-type: {type_}")), "{}", answer.head);
        let tag = format!("etag: \"{}\"", service.status("snapshot").as_str().expect("a digest"));
        assert!(answer.head.to_ascii_lowercase().contains(&tag), "{}", answer.head);
    }
    assert_eq!(service.get("/v1/reserved?format=xml").status, 400);
}

#[test]
fn what_is_kept_from_before_is_not_told_under_another_snapshot() {
    let home = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(home.path().join("a.yaml"), one_prefix("a", "a_")).expect("written");
    let service = Service::start(&[home.path()]);
    let prefixes = || service.get("/v1/reserved").json()["prefixes"].clone();
    assert_eq!(prefixes(), json!(["a_"]));
    std::fs::write(home.path().join("b.yaml"), one_prefix("b", "b_")).expect("written");
    assert_eq!(service.request("POST", "/-/reload", b"").status, 200);
    assert_eq!(prefixes(), json!(["a_", "b_"]));
}
