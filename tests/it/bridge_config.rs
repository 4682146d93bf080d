//! Bridges' own configurations held against their registrations: of eight bridges a pair of files that agree, in
//! `tests/data/bridges`, and the mistakes that the bridges' issue threads tell of, each made in one of the two.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::support::BINARY;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/bridges");
const BRIDGES: [&str; 8] =
    ["mautrix-go", "mautrix-go-before", "mautrix-python", "irc", "slack", "discord", "hookshot", "heisenbridge"];

/// A bridge's two files, in which mistakes can be made.
struct Pair(TempDir);

impl Pair {
    fn of(bridge: &str) -> Self {
        let pair = Self(tempfile::tempdir().expect("a temporary directory"));
        for file in ["config.yaml", "registration.yaml"] {
            pair.write(file, &fs::read_to_string(Path::new(DATA).join(bridge).join(file)).expect("read"));
        }
        pair
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).expect("written");
        fs::set_permissions(self.path(file), fs::Permissions::from_mode(0o600)).expect("closed to others");
    }

    /// Writes something else in the place of a text, which must be there.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).expect("read");
        assert!(text.contains(from), "{from}");
        self.write(file, &text.replace(from, to));
    }

    fn check(&self, more: &[&str]) -> Output {
        let arguments =
            ["check", "registration.yaml", "--server-name", "example.com", "--bridge-config", "config.yaml"];
        let mut check = Command::new(BINARY);
        check.args(arguments).args(more).current_dir(self.0.path()).env_clear();
        let output = check.output().expect("it runs");
        for secret in ["-token-0123456789", "password-of-the-database", "secret-of-the-webhook", "key-of-the-media"] {
            let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned());
            assert!(said.iter().all(|said| !said.contains(secret)), "{said:?}");
        }
        output
    }

    /// What is found of the two files, each as severity, code and message, with its places.
    fn found(&self) -> Vec<(String, Vec<String>)> {
        let output = self.check(&["--format", "json"]);
        let document: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        assert_eq!(document["problem"], Value::Null, "{document}");
        let findings = document["findings"].as_array().expect("a list").iter();
        let of_bridges =
            findings.filter(|finding| finding["code"].as_str().is_some_and(|code| code.starts_with("bridge-")));
        let said = |finding: &Value| {
            let [severity, code, message] =
                ["severity", "code", "message"].map(|key| finding[key].as_str().expect("a text"));
            let places = finding["places"].as_array().expect("a list").iter();
            let place = |place: &Value| format!("{}:{}", place["file"].as_str().expect("a file"), place["line"]);
            (format!("{severity}[{code}]: {message}"), places.map(place).collect())
        };
        of_bridges.map(said).collect()
    }
}

#[test]
fn what_agrees_gives_no_findings() {
    for bridge in BRIDGES {
        let found = Pair::of(bridge).found();
        // The names of Discord's users are digits, and a template promises no more than a name.
        let expected = usize::from(bridge == "mautrix-go-before");
        assert_eq!(found.len(), expected, "{bridge}: {found:?}");
        assert!(
            found.iter().all(|(said, _)| said.starts_with("note[bridge-namespace]: `discord` claims")),
            "{found:?}"
        );
    }
}

/// A mistake: where it was told of, in which bridge's which file, and what is found of it at which places.
struct Mistake {
    told: &'static str,
    bridge: &'static str,
    edits: &'static [(&'static str, &'static str, &'static str)],
    said: &'static str,
    places: &'static [&'static str],
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        told: "mautrix/whatsapp#261: the prefix was changed in the configuration alone",
        bridge: "mautrix-go",
        edits: &[("config.yaml", "whatsapp_{{.}}", "wa_{{.}}")],
        said: "error[bridge-namespace]: the bridge calls its users `@wa_a:example.com` and the like, none of which `whatsapp` claims",
        places: &["config.yaml:21", "registration.yaml:11"],
    },
    Mistake {
        told: "users of WhatsApp are no longer digits alone, and the registration is from before",
        bridge: "mautrix-go",
        edits: &[
            ("config.yaml", "whatsapp_{{.}}", "whatsapp_lid-{{.}}"),
            ("registration.yaml", "whatsapp_.*", "whatsapp_[0-9]+"),
        ],
        said: "error[bridge-namespace]: the bridge calls its users `@whatsapp_lid-a:example.com`",
        places: &["config.yaml:21", "registration.yaml:11"],
    },
    Mistake {
        told: "mautrix/telegram#242: the configuration was never told the tokens of the registration",
        bridge: "mautrix-python",
        edits: &[(
            "config.yaml",
            "telegram-as-token-0123456789abcdef",
            "\"This value is generated when generating the registration\"",
        )],
        said: "error[bridge-token]: the configuration holds no `as_token` but a sentence, and `telegram` has one",
        places: &["config.yaml:12", "registration.yaml:3"],
    },
    Mistake {
        told: "the registration was generated anew, and the homeserver has the one before",
        bridge: "mautrix-python",
        edits: &[("registration.yaml", "telegram-hs-token-0123", "telegram-hs-token-0123456789-before-")],
        said: "error[bridge-token]: `hs_token` differs between the configuration and `telegram`: the bridge would refuse",
        places: &["config.yaml:13", "registration.yaml:4"],
    },
    Mistake {
        told: "copied by hand, each to the other's place",
        bridge: "mautrix-python",
        edits: &[
            ("config.yaml", "telegram-as-token", "telegram-xs-token"),
            ("config.yaml", "telegram-hs-token", "telegram-as-token"),
            ("config.yaml", "telegram-xs-token", "telegram-hs-token"),
        ],
        said: "error[bridge-token]: `as_token` and `hs_token` of the configuration are those of `telegram` the other way round",
        places: &["config.yaml:12", "registration.yaml:3"],
    },
    Mistake {
        told: "the address of the homeserver for its name",
        bridge: "mautrix-python",
        edits: &[("config.yaml", "domain: example.com", "domain: matrix.example.com")],
        said: "error[bridge-domain]: the bridge takes the homeserver for `matrix.example.com`, and it is `example.com`",
        places: &["config.yaml:4", "registration.yaml:9"],
    },
    Mistake {
        told: "a template of Python's in a bridge that has moved to Go",
        bridge: "mautrix-go",
        edits: &[("config.yaml", "whatsapp_{{.}}", "'whatsapp_{userid}'")],
        said: "error[bridge-namespace]: `whatsapp_{userid}` is one name for everybody: nothing in it stands for a name: bridges in Go write `{{.}}`",
        places: &["config.yaml:21"],
    },
    Mistake {
        told: "matrix-org/dendrite#1656: the bot lies outside of the service's own namespace",
        bridge: "mautrix-go",
        edits: &[("config.yaml", "username: whatsappbot", "username: wabot")],
        said: "error[bridge-bot]: the bridge acts as `@wabot:example.com`, which is neither the own user of `whatsapp` nor in its `users`",
        places: &["config.yaml:17", "registration.yaml:5"],
    },
    Mistake {
        told: "a whole ID for the bot's name",
        bridge: "mautrix-go",
        edits: &[("config.yaml", "username: whatsappbot", "username: '@whatsappbot:example.com'")],
        said: "error[bridge-bot]: `@whatsappbot:example.com` is a whole ID where the bridge takes what stands before the colon",
        places: &["config.yaml:17"],
    },
    Mistake {
        told: "two instances from one registration",
        bridge: "mautrix-go",
        edits: &[("config.yaml", "id: whatsapp", "id: whatsapp2")],
        said: "error[bridge-id]: the bridge's `id` is `whatsapp2`, and the homeserver knows it as `whatsapp`",
        places: &["config.yaml:15", "registration.yaml:1"],
    },
    Mistake {
        told: "mautrix/docs: the address of a container is not localhost",
        bridge: "mautrix-go",
        edits: &[("config.yaml", "http://mautrix-whatsapp:29318", "http://localhost:29318")],
        said: "warning[bridge-address]: the configuration says that the bridge is at `http://localhost:29318`, and the homeserver sends to `http://mautrix-whatsapp:29318`",
        places: &["config.yaml:12", "registration.yaml:2"],
    },
    Mistake {
        told: "it listens within its container alone",
        bridge: "mautrix-go",
        edits: &[("config.yaml", "0.0.0.0", "127.0.0.1")],
        said: "warning[bridge-address]: the bridge listens at `127.0.0.1`, which nobody reaches from outside",
        places: &["config.yaml:13", "registration.yaml:2"],
    },
    Mistake {
        told: "no url, and no websocket either",
        bridge: "mautrix-go",
        edits: &[("registration.yaml", "url: http://mautrix-whatsapp:29318", "url: null")],
        said: "warning[bridge-address]: the bridge is to be sent to at `http://mautrix-whatsapp:29318`, and `whatsapp` has no `url`",
        places: &["config.yaml:12", "registration.yaml:2"],
    },
    Mistake {
        told: "matrix-org/matrix-appservice-irc#581: the template is not what the registration was generated from",
        bridge: "irc",
        edits: &[("config.yaml", "@libera_$NICK", "@$NICK")],
        said: "warning[bridge-namespace]: `irc` does not claim all that the bridge may call its users: it could not register `@a:example.com`",
        places: &["config.yaml:14", "registration.yaml:11"],
    },
    Mistake {
        told: "a network that was added later",
        bridge: "irc",
        edits: &[("config.yaml", "irc.oftc.net", "irc.hackint.org")],
        said: "error[bridge-namespace]: the bridge calls its users `@irc.hackint.org_a:example.com` and the like",
        places: &["config.yaml:18", "registration.yaml:13"],
    },
    Mistake {
        told: "aliases of another form",
        bridge: "irc",
        edits: &[("config.yaml", "#libera_$CHANNEL", "#irc_$CHANNEL")],
        said: "error[bridge-namespace]: the bridge calls its rooms `#irc_a:example.com` and the like, none of which `irc` claims: it could create none",
        places: &["config.yaml:12", "registration.yaml:16"],
    },
    Mistake {
        told: "a template without the sigil",
        bridge: "irc",
        edits: &[("config.yaml", "\"@libera_$NICK\"", "libera_$NICK")],
        said: "error[bridge-namespace]: the template of names does not begin with `@`",
        places: &["config.yaml:14"],
    },
    Mistake {
        told: "a class of characters that leaves Slack's capitals out",
        bridge: "slack",
        edits: &[("registration.yaml", "@slack_.*:", "@slack_[a-z0-9_-]+:")],
        said: "warning[bridge-namespace]: `slack` does not claim all that the bridge may call its users: it could not register `@slack_a_A:example.com`",
        places: &["config.yaml:2", "registration.yaml:9"],
    },
    Mistake {
        told: "the port of the hooks for that of the service",
        bridge: "slack",
        edits: &[("registration.yaml", ":5858", ":9898")],
        said: "warning[bridge-address]: the bridge listens at port 5858, and the homeserver sends to port 9898 (`http://localhost:9898`)",
        places: &["config.yaml:6", "registration.yaml:2"],
    },
    Mistake {
        told: "matrix-org/matrix-appservice-discord#863: a registration in another form than the program's",
        bridge: "discord",
        edits: &[("registration.yaml", "@_discord_", "@discord_")],
        said: "error[bridge-namespace]: the bridge calls its users `@_discord_0:example.com` and the like, none of which `discord-bridge` claims",
        places: &["config.yaml:3", "registration.yaml:9"],
    },
    Mistake {
        told: "matrix-org/matrix-hookshot#162: the prefix of the hooks is not the registration's",
        bridge: "hookshot",
        edits: &[("config.yaml", "userIdPrefix: _webhooks_", "userIdPrefix: webhooks_")],
        said: "error[bridge-namespace]: the bridge calls its users `@webhooks_a:example.com` and the like, none of which `hookshot` claims",
        places: &["config.yaml:17", "registration.yaml:8"],
    },
    Mistake {
        told: "spantaleev/matrix-docker-ansible-deploy#343: a regex that needs another underscore",
        bridge: "hookshot",
        edits: &[("registration.yaml", "@_webhooks_.*", "@_webhooks__.*")],
        said: "warning[bridge-namespace]: `hookshot` does not claim all that the bridge may call its users: it could not register `@_webhooks_a:example.com`",
        places: &["config.yaml:17", "registration.yaml:10"],
    },
    Mistake {
        told: "GitHub was switched on later, and its prefix is a default",
        bridge: "hookshot",
        edits: &[("registration.yaml", "@_github_", "@_gitlab_")],
        said: "error[bridge-namespace]: the bridge calls its users `@_github_a:example.com` and the like",
        places: &["config.yaml:9", "registration.yaml:8"],
    },
    Mistake {
        told: "a service bot that the registration does not name",
        bridge: "hookshot",
        edits: &[("config.yaml", "localpart: feeds", "localpart: news")],
        said: "error[bridge-bot]: the bridge acts as `@news:example.com`, which is neither the own user of `hookshot` nor in its `users`",
        places: &["config.yaml:19", "registration.yaml:5"],
    },
    Mistake {
        told: "the port was changed in the configuration alone",
        bridge: "hookshot",
        edits: &[("config.yaml", "port: 9993", "port: 9994")],
        said: "warning[bridge-address]: the bridge listens at port 9994, and the homeserver sends to port 9993",
        places: &["config.yaml:5", "registration.yaml:2"],
    },
    Mistake {
        told: "hifi/heisenbridge#248: a regex that heisenbridge does not start with",
        bridge: "heisenbridge",
        edits: &[("config.yaml", "@irc_.*", "@irc_[a-z]+.*"), ("registration.yaml", "@irc_.*", "@irc_[a-z]+.*")],
        said: "error[bridge-namespace]: heisenbridge starts with a regex alone that is `@`, a beginning, `_` or `/`, and `.*`",
        places: &["config.yaml:10"],
    },
    Mistake {
        told: "several entries, of which heisenbridge takes one",
        bridge: "heisenbridge",
        edits: &[("config.yaml", "  - regex: '@heisenbridge:.*'", "  - regex: '@chat_.*'")],
        said: "error[bridge-namespace]: heisenbridge starts with one entry in `users` besides that of its own user alone, and there are 2",
        places: &["config.yaml:12"],
    },
    Mistake {
        told: "an entry that is shared",
        bridge: "heisenbridge",
        edits: &[("config.yaml", "'@irc_.*'\n    exclusive: true", "'@irc_.*'\n    exclusive: false")],
        said: "error[bridge-namespace]: heisenbridge starts with an entry alone that is exclusive",
        places: &["config.yaml:10"],
    },
    Mistake {
        told: "the two copies were generated at different times",
        bridge: "heisenbridge",
        edits: &[("registration.yaml", "heisenbridge-as-token", "heisenbridge-old-as-token")],
        said: "error[bridge-token]: `as_token` differs between the configuration and `heisenbridge`",
        places: &["config.yaml:4", "registration.yaml:3"],
    },
    Mistake {
        told: "the copies have different prefixes",
        bridge: "heisenbridge",
        edits: &[("registration.yaml", "@irc_.*", "@chat_.*")],
        said: "error[bridge-namespace]: the bridge calls its users `@irc_a_a:example.com` and the like",
        places: &["config.yaml:10", "registration.yaml:9"],
    },
];

#[test]
fn what_issue_threads_tell_of_is_found_at_its_places() {
    let mut wrong = Vec::new();
    for Mistake { told, bridge, edits, said, places } in MISTAKES {
        let pair = Pair::of(bridge);
        edits.iter().for_each(|(file, from, to)| pair.edit(file, from, to));
        let found = pair.found();
        let place = |at: &String| places.contains(&&**at);
        let is_it = |(text, at): &(String, Vec<String>)| {
            text.starts_with(said) && at.len() == places.len() && at.iter().all(place)
        };
        if !found.iter().any(is_it) {
            wrong.push(format!("{told}\n{found:#?}"));
        }
        // One mistake is one finding, but for what it makes two of.
        let more = found.iter().filter(|(text, _)| !text.starts_with("note")).count();
        if more != 1 {
            wrong.push(format!("{told}: {more} findings\n{found:#?}"));
        }
        let human = String::from_utf8(pair.check(&["--all"]).stdout).expect("UTF-8");
        if !(human.contains(said) && human.contains("^^") && human.contains("= help: ")) {
            wrong.push(format!("{told}\n{human}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn code_scanners_are_told_the_same() {
    let pair = Pair::of("hookshot");
    pair.edit("config.yaml", "userIdPrefix: _webhooks_", "userIdPrefix: webhooks_");
    let output = pair.check(&["--format", "sarif"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert!(rules.iter().any(|rule| rule["id"] == "bridge-namespace"));
    let results = run["results"].as_array().expect("results");
    let result = results.iter().find(|result| result["ruleId"] == "bridge-namespace").expect("a result");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&"config.yaml".into(), &17.into()));
    assert_eq!(result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"], "registration.yaml");
}

#[test]
fn what_is_no_bridges_configuration_is_refused_with_what_is_known() {
    for (text, said) in [
        ("server_name: example.com\n", "this is no configuration of a bridge that is known here; known are mautrix"),
        ("- 1\n", "this is no configuration of a bridge"),
        ("", "this is no configuration of a bridge"),
        ("homeserver: [\n", "2:1: "),
        ("serviceBots:\n- prefix: !feeds\n", "a tag, which is not read here"),
        ("id: x\nas_token: as-token-0123456789\nhs_token: hs-token-0123456789\nnamespaces: []\n", "is missing"),
    ] {
        let pair = Pair::of("irc");
        pair.write("config.yaml", text);
        let output = pair.check(&[]);
        assert_eq!(output.status.code(), Some(64), "{text}: {output:?}");
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(
            told.contains("failed to use the bridge's configuration config.yaml: ") && told.contains(said),
            "{told}"
        );
        let json: Value = serde_json::from_slice(&pair.check(&["--format", "json"]).stdout).expect("JSON");
        assert!(json["problem"].as_str().is_some_and(|problem| problem.contains(said)), "{json}");
    }
    let pair = Pair::of("irc");
    fs::remove_file(pair.path("config.yaml")).expect("removed");
    assert_eq!(pair.check(&[]).status.code(), Some(64));
}

#[test]
fn the_registration_of_a_configuration_is_found_among_others() {
    let all = tempfile::tempdir().expect("a temporary directory");
    for bridge in BRIDGES {
        let from = Path::new(DATA).join(bridge).join("registration.yaml");
        fs::copy(from, all.path().join(format!("{bridge}.yaml"))).expect("copied");
    }
    let check = |bridge: &str| {
        let config = format!("{DATA}/{bridge}/config.yaml");
        let mut check = Command::new(BINARY);
        check.args(["check", ".", "--server-name", "example.com", "--format", "json", "--bridge-config", &config]);
        let output = check.current_dir(all.path()).env_clear().output().expect("it runs");
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let findings = document["findings"].as_array().expect("a list").clone();
        let of_bridges = |finding: &Value| finding["code"].as_str().is_some_and(|code| code.starts_with("bridge-"));
        findings.into_iter().filter(of_bridges).filter(|finding| finding["severity"] != "note").collect::<Vec<_>>()
    };
    for bridge in BRIDGES {
        let found = check(bridge);
        assert!(found.is_empty(), "{bridge}: {found:?}");
    }
    fs::remove_file(all.path().join("slack.yaml")).expect("removed");
    let found = check("slack");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["code"], "bridge-unregistered");
    // Nor is the only one that is given its, where that is plainly another bridge's.
    for bridge in BRIDGES.into_iter().filter(|bridge| *bridge != "irc") {
        fs::remove_file(all.path().join(format!("{bridge}.yaml"))).ok();
    }
    let found = check("mautrix-go");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["code"], "bridge-unregistered");
}
