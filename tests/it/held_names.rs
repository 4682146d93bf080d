//! What frees a name: a table of faults, of kinds of sources, while the service runs and while it does not; and what else
//! there is to say of names that are held. Time is that of a clock that goes on when it is waited for.

mod doubt;
mod elsewhere;
mod lost;
mod scene;
mod shuffled;
mod table;

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use bailiwick::index::Scratch;
use bailiwick::matrix::MatrixId;
use bailiwick::reload::{Engine, Trigger};
use bailiwick::snapshot::FileState;

use super::support::{Service, registration};
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

/// A registration with these entries, `!` in front of those that are exclusive.
fn with_entries(id: &str, entries: &[&str]) -> String {
    let head = format!(
        "id: {id}\nurl: null\nas_token: as-{id}\nhs_token: hs-{id}\nsender_localpart: {id}-bot\nnamespaces:\n  users:\n"
    );
    let entry = |entry: &&str| {
        let (regex, exclusive) = entry.strip_prefix('!').map_or((*entry, false), |regex| (regex, true));
        format!("    - regex: '{regex}'\n      exclusive: {exclusive}\n")
    };
    head + &entries.iter().map(entry).collect::<String>()
}

type Words = &'static [&'static str];

/// Whatever form the taking away has: what kept a name before keeps it for the grace, and what did not, does not.
#[test]
fn what_an_edit_takes_away_is_held_whichever_form_that_has() {
    // Of what begins with `a`, what begins with `ac` is not kept: the entry stands behind one that is not exclusive.
    let before: &[&str] = &["@ac.*", "!@a.*", "!@b.*"];
    // What the file says then; the IDs that are kept while it is held and not by what it says; those that are not kept.
    let edits: &[(&str, Words, Words, Words)] = &[
        ("nothing", &["@ac.*", "!@a.*", "!@b.*"], &[], &["@ac1"]),
        ("they change places", &["!@a.*", "@ac.*", "!@b.*"], &[], &[]),
        ("exclusive ones change places", &["@ac.*", "!@b.*", "!@a.*"], &[], &["@ac1"]),
        ("another is put before one behind a shared one", &["@ac.*", "@ab.*", "!@a.*", "!@b.*"], &["@ab1"], &["@ac1"]),
        ("and behind one, before the other", &["@ac.*", "!@a.*", "@b1.*", "!@b.*"], &["@b1"], &["@ac1"]),
        ("the shared one stands last", &["!@b.*", "!@a.*", "@ac.*"], &[], &[]),
        ("the shared one is gone", &["!@a.*", "!@b.*"], &[], &[]),
        ("the shared one is wider", &["@a[bc].*", "!@a.*", "!@b.*"], &["@ab1"], &[]),
        ("the one behind it is gone", &["@ac.*", "!@b.*"], &["@ab1"], &["@ac1"]),
        ("it is shared", &["@ac.*", "@a.*", "!@b.*"], &["@ab1"], &["@ac1"]),
        ("it is narrowed", &["@ac.*", "!@ab.*", "!@b.*"], &["@ad1"], &["@ac1"]),
        ("the one before it is exclusive, and it is gone", &["!@ac.*", "!@b.*"], &["@ab1"], &[]),
        ("nothing is left", &[], &["@ab1", "@b1"], &[]),
    ];
    for keeps_copies in [false, true] {
        for (what, after, held, shared) in edits {
            let scene = Scene::new(Kind::Directory, keeps_copies);
            scene.put("irc", &with_entries("irc", before));
            let mut engine = scene.started();
            let kept = ["@ab1", "@ad1", "@b1"];
            let id = |name: &str| format!("{name}:example.com");
            assert!(kept.iter().all(|name| is_guarded(&engine, &id(name))) && !is_guarded(&engine, &id("@ac1")));
            let text = with_entries("irc", after).replace("users:\n\n", "users: []\n");
            scene.put("irc", &if after.is_empty() { text.replace("users:", "users: []") } else { text });
            engine.reload(Trigger::Event, false);
            for restarted in [false, true] {
                if restarted && keeps_copies {
                    drop(engine);
                    engine = scene.engine();
                    engine.reload(Trigger::Start, false);
                }
                assert!(kept.iter().all(|name| is_guarded(&engine, &id(name))), "{what}: {restarted}");
                assert!(shared.iter().all(|name| !is_guarded(&engine, &id(name))), "{what}: {restarted}");
                scene.pass(&mut engine, Duration::from_secs(10));
            }
            scene.pass(&mut engine, GRACE);
            assert!(in_force(&engine).is_complete(), "{what}");
            let free: Vec<&&str> = kept.iter().filter(|name| !is_guarded(&engine, &id(name))).collect();
            assert!(held.iter().all(|name| free.contains(&name)), "{what}: {held:?} are held no longer: {free:?}");
        }
    }
}

/// Two services that claim the same, each behind another entry that is not exclusive, lose it at once.
#[test]
fn what_two_services_lose_is_held_for_both() {
    let scene = Scene::new(Kind::Directory, false);
    scene.put("irc", &with_entries("irc", &["@xa.*", "!@x.*"]));
    scene.put("tg", &with_entries("tg", &["@xb.*", "!@x.*"]));
    let mut engine = scene.started();
    scene.put("irc", &with_entries("irc", &["@xa.*"]));
    scene.put("tg", &with_entries("tg", &["@xb.*"]));
    engine.reload(Trigger::Event, false);
    for name in ["@xa1:example.com", "@xb1:example.com", "@xc1:example.com"] {
        assert!(is_guarded(&engine, name), "{name}");
    }
}

/// A file that comes to be another service's (a paste into the wrong file) gives that one nothing of what it was.
#[test]
fn what_a_file_was_is_held_in_the_name_of_the_service_that_it_was() {
    for (kind, copies) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let scene = Scene::new(kind, copies);
        let mut engine = scene.started();
        let before = in_force(&engine).digest().clone();
        let what = format!("{kind:?}, copies: {copies}");
        scene.put("irc", &registration("chat", "chat_"));
        engine.reload(Trigger::Event, false);
        scene.put("irc", &registration("talk", "talk_"));
        engine.reload(Trigger::Event, false);
        for restarted in [false, true] {
            if restarted && copies {
                drop(engine);
                engine = scene.engine();
                engine.reload(Trigger::Start, false);
                scene.pass(&mut engine, Duration::from_secs(10));
            }
            for (id, owner) in [
                (NAME, "irc"),
                ("@irc-bot:example.com", "irc"),
                ("@chat_x:example.com", "chat"),
                ("@talk_x:example.com", "talk"),
                ("@tg_x:example.com", "tg"),
            ] {
                assert_eq!(owners(&engine, id), [owner], "{what}, restarted: {restarted}: {id}");
            }
            let counts = in_force(&engine).counts();
            assert_eq!((counts.active, counts.held), (IDS.len(), 2), "{what}: {:?}", in_force(&engine).files());
        }
        // The others that it was for a moment are held, and it is as before.
        scene.put("irc", &two_entries("irc"));
        engine.reload(Trigger::Event, false);
        assert_eq!(owners(&engine, NAME), ["irc"], "{what}");
        assert_eq!(owners(&engine, "@chat_x:example.com"), ["chat"], "{what}");
        scene.pass(&mut engine, GRACE + Duration::from_secs(5));
        assert_eq!(*in_force(&engine).digest(), before, "{what}");
        assert!(in_force(&engine).is_complete(), "{what}");
        // What is meant is so after the grace.
        scene.put("irc", &registration("chat", "chat_"));
        engine.reload(Trigger::Event, false);
        scene.pass(&mut engine, GRACE + Duration::from_secs(5));
        assert!(!is_guarded(&engine, NAME) && in_force(&engine).is_complete(), "{what}");
    }
}

/// A paste, and a moment in which the one that it was pasted from is nobody's, look like a move. What the file was is not let go
/// as long as the files contradict each other, whoever asks for a reload.
#[test]
fn what_a_file_was_is_not_let_go_while_files_are_mixed_up() {
    for (kind, copies) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let what = format!("{kind:?}, copies: {copies}");
        let text = |id: &str| registration(id, &format!("{id}_"));
        let scene = Scene::new(kind, copies);
        let mut engine = scene.started();
        // It is pasted over, and is turned away.
        scene.put("irc", &text("signal"));
        engine.reload(Trigger::Event, false);
        assert_eq!(owners(&engine, NAME), ["irc"], "{what}");
        // Two others are about to change names, and back.
        scene.put("signal", &text("tg"));
        scene.put("tg", &text("signal"));
        fs::rename(scene.file("tg"), scene.file("tg").with_extension("away")).expect("renamed");
        engine.reload(Trigger::Event, false);
        assert!(owners(&engine, NAME) == ["irc"], "{what}");
        for id in ["signal", "tg"] {
            scene.put(id, &text(id));
        }
        for damaged in [false, true] {
            if damaged {
                scene.put("signal", "");
            }
            engine.reload(Trigger::Event, false);
            engine.reload(Trigger::Request, false);
            scene.pass(&mut engine, 2 * GRACE);
            if copies {
                drop(engine);
                engine = scene.engine();
                engine.reload(Trigger::Start, false);
                scene.pass(&mut engine, 2 * GRACE);
            }
            engine.reload(Trigger::Request, false);
            assert_eq!(owners(&engine, NAME), ["irc"], "{what}, damaged: {damaged}: {:?}", in_force(&engine).files());
            assert!(!in_force(&engine).is_complete(), "{what}, damaged: {damaged}");
        }
        // When it is told which was meant, the rest is as in any edit.
        scene.put("signal", &text("chat"));
        engine.reload(Trigger::Event, false);
        scene.pass(&mut engine, GRACE.saturating_sub(Duration::from_secs(10)));
        assert_eq!(owners(&engine, NAME), ["irc"], "{what}: for the grace");
        scene.pass(&mut engine, Duration::from_secs(20));
        assert!(
            !is_guarded(&engine, NAME) && in_force(&engine).is_complete(),
            "{what}: {:?}",
            in_force(&engine).files()
        );
    }
}

/// While another directory lies over it, nobody sees what contradicts what, and no request for a reload lets go what was in doubt.
#[test]
fn what_a_file_was_is_not_let_go_while_its_directory_is_covered() {
    for (copies, covering) in [false, true].into_iter().flat_map(|copies| [0, 1].map(|covering| (copies, covering))) {
        let scene = Scene::new(Kind::Directory, copies);
        let mut engine = scene.started();
        let text = |id: &str| registration(id, &format!("{id}_"));
        // It is pasted over with what is nobody's for a moment.
        remove(&scene.file("signal"));
        scene.put("irc", &text("signal"));
        engine.reload(Trigger::Event, false);
        scene.put("signal", &text("signal"));
        engine.reload(Trigger::Event, false);
        let away = scene.home.path().join("away");
        fs::rename(scene.dir(), &away).expect("moved");
        fs::create_dir(scene.dir()).expect("covered");
        for at in 0..covering {
            let other = registration(&format!("other{at}"), "other_");
            fs::write(scene.dir().join("other.yaml"), other).expect("written");
        }
        for _ in 0..3 {
            engine.reload(Trigger::Request, false);
            assert!(is_guarded(&engine, NAME), "{copies}, {covering}: {:#?}", in_force(&engine).files());
        }
        fs::remove_dir_all(scene.dir()).expect("uncovered");
        fs::rename(&away, scene.dir()).expect("moved back");
        engine.reload(Trigger::Request, false);
        assert!(is_guarded(&engine, NAME), "{copies}, {covering}: {:#?}", in_force(&engine).files());
    }
}

/// A file that is no registration at all is quarantined for as long as it lies there; whoever knows better says so.
#[test]
fn what_a_file_was_is_let_go_when_it_is_said_that_less_is_right() {
    for copies in [false, true] {
        let scene = Scene::new(Kind::Directory, copies);
        fs::write(scene.dir().join("config.yaml"), "homeserver:\n  address: https://example.com\n").expect("written");
        let mut engine = scene.engine();
        engine.reload(Trigger::Start, false);
        scene.put("irc", &registration("chat", "chat_"));
        engine.reload(Trigger::Event, false);
        scene.pass(&mut engine, 2 * GRACE);
        engine.reload(Trigger::Request, false);
        assert!(is_guarded(&engine, NAME), "nobody has decided");
        engine.reload(Trigger::Request, true);
        assert!(!is_guarded(&engine, NAME), "{:?}", in_force(&engine).files());
    }
}

/// Nothing of a source is taken for lost because of what one of its files was, and while it is lost, that is not let go.
#[test]
fn what_a_file_was_is_let_go_when_nothing_else_is_lost() {
    let scene = Scene::new(Kind::Directory, true);
    let mut engine = scene.started();
    scene.put("irc", &registration("chat", "chat_"));
    engine.reload(Trigger::Event, false);
    for id in ["signal", "tg", "wa"] {
        remove(&scene.file(id));
    }
    engine.reload(Trigger::Event, false);
    assert_eq!(in_force(&engine).missing().len(), 1);
    scene.pass(&mut engine, GRACE + Duration::from_secs(5));
    assert!(is_guarded(&engine, NAME), "nobody can see what else there is");
    for id in ["signal", "tg", "wa"] {
        assert_eq!(owners(&engine, &format!("@{id}_x:example.com")), [id]);
        scene.put(id, &registration(id, &format!("{id}_")));
    }
    scene.pass(&mut engine, GRACE + Duration::from_secs(5));
    assert!(!is_guarded(&engine, NAME));
    assert!(in_force(&engine).is_complete(), "{:?}", in_force(&engine).missing());
}

/// A service whose id alone was changed has the token still, and holds what it claimed before.
#[test]
fn a_service_that_changes_its_id_holds_what_it_claimed() {
    let scene = Scene::new(Kind::Directory, false);
    let mut engine = scene.started();
    scene.put("irc", &registration("irc", "irc_").replace("id: irc\n", "id: chat\n"));
    engine.reload(Trigger::Event, false);
    assert_eq!(owners(&engine, NAME), ["chat"]);
    assert_eq!(in_force(&engine).files().len(), IDS.len());
}

/// Who claims an ID for itself alone.
fn owners(engine: &Engine, id: &str) -> Vec<String> {
    let snapshot = in_force(engine);
    let claims = snapshot.services().claims(MatrixId::parse(id).expect("an ID"), &mut Scratch::default());
    claims.iter().filter(|claim| claim.exclusive).map(|claim| claim.as_id.to_owned()).collect()
}

/// What is new in a file is in force as it stands there, although something of before is held.
#[test]
fn what_is_held_stands_in_front_of_nothing_new() {
    let scene = Scene::new(Kind::Directory, false);
    scene.put("irc", &with_entries("irc", &["!@x.*"]));
    let mut engine = scene.started();
    scene.put("irc", &with_entries("irc", &["!@x1.*", "@y.*"]));
    engine.reload(Trigger::Event, false);
    let snapshot = in_force(&engine);
    let entries = snapshot.files()[0].registration().expect("in force").entries(bailiwick::matrix::Kind::User);
    let regexes: Vec<&str> = entries.iter().map(|entry| entry.regex.as_str()).collect();
    assert_eq!(regexes, ["@x1.*", "@x.*", "@y.*"]);
}

/// Any edit of any list: what was kept and what is kept by what the file says now is kept together.
#[test]
fn no_edit_of_a_list_frees_a_name() {
    let entries = ["@a.*", "@.a.*", "@ab.*", "@[bc].*", "@.*c"];
    let names: Vec<String> =
        "abc".chars().flat_map(|a| "abc".chars().map(move |b| format!("@{a}{b}1:example.com"))).collect();
    // A small generator (xorshift), so that what it finds is found again.
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).expect("31 bits") % bound
    };
    let mut list = || {
        let mut chosen: Vec<String> = Vec::new();
        for _ in 0..=below(4) {
            chosen.push(format!("{}{}", ["", "!"][below(2)], entries[below(entries.len())]));
        }
        chosen
    };
    let scene = Scene::new(Kind::Directory, false);
    let text = |list: &[String]| with_entries("irc", &list.iter().map(String::as_str).collect::<Vec<_>>());
    let guarded =
        |engine: &Engine| names.iter().filter(|name| is_guarded(engine, name)).cloned().collect::<HashSet<_>>();
    let kept_by = |list: &[String]| {
        scene.put("irc", &text(list));
        let mut engine = scene.engine();
        engine.reload(Trigger::Start, false);
        guarded(&engine)
    };
    for _ in 0..150 {
        let lists = [list(), list(), list()];
        let kept: Vec<HashSet<String>> = lists.iter().map(|list| kept_by(list)).collect();
        scene.put("irc", &text(&lists[0]));
        let mut engine = scene.started();
        let mut so_far = kept[0].clone();
        for (list, kept) in lists.iter().zip(&kept).skip(1) {
            scene.put("irc", &text(list));
            engine.reload(Trigger::Event, false);
            so_far.extend(kept.iter().cloned());
            let now = guarded(&engine);
            assert!(so_far.is_subset(&now), "{lists:?}: {:?}", so_far.difference(&now).collect::<Vec<_>>());
        }
        scene.pass(&mut engine, GRACE + Duration::from_secs(10));
        assert_eq!(guarded(&engine), kept[2], "{lists:?}: after the grace");
    }
}

/// What is held answers, and is nobody's to mend: no finding is about it.
#[test]
fn findings_are_about_what_files_say() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let put = |id: &str, prefix: &str| {
        fs::write(home.path().join(format!("{id}.yaml")), registration(id, prefix)).expect("written");
    };
    let collisions = |service: &Service| {
        let conflicts = service.get("/v1/conflicts?severity=error").json();
        (conflicts["snapshot"] == service.status("snapshot")).then(|| conflicts["total"].as_u64().expect("a count"))
    };
    for removed in [false, true] {
        put("irc", "irc_");
        put("tg", "irc_a");
        put("wa", "wa_");
        // For longer than any test takes.
        let service = Service::start_with(&[home.path()], &["--server-name", "example.com", "--hold", "3600"]);
        service.wait("to find it", |service| collisions(service) == Some(1));
        if removed {
            remove(&home.path().join("irc.yaml"));
        } else {
            put("irc", "chat_");
        }
        service.wait("to hold it", |service| service.status("registrations")["held"] == 1);
        assert_eq!(service.claimants("@irc_ax:example.com"), ["irc", "tg"], "both answer");
        service.wait("to find nothing", |service| collisions(service) == Some(0));
        assert_eq!(service.status("registrations")["held"], 1, "while it is held");
    }
}

/// Nobody can tell what a file is that cannot be loaded; when it can, it is told, and what is missing is missing as in any edit.
#[test]
fn what_is_missing_beside_a_typo_is_held_once_it_is_mended() {
    let scene = Scene::new(Kind::Directory, false);
    let mut engine = scene.started();
    remove(&scene.file("irc"));
    scene.put("new", "id: new\nurl: [");
    scene.pass(&mut engine, 2 * GRACE);
    assert!(is_guarded(&engine, NAME), "as long as it cannot be loaded");
    scene.put("new", &registration("new", "new_"));
    scene.pass(&mut engine, GRACE.saturating_sub(Duration::from_secs(10)));
    assert!(is_guarded(&engine, NAME), "for the grace");
    scene.pass(&mut engine, Duration::from_secs(30));
    assert!(!is_guarded(&engine, NAME), "afterwards");
    assert!(in_force(&engine).is_complete());
}
