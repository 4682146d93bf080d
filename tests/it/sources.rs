//! What a running service makes of the places that it is given.

use std::fs;

use super::support::{Service, registration};

/// A ConfigMap for each bridge makes sub-directories, and the key of a Secret often has no suffix: what is passed over is said,
/// also when a registration is found beside it.
#[test]
fn what_is_passed_over_is_said() {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(home.path().join("irc")).expect("made");
    fs::create_dir(home.path().join("..2026_01_01")).expect("made");
    for name in ["tg.yaml", "signal", "slack.yaml.bak", ".hidden.yaml", ".gitignore", ".tg.yaml.swp"] {
        fs::write(home.path().join(name), registration("tg", "tg_")).expect("written");
    }
    let service = Service::start(&[home.path()]);
    let sources = &service.status("last_reload")["sources"];
    assert_eq!(sources[0]["registrations"], 1, "{sources}");
    let expected = serde_json::json!({
        "directories": ["irc"], "files": [".hidden.yaml", "signal", "slack.yaml.bak"], "total": 4
    });
    assert_eq!(sources[0]["passed_over"], expected);
    let log = service.log();
    assert_eq!(log.matches("passed over, and not taken for registrations").count(), 1, "{log}");
    assert!(log.contains("slack.yaml.bak") && !log.contains("guards no names"), "{log}");
    // It is said once, and again when it is something else.
    fs::write(home.path().join("new.yml.txt"), "").expect("written");
    service.wait("to say so", |service| {
        service.post("/-/reload", &serde_json::json!({}));
        service.log().contains("new.yml.txt")
    });
    service.post("/-/reload", &serde_json::json!({}));
    assert_eq!(service.log().matches("passed over, and not taken for registrations").count(), 2, "{}", service.log());
}

#[test]
fn an_empty_directory_at_the_start_is_said() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let service = Service::start(&[home.path()]);
    assert!(service.log().contains("so that it guards no names"), "{}", service.log());
    assert_eq!(service.status("last_reload")["sources"][0]["registrations"], 0);
    assert_eq!(service.status("complete"), true, "it may be as it should");
    fs::write(home.path().join("tg.yaml"), registration("tg", "tg_")).expect("written");
    service.wait("to take it over", |service| service.claimants("@tg_x:example.com") == ["tg"]);
}
