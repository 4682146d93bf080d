//! Registrations on disk that a source of some kind leads to, and an engine that serves them, with a clock of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bailiwick::index::Scratch;
use bailiwick::matrix::{MatrixId, ServerName};
use bailiwick::registration::{self, TokenHasher};
use bailiwick::reload::{Engine, Options, Trigger};
use bailiwick::snapshot::Snapshot;
use bailiwick::source::{Clock, Config, Directory, Entry, FileSystem, Files, List, Provider};
use bailiwick::telemetry::Metrics;
use tempfile::TempDir;

use crate::support::registration;

pub(super) const GRACE: Duration = Duration::from_secs(60);

/// A clock that goes on when somebody sleeps, and when it is told to.
#[derive(Debug)]
pub(super) struct ByHand {
    began: Instant,
    passed: Mutex<Duration>,
}

impl ByHand {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), passed: Mutex::default() })
    }

    pub(super) fn pass(&self, time: Duration) {
        *self.passed.lock().expect("no panic") += time;
    }
}

impl Clock for ByHand {
    fn now(&self) -> Instant {
        self.began + *self.passed.lock().expect("no panic")
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now() + *self.passed.lock().expect("no panic")
    }

    fn sleep(&self, time: Duration) {
        self.pass(time);
    }
}

/// Where registrations come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    /// A directory of symlinks to files elsewhere.
    Symlinks,
    /// Files that are given by their paths.
    Files,
    /// Files that a homeserver's configuration lists.
    List,
}

pub(super) const KINDS: [Kind; 4] = [Kind::Directory, Kind::Symlinks, Kind::Files, Kind::List];

/// The services; `irc` has two entries.
pub(super) const IDS: [&str; 4] = ["irc", "signal", "tg", "wa"];

/// A name of the entry that every fault takes away.
pub(super) const NAME: &str = "@irc2_x:example.com";

/// Registrations on disk, and the engine that serves them.
pub(super) struct Scene {
    pub(super) home: TempDir,
    pub(super) kind: Kind,
    keeps_copies: bool,
    pub(super) clock: Arc<ByHand>,
}

impl Scene {
    pub(super) fn new(kind: Kind, keeps_copies: bool) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let scene = Self { home, kind, keeps_copies, clock: ByHand::new() };
        for dir in ["registrations", "elsewhere"] {
            fs::create_dir(scene.home.path().join(dir)).expect("a directory");
        }
        for id in IDS {
            let text = if id == "irc" { two_entries(id) } else { registration(id, &format!("{id}_")) };
            scene.put(id, &text);
            if kind == Kind::Symlinks {
                symlink(scene.file(id), scene.listed(id)).expect("a symlink");
            }
        }
        scene.list(&IDS);
        scene
    }

    pub(super) fn dir(&self) -> PathBuf {
        self.home.path().join("registrations")
    }

    /// The file that holds a registration, whatever leads to it.
    pub(super) fn file(&self, id: &str) -> PathBuf {
        let dir = if self.kind == Kind::Symlinks { self.home.path().join("elsewhere") } else { self.dir() };
        dir.join(format!("{id}.yaml"))
    }

    /// Another one, whose service uses the same directory of copies.
    pub(super) fn sharing_copies_of(scene: &Self) -> Self {
        let other = Self::new(scene.kind, scene.keeps_copies);
        if scene.keeps_copies {
            symlink(scene.home.path().join("state"), other.home.path().join("state")).expect("a symlink");
        }
        other
    }

    /// What is listed in the directory, or named.
    pub(super) fn listed(&self, id: &str) -> PathBuf {
        self.dir().join(format!("{id}.yaml"))
    }

    pub(super) fn put(&self, id: &str, text: &str) {
        fs::write(self.file(id), text).expect("written");
    }

    /// Lists these registrations.
    pub(super) fn list(&self, ids: &[&str]) {
        self.list_paths(&ids.iter().map(|id| self.file(id).display().to_string()).collect::<Vec<_>>());
    }

    pub(super) fn list_paths(&self, paths: &[String]) {
        fs::write(self.home.path().join("list"), paths.iter().map(|path| path.clone() + "\n").collect::<String>())
            .expect("written");
    }

    pub(super) fn engine(&self) -> Engine {
        self.engine_holding(GRACE)
    }

    pub(super) fn engine_holding(&self, hold: Duration) -> Engine {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let system = FileSystem { clock: Arc::clone(&clock), ..FileSystem::default() };
        let source: Arc<dyn Provider> = match self.kind {
            Kind::Directory | Kind::Symlinks => Arc::new(Directory::new(self.dir(), system)),
            Kind::Files => Arc::new(Files::new(IDS.map(|id| self.file(id)).to_vec(), system)),
            Kind::List => {
                let read = |configs: &[Config]| {
                    let text = String::from_utf8_lossy(&configs[0].bytes).into_owned();
                    Ok(text.lines().map(|path| Entry { path: path.into(), at: "list".to_owned() }).collect())
                };
                Arc::new(List::new(vec![self.home.path().join("list")], Box::new(read), system))
            }
        };
        let hasher = TokenHasher::new();
        let load = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher);
        let name: ServerName = "example.com".parse().expect("a server name");
        let mut options = Options::new(name.into(), vec![source], Arc::new(load));
        options.clock = clock;
        options.hold = hold;
        options.state_dir = self.keeps_copies.then(|| self.home.path().join("state"));
        Engine::new(options, &Metrics::new())
    }

    /// Loaded, and looked at until nothing is in doubt any more.
    pub(super) fn started(&self) -> Engine {
        let mut engine = self.engine();
        engine.reload(Trigger::Start, false);
        self.clock.pass(Duration::from_secs(10));
        engine.reload(Trigger::Poll, false);
        assert!(in_force(&engine).is_complete());
        engine
    }

    /// Lets time pass, with a look every five seconds as while something is held.
    pub(super) fn pass(&self, engine: &mut Engine, time: Duration) {
        let looks = time.as_secs() / 5;
        for _ in 0..looks {
            self.clock.pass(Duration::from_secs(5));
            engine.reload(Trigger::Poll, false);
        }
    }
}

pub(super) fn two_entries(id: &str) -> String {
    registration(id, &format!("{id}_")) + &format!("    - regex: '@{id}2_.*'\n      exclusive: true\n")
}

pub(super) fn in_force(engine: &Engine) -> Arc<Snapshot> {
    engine.live().load_full()
}

pub(super) fn is_guarded(engine: &Engine, id: &str) -> bool {
    let snapshot = in_force(engine);
    let claims = snapshot.services().claims(MatrixId::parse(id).expect("an ID"), &mut Scratch::default());
    claims.iter().any(|claim| claim.exclusive)
}

pub(super) fn remove(path: &Path) {
    fs::remove_file(path).expect("removed");
}
