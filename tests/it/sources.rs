//! What a running service makes of the places that it is given.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Service, registration};

/// A `ConfigMap` for each bridge makes sub-directories, and the key of a Secret often has no suffix: what is passed over is said,
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
    // It is ready a moment before the report of its first look is there.
    service.wait("to report", |service| !service.status("last_reload").is_null());
    let sources = &service.status("last_reload")["sources"];
    assert_eq!(sources[0]["registrations"], 1, "{sources}");
    let expected = serde_json::json!({
        "directories": ["irc"], "files": [".hidden.yaml", "signal", "slack.yaml.bak"], "total": 4
    });
    assert_eq!(sources[0]["passed_over"], expected);
    // It is ready before it has said everything.
    service.wait("to say what it has passed over", |service| {
        service.log().matches("passed over, and not taken for registrations").count() == 1
    });
    let log = service.log();
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
    service.says("so that it guards no names");
    // It says so a moment before the report is there.
    service.wait("to report", |service| !service.status("last_reload").is_null());
    assert_eq!(service.status("last_reload")["sources"][0]["registrations"], 0);
    assert_eq!(service.status("complete"), true, "it may be as it should");
    fs::write(home.path().join("tg.yaml"), registration("tg", "tg_")).expect("written");
    service.wait("to take it over", |service| service.claimants("@tg_x:example.com") == ["tg"]);
}

fn state(home: &Path) -> [String; 4] {
    let state = home.join("state").to_str().expect("UTF-8").to_owned();
    ["--server-name".to_owned(), "example.com".to_owned(), "--state-dir".to_owned(), state]
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
}

/// What is named and is not there when the service starts is a fault of that file alone, and what comes there is loaded,
/// whatever it is.
#[test]
fn what_is_named_and_missing_at_the_start_may_come() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| home.path().join(name);
    fs::write(path("irc.yaml"), registration("irc", "irc_")).expect("written");
    symlink("nowhere.yaml", path("dangling.yaml")).expect("a symlink");
    make_pipe(&path("pipe"));
    let named = ["irc.yaml", "tg.yaml", "dangling.yaml", "pipe", "dir.yaml"].map(path);
    let service = Service::start(&named.each_ref().map(PathBuf::as_path));
    assert_eq!(service.claimants("@irc_x:example.com"), ["irc"]);
    assert_eq!(service.status("registrations")["quarantined"], 4, "{}", service.log());
    for said in ["there is no such file", "a symlink that leads to nothing", "not a regular file"] {
        service.says(said);
    }
    fs::write(path("tg.yaml"), registration("tg", "tg_")).expect("written");
    fs::write(path("nowhere.yaml"), registration("d", "d_")).expect("written");
    fs::write(path("whole"), registration("p", "p_")).expect("written");
    fs::rename(path("whole"), path("pipe")).expect("moved");
    fs::create_dir(path("dir.yaml")).expect("made");
    fs::write(path("dir.yaml/x.yaml"), registration("x", "x_")).expect("written");
    for id in ["tg", "d", "p", "x"] {
        service.wait("to load it", |service| service.claimants(&format!("@{id}_x:example.com")) == [id]);
    }
    service.wait("to be complete", |service| service.status("complete") == true);
}

/// Of a path that is not called like a file nobody can tell what it ought to hold: nobody is answered until something is
/// there.
#[test]
fn what_may_be_either_is_waited_for() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("registrations");
    for is_directory in [false, true] {
        let service = Service::spawn(&[&path], &["--server-name", "example.com"]);
        service.wait("to say so", |service| service.log().contains("neither a directory nor a file is there"));
        assert_eq!(service.get("/readyz").status, 503);
        if is_directory {
            fs::create_dir(&path).expect("made");
            fs::write(path.join("x.yaml"), registration("x", "x_")).expect("written");
        } else {
            fs::write(&path, registration("x", "x_")).expect("written");
        }
        service.wait("to be ready", |service| service.get("/readyz").status == 200);
        service.wait("to load it", |service| service.claimants("@x_x:example.com") == ["x"]);
        if !is_directory {
            fs::remove_file(&path).expect("removed");
        }
    }
}

/// With copies it holds what it held, whatever the path is now, and however often the service is started.
#[test]
fn what_is_named_and_missing_at_a_restart_is_kept() {
    type Happens = fn(&Path);
    let faults: [(&str, Happens); 5] = [
        ("missing", |path| fs::remove_file(path).expect("removed")),
        ("a symlink that leads nowhere", |path| {
            fs::remove_file(path).and_then(|()| symlink("nowhere", path)).expect("a symlink");
        }),
        ("a pipe", |path| {
            fs::remove_file(path).expect("removed");
            make_pipe(path);
        }),
        ("a directory with others", |path| {
            fs::remove_file(path).and_then(|()| fs::create_dir(path)).expect("made");
            fs::write(path.join("other.yaml"), registration("other", "other_")).expect("written");
        }),
        ("empty", |path| fs::write(path, "").expect("written")),
    ];
    for (what, happens) in faults {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = |id: &str| home.path().join(format!("{id}.yaml"));
        for id in ["irc", "tg"] {
            fs::write(path(id), registration(id, &format!("{id}_"))).expect("written");
        }
        let named = [path("irc"), path("tg")];
        let arguments = state(home.path());
        let arguments = arguments.each_ref().map(String::as_str);
        let start = || Service::start_with(&named.each_ref().map(PathBuf::as_path), &arguments);
        {
            let service = start();
            service.wait("to keep copies", |service| service.metric("bailiwick_state_saved").as_deref() == Some("1"));
        }
        happens(&path("tg"));
        for _ in 0..2 {
            let service = start();
            assert_eq!(service.claimants("@tg_x:example.com"), ["tg"], "{what}: {}", service.log());
            assert_eq!(service.claimants("@irc_x:example.com"), ["irc"], "{what}");
            assert_eq!(service.status("complete"), false, "{what}");
        }
        // Without them, it is known that something is not known.
        let service = Service::start(&named.each_ref().map(PathBuf::as_path));
        assert!(service.claimants("@tg_x:example.com").is_empty());
        assert_eq!(service.status("complete"), what == "a directory with others", "{what}");
    }
}

/// It is named, so that it is no edit of anybody's that it is missing, although the directory that it stands in is named, too.
#[test]
fn a_file_that_is_named_beside_its_directory_is_kept() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for id in ["irc", "tg"] {
        fs::write(home.path().join(format!("{id}.yaml")), registration(id, &format!("{id}_"))).expect("written");
    }
    let file = home.path().join("irc.yaml");
    let service = Service::start_with(&[home.path(), &file], &["--server-name", "example.com", "--hold", "0"]);
    assert_eq!(service.claimants("@irc_x:example.com"), ["irc"]);
    fs::remove_file(&file).expect("removed");
    service.wait("to see it", |service| service.status("registrations")["stale"] == 1);
    assert_eq!(service.claimants("@irc_x:example.com"), ["irc"], "{}", service.log());
}

/// Nobody writes to it, and a service that hangs at its start says nothing. Who looks at it once may pipe it in.
#[test]
fn a_pipe_that_nobody_writes_to_is_no_reason_to_hang_at_the_start() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let pipe = home.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let (home, pipe) = (home.path().to_str().expect("UTF-8"), pipe.to_str().expect("UTF-8"));
    let with_tokens = [home, "--server-name", "example.com", "--auth-token-file", pipe];
    for arguments in [&with_tokens[..], &["--synapse-config", pipe]] {
        let mut serve = Command::new(super::support::BINARY);
        let output = serve.arg("serve").args(arguments).args(["--listen", "127.0.0.1:0"]).env_clear().output();
        let output = output.expect("it ends");
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("was not read within 10 s"), "{output:?}");
    }
}
