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
        (SLACK.replace("sender_localpart", "id"), "id is not `slack`, the name of its table"),
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

/// Palpo's file, which holds `@irc_…`.
const FILE: &str = "id = 'irc'\nas_token = 'as-token-of-irc-0123456789'\nhs_token = 'hs-token-of-irc-0123456789'\n\
                    sender_localpart = 'ircbot'\n[[namespaces.users]]\nexclusive = true\nregex = '@irc_.*'\n";

/// What each homeserver finds in a directory or a file is its own matter, also where another is named first.
#[test]
fn each_of_several_homeservers_reads_what_it_reads() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let run = |arguments: &[&str]| {
        let run = Command::new(BINARY).args(arguments).current_dir(home.path()).output().expect("it runs");
        String::from_utf8(run.stdout).expect("UTF-8") + &String::from_utf8(run.stderr).expect("UTF-8")
    };
    fs::write(home.path().join("tuwunel.toml"), IRC).expect("written");
    let said = run(&["owner", "@irc_a:example.com", "--dir", "tuwunel.toml", "--homeserver", "synapse,tuwunel"]);
    let (synapse, tuwunel) = said.split_once("Tuwunel").expect("two answers");
    assert!(synapse.contains("unclaimed") && tuwunel.contains("exclusive, owned by `irc`"), "{said}");

    fs::create_dir(home.path().join("files")).expect("made");
    fs::write(home.path().join("files/irc.toml"), FILE).expect("written");
    let said = run(&["owner", "@irc_a:example.com", "--dir", "files", "--homeserver", "all"]);
    let (others, palpo) = said.split_once("Palpo").expect("an answer for each");
    assert!(!others.contains("owned by") && palpo.contains("exclusive, owned by `irc`"), "{said}");

    let moved = |from, to| run(&["diff", "files", "--server-name", "example.com", "--homeserver", from, "--to", to]);
    let said = moved("dendrite", "palpo");
    assert!(said.contains("+ `irc` holds users such as `@irc_:example.com`"), "{said}");
    let said = moved("palpo", "dendrite");
    assert!(said.contains("- `irc` no longer holds users") && !said.contains("cannot be loaded"), "{said}");
    let said = moved("palpo", "palpo");
    assert_eq!(said, "no ID changes hands\n");
}

/// A service that serves one homeserver says of another what that one would have read, and calls nothing free that it holds.
#[test]
fn a_service_says_of_others_what_those_read() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let files = home.path().join("files");
    fs::create_dir(&files).expect("made");
    fs::write(files.join("irc.toml"), FILE).expect("written");
    let answer = |service: &Service, homeserver: &str| {
        let asked = format!("/v1/owners?id=%40irc_a%3aexample.com&homeserver={homeserver}");
        service.get(&asked).json()["homeservers"][0].clone()
    };
    let service = Service::start_with(&[&files], &["--server-name", "example.com"]);
    assert!(service.claimants("@irc_a:example.com").is_empty(), "Synapse reads no TOML");
    let palpo = answer(&service, "palpo");
    assert_eq!((&palpo["status"], &palpo["owner"]), (&"exclusive".into(), &"irc".into()), "{palpo}");
    assert_eq!(palpo["person"]["allowed"], false, "{palpo}");
    assert_eq!(answer(&service, "tuwunel")["status"], "unclaimed");
    drop(service);

    let config = home.path().join("tuwunel.toml");
    fs::write(&config, IRC).expect("written");
    let service = Service::start_with(&[&config], &["--server-name", "example.com", "--homeserver", "dendrite"]);
    let tuwunel = answer(&service, "tuwunel");
    assert_eq!((&tuwunel["status"], &tuwunel["owner"]), (&"exclusive".into(), &"irc".into()), "{tuwunel}");
    // And the other way round: what is no file of Dendrite's is one that it would not load.
    drop(service);
    let service = start(&config, &[]);
    let dendrite = answer(&service, "dendrite");
    let named = dendrite["not_loaded"][0]["file"].as_str().unwrap_or_default();
    assert!(named.ends_with("tuwunel.toml"), "{dendrite}");
}

/// The directory that a configuration names is Tuwunel's as well; whoever gives the file alone is told that it is not read.
#[test]
fn a_directory_that_the_configuration_names_is_told_where_it_is_not_read() {
    const TOLD: &str = "appservice_dir is `more`, from which Tuwunel reads registrations too: it is not read here";
    let home = tempfile::tempdir().expect("a temporary directory");
    let config = IRC.replacen("[global]\n", "[global]\nappservice_dir = 'more'\n", 1);
    fs::write(home.path().join("tuwunel.toml"), config).expect("written");
    fs::create_dir(home.path().join("more")).expect("made");
    let told = |arguments: &[&str]| {
        let run = Command::new(BINARY).args(arguments).current_dir(home.path()).output().expect("it runs");
        String::from_utf8(run.stderr).expect("UTF-8").matches(TOLD).count()
    };
    let name = ["--server-name", "example.com"];
    let check = |more: &[&str]| told(&[&["check", "tuwunel.toml"], more, &name].concat());
    assert_eq!(check(&["--homeserver", "tuwunel"]), 1);
    assert_eq!(check(&["--homeserver", "synapse,tuwunel,palpo"]), 1, "whoever is named first");
    assert_eq!(check(&["--homeserver", "palpo"]), 0, "it is no configuration of Palpo's");
    assert_eq!(check(&["more", "--homeserver", "tuwunel"]), 0, "it is given besides");
    let owner = ["owner", "@irc_a:example.com", "--dir", "tuwunel.toml", "--homeserver"];
    assert_eq!(told(&[&owner[..], &["conduit,tuwunel"]].concat()), 1);
    let diff = ["diff", "tuwunel.toml", "--homeserver", "conduit", "--to", "tuwunel"];
    assert_eq!(told(&[&diff[..], &name].concat()), 1);
}
