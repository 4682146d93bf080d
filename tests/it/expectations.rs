//! `bailiwick test`: what is expected of registrations.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::support::{BINARY, examples};

/// A directory with the example registrations beside a file of tests.
struct Scene {
    home: TempDir,
}

impl Scene {
    fn with(tests: &str) -> Self {
        let scene = Self { home: tempfile::tempdir().expect("a temporary directory") };
        let head = format!("server_name: example.com\nregistrations: {}\n", examples().display());
        std::fs::write(scene.file(), head + tests).expect("written");
        scene
    }

    fn file(&self) -> std::path::PathBuf {
        self.home.path().join("tests.yaml")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["test", self.file().to_str().expect("UTF-8").to_owned().leak()];
        all.extend(arguments);
        bailiwick(&all)
    }

    /// The problems of each test.
    fn problems(&self) -> Vec<Vec<String>> {
        let document: Value = serde_json::from_slice(&self.run(&["--format", "json"]).stdout).expect("JSON");
        let tests = document["suites"][0]["tests"].as_array().expect("tests");
        tests.iter().map(|test| serde_json::from_value(test["problems"].clone()).expect("sentences")).collect()
    }
}

fn bailiwick(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).env_clear().output().expect("it runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const AS_IT_IS: &str = r##"tests:
- reserved: ["@telegram_4711:example.com", telegrambot]
  by: telegram
- reserved: "#irc_rust:example.com"
- free: [alice, bob, telegram-fan, "#lounge:example.com"]
- contested: ["@irc_x:example.com"]
- may_register: {as_id: heisenbridge, user_id: "@irc_bob:example.com"}
  expect: {allowed: false, reason: reserved, errcode: M_EXCLUSIVE}
- may_register: {user_id: "@alice:example.com"}
  expect: {allowed: true, reason: shared}
- may_create_alias: {alias: "#irc_rust:example.com", user_id: "@alice:example.com"}
  expect: {allowed: false}
- may_act: {as_id: telegram, user_id: "@telegram_1:example.com"}
  expect: {allowed: true}
- free_language: "@[a-h]{1,4}:example\\.com"
- reserved_language: "@telegram_[0-9]+:example\\.com"
  by: telegram
- reserved_language: "@irc_.*:example\\.com"
"##;

#[test]
fn what_is_expected_and_so_passes() {
    let scene = Scene::with(AS_IT_IS);
    let output = scene.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).ends_with("11 tests, 0 failed\n"), "{}", text(&output));
}

#[test]
fn what_is_not_as_expected_says_what_it_is_and_by_which_line() {
    let scene = Scene::with(
        r#"tests:
- reserved: alice
- reserved: "@telegram_1:example.com"
  by: heisenbridge
- free: telegram_1
- contested: "@telegram_1:example.com"
- shared: "@telegram_1:example.com"
- may_register: {as_id: heisenbridge, user_id: "@irc_bob:example.com"}
  expect: {allowed: true, reason: own_namespace}
- may_register: {as_id: nobody, user_id: "@irc_bob:example.com"}
  expect: {allowed: false}
- free_language: "@t[a-z]+_?[a-z]*:example\\.com"
- reserved_language: "@telegram_.*:example\\.com"
- reserved_language: "@irc_.+:example\\.com"
  by: heisenbridge
- free_language: "@.*:elsewhere\\.org[^\\s\\S]"
- free_language: "@(.)\\1:example\\.com"
"#,
    );
    let problems = scene.problems();
    let expected = [
        &[
            "`@alice:example.com` is held by nobody exclusively; it is claimed by `doublepuppet` with `@.*:example\\.com`",
        ][..],
        &[
            "`@telegram_1:example.com` is held by `telegram` with `^@telegram_.+:example\\.com$` in ",
            "mautrix-telegram.yaml:10",
        ],
        &["`@telegram_1:example.com` is held exclusively by `telegram`"],
        &["`@telegram_1:example.com` is held by `telegram`"],
        &["`@telegram_1:example.com` is held by `telegram`"],
        &["allowed is false, and true was expected", "reason is reserved, and own_namespace was expected"],
        &["there is no service `nobody`"],
        &["not all IDs of ", "`@telegram_a:example.com` is held by `telegram`"],
        &["`@telegram_:example.com` is held by nobody exclusively"],
        &["`@irc_a:example.com` is contested by `appservice-irc`", "`heisenbridge` with `@irc_.*`"],
        &["no ID is matched from start to end", "so that nothing is promised"],
        &["is of no kind that can be proved"],
    ];
    assert_eq!(problems.len(), expected.len());
    for (problems, expected) in problems.iter().zip(expected) {
        let said = problems.join("\n");
        assert!(expected.iter().all(|part| said.contains(part)), "{expected:?} is not in\n{said}");
    }
    assert_eq!(scene.run(&[]).status.code(), Some(1));
    let human = text(&scene.run(&[]));
    assert!(human.contains("tests.yaml (synapse):4: reserved alice\n    `@alice"), "{human}");
    assert!(human.ends_with("12 tests, 12 failed\n"), "{human}");
}

#[test]
fn entries_that_no_test_touches_are_listed() {
    let scene = Scene::with("tests:\n- reserved: telegram_1\n- free_language: '@slack.*'\n");
    let document: Value = serde_json::from_slice(&scene.run(&["--format", "json"]).stdout).expect("JSON");
    let untouched = document["suites"][0]["untouched"].as_array().expect("entries");
    let regexes: Vec<&str> = untouched.iter().map(|entry| entry["regex"].as_str().expect("a regex")).collect();
    assert!(!regexes.contains(&r"^@telegram_.+:example\.com$"), "{regexes:?}");
    assert!(regexes.contains(&"@irc_.*"), "{regexes:?}");
    // That of double puppets, who is shared by all, decides about the same ID.
    assert_eq!(document["suites"][0]["entries"].as_u64(), Some(untouched.len() as u64 + 2));
}

#[test]
fn junit_is_what_continuous_integration_reads() {
    let scene = Scene::with("tests:\n- {name: 'people & <bots>', free: [alice]}\n- reserved: alice\n");
    let said = text(&scene.run(&["--format", "junit"]));
    for part in [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n",
        "tests=\"2\" failures=\"1\"",
        "name=\"people &amp; &lt;bots&gt; (line 4)\"/>",
        "<failure message=\"`@alice:example.com` is held by nobody exclusively; ",
        "</testsuites>\n",
    ] {
        assert!(said.contains(part), "`{part}` is not in\n{said}");
    }
}

#[test]
fn one_id_is_expected_on_the_command_line() {
    let examples = examples();
    let dir = examples.to_str().expect("UTF-8");
    let run = |what: &[&str]| {
        let mut line = vec!["test", "--dir", dir, "--server-name", "example.com"];
        line.extend(what.iter().flat_map(|what| ["--expect", what]));
        bailiwick(&line)
    };
    let right = ["free=alice", "reserved:telegram=telegram_1", "contested=@irc_x:example.com"];
    assert_eq!(run(&right).status.code(), Some(0), "{}", text(&run(&right)));
    assert_eq!(run(&["reserved=alice"]).status.code(), Some(1));
    assert_eq!(run(&["taken=alice"]).status.code(), Some(64));
    assert_eq!(bailiwick(&["test", "--dir", dir, "--server-name", "example.com"]).status.code(), Some(64));
    assert_eq!(bailiwick(&["test", "--expect", "free=alice", "--server-name", "example.com"]).status.code(), Some(64));
}

#[test]
fn each_test_is_made_for_each_homeserver() {
    // Dendrite looks anywhere, so that a regex of another bridge finds something in the middle.
    let home = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).expect("written");
    write("a.yaml", &super::support::registration("a", "x").replace("@x.*", "a_.*"));
    write(
        "tests.yaml",
        "server_name: example.com\nhomeserver: [synapse, dendrite]\nregistrations: [a.yaml]\ntests: [{reserved: a_1}]\n",
    );
    let output = bailiwick(&["test", home.path().join("tests.yaml").to_str().expect("UTF-8"), "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let failed: Vec<(&str, bool)> = document["suites"]
        .as_array()
        .expect("suites")
        .iter()
        .map(|suite| {
            let problems = suite["tests"][0]["problems"].as_array().expect("sentences");
            (suite["homeserver"].as_str().expect("a name"), !problems.is_empty())
        })
        .collect();
    assert_eq!(failed, [("synapse", true), ("dendrite", false)]);
}

#[test]
fn what_cannot_be_used_is_told_with_its_place() {
    for (tests, said) in
        [("tests:\n- fre: [alice]\n", "tests.yaml:4:3: a test has one of"), ("", "there are no `tests`")]
    {
        let output = Scene::with(tests).run(&[]);
        assert_eq!(output.status.code(), Some(64));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(said), "{told}");
    }
    let scene = Scene::with("tests: [{free: alice}]\n");
    let broken = scene.home.path().join("broken.yaml");
    std::fs::write(&broken, "id: broken").expect("written");
    let text_of = std::fs::read_to_string(scene.file())
        .expect("read")
        .replace("registrations: ", "registrations: [broken.yaml, ");
    std::fs::write(scene.file(), text_of.replacen("registrations\ntests", "registrations]\ntests", 1))
        .expect("written");
    let output = scene.run(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output).contains("broken.yaml cannot be loaded"), "{}", text(&output));
    assert!(Path::new(&scene.file()).exists());
}
