//! Whatever is asked, there is a fitting answer, and the service goes on.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::support::{Answer, Service, examples};

fn refused(answer: &Answer, status: u16, errcode: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["errcode"], errcode, "{body}");
    assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
    assert!(answer.head.to_ascii_lowercase().contains("content-type: application/json"), "{}", answer.head);
}

#[test]
fn bad_requests_are_matrix_errors() {
    let service = Service::start(&[&examples()]);
    let post = |target: &str, body: &[u8]| service.request("POST", target, body);
    let owners = |body: Value| service.post("/v1/owners", &body);

    refused(&post("/v1/owners", b"this is not JSON"), 400, "M_NOT_JSON");
    refused(&post("/v1/owners", b""), 400, "M_NOT_JSON");
    refused(&post("/v1/owners", b"{\"ids\": [\"@a:\xff\xfe\"]}"), 400, "M_NOT_JSON");
    refused(&post("/v1/owners", "[".repeat(100_000).as_bytes()), 400, "M_BAD_JSON");
    refused(&owners(json!({"ids": "@a:example.com"})), 400, "M_BAD_JSON");
    refused(&owners(json!({"ids": [1]})), 400, "M_BAD_JSON");
    refused(&owners(json!([["@a:example.com"]])), 400, "M_BAD_JSON");
    refused(&service.post("/-/reload", &json!([])), 400, "M_BAD_JSON");
    refused(&owners(json!({"ids": ["@a:example.com"], "more": 1})), 400, "M_BAD_JSON");
    refused(&owners(json!({})), 400, "M_BAD_JSON");
    refused(&owners(json!({"ids": []})), 400, "M_INVALID_PARAM");
    refused(&owners(json!({"ids": vec!["@a:example.com"; 10_001]})), 413, "M_TOO_LARGE");
    assert_eq!(owners(json!({"ids": vec!["@a:example.com"; 10_000]})).status, 200);

    // There is no store here: nothing of it can be changed or waited for.
    refused(&post("/v1/owners?min_revision=x", b"{}"), 400, "M_INVALID_PARAM");
    refused(&service.get("/v1/owners?id=%40a%3Ab&min_revision=1"), 503, "M_UNKNOWN");
    refused(&service.request("PUT", "/v1/registrations/irc", b"id: irc"), 501, "M_UNRECOGNIZED");
    refused(&service.request("PUT", "/v1/registrations/irc", b""), 400, "M_MISSING_PARAM");
    refused(&service.request("DELETE", "/v1/registrations/irc", b""), 501, "M_UNRECOGNIZED");

    refused(&service.get("/v1/owners"), 400, "M_MISSING_PARAM");
    refused(&service.get("/v1/owners?id=alice"), 400, "M_INVALID_PARAM");
    refused(&service.get("/v1/owners?id=%40a%ff"), 400, "M_INVALID_PARAM");
    refused(&service.get("/v1/owners?id=%40a&what=1"), 400, "M_INVALID_PARAM");
    let long = format!("/v1/owners?id=%40{}", "a".repeat(255));
    refused(&service.get(&long), 400, "M_INVALID_PARAM");
    assert_eq!(service.get(&long[..long.len() - 1]).status, 200);

    refused(&service.post("/v1/may-register", &json!({})), 400, "M_MISSING_PARAM");
    refused(&service.post("/v1/may-register", &json!({"user_id": "@a:b", "localpart": "a"})), 400, "M_INVALID_PARAM");
    refused(&service.post("/v1/may-register", &json!({"user_id": "a"})), 400, "M_INVALID_PARAM");
    refused(&service.get("/v1/may-register?localpart=a&as_token=secret"), 400, "M_INVALID_PARAM");
    refused(&service.post("/v1/may-create-alias", &json!({"alias": "@a:example.com"})), 400, "M_INVALID_PARAM");
    refused(&service.post("/-/reload", &json!({"allow_empty": 1})), 400, "M_BAD_JSON");

    refused(&service.get("/"), 404, "M_UNRECOGNIZED");
    refused(&service.get("/v1/owners/"), 404, "M_UNRECOGNIZED");
    refused(&service.get("/v2/owners?id=%40a"), 404, "M_UNRECOGNIZED");
    let wrong = service.request("DELETE", "/v1/owners", b"");
    refused(&wrong, 405, "M_UNRECOGNIZED");
    assert!(wrong.head.to_ascii_lowercase().contains("allow: get, head, post\r"), "{}", wrong.head);
    refused(&service.get("/-/reload"), 405, "M_UNRECOGNIZED");

    assert_eq!(service.get("/healthz").status, 200);
}

/// What has no path is answered like a path that nobody serves.
#[test]
fn what_has_no_path_is_a_matrix_error_too() {
    let service = Service::start(&[&examples()]);
    for line in ["OPTIONS *", "CONNECT example.com:443", "GET *", "DELETE /nowhere", "OPTIONS /nowhere"] {
        let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = service.send(request.as_bytes()).unwrap_or_else(|| panic!("{line}: no answer"));
        refused(&answer, 404, "M_UNRECOGNIZED");
    }
}

/// HTTP/1.0 knows no chunks, and what wishes for another protocol is answered by this one, once: both are told that the
/// answer ends with the connection.
#[test]
fn who_speaks_another_protocol_is_told_where_the_answer_ends() {
    let service = Service::start(&[&examples()]);
    let ids = json!({"ids": vec!["@irc_x:example.com"; 2_000]}).to_string();
    let head = format!("POST /v1/owners HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", ids.len());
    let old = service.send(&[head.as_bytes(), ids.as_bytes()].concat()).expect("an answer");
    assert!(!old.head.contains("transfer-encoding"), "{}", old.head);
    assert_eq!(old.json()["results"].as_array().map(Vec::len), Some(2_000));
    let wish =
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n";
    let wished = service.send(wish.as_bytes()).expect("an answer");
    assert!(wished.status == 200 && wished.head.contains("\r\nconnection: close"), "{}", wished.head);
}

#[test]
fn every_id_of_a_batch_has_its_own_error() {
    let service = Service::start(&[&examples()]);
    let long = format!("@{}", "a".repeat(255));
    let ids = ["@irc_x:example.com", "no sigil", "", &long, "#any:example.com", "!opaque", "@ \n\u{0}é:x"];
    let answer = service.post("/v1/owners", &json!({"ids": ids})).json();
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results.len(), ids.len());
    for (id, result) in ids.iter().zip(results) {
        assert_eq!(result["id"], *id);
        let bad = ["no sigil", "", &long].contains(id);
        assert_eq!(result["errcode"] == "M_INVALID_PARAM", bad, "{result}");
        assert_eq!(result["claims"].is_array(), !bad, "{result}");
    }
}

/// The body is sent as far as the service lets us; it must neither be kept in memory nor be waited for.
#[test]
fn a_hundred_megabytes_are_refused_and_forgotten() {
    let service = Service::start(&[&examples()]);
    let before = resident(&service);
    for chunked in [false, true] {
        let mut stream = UnixStream::connect(service.socket()).expect("connects");
        let patience = Some(std::time::Duration::from_secs(30));
        stream.set_write_timeout(patience).expect("a time-out");
        stream.set_read_timeout(patience).expect("a time-out");
        let framing =
            if chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {}", 100 << 20) };
        let head = format!("POST /v1/owners HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{framing}\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("the head is taken");
        let mut megabyte = vec![b' '; 1 << 20];
        if chunked {
            megabyte = [b"100000\r\n", megabyte.as_slice(), b"\r\n"].concat();
        }
        for _ in 0..100 {
            if stream.write_all(&megabyte).is_err() {
                break;
            }
        }
        if chunked {
            let _ = stream.write_all(b"0\r\n\r\n");
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(answer.is_empty() || answer.contains("M_TOO_LARGE"), "{answer}");
    }
    assert_eq!(service.claimants("@irc_x:example.com").len(), 3);
    let grown = resident(&service).saturating_sub(before);
    assert!(grown < 50 << 20, "grew by {grown} bytes");
}

/// Bytes of memory in use, as Linux reckons them.
fn resident(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a figure");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}

#[test]
fn what_is_no_http_at_all_does_no_harm() {
    let service = Service::start(&[&examples()]);
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0\0\0\0\r\n\r\n"]
    {
        if let Some(answer) = service.send(bytes) {
            assert!((400..600).contains(&answer.status), "{answer:?}");
        }
    }
    assert_eq!(service.get("/healthz").status, 200);
}

/// Whoever can connect could otherwise fill the log, and wake whoever is woken by errors.
#[test]
fn what_is_no_http_is_counted_and_not_logged() {
    let service = Service::start(&[&examples()]);
    for _ in 0..20 {
        service.send(b"\x01\x02 / HTTP/1.1\r\n\r\n");
    }
    let counted = |service: &Service| service.metric("bailiwick_http_malformed_requests_total");
    service.wait("to count", |service| counted(service).as_deref() == Some("20"));
    assert!(!service.log().contains("ERROR"), "{}", service.log());
}

#[test]
fn metrics_count_what_happens_and_nothing_that_callers_name() {
    let service = Service::start(&[&examples()]);
    let asked = |service: &Service| {
        service.metric("bailiwick_ids_asked_total").expect("a metric").parse::<u64>().expect("a number")
    };
    let before = asked(&service);
    service.post("/v1/owners", &json!({"ids": ["@a:example.com", "@b:example.com"]}));
    service.get("/no/xyzzy/path");
    service.request("BREW", "/v1/owners", b"");
    service.post("/v1/may-register", &json!({"localpart": "irc_someone"}));
    assert_eq!(asked(&service), before + 2);
    let metrics = service.get("/metrics").text();
    for (line, value) in [
        ("bailiwick_last_reload_successful", "1"),
        ("bailiwick_registrations{state=\"active\"}", "8"),
        ("bailiwick_registrations{state=\"quarantined\"}", "0"),
        ("bailiwick_decisions_total{reason=\"reserved\"}", "1"),
    ] {
        assert!(metrics.contains(&format!("\n{line} {value}\n")), "{line} {value} is not in\n{metrics}");
    }
    for named in ["xyzzy", "BREW", "irc_someone"] {
        assert!(!metrics.contains(named), "{named} has become a label");
    }
    for family in [
        "bailiwick_http_requests_total",
        "bailiwick_http_request_duration_seconds_bucket",
        "bailiwick_namespaces",
        "bailiwick_reloads_total",
        "bailiwick_reload_duration_seconds_bucket",
        "bailiwick_last_reload_success_timestamp_seconds",
        "bailiwick_snapshot_info",
        "bailiwick_index_bytes",
        "bailiwick_build_info",
        "process_resident_memory_bytes",
        "process_open_fds",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(family)), "{family} is missing in\n{metrics}");
    }
}

/// Regexes that run out of steps are tried apart from everything else. What of a batch is hard is as hard as it would be
/// alone, and no easy ID counts as claimed for it.
#[test]
fn what_is_hard_holds_up_nobody_and_is_answered_as_if_it_were_asked_alone() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let text = super::support::registration("slow", "slow_").replace("'@slow_.*'", r"'@(.+)(.+)(.+)(.+)\1\2\3\4b$'");
    std::fs::write(home.path().join("slow.yaml"), text).expect("written");
    // A build without optimization, beside others on a machine of two cores, may take longer than a request may.
    let service = Service::start_with(&[home.path()], &["--server-name", "example.com", "--request-timeout", "600"]);
    let id = format!("@{}:x.y", "a".repeat(200));
    // So long that CPython is at each for milliseconds, and together far beyond what one question may take.
    let easy = |at: usize| format!("@{}:x.y", "b".repeat(20 + at % 20));
    let ids: Vec<String> = (0..600).map(|at| if at % 30 == 0 { id.clone() } else { easy(at) }).collect();
    let answer = service.post("/v1/owners", &json!({"ids": ids})).json();
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results.len(), ids.len());
    for (id, result) in ids.iter().zip(results) {
        assert_eq!(result["id"], json!(id));
        let claimed = id.contains('a');
        assert_eq!(result["owner"], if claimed { json!("slow") } else { json!(null) }, "{result}");
        assert_eq!(result["claims"][0]["step_limit"], if claimed { json!(true) } else { json!(null) }, "{result}");
    }
    assert_eq!(service.metric("bailiwick_step_limit_exceeded_total").as_deref(), Some("20"));
    // The same of those that are asked alone.
    let alone = service.get(&format!("/v1/owners?id={}", id.replace('@', "%40"))).json();
    assert_eq!((&alone["owner"], &alone["claims"][0]["step_limit"]), (&json!("slow"), &json!(true)), "{alone}");
    let decided =
        service.post("/v1/may-register", &json!({"user_id": format!("@{}:example.com", "a".repeat(200))})).json();
    assert_eq!((&decided["allowed"], &decided["reason"]), (&json!(false), &json!("reserved")), "{decided}");
    let alias = json!({"alias": "#a:example.com", "user_id": format!("@{}:example.com", "a".repeat(200))});
    assert_eq!(service.post("/v1/may-create-alias", &alias).json()["allowed"], json!(true));
    assert_eq!(service.metric("bailiwick_step_limit_exceeded_total").as_deref(), Some("22"));
}

/// Nothing in a stranger's registration is so long that a thread's stack would not hold it.
#[test]
fn a_long_sender_is_checked_like_any_other() {
    let service = Service::start(&[&examples()]);
    let long = super::support::registration("long", "long_").replace("long-bot", &"h".repeat(200_000));
    let answer = service.request("POST", "/v1/check", long.as_bytes());
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(true)));
    assert_eq!(service.get("/healthz").status, 200);
}

/// Whether a name is free as it was typed is another question than whether it may be registered.
#[test]
fn a_name_is_decided_on_as_typed_where_that_is_asked() {
    let service = Service::start(&[&examples()]);
    let decided = |answer: Answer| {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        (
            body["allowed"].as_bool(),
            body["user_id"].as_str().map(str::to_owned),
            body["reason"].as_str().map(str::to_owned),
        )
    };
    let said = |allowed, user: &str, reason: &str| (Some(allowed), Some(user.to_owned()), Some(reason.to_owned()));
    let lowered = said(true, "@faqbot:example.com", "shared");
    let typed = said(false, "@FAQbot:example.com", "invalid_user_id");
    let ask = |body: Value| decided(service.post("/v1/may-register", &body));
    assert_eq!(ask(json!({"localpart": "FAQbot"})), lowered);
    assert_eq!(ask(json!({"localpart": "FAQbot", "as_typed": false})), lowered);
    assert_eq!(ask(json!({"localpart": "FAQbot", "as_typed": true})), typed);
    assert_eq!(decided(service.get("/v1/may-register?localpart=FAQbot")), lowered);
    assert_eq!(decided(service.get("/v1/may-register?localpart=FAQbot&as_typed=true")), typed);

    refused(&service.get("/v1/may-register?localpart=a&as_typed=yes"), 400, "M_INVALID_PARAM");
    refused(&service.get("/v1/may-register?localpart=a&as_id=irc&as_typed=true"), 400, "M_INVALID_PARAM");
    let of_service = json!({"localpart": "a", "as_id": "irc", "as_typed": true});
    refused(&service.post("/v1/may-register", &of_service), 400, "M_INVALID_PARAM");
}

/// How long an alias is belongs to the decision, up to what nobody asks in earnest.
#[test]
fn an_alias_that_is_too_long_is_decided_on() {
    let service = Service::start(&[&examples()]);
    let ask = |letters: usize| {
        let alias = format!("#{}:example.com", "é".repeat(letters));
        service.post("/v1/may-create-alias", &json!({"alias": alias, "user_id": "@alice:example.com"}))
    };
    let body = ask(242).json();
    assert_eq!((&body["allowed"], &body["reason"]), (&json!(true), &json!("unclaimed")), "{body}");
    let body = ask(243).json();
    let (reason, errcode) = (json!("invalid_alias"), json!("M_INVALID_PARAM"));
    assert_eq!((&body["allowed"], &body["reason"], &body["errcode"]), (&json!(false), &reason, &errcode), "{body}");
    refused(&ask(1_000), 400, "M_INVALID_PARAM");
}
