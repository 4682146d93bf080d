//! Whatever happens to a directory, the answers follow within a second, and no name is set free by accident.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::support::{Service, registration};

const IRC: &str = "@irc_x:example.com";
const TG: &str = "@tg_x:example.com";

struct Scene {
    _home: TempDir,
    dir: PathBuf,
    service: Service,
}

/// What an edit takes away is let go at once: how it is held is a topic of its own. And no poll tells of anything within the time
/// that a test takes: events must.
const AT_ONCE: [&str; 6] = ["--server-name", "example.com", "--hold", "0", "--poll-interval", "3600"];

/// A directory with one registration, served.
fn scene() -> Scene {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().join("registrations");
    fs::create_dir(&dir).expect("a directory");
    put(&dir, "irc", "irc_");
    let service = Service::start_with(&[&dir], &AT_ONCE);
    assert_eq!(service.claimants(IRC), ["irc"]);
    Scene { _home: home, dir, service }
}

/// Writes a registration beside its place and moves it there, as careful programs do.
fn put(dir: &Path, id: &str, prefix: &str) {
    let temporary = dir.join(format!(".{id}.new"));
    fs::write(&temporary, registration(id, prefix)).expect("written");
    fs::rename(temporary, dir.join(format!("{id}.yaml"))).expect("moved");
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Waits until an ID is claimed by just these services.
    fn becomes(&self, id: &str, claimants: &[&str]) {
        self.service.wait(&format!("to say that {id} is claimed by {claimants:?}"), |service| {
            service.claimants(id) == claimants
        });
    }

    /// The state of a file as `/v1/registrations` has it.
    fn state(&self, name: &str) -> String {
        let answer = self.service.get("/v1/registrations").json();
        let files = answer["registrations"].as_array().expect("files").clone();
        let file = files.iter().find(|file| file["file"].as_str().is_some_and(|path| path.ends_with(name)));
        file.map_or_else(|| "absent".to_owned(), |file| file["state"].as_str().expect("a state").to_owned())
    }

    fn becomes_figure(&self, line: &str, value: &str) {
        self.service
            .wait(&format!("to count {line} {value}"), |service| service.metric(line).as_deref() == Some(value));
    }

    fn becomes_complete(&self) {
        self.service.wait("to be complete", |service| service.status("complete") == true);
    }

    fn becomes_state(&self, name: &str, state: &str) {
        self.service.wait(&format!("to call {name} {state}"), |_| self.state(name) == state);
    }

    /// Waits for what must not happen: long enough for an event, its debouncing and the reload.
    fn settle(&self) {
        std::thread::sleep(Duration::from_millis(900));
        let answer = self.service.post("/-/reload", &json!({}));
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn a_file_is_added_changed_renamed_and_removed() {
    let scene = scene();
    put(&scene.dir, "tg", "tg_");
    scene.becomes(TG, &["tg"]);
    put(&scene.dir, "tg", "telegram_");
    scene.becomes(TG, &[]);
    scene.becomes("@telegram_x:example.com", &["tg"]);
    fs::rename(scene.path("tg.yaml"), scene.path("a.yml")).expect("moved");
    scene.becomes_state("a.yml", "active");
    scene.becomes_state("tg.yaml", "absent");
    scene.becomes("@telegram_x:example.com", &["tg"]);
    fs::remove_file(scene.path("a.yml")).expect("removed");
    scene.becomes("@telegram_x:example.com", &[]);
    assert_eq!(scene.service.claimants(IRC), ["irc"]);
    for line in ["added=\"tg\"", "changed=\"tg\"", "removed=\"tg\""] {
        scene.service.says(line);
    }
}

#[test]
fn a_file_that_breaks_keeps_its_names_until_it_is_mended() {
    let scene = scene();
    fs::write(scene.path("irc.yaml"), "id: irc\nnamespaces: [").expect("written");
    scene.becomes_state("irc.yaml", "stale");
    assert_eq!(scene.service.claimants(IRC), ["irc"]);
    assert_eq!(scene.service.status("complete"), false);
    // Figures follow what they are about.
    scene.becomes_figure("bailiwick_last_reload_successful", "0");
    scene.becomes_figure("bailiwick_registrations{state=\"stale\"}", "1");
    fs::write(scene.path("new.yaml"), "nonsense: [").expect("written");
    scene.becomes_state("new.yaml", "quarantined");
    fs::remove_file(scene.path("new.yaml")).expect("removed");
    put(&scene.dir, "irc", "irc2_");
    scene.becomes("@irc2_x:example.com", &["irc"]);
    scene.becomes(IRC, &[]);
    scene.becomes_state("irc.yaml", "active");
    scene.becomes_complete();
}

#[test]
fn what_cannot_be_read_keeps_its_names() {
    let scene = scene();
    let path = scene.path("irc.yaml");
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("a directory in its place");
    scene.becomes_state("irc.yaml", "stale");
    assert_eq!(scene.service.claimants(IRC), ["irc"]);
    fs::remove_dir(&path).expect("removed");
    symlink("nowhere", &path).expect("a symlink to nothing");
    scene.becomes_state("irc.yaml", "stale");
    assert_eq!(scene.service.claimants(IRC), ["irc"]);
    fs::remove_file(&path).expect("removed");
    put(&scene.dir, "irc", "irc_");
    scene.becomes_state("irc.yaml", "active");
    // Root reads what it likes; for everybody else this is a file that cannot be read.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("no permission");
    scene.settle();
    assert_eq!(scene.service.claimants(IRC), ["irc"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("permission");
    scene.becomes_state("irc.yaml", "active");
}

#[test]
fn kubernetes_swaps_a_volume() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path();
    let version = |name: &str, prefix: &str| {
        fs::create_dir(dir.join(name)).expect("a directory");
        fs::write(dir.join(name).join("irc.yaml"), registration("irc", prefix)).expect("written");
    };
    version("..2026_1", "irc_");
    symlink("..2026_1", dir.join("..data")).expect("a symlink");
    symlink("..data/irc.yaml", dir.join("irc.yaml")).expect("a symlink");
    let service = Service::start_with(&[dir], &AT_ONCE);
    assert_eq!(service.claimants(IRC), ["irc"]);
    version("..2026_2", "tg_");
    symlink("..2026_2", dir.join("..data_tmp")).expect("a symlink");
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).expect("swapped");
    fs::remove_dir_all(dir.join("..2026_1")).expect("removed");
    service.wait("to see the swap", |service| service.claimants(TG) == ["irc"]);
    service.lets_go_of(IRC);
    service.wait("to be complete", |service| service.status("complete") == true);
}

#[test]
fn a_directory_is_deleted_and_made_again() {
    let scene = scene();
    fs::remove_dir_all(&scene.dir).expect("removed");
    scene.service.wait("to miss the directory", |service| service.status("complete") == false);
    assert_eq!(scene.service.claimants(IRC), ["irc"], "an unmounted volume must not free every name");
    fs::create_dir(&scene.dir).expect("made again");
    scene.settle();
    assert_eq!(scene.service.claimants(IRC), ["irc"], "nor an empty one");
    put(&scene.dir, "tg", "tg_");
    scene.becomes(TG, &["tg"]);
    assert_eq!(scene.service.claimants(IRC), ["irc"], "nor one in which the file is not back");
    assert_eq!(scene.service.status("complete"), false);
    // The new directory is watched like the old one.
    put(&scene.dir, "irc", "irc2_");
    scene.becomes("@irc2_x:example.com", &["irc"]);
    scene.service.lets_go_of(IRC);
    scene.becomes_complete();
}

#[test]
fn emptiness_counts_when_it_is_confirmed() {
    let scene = scene();
    fs::remove_file(scene.path("irc.yaml")).expect("removed");
    scene.settle();
    assert_eq!(scene.service.claimants(IRC), ["irc"]);
    let missing = scene.service.status("missing").to_string();
    assert!(missing.contains("empty"), "{missing}");
    let answer = scene.service.post("/-/reload", &json!({"allow_empty": true})).json();
    assert_eq!(answer["changes"]["removed"], json!(["irc"]), "{answer}");
    assert!(scene.service.claimants(IRC).is_empty());
    assert_eq!(scene.service.status("complete"), true);
}

#[test]
fn a_symlink_on_the_way_is_led_elsewhere() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for (name, id, prefix) in [("one", "irc", "irc_"), ("two", "tg", "tg_")] {
        let dir = home.path().join(name).join("registrations");
        fs::create_dir_all(&dir).expect("a directory");
        put(&dir, id, prefix);
    }
    let link = home.path().join("current");
    symlink("one", &link).expect("a symlink");
    let service = Service::start_with(&[&link.join("registrations")], &AT_ONCE);
    assert_eq!(service.claimants(IRC), ["irc"]);
    symlink("two", home.path().join("next")).expect("a symlink");
    fs::rename(home.path().join("next"), &link).expect("led elsewhere");
    service.wait("to follow the symlink", |service| service.claimants(TG) == ["tg"]);
    service.lets_go_of(IRC);
    put(&home.path().join("two/registrations"), "irc", "irc_");
    service.wait("to watch the new directory", |service| service.claimants(IRC) == ["irc"]);
}

#[test]
fn a_relative_directory_is_watched_like_any_other() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().join("registrations");
    fs::create_dir(&dir).expect("a directory");
    put(&dir, "irc", "irc_");
    for shown in ["registrations", "./registrations/", "registrations/../registrations"] {
        let service = Service::start_in(home.path(), &[Path::new(shown)], &AT_ONCE);
        std::thread::sleep(Duration::from_millis(500));
        put(&dir, "tg", "tg_");
        service.wait("to be told", |service| service.claimants(TG) == ["tg"]);
        let answer = service.get("/v1/registrations").text();
        assert!(answer.contains(&format!("\"{}\"", Path::new(shown).join("tg.yaml").display())), "{answer}");
        fs::remove_file(dir.join("tg.yaml")).expect("removed");
        service.lets_go_of(TG);
    }
}

/// Whoever writes a file, closes it and asks for a reload may be faster than the events of the file system.
#[test]
fn what_was_written_before_the_request_counts() {
    let scene = scene();
    for round in 0..60 {
        for id in ["tg", "x"] {
            fs::write(scene.path(&format!("{id}.yaml")), registration(id, &format!("{id}{round}_"))).expect("written");
        }
        let report = scene.service.post("/-/reload", &json!({})).json();
        for id in ["tg", "x"] {
            assert_eq!(scene.service.claimants(&format!("@{id}{round}_x:example.com")), [id], "{round}: {report}");
        }
    }
}

#[test]
fn a_file_that_is_being_written_waits_for_its_writer() {
    use std::io::Write;
    let scene = scene();
    let text = registration("tg", "tg_");
    // Cut so that what is there so far is a registration, with fewer names.
    let (first, rest) = text.split_at(text.find("    - regex").expect("an entry"));
    let mut file = fs::File::create(scene.path("tg.yaml")).expect("a file");
    file.write_all(first.replace("users:", "users: []").as_bytes()).expect("written");
    scene.settle();
    assert_eq!(scene.state("tg.yaml"), "absent");
    file.set_len(0).expect("emptied");
    drop(file);
    fs::write(scene.path("tg.yaml"), [first, rest].concat()).expect("written");
    scene.becomes(TG, &["tg"]);
}

#[test]
fn our_own_reading_causes_no_reload() {
    let scene = scene();
    let reloads = || {
        let metrics = scene.service.get("/metrics").text();
        let counts = metrics.lines().filter(|line| line.starts_with("bailiwick_reloads_total{"));
        counts.map(|line| line.rsplit(' ').next().expect("a value").parse::<u64>().expect("a number")).sum::<u64>()
    };
    // What was written just now may be looked at once more, however late.
    scene.service.wait("to be quiet", |_| {
        let before = reloads();
        std::thread::sleep(Duration::from_secs(1));
        reloads() == before
    });
    let before = reloads();
    // Whoever else reads the files changes nothing either.
    for _ in 0..20 {
        fs::read(scene.path("irc.yaml")).expect("read");
        scene.service.get("/v1/registrations");
    }
    scene.service.post("/-/reload", &json!({}));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(reloads(), before + 1, "only the one that was asked for");
    let generation = scene.service.status("generation");
    assert_eq!(generation, 1, "and that one changed nothing");
}

#[test]
fn hangup_reloads_and_terminate_drains() {
    let scene = scene();
    scene.service.signal("-HUP");
    let line = "bailiwick_reloads_total{result=\"unchanged\",trigger=\"signal\"}";
    scene.service.wait("to obey SIGHUP", |service| service.metric(line).as_deref() == Some("1"));
    scene.service.signal("-TERM");
    scene.service.wait("to stop", |service| service.log().contains("bailiwick has stopped"));
    assert!(!scene.service.socket().exists(), "the socket is left behind");
}

#[test]
fn two_directories_and_a_duplicate() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (one, two) = (home.path().join("1"), home.path().join("2"));
    for dir in [&one, &two] {
        fs::create_dir(dir).expect("a directory");
    }
    put(&one, "irc", "irc_");
    put(&two, "tg", "tg_");
    fs::write(two.join("z.yaml"), registration("irc", "other_")).expect("written");
    let service = Service::start(&[&one, &two]);
    assert_eq!((service.claimants(IRC), service.claimants(TG)), (vec!["irc".to_owned()], vec!["tg".to_owned()]));
    assert!(service.claimants("@other_x:example.com").is_empty());
    let answer = service.get("/v1/registrations").text();
    assert!(answer.contains("1/irc.yaml") && answer.contains("2/z.yaml"), "{answer}");
    assert!(!answer.contains("as-token-of"), "{answer}");
}
