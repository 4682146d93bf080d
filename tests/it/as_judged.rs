//! Whoever loads the files by itself can tell whether they are the ones that were judged.

use std::fs;
use std::path::Path;

use bailiwick::registration::SourceDigest;
use serde_json::{Value, json};

use super::support::{Service, registration};

const READ: &str = "read-token-0123456789";
const ADMIN: &str = "admin-token-0123456789";

fn listed(service: &Service, token: &str) -> Vec<Value> {
    let head = "GET /v1/registrations HTTP/1.1\r\nHost: localhost\r\nConnection: close";
    let answer =
        service.send(format!("{head}\r\nAuthorization: Bearer {token}\r\n\r\n").as_bytes()).expect("an answer");
    answer.json()["registrations"].as_array().expect("a list").clone()
}

/// The state of the only file, and the digest of what is in force of it, as an operator is told.
fn told(service: &Service) -> (String, Value) {
    let [file] = &listed(service, ADMIN)[..] else { panic!("one file") };
    (file["state"].as_str().expect("a state").to_owned(), file["sha256"].clone())
}

fn put(file: &Path, content: &str) -> Value {
    let new = file.with_extension("new");
    fs::write(&new, content).expect("written");
    fs::rename(new, file).expect("moved");
    serde_json::to_value(SourceDigest::of(content.as_bytes())).expect("a string")
}

#[test]
fn operators_are_told_the_digest_of_the_bytes_in_force_and_nobody_else_is() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (dir, tokens) = (home.path().join("registrations"), home.path().join("tokens"));
    fs::create_dir(&dir).expect("a directory");
    fs::write(&tokens, format!("read {READ}\nadmin {ADMIN}\n")).expect("written");
    let file = dir.join("irc.yaml");
    let first = put(&file, &registration("irc", "irc_"));
    let tokens = tokens.to_str().expect("UTF-8");
    let service = Service::start_with(&[&dir], &["--server-name", "example.com", "--auth-token-file", tokens]);
    assert_eq!(told(&service), ("active".to_owned(), first.clone()));
    let [read] = &listed(&service, READ)[..] else { panic!("one file") };
    assert_eq!((&read["id"], read.get("sha256")), (&json!("irc"), None));
    // What does not load is on disk, and not what is in force.
    put(&file, "nonsense");
    service.wait("to see what does not load", |service| told(service).0 == "stale");
    assert_eq!(told(&service).1, first);
    // What it gives up is held besides what its bytes say.
    let second = put(&file, &registration("irc", "libera_"));
    service.wait("to hold what is given up", |service| told(service).0 == "held");
    assert_eq!(told(&service).1, second);
}

#[test]
fn a_file_that_never_loaded_has_no_digest() {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("a.yaml"), "nonsense").expect("written");
    let service = Service::start(&[home.path()]);
    let [file] = &listed(&service, ADMIN)[..] else { panic!("one file") };
    assert_eq!((&file["state"], file.get("sha256")), (&json!("quarantined"), None));
}
