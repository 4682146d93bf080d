//! What is in force survives a restart, whatever has happened to the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::support::{Service, registration};

/// A directory with two registrations, and where copies of them are to be.
fn two_bridges() -> (TempDir, PathBuf, PathBuf) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (dir, state) = (home.path().join("registrations"), home.path().join("state"));
    fs::create_dir(&dir).expect("a directory");
    for id in ["irc", "tg"] {
        fs::write(dir.join(format!("{id}.yaml")), registration(id, &format!("{id}_"))).expect("written");
    }
    (home, dir, state)
}

fn start(dir: &Path, state: &Path) -> Service {
    let state = state.to_str().expect("UTF-8");
    Service::start_with(&[dir], &["--server-name", "example.com", "--state-dir", state])
}

#[test]
fn a_file_that_is_broken_at_the_start_still_holds_its_names() {
    let (_home, dir, state) = two_bridges();
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
    service.says("is damaged and not used");
}

#[test]
fn a_state_directory_that_cannot_be_used_stops_nothing() {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("irc.yaml"), registration("irc", "irc_")).expect("written");
    let no_dir = home.path().join("a-file");
    fs::write(&no_dir, "").expect("written");
    let service = start(home.path(), &no_dir);
    assert_eq!(service.claimants("@irc_x:example.com"), ["irc"]);
    service.says("cannot be used");
    service.wait("to count it", |service| service.metric("bailiwick_state_saved").as_deref() == Some("0"));
}

#[test]
fn a_state_directory_that_is_open_to_others_is_named() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for (mode, said) in [(0o777, Some("WARN")), (0o755, Some("INFO")), (0o700, None)] {
        let state = home.path().join(format!("{mode:o}"));
        fs::create_dir(&state).expect("made");
        fs::set_permissions(&state, fs::Permissions::from_mode(mode)).expect("its mode");
        let service = start(home.path(), &state);
        let line = |service: &Service| {
            service.log().lines().find(|line| line.contains("the state directory (mode")).map(str::to_owned)
        };
        match said {
            Some(level) => service.wait("to name it", |service| line(service).is_some_and(|line| line.contains(level))),
            None => assert_eq!(line(&service), None),
        }
        let now = fs::metadata(&state).expect("there").permissions().mode() & 0o777;
        assert_eq!(now, mode, "nobody has asked for another mode");
    }
}

/// Copies hold tokens, and would lie beside what everybody edits; and a socket is no registration, whatever it is called.
#[test]
fn a_directory_of_registrations_is_for_nothing_else() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().to_str().expect("UTF-8");
    let (same, socket) = (format!("{dir}/."), format!("{dir}/./irc.yaml"));
    for (option, value, why) in [
        ("--state-dir", &same, "a directory of its own"),
        ("--unix-socket", &socket, "give it a place of its own"),
        ("--decision-log", &socket, "give it a place of its own"),
    ] {
        let arguments = ["serve", dir, "--server-name", "example.com", "--listen", "127.0.0.1:0", option, value];
        let output = std::process::Command::new(super::support::BINARY).args(arguments).env_clear().output();
        let output = output.expect("it runs");
        assert_eq!(output.status.code(), Some(64), "{option}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(why), "{output:?}");
    }
    assert!(!Path::new(&socket).exists());
}

/// How many copies are taken, and how many are not.
fn copies(state: &Path) -> (usize, usize) {
    let names = || fs::read_dir(state).expect("there").map(|entry| entry.expect("readable").file_name());
    let called = |suffix: &str| names().filter(|name| name.to_string_lossy().ends_with(suffix)).count();
    (called(".registration"), called(".new"))
}

fn saved(service: &Service) {
    service.wait("to keep copies", |service| service.metric("bailiwick_state_saved").as_deref() == Some("1"));
}

/// What was in force stays so across a restart also when another file has come to collide with it.
#[test]
fn a_newcomer_displaces_nobody_across_a_restart() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (dir, state) = (home.path().join("registrations"), home.path().join("state"));
    fs::create_dir(&dir).expect("a directory");
    fs::write(dir.join("m.yaml"), registration("irc", "irc_")).expect("written");
    saved(&start(&dir, &state));
    // Earlier in load order, with the same id and token.
    fs::write(dir.join("a.yaml"), registration("irc", "other_")).expect("written");
    let service = start(&dir, &state);
    assert_eq!(service.claimants("@irc_x:example.com"), ["irc"]);
    assert!(service.claimants("@other_x:example.com").is_empty());
    assert_eq!(service.status("registrations")["quarantined"], 1);
}

/// A content that was in force for a moment only has its copy too, although it is no longer on disk to be copied.
#[test]
fn a_copy_is_there_before_its_content_is_in_force() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (dir, state) = (home.path().join("registrations"), home.path().join("state"));
    fs::create_dir(&dir).expect("a directory");
    let service = start(&dir, &state);
    for round in 0..20 {
        let path = dir.join("irc.yaml");
        fs::write(&path, registration("irc", &format!("r{round}_"))).expect("written");
        let id = format!("@r{round}_x:example.com");
        service.wait("to see it", |service| service.claimants(&id) == ["irc"]);
        fs::write(&path, "id: [").expect("written");
        saved(&service);
    }
    drop(service);
    let service = start(&dir, &state);
    assert_eq!(service.claimants("@r19_x:example.com"), ["irc"]);
    saved(&service);
    assert_eq!(copies(&state), (1, 0));
}

#[test]
fn what_a_killed_process_left_behind_is_removed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (dir, state) = (home.path().join("registrations"), home.path().join("state"));
    for dir in [&dir, &state] {
        fs::create_dir(dir).expect("a directory");
    }
    fs::write(state.join("half.new"), "bailiwick la").expect("written");
    fs::write(dir.join("irc.yaml"), registration("irc", "irc_")).expect("written");
    // One that loads and never comes into force leaves nothing behind either.
    fs::write(dir.join("z.yaml"), registration("irc", "other_")).expect("written");
    saved(&start(&dir, &state));
    assert_eq!(copies(&state), (1, 0));
}

/// A disk that is full is a write that fails in the middle; so is one beyond the largest file that a process may write.
#[test]
fn a_copy_that_cannot_be_written_to_its_end_stops_nothing() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (dir, state) = (home.path().join("registrations"), home.path().join("state"));
    fs::create_dir(&dir).expect("a directory");
    fs::write(dir.join("irc.yaml"), registration("irc", "irc_")).expect("written");
    fs::write(dir.join("tg.yaml"), registration("tg", "tg_")).expect("written");
    let arguments = ["--server-name", "example.com", "--state-dir", state.to_str().expect("UTF-8")];
    let service = Service::start_limited(&[&dir], &arguments, 1 << 20);
    saved(&service);
    let large = registration("tg", "tg_") + "# " + &"x".repeat(2 << 20) + "\n";
    fs::write(dir.join("tg.yaml"), large).expect("written");
    service.wait("to say so", |service| service.metric("bailiwick_state_saved").as_deref() == Some("0"));
    service.says("File too large");
    assert_eq!(service.claimants("@tg_x:example.com"), ["tg"]);
    fs::write(dir.join("new.yaml"), registration("new", "new_")).expect("written");
    service.wait("to go on", |service| service.claimants("@new_x:example.com") == ["new"]);
    // The others have their copies, and once there is room, all have.
    fs::write(dir.join("tg.yaml"), registration("tg", "tg_")).expect("written");
    saved(&service);
    assert_eq!(copies(&state), (3, 0));
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

type Removal<'a> = &'a dyn Fn(&Path);

/// Whoever cleans up does not know what the directory is for: its copies are made again, and it is said.
#[test]
fn copies_that_are_removed_while_it_runs_are_made_again() {
    let (_home, dir, state) = two_bridges();
    let service = start(&dir, &state);
    saved(&service);
    // The service may look at any moment, and make them again while others are removed.
    let remove_copies = |state: &Path| {
        for copy in fs::read_dir(state).expect("there") {
            let removed = fs::remove_file(copy.expect("readable").path());
            assert!(removed.is_ok() || removed.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound));
        }
    };
    let removals: [(&str, Removal<'_>); 3] = [
        ("the directory", &|state| {
            let away = state.with_extension("away");
            fs::rename(state, &away).and_then(|()| fs::remove_dir_all(away)).expect("removed");
        }),
        ("its copies", &remove_copies),
        ("the directory, and another is made", &|state| {
            fs::rename(state, state.with_extension("old")).expect("moved");
            fs::create_dir(state).expect("made");
        }),
    ];
    for (what, remove) in removals {
        remove(&state);
        service.post("/-/reload", &serde_json::json!({}));
        assert_eq!(copies(&state).0, 2, "{what}: {}", service.log());
        saved(&service);
    }
    service.says("was removed or replaced");
    service.says("copies were removed from the state directory");
    // They guard the next start.
    drop(service);
    fs::remove_file(dir.join("irc.yaml")).expect("removed");
    assert_eq!(start(&dir, &state).claimants("@irc_x:example.com"), ["irc"]);
}

/// Of a copy that is damaged and a file that is gone nothing is known, and that is not the same as nothing.
#[test]
fn what_a_damaged_copy_held_is_said_to_be_unknown() {
    let (home, dir, state) = two_bridges();
    let service = start(&dir, &state);
    saved(&service);
    drop(service);
    for copy in fs::read_dir(&state).expect("there") {
        let path = copy.expect("readable").path();
        let bytes = fs::read(&path).expect("readable");
        fs::write(&path, &bytes[..bytes.len() / 3]).expect("written");
    }
    // As long as both are there, nothing is lost: a copy is made of each. One of them is then damaged again.
    let service = start(&dir, &state);
    saved(&service);
    assert_eq!((service.status("complete"), copies(&state).0), (true.into(), 2), "{}", service.log());
    drop(service);
    let irc = |path: &Path| String::from_utf8_lossy(&fs::read(path).expect("readable")).contains("irc.yaml");
    let paths = fs::read_dir(&state).expect("there").map(|copy| copy.expect("readable").path());
    let copy = paths.into_iter().find(|path| irc(path)).expect("its copy");
    fs::write(copy, "").expect("written");
    let away = home.path().join("irc.yaml");
    fs::rename(dir.join("irc.yaml"), &away).expect("moved");
    let refusing = ["--server-name", "example.com", "--when-incomplete", "refuse", "--state-dir"];
    let service = Service::start_with(&[&dir], &[&refusing[..], &[state.to_str().expect("UTF-8")]].concat());
    assert_eq!(service.status("complete"), false, "{}", service.log());
    let free =
        || service.post("/v1/may-register", &serde_json::json!({"localpart": "irc_x"})).json()["allowed"] == true;
    assert!(!free(), "nobody knows that it is");
    let missing = service.status("missing").to_string();
    assert!(missing.contains("copies are damaged whose files are not there (1;"), "{missing}");
    // Either it is back, or that it is not is confirmed, for good.
    fs::rename(&away, dir.join("irc.yaml")).expect("moved back");
    service.wait("to see it", |service| service.status("complete") == true);
    assert_eq!(service.claimants("@irc_x:example.com"), ["irc"]);
    saved(&service);
    drop(service);
    let paths = fs::read_dir(&state).expect("there").map(|copy| copy.expect("readable").path());
    let copy = paths.into_iter().find(|path| irc(path)).expect("its copy");
    fs::write(copy, "").expect("written");
    fs::remove_file(dir.join("irc.yaml")).expect("removed");
    let service = start(&dir, &state);
    service.post("/-/reload", &serde_json::json!({}));
    assert_eq!(service.status("complete"), false, "that confirms what is held, and nothing is");
    service.post("/-/reload", &serde_json::json!({"allow_empty": true}));
    assert_eq!(service.status("complete"), true, "{}", service.status("missing"));
    drop(service);
    assert_eq!(start(&dir, &state).status("complete"), true);
}

/// A rolling update: the next one starts while the last one still has the lock.
#[test]
fn a_second_service_guards_what_is_gone_by_the_copies_of_the_first() {
    let (home, dir, state) = two_bridges();
    let first = start(&dir, &state);
    saved(&first);
    fs::remove_file(dir.join("irc.yaml")).expect("removed");
    let second = start(&dir, &state);
    assert_eq!(second.claimants("@irc_x:example.com"), ["irc"], "{}", second.log());
    assert_eq!(second.status("complete"), false);
    second.says("another service is using it");
    second.wait("to count it", |second| second.metric("bailiwick_state_saved").as_deref() == Some("0"));
    // Of a place that is not its own, it takes nothing.
    let elsewhere = home.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    fs::write(elsewhere.join("wa.yaml"), registration("wa", "wa_")).expect("written");
    let third = start(&elsewhere, &state);
    assert_eq!((third.status("complete"), third.claimants("@tg_x:example.com").len()), (true.into(), 0));
    // It would take the lock as well as the second, as soon as it is free.
    drop(third);
    drop(first);
    second.post("/-/reload", &serde_json::json!({}));
    second.wait("to have the lock", |second| second.metric("bailiwick_state_saved").as_deref() == Some("1"));
    second.wait("to have confirmed the removal", |_| copies(&state).0 == 1);
}
