//! Very much at once.

use std::fs;
use std::path::Path;

use super::support::{Service, registration};

fn fill(dir: &Path, ids: std::ops::Range<usize>) {
    for at in ids {
        let id = format!("as{at}");
        fs::write(dir.join(format!("{id}.yaml")), registration(&id, &format!("{id}_"))).expect("written");
    }
}

fn active(service: &Service) -> u64 {
    service.status("registrations")["active"].as_u64().expect("a count")
}

#[test]
fn ten_thousand_files_come_and_go() {
    let home = tempfile::tempdir().expect("a temporary directory");
    fill(home.path(), 0..1);
    let service = Service::start_with(&[home.path()], &["--server-name", "example.com", "--hold", "0"]);
    fill(home.path(), 1..10_000);
    service.wait("to load them all", |service| active(service) == 10_000);
    assert_eq!(service.claimants("@as9999_x:example.com"), ["as9999"]);
    let generations = service.status("generation").as_u64().expect("a count");
    assert!(generations < 200, "files are taken over together: {generations} snapshots");
    for at in 5_000..10_000 {
        fs::remove_file(home.path().join(format!("as{at}.yaml"))).expect("removed");
    }
    service.wait("to let them go", |service| active(service) == 5_000);
    assert!(service.claimants("@as9999_x:example.com").is_empty());
    assert_eq!(service.claimants("@as4999_x:example.com"), ["as4999"]);
    assert_eq!(service.status("complete"), true);
}

/// The operating system keeps so many events for a service that is too busy to take them, and drops the rest.
#[test]
fn the_queue_of_events_overflows() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("Linux has one");
    let limit: usize = limit.trim().parse().expect("a number");
    assert!(limit <= 100_000, "too many to fill here: {limit}");
    let home = tempfile::tempdir().expect("a temporary directory");
    fill(home.path(), 0..1);
    // No poll will come to the rescue.
    let service = Service::start_with(&[home.path()], &["--server-name", "example.com", "--poll-interval", "3600"]);
    std::thread::sleep(std::time::Duration::from_millis(500));
    service.signal("-STOP");
    // Each of these is two events or more, none of which matters.
    for at in 0..limit {
        let path = home.path().join(format!(".{}", at % 7));
        fs::write(&path, "").and_then(|()| fs::remove_file(&path)).expect("written and removed");
    }
    fill(home.path(), 1..2);
    service.signal("-CONT");
    service.wait("to look by itself", |service| service.claimants("@as1_x:example.com") == ["as1"]);
}
