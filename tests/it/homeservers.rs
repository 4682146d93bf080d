//! What the homeserver has loaded is seen beside what is in force.

use std::fs;

use serde_json::{Value, json};

use super::support::{Service, registration};

fn scene(arguments: &[&str]) -> (tempfile::TempDir, Service) {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("irc.yaml"), registration("irc", "irc_")).expect("written");
    fs::write(home.path().join("tg.yaml"), registration("tg", "tg_")).expect("written");
    let all = [&["--server-name", "example.com", "--hold", "0"], arguments].concat();
    let service = Service::start_with(&[home.path()], &all);
    (home, service)
}

fn report(service: &Service, worker: &str, report: &Value) -> (u16, Value) {
    let body = report.to_string();
    let head = "Host: localhost\r\nConnection: close\r\nContent-Type: application/json";
    let request =
        format!("POST /v1/homeservers/{worker} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let answer = service.send(request.as_bytes()).expect("an answer");
    (answer.status, answer.json())
}

#[test]
fn who_is_behind_and_what_waits_for_a_restart_is_told() {
    let (home, service) = &scene(&[]);
    assert_eq!(service.status("homeserver"), json!({"workers": [], "waiting_for_restart": 0, "waiting": []}));
    let first = service.status("snapshot");
    let says =
        |mode: &str, snapshot: &Value, loaded: &[&str]| json!({"mode": mode, "snapshot": snapshot, "loaded": loaded});
    let (status, noted) = report(service, "main", &says("reserve", &first, &["irc"]));
    assert_eq!((status, &noted["behind"], &noted["not_loaded"]), (200, &json!(false), &json!(1)));
    report(service, "federation%20sender%2F1", &says("load", &first, &["tg", "irc", "gone"]));
    let told = service.status("homeserver");
    assert_eq!((&told["waiting_for_restart"], &told["waiting"]), (&json!(1), &json!(["tg"])));
    let worker = |told: &Value, at: usize| {
        let keys = ["worker", "mode", "behind", "not_loaded", "missing"];
        json!(keys.map(|key| told["workers"][at][key].clone()))
    };
    assert_eq!(worker(&told, 0), json!(["federation sender/1", "load", false, 0, []]));
    assert_eq!(worker(&told, 1), json!(["main", "reserve", false, 1, ["tg"]]));
    let gauge = |what: &str, worker: &str, mode: &str| {
        service.metric(&format!("bailiwick_homeserver_{what}{{mode=\"{mode}\",worker=\"{worker}\"}}"))
    };
    assert_eq!(gauge("registrations_not_loaded", "main", "reserve").as_deref(), Some("1"));
    assert_eq!(gauge("behind", "main", "reserve").as_deref(), Some("0"));
    // A change here, of which nobody there has heard yet.
    fs::remove_file(home.path().join("tg.yaml")).expect("removed");
    service.wait("to see that it is gone", |service| service.status("snapshot") != first);
    let told = service.status("homeserver");
    assert_eq!((worker(&told, 0)[2].clone(), worker(&told, 1)[2].clone()), (json!(true), json!(true)));
    assert_eq!(told["waiting_for_restart"], 0);
    assert_eq!(gauge("behind", "main", "reserve").as_deref(), Some("1"));
    // Who goes on in another mode is one and the same.
    report(service, "main", &says("load", &service.status("snapshot"), &["irc"]));
    assert_eq!((gauge("behind", "main", "load").as_deref(), gauge("behind", "main", "reserve")), (Some("0"), None));
}

#[test]
fn a_report_is_of_its_shape_or_refused() {
    let (_home, service) = &scene(&[]);
    let good = json!({"mode": "load", "snapshot": "0", "loaded": []});
    assert_eq!(report(service, "main", &good).0, 200);
    for (key, wrong) in
        [("mode", json!("other")), ("loaded", json!("irc")), ("snapshot", json!(null)), ("more", json!(1))]
    {
        let mut report_ = good.clone();
        report_[key] = wrong;
        assert_eq!(report(service, "main", &report_).0, 400, "{report_}");
    }
    assert_eq!(report(service, "main", &json!({"mode": "load", "snapshot": "0".repeat(65), "loaded": []})).0, 400);
    assert_eq!(report(service, &"x".repeat(65), &good).0, 400);
    assert_eq!(report(service, "a%0ab", &good).0, 400);
    let large = json!({"mode": "load", "snapshot": "0", "loaded": ["x".repeat(256 << 10)]});
    assert_eq!(report(service, "main", &large).0, 413);
    for number in 1..64 {
        assert_eq!(report(service, &format!("worker{number}"), &good).0, 200, "{number}");
    }
    let (status, refused) = report(service, "one-too-many", &good);
    assert_eq!((status, &refused["errcode"]), (429, &json!("M_LIMIT_EXCEEDED")));
    assert_eq!(report(service, "main", &good).0, 200);
}

#[test]
fn only_who_may_operate_may_report() {
    const READ: &str = "read-token-0123456789";
    let tokens = tempfile::NamedTempFile::new().expect("a file");
    fs::write(tokens.path(), format!("read {READ}\nadmin admin-token-0123456789\n")).expect("written");
    let (_home, service) = &scene(&["--auth-token-file", tokens.path().to_str().expect("UTF-8")]);
    let asked = |token: &str| {
        let body = json!({"mode": "load", "snapshot": "0", "loaded": []}).to_string();
        let head = "Host: localhost\r\nConnection: close\r\nContent-Type: application/json";
        let request = format!(
            "POST /v1/homeservers/main HTTP/1.1\r\n{head}\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        service.send(request.as_bytes()).expect("an answer").status
    };
    assert_eq!((asked(READ), asked("admin-token-0123456789")), (403, 200));
}
