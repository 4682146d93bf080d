//! Synapse's configuration as a source, as Debian, NixOS and containers lay it out.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::support::{BINARY, Service, registration};

fn bailiwick(home: &Path, arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).current_dir(home).env_clear().output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// What `check` and `owner` make of a configuration: the file count, and who claims two IDs.
fn write(home: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = home.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(path, text).expect("written");
    }
    for id in ["a", "b"] {
        fs::write(home.join(format!("{id}.yaml")), registration(id, &format!("{id}_"))).expect("written");
    }
}

#[test]
fn the_name_may_stand_in_a_directory_beside() {
    let home = tempfile::tempdir().expect("a temporary directory");
    write(
        home.path(),
        &[
            ("homeserver.yaml", "pid_file: /run/matrix-synapse.pid\napp_service_config_files: [a.yaml]\n"),
            ("conf.d/server_name.yaml", "server_name: example.com\n"),
            ("conf.d/empty.yaml", "# nothing\n"),
            ("conf.d/README", "no configuration\n"),
        ],
    );
    let output = bailiwick(home.path(), &["owner", "--synapse-config", "homeserver.yaml", "@a_x:example.com"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(said(&output).contains("--server-name") && said(&output).contains("conf.d"), "{}", said(&output));
    let both = ["owner", "--synapse-config", "homeserver.yaml", "--synapse-config", "conf.d", "@a_x:example.com"];
    let output = bailiwick(home.path(), &both);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("a.yaml"), "{}", said(&output));
    for note in ["empty.yaml", "README"] {
        assert!(said(&output).contains(&format!("note: conf.d/{note}")), "{}", said(&output));
    }
    // As the unit's environment has it, for all commands alike.
    for command in [&["owner", "@a_x:example.com"][..], &["check"]] {
        let output = Command::new(BINARY)
            .args(command)
            .current_dir(home.path())
            .env_clear()
            .env("BAILIWICK_SYNAPSE_CONFIG", "homeserver.yaml,conf.d")
            .output()
            .expect("it runs");
        assert!(matches!(output.status.code(), Some(0 | 3)), "{command:?}: {}", said(&output));
    }
    // Or on the command line, where no file says it; another one than a file says is a mistake.
    let named = ["--synapse-config", "homeserver.yaml", "--server-name", "example.com"];
    let output = bailiwick(home.path(), &[&["owner"], &named[..], &["@a_x:example.com"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let output =
        bailiwick(home.path(), &[&both[..5], &["--server-name", "other.example", "@a_x:example.com"]].concat());
    assert_eq!(output.status.code(), Some(64), "{}", said(&output));
}

#[test]
fn a_later_list_replaces_an_earlier_one_also_while_it_runs() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let list =
        |id: &str| format!("app_service_config_files:\n- {}\n", home.path().join(format!("{id}.yaml")).display());
    write(
        home.path(),
        &[
            ("homeserver.yaml", &(String::from("server_name: example.com\n") + &list("a"))),
            ("conf.d/b.yaml", &list("b")),
        ],
    );
    let (file, dir) = (home.path().join("homeserver.yaml"), home.path().join("conf.d"));
    let arguments =
        ["--synapse-config", file.to_str().expect("UTF-8"), "--synapse-config", dir.to_str().expect("UTF-8")];
    let service = Service::start_with(&[], &[&arguments[..], &["--hold", "0", "--poll-interval", "3600"]].concat());
    assert_eq!(service.claimants("@b_x:example.com"), ["b"]);
    assert!(service.claimants("@a_x:example.com").is_empty());
    assert!(service.log().contains("replaces that of an earlier file"), "{}", service.log());
    // A file that comes into the directory, and is laid over the others.
    fs::write(home.path().join("new"), list("a")).expect("written");
    fs::rename(home.path().join("new"), dir.join("c.yaml")).expect("moved");
    service.wait("to be told", |service| service.claimants("@a_x:example.com") == ["a"]);
    assert!(service.claimants("@b_x:example.com").is_empty());
}

#[test]
fn paths_of_a_container_are_mapped() {
    let home = tempfile::tempdir().expect("a temporary directory");
    write(home.path(), &[("homeserver.yaml", "server_name: example.com\napp_service_config_files: [/data/a.yaml]\n")]);
    let config = ["--synapse-config", "homeserver.yaml"];
    let output = bailiwick(home.path(), &[&["check"], &config[..]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--map-path"), "{}", said(&output));
    let map = format!("/data={}", home.path().display());
    let output = bailiwick(home.path(), &[&["owner"], &config[..], &["--map-path", &map, "@a_x:example.com"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("exclusive") && said(&output).contains("a.yaml"), "{}", said(&output));
}

#[test]
fn nothing_listed_is_said() {
    let home = tempfile::tempdir().expect("a temporary directory");
    write(home.path(), &[("homeserver.yaml", "server_name: example.com\napp_service_config_file: [a.yaml]\n")]);
    let output = bailiwick(home.path(), &["check", "--synapse-config", "homeserver.yaml"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(said(&output).contains("did you mean `app_service_config_files`"), "{}", said(&output));
    assert!(said(&output).contains("no file is listed"), "{}", said(&output));
}
