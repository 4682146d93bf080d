//! Two directories: what is gone from one may have gone to the other.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bailiwick::matrix::ServerName;
use bailiwick::registration::{self, TokenHasher};
use bailiwick::reload::{Engine, Options, Trigger};
use bailiwick::source::{Clock, Directory, FileSystem, Provider};
use bailiwick::telemetry::Metrics;
use tempfile::TempDir;

use super::scene::{ByHand, GRACE, in_force, is_guarded};
use crate::support::registration;

const IDS: [&str; 3] = ["irc", "signal", "tg"];
const NAME: &str = "@irc_x:example.com";

/// One directory with registrations, and one with another.
struct Two {
    home: TempDir,
    clock: Arc<ByHand>,
}

impl Two {
    fn new() -> Self {
        let two = Self { home: tempfile::tempdir().expect("a temporary directory"), clock: ByHand::new() };
        for dir in ["one", "other"] {
            fs::create_dir(two.home.path().join(dir)).expect("made");
        }
        for id in IDS {
            two.put("one", id, &text(id));
        }
        two.put("other", "wa", &text("wa"));
        two
    }

    fn file(&self, dir: &str, id: &str) -> PathBuf {
        self.home.path().join(dir).join(format!("{id}.yaml"))
    }

    fn put(&self, dir: &str, id: &str, text: &str) {
        fs::write(self.file(dir, id), text).expect("written");
    }

    fn engine(&self, dirs: &[&str]) -> Engine {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let system = FileSystem { clock: Arc::clone(&clock), ..FileSystem::default() };
        let source =
            |dir: &&str| -> Arc<dyn Provider> { Arc::new(Directory::new(self.home.path().join(dir), system.clone())) };
        let hasher = TokenHasher::new();
        let load = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher);
        let name: ServerName = "example.com".parse().expect("a server name");
        let mut options = Options::new(name.into(), dirs.iter().map(source).collect(), Arc::new(load));
        options.clock = clock;
        options.hold = GRACE;
        options.state_dir = Some(self.home.path().join("state"));
        let mut engine = Engine::new(options, &Metrics::new());
        engine.reload(Trigger::Start, false);
        self.pass(&mut engine, Duration::from_secs(10));
        engine
    }

    fn pass(&self, engine: &mut Engine, time: Duration) {
        for _ in 0..time.as_secs() / 5 {
            self.clock.pass(Duration::from_secs(5));
            engine.reload(Trigger::Poll, false);
        }
    }
}

fn text(id: &str) -> String {
    registration(id, &format!("{id}_"))
}

/// Nobody can tell that it is not what is missing elsewhere; once it can be loaded, it is told.
#[test]
fn a_file_that_moves_half_written_to_another_directory_keeps_its_names() {
    let two = Two::new();
    let mut engine = two.engine(&["one", "other"]);
    assert!(in_force(&engine).is_complete());
    fs::rename(two.file("one", "irc"), two.file("other", "irc")).expect("moved");
    two.put("other", "irc", "id: irc\nnamespaces: [");
    engine.reload(Trigger::Event, false);
    engine.reload(Trigger::Request, false);
    two.pass(&mut engine, 2 * GRACE);
    assert!(is_guarded(&engine, NAME) && !in_force(&engine).is_complete());
    two.put("other", "irc", &text("irc"));
    two.pass(&mut engine, Duration::from_secs(10));
    assert!(is_guarded(&engine, NAME) && in_force(&engine).is_complete(), "{:?}", in_force(&engine).missing());
}

/// What nobody can see has told nothing.
#[test]
fn a_file_that_moved_half_written_keeps_its_names_while_its_directory_cannot_be_read() {
    let two = Two::new();
    let mut engine = two.engine(&["one", "other"]);
    fs::rename(two.file("one", "irc"), two.file("other", "irc")).expect("moved");
    two.put("other", "irc", "id: irc\nnamespaces: [");
    engine.reload(Trigger::Event, false);
    let (other, away) = (two.home.path().join("other"), two.home.path().join("away"));
    fs::rename(&other, &away).expect("moved");
    std::os::unix::fs::symlink(&other, &other).expect("a symlink");
    two.pass(&mut engine, 2 * GRACE);
    assert!(is_guarded(&engine, NAME), "{:?}", in_force(&engine).missing());
    fs::remove_file(&other).expect("removed");
    fs::rename(&away, &other).expect("moved back");
    two.pass(&mut engine, 2 * GRACE);
    assert!(is_guarded(&engine, NAME), "{:?}", in_force(&engine).missing());
    two.put("other", "irc", &text("irc"));
    two.pass(&mut engine, Duration::from_secs(10));
    assert!(is_guarded(&engine, NAME) && in_force(&engine).is_complete(), "{:?}", in_force(&engine).missing());
}

/// What is all in the other directory is not lost, however many files that are.
#[test]
fn what_moves_to_another_directory_is_in_force_there_at_once() {
    let two = Two::new();
    let mut engine = two.engine(&["one", "other"]);
    for id in IDS {
        fs::rename(two.file("one", id), two.file("other", id)).expect("moved");
    }
    engine.reload(Trigger::Event, false);
    assert!(is_guarded(&engine, NAME) && in_force(&engine).is_complete(), "{:?}", in_force(&engine).missing());
    assert_eq!(in_force(&engine).counts().active, 4);
}

/// A copy says of which file it is as that was spelled, which may be another way after a restart.
#[test]
fn a_broken_file_keeps_its_names_though_its_directory_is_spelled_otherwise() {
    let two = Two::new();
    drop(two.engine(&["other", "one"]));
    two.put("one", "irc", "id: irc\nnamespaces: [");
    for _ in 0..2 {
        let mut engine = two.engine(&["other", "one/../one"]);
        two.pass(&mut engine, 2 * GRACE);
        assert!(is_guarded(&engine, NAME) && !in_force(&engine).is_complete());
    }
    two.put("one", "irc", &text("irc"));
    let engine = two.engine(&["other", "one/../one"]);
    assert!(is_guarded(&engine, NAME) && in_force(&engine).is_complete(), "{:?}", in_force(&engine).missing());
}
