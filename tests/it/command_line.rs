//! How commands are told what to do, and how what they say looks.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::support::{BINARY, registration};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(home: &Path, variables: &[(&str, &str)], words: &[&str]) -> Said {
    let mut bailiwick = Command::new(BINARY);
    let bailiwick = bailiwick.args(words).current_dir(home).env_clear().envs(variables.iter().copied());
    let Output { status, stdout, stderr } = bailiwick.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code: status.code(), out: text(stdout), err: text(stderr) }
}

fn put(home: &Path, file: &str, text: &str) {
    let path = home.join(file);
    fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
    fs::write(path, text).expect("written");
}

const NAME: (&str, &str) = ("BAILIWICK_SERVER_NAME", "example.com");

#[test]
fn a_list_in_the_environment_has_commas_and_a_word_of_the_command_line_is_one_path() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    put(home, "a:b/irc.yaml", &registration("irc", "irc_"));
    put(home, "c/tg.yaml", &registration("tg", "tg_"));
    put(home, "d,e/xmpp.yaml", &registration("xmpp", "xmpp_"));
    let listed = run(home, &[NAME, ("BAILIWICK_DIRS", "a:b,c")], &["check", "--allow", "weak-token,readable-by-all"]);
    assert!(listed.code == Some(0) && listed.out.starts_with("2 files"), "{}{}", listed.out, listed.err);
    let given = run(home, &[NAME], &["check", "a:b", "d,e", "--allow", "weak-token,readable-by-all"]);
    assert!(given.code == Some(0) && given.out.starts_with("2 files"), "{}{}", given.out, given.err);
    // As it once was: not one directory that is not there, and that a service would wait for.
    put(home, "f/irc.yaml", &registration("irc", "irc_"));
    for command in ["check", "serve"] {
        let colons = run(home, &[NAME, ("BAILIWICK_DIRS", "c:f")], &[command]);
        assert!(
            colons.code == Some(64) && colons.err.contains("with commas between them"),
            "{command}: {}",
            colons.err
        );
    }
    put(home, "one.yaml", "server_name: example.com\n");
    let list = format!("app_service_config_files: ['{}']\n", home.join("c/tg.yaml").display());
    put(home, "two.yaml", &list.replace(&home.display().to_string(), "/data"));
    let expect = ["test", "--expect", "reserved:irc=@irc_x:example.com"];
    for (variables, words) in [(&[NAME, ("BAILIWICK_DIRS", "c,a:b")][..], &[][..]), (&[NAME], &["--dir", "a:b"])] {
        let tested = run(home, variables, &[&expect, words].concat());
        assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    }
    let map = format!("/nowhere=/x,/data={}", home.display());
    let variables = [("BAILIWICK_SYNAPSE_CONFIG", "one.yaml,two.yaml"), ("BAILIWICK_MAP_PATH", &map)];
    let configured = run(home, &variables, &["check", "--allow", "weak-token,readable-by-all"]);
    assert!(
        configured.code == Some(0) && configured.out.starts_with("1 file:"),
        "{}{}",
        configured.out,
        configured.err
    );
}

#[test]
fn owner_takes_its_directories_as_check_does() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    put(home, "a/irc.yaml", &registration("irc", "irc_"));
    put(home, "@b/tg.yaml", &registration("tg", "tg_"));
    for words in [
        &["owner", "a", "@irc_x:example.com"][..],
        &["owner", "@irc_x:example.com", "a/irc.yaml"],
        &["owner", "@irc_x:example.com", "--dir", "a"],
        &["owner", "./@b", "@irc_x:example.com", "--dir", "a"],
    ] {
        let said = run(home, &[("BAILIWICK_DIRS", "@b")], words);
        assert!(
            said.code == Some(0) && said.out.contains("exclusive, owned by `irc`"),
            "{words:?}: {}{}",
            said.out,
            said.err
        );
    }
    let by_environment =
        run(home, &[("BAILIWICK_DIRS", "@b,a")], &["owner", "@irc_x:example.com", "@tg_x:example.com"]);
    assert!(by_environment.out.contains("`irc`") && by_environment.out.contains("`tg`"), "{}", by_environment.out);
    for (words, why) in [
        (&["owner", "a"][..], "which ID?"),
        (&["owner", "@irc_x:example.com"], "--synapse-config"),
        (&["owner", "nowhere", "@irc_x:example.com"], "nowhere: there is no such directory or file"),
    ] {
        let said = run(home, &[], words);
        assert!(said.code == Some(64) && said.err.contains(why), "{words:?}: {}", said.err);
    }
}

#[test]
fn colours_are_as_they_are_asked_for() {
    let home = tempfile::tempdir().expect("a temporary directory");
    put(home.path(), "irc.yaml", "id: 1\n");
    let painted = |variables: &[(&str, &str)], words: &[&str]| {
        let variables = [&[NAME], variables].concat();
        run(home.path(), &variables, &[&["check", "irc.yaml"], words].concat()).out.contains("\x1b[")
    };
    assert!(!painted(&[], &[]) && !painted(&[], &["--color", "never"]));
    assert!(painted(&[], &["--color", "always"]) && painted(&[("NO_COLOR", "1")], &["--color=always"]));
    assert!(painted(&[("BAILIWICK_COLOR", "always")], &[]));
    assert_eq!(run(home.path(), &[], &["explain", "--color", "pink"]).code, Some(64));
}

#[test]
fn every_help_says_how_it_is_used_and_what_its_exit_code_means() {
    let home = Path::new(".");
    let help = run(home, &[], &["--help"]).out;
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    // What goes on in the next line is indented further.
    let commands: Vec<&str> = commands
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect();
    assert!(commands.len() >= 9, "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let help = run(home, &[], &[command, "--help"]).out;
        assert!(help.contains("Exit codes: 0"), "{command}: {help}");
        let examples = help.lines().skip_while(|line| !line.starts_with("Example")).skip(1);
        let examples: Vec<&str> = examples.take_while(|line| !line.is_empty()).collect();
        assert!(!examples.is_empty(), "{command}: {help}");
        // What is copied from a terminal is not to be broken there.
        let wide = examples.iter().find(|line| line.chars().count() > 80 || !line.starts_with("  "));
        assert!(wide.is_none(), "{command}: {wide:?}");
    }
    assert!(run(home, &[], &["serve", "--help"]).out.contains("Who may ask:"));
    // What is said of registrations does not go on with what is made of them.
    for (words, heading, option) in [
        (&["check", "--help"][..], "Findings:", "--watch"),
        (&["export", "--help"], "What is written:", "--format"),
        (&["preflight", "--help"], "Synapse:", "--synapse-admin"),
        (&["sync", "mas", "--help"], "Matrix Authentication Service:", "--url"),
    ] {
        let help = run(home, &[], words).out;
        let at = |text: &str| help.find(text).unwrap_or_else(|| panic!("{words:?} {text}: {help}"));
        assert!(
            at("Registrations:") < at(&format!("\n{heading}"))
                && at(&format!("\n{heading}")) < at(&format!("  {option}"))
        );
    }
    let version = run(home, &[], &["--version"]);
    assert!(version.out.starts_with(concat!("bailiwick ", env!("CARGO_PKG_VERSION"))), "{}", version.out);
}

/// The line is the file's own, and what is no business of the reader's is blotted out.
#[test]
fn a_fault_and_a_finding_show_their_line() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    let token = "c4n4ry-c4n4ry-c4n4ry-c4n4ry-0123456789";
    let good = registration("irc", "irc_").replace("as-token-of-irc", token);
    put(home, "number.yaml", &good.replace("id: irc", "id: 42   # mine"));
    put(home, "list.yaml", &good.replace(&format!("as_token: {token}"), &format!("as_token: [{token}]")));
    put(home, "joined.yaml", &good.replace("id: irc\n", &format!("id: irc as_token: {token}\n")));
    let json = format!(
        "{{\"id\": \"x\", \"as_token\": \"{token}\", \"hs_token\": \"hs-{token}\", \"url\": null, \"sender_localpart\": \"@x:y\", \
         \"namespaces\": {{}}, \"more\": \"{}\"}}",
        "x".repeat(100)
    );
    put(home, "line.json.yaml", &json);
    put(
        home,
        "sender.yaml",
        &good
            .replace("irc-bot", "tg_bot")
            .replace("id: irc", "id: sender")
            .replace(token, "another-c4n4ry-0123456789abcdef"),
    );
    put(home, "tg.yaml", &registration("tg", "tg_"));
    let said = run(home, &[NAME], &["check", ".", "--all"]);
    for shown in [
        " --> ./number.yaml:1:5\n  |\n1 | id: 42   ●●●●\n  |     ^^\n",
        "3 | as_token: [●●●●]\n  |           ^\n",
        "1 | id: irc as_token: ●●●●\n  |                 ^\n",
        "…n\": ●●●●, \"hs_token\": ●●●●, \"url\": null, \"sender_localpart\": \"@x:y\", ",
        "5 | sender_localpart: tg_bot\n  |                   ^^^^^^\n",
    ] {
        assert!(said.out.contains(shown), "{shown}\n---\n{}", said.out);
    }
    assert!(!said.out.contains("c4n4ry") && !said.err.contains("c4n4ry"), "{}", said.out);
    // The homeserver's own configuration, of which most is a secret.
    put(home, "homeserver.yaml", "macaroon_secret_key: c4n4ry\nserver_name: 'https://example.com' # c4n4ry\n");
    let said = run(home, &[], &["check", "--synapse-config", "homeserver.yaml"]);
    assert!(said.out.contains("2 | server_name: 'https://example.com' ●●●●\n  |              ^^^^"), "{}", said.out);
    assert!(!said.out.contains("c4n4ry"), "{}", said.out);
    let sarif = run(home, &[NAME], &["check", ".", "--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif.out).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let region = |file: &str| {
        let of_file = |result: &&serde_json::Value| {
            let at = &result["locations"][0]["physicalLocation"];
            at["artifactLocation"]["uri"].as_str().is_some_and(|uri| uri.ends_with(file)) && result["level"] == "error"
        };
        results.iter().find(of_file).expect(file)["locations"][0]["physicalLocation"]["region"].clone()
    };
    let expected = serde_json::json!({"startLine": 1, "startColumn": 5, "endLine": 1, "endColumn": 7});
    assert_eq!(region("number.yaml"), expected);
    assert_eq!(region("sender.yaml")["endColumn"], 25);
}

#[test]
fn an_answer_that_holds_for_no_registrations_says_so() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    put(home, "old/irc.yaml", &registration("irc", "irc_"));
    put(home, "off/tom's.yaml.disabled", &registration("irc", "irc_"));
    put(home, "off/sub/irc.yaml", &registration("irc", "irc_"));
    put(home, "half/irc.yaml", &registration("irc", "irc_"));
    put(home, "half/tg.yaml.disabled", &registration("tg", "tg_"));
    fs::create_dir(home.join("empty")).expect("made");
    put(home, "homeserver.yaml", "server_name: example.com\napp_service_config_files: []\n");
    let id = "@irc_x:example.com";
    let beside = "give them as further arguments): tom's.yaml.disabled\n";
    for (words, code, told) in [
        (&["owner", "empty", id][..], 1, "nothing to answer by: no registration was found; empty: empty\n"),
        (&["owner", "off", id], 1, beside),
        (&["owner", "off", id, "--homeserver", "all"], 1, beside),
        (&["owner", "--synapse-config", "homeserver.yaml", id], 1, "no file is listed in app_service_config_files"),
        (&["owner", "half", id], 0, "note: half: passed over files"),
        (&["diff", "old", "empty"], 1, "NEW: no registration was found; empty: empty\n"),
        (&["diff", "old", "off"], 1, beside),
        (
            &["diff", "old", "--new-synapse-config", "homeserver.yaml"],
            1,
            "NEW: no registration was found; homeserver.yaml",
        ),
        // What has just begun has nothing before it.
        (&["diff", "empty", "old"], 0, "OLD: no registration was found; empty: empty\n"),
        (&["diff", "old", "half"], 0, "note: half: passed over files"),
        (&["export", "empty"], 1, "nothing to export: no registration was found; empty: empty\n"),
        (&["export", "half"], 0, "note: half: passed over files"),
    ] {
        let said = run(home, &[NAME], words);
        assert!(said.code == Some(code) && said.err.contains(told), "{words:?} {:?}: {}", said.code, said.err);
    }
    // What is loaded is not passed over.
    put(home, "tables/irc.toml", "id = 'irc'\n");
    for words in [
        &["owner", "old", id][..],
        &["owner", "half", "half/tg.yaml.disabled", id],
        &["owner", "off/sub", id],
        &["check", "tables", "--homeserver", "palpo"],
    ] {
        let said = run(home, &[NAME], words);
        assert!(!said.err.contains("passed over") && !said.err.contains("no registration"), "{words:?}: {}", said.err);
    }
}

#[test]
fn a_misspelt_variable_is_named_where_what_it_would_say_is_missing() {
    let home = tempfile::tempdir().expect("a temporary directory");
    put(home.path(), "irc.yaml", &registration("irc", "irc_"));
    for command in ["check", "serve"] {
        let said = run(home.path(), &[("BAILIWICK_SERVERNAME", "example.com")], &[command, "irc.yaml"]);
        let named = "BAILIWICK_SERVERNAME is set in the environment, and no setting is called so: did you mean \
                     BAILIWICK_SERVER_NAME?";
        assert!(said.code == Some(64) && said.err.contains(named), "{command}: {}", said.err);
    }
    let help = run(home.path(), &[("BAILIWICK_SERVERNAME", "example.com")], &["check", "--help"]);
    assert_eq!((help.code, &*help.err), (Some(0), ""));
}

/// Completions and manual pages are made from the definition of the command line, and read by what they are for.
#[test]
fn completions_and_manual_pages_know_every_command() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(home, &[], &["completions", shell]);
        assert!(script.code == Some(0) && script.out.contains("preflight"), "{shell}: {}", script.err);
        assert!(script.out.contains("synapse-config"), "{shell}");
    }
    put(home, "bailiwick.bash", &run(home, &[], &["completions", "bash"]).out);
    let line = "source ./bailiwick.bash; COMP_WORDS=(bailiwick check --form); COMP_CWORD=2; \
                _bailiwick bailiwick --form check; echo \"${COMPREPLY[@]}\"";
    let completed = Command::new("bash").args(["-c", line]).current_dir(home).output().expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&completed.stdout), "--format\n", "{completed:?}");
    for (command, before, word, values) in [
        ("check", "--homeserver", "a", "all\n"),
        ("check", "--homeserver", "syn", "synapse\n"),
        ("export", "--homeserver", "a", "\n"),
        ("diff", "--to", "tuw", "tuwunel\n"),
        ("check", "--allow", "exclusive-c", "exclusive-conflict\n"),
        ("check", "--deny", "syntax", "\n"),
        ("explain", "", "synt", "syntax\n"),
    ] {
        let previous = if before.is_empty() { command } else { before };
        let line = format!(
            "source ./bailiwick.bash; COMP_WORDS=(bailiwick {command} {before} {word}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _bailiwick bailiwick {word} {previous}; echo \"${{COMPREPLY[@]}}\""
        );
        let completed = Command::new("bash").args(["-c", &line]).current_dir(home).output().expect("bash runs");
        assert_eq!(String::from_utf8_lossy(&completed.stdout), values, "{line}: {completed:?}");
    }
    assert_eq!(run(home, &[], &["man", "pages"]).code, Some(0));
    for page in ["bailiwick.1", "bailiwick-check.1", "bailiwick-serve.1"] {
        let text = fs::read_to_string(home.join("pages").join(page)).expect(page);
        assert!(text.contains(".TH") && text.contains("Exit codes") || page == "bailiwick.1", "{page}");
    }
}

#[test]
fn diff_takes_what_a_configuration_lists() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let home = home.path();
    put(home, "irc.yaml", &registration("irc", "irc_"));
    put(home, "new/irc.yaml", &registration("irc", "libera_"));
    put(home, "new/broken.yaml", "id: 1\n");
    let config = |list: &str| {
        let path = home.join(list).display().to_string();
        format!("server_name: example.com\napp_service_config_files: ['{path}']\n")
    };
    put(home, "old.homeserver.yaml", &config("irc.yaml"));
    put(home, "new.homeserver.yaml", &config("new/irc.yaml"));
    let lost = "- `irc` no longer holds users such as `@irc_:example.com`";
    for (words, code) in [
        (&["diff", "--synapse-config", "old.homeserver.yaml", "new/irc.yaml"][..], 3),
        (&["diff", "--synapse-config", "old.homeserver.yaml", "--new-synapse-config", "new.homeserver.yaml"], 3),
        (&["diff", "irc.yaml", "--new-synapse-config", "new.homeserver.yaml"], 3),
        (&["diff", "--synapse-config", "old.homeserver.yaml", "new"], 1),
    ] {
        let said = run(home, &[], words);
        assert!(said.code == Some(code) && said.out.contains(lost), "{words:?}: {}{}", said.out, said.err);
        let broken = "NEW: new/broken.yaml cannot be loaded and is left out: line 1: as_token is missing";
        assert_eq!(said.err.contains(broken), code == 1, "{}", said.err);
    }
    for (words, why) in [
        (&["diff", "irc.yaml"][..], "NEW is missing"),
        (&["diff", "irc.yaml", "new"], "--server-name is missing"),
        (&["diff", "--synapse-config", "old.homeserver.yaml", "irc.yaml", "new"], "one set too many"),
        (&["diff"], "which registrations?"),
        (
            &["diff", "--synapse-config", "old.homeserver.yaml", "new", "--server-name", "x.org"],
            "is not the server_name",
        ),
    ] {
        let said = run(home, &[], words);
        assert!(said.code == Some(64) && said.err.contains(why), "{words:?}: {}", said.err);
    }
    let moved = run(home, &[], &["diff", "--synapse-config", "old.homeserver.yaml", "--to", "dendrite"]);
    assert_eq!(moved.code, Some(0), "{}", moved.err);
}
