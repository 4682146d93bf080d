//! Faults × kinds of sources × with and without copies, while the service runs and while it is stopped. The rows are data;
//! what a cell must come to is said once, by [`Fate`] and [`Start`].

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use bailiwick::reload::{Engine, Trigger};

use super::scene::{GRACE, IDS, KINDS, Kind, NAME, Scene, in_force, is_guarded, remove, two_entries};
use crate::support::registration;

/// What becomes of the names of `irc`'s second entry, in a service that knows that it had them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Held, and let go after the grace or when it is confirmed.
    Held,
    /// Kept until what is wrong is mended, or confirmed by name of what it is.
    Kept,
    /// All is as before when the fault is over.
    Untouched,
}

/// What a service answers that is started without copies, and so knows only what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// As if there had never been anything else.
    Forgets,
    /// That something is not known.
    Doubts,
    /// Nothing before what is missing is there.
    Waits,
    /// As before.
    Knows,
}

struct Fault {
    name: &'static str,
    kinds: &'static [Kind],
    happens: fn(&Stage<'_>),
    /// With or without copies while the service runs, and with copies while it is stopped.
    fate: Fate,
    /// Without copies while it is stopped.
    forgotten: Start,
}

/// Where a fault happens: in front of a service that looks meanwhile, unless it is stopped.
struct Stage<'s> {
    scene: &'s Scene,
    engine: std::cell::RefCell<Option<&'s mut Engine>>,
}

impl Stage<'_> {
    /// The service looks, some time later, and guards the name.
    fn look_after(&self, time: Duration) {
        self.scene.clock.pass(time);
        if let Some(engine) = &mut *self.engine.borrow_mut() {
            engine.reload(Trigger::Event, false);
            assert!(is_guarded(engine, NAME), "in the middle of it");
        }
    }

    fn put(&self, id: &str, text: &str) {
        self.scene.put(id, text);
    }

    fn irc(&self) -> std::path::PathBuf {
        self.scene.file("irc")
    }

    /// Another thing in the file's place.
    fn instead(&self, make: impl FnOnce(&Path)) {
        remove(&self.irc());
        make(&self.irc());
    }

    /// What is listed beside `irc` stays.
    fn list_instead(&self, entry: &str) {
        let others = IDS[1..].iter().map(|id| self.scene.file(id).display().to_string());
        self.scene.list_paths(&[entry.to_owned()].into_iter().chain(others).collect::<Vec<_>>());
    }

    /// Something else is mounted over the directory, or what was mounted there is not any more.
    fn uncover(&self, ids: &[&str]) {
        let scene = self.scene;
        fs::rename(scene.dir(), scene.home.path().join("mounted")).expect("moved");
        fs::create_dir(scene.dir()).expect("a directory");
        for id in ids {
            fs::write(scene.listed(id), registration(id, &format!("{id}_"))).expect("written");
        }
    }
}

const ALL: &[Kind] = &KINDS;
const DIRECTORIES: &[Kind] = &[Kind::Directory, Kind::Symlinks];
const DIRECTORY: &[Kind] = &[Kind::Directory];
const SYMLINKS: &[Kind] = &[Kind::Symlinks];
const NAMED: &[Kind] = &[Kind::Files, Kind::List];
const LIST: &[Kind] = &[Kind::List];
const SECONDS: Duration = Duration::from_secs(5);

macro_rules! faults {
    ($($name:literal, $kinds:expr, $fate:ident, $forgotten:ident, $happens:expr;)*) => {
        &[$(Fault { name: $name, kinds: $kinds, happens: $happens, fate: Fate::$fate, forgotten: Start::$forgotten }),*]
    };
}

const FAULTS: &[Fault] = faults! {
    // What an edit does, or what looks like one.
    "an entry is gone", ALL, Held, Forgets, |s| s.put("irc", &registration("irc", "irc_"));
    "a full disk cuts the file between two entries", ALL, Held, Forgets, |s| {
        let text = two_entries("irc");
        s.put("irc", &text[..text.rfind("    - regex").expect("an entry")]);
    };
    "what is written so far is a registration with fewer names", ALL, Held, Forgets, |s| {
        let text = two_entries("irc");
        let head = &text[..text.find("    - regex").expect("an entry")];
        s.put("irc", &head.replace("users:", "users: []"));
    };
    "an entry is no longer exclusive", ALL, Held, Forgets, |s| {
        s.put("irc", &two_entries("irc").replace("exclusive: true", "exclusive: false"));
    };
    "an entry that is not exclusive stands before it now, and decides", ALL, Held, Forgets, |s| {
        let shared = "users:\n    - regex: '@.*'\n      exclusive: false\n";
        s.put("irc", &two_entries("irc").replacen("users:\n", shared, 1));
    };
    "its regex is narrowed", ALL, Held, Forgets, |s| s.put("irc", &two_entries("irc").replace("@irc2_", "@irc2_a"));
    "another bridge's registration is written over it", ALL, Held, Forgets, |s| {
        s.put("irc", &registration("other", "other_"));
    };
    "the id and the tokens are others, and an entry is gone", ALL, Held, Forgets, |s| {
        s.put("irc", &registration("irc3", "irc_"));
    };
    "the file is written through a hard link", &[Kind::Directory, Kind::Files, Kind::List], Held, Forgets, |s| {
        let link = s.scene.home.path().join("elsewhere/link");
        fs::hard_link(s.irc(), &link).expect("linked");
        fs::write(link, registration("irc", "irc_")).expect("written");
    };
    "the symlink is led to a file with fewer names", SYMLINKS, Held, Forgets, |s| {
        let other = s.scene.home.path().join("elsewhere/other");
        fs::write(&other, registration("irc", "irc_")).expect("written");
        remove(&s.scene.listed("irc"));
        symlink(other, s.scene.listed("irc")).expect("a symlink");
    };
    "the file is removed", DIRECTORY, Held, Forgets, |s| remove(&s.irc());
    "the symlink is removed", SYMLINKS, Held, Forgets, |s| remove(&s.scene.listed("irc"));
    "it is moved out of sight", DIRECTORY, Held, Forgets, |s| {
        fs::rename(s.irc(), s.scene.dir().join("irc.yaml.bak")).expect("moved");
    };
    "a list names it no more", LIST, Held, Forgets, |s| s.scene.list(&IDS[1..]);
    "half of the files are removed", DIRECTORY, Held, Forgets, |s| IDS[..2].iter().for_each(|id| remove(&s.scene.file(id)));

    // What is over when anybody looks.
    "the file is removed and written again", DIRECTORY, Untouched, Knows, |s| {
        remove(&s.irc());
        s.look_after(SECONDS);
        s.put("irc", &two_entries("irc"));
    };
    "a writer stalls in the middle", ALL, Untouched, Knows, |s| {
        s.put("irc", &registration("irc", "irc_"));
        (0..10).for_each(|_| s.look_after(SECONDS));
        s.put("irc", &two_entries("irc"));
    };
    "a writer stalls where what it has written is no registration", ALL, Untouched, Knows, |s| {
        s.put("irc", &two_entries("irc")[..30]);
        (0..100).for_each(|_| s.look_after(SECONDS));
        s.put("irc", &two_entries("irc"));
    };
    "a storm of renames", DIRECTORY, Untouched, Knows, |s| {
        for _ in 0..20 {
            fs::rename(s.irc(), s.scene.file("zz")).expect("moved");
            s.look_after(Duration::from_millis(7));
            fs::rename(s.scene.file("zz"), s.irc()).expect("moved back");
            s.look_after(Duration::ZERO);
        }
    };
    "every file is given another name", DIRECTORY, Untouched, Knows, |s| {
        for id in IDS {
            fs::rename(s.scene.file(id), s.scene.file(&format!("10-{id}"))).expect("moved");
        }
    };

    // What cannot be read.
    "the file is emptied", ALL, Kept, Doubts, |s| s.put("irc", "");
    "the file is cut where it is no registration any more", ALL, Kept, Doubts, |s| {
        s.put("irc", &two_entries("irc")[..two_entries("irc").len() / 2]);
    };
    "the file is not UTF-8", ALL, Kept, Doubts, |s| fs::write(s.irc(), [0xff, 0xfe, 0]).expect("written");
    "the file is larger than any registration", ALL, Kept, Doubts, |s| s.put("irc", &" ".repeat((16 << 20) + 1));
    "a directory is in its place", ALL, Kept, Doubts, |s| s.instead(|path| fs::create_dir(path).expect("made"));
    "a pipe is in its place", ALL, Kept, Doubts, |s| s.instead(|path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
    });
    "a symlink to itself is in its place", ALL, Kept, Doubts, |s| s.instead(|path| symlink(path, path).expect("a symlink"));
    "what the symlink leads to is removed", SYMLINKS, Kept, Doubts, |s| remove(&s.irc());
    "a file that is named is removed", NAMED, Kept, Doubts, |s| remove(&s.irc());
    "it is renamed and half written", DIRECTORY, Kept, Doubts, |s| {
        remove(&s.irc());
        s.put("irc-new", "id: irc\nurl: nu");
    };

    // What lists it is not what it was.
    "the list is gone", LIST, Kept, Waits, |s| remove(&s.scene.home.path().join("list"));
    "the list is empty", LIST, Kept, Forgets, |s| s.scene.list(&[]);
    "the list names all by a pattern", LIST, Kept, Doubts, |s| {
        s.scene.list_paths(&[s.scene.dir().join("*.yaml").display().to_string()]);
    };
    "the list names them as seen from elsewhere", LIST, Kept, Doubts, |s| {
        s.scene.list_paths(&IDS.map(|id| format!("./nowhere/{id}.yaml")));
    };
    "the list names it by a path that is cut or mistyped", LIST, Kept, Doubts, |s| s.list_instead("/etc/no/ir");
    "the list names one of four", LIST, Kept, Forgets, |s| s.scene.list(&["tg"]);
    "the directory is emptied", DIRECTORIES, Kept, Forgets, |s| IDS.iter().for_each(|id| remove(&s.scene.listed(id)));
    "most files are removed", DIRECTORIES, Kept, Forgets, |s| IDS[..3].iter().for_each(|id| remove(&s.scene.listed(id)));
    "the directory is emptied file by file", DIRECTORIES, Kept, Forgets, |s| {
        for id in IDS {
            remove(&s.scene.listed(id));
            s.look_after(SECONDS);
        }
    };
    "the directory is gone", DIRECTORIES, Kept, Waits, |s| {
        fs::rename(s.scene.dir(), s.scene.home.path().join("away")).expect("moved");
    };
    "a file is in the directory's place", DIRECTORIES, Kept, Waits, |s| {
        fs::rename(s.scene.dir(), s.scene.home.path().join("away")).expect("moved");
        fs::write(s.scene.dir(), two_entries("irc3")).expect("written");
    };
    "an unmount uncovers an empty directory", DIRECTORIES, Kept, Forgets, |s| s.uncover(&[]);
    "an unmount uncovers a directory with other files", DIRECTORIES, Kept, Forgets, |s| s.uncover(&["old"]);
    "an unmount uncovers a directory with one of the files", DIRECTORIES, Kept, Forgets, |s| s.uncover(&["tg"]);
    "another service uses the same copies, and the file breaks", ALL, Kept, Doubts, |s| {
        let other = Scene::sharing_copies_of(s.scene);
        drop(other.started());
        s.put("irc", "id: [");
    };
};

#[test]
fn no_fault_frees_a_name() {
    for fault in FAULTS {
        for &kind in fault.kinds {
            for keeps_copies in [false, true] {
                let with = if keeps_copies { "with" } else { "without" };
                let what = format!("{} ({kind:?}, {with} copies)", fault.name);
                happens_while_it_runs(fault, kind, keeps_copies, &what);
                happens_while_it_is_stopped(fault, kind, keeps_copies, &what);
            }
        }
    }
}

fn happens_while_it_runs(fault: &Fault, kind: Kind, keeps_copies: bool, what: &str) {
    let scene = Scene::new(kind, keeps_copies);
    let mut engine = scene.started();
    let digest = in_force(&engine).digest().clone();
    (fault.happens)(&Stage { scene: &scene, engine: Some(&mut engine).into() });
    engine.reload(Trigger::Event, false);
    assert!(is_guarded(&engine, NAME), "{what}: at once");
    comes_to(fault.fate, &scene, &mut engine, what);
    if fault.fate == Fate::Untouched && fault.name != "every file is given another name" {
        assert_eq!(*in_force(&engine).digest(), digest, "{what}: the answers are those of before");
    }
}

fn happens_while_it_is_stopped(fault: &Fault, kind: Kind, keeps_copies: bool, what: &str) {
    let what = format!("{what}, while it is stopped");
    let scene = Scene::new(kind, keeps_copies);
    drop(scene.started());
    (fault.happens)(&Stage { scene: &scene, engine: None.into() });
    let started = || {
        let mut engine = scene.engine();
        engine.reload(Trigger::Start, false);
        scene.clock.pass(Duration::from_secs(10));
        engine.reload(Trigger::Poll, false);
        engine
    };
    let mut engine = started();
    let snapshot = in_force(&engine);
    if fault.forgotten == Start::Waits {
        assert!(!snapshot.is_ready(), "{what}: there is nothing to begin with");
        return;
    }
    if !keeps_copies {
        let knows = (is_guarded(&engine, NAME), snapshot.is_complete());
        let expected = match fault.forgotten {
            Start::Knows => (true, true),
            Start::Doubts => (false, false),
            Start::Forgets => (false, true),
            Start::Waits => unreachable!("it has ended above"),
        };
        assert_eq!(knows, expected, "{what}: guarded, complete");
        return;
    }
    assert!(is_guarded(&engine, NAME), "{what}: at once");
    // Killed and started again while it is held.
    drop(engine);
    engine = started();
    assert!(is_guarded(&engine, NAME), "{what}: once more");
    comes_to(fault.fate, &scene, &mut engine, &what);
}

/// What is to be seen of a fate, at once and later.
fn comes_to(fate: Fate, scene: &Scene, engine: &mut Engine, what: &str) {
    assert_eq!(in_force(engine).is_complete(), fate == Fate::Untouched, "{what}: it shows");
    scene.pass(engine, GRACE.saturating_sub(Duration::from_secs(20)));
    assert!(is_guarded(engine, NAME), "{what}: for the grace");
    scene.pass(engine, Duration::from_secs(30));
    assert_eq!(is_guarded(engine, NAME), fate != Fate::Held, "{what}: afterwards");
    assert_eq!(in_force(engine).is_complete(), fate != Fate::Kept, "{what}: afterwards");
}

#[test]
fn a_confirmation_ends_what_is_held_and_nothing_else() {
    for fault in FAULTS.iter().filter(|fault| fault.fate != Fate::Untouched) {
        for &kind in fault.kinds {
            let what = format!("{} ({kind:?})", fault.name);
            let scene = Scene::new(kind, true);
            let mut engine = scene.started();
            (fault.happens)(&Stage { scene: &scene, engine: None.into() });
            engine.reload(Trigger::Signal, false);
            assert!(is_guarded(&engine, NAME), "{what}: a signal confirms nothing");
            let report = engine.reload(Trigger::Request, false);
            assert_eq!(is_guarded(&engine, NAME), fault.fate == Fate::Kept, "{what}: {report:?}");
            assert!(report.took <= Duration::from_secs(3), "{what}: {report:?}");
        }
    }
}
