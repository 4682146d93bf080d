//! What is decided while a registration has never loaded: whatever it claims is not known.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Service, registration};

/// Files of which one is broken from the start.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("irc.yaml"), registration("irc", "irc_")).expect("written");
    let shared = registration("double", "").replace("exclusive: true", "exclusive: false");
    fs::write(home.path().join("double.yaml"), shared).expect("written");
    fs::write(home.path().join("broken.yaml"), "id: [").expect("written");
    home
}

fn decided(service: &Service, question: &Value) -> (Value, Value, Value) {
    let path = if question["alias"].is_null() { "/v1/may-register" } else { "/v1/may-create-alias" };
    let answer = service.post(path, question).json();
    (answer["allowed"].clone(), answer["reason"].clone(), answer["complete"].clone())
}

#[test]
fn nothing_is_given_away_while_claims_are_missing() {
    let home = home();
    let service = Service::start_with(&[home.path()], &["--server-name", "example.com", "--when-incomplete", "refuse"]);
    let person = json!({"localpart": "alice"});
    let alias = json!({"alias": "#alice:example.com"});
    for question in [&person, &alias] {
        assert_eq!(decided(&service, question), (json!(false), json!("incomplete"), json!(false)), "{question}");
    }
    let answer = service.post("/v1/may-register", &person).json();
    assert_eq!(answer["errcode"], "M_UNKNOWN");
    assert!(answer["error"].as_str().is_some_and(|error| error.contains("never loaded")), "{answer}");
    assert_eq!(answer["message"], "it cannot be told at present whether this is reserved");
    assert_eq!(service.metric("bailiwick_decisions_total{reason=\"incomplete\"}").as_deref(), Some("3"));
    // What is known is decided as ever, and bridges go on.
    let own = json!({"user_id": "@irc_bob:example.com", "as_id": "irc"});
    assert_eq!(decided(&service, &own), (json!(true), json!("own_namespace"), json!(false)));
    let reserved = json!({"localpart": "irc_bob"});
    assert_eq!(decided(&service, &reserved), (json!(false), json!("reserved"), json!(false)));
    // Mended: that is over.
    fs::write(home.path().join("broken.yaml"), registration("mended", "mended_")).expect("written");
    service
        .wait("to load the file", |service| decided(service, &person) == (json!(true), json!("shared"), json!(true)));
    assert_eq!(decided(&service, &alias), (json!(true), json!("unclaimed"), json!(true)));
    // A file that breaks later keeps its names in force: nothing is missing.
    fs::write(home.path().join("broken.yaml"), "id: [").expect("written");
    service.wait("to notice", |service| decided(service, &person) == (json!(true), json!("shared"), json!(false)));
}

#[test]
fn unless_it_is_told_otherwise_it_answers_by_what_it_knows() {
    let home = home();
    let service = Service::start(&[home.path()]);
    assert_eq!(decided(&service, &json!({"localpart": "alice"})), (json!(true), json!("shared"), json!(false)));
}
