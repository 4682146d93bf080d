//! Claims and decisions are what Synapse said when `oracle/rulings.py` asked it.

use std::path::Path;
use std::sync::Arc;

use bailiwick::index::Scratch;
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, Registration, Token, TokenHasher};
use bailiwick::ruling::{Asker, ClaimVia, Services, UserName};
use serde_json::Value;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ruling");

fn lines(file: &str) -> impl Iterator<Item = Value> {
    let text = std::fs::read_to_string(Path::new(DATA).join(file)).expect("recorded data is committed");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON value a line")).collect::<Vec<_>>().into_iter()
}

fn load(hasher: &TokenHasher, name: &str, bytes: &[u8]) -> Arc<Registration> {
    let file: Arc<str> = name.into();
    match registration::load(&file, bytes, hasher) {
        Ok(registration) => Arc::new(registration),
        Err(faults) => panic!("{name}: {faults:?}"),
    }
}

fn services(registrations: Vec<Arc<Registration>>) -> Services {
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
    let mut wrong = Vec::new();
    let mut asked = 0;
    let hasher = TokenHasher::new();
    let mut scratch = Scratch::new();
    for set in lines("endpoints.jsonl") {
        let registrations = set["registrations"].as_array().expect("a list");
        let services = services(
            registrations.iter().map(|content| load(&hasher, "set.yaml", content.to_string().as_bytes())).collect(),
        );
        for question in set["questions"].as_array().expect("a list") {
            asked += 1;
            let decision = at_endpoint(&services, question, &mut scratch);
            if decision != (question["allowed"].as_bool().expect("a verdict"), question["errcode"].as_str()) {
                wrong.push(format!("{question}: bailiwick says {decision:?}, of {}", set["registrations"]));
            }
        }
    }
    assert!(asked >= 1_000, "only {asked} answers");
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
