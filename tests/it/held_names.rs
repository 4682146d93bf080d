//! What frees a name: a table of faults, of kinds of sources, while the service runs and while it does not. Time is that
//! of a clock that goes on when it is waited for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bailiwick::index::Scratch;
use bailiwick::matrix::{MatrixId, ServerName};
use bailiwick::registration::{self, TokenHasher};
use bailiwick::reload::{Engine, Options, Trigger};
use bailiwick::snapshot::{FileState, Snapshot};
use bailiwick::source::{Clock, Config, Directory, FileSystem, Files, List, Provider};
use bailiwick::telemetry::Metrics;
use tempfile::TempDir;

use super::support::registration;

const GRACE: Duration = Duration::from_secs(60);

/// A clock that goes on when somebody sleeps, and when it is told to.
#[derive(Debug)]
struct ByHand {
    began: Instant,
    passed: Mutex<Duration>,
}

impl ByHand {
    fn new() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), passed: Mutex::default() })
    }

    fn pass(&self, time: Duration) {
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
enum Kind {
    Directory,
    /// A directory of symlinks to files elsewhere.
    Symlinks,
    /// Files that are given by their paths.
    Files,
    /// Files that a homeserver's configuration lists.
    List,
}

const KINDS: [Kind; 4] = [Kind::Directory, Kind::Symlinks, Kind::Files, Kind::List];

/// Two registrations on disk, and the engine that serves them.
struct Scene {
    home: TempDir,
    kind: Kind,
    keeps_copies: bool,
    clock: Arc<ByHand>,
}

impl Scene {
    fn new(kind: Kind, keeps_copies: bool) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let scene = Self { home, kind, keeps_copies, clock: ByHand::new() };
        for dir in ["registrations", "elsewhere"] {
            fs::create_dir(scene.home.path().join(dir)).expect("a directory");
        }
        scene.put("irc", &two_entries("irc"));
        scene.put("tg", &registration("tg", "tg_"));
        if kind == Kind::Symlinks {
            for id in ["irc", "tg"] {
                symlink(scene.file(id), scene.dir().join(format!("{id}.yaml"))).expect("a symlink");
            }
        }
        scene.list(&["irc", "tg"]);
        scene
    }

    fn dir(&self) -> PathBuf {
        self.home.path().join("registrations")
    }

    /// The file that holds a registration, whatever leads to it.
    fn file(&self, id: &str) -> PathBuf {
        let dir = if self.kind == Kind::Symlinks { self.home.path().join("elsewhere") } else { self.dir() };
        dir.join(format!("{id}.yaml"))
    }

    fn put(&self, id: &str, text: &str) {
        fs::write(self.file(id), text).expect("written");
    }

    fn list(&self, ids: &[&str]) {
        let lines: Vec<String> = ids.iter().map(|id| self.file(id).display().to_string()).collect();
        fs::write(self.home.path().join("list"), lines.join("\n") + "\n").expect("written");
    }

    fn engine(&self) -> Engine {
        self.engine_holding(GRACE)
    }

    fn engine_holding(&self, hold: Duration) -> Engine {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let system = FileSystem { clock: Arc::clone(&clock), ..FileSystem::default() };
        let source: Arc<dyn Provider> = match self.kind {
            Kind::Directory | Kind::Symlinks => Arc::new(Directory::new(self.dir(), system)),
            Kind::Files => Arc::new(Files::new(vec![self.file("irc"), self.file("tg")], system)),
            Kind::List => {
                let read = |configs: &[Config]| {
                    let text = String::from_utf8_lossy(&configs[0].bytes).into_owned();
                    Ok(text.lines().map(PathBuf::from).collect())
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
    fn started(&self) -> Engine {
        let mut engine = self.engine();
        engine.reload(Trigger::Start, false);
        self.clock.pass(Duration::from_secs(10));
        engine.reload(Trigger::Poll, false);
        assert!(in_force(&engine).is_complete());
        engine
    }

    /// Lets time pass, with a look every five seconds as while something is held.
    fn pass(&self, engine: &mut Engine, time: Duration) {
        let looks = time.as_secs() / 5;
        for _ in 0..looks {
            self.clock.pass(Duration::from_secs(5));
            engine.reload(Trigger::Poll, false);
        }
    }
}

fn two_entries(id: &str) -> String {
    registration(id, &format!("{id}_")) + &format!("    - regex: '@{id}2_.*'\n      exclusive: true\n")
}

fn in_force(engine: &Engine) -> Arc<Snapshot> {
    engine.live().load_full()
}

fn is_guarded(engine: &Engine, id: &str) -> bool {
    let snapshot = in_force(engine);
    let claims = snapshot.services().claims(MatrixId::parse(id).expect("an ID"), &mut Scratch::default());
    claims.iter().any(|claim| claim.exclusive)
}

fn remove(path: &Path) {
    fs::remove_file(path).expect("removed");
}

/// What becomes of the names of `irc`'s second entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Held, and let go after the grace or when it is confirmed.
    Held,
    /// Kept until what is wrong is mended.
    Kept,
}

struct Fault {
    name: &'static str,
    kinds: &'static [Kind],
    happens: fn(&Scene),
    fate: Fate,
}

const ALL: &[Kind] = &KINDS;
const DIRECTORIES: &[Kind] = &[Kind::Directory, Kind::Symlinks];
const LISTED: &[Kind] = &[Kind::Files, Kind::List];

const FAULTS: &[Fault] = &[
    Fault {
        name: "an entry is gone",
        kinds: ALL,
        happens: |s| s.put("irc", &registration("irc", "irc_")),
        fate: Fate::Held,
    },
    Fault {
        name: "a full disk cuts the file between two entries",
        kinds: ALL,
        happens: |s| {
            let text = two_entries("irc");
            s.put("irc", &text[..text.rfind("    - regex").expect("an entry")]);
        },
        fate: Fate::Held,
    },
    Fault {
        name: "what is written so far is a registration with fewer names",
        kinds: ALL,
        happens: |s| {
            let text = two_entries("irc");
            let head = &text[..text.find("    - regex").expect("an entry")];
            s.put("irc", &head.replace("users:", "users: []"));
        },
        fate: Fate::Held,
    },
    Fault {
        name: "an entry is no longer exclusive",
        kinds: ALL,
        happens: |s| s.put("irc", &two_entries("irc").replace("exclusive: true", "exclusive: false")),
        fate: Fate::Held,
    },
    Fault {
        name: "an entry that is not exclusive stands before it now, and decides",
        kinds: ALL,
        happens: |s| {
            let shared = "users:\n    - regex: '@.*'\n      exclusive: false\n";
            s.put("irc", &two_entries("irc").replacen("users:\n", shared, 1));
        },
        fate: Fate::Held,
    },
    Fault {
        name: "another bridge's registration is written over it",
        kinds: ALL,
        happens: |s| s.put("irc", &registration("other", "other_")),
        fate: Fate::Held,
    },
    Fault {
        name: "the id and the tokens are others",
        kinds: ALL,
        happens: |s| s.put("irc", &registration("irc3", "irc_")),
        fate: Fate::Held,
    },
    Fault {
        name: "the file is removed",
        kinds: &[Kind::Directory],
        happens: |s| remove(&s.file("irc")),
        fate: Fate::Held,
    },
    Fault {
        name: "the symlink is removed",
        kinds: &[Kind::Symlinks],
        happens: |s| remove(&s.dir().join("irc.yaml")),
        fate: Fate::Held,
    },
    Fault {
        name: "what the symlink leads to is removed",
        kinds: &[Kind::Symlinks],
        happens: |s| remove(&s.file("irc")),
        fate: Fate::Kept,
    },
    Fault {
        name: "a file that is listed is removed",
        kinds: LISTED,
        happens: |s| remove(&s.file("irc")),
        fate: Fate::Kept,
    },
    Fault { name: "a list names it no more", kinds: &[Kind::List], happens: |s| s.list(&["tg"]), fate: Fate::Held },
    Fault {
        name: "the list is gone",
        kinds: &[Kind::List],
        happens: |s| remove(&s.home.path().join("list")),
        fate: Fate::Kept,
    },
    Fault {
        name: "it is moved out of sight",
        kinds: &[Kind::Directory],
        happens: |s| fs::rename(s.file("irc"), s.dir().join("irc.yaml.bak")).expect("moved"),
        fate: Fate::Held,
    },
    Fault { name: "the file is emptied", kinds: ALL, happens: |s| s.put("irc", ""), fate: Fate::Kept },
    Fault {
        name: "the directory is emptied",
        kinds: DIRECTORIES,
        happens: |s| ["irc.yaml", "tg.yaml"].iter().for_each(|name| remove(&s.dir().join(name))),
        fate: Fate::Kept,
    },
    Fault {
        name: "an unmount uncovers a directory with other files",
        kinds: DIRECTORIES,
        happens: |s| {
            fs::rename(s.dir(), s.home.path().join("mounted")).expect("moved");
            fs::create_dir(s.dir()).expect("a directory");
            fs::write(s.dir().join("old.yaml"), registration("old", "old_")).expect("written");
        },
        fate: Fate::Kept,
    },
];

/// A name of the entry that every fault takes away.
const NAME: &str = "@irc2_x:example.com";

#[test]
fn no_fault_frees_a_name_while_the_service_runs() {
    for fault in FAULTS {
        for &kind in fault.kinds {
            for keeps_copies in [false, true] {
                let what = format!("{} ({kind:?}, copies: {keeps_copies})", fault.name);
                let scene = Scene::new(kind, keeps_copies);
                let mut engine = scene.started();
                (fault.happens)(&scene);
                engine.reload(Trigger::Event, false);
                assert!(is_guarded(&engine, NAME), "{what}: at once");
                assert!(!in_force(&engine).is_complete(), "{what}: it shows");
                scene.pass(&mut engine, GRACE.saturating_sub(Duration::from_secs(10)));
                assert!(is_guarded(&engine, NAME), "{what}: for the grace");
                scene.pass(&mut engine, Duration::from_secs(20));
                assert_eq!(is_guarded(&engine, NAME), fault.fate == Fate::Kept, "{what}: afterwards");
                assert_eq!(in_force(&engine).is_complete(), fault.fate == Fate::Held, "{what}: afterwards");
            }
        }
    }
}

#[test]
fn a_confirmation_ends_what_is_held_and_nothing_else() {
    for fault in FAULTS {
        for &kind in fault.kinds {
            let what = format!("{} ({kind:?})", fault.name);
            let scene = Scene::new(kind, true);
            let mut engine = scene.started();
            (fault.happens)(&scene);
            engine.reload(Trigger::Signal, false);
            assert!(is_guarded(&engine, NAME), "{what}: a signal confirms nothing");
            let report = engine.reload(Trigger::Request, false);
            assert_eq!(is_guarded(&engine, NAME), fault.fate == Fate::Kept, "{what}: {report:?}");
            assert!(report.took <= Duration::from_secs(3), "{what}: {report:?}");
        }
    }
}

#[test]
fn no_fault_frees_a_name_while_the_service_is_stopped() {
    for fault in FAULTS {
        for &kind in fault.kinds {
            let what = format!("{} ({kind:?})", fault.name);
            let scene = Scene::new(kind, true);
            drop(scene.started());
            (fault.happens)(&scene);
            let mut engine = scene.engine();
            engine.reload(Trigger::Start, false);
            if !in_force(&engine).is_ready() {
                assert_eq!(fault.name, "the list is gone", "only without a list is there nothing to begin with");
                continue;
            }
            assert!(is_guarded(&engine, NAME), "{what}: at once");
            assert!(!in_force(&engine).is_complete(), "{what}: it shows");
            // Killed and started again while it is held.
            drop(engine);
            let mut engine = scene.engine();
            engine.reload(Trigger::Start, false);
            assert!(is_guarded(&engine, NAME), "{what}: once more");
            scene.pass(&mut engine, GRACE.saturating_sub(Duration::from_secs(10)));
            assert!(is_guarded(&engine, NAME), "{what}: for the grace");
            scene.pass(&mut engine, Duration::from_secs(20));
            assert_eq!(is_guarded(&engine, NAME), fault.fate == Fate::Kept, "{what}: afterwards");
        }
    }
}

/// What is put back within the grace was never away.
#[test]
fn what_is_put_back_is_as_before() {
    for kind in KINDS {
        let scene = Scene::new(kind, false);
        let mut engine = scene.started();
        let before = in_force(&engine).digest().clone();
        for away in ["entry", "file"] {
            if away == "entry" {
                scene.put("irc", &registration("irc", "irc_"));
            } else {
                remove(&scene.file("irc"));
            }
            engine.reload(Trigger::Event, false);
            scene.pass(&mut engine, Duration::from_secs(30));
            scene.put("irc", &two_entries("irc"));
            scene.pass(&mut engine, Duration::from_secs(5));
            assert!(in_force(&engine).is_complete(), "{kind:?}: {away}");
            assert_eq!(*in_force(&engine).digest(), before, "{kind:?}: {away}");
        }
    }
}

#[test]
fn what_is_added_is_in_force_at_once() {
    let scene = Scene::new(Kind::Directory, false);
    let mut engine = scene.started();
    scene.put("irc", &two_entries("irc").replace("irc2_", "chat_"));
    engine.reload(Trigger::Event, false);
    let snapshot = in_force(&engine);
    assert!(is_guarded(&engine, "@chat_x:example.com") && is_guarded(&engine, NAME));
    let file = &snapshot.files()[0];
    assert_eq!((file.state(), snapshot.counts().held), (FileState::Held, 1));
    assert!(file.faults()[0].message.contains("`@irc2_.*` (user)"), "{:?}", file.faults());
    // What moves to another file, or whose file is renamed, is not lost, and nobody waits for anything.
    let scene = Scene::new(Kind::Directory, false);
    let mut engine = scene.started();
    fs::rename(scene.file("irc"), scene.file("chat")).expect("moved");
    engine.reload(Trigger::Event, false);
    assert!(in_force(&engine).is_complete() && is_guarded(&engine, NAME));
    assert_eq!(in_force(&engine).counts().active, 2);
}

/// The new owner of an id holds what the old one has lost, so that nothing is turned away for what is held.
#[test]
fn a_file_that_is_renamed_and_shortened_holds_its_names() {
    let scene = Scene::new(Kind::Directory, true);
    let mut engine = scene.started();
    remove(&scene.file("irc"));
    scene.put("chat", &registration("irc", "irc_"));
    engine.reload(Trigger::Event, false);
    assert!(is_guarded(&engine, NAME));
    assert_eq!(in_force(&engine).counts().held, 1);
    assert_eq!(in_force(&engine).counts().quarantined, 0, "{:?}", in_force(&engine).files());
    scene.pass(&mut engine, GRACE);
    assert!(!is_guarded(&engine, NAME) && in_force(&engine).is_complete(), "the grace did not begin anew");
}

#[test]
fn a_service_that_is_gone_holds_its_own_user_too() {
    let scene = Scene::new(Kind::Directory, false);
    let mut engine = scene.started();
    scene.put("irc", &two_entries("irc").replace("irc-bot", "chat-bot"));
    engine.reload(Trigger::Event, false);
    assert!(is_guarded(&engine, "@irc-bot:example.com"));
    assert!(!is_guarded(&engine, "@irc-bot2:example.com"));
    scene.pass(&mut engine, GRACE);
    assert!(!is_guarded(&engine, "@irc-bot:example.com"));
}

#[test]
fn nothing_is_held_where_that_is_asked_for() {
    let scene = Scene::new(Kind::Directory, false);
    let mut engine = scene.engine_holding(Duration::ZERO);
    engine.reload(Trigger::Start, false);
    scene.clock.pass(Duration::from_secs(10));
    engine.reload(Trigger::Poll, false);
    remove(&scene.file("irc"));
    engine.reload(Trigger::Event, false);
    assert!(!is_guarded(&engine, NAME) && in_force(&engine).is_complete());
}

/// A copy of what was let go guards a file that comes back broken, for a week; what was confirmed leaves none.
#[test]
fn copies_outlive_their_files() {
    for confirmed in [false, true] {
        let scene = Scene::new(Kind::Directory, true);
        let mut engine = scene.started();
        remove(&scene.file("irc"));
        engine.reload(Trigger::Event, false);
        if confirmed {
            engine.reload(Trigger::Request, false);
        } else {
            scene.pass(&mut engine, GRACE + Duration::from_secs(5));
        }
        assert!(!is_guarded(&engine, NAME));
        for restarted in [false, true] {
            if restarted {
                drop(engine);
                engine = scene.engine();
                engine.reload(Trigger::Start, false);
            }
            scene.put("irc", "id: [");
            scene.pass(&mut engine, Duration::from_secs(10));
            assert_eq!(is_guarded(&engine, NAME), !confirmed, "confirmed: {confirmed}, restarted: {restarted}");
        }
    }
}

#[test]
fn one_service_at_a_time_writes_copies() {
    let scene = Scene::new(Kind::Directory, true);
    let first = scene.started();
    // A second one of the same directory of copies guards by them, and changes nothing.
    let other = Scene::new(Kind::Directory, true);
    let state = other.home.path().join("state");
    symlink(scene.home.path().join("state"), &state).expect("a symlink");
    let copies = || {
        let entries = fs::read_dir(&state).expect("readable");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("readable").file_name()).collect();
        names.sort();
        names
    };
    let before = copies();
    let mut second = other.engine();
    second.reload(Trigger::Start, false);
    assert!(in_force(&second).is_complete(), "what is the other's is not held here");
    assert_eq!(copies(), before);
    // When the first has ended, the second makes its own, and lets those of the first be.
    drop(first);
    other.put("irc", &two_entries("irc3"));
    other.pass(&mut second, GRACE + Duration::from_secs(10));
    assert_eq!(copies().len(), before.len() + 2);
    assert!(before.iter().all(|copy| copies().contains(copy)));
    drop(second);
    scene.put("irc", "id: [");
    let mut first = scene.engine();
    first.reload(Trigger::Start, false);
    assert!(is_guarded(&first, NAME));
}
