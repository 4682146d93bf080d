//! Claims and decisions are what Synapse said when `oracle/rulings.py` asked it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bailiwick::index::Scratch;
use bailiwick::list::List;
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, Registration, Token, TokenHasher};
use bailiwick::ruling::{AccountRule, Asker, ClaimVia, Services, UserName};
use serde_json::Value;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ruling");

fn lines(file: &str) -> impl Iterator<Item = Value> {
    let text = std::fs::read_to_string(Path::new(DATA).join(file)).expect("recorded data is committed");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON value a line")).collect::<Vec<_>>().into_iter()
}

fn load(hasher: &TokenHasher, name: &str, bytes: &[u8]) -> Registration {
    let file: Arc<str> = name.into();
    match registration::load(&file, bytes, hasher) {
        Ok(registration) => registration,
        Err(faults) => panic!("{name}: {faults:?}"),
    }
}

fn services(registrations: List<Registration>) -> Services {
    Services::new("example.com".parse().expect("a server name"), registrations)
}

fn near_services() -> Services {
    let mut paths: Vec<_> = std::fs::read_dir(Path::new(DATA).join("near"))
        .expect("recorded data is committed")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    let hasher = TokenHasher::new();
    let load =
        |path: &std::path::PathBuf| load(&hasher, &path.display().to_string(), &std::fs::read(path).expect("readable"));
    services(paths.iter().map(load).collect())
}

#[test]
fn claims_on_ids_near_real_namespaces_are_synapses() {
    let services = near_services();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for case in lines("near-claims.jsonl") {
        let id = case[0].as_str().expect("an ID");
        let ours: Vec<Value> = services
            .claims(MatrixId::parse(id).expect("askable"), &mut Scratch::new())
            .iter()
            .map(|claim| {
                assert_eq!(claim.index.is_none(), claim.via == ClaimVia::Sender);
                serde_json::json!([claim.as_id, claim.index, claim.exclusive])
            })
            .collect();
        asked += 1;
        if Value::from(ours.clone()) != case[1] {
            wrong.push(format!("{id:?}: Synapse {}, bailiwick {}", case[1], Value::from(ours)));
        }
    }
    assert!(asked >= 20_000, "only {asked} cases");
    assert!(wrong.is_empty(), "{} of {asked} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn decisions_are_synapses() {
    let mut wrong = Vec::new();
    let mut asked = 0;
    for set in lines("decisions.jsonl") {
        let hasher = TokenHasher::new();
        let registrations = set["registrations"].as_array().expect("a list");
        let services = services(
            registrations.iter().map(|content| load(&hasher, "set.yaml", content.to_string().as_bytes())).collect(),
        );
        for question in set["questions"].as_array().expect("a list") {
            asked += 1;
            let decision = decide(&services, &hasher, &question["ask"]);
            if decision != (question["allowed"].as_bool().expect("a verdict"), question["errcode"].as_str()) {
                wrong.push(format!("{question}: bailiwick says {decision:?}, of {}", set["registrations"]));
            }
        }
    }
    assert!(asked >= 10_000, "only {asked} decisions");
    assert!(wrong.is_empty(), "{} of {asked} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn by_id<'a>(services: &Services, as_id: Option<&'a str>) -> Asker<'a> {
    let Some(as_id) = as_id else { return Asker::Person };
    services.position_of_id(as_id).map_or(Asker::Unknown(Some(as_id)), Asker::Service)
}

fn decide(services: &Services, hasher: &TokenHasher, ask: &Value) -> (bool, Option<&'static str>) {
    let decision = if let Some(alias) = ask["alias"].as_str() {
        let alias = MatrixId::parse(alias).expect("askable");
        services.may_create_alias(
            alias,
            by_id(services, ask["as_id"].as_str()),
            ask["user_id"].as_str(),
            &mut Scratch::new(),
        )
    } else {
        let asker = match ask["as_token"].as_str() {
            None => Asker::Person,
            Some(token) => match services.position_of_token(&hasher.digest(&Token::new(token))) {
                Some(position) => Asker::Service(position),
                None => Asker::Unknown(None),
            },
        };
        services.may_register(
            asker,
            UserName::Localpart(ask["localpart"].as_str().expect("a localpart")),
            &mut Scratch::new(),
        )
    };
    assert_eq!(decision.allowed, decision.errcode.is_none());
    assert_eq!(decision.allowed, decision.error.is_none());
    (decision.allowed, decision.errcode.map(bailiwick::matrix::ErrCode::as_str))
}

/// What a running Synapse answered over HTTP when `oracle/endpoints.py` asked it.
#[test]
fn answers_are_those_of_synapses_endpoints() {
    replay("endpoints.jsonl", 3_000);
}

/// The ways to an account besides the form, as a running Synapse answered when `oracle/accounts.py` asked it. Whether there
/// is an account only Synapse knows; where that decides, the decision says so.
#[test]
fn accounts_are_made_and_used_as_synapse_decides() {
    let (mut wrong, mut asked) = (Vec::new(), BTreeMap::new());
    let hasher = TokenHasher::new();
    let mut scratch = Scratch::new();
    for set in lines("accounts.jsonl") {
        let registrations = set["registrations"].as_array().expect("a list");
        let services = services(
            registrations.iter().map(|content| load(&hasher, "set.yaml", content.to_string().as_bytes())).collect(),
        );
        for question in set["questions"].as_array().expect("a list") {
            let ask = question["ask"].as_str().expect("what is asked").to_owned();
            *asked.entry(ask).or_insert(0) += 1;
            let ours = about_account(&services, question, &mut scratch);
            let theirs = (question["status"].as_u64().is_some_and(|status| status < 300), question["errcode"].as_str());
            if ours != theirs {
                wrong.push(format!("{question}: bailiwick says {ours:?}, of {}", set["registrations"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked:?} differ:\n{}", wrong.len(), wrong.join("\n"));
    for (ask, least) in [("act", 600), ("administrator", 400), ("login", 300), ("password", 100)] {
        assert!(asked.get(ask).is_some_and(|asked| *asked >= least), "only {asked:?}");
    }
}

fn about_account(services: &Services, question: &Value, scratch: &mut Scratch) -> (bool, Option<&'static str>) {
    let text = |key: &str| question[key].as_str();
    let asker = by_id(services, text("as_id"));
    let name = match (text("user_id"), text("localpart")) {
        (Some(user_id), _) => UserName::UserId(user_id),
        (None, localpart) => UserName::Localpart(localpart.expect("a name")),
    };
    let decision = match text("ask") {
        Some("act") => services.may_act(asker, text("user_id").expect("a user"), scratch),
        Some("administrator") => services.may_register(Asker::Administrator, name, scratch),
        // What a client sends is one text, be it an ID or a localpart.
        _ => {
            let (UserName::UserId(text) | UserName::Localpart(text)) = name;
            services.may_log_in(asker, UserName::Localpart(text), scratch)
        }
    };
    if decision.account == Some(AccountRule::Needed) && question["exists"] == false {
        return (false, Some(if text("ask") == Some("act") { "M_FORBIDDEN" } else { "M_UNKNOWN" }));
    }
    (decision.allowed, decision.errcode.map(bailiwick::matrix::ErrCode::as_str))
}

/// What others have reported of bridges that could not create their aliases, and of aliases that cannot be created.
#[test]
fn reported_aliases_are_decided_as_synapse_does() {
    replay("reported.jsonl", 14);
}

fn replay(file: &str, least: usize) {
    let mut wrong = Vec::new();
    let mut asked = 0;
    let hasher = TokenHasher::new();
    let mut scratch = Scratch::new();
    for set in lines(file) {
        let registrations = set["registrations"].as_array().expect("a list");
        let services = services(
            registrations.iter().map(|content| load(&hasher, "set.yaml", content.to_string().as_bytes())).collect(),
        );
        for question in set["questions"].as_array().expect("a list") {
            asked += 1;
            let decision = at_endpoint(&services, question, &mut scratch);
            let expected = (question["allowed"].as_bool().expect("a verdict"), question["errcode"].as_str());
            if decision != expected {
                wrong.push(format!("{question}: bailiwick says {decision:?}, of {}", set["registrations"]));
            }
        }
    }
    assert!(asked >= least, "only {asked} answers");
    assert!(wrong.is_empty(), "{} of {asked} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn at_endpoint(services: &Services, question: &Value, scratch: &mut Scratch) -> (bool, Option<&'static str>) {
    let text = |key: &str| question[key].as_str();
    let asker = match question["ask"].as_str() {
        Some("available") => Asker::Availability,
        _ => by_id(services, text("as_id")),
    };
    let decision = if let Some(alias) = text("alias") {
        let alias = MatrixId::of_any_length(alias).expect("an alias");
        services.may_create_alias(alias, asker, text("user_id"), scratch)
    } else {
        services.may_register(asker, UserName::Localpart(text("localpart").expect("a localpart")), scratch)
    };
    (decision.allowed, decision.errcode.map(bailiwick::matrix::ErrCode::as_str))
}

fn bridge(file: &str, users: &[&str]) -> Services {
    let users: Vec<Value> = users.iter().map(|regex| serde_json::json!({"exclusive": true, "regex": regex})).collect();
    let content = serde_json::json!({
        "id": "wechat", "url": null, "as_token": "a", "hs_token": "h", "sender_localpart": "MadeUp",
        "namespaces": {"users": users},
    });
    services(List::from_iter([load(&TokenHasher::new(), file, content.to_string().as_bytes())]))
}

/// A bridge's own configuration says another name than its registration: the answer shows both, and where.
#[test]
fn who_asks_outside_of_its_namespace_is_told_what_it_does_claim() {
    let regexes = ["@_wechat_.*", r"^@wechat_bot:example\.com$", "@x", "@y", "@z"];
    for (count, expected) in [
        (0, "wechat.yaml has no `users` entries, and its own user is `MadeUp` (line 1)"),
        (1, "the `users` entries of wechat.yaml are `@_wechat_.*` (line 1), and its own"),
        (2, r"are `^@wechat_bot:example\.com$` (line 1), `@_wechat_.*` (line 1), and its own user"),
        (5, r"the nearest of the 5 `users` entries of wechat.yaml are `^@wechat_bot:example\.com$` (line 1), `@"),
    ] {
        let services = bridge("wechat.yaml", &regexes[..count]);
        let asker = by_id(&services, Some("wechat"));
        let decision = services.may_register(asker, UserName::Localpart("wechatbot"), &mut Scratch::new());
        let error = decision.error.expect("it is outside");
        assert!(error.contains(expected) && error.contains("must agree"), "{count}: {error}");
    }
}

/// Registration turns capitals into small letters; who asks before, whether a name is free, is told that they are not.
#[test]
fn a_name_as_typed_is_not_lower_cased() {
    let services = bridge("slack.yaml", &["^@slack_.*"]);
    let decide = |asker, name| {
        let decision = services.may_register(asker, UserName::Localpart(name), &mut Scratch::new());
        decision.errcode.map(bailiwick::matrix::ErrCode::as_str)
    };
    for (name, registered, available) in [
        ("FAQbot", None, Some("M_INVALID_USERNAME")),
        ("Slack_Acme", Some("M_EXCLUSIVE"), Some("M_INVALID_USERNAME")),
        ("slack_acme", Some("M_EXCLUSIVE"), Some("M_EXCLUSIVE")),
        ("_x", Some("M_INVALID_USERNAME"), Some("M_INVALID_USERNAME")),
        ("alice", None, None),
    ] {
        assert_eq!(decide(Asker::Person, name), registered, "{name} registered");
        assert_eq!(decide(Asker::Availability, name), available, "{name} available");
    }
}

/// The server part is easily forgotten, and then nobody claims the ID.
#[test]
fn an_id_that_is_not_of_this_server_says_so() {
    let services = bridge("slack.yaml", &["^@slack_.*:example.com"]);
    let said = |id| {
        let id = MatrixId::parse(id).expect("an ID");
        serde_json::to_value(services.ownership(id, &mut Scratch::new())).expect("JSON")["local"].clone()
    };
    for id in ["@slack_x", "@slack_x:example.org", "#slack_x", "@slack_x:example.com:8448"] {
        assert_eq!(said(id), false, "{id}");
    }
    for id in ["@slack_x:example.com", "#x:example.com", "!room", "!room:example.org"] {
        assert_eq!(said(id), Value::Null, "{id}");
    }
}
