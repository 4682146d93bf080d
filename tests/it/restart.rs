//! What is in force survives a restart, whatever has happened to the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::support::{Service, registration};

fn start(dir: &Path, state: &Path) -> Service {
    let state = state.to_str().expect("UTF-8");
    Service::start_with(&[dir], &["--server-name", "example.com", "--state-dir", state])
}

#[test]
fn a_file_that_is_broken_at_the_start_still_holds_its_names() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (dir, state) = (home.path().join("registrations"), home.path().join("state"));
    fs::create_dir(&dir).expect("a directory");
    for id in ["irc", "tg"] {
        fs::write(dir.join(format!("{id}.yaml")), registration(id, &format!("{id}_"))).expect("written");
    }
    let digest = {
        let service = start(&dir, &state);
        service.wait("to keep copies", |service| service.metric("bailiwick_state_saved").as_deref() == Some("1"));
        service.status("snapshot")
    };
    assert_eq!(fs::metadata(&state).expect("there").permissions().mode() & 0o777, 0o700);
    for copy in fs::read_dir(&state).expect("there") {
        let copy = copy.expect("readable");
        assert_eq!(copy.metadata().expect("there").permissions().mode() & 0o777, 0o600, "{copy:?}");
    }
    fs::write(dir.join("irc.yaml"), "id: irc\n  broken: [").expect("written");
    {
        let service = start(&dir, &state);
        assert_eq!(service.claimants("@irc_x:example.com"), ["irc"]);
        assert_eq!(service.status("registrations")["stale"], 1);
        assert_eq!(service.status("complete"), false);
        assert_eq!(service.status("snapshot"), digest, "the same answers as before");
    }
    // A second restart, and one with a damaged copy: reported, and no reason to stop.
    drop(start(&dir, &state));
    for copy in fs::read_dir(&state).expect("there") {
        let path = copy.expect("readable").path();
        let bytes = fs::read(&path).expect("readable");
        fs::write(&path, &bytes[..bytes.len() - 1]).expect("written");
    }
    let service = start(&dir, &state);
    assert!(service.claimants("@irc_x:example.com").is_empty());
    assert_eq!(service.claimants("@tg_x:example.com"), ["tg"]);
    assert!(service.log().contains("is damaged and not used"), "{}", service.log());
    // A file that has gone is not kept.
    fs::remove_file(dir.join("tg.yaml")).expect("removed");
    service.wait("to let go", |service| service.claimants("@tg_x:example.com").is_empty());
}

#[test]
fn a_state_directory_that_cannot_be_used_stops_nothing() {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("irc.yaml"), registration("irc", "irc_")).expect("written");
    let no_dir = home.path().join("a-file");
    fs::write(&no_dir, "").expect("written");
    let service = start(home.path(), &no_dir);
    assert_eq!(service.claimants("@irc_x:example.com"), ["irc"]);
    assert!(service.log().contains("cannot be used"), "{}", service.log());
    service.wait("to count it", |service| service.metric("bailiwick_state_saved").as_deref() == Some("0"));
}

/// Killed at any moment, it starts with the same answers.
#[test]
fn it_is_killed_again_and_again() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (dir, state) = (home.path().join("registrations"), home.path().join("state"));
    fs::create_dir(&dir).expect("a directory");
    for at in 0..50 {
        let id = format!("as{at}");
        fs::write(dir.join(format!("{id}.yaml")), registration(&id, &format!("{id}_"))).expect("written");
    }
    let expected = {
        let service = start(&dir, &state);
        service.wait("to keep copies", |service| service.metric("bailiwick_state_saved").as_deref() == Some("1"));
        service.status("snapshot")
    };
    fs::write(dir.join("as7.yaml"), "id: [").expect("written");
    let rounds = std::env::var("BAILIWICK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10_u64);
    for round in 0..rounds {
        // Dropped, that is killed, at another moment of its start each time.
        let service =
            Service::spawn(&[&dir], &["--server-name", "example.com", "--state-dir", state.to_str().expect("UTF-8")]);
        fs::write(dir.join("as7.yaml"), format!("id: [{round}")).expect("written");
        std::thread::sleep(std::time::Duration::from_micros(round * 7_919 % 150_000));
        drop(service);
    }
    let service = start(&dir, &state);
    assert_eq!(service.status("snapshot"), expected);
    assert_eq!(service.claimants("@as7_x:example.com"), ["as7"]);
}
