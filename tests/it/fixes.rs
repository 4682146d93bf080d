//! A fix ends its finding, takes nobody's names, and is only offered where one is known to be right.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};

use bailiwick::analysis::{Analysis, Code, Comparer, Deadline, Finding, Set};
use bailiwick::homeserver::{Dialect, Homeserver};
use bailiwick::index::Scratch;
use bailiwick::list::List;
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, Registration, TokenHasher};
use bailiwick::ruling::Services;
use serde_json::{Value, json};

use super::support::BINARY;

static COMPARER: LazyLock<Comparer> = LazyLock::new(|| Comparer::new().expect("threads"));

/// A service of a test: its id, its own user, and its entries: kind, regex, exclusive.
type Service<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str, bool)]);

fn registration((id, sender, entries): Service<'_>) -> Registration {
    let of = |kind: &str| -> Vec<Value> {
        let own = entries.iter().filter(|(own, ..)| *own == kind);
        own.map(|(_, regex, exclusive)| json!({"regex": regex, "exclusive": exclusive})).collect()
    };
    loaded(&json!({
        "id": id, "sender_localpart": sender,
        "namespaces": {"users": of("users"), "aliases": of("aliases"), "rooms": of("rooms")},
    }))
}

/// A registration of which everything is said that matters.
fn loaded(service: &Value) -> Registration {
    let mut file = service.clone();
    let id = file["id"].as_str().expect("an id").to_owned();
    file["url"] = Value::Null;
    file["as_token"] = format!("{id}-as-token-0123456789abcdef").into();
    file["hs_token"] = format!("{id}-hs-token-0123456789abcdef").into();
    // Each value has a line of its own.
    let file = serde_json::to_string_pretty(&file).expect("JSON");
    let name = format!("{id}.yaml");
    let loaded = registration::load(&name.as_str().into(), file.as_bytes(), &TokenHasher::new());
    loaded.unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn findings(dialect: Dialect, services: &[Service<'_>]) -> Vec<Arc<Finding>> {
    let homeserver = Homeserver::new("example.com".parse().expect("a server name"), dialect);
    findings_of(&Services::new(homeserver, services.iter().map(|&one| registration(one)).collect()))
}

fn findings_of(services: &Services) -> Vec<Arc<Finding>> {
    COMPARER.analyse(&Set::new(services), &Analysis::default(), &Deadline::none()).findings.to_vec()
}

/// The fix of the first finding of a code: whose entry, and what it is to be.
fn fix(code: Code, services: &[Service<'_>]) -> Option<(String, String)> {
    let found = findings(Dialect::default(), services);
    let finding = found.iter().find(|finding| finding.code == code).unwrap_or_else(|| panic!("{code}: {found:?}"));
    finding.fix.as_ref().map(|fix| (fix.as_id.to_string(), fix.with.to_string()))
}

/// The same of a service with one entry.
fn fix_of_one(code: Code, kind: &str, regex: &str, exclusive: bool) -> Option<String> {
    fix(code, &[("a", "a-bot", &[(kind, regex, exclusive)])]).map(|(_, with)| with)
}

#[test]
fn an_entry_by_itself_is_mended() {
    for (code, kind, regex, with) in [
        (Code::LooksLikeGlob, "users", "@irc_*", Some("@irc_.*")),
        (Code::LooksLikeGlob, "aliases", r"#irc_*:example\.com$", Some(r"#irc_.*:example\.com$")),
        (Code::UnescapedDot, "users", "@irc_.*:example.com$", Some(r"@irc_.*:example\.com$")),
        (Code::UnescapedDot, "users", "@irc_.*:example.com", Some(r"@irc_.*:example\.com$")),
        (Code::OpenEnd, "users", "@irc_.*", Some(r"@irc_.*:example\.com$")),
        (Code::OpenEnd, "aliases", r"#irc_.*:example\.com", Some(r"#irc_.*:example\.com$")),
        // That it is a glob would be seen no more.
        (Code::OpenEnd, "users", "@irc_*", None),
        // The other branch would stay open.
        (Code::OpenEnd, "users", r"@irc_.*|@libera_.*:example\.com$", None),
        // It is the end that is open, and a name of this server that would be lost.
        (Code::OpenEnd, "users", r"@irc_.*:example\.com(?!x)", None),
        (Code::DeadEntry, "users", r#""@irc_.*:example\.com$""#, Some(r"@irc_.*:example\.com$")),
        (Code::DeadEntry, "users", r"/^@irc_.*:example\.com$/", Some(r"^@irc_.*:example\.com$")),
        (Code::DeadEntry, "users", r"@^irc_.*:example\.com$", Some(r"@irc_.*:example\.com$")),
        (Code::DeadEntry, "aliases", r"irc_.*:example\.com$", Some(r"#irc_.*:example\.com$")),
        (Code::DeadEntry, "users", "irc_.*", Some(r"@irc_.*:example\.com$")),
        // A name is that name and not all that begins so.
        (Code::DeadEntry, "users", "telegrambot", Some(r"@telegrambot:example\.com$")),
        (Code::DeadEntry, "users", "^telegrambot$", Some(r"^@telegrambot:example\.com$")),
        (Code::DeadEntry, "users", "'@telegrambot'", Some(r"@telegrambot:example\.com$")),
        // One name, or all that begins so?
        (Code::DeadEntry, "users", "irc_", None),
        (Code::DeadEntry, "users", "irc_[a-z]+", None),
        // Whose these are is for somebody else to say.
        (Code::DeadEntry, "users", "#irc_.*", None),
        (Code::DeadEntry, "users", r"@irc_.*:localhost$", None),
        (Code::DeadEntry, "users", r"@irc_.*:exmaple\.com$", None),
    ] {
        assert_eq!(fix_of_one(code, kind, regex, true).as_deref(), with, "{code} {regex}");
    }
}

#[test]
fn who_only_looks_on_may_mean_other_servers() {
    assert_eq!(fix_of_one(Code::OpenEnd, "users", "@irc_.*", false), None);
    assert_eq!(
        fix_of_one(Code::UnescapedDot, "users", "@irc_.*:example.com$", false).as_deref(),
        Some(r"@irc_.*:example\.com$")
    );
}

#[test]
fn who_looks_on_at_one_name_looks_on_at_no_other() {
    let with = fix_of_one(Code::DeadEntry, "users", "telegrambot", false);
    assert_eq!(with.as_deref(), Some(r"@telegrambot:example\.com$"));
}

#[test]
fn a_slip_in_the_server_s_name_is_one_where_the_file_spells_it_elsewhere() {
    let entries = [("users", r"@irc_.*:exmaple\.com$", true), ("users", r"@ircbot:example\.com$", true)];
    let expected = Some(("a".to_owned(), r"@irc_.*:example\.com$".to_owned()));
    assert_eq!(fix(Code::DeadEntry, &[("a", "a-bot", &entries)]), expected);
}

#[test]
fn the_longer_beginning_says_whose_an_id_is() {
    let irc = ("irc", "irc-bot", [("users", r"@irc_.*:example\.com$", true)]);
    let with = |other: &str| {
        let entries = [("users", other, true)];
        fix(Code::ExclusiveConflict, &[(irc.0, irc.1, &irc.2), ("b", "b-bot", &entries)])
    };
    let expected = |with: &str| Some(("irc".to_owned(), with.to_owned()));
    assert_eq!(with(r"@irc_libera_.*:example\.com$"), expected(r"@irc_(?!libera_).*:example\.com$"));
    assert_eq!(with(r"^@irc_bot:example\.com$"), expected(r"@irc_(?!bot:).*:example\.com$"));
    assert_eq!(with("@irc_libera_.*"), expected(r"@irc_(?!libera_).*:example\.com$"));
    // The same prefix, and one that does not end in a separator: an operator's to say.
    assert_eq!(with(r"@irc_.+:example\.com$"), None);
    assert_eq!(with(r"@irc_libera.*:example\.com$"), None);
    assert_eq!(with(r"@irc_\+[0-9]{6,15}:example\.com$"), None);
    // A glob means another beginning than it has.
    assert_eq!(with("@irc_*"), None);
}

#[test]
fn who_means_such_ids_itself_keeps_them() {
    let libera = [("users", r"@irc_libera_.*:example\.com$", true)];
    let two = [("users", r"@irc_.*:example\.com$", true), ("users", r"@irc_libera_bot:example\.com$", true)];
    let one = &two[..1];
    let set = |sender, entries| fix(Code::ExclusiveConflict, &[("irc", sender, entries), ("libera", "l-bot", &libera)]);
    assert!(set("irc-bot", one).is_some());
    assert_eq!(set("irc-bot", &two), None);
    assert_eq!(set("irc_libera_bot", one), None);
}

#[test]
fn an_own_user_is_left_out_of_another_s_namespace() {
    let irc = [("users", r"@irc_.*:example\.com$", true)];
    let expected = Some(("irc".to_owned(), r"@irc_(?!helper:).*:example\.com$".to_owned()));
    assert_eq!(fix(Code::SenderConflict, &[("irc", "irc-bot", &irc), ("b", "irc_helper", &[])]), expected);
    assert_eq!(fix(Code::SenderConflict, &[("a", "same", &[]), ("b", "same", &[])]), None);
}

#[test]
fn no_bridge_is_given_a_regex_that_it_does_not_start_with() {
    let (irc, libera) = ([("users", "@irc_.*", true)], [("users", r"@irc_libera_.*:example\.com$", true)]);
    // heisenbridge takes its prefix from the regex, and says who it is by its `id`, its own user or its settings.
    for (id, sender) in [("heisenbridge", "bot"), ("hb", "heisenbridge")] {
        let set = [(id, sender, &irc[..]), ("libera", "l-bot", &libera[..])];
        assert_eq!(fix(Code::ExclusiveConflict, &set), None, "{id}");
        assert_eq!(fix(Code::SenderConflict, &[(id, sender, &irc), ("b", "irc_helper", &[])]), None, "{id}");
        assert_eq!(fix(Code::OpenEnd, &set[..1]), Some((id.to_owned(), r"@irc_.*:example\.com$".to_owned())));
    }
    let users = json!([{"regex": "@irc_.*", "exclusive": true}]);
    let mut hb = json!({"id": "hb", "sender_localpart": "bot", "namespaces": {"users": users}});
    let fix = |hb: &Value| {
        let set = List::from_iter([loaded(hb), registration(("libera", "l-bot", &libera))]);
        let found = findings_of(&Services::new("example.com".parse().expect("a server name"), set));
        found.iter().find(|finding| finding.code == Code::ExclusiveConflict).expect("a conflict").fix.is_some()
    };
    assert!(fix(&hb));
    hb["heisenbridge"] = json!({"displayname": "IRC"});
    assert!(!fix(&hb));
    // What it would take for the beginning of names.
    let wide = [("users", "@irc_.*_.*", true)];
    assert_eq!(
        self::fix(Code::ExclusiveConflict, &[("heisenbridge", "bot", &wide), ("libera", "l-bot", &libera)]),
        None
    );
}

#[test]
fn a_collision_ends_with_what_was_not_meant() {
    let (glob, ircop) = ([("users", "@irc_*", true)], [("users", r"@ircop_.*:example\.com$", true)]);
    let expected = Some(("a".to_owned(), "@irc_.*".to_owned()));
    assert_eq!(fix(Code::ExclusiveConflict, &[("a", "a-bot", &glob), ("b", "b-bot", &ircop)]), expected);
    let shared = [("users", r"@ircop_.*:example\.com$", false)];
    assert_eq!(fix(Code::BlockedByExclusive, &[("a", "a-bot", &glob), ("b", "b-bot", &shared)]), expected);
    // Who sees and who holds is for operators to say.
    let (all, some) = ([("users", r"@irc_.*:example\.com$", true)], [("users", r"@irc_x_.*:example\.com$", false)]);
    assert_eq!(fix(Code::BlockedByExclusive, &[("a", "a-bot", &all), ("b", "b-bot", &some)]), None);
}

#[test]
fn what_an_earlier_entry_decides_is_left_out_of_the_later_one() {
    let entries = [("users", r"@irc_bot:example\.com$", true), ("users", r"@irc_.*:example\.com$", false)];
    let expected = Some(("a".to_owned(), r"@irc_(?!bot:).*:example\.com$".to_owned()));
    assert_eq!(fix(Code::ShadowedEntry, &[("a", "a-bot", &entries)]), expected);
    // Some of what begins so is decided by the later one alone.
    let entries = [("users", r"@irc_x_[0-9]+:example\.com$", true), ("users", r"@irc_.*:example\.com$", false)];
    assert_eq!(fix(Code::ShadowedEntry, &[("a", "a-bot", &entries)]), None);
    // Which of the two is meant is for its author to say.
    let entries = [("users", r"@irc_.*:example\.com$", false), ("users", r"@irc_bot:example\.com$", true)];
    assert_eq!(fix(Code::ShadowedEntry, &[("a", "a-bot", &entries)]), None);
}

#[test]
fn a_fix_that_gives_rise_to_another_finding_is_none() {
    // `@irc_.*` would meet the other.
    let (glob, other) = ([("users", r"@irc_*:example\.com$", true)], [("users", r"@irc_x:example\.com$", true)]);
    assert_eq!(fix(Code::LooksLikeGlob, &[("a", "a-bot", &glob), ("b", "b-bot", &other)]), None);
    assert!(fix(Code::LooksLikeGlob, &[("a", "a-bot", &glob)]).is_some());
    // Without the quotation marks it would claim everybody.
    assert_eq!(fix_of_one(Code::DeadEntry, "users", "'@.*'", true), None);
}

#[test]
fn no_homeserver_is_given_a_regex_that_it_refuses() {
    let (irc, libera) =
        ([("users", r"@irc_.*:example\.com$", true)], [("users", r"@irc_libera_.*:example\.com$", true)]);
    let of = |name: &str| {
        let dialect = name.parse().expect("a dialect");
        let found = findings(dialect, &[("irc", "irc-bot", &irc), ("libera", "l-bot", &libera)]);
        let conflict = found.iter().find(|finding| finding.code == Code::ExclusiveConflict).expect("a conflict");
        conflict.fix.is_some()
    };
    assert_eq!(["synapse", "dendrite", "tuwunel", "conduit"].map(of), [true, false, false, false]);
}

#[test]
fn who_asks_about_a_registration_is_told_its_fix() {
    let irc = registration(("irc", "irc-bot", &[("users", r"@irc_.*:example\.com$", true)]));
    let libera = registration(("libera", "l-bot", &[("users", r"@irc_libera_.*:example\.com", true)]));
    let homeserver = Homeserver::new("example.com".parse().expect("a server name"), Dialect::default());
    let services = Services::new(homeserver, List::from_iter([irc.clone()]));
    let set = List::from_iter([irc, libera.clone()]);
    let found =
        COMPARER.ask(|asked| asked.newcomer(&services, &Analysis::default(), (&libera, &set), 1, &Deadline::none()));
    let fixes: Vec<_> =
        found.iter().map(|finding| (finding.code, finding.fix.as_ref().map(|fix| (&*fix.as_id, &*fix.with)))).collect();
    let expected = [
        (Code::ExclusiveConflict, Some(("irc", r"@irc_(?!libera_).*:example\.com$"))),
        (Code::OpenEnd, Some(("libera", r"@irc_libera_.*:example\.com$"))),
    ];
    assert_eq!(fixes, expected);
}

/// What Synapse confirmed of the fixes for real registrations (`oracle/fixes.py`): what is edited, and who claims what then.
#[test]
fn real_registrations_are_mended_as_synapse_confirmed() {
    let (mut fixes, mut answers) = (0, 0);
    let cases = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/findings/fixes.jsonl"));
    for line in cases.expect("the cases are recorded").lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let services = |case: &Value| {
            let services = case["services"].as_array().expect("services").iter().map(loaded).collect();
            Services::new("example.com".parse().expect("a server name"), services)
        };
        let said = |finding: &Finding| {
            let places: Vec<Value> = finding.places.iter().map(|place| json!([&*place.as_id, place.index])).collect();
            json!([finding.code, finding.kind, places])
        };
        let found = findings_of(&services(&case));
        let expected = json!([case["code"], case["kind"], case["places"]]);
        let finding = found.iter().find(|finding| said(finding) == expected).unwrap_or_else(|| panic!("{line}"));
        let fix = finding.fix.as_ref().map(|fix| {
            json!({"as_id": &*fix.as_id, "kind": fix.kind, "index": fix.index, "replace": &*fix.replace, "with": &*fix.with})
        });
        assert_eq!(fix.clone().unwrap_or(Value::Null), case["fix"], "{line}");
        let Some(fix) = fix else { continue };
        fixes += 1;
        let mut edited = case.clone();
        for service in edited["services"].as_array_mut().expect("services") {
            if service["id"] == fix["as_id"] {
                let list = if fix["kind"] == "user" { "users" } else { "aliases" };
                let index = usize::try_from(fix["index"].as_u64().expect("an index")).expect("a position");
                service["namespaces"][list][index]["regex"] = fix["with"].clone();
            }
        }
        let edited = services(&edited);
        for (id, answer) in case["answers"].as_object().expect("answers") {
            answers += 1;
            let claims = edited.claims(MatrixId::parse(id).expect("an ID"), &mut Scratch::new());
            let of = |exclusive: bool| -> BTreeSet<&str> {
                claims.iter().filter(|claim| claim.exclusive || !exclusive).map(|claim| claim.as_id).collect()
            };
            assert_eq!(json!([of(false), of(true)]), *answer, "{id}: {line}");
        }
    }
    assert!(fixes >= 50 && answers >= 500, "{fixes} fixes, {answers} answers");
}

/// A directory with two files that collide, in one of which comments and quotation marks stand.
fn two_files(comment: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    let irc = format!("      # Everybody on IRC.\n      regex: \"@irc_.*:example\\\\.com\"{comment}\n");
    for (name, entry) in [("irc", &*irc), ("libera", "      regex: '@irc_libera_.*:example\\.com$'\n")] {
        let text = format!(
            "id: {name}\nurl: null\nas_token: {name}-as-token-0123456789abcdef\nnamespaces:\n  users:\n    - exclusive: true\n{entry}\
             hs_token: {name}-hs-token-0123456789abcdef\nsender_localpart: {name}bot\n"
        );
        let path = home.path().join(format!("{name}.yaml"));
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("closed to others");
    }
    home
}

fn check(home: &Path, arguments: &[&str]) -> Output {
    let command = [&["check", ".", "--server-name", "example.com"], arguments].concat();
    Command::new(BINARY).args(command).current_dir(home).env_clear().output().expect("it runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn the_edits_are_printed_as_a_patch_without_a_token() {
    let home = two_files("");
    let before = fs::read(home.path().join("irc.yaml")).expect("it is there");
    let output = check(home.path(), &["--fix"]);
    // Beside it stand a comment and a token, which are no context.
    let expected = "--- a/irc.yaml\n+++ b/irc.yaml\n@@ -8,1 +8,1 @@\n-      regex: \"@irc_.*:example\\\\.com\"\n\
                    +      regex: \"@irc_(?!libera_).*:example\\\\.com\"\n";
    assert_eq!(text(&output.stdout), expected, "{output:?}");
    assert_eq!(output.status.code(), Some(1), "as a check says");
    assert_eq!(fs::read(home.path().join("irc.yaml")).expect("it is there"), before);
    let all = check(home.path(), &["--fix", "--all"]);
    assert!(text(&all.stdout).contains("+      regex: \"@irc_(?!libera_).*:example\\\\.com$\"\n"), "{all:?}");
    assert_eq!(check(home.path(), &["--fix", "--format", "json"]).status.code(), Some(64));
}

#[test]
fn the_edits_are_written_and_nothing_else() {
    let home = two_files("  # all");
    let path = home.path().join("irc.yaml");
    let before = fs::read_to_string(&path).expect("it is there");
    let output = check(home.path(), &["--fix=write", "--all"]);
    let expected = before.replace("@irc_.*:example\\\\.com", "@irc_(?!libera_).*:example\\\\.com$");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), expected);
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o640);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).starts_with("2 files: 0 errors"), "{output:?}");
    assert!(text(&output.stderr).contains("irc.yaml is written"), "{output:?}");
    assert_eq!(fs::read_dir(home.path()).expect("a directory").count(), 2);
}

#[test]
fn what_stands_beside_a_token_is_written_and_not_printed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = json!({
        "id": "irc", "url": null, "as_token": "irc-as-token-0123456789abcdef", "hs_token": "irc-hs-token-0123456789abcdef",
        "sender_localpart": "ircbot", "namespaces": {"users": [{"exclusive": true, "regex": "@irc_*"}]},
    });
    fs::write(home.path().join("irc.yaml"), file.to_string()).expect("written");
    let output = check(home.path(), &["--fix"]);
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains("not in the patch") && !text(&output.stderr).contains("0123"), "{output:?}");
    check(home.path(), &["--fix=write", "--all"]);
    let written = fs::read_to_string(home.path().join("irc.yaml")).expect("it is there");
    assert_eq!(written, file.to_string().replace("@irc_*", r"@irc_.*:example\\.com$"));
}

#[test]
fn a_fix_is_told_as_an_edit_of_the_file() {
    let home = two_files("  # all");
    let output = check(home.path(), &["--format", "json"]);
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let fix = &said["findings"][0]["fix"];
    let expected = json!({"end_line": 8, "end_column": 37, "text": "\"@irc_(?!libera_).*:example\\\\.com\""});
    assert_eq!((&fix["line"], &fix["column"], &fix["edit"]), (&json!(8), &json!(14), &expected), "{said:#}");
    let output = check(home.path(), &["--format", "sarif"]);
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let change = &said["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0];
    let region = json!({"startLine": 8, "startColumn": 14, "endLine": 8, "endColumn": 37});
    assert_eq!(change["replacements"][0]["deletedRegion"], region, "{said:#}");
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], expected["text"]);
}
