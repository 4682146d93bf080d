//! A log that cannot be written costs lines and nothing else: the service goes on as if nothing had happened.

use std::fs;
use std::io::{self, PipeReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::json;

use crate::support::{Service, registration};

/// So verbose that every request has a line.
const VERBOSE: [&str; 4] = ["--server-name", "example.com", "--log-level", "debug"];

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("irc.yaml"), registration("irc", "irc_")).expect("written");
    home
}

/// Changes come into force, requests are answered, and it stops when it is told to.
fn goes_on(mut service: Service, directory: &Path) {
    for round in 0..5 {
        let id = format!("bridge{round}");
        fs::write(directory.join(format!("{id}.yaml")), registration(&id, &format!("{id}_"))).expect("written");
        service
            .wait("to take over a file", |service| service.claimants(&format!("@{id}_x:example.com")) == [id.as_str()]);
        fs::remove_file(directory.join(format!("{id}.yaml"))).expect("removed");
        assert_eq!(service.request("POST", "/-/reload", b"").status, 200);
    }
    service.signal("-HUP");
    assert_eq!(service.post("/v1/may-register", &json!({"localpart": "irc_x"})).json()["allowed"], false);
    service.signal("-TERM");
    assert!(service.ended().success());
}

#[test]
fn the_reader_of_the_log_has_ended() {
    let home = home();
    let (reader, writer) = io::pipe().expect("a pipe");
    let service = Service::start_logging_to(writer, &[home.path()], &VERBOSE);
    drop(reader);
    service.wait("to lose lines", |service| lost(service) > 0);
    goes_on(service, home.path());
}

#[test]
fn the_disk_of_the_log_is_full() {
    let home = home();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("there is such a device");
    let service = Service::start_logging_to(full, &[home.path()], &VERBOSE);
    service.wait("to lose lines", |service| lost(service) > 0);
    goes_on(service, home.path());
}

#[test]
fn nobody_reads_the_log() {
    let home = home();
    let (reader, writer): (PipeReader, _) = io::pipe().expect("a pipe");
    let service = Service::start_logging_to(Stdio::from(writer), &[home.path()], &VERBOSE);
    // The pipe takes 64 KiB and the queue 1,024 lines; then lines are lost, and nobody waits for them.
    service.wait("to lose lines", |service| lost(service) > 0);
    goes_on(service, home.path());
    drop(reader);
}

fn lost(service: &Service) -> u64 {
    let lost = service.metric("bailiwick_log_lines_lost_total").expect("the metric is there");
    lost.parse().expect("a number")
}
