//! What frees a name: a table of faults, of kinds of sources, while the service runs and while it does not; and what else
//! there is to say of names that are held. Time is that of a clock that goes on when it is waited for.

mod scene;
mod table;

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use bailiwick::reload::Trigger;
use bailiwick::snapshot::FileState;

use super::support::registration;
use scene::{GRACE, IDS, KINDS, Kind, NAME, Scene, in_force, is_guarded, remove, two_entries};

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
    assert_eq!(in_force(&engine).counts().active, IDS.len());
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
    assert_eq!(copies().len(), before.len() + IDS.len());
    assert!(before.iter().all(|copy| copies().contains(copy)));
    drop(second);
    scene.put("irc", "id: [");
    let mut first = scene.engine();
    first.reload(Trigger::Start, false);
    assert!(is_guarded(&first, NAME));
}
