//! Nothing of a file reaches a terminal or a log as it is: line feeds forge lines, escapes act, marks turn text round.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{BINARY, Service};

/// A line of its own, a colour, a bell, a control of C1, and a mark that turns what follows.
const ID: &str = "irc\nFORGED line\u{1b}[31m\u{7}\u{9b}\u{202e}";

fn acts(c: char) -> bool {
    (c.is_control() && c != '\n') || c == '\u{202e}'
}

/// Files that collide in every way that is reported, all with that `id`, the second also in its file's name.
fn files(directory: &Path) {
    for (file, token) in [("a.yaml".to_owned(), "one"), (format!("b{}.yaml", ID.replace('\n', "\r")), "two")] {
        let text = serde_json::json!({
            "id": ID, "url": null, "as_token": format!("{token}{ID}"), "hs_token": token, "sender_localpart": "bot",
            "namespaces": {"users": [{"regex": format!("@irc_(?#{ID}).*"), "exclusive": true}]},
        });
        fs::write(directory.join(file), escaped(&text)).expect("written");
    }
    let other = serde_json::json!({
        "id": format!("other{ID}"), "url": null, "as_token": "three", "hs_token": "three", "sender_localpart": "bot2",
        "namespaces": {"users": [{"regex": "@irc_.*", "exclusive": true}]},
    });
    fs::write(directory.join("c.yaml"), escaped(&other)).expect("written");
    let broken = format!("broken{}.yaml", ID.replace('\n', "\r"));
    fs::write(directory.join(broken), format!("id: {:?}\n", "\u{1b}")).expect("written");
}

/// As YAML takes it, too: it refuses controls that are not escaped.
fn escaped(text: &serde_json::Value) -> String {
    text.to_string().replace('\u{9b}', "\\u009b").replace('\u{202e}', "\\u202e")
}

#[test]
fn in_the_log() {
    let home = tempfile::tempdir().expect("a temporary directory");
    files(home.path());
    for format in ["human", "json"] {
        let arguments = ["--server-name", "example.com", "--log-format", format, "--log-level", "debug"];
        let service = Service::start_with(&[home.path()], &arguments);
        service.wait("to compare", |service| service.get("/v1/conflicts").status == 200);
        service.says("FORGED");
        let log = service.log();
        assert!(!log.contains(acts), "{log:?}");
        assert!(!log.lines().any(|line| line.starts_with("FORGED")), "{log}");
    }
}

#[test]
fn in_an_answer() {
    let home = tempfile::tempdir().expect("a temporary directory");
    files(home.path());
    let service = Service::start(&[home.path()]);
    service.wait("to compare", |service| service.get("/v1/conflicts").status == 200);
    let asked = serde_json::json!({"ids": [format!("@irc_{ID}"), ID]});
    let answers = [service.get("/v1/registrations"), service.get("/v1/conflicts"), service.post("/v1/owners", &asked)];
    for answer in answers {
        let text = answer.text();
        assert!(text.contains("FORGED") && !text.contains(acts) && text.trim_end().lines().count() == 1, "{text:?}");
        // It says what it said.
        assert!(answer.json().to_string().contains('\u{202e}'), "{text}");
    }
}

#[test]
fn on_a_terminal() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    fs::create_dir(&old).expect("made");
    fs::create_dir(&new).expect("made");
    files(&new);
    let (old, new) = (old.to_str().expect("text"), new.to_str().expect("text"));
    let named = ["--server-name", "example.com"];
    for format in ["human", "json", "sarif"] {
        let mut commands = vec![vec!["check", new, "--all", "--format", format]];
        if format != "sarif" {
            commands.push(vec!["owner", "@irc_\u{1b}[31m\nFORGED:example.com", "--dir", new, "--format", format]);
            commands.push(vec!["diff", old, new, "--format", format]);
        }
        for command in commands {
            let output = Command::new(BINARY).env_clear().args(&command).args(named).output().expect("it runs");
            let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8")).concat();
            assert!(text.contains("FORGED"), "{command:?}: {text}");
            assert!(!text.contains(acts), "{command:?}: {text:?}");
            assert!(!text.lines().any(|line| line.trim_start().starts_with("FORGED")), "{command:?}: {text}");
        }
    }
}

#[test]
fn in_a_message_about_the_command_line() {
    let missing = format!("/nowhere{ID}");
    let arguments = ["check", &missing, "--server-name", "example.com"];
    let output = Command::new(BINARY).env_clear().args(arguments).output().expect("it runs");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(64), "{text}");
    assert!(text.contains("FORGED") && !text.contains(acts) && text.lines().count() == 1, "{text:?}");
}
