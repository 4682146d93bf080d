//! What is lost with its source stays so across a restart, whatever else has come meanwhile.

use std::fs;
use std::path::{Path, PathBuf};

use bailiwick::reload::{Engine, Trigger};
use bailiwick::snapshot::FileState;

use super::scene::{GRACE, IDS, Kind, NAME, Scene, in_force, is_guarded, remove, two_entries};
use crate::support::registration;

const ADDED: [&str; 4] = ["n1", "n2", "n3", "n4"];

/// Most of the files are gone, and others have come, more of them than are missing.
fn added_beside_what_is_lost(scene: &Scene, engine: &mut Engine) {
    for id in ["irc", "signal", "tg"] {
        remove(&scene.file(id));
    }
    if scene.kind == Kind::List {
        scene.list(&["wa"]);
    }
    engine.reload(Trigger::Event, false);
    for id in ADDED {
        scene.put(id, &registration(id, &format!("{id}_")));
    }
    if scene.kind == Kind::List {
        scene.list(&["wa", "n1", "n2", "n3", "n4"]);
    }
    engine.reload(Trigger::Event, false);
    scene.clock.pass(GRACE);
    engine.reload(Trigger::Poll, false);
    assert!(is_guarded(engine, NAME) && is_guarded(engine, "@n1_x:example.com"), "{:?}", in_force(engine).files());
}

fn restarted(scene: &Scene, engine: Engine) -> Engine {
    drop(engine);
    let mut engine = scene.engine();
    engine.reload(Trigger::Start, false);
    engine
}

/// Neither time nor a confirmation lets go what is lost.
fn stays(scene: &Scene, engine: &mut Engine, what: &str) {
    scene.pass(engine, 2 * GRACE);
    engine.reload(Trigger::Request, false);
    assert!(is_guarded(engine, NAME) && !in_force(engine).is_complete(), "{what}: {:?}", in_force(engine).files());
}

fn copies(scene: &Scene, suffix: &str) -> Vec<PathBuf> {
    let state = fs::read_dir(scene.home.path().join("state")).expect("readable");
    let paths = state.map(|copy| copy.expect("read").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == suffix)).collect()
}

#[test]
fn what_is_added_gets_a_copy_and_what_is_lost_stays_so() {
    for kind in [Kind::Directory, Kind::List] {
        let scene = Scene::new(kind, true);
        let mut engine = scene.started();
        added_beside_what_is_lost(&scene, &mut engine);
        assert_eq!(copies(&scene, "registration").len(), IDS.len() + ADDED.len(), "{kind:?}");
        scene.put("n1", "id: [");
        for round in 0..2 {
            engine = restarted(&scene, engine);
            assert!(is_guarded(&engine, "@n1_x:example.com"), "{kind:?}: {:?}", in_force(&engine).files());
            stays(&scene, &mut engine, &format!("{kind:?}, restart {round}"));
        }
        // It is back, as far as its file is; of the rest somebody says that it is gone.
        scene.put("irc", &two_entries("irc"));
        scene.put("n1", &registration("n1", "n1_"));
        if kind == Kind::List {
            scene.list(&["wa", "n1", "n2", "n3", "n4", "irc"]);
        }
        engine.reload(Trigger::Event, false);
        assert!(is_guarded(&engine, "@tg_x:example.com") && !in_force(&engine).is_complete(), "{kind:?}");
        engine.reload(Trigger::Request, true);
        engine = restarted(&scene, engine);
        let snapshot = in_force(&engine);
        assert!(snapshot.is_complete() && is_guarded(&engine, NAME), "{kind:?}: {:?}", snapshot.files());
        assert!(!is_guarded(&engine, "@tg_x:example.com"), "{kind:?}: {:?}", snapshot.files());
        assert!(copies(&scene, "lost").is_empty(), "{kind:?}");
    }
}

/// What is not known is not taken for nothing.
#[test]
fn when_nobody_can_read_what_was_lost_all_that_is_missing_was() {
    let scene = Scene::new(Kind::Directory, true);
    let mut engine = scene.started();
    added_beside_what_is_lost(&scene, &mut engine);
    drop(engine);
    for noted in copies(&scene, "lost") {
        fs::write(noted, "irc").expect("written");
    }
    engine = scene.engine();
    engine.reload(Trigger::Start, false);
    stays(&scene, &mut engine, "damaged");
    // It is written again, since it is what it was.
    engine = restarted(&scene, engine);
    stays(&scene, &mut engine, "after another restart");
}

/// A copy of what is new counts for nothing that is lost only if it is known what is.
#[test]
fn what_is_new_gets_no_copy_while_it_cannot_be_noted_what_is_lost() {
    let scene = Scene::new(Kind::Directory, true);
    let mut engine = scene.started();
    for id in ["irc", "signal", "tg"] {
        fs::rename(scene.file(id), scene.home.path().join(id)).expect("moved");
    }
    engine.reload(Trigger::Event, false);
    let noted = copies(&scene, "lost");
    assert_eq!(noted.len(), 1);
    for id in ["irc", "signal", "tg"] {
        fs::rename(scene.home.path().join(id), scene.file(id)).expect("moved back");
    }
    engine.reload(Trigger::Event, false);
    assert!(!Path::new(&noted[0]).exists() && in_force(&engine).is_complete());
    fs::create_dir_all(noted[0].join("in the way")).expect("made");
    added_beside_what_is_lost(&scene, &mut engine);
    assert_eq!(copies(&scene, "registration").len(), IDS.len());
    engine = restarted(&scene, engine);
    stays(&scene, &mut engine, "nothing noted");
}

/// What was held besides what a file says is known no more. A confirmation ends that, once every file is there.
#[test]
fn what_was_held_and_is_damaged_is_confirmed_without_anything_else() {
    let scene = Scene::new(Kind::Directory, true);
    let mut engine = scene.started();
    scene.put("irc", &registration("irc", "irc_"));
    engine.reload(Trigger::Event, false);
    drop(engine);
    for held in copies(&scene, "held") {
        fs::write(held, "{").expect("written");
    }
    let mut engine = scene.engine();
    engine.reload(Trigger::Start, false);
    let problem = |engine: &Engine| {
        in_force(engine).missing().iter().map(|missing| missing.problem.to_string()).collect::<Vec<_>>()
    };
    scene.pass(&mut engine, 2 * GRACE);
    assert!(problem(&engine)[0].contains("`POST /-/reload` confirms"), "{:?}", problem(&engine));
    // Not while anything else is wrong: who confirms then may not have that in mind.
    for id in ["signal", "tg", "wa"] {
        fs::rename(scene.file(id), scene.home.path().join(id)).expect("moved");
    }
    engine.reload(Trigger::Event, false);
    engine.reload(Trigger::Request, false);
    assert_eq!(problem(&engine).len(), 2, "{:?}", problem(&engine));
    for id in ["signal", "tg", "wa"] {
        fs::rename(scene.home.path().join(id), scene.file(id)).expect("moved back");
    }
    engine.reload(Trigger::Event, false);
    assert_eq!(problem(&engine).len(), 1, "{:?}", problem(&engine));
    // What is held meanwhile is noted, and stays so.
    scene.put("tg", &registration("tg", "chat_"));
    engine.reload(Trigger::Event, false);
    engine.reload(Trigger::Request, false);
    assert!(in_force(&engine).is_complete(), "{:?}", problem(&engine));
    engine = restarted(&scene, engine);
    assert!(in_force(&engine).is_complete(), "{:?}", problem(&engine));
}

/// What cannot be loaded and came a moment before something went may be what that was, as if it had come a moment after.
#[test]
fn what_has_just_come_and_cannot_be_loaded_may_be_what_goes() {
    for (waited, is_kept) in [(GRACE / 2, true), (2 * GRACE, false)] {
        let scene = Scene::new(Kind::Directory, false);
        let mut engine = scene.started();
        scene.put("chat", "id: [");
        engine.reload(Trigger::Event, false);
        scene.pass(&mut engine, waited);
        remove(&scene.file("irc"));
        engine.reload(Trigger::Event, false);
        scene.pass(&mut engine, 2 * GRACE);
        assert_eq!(is_guarded(&engine, NAME), is_kept, "{waited:?}: {:?}", in_force(&engine).files());
        // It was another one: what is gone is held from now on, and no longer.
        scene.put("chat", &registration("chat", "chat_"));
        engine.reload(Trigger::Event, false);
        assert_eq!(is_guarded(&engine, NAME), is_kept, "{waited:?}: {:?}", in_force(&engine).files());
        scene.pass(&mut engine, 2 * GRACE);
        assert!(!is_guarded(&engine, NAME) && in_force(&engine).is_complete(), "{:?}", in_force(&engine).files());
    }
}

/// A file that has nothing to do with it keeps what another one was from being let go. It is named, and there is a way out.
#[test]
fn what_keeps_a_former_service_is_named() {
    let scene = Scene::new(Kind::Directory, false);
    scene.put("config", "homeserver:\n  address: https://example.com\n");
    let mut engine = scene.engine();
    engine.reload(Trigger::Start, false);
    scene.pass(&mut engine, GRACE);
    scene.put("irc", &registration("chat", "chat_"));
    engine.reload(Trigger::Event, false);
    scene.pass(&mut engine, 2 * GRACE);
    let snapshot = in_force(&engine);
    let former = snapshot.files().iter().find(|file| file.state() == FileState::Held).expect("it is held");
    assert!(former.faults()[0].message.contains("config.yaml"), "{:?}", former.faults());
    engine.reload(Trigger::Request, false);
    assert!(is_guarded(&engine, NAME));
    engine.reload(Trigger::Request, true);
    assert!(!is_guarded(&engine, NAME), "{:?}", in_force(&engine).files());
}
