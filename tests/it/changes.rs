//! Whoever keeps answers learns which of them are no longer right.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Answer, Service, registration};

const AT_ONCE: [&str; 4] = ["--server-name", "example.com", "--hold", "0"];

struct Scene {
    _home: TempDir,
    dir: PathBuf,
    service: Service,
}

/// A directory with one registration, served.
fn scene(arguments: &[&str]) -> Scene {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().join("registrations");
    fs::create_dir(&dir).expect("a directory");
    put(&dir, "irc.yaml", &registration("irc", "irc_"));
    let service = Service::start_with(&[&dir], &[&AT_ONCE, arguments].concat());
    Scene { _home: home, dir, service }
}

fn put(dir: &Path, name: &str, content: &str) {
    fs::write(dir.join(".new"), content).expect("written");
    fs::rename(dir.join(".new"), dir.join(name)).expect("moved");
}

fn snapshot(service: &Service) -> String {
    service.status("snapshot").as_str().expect("a digest").to_owned()
}

fn request(since: &str, wait: usize, more: &str) -> String {
    format!("GET /v1/changes?since={since}&wait={wait} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n")
}

fn ask(service: &Service, since: &str, wait: usize) -> Value {
    let answer = service.send(request(since, wait, "").as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.into_iter().find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
}

fn wait_for_waiting(service: &Service, count: usize) {
    service.wait(&format!("to let {count} wait"), |service| {
        service.metric("bailiwick_http_waiting_requests") == Some(count.to_string())
    });
}

#[test]
fn who_waits_is_told_what_has_changed() {
    let Scene { dir, service, .. } = &scene(&[]);
    let first = snapshot(service);
    let told = thread::scope(|threads| {
        let waiting = threads.spawn(|| ask(service, &first, 60));
        wait_for_waiting(service, 1);
        put(dir, "tg.yaml", &registration("tg", "tg_"));
        waiting.join().expect("it is answered")
    });
    let second = snapshot(service);
    let added = json!({
        "since": first, "reset": false, "snapshot": second, "complete": true,
        "changes": [{"as_id": "tg", "change": "added", "touched": {
            "user": [{"id": "@tg-bot:example.com"}, {"prefix": "@tg_"}], "alias": [], "room": [],
        }}],
    });
    assert_eq!(told, added);
    // Whoever comes later is told the same at once, and of all that came after.
    assert_eq!(ask(service, &first, 60), added);
    put(dir, "tg.yaml", &registration("tg", "telegram_"));
    fs::remove_file(dir.join("irc.yaml")).expect("removed");
    service
        .wait("to see both", |service| service.status("registrations")["active"] == 1 && snapshot(service) != second);
    service.wait("to see both", |service| service.claimants("@telegram_1:example.com") == ["tg"]);
    service.lets_go_of("@tg_1:example.com");
    let told = ask(service, &second, 60);
    let mut changes = told["changes"].as_array().expect("changes").clone();
    changes.sort_by_key(|change| change["as_id"].to_string());
    let expected = json!([
        {"as_id": "irc", "change": "removed", "touched": {
            "user": [{"id": "@irc-bot:example.com"}, {"prefix": "@irc_"}], "alias": [], "room": [],
        }},
        {"as_id": "tg", "change": "changed", "touched": {
            "user": [{"prefix": "@telegram_"}, {"prefix": "@tg_"}], "alias": [], "room": [],
        }},
    ]);
    assert_eq!(json!(changes), expected);
    assert_eq!(ask(service, &first, 60)["changes"].as_array().map(Vec::len), Some(2));
}

#[test]
fn nothing_new_is_said_so_with_a_tag() {
    // Longer than a request may take.
    let Scene { service, .. } = &scene(&["--request-timeout", "1"]);
    let digest = snapshot(service);
    let nothing = service.send(request(&digest, 2, "").as_bytes()).expect("an answer");
    let expected = json!({"since": digest, "reset": false, "changes": [], "snapshot": digest, "complete": true});
    assert_eq!((nothing.status, nothing.json()), (200, expected));
    let tag = header(&nothing, "etag").expect("a tag");
    assert_eq!(tag, format!("\"{digest}\""));
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let more = format!("If-None-Match: {known}\r\n");
        let answer = service.send(request(&digest, 0, &more).as_bytes()).expect("an answer");
        assert_eq!((answer.status, header(&answer, "etag"), answer.text()), (304, Some(tag), String::new()), "{known}");
    }
    // What is not known here is answered at once.
    let unknown = ask(service, "0123456789abcdef0123456789abcdef", 60);
    assert_eq!(
        (&unknown["reset"], &unknown["snapshot"], &unknown["changes"]),
        (&json!(true), &json!(digest), &json!([]))
    );
    let none = service.get("/v1/changes").json();
    assert_eq!((&none["reset"], &none["since"], &none["snapshot"]), (&json!(true), &json!(null), &json!(digest)));
    for wrong in ["wait=61", "wait=-1", "wait=x", "wait=", "since=a&since=b", "until=x"] {
        assert_eq!(service.get(&format!("/v1/changes?since={digest}&{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn that_a_set_is_no_longer_complete_is_told_too() {
    let Scene { dir, service, .. } = &scene(&[]);
    let digest = snapshot(service);
    let tagged = |tag: &str, wait| {
        let more = format!("If-None-Match: {tag}\r\n");
        service.send(request(&digest, wait, &more).as_bytes()).expect("an answer")
    };
    let tag = format!("\"{digest}\"");
    let told = thread::scope(|threads| {
        let waiting = threads.spawn(|| tagged(&tag, 60));
        wait_for_waiting(service, 1);
        put(dir, "irc.yaml", "nonsense");
        waiting.join().expect("it is answered")
    });
    let expected = json!({"since": digest, "reset": false, "changes": [], "snapshot": digest, "complete": false});
    assert_eq!((told.status, told.json()), (200, expected));
    // Who has been told waits; who has not is told at once.
    let incomplete = header(&told, "etag").expect("a tag").to_owned();
    assert_ne!(incomplete, tag);
    assert_eq!(tagged(&incomplete, 0).status, 304);
    assert_eq!(tagged(&tag, 60).json()["complete"], false);
}

#[test]
fn between_what_is_refused_for_want_of_claims_and_what_is_not_everything_differs() {
    let Scene { dir, service, .. } = &scene(&["--when-incomplete", "refuse"]);
    let first = snapshot(service);
    let told = thread::scope(|threads| {
        let waiting = threads.spawn(|| service.send(request(&first, 60, "").as_bytes()).expect("an answer"));
        wait_for_waiting(service, 1);
        put(dir, "tg.yaml", "nonsense");
        waiting.join().expect("it is answered")
    });
    // The bytes in force are the same, and the answers are not.
    assert_eq!((&told.json()["snapshot"], &told.json()["reset"]), (&json!(first), &json!(true)));
    let more = format!("If-None-Match: {}\r\n", header(&told, "etag").expect("a tag"));
    let told = thread::scope(|threads| {
        let waiting = threads.spawn(|| service.send(request(&first, 60, &more).as_bytes()).expect("an answer"));
        wait_for_waiting(service, 1);
        put(dir, "tg.yaml", &registration("tg", "tg_"));
        waiting.join().expect("it is answered")
    });
    assert_eq!((&told.json()["complete"], &told.json()["reset"]), (&json!(true), &json!(true)));
}

#[test]
fn replicas_with_the_same_bytes_know_each_other_and_others_say_so() {
    let Scene { dir, service, .. } = &scene(&[]);
    let replica = Service::start_with(&[dir], &AT_ONCE);
    let other = Service::start_with(&[dir], &["--server-name", "other.example"]);
    let first = snapshot(service);
    assert_eq!(ask(&replica, &first, 0)["reset"], false);
    put(dir, "tg.yaml", &registration("tg", "tg_"));
    assert_eq!(ask(&replica, &first, 60)["changes"][0]["as_id"], "tg");
    // A client that is led to another set behind its back starts anew.
    other.wait("to have it, too", |service| service.claimants("@tg_a:other.example") == ["tg"]);
    let reset = ask(&other, &first, 60);
    assert_eq!((&reset["reset"], &reset["snapshot"]), (&json!(true), &json!(snapshot(&other))));
}

/// Asks on so many connections, and leaves them open.
fn waiting(service: &Service, since: &str, count: usize) -> Vec<UnixStream> {
    let connections = (0..count).map(|_| {
        let mut connection = UnixStream::connect(service.socket()).expect("connects");
        connection.write_all(request(since, 60, "").as_bytes()).expect("sent");
        connection
    });
    connections.collect()
}

fn read(mut connection: UnixStream) -> String {
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_thousand_wait_for_one_change() {
    // This process holds an end of each connection.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("as many files as are allowed");
    let Scene { dir, service, .. } = &scene(&[]);
    let first = snapshot(service);
    let connections = waiting(service, &first, 1_000);
    wait_for_waiting(service, 1_000);
    // They are in nobody's way.
    assert_eq!(service.claimants("@irc_a:example.com"), ["irc"]);
    put(dir, "tg.yaml", &registration("tg", "tg_"));
    for connection in connections {
        let answer = read(connection);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"prefix\":\"@tg_\""), "{answer}");
    }
    wait_for_waiting(service, 0);
}

#[test]
fn no_more_wait_than_leave_connections_for_others() {
    let Scene { service, .. } = &scene(&["--max-connections", "20"]);
    let first = snapshot(service);
    // Half of what both threads take.
    let connections = waiting(service, &first, 10);
    wait_for_waiting(service, 10);
    let refused = service.send(request(&first, 60, "").as_bytes()).expect("an answer");
    assert_eq!((refused.status, refused.json()["errcode"].clone()), (429, json!("M_LIMIT_EXCEEDED")));
    assert!(header(&refused, "retry-after").is_some(), "{}", refused.head);
    assert_eq!(ask(service, &first, 0)["reset"], false);
    // Who leaves makes room.
    drop(connections);
    wait_for_waiting(service, 0);
    assert_eq!(ask(service, &first, 1)["reset"], false);
}

#[test]
fn who_waits_is_answered_when_the_service_is_told_to_stop() {
    let Scene { service, .. } = &mut scene(&["--shutdown-timeout", "600"]);
    let first = snapshot(service);
    let connections = waiting(service, &first, 10);
    wait_for_waiting(service, 10);
    service.signal("-TERM");
    for connection in connections {
        let answer = read(connection);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"changes\":[]"), "{answer}");
    }
    assert!(service.ended().success());
}

#[test]
fn findings_are_waited_for() {
    let Scene { dir, service, .. } = &scene(&[]);
    let first = snapshot(service);
    put(dir, "tg.yaml", &registration("tg", "irc_"));
    let second = ask(service, &first, 60)["snapshot"].clone();
    let found = service.get("/v1/conflicts?code=exclusive-conflict&wait=60").json();
    assert_eq!((&found["snapshot"], &found["total"]), (&second, &json!(1)));
    assert_eq!(service.get("/v1/conflicts?wait=x").status, 400);
}
