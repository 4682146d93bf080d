//! The early word: what a proxy is told before it passes a question on to the homeserver.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Answer, Service, registration};

const PATH: &str = "/_matrix/client/v3/register/available";

/// One service that holds `@telegram_.*`, as the recorded Synapse had it.
fn scene(arguments: &[&str]) -> (TempDir, Service) {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("telegram.yaml"), registration("telegram", "telegram_")).expect("written");
    let service = Service::start_with(&[home.path()], &[&["--server-name", "hs1.test"], arguments].concat());
    (home, service)
}

fn asked(service: &Service, query: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    let head = "Host: localhost\r\nConnection: close";
    service.send(format!("GET {PATH}{query} HTTP/1.1\r\n{head}\r\n{headers}\r\n").as_bytes()).expect("an answer")
}

fn verdict(answer: &Answer) -> (u16, Value) {
    let said = answer.json();
    match answer.status {
        200 => assert_eq!(said, json!({"available": true})),
        _ => assert!(said["error"].is_string() && said.as_object().is_some_and(|said| said.len() == 2), "{said}"),
    }
    (answer.status, said["errcode"].clone())
}

#[test]
fn a_query_is_read_as_synapse_reads_it() {
    let (_home, service) = scene(&[]);
    let recorded = include_str!("../data/ruling/spellings.jsonl");
    let mut asked_about = 0;
    for line in recorded.lines() {
        let case: Value = serde_json::from_str(line).expect("a case");
        let query = case[0].as_str().expect("a query");
        let expected = (u16::try_from(case[1].as_u64().expect("a status")).expect("a status"), case[2].clone());
        // As a proxy hands it on, in either header.
        let forwarded = format!("{PATH}?{query}");
        for header in ["X-Forwarded-Uri", "X-Original-Uri", "x-original-uri"] {
            assert_eq!(verdict(&asked(&service, "", &[(header, &forwarded)])), expected, "{query} in {header}");
        }
        // What stands behind a `#` never arrives here by itself, which Synapse takes as a part of the query.
        if !query.contains('#') {
            assert_eq!(verdict(&asked(&service, &format!("?{query}"), &[])), expected, "{query}");
            let with_status = verdict(&asked(&service, &format!("?{query}&status=403"), &[]));
            let refused = if expected.0 == 200 { 200 } else { 403 };
            assert_eq!(with_status.0, refused, "{query}");
        }
        asked_about += 1;
    }
    assert!(asked_about > 70, "only {asked_about} cases");
}

#[test]
fn all_who_name_a_name_name_the_same() {
    let (_home, service) = scene(&[]);
    let free = format!("{PATH}?username=alice");
    let held = format!("{PATH}?username=telegram_1");
    let mas = |name: &str| format!("/_synapse/mas/is_localpart_available?localpart={name}");
    let refused = |query: &str, headers: &[(&str, &str)]| {
        let answer = asked(&service, query, headers);
        assert_eq!(answer.status, 400, "{query} {headers:?}: {}", answer.text());
        verdict(&answer).1
    };
    let allowed = |query: &str, headers: &[(&str, &str)]| {
        let answer = asked(&service, query, headers);
        assert_eq!(answer.status, 200, "{query} {headers:?}: {}", answer.text());
    };
    allowed("", &[("X-Forwarded-Uri", &free), ("X-Original-Uri", &free)]);
    allowed("?username=alice", &[("X-Forwarded-Uri", &free)]);
    allowed("", &[("X-Forwarded-Uri", &mas("alice"))]);
    allowed("", &[("X-Forwarded-Uri", "https://hs1.test/x?username=alice")]);
    // The proxy has said one thing, and its client another in a header of the other kind, or of the same.
    assert_eq!(refused("", &[("X-Forwarded-Uri", &held), ("X-Original-Uri", &free)]), "M_INVALID_PARAM");
    assert_eq!(refused("", &[("X-Original-Uri", &free), ("X-Forwarded-Uri", &held)]), "M_INVALID_PARAM");
    assert_eq!(refused("", &[("X-Forwarded-Uri", &free), ("X-Forwarded-Uri", &held)]), "M_INVALID_PARAM");
    assert_eq!(refused("?username=alice", &[("X-Forwarded-Uri", &held)]), "M_INVALID_PARAM");
    assert_eq!(refused("", &[("X-Forwarded-Uri", &format!("{free}&localpart=telegram_1"))]), "M_INVALID_PARAM");
    assert_eq!(refused("", &[("X-Original-Uri", &mas("telegram_1"))]), "M_EXCLUSIVE");
    // No name is no question, whatever else names one.
    assert_eq!(refused("", &[]), "M_MISSING_PARAM");
    assert_eq!(refused("", &[("X-Forwarded-Uri", PATH)]), "M_MISSING_PARAM");
    assert_eq!(refused("?username=alice", &[("X-Forwarded-Uri", PATH)]), "M_MISSING_PARAM");
    assert_eq!(refused("", &[("X-Forwarded-Uri", "/x?username=al\u{ef}ce")]), "M_UNKNOWN");
    assert_eq!(refused("?localpart=alice", &[]), "M_MISSING_PARAM");
}

#[test]
fn a_stranger_is_told_in_public_words() {
    let (_home, service) = scene(&[]);
    let answer = asked(&service, "?username=telegram_1", &[]);
    assert_eq!(answer.json(), json!({"errcode": "M_EXCLUSIVE", "error": "this name is reserved"}));
    assert!(answer.head.to_ascii_lowercase().contains("cache-control: no-store"), "{}", answer.head);
    let head = service.request("HEAD", &format!("{PATH}?username=telegram_1"), b"");
    assert_eq!((head.status, head.body.len()), (400, 0));
    assert_eq!(service.request("POST", &format!("{PATH}?username=alice"), b"").status, 405);
    assert_eq!(service.metric("bailiwick_decisions_total{reason=\"reserved\"}").as_deref(), Some("2"));
}

#[test]
fn a_token_of_the_least_role_will_do_and_none_will_not() {
    const REGISTER: &str = "register-token-0123456789";
    let tokens = tempfile::NamedTempFile::new().expect("a file");
    fs::write(tokens.path(), format!("register {REGISTER}\n")).expect("written");
    let (_home, service) = scene(&["--auth-token-file", tokens.path().to_str().expect("UTF-8")]);
    let none = asked(&service, "?username=alice&status=403", &[]);
    assert_eq!((none.status, none.json()["errcode"].clone()), (401, json!("M_MISSING_TOKEN")));
    let bearer = format!("Bearer {REGISTER}");
    assert_eq!(asked(&service, "?username=alice", &[("Authorization", &bearer)]).status, 200);
    assert_eq!(asked(&service, "?username=telegram_1", &[("Authorization", &bearer)]).status, 400);
}

/// While a file has never loaded, it is not known what it holds.
#[test]
fn what_cannot_be_told_is_not_available() {
    let (home, service) = scene(&["--when-incomplete", "refuse"]);
    fs::write(home.path().join("another.yaml"), "nonsense").expect("written");
    service.wait("to see the file", |service| service.status("registrations")["quarantined"] == 1);
    let answer = asked(&service, "?username=alice", &[]);
    assert_eq!(verdict(&answer), (400, json!("M_UNKNOWN")));
}
