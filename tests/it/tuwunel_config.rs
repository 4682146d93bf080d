//! Tuwunel's own configuration as a source: each table is a registration.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::support::{BINARY, Service};

const IRC: &str = "[global]\nserver_name = 'example.com'\n\n[global.appservice.irc]\nurl = 'http://irc:9999'\nas_token = \
                   'as-token-of-irc-0123456789'\nhs_token = 'hs-token-of-irc-0123456789'\n[[global.appservice.irc.users]]\n\
                   exclusive = true\nregex = '@irc_.*'\n";
const SLACK: &str = "[global.appservice.slack]\nas_token = 'as-token-of-slack-0123456789'\nhs_token = \
                     'hs-token-of-slack-0123456789'\nsender_localpart = 'slackbot'\nusers = [{ exclusive = true, regex = \
                     '@slack_.*' }]\n";

fn start(config: &Path, more: &[&str]) -> Service {
    let arguments = [&["--server-name", "example.com", "--homeserver", "tuwunel", "--hold", "0"], more].concat();
    Service::start_with(&[config], &arguments)
}

#[test]
fn each_table_is_a_registration_and_changes_by_itself() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let config = home.path().join("tuwunel.toml");
    fs::write(&config, format!("{IRC}{SLACK}")).expect("written");
    let service = start(&config, &[]);
    assert_eq!(service.claimants("@IRC_a:example.com"), ["irc"]);
    assert_eq!(service.claimants("@irc:example.com"), ["irc"], "the sender is called as the table");
    assert_eq!(service.claimants("@slackbot:example.com"), ["slack"]);
    let listed = service.get("/v1/registrations").json();
    let first = &listed["registrations"][0];
    assert!(first["file"].as_str().is_some_and(|name| name.ends_with("tuwunel.toml#irc")), "{first}");
    assert_eq!(first["namespaces"]["users"][0]["line"], 10, "{first}");
    assert_eq!(first["rate_limited"], false, "{first}");
    // A table more, and another regex in one of those that were there.
    let third = SLACK.replace("slack", "discord");
    fs::write(&config, format!("{}{SLACK}{third}", IRC.replace("@irc_", "@chat_"))).expect("written");
    service.wait("for the third table", |service| service.claimants("@discord_a:example.com") == ["discord"]);
    assert_eq!(service.claimants("@chat_a:example.com"), ["irc"]);
    service.lets_go_of("@irc_a:example.com");
    // And one less.
    fs::write(&config, format!("{IRC}{third}")).expect("written");
    service.lets_go_of("@slack_a:example.com");
    assert_eq!(service.claimants("@discord_a:example.com"), ["discord"]);
}

#[test]
fn what_cannot_be_read_takes_nothing_away() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let config = home.path().join("tuwunel.toml");
    fs::write(&config, format!("{IRC}{SLACK}")).expect("written");
    let service = start(&config, &[]);
    let states = |service: &Service| -> Vec<Value> {
        let listed = service.get("/v1/registrations").json();
        listed["registrations"].as_array().expect("a list").iter().map(|file| file["state"].clone()).collect()
    };
    let broken = [
        format!("{IRC}{SLACK}broken = "),
        format!("bare = 1\n{IRC}{SLACK}"),
        String::new(),
        "# nothing but this\n".to_owned(),
        format!("{IRC}{}", SLACK.replace("as_token = ", "as-token = ")).replace("'@irc_", "7 # '"),
    ];
    for text in broken {
        fs::write(&config, &text).expect("written");
        service.wait("to see that both are stale", |service| states(service) == ["stale", "stale"]);
        assert_eq!(service.claimants("@irc_a:example.com"), ["irc"], "{text}");
        assert_eq!(service.claimants("@slack_a:example.com"), ["slack"], "{text}");
        fs::write(&config, format!("{IRC}{SLACK}")).expect("written");
        service.wait("for both to be read again", |service| states(service) == ["active", "active"]);
    }
    fs::remove_file(&config).expect("removed");
    service.wait("to see that it is gone", |service| states(service) == ["stale", "stale"]);
    assert_eq!(service.claimants("@irc_a:example.com"), ["irc"]);
}

fn check(homeserver: &str, path: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(BINARY);
    command.args(["check", "--server-name", "example.com", "--homeserver", homeserver, "--allow", "readable-by-all"]);
    let run = command.arg(path).output().expect("it runs");
    (run.status.code(), String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr))
}

#[test]
fn a_check_says_what_tuwunel_would_do_about_a_table() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let config = home.path().join("tuwunel.toml");
    let faults = [
        (SLACK.replace("'@slack_.*'", "'@slack_{[0-9]+}'"), "would stop loading there"),
        (SLACK.replace("hs_token", "hs-token"), "would refuse to start"),
        (SLACK.replace("sender_localpart", "id"), "id is not \"slack\", the name of its table"),
    ];
    for (table, what) in faults {
        fs::write(&config, format!("{IRC}{table}")).expect("written");
        let (code, said) = check("tuwunel", &config);
        assert!(code == Some(1) && said.contains(what) && said.contains("tuwunel.toml#slack"), "{said}");
        assert!(!said.contains("0123456789"), "{said}");
    }
    fs::write(&config, format!("{IRC}{SLACK}")).expect("written");
    let (_, said) = check("tuwunel", &config);
    assert!(said.contains("2 files"), "{said}");
}

#[test]
fn palpo_reads_toml_beside_the_others() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = "id = 'irc'\nas_token = 'as-token-of-irc-0123456789'\nhs_token = 'hs-token-of-irc-0123456789'\n\
                sender_localpart = 'ircbot'\n[[namespaces.users]]\nexclusive = true\nregex = '@irc_.*'\n";
    fs::write(home.path().join("irc.toml"), file).expect("written");
    let arguments = ["--server-name", "example.com", "--homeserver", "palpo", "--hold", "0"];
    let service = Service::start_with(&[home.path()], &arguments);
    assert_eq!(service.claimants("@irc_a:example.com"), ["irc"]);
    fs::write(home.path().join("chat.toml"), file.replace("irc", "chat")).expect("written");
    service.wait("for the second", |service| service.claimants("@chat_a:example.com") == ["chat"]);
    fs::write(home.path().join("irc.toml"), "id = 'irc'\nid = 'as-token-of-irc-0123456789'\n").expect("written");
    service.says("a key stands twice");
    assert_eq!(service.claimants("@irc_a:example.com"), ["irc"], "what broke stays in force");
    assert!(!service.log().contains("0123456789"));
}
