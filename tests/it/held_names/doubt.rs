//! Nobody can tell, or see, whether something is gone: it is kept for as long as that is so.

use std::fs;
use std::time::Duration;

use bailiwick::reload::{Engine, Trigger};

use super::owners;
use super::scene::{GRACE, IDS, Kind, NAME, Scene, in_force, is_guarded, remove, two_entries};
use crate::support::registration;

const MARGIN: Duration = Duration::from_secs(10);

/// What has become clear is held for the grace, and then let go.
fn is_held_from_now_on(scene: &Scene, engine: &mut Engine, what: &str) {
    scene.pass(engine, GRACE.saturating_sub(MARGIN));
    assert!(is_guarded(engine, NAME), "{what}: for the grace");
    scene.pass(engine, 2 * MARGIN);
    assert!(!is_guarded(engine, NAME) && in_force(engine).is_complete(), "{what}: {:?}", in_force(engine).files());
}

/// Of a file that a list names twice, it is the one in force that counts, whatever becomes of the list.
#[test]
fn a_file_that_was_listed_twice_keeps_what_it_had_in_force() {
    for text in ["id: [".to_owned(), registration("irc", "irc_")] {
        let scene = Scene::new(Kind::List, false);
        let mut engine = scene.started();
        scene.list(&["irc", "irc", "signal", "tg", "wa"]);
        engine.reload(Trigger::Event, false);
        scene.put("irc", &text);
        engine.reload(Trigger::Event, false);
        assert!(is_guarded(&engine, NAME));
        scene.list(&IDS);
        engine.reload(Trigger::Event, false);
        scene.pass(&mut engine, GRACE.saturating_sub(MARGIN));
        assert!(is_guarded(&engine, NAME), "{text}: {:?}", in_force(&engine).files());
        scene.put("irc", &two_entries("irc"));
        scene.pass(&mut engine, MARGIN);
        assert!(is_guarded(&engine, NAME) && in_force(&engine).is_complete());
    }
}

/// When it is told what has come in the place of one file, nothing is told of those that were lost before.
#[test]
fn what_was_lost_before_a_doubt_stays_so_after_it() {
    let scene = Scene::new(Kind::Directory, false);
    scene.put("aa", &registration("aa", "aa_"));
    let mut engine = scene.started();
    for id in ["irc", "signal", "tg"] {
        remove(&scene.file(id));
    }
    engine.reload(Trigger::Event, false);
    for id in ["n1", "n2", "n3", "n4"] {
        scene.put(id, &registration(id, &format!("{id}_")));
    }
    engine.reload(Trigger::Event, false);
    remove(&scene.file("aa"));
    scene.put("bb", "id: [");
    engine.reload(Trigger::Event, false);
    scene.put("bb", &registration("aa", "aa_"));
    scene.pass(&mut engine, 2 * GRACE);
    engine.reload(Trigger::Request, false);
    assert_eq!(owners(&engine, NAME), ["irc"], "{:?}", in_force(&engine).files());
    assert_eq!(owners(&engine, "@aa_x:example.com"), ["aa"]);
}

/// A file that goes shortly before its directory or its list does may be back behind it.
#[test]
fn what_went_before_its_list_could_be_read_no_more_is_held_until_it_can() {
    for (kind, copies) in [Kind::Directory, Kind::List].into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let what = format!("{kind:?}, copies: {copies}");
        let scene = Scene::new(kind, copies);
        let mut engine = scene.started();
        let list = if kind == Kind::List { scene.home.path().join("list") } else { scene.dir() };
        let away = scene.home.path().join("away");
        if kind == Kind::List {
            scene.list(&IDS[1..]);
        } else {
            remove(&scene.file("irc"));
        }
        engine.reload(Trigger::Event, false);
        scene.pass(&mut engine, MARGIN);
        fs::rename(&list, &away).expect("moved");
        engine.reload(Trigger::Event, false);
        scene.pass(&mut engine, 2 * GRACE);
        engine.reload(Trigger::Request, false);
        assert!(is_guarded(&engine, NAME) && !in_force(&engine).is_complete(), "{what}");
        fs::rename(&away, &list).expect("moved back");
        engine.reload(Trigger::Event, false);
        is_held_from_now_on(&scene, &mut engine, &what);
    }
}

/// A file is renamed, and given another service's token by mistake.
#[test]
fn what_is_missing_is_held_while_another_file_says_that_it_is_it_and_is_turned_away() {
    let scene = Scene::new(Kind::Directory, true);
    let mut engine = scene.started();
    remove(&scene.file("irc"));
    scene.put("chat", &two_entries("irc").replace("as-token-of-irc", "as-token-of-tg"));
    for restarted in [false, true] {
        if restarted {
            drop(engine);
            engine = scene.engine();
            engine.reload(Trigger::Start, false);
        }
        engine.reload(Trigger::Event, false);
        scene.pass(&mut engine, 2 * GRACE);
        engine.reload(Trigger::Request, false);
        assert_eq!(owners(&engine, NAME), ["irc"], "restarted: {restarted}: {:?}", in_force(&engine).files());
    }
    // It is mended, and is that service at once; or it is another, and what is missing is gone.
    scene.put("chat", &two_entries("irc"));
    engine.reload(Trigger::Event, false);
    assert!(is_guarded(&engine, NAME) && in_force(&engine).is_complete(), "{:?}", in_force(&engine).files());
}

/// What is held is noted before the copy is that of what no longer says it, or else the copy stays.
#[test]
fn a_copy_stays_if_what_is_held_besides_cannot_be_noted() {
    let scene = Scene::new(Kind::Directory, true);
    let mut engine = scene.started();
    let copies =
        || fs::read_dir(scene.home.path().join("state")).expect("readable").map(|copy| copy.expect("read").path());
    let in_the_way: Vec<_> = copies().map(|copy| copy.with_extension("held")).collect();
    for held in &in_the_way {
        fs::create_dir_all(held.join("something")).expect("made");
    }
    scene.put("irc", &registration("irc", "irc_"));
    engine.reload(Trigger::Event, false);
    drop(engine);
    let mut engine = scene.engine();
    engine.reload(Trigger::Start, false);
    assert!(is_guarded(&engine, NAME), "{:?}", in_force(&engine).files());
    for held in &in_the_way {
        fs::remove_dir_all(held).expect("removed");
    }
    is_held_from_now_on(&scene, &mut engine, "when it can be noted");
}
