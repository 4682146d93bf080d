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
    service.says("replaces that of an earlier file");
    // A file that comes into the directory, and is laid over the others.
    fs::write(home.path().join("new"), list("a")).expect("written");
    fs::rename(home.path().join("new"), dir.join("c.yaml")).expect("moved");
    service.wait("to be told", |service| service.claimants("@a_x:example.com") == ["a"]);
    service.lets_go_of("@b_x:example.com");
}

#[test]
fn paths_of_a_container_are_mapped() {
    let home = tempfile::tempdir().expect("a temporary directory");
    write(home.path(), &[("homeserver.yaml", "server_name: example.com\napp_service_config_files: [/data/a.yaml]\n")]);
    let config = ["--synapse-config", "homeserver.yaml"];
    let output = bailiwick(home.path(), &[&["check"], &config[..]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--map-path"), "{}", said(&output));
    // A file that was removed from where the others are is in no container.
    let removed = home.path().join("gone.yaml");
    let text = format!("server_name: example.com\napp_service_config_files: [{}]\n", removed.display());
    fs::write(home.path().join("removed.yaml"), text).expect("written");
    let output = bailiwick(home.path(), &["check", "--synapse-config", "removed.yaml"]);
    assert!(said(&output).contains("put it back") && !said(&output).contains("--map-path"), "{}", said(&output));
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
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("did you mean `app_service_config_files`"), "{}", said(&output));
    assert!(said(&output).contains("no file is listed"), "{}", said(&output));
}

/// What becomes of the configuration while it is served, with nothing held: a name that is let go is let go at once.
#[test]
fn no_accident_with_the_configuration_frees_a_name() {
    const CONFIG: &str = "server_name: example.com\nmedia_store_path: /m\napp_service_config_files:\n- A\n- B\n";
    type Happens = fn(&str) -> String;
    let faults: [(&str, Happens, &str); 12] = [
        ("emptied", |_| String::new(), "homeserver.yaml is empty"),
        ("comments alone", |_| "# nothing\n".to_owned(), "server_name is missing"),
        ("cut before the list", |text| text[..text.find("app_").expect("there")].to_owned(), "it has become empty"),
        (
            "cut behind its key",
            |text| text[..text.find("- ").expect("there")].to_owned(),
            "is empty (null) where a list",
        ),
        ("cut in a path", |text| text[..text.len() - 3].to_owned(), "cannot be loaded"),
        (
            "cut in the name",
            |text| text[..text.find("ple.com").expect("there")].to_owned(),
            "is cut: it ends with `exam`",
        ),
        ("another name", |text| text.replace("example.com", "example.org"), "is no longer `example.com`"),
        ("no name", |text| text.replace("server_name", "server_nam"), "server_name is missing"),
        (
            "a list of the wrong type",
            |text| text.replace("files:\n", "files: a.yaml\nx:\n"),
            "where a list of paths is needed",
        ),
        ("relative paths", |text| text.replace("- /", "- elsewhere/"), "cannot be loaded"),
        (
            "a pattern",
            |text| text[..text.find("- ").expect("there")].to_owned() + "- /srv/*.yaml\n",
            "cannot be loaded",
        ),
        ("no YAML", |text| text.replace("- ", "\t- "), "forbids tabs"),
    ];
    for (what, happens, said) in faults {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = |id: &str| home.path().join(format!("{id}.yaml")).display().to_string();
        let text = CONFIG.replace("- A", &format!("- {}", path("a"))).replace("- B", &format!("- {}", path("b")));
        write(home.path(), &[("homeserver.yaml", &text)]);
        let file = home.path().join("homeserver.yaml");
        let arguments = ["--synapse-config", file.to_str().expect("UTF-8"), "--hold", "0"];
        let service = Service::start_with(&[], &arguments);
        fs::write(&file, happens(&text)).expect("written");
        // It may see the file while it is empty, and before the rest of it is written; what it says of that is another thing.
        service.wait(&format!("to see it {what}"), |service| service.status("missing").to_string().contains(said));
        assert_eq!(service.status("complete"), false, "{what}");
        for id in ["a", "b"] {
            assert_eq!(service.claimants(&format!("@{id}_x:example.com")), [id], "{what}: {}", service.log());
        }
        fs::write(&file, &text).expect("written");
        service.wait("to be told", |service| service.status("complete") == true);
    }
}

/// The same where the list stands in a directory beside the file with the name.
#[test]
fn no_accident_with_a_directory_of_configuration_frees_a_name() {
    type Happens = fn(&Path);
    let faults: [(&str, Happens); 4] = [
        ("the file of the list is gone", |dir| fs::remove_file(dir.join("list.yaml")).expect("removed")),
        ("it is emptied", |dir| fs::write(dir.join("list.yaml"), "").expect("written")),
        ("the directory is gone", |dir| fs::rename(dir, dir.with_extension("old")).expect("moved")),
        ("a later file says that there are none", |dir| {
            fs::write(dir.join("z.yaml"), "app_service_config_files: []\n").expect("written");
        }),
    ];
    for (what, happens) in faults {
        let home = tempfile::tempdir().expect("a temporary directory");
        let list = format!("app_service_config_files: [{}]\n", home.path().join("a.yaml").display());
        write(home.path(), &[("homeserver.yaml", "server_name: example.com\n"), ("conf.d/list.yaml", &list)]);
        let (file, dir) = (home.path().join("homeserver.yaml"), home.path().join("conf.d"));
        let config = ["--synapse-config", file.to_str().expect("UTF-8")];
        let and = ["--synapse-config", dir.to_str().expect("UTF-8"), "--hold", "0"];
        let service = Service::start_with(&[], &[config.as_slice(), and.as_slice()].concat());
        happens(&dir);
        service.wait("to see it", |service| service.status("complete") == false);
        assert_eq!(service.claimants("@a_x:example.com"), ["a"], "{what}: {}", service.log());
        assert_ne!(service.status("missing"), serde_json::json!([]), "{what}");
        assert!(!service.log().contains("is no longer"), "{what}: {}", service.log());
    }
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_the_place_where_it_is_listed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let list = "app_service_config_files:\n- a.yaml\n- missing.yaml\n- conf.d\n- 'b.yaml '\n";
    write(home.path(), &[("homeserver.yaml", "server_name: example.com\n"), ("conf.d/list.yaml", list)]);
    let check = ["check", "--synapse-config", "homeserver.yaml", "--synapse-config", "conf.d"];
    let output = bailiwick(home.path(), &check);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    for place in [
        "write the whole path (it is listed at conf.d/list.yaml:3:3)",
        "list each file in it by itself (it is listed at conf.d/list.yaml:4:3)",
        "is part of the path: remove it (it is listed at conf.d/list.yaml:5:3)",
    ] {
        assert!(said(&output).contains(place), "{place}\n{}", said(&output));
    }
}

#[test]
fn a_file_that_is_called_otherwise_is_named_and_no_name_is_let_go_lightly() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for (listed, there, says) in [
        ("irc.yml", "irc.yaml", "`irc.yaml` stands beside it: if that is the one, list that name"),
        ("IRC.yaml", "irc.yaml", "`irc.yaml` stands beside it"),
        ("tg", "tg.yml", "`tg.yml` stands beside it"),
        (
            "gone.yaml",
            "other.yaml",
            "put it back; only if its service is gone for good, take it off the list, which sets its names free",
        ),
    ] {
        let path = home.path().join(listed);
        let config = format!("server_name: example.com\napp_service_config_files: ['{}']\n", path.display());
        write(home.path(), &[("homeserver.yaml", &config), (there, "")]);
        let output = bailiwick(home.path(), &["check", "--synapse-config", "homeserver.yaml"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(says), "{listed}: {}", said(&output));
    }
}

/// Whether a new bridge fits in is asked before it is listed.
#[test]
fn what_is_given_beside_a_configuration_is_checked_with_what_it_lists() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let listed = home.path().join("irc.yaml");
    let config = format!("server_name: example.com\napp_service_config_files: ['{}']\n", listed.display());
    let (irc, more) = (registration("irc", "irc_"), registration("more", "irc_m"));
    write(home.path(), &[("homeserver.yaml", &config), ("irc.yaml", &irc), ("more.yaml", &more)]);
    let check = bailiwick(home.path(), &["check", "more.yaml", "--synapse-config", "homeserver.yaml"]);
    assert_eq!(check.status.code(), Some(1), "{}", said(&check));
    assert!(
        String::from_utf8_lossy(&check.stdout).contains("error[exclusive-conflict]: `irc` and `more`"),
        "{check:?}"
    );
    let owner = ["owner", "@irc_m:example.com", "--dir", "more.yaml", "--synapse-config", "homeserver.yaml"];
    assert!(String::from_utf8_lossy(&bailiwick(home.path(), &owner).stdout).contains("contested"));
    // What is listed already is named twice, as it would be in a list.
    let again =
        bailiwick(home.path(), &["check", &listed.display().to_string(), "--synapse-config", "homeserver.yaml"]);
    assert!(String::from_utf8_lossy(&again.stdout).contains("is named twice"), "{}", said(&again));
    assert!(!said(&again).contains("the file is not loaded"), "{}", said(&again));

    // Where it is listed twice, both lines are told.
    let config = format!("server_name: example.com\napp_service_config_files:\n- {0}\n- {0}\n", listed.display());
    write(home.path(), &[("homeserver.yaml", &config)]);
    let twice = bailiwick(home.path(), &["check", "--synapse-config", "homeserver.yaml"]);
    let note =
        format!("note: homeserver.yaml:4:3: {} is listed at line 3 already: remove one of them", listed.display());
    assert!(String::from_utf8_lossy(&twice.stderr).contains(&note), "{}", said(&twice));
    assert!(String::from_utf8_lossy(&twice.stdout).contains("is named twice"), "{}", said(&twice));
}

/// As in a registration: what is lost without a word weighs, and stands in every format.
#[test]
fn what_a_configuration_loses_is_a_finding() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = |id: &str| home.path().join(format!("{id}.yaml")).display().to_string();
    let (a, b) = (path("a"), path("b"));
    let list = |path: &str| format!("app_service_config_files: ['{path}']\n");
    let name = "server_name: example.com\n";
    let twice = format!("{name}{}{}", list(&a), list(&b));
    let one = format!("{name}{}", list(&a));
    let misspelt = format!("app_service_config_file: ['{b}']\n");
    for (first, second, code, place) in [
        (&twice, "x: 1\n", "duplicate-key", ("1.yaml", 3, 1)),
        (&one, &*misspelt, "unknown-key", ("2.yaml", 1, 1)),
        (&one, &*list(&b), "duplicate-key", ("2.yaml", 1, 28)),
    ] {
        write(home.path(), &[("1.yaml", first), ("2.yaml", second)]);
        let check = ["check", "--synapse-config", "1.yaml", "--synapse-config", "2.yaml", "--format"];
        let run = |format: &str| {
            bailiwick(home.path(), &[&check[..], &[format, "--allow", "readable-by-all,weak-token"]].concat())
        };
        let output = run("json");
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let finding = &document["findings"][0];
        let at = &finding["places"][0];
        assert_eq!(finding["code"], code, "{document}");
        assert_eq!(
            (&at["file"], &at["line"], &at["column"]),
            (&place.0.into(), &place.1.into(), &place.2.into()),
            "{document}"
        );
        for format in ["human", "sarif"] {
            assert!(String::from_utf8_lossy(&run(format).stdout).contains(code), "{}", said(&run(format)));
        }
    }
}

#[test]
fn a_name_that_synapse_refuses_is_an_error_with_its_place() {
    let home = tempfile::tempdir().expect("a temporary directory");
    write(home.path(), &[("a/homeserver.yaml", "pid_file: x\nserver_name: https://example.com\n")]);
    let output = bailiwick(home.path(), &["check", "--synapse-config", "a", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let error = &document["files"][0]["errors"][0];
    assert_eq!((&document["files"][0]["file"], &error["line"]), (&"a/homeserver.yaml".into(), &2.into()), "{document}");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("it is an address")), "{document}");
}

/// The list of a later file counts, and the shorter one of an earlier file is there all the same: what cannot be read does not
/// leave it the field.
#[test]
fn a_later_list_that_cannot_be_read_does_not_shorten_it() {
    type Happens = fn(&Path);
    let faults: [(&str, Happens, &str); 3] = [
        (
            "a symlink that leads nowhere",
            |file| {
                fs::remove_file(file).expect("removed");
                std::os::unix::fs::symlink("nowhere", file).expect("a symlink");
            },
            "leads to none",
        ),
        (
            "a directory",
            |file| {
                fs::remove_file(file).expect("removed");
                fs::create_dir(file).expect("made");
            },
            "no regular file any more",
        ),
        ("emptied", |file| fs::write(file, "# nothing\n").expect("written"), "has become empty"),
    ];
    for (what, happens, said) in faults {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = |id: &str| home.path().join(format!("{id}.yaml")).display().to_string();
        let name = format!("server_name: example.com\napp_service_config_files: [{}]\n", path("a"));
        let list = format!("app_service_config_files: [{}, {}]\n", path("a"), path("b"));
        write(home.path(), &[("homeserver.yaml", &name), ("conf.d/list.yaml", &list)]);
        let (file, dir) = (home.path().join("homeserver.yaml"), home.path().join("conf.d"));
        let config = ["--synapse-config", file.to_str().expect("UTF-8")];
        let and = ["--synapse-config", dir.to_str().expect("UTF-8"), "--hold", "0"];
        let service = Service::start_with(&[], &[config.as_slice(), and.as_slice()].concat());
        happens(&dir.join("list.yaml"));
        // Between two steps of it there is no file at all, which may be seen first.
        service.wait(what, |service| {
            assert_eq!(service.claimants("@b_x:example.com"), ["b"], "{what}: {}", service.log());
            service.status("missing").to_string().contains(said)
        });
        assert_eq!(service.status("complete"), false, "{what}");
    }
}
