//! What `check` is told to allow: no more than that, and never without a trace.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::support::{BINARY, registration};

fn check(home: &Path, words: &[&str]) -> Output {
    let always = ["check", "registrations", "--server-name", "example.com", "--allow", "weak-token,readable-by-all"];
    let mut command = Command::new(BINARY);
    command.args(always).args(words).current_dir(home).env_clear().output().expect("it runs")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn register(home: &Path, id: &str, prefix: &str) {
    fs::create_dir_all(home.join("registrations")).expect("made");
    fs::write(home.join(format!("registrations/{id}.yaml")), registration(id, prefix)).expect("written");
}

const WITH: [&str; 2] = ["--allow-list", "allow.yaml"];

/// Checks with a list of one entry, about the collision of `a` and `b`.
fn check_allowing(home: &Path, more: &str, words: &[&str]) -> Output {
    let entry =
        "- code: exclusive-conflict\n  files: [registrations/a.yaml, registrations/b.yaml]\n  because: it is meant\n";
    fs::write(home.join("allow.yaml"), format!("{entry}{more}")).expect("written");
    check(home, &[&WITH[..], words].concat())
}

#[test]
fn an_error_is_allowed_for_what_is_named_and_for_nothing_else() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    register(home, "a", "x_");
    register(home, "b", "x_y_");
    assert_eq!(check(home, &[]).status.code(), Some(1));
    // Files alone do not say what was looked at.
    let silent = check_allowing(home, "", &[]);
    assert_eq!(silent.status.code(), Some(1), "{silent:?}");
    let said = String::from_utf8_lossy(&silent.stderr).into_owned();
    assert!(
        said.contains("allow.yaml:1: allows nothing, since its `regexes` would have to name `@x_.*` and"),
        "{said}"
    );
    let regexes = "  regexes: ['@x_.*', '@x_y_.*']\n";
    let allowed = check_allowing(home, regexes, &[]);
    assert_eq!(allowed.status.code(), Some(0), "{allowed:?}");
    assert!(out(&allowed).contains(", 7 allowed (of which 1 error) (--all shows them)"), "{allowed:?}");
    assert!(allowed.stderr.is_empty() && !out(&allowed).contains("exclusive-conflict"), "{allowed:?}");
    let all = out(&check_allowing(home, regexes, &["--all"]));
    assert!(all.contains("allowed[exclusive-conflict]: ") && all.contains("= because: it is meant"), "{all}");
    assert!(all.contains("= by --allow weak-token") && !all.contains("error["), "{all}");
    // One of the two claims more than when that was written.
    register(home, "b", "x");
    assert_eq!(check_allowing(home, regexes, &[]).status.code(), Some(1));
    register(home, "b", "x_y_");
    // And a third collides with one of them.
    register(home, "c", "x_z_");
    let third = check_allowing(home, regexes, &[]);
    assert!(third.status.code() == Some(1) && out(&third).contains("`a` and `c`"), "{third:?}");
    assert!(out(&third).contains("3 files: 1 error"), "{third:?}");
    fs::remove_file(home.join("registrations/c.yaml")).expect("removed");
    // What allows nothing is told, unless it is about what is not checked now.
    register(home, "b", "y_");
    let stale = check_allowing(home, regexes, &[]);
    let said = String::from_utf8_lossy(&stale.stderr).into_owned();
    assert!(stale.status.code() == Some(0) && said.contains("allow.yaml:1: allows nothing that was found"), "{said}");
    fs::rename(home.join("registrations/b.yaml"), home.join("b.yaml.disabled")).expect("moved");
    fs::write(home.join("allow.yaml"), "- {code: open-end, files: b.yaml.disabled, because: later}\n")
        .expect("written");
    assert!(check(home, &WITH).stderr.is_empty());
    let broken = check_allowing(home, "  when: always\n", &[]);
    let said = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert!(broken.status.code() == Some(64) && said.contains("allow.yaml:4:3: `when` is no key here"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_told_and_what_is_no_path_is_not() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    register(home, "a", "x_");
    fs::create_dir(home.join("lists")).expect("made");
    fs::write(home.join("tuwunel.toml"), "").expect("written");
    let told = |list: &str, file: &str| {
        let entry = format!("- code: open-end\n  files: '{file}'\n  because: it is meant\n");
        fs::write(home.join(list), entry).expect("written");
        String::from_utf8(check(home, &["--allow-list", list]).stderr).expect("UTF-8")
    };
    // As seen from where the command runs, and not from the list.
    let said = told("lists/allow.yaml", "registrations/a.yaml");
    let missing =
        "lists/allow.yaml:1: names lists/registrations/a.yaml, which is not there: files are named relative to";
    assert!(said.contains(missing), "{said}");
    let said = told("allow.yaml", "registrations/b.yaml");
    assert!(said.contains("allow.yaml:1: names registrations/b.yaml, which is not there"), "{said}");
    assert_eq!(told("lists/allow.yaml", "../registrations/a.yaml"), "", "it allows a finding");
    for elsewhere in ["-", "store:irc", "tuwunel.toml#irc"] {
        assert_eq!(told("allow.yaml", elsewhere), "", "{elsewhere}");
    }
    assert!(told("allow.yaml", "conduit.toml#irc").contains("which is not there"));
}

#[test]
fn a_regex_is_named_as_it_can_be_pasted() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    for (id, regex) in [("a", r"@x_.*:example\.com"), ("b", r"@x_y_.*:example\.com")] {
        register(home, id, "x_");
        let file = home.join(format!("registrations/{id}.yaml"));
        let text = fs::read_to_string(&file).expect("read").replace("'@x_.*'", &format!("'{regex}'"));
        assert!(text.contains(regex), "{text}");
        fs::write(file, text).expect("written");
    }
    let silent = check_allowing(home, "", &[]);
    let said = String::from_utf8(silent.stderr).expect("UTF-8");
    let (_, named) = said.split_once("would have to name `").expect("it is told");
    let (one, other) = named.trim_end().trim_end_matches('`').split_once("` and `").expect("two");
    let pasted = check_allowing(home, &format!("  regexes: ['{one}', '{other}']\n"), &[]);
    assert!(pasted.status.code() == Some(0) && pasted.stderr.is_empty(), "{said}{pasted:?}");
}

#[test]
fn what_is_allowed_is_said_to_machines() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    register(home, "a", "x_");
    register(home, "b", "x_y_");
    let regexes = "  regexes: ['@x_.*', '@x_y_.*']\n";
    let document = json(&check_allowing(home, regexes, &["--format", "json"]));
    let allowed = document["allowed"].as_array().expect("a list");
    let of = |code: &str| allowed.iter().find(|one| one["code"] == code).expect(code);
    assert_eq!(of("exclusive-conflict")["because"], "it is meant");
    assert_eq!(of("exclusive-conflict")["severity"], "error");
    assert!(of("weak-token")["because"].is_null(), "{document}");
    assert!(document["findings"].as_array().expect("a list").iter().all(|one| one["code"] != "exclusive-conflict"));
    let sarif = json(&check_allowing(home, regexes, &["--format", "sarif", "--all"]));
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let suppressions = |code: &str| {
        let one = results.iter().find(|one| one["ruleId"] == code).expect(code);
        one["suppressions"][0].clone()
    };
    assert_eq!(suppressions("exclusive-conflict")["justification"], "it is meant");
    assert_eq!(suppressions("weak-token")["justification"], "--allow weak-token");
    assert!(suppressions("open-end").is_null(), "what is found is not suppressed");
    // Not everybody who reads SARIF knows of suppressions.
    let sarif = json(&check_allowing(home, regexes, &["--format", "sarif"]));
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
}

/// Held against what GitLab's own schema asks for (`app/validators/json_schemas/codeclimate.json` in its repository), and what
/// it makes of severities and fingerprints.
#[test]
fn gitlab_is_told_what_it_reads() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    register(home, "a", "x_");
    register(home, "b", "x_y_");
    fs::write(home.join("registrations/broken.yaml"), "id: [\n").expect("written");
    let issues = |words: &[&str]| json(&check(home, &[&["--format", "gitlab"], words].concat()));
    let all = issues(&["--all"]);
    let all = all.as_array().expect("a list");
    assert_well_formed(all);
    let severity_of = |code: &str| &all.iter().find(|one| one["check_name"] == code).expect(code)["severity"];
    assert_eq!(severity_of("syntax"), "blocker");
    assert_eq!(severity_of("exclusive-conflict"), "critical");
    assert_eq!(severity_of("open-end"), "info");
    let place = |issues: &Value, code: &str| {
        issues.as_array().expect("a list").iter().find(|one| one["check_name"] == code).expect(code).clone()
    };
    let before = place(&issues(&[]), "exclusive-conflict");
    assert_eq!(before["location"]["path"], "registrations/a.yaml");
    // It stays the same issue when lines are added above it.
    let text = fs::read_to_string(home.join("registrations/a.yaml")).expect("read");
    fs::write(home.join("registrations/a.yaml"), format!("# Ours.\n{text}")).expect("written");
    let after = place(&issues(&[]), "exclusive-conflict");
    assert_eq!(after["fingerprint"], before["fingerprint"]);
    assert_ne!(after["location"]["lines"], before["location"]["lines"]);
    let nowhere = check(home, &["nowhere", "--format", "gitlab"]);
    assert_eq!(nowhere.status.code(), Some(64));
    let nowhere = json(&nowhere);
    assert_well_formed(nowhere.as_array().expect("a list"));
    assert_eq!(nowhere[0]["severity"], "blocker");
}

fn assert_well_formed(issues: &[Value]) {
    assert!(!issues.is_empty());
    let mut fingerprints: Vec<&str> = Vec::new();
    for issue in issues {
        assert!(issue["description"].is_string() && issue["location"]["lines"]["begin"].is_u64(), "{issue}");
        let path = issue["location"]["path"].as_str().expect("a path");
        assert!(!path.starts_with("./") && !path.starts_with('/') && !path.is_empty(), "{issue}");
        let severity = issue["severity"].as_str().expect("a text");
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity), "{issue}");
        fingerprints.push(issue["fingerprint"].as_str().expect("a text"));
    }
    let all = fingerprints.len();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), all, "of two alike GitLab shows one");
}
