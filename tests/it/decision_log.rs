//! Decisions on record: which, in what form, and that nobody waits for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Service, examples};

struct Recorded {
    home: TempDir,
    service: Service,
}

impl Recorded {
    fn with(more: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let service = start(&home.path().join("decisions"), more);
        Self { home, service }
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("decisions")
    }

    /// The records, once there are so many.
    fn records(&self, count: usize) -> Vec<Value> {
        self.service.wait("to record", |_| lines(&self.path()).len() >= count);
        let records = lines(&self.path());
        assert_eq!(records.len(), count, "{records:?}");
        records
    }

    /// Asks whether a person may have a name, and says what the decision is called.
    fn ask(&self, name: &str) -> Option<String> {
        let answer = self.service.post("/v1/may-register", &json!({"localpart": name}));
        assert_eq!(answer.status, 200, "{answer:?}");
        let line = answer.head.lines().find_map(|line| line.strip_prefix("bailiwick-decision-id: "));
        line.map(str::to_owned)
    }

    fn counted(&self, what: &str) -> u64 {
        let line = format!("bailiwick_decision_log_{what}_total");
        self.service.metric(&line).expect("a metric").parse().expect("a number")
    }
}

fn start(log: &Path, more: &[&str]) -> Service {
    let log = log.to_str().expect("UTF-8");
    Service::start_with(&[&examples()], &[&["--server-name", "example.com", "--decision-log", log], more].concat())
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn a_refusal_is_on_record_and_its_answer_says_by_which_name() {
    let recorded = Recorded::with(&[]);
    assert_eq!(recorded.ask("alice"), None, "what is allowed is nobody's business");
    let id = recorded.ask("telegram_4711").expect("an id");
    let [record] = &*recorded.records(1) else { panic!("one") };
    assert_eq!(record["decision_id"], json!(id));
    assert_eq!(id.len(), 26);
    for (key, expected) in [
        ("path", json!("/v1/may-register")),
        ("input", json!({"localpart": "telegram_4711", "as_id": null})),
        ("result", json!({"allowed": false, "reason": "reserved", "errcode": "M_EXCLUSIVE", "as_ids": ["telegram"]})),
        ("snapshot", recorded.service.status("snapshot")),
        ("complete", json!(true)),
        ("requested_by", json!("anybody")),
    ] {
        assert_eq!(record[key], expected, "{key}");
    }
    let time = record["timestamp"].as_str().expect("a time");
    assert!(time.starts_with("20") && time.ends_with('Z') && time.len() == 24, "{time}");
    assert!(record["us"].is_u64());
}

#[test]
fn every_question_that_is_decided_is_on_record_when_all_are() {
    let recorded = Recorded::with(&["--decision-log-of", "all"]);
    let ask = |target: &str, body: Value| recorded.service.post(target, &body);
    let first = recorded.ask("alice").expect("an id");
    ask("/v1/may-register", json!({"user_id": "@irc_bob:example.com", "as_id": "heisenbridge"}));
    ask("/v1/may-create-alias", json!({"alias": "#irc_rust:example.com", "user_id": "@alice:example.com"}));
    ask("/v1/may-act", json!({"user_id": "@alice:example.com", "as_id": "telegram"}));
    recorded.service.get("/_matrix/client/v3/register/available?username=Carol");
    // Nothing is decided by these.
    ask("/v1/owners", json!({"ids": ["@alice:example.com"]}));
    ask("/v1/may-register", json!({}));
    let records = recorded.records(5);
    let said: Vec<(&str, &Value)> =
        records.iter().map(|record| (record["path"].as_str().expect("a path"), &record["input"])).collect();
    assert_eq!(
        said,
        [
            ("/v1/may-register", &json!({"localpart": "alice", "as_id": null})),
            ("/v1/may-register", &json!({"user_id": "@irc_bob:example.com", "as_id": "heisenbridge"})),
            (
                "/v1/may-create-alias",
                &json!({"user_id": "@alice:example.com", "alias": "#irc_rust:example.com", "as_id": null})
            ),
            ("/v1/may-act", &json!({"user_id": "@alice:example.com", "as_id": "telegram"})),
            ("/_matrix/client/v3/register/available", &json!({"localpart": "Carol", "as_id": null})),
        ]
    );
    assert!(records.iter().all(|record| record["decision_id"].as_str() >= Some(&first[..10])));
}

#[test]
fn names_may_be_digests_and_tokens_never_are_anything() {
    let recorded = Recorded::with(&["--decision-log-hash"]);
    recorded.ask("telegram_1");
    recorded.ask("telegram_1");
    recorded.ask("telegram_2");
    let token = "an-as-token-that-nobody-has-0123456789";
    recorded.service.post("/v1/may-register", &json!({"user_id": "@telegram_1:example.com", "as_token": token}));
    let records = recorded.records(4);
    let text = fs::read_to_string(recorded.path()).expect("read");
    assert!(!text.contains("telegram_1") && !text.contains(token), "{text}");
    let name = |at: usize| records[at]["input"]["localpart"].as_str().expect("a digest");
    assert!(name(0).starts_with("blake3:") && name(0) == name(1) && name(0) != name(2));
    assert_eq!(records[3]["result"]["reason"], "unknown_as");
}

#[test]
fn a_token_in_the_place_of_a_name_is_not_put_on_record() {
    let recorded = Recorded::with(&["--decision-log-of", "all"]);
    // Of examples/registrations/mautrix-telegram.yaml.
    let token = "tg_as_6yWJk3vQ1nRz8LxTf0aB";
    recorded.ask(token);
    recorded.service.post("/v1/may-register", &json!({"user_id": "@alice:example.com", "as_id": token}));
    let records = recorded.records(2);
    assert_eq!(
        (&records[0]["input"]["localpart"], &records[1]["input"]["as_id"]),
        (&json!("(a token)"), &json!("(a token)"))
    );
}

#[test]
fn what_is_too_long_for_a_name_is_on_record_by_its_beginning() {
    let recorded = Recorded::with(&[]);
    let long = "ä".repeat(100_000);
    recorded.service.post("/v1/may-register", &json!({"localpart": "alice", "as_id": long}));
    let [record] = &*recorded.records(1) else { panic!("one") };
    let text = record["input"]["as_id"].as_str().expect("a text");
    assert!(text.starts_with("ää") && text.ends_with('…') && text.chars().count() < 1_000, "{}", text.len());
}

#[test]
fn a_page_that_may_ask_may_see_what_the_decision_is_called() {
    let origin = "https://register.example.com";
    let recorded = Recorded::with(&["--cors-origin", origin]);
    let exposed = |name: &str| {
        let request = format!(
            "GET /v1/may-register?localpart={name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: {origin}\r\n\r\n"
        );
        let answer = recorded.service.send(request.as_bytes()).expect("an answer");
        answer.head.lines().any(|line| line == "access-control-expose-headers: bailiwick-decision-id")
    };
    assert_eq!((exposed("telegram_1"), exposed("alice")), (true, false));
}

#[test]
fn who_asks_is_known_by_the_name_of_the_token() {
    let tokens = tempfile::NamedTempFile::new().expect("a file");
    let (web, other) = ("web-token-0123456789abcdef", "other-token-0123456789abcdef");
    fs::write(tokens.path(), format!("register web {web}\nread {other}\n")).expect("written");
    let path = tokens.path().to_str().expect("UTF-8");
    let recorded = Recorded::with(&["--auth-token-file", path, "--log-level", "debug", "--log-format", "json"]);
    for token in [web, other] {
        let request = format!(
            "GET /v1/may-register?localpart=telegram_1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        assert_eq!(recorded.service.send(request.as_bytes()).expect("an answer").status, 200);
    }
    let records = recorded.records(2);
    let by: Vec<&Value> = records.iter().map(|record| &record["requested_by"]).collect();
    assert_eq!(by, [&json!("token:web"), &json!("role:read")]);
    // The access log says what the caller may do beside how it is called, and of nobody a role.
    let metrics = recorded.service.get("/metrics").text();
    for said in [
        "\"role\":\"register\",\"caller\":\"token:web\"",
        "\"role\":\"read\",\"caller\":\"role:read\"",
        "\"caller\":\"anybody\"",
    ] {
        recorded.service.says(said);
    }
    let open = |line: &&str| line.contains("\"caller\":\"anybody\"");
    assert!(recorded.service.log().lines().filter(open).all(|line| !line.contains("\"role\"")));
    for line in
        ["bailiwick_token_requests_total{token=\"web\"} 1", "bailiwick_token_requests_total{token=\"unnamed\"} 1"]
    {
        assert!(metrics.lines().any(|known| known == line), "`{line}` is not in\n{metrics}");
    }
    assert!(!metrics.contains(web) && !fs::read_to_string(recorded.path()).expect("read").contains(web));
}

#[test]
fn a_log_that_was_moved_away_is_begun_anew_on_a_hangup() {
    let recorded = Recorded::with(&[]);
    recorded.ask("telegram_1");
    recorded.records(1);
    let moved = recorded.home.path().join("decisions.1");
    fs::rename(recorded.path(), &moved).expect("moved");
    recorded.service.signal("-HUP");
    recorded.service.wait("to open it again", |_| {
        recorded.ask("telegram_2");
        recorded.path().exists()
    });
    recorded.service.wait("to record", |_| !lines(&recorded.path()).is_empty());
    assert_eq!(recorded.counted("dropped"), 0);
    let all = lines(&moved).len() + lines(&recorded.path()).len();
    assert_eq!(u64::try_from(all).ok(), Some(recorded.counted("written")));
}

/// Asks so often, each time of an answer that is on record.
fn ask_many(service: &Service, count: usize) {
    for number in 0..count {
        let answer = service.post("/v1/may-register", &json!({"localpart": format!("telegram_{number}")}));
        assert_eq!((answer.status, answer.json()["allowed"].as_bool()), (200, Some(false)));
    }
}

#[test]
fn a_full_disk_costs_records_and_no_answer() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("decisions");
    let arguments = ["--server-name", "example.com", "--decision-log", path.to_str().expect("UTF-8")];
    let service = Service::start_limited(&[&examples()], &arguments, 16 << 10);
    let recorded = Recorded { home, service };
    ask_many(&recorded.service, 200);
    recorded.service.wait("to count", |_| recorded.counted("written") + recorded.counted("dropped") == 200);
    assert!(recorded.counted("dropped") > 0);
    let text = fs::read_to_string(&path).expect("read");
    assert!(text.len() <= 16 << 10);
    // The last may be torn; all others are whole.
    let whole = text.matches('\n').count();
    assert_eq!(u64::try_from(whole).ok(), Some(recorded.counted("written")));
    // Somebody has moved it away.
    fs::rename(&path, recorded.home.path().join("full")).expect("moved");
    recorded.service.signal("-HUP");
    recorded.service.wait("to record again", |service| {
        ask_many(service, 1);
        !lines(&path).is_empty()
    });
}

/// A pipe that nobody reads takes 64 KiB and then nothing more.
#[test]
fn a_disk_that_does_not_answer_costs_records_and_no_answer() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("decisions");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
    let recorded = Recorded { service: start(&path, &[]), home };
    ask_many(&recorded.service, 500);
    assert_eq!(recorded.service.get("/healthz").status, 200);
    assert!(recorded.counted("written") < 500);
}
