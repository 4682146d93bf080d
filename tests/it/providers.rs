//! Whatever has a name and a version can be a source: no path is needed, and what is known of a file besides its content
//! follows it.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bailiwick::matrix::{MatrixId, ServerName};
use bailiwick::registration::{self, FileFacts, TokenHasher};
use bailiwick::reload::{Engine, Options, ReloadResult, Trigger};
use bailiwick::snapshot::{FileState, Snapshot};
use bailiwick::source::{
    Content, Directory, FileSystem, Hint, Item, Listed, Listing, Provider, Recorded, Since, Unlisted, Unread, Version,
    Watched,
};
use bailiwick::telemetry::Metrics;

use super::support::registration;

/// A table of rows with revisions, as a database has.
#[derive(Debug, Default)]
struct Table {
    rows: Mutex<BTreeMap<String, (u64, String)>>,
    down: Mutex<bool>,
    reads: AtomicUsize,
}

impl Table {
    fn put(&self, key: &str, revision: u64, text: &str) {
        self.rows.lock().expect("no panic").insert(key.to_owned(), (revision, text.to_owned()));
    }
}

impl Provider for Table {
    fn shown(&self) -> String {
        "memory://registrations".to_owned()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        if *self.down.lock().expect("no panic") {
            return Err(Unlisted::Unreadable("the database does not answer".to_owned()));
        }
        let rows = self.rows.lock().expect("no panic");
        let items = rows.iter().map(|(key, (revision, _))| {
            let version = Version::Opaque([*revision, 0]);
            Listed::Item(Item { name: key.as_str().into(), version, facts: FileFacts::default() })
        });
        Ok(Listing { items: items.collect(), ..Listing::default() })
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let rows = self.rows.lock().expect("no panic");
        let (revision, text) = rows.get(&*item.name).ok_or(Unread::Gone)?;
        let version = Version::Opaque([*revision, 0]);
        Ok(Content { bytes: text.clone().into_bytes(), version })
    }

    fn watch(&self, _listed: &[Arc<str>], _hint: &Hint) -> Watched {
        Watched::ALL
    }

    fn could_list(&self, _name: &str) -> bool {
        true
    }
}

fn engine(provider: Arc<dyn Provider>) -> Engine {
    engine_keeping(provider, None)
}

fn engine_keeping(provider: Arc<dyn Provider>, state_dir: Option<&Path>) -> Engine {
    let hasher = TokenHasher::new();
    let load = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher);
    let name: ServerName = "example.com".parse().expect("a server name");
    let mut options = Options::new(name.into(), vec![provider], Arc::new(load));
    options.state_dir = state_dir.map(Path::to_owned);
    Engine::new(options, &Metrics::new())
}

fn claimed(engine: &Engine, id: &str) -> bool {
    !engine
        .live()
        .load()
        .services()
        .claims(MatrixId::parse(id).expect("an ID"), &mut bailiwick::index::Scratch::new())
        .is_empty()
}

#[test]
fn a_table_is_a_source_like_any_other() {
    let table = Arc::new(Table::default());
    table.put("bridges/irc", 1, &registration("irc", "irc_"));
    let mut engine = engine(Arc::clone(&table) as _);
    engine.reload(Trigger::Start, false);
    assert!(claimed(&engine, "@irc_x:example.com"));
    assert_eq!(table.reads.load(Ordering::Relaxed), 1);

    // What has the same version is not read again.
    assert_eq!(engine.reload(Trigger::Poll, false).result, ReloadResult::Unchanged);
    assert_eq!(table.reads.load(Ordering::Relaxed), 1);
    table.put("bridges/tg", 2, &registration("tg", "tg_"));
    engine.reload(Trigger::Event, false);
    assert!(claimed(&engine, "@tg_x:example.com"));
    assert_eq!(table.reads.load(Ordering::Relaxed), 2);

    // A row that cannot be loaded keeps what it held, and a database that is down keeps everything.
    table.put("bridges/irc", 3, "id: [");
    engine.reload(Trigger::Event, false);
    assert!(claimed(&engine, "@irc_x:example.com"));
    let live = engine.live();
    assert_eq!(live.load().files()[0].state(), FileState::Stale);
    assert_eq!(live.load().files()[0].file(), "bridges/irc");
    *table.down.lock().expect("no panic") = true;
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&engine, "@irc_x:example.com") && claimed(&engine, "@tg_x:example.com"));
    assert_eq!(live.load().missing()[0].problem.what, "the database does not answer");
    *table.down.lock().expect("no panic") = false;
    table.put("bridges/irc", 4, &registration("irc", "irc_"));
    engine.reload(Trigger::Poll, false);
    assert!(live.load().is_complete());
}

/// The same table where each change is recorded.
#[derive(Debug, Default)]
struct Ledger {
    table: Table,
    removed: Mutex<HashSet<Arc<str>>>,
    revision: AtomicUsize,
    may_be_away: bool,
    /// What it was told that it had said before the restart.
    told: Mutex<Option<String>>,
    accepts: AtomicBool,
    lists: AtomicUsize,
    /// Whether anything has gone that is not on record, of which nobody is certain then.
    has_lost: AtomicBool,
    /// Whether it is away once it has listed what there is.
    is_cut_off: AtomicBool,
}

impl Ledger {
    fn put(&self, key: &str, text: &str) {
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        self.table.put(key, revision as u64, text);
    }

    fn lose(&self, key: &str) {
        self.has_lost.store(true, Ordering::Relaxed);
        self.table.rows.lock().expect("no panic").remove(key);
    }

    fn remove(&self, key: &str) {
        self.revision.fetch_add(1, Ordering::Relaxed);
        self.table.rows.lock().expect("no panic").remove(key);
        self.removed.lock().expect("no panic").insert(key.into());
    }
}

impl Provider for Ledger {
    fn shown(&self) -> String {
        self.table.shown()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        let removed = Arc::new(self.removed.lock().expect("no panic").clone());
        let listing = self.table.list()?;
        let revision = self.revision.load(Ordering::Relaxed) as u64;
        let mut told = self.told.lock().expect("no panic");
        if told.as_ref().is_some_and(|told| told.parse().map_or(true, |told: u64| revision < told)) {
            if !self.accepts.load(Ordering::Relaxed) {
                return Err(Unlisted::Another("it was put back".to_owned()));
            }
            *told = None;
        }
        let recorded = Some(Recorded { revision, removed, note: revision.to_string().into() });
        Ok(Listing { recorded, ..listing })
    }

    fn since(&self, recorded: &Recorded) -> Since {
        let is_certain = !*self.table.down.lock().expect("no panic")
            && !self.has_lost.load(Ordering::Relaxed)
            && recorded.revision == self.revision.load(Ordering::Relaxed) as u64;
        if is_certain { Since::Nothing } else { Since::Unknown }
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        if self.is_cut_off.load(Ordering::Relaxed) {
            return Err(Unread::Because("the database is away".to_owned()));
        }
        self.table.read(item)
    }

    fn watch(&self, listed: &[Arc<str>], hint: &Hint) -> Watched {
        self.table.watch(listed, hint)
    }

    fn may_be_away_at_start(&self) -> bool {
        self.may_be_away
    }

    fn could_list(&self, name: &str) -> bool {
        self.table.could_list(name)
    }

    fn recall(&self, note: &[u8], _in_force: Vec<Arc<str>>) {
        *self.told.lock().expect("no panic") = String::from_utf8(note.to_vec()).ok();
    }

    fn accept(&self, whatever: bool) {
        self.accepts.store(whatever, Ordering::Relaxed);
    }
}

#[test]
fn what_may_be_away_at_the_start_does_not_keep_what_was_in_force_from_being_so_again() {
    let state = tempfile::tempdir().expect("a temporary directory");
    let ledger = |may_be_away| {
        let ledger = Ledger { may_be_away, ..Ledger::default() };
        ledger.put("irc", &registration("irc", "irc_"));
        ledger.put("tg", &registration("tg", "tg_"));
        Arc::new(ledger)
    };
    let started = |ledger: &Arc<Ledger>| {
        let mut engine = engine_keeping(Arc::clone(ledger) as _, Some(state.path()));
        engine.reload(Trigger::Start, false);
        engine
    };
    let is_down = |ledger: &Ledger, down| *ledger.table.down.lock().expect("no panic") = down;
    drop(started(&ledger(true)));

    // What is awaited answers nothing, and what may be away what it knows, and that it may not be all.
    let awaited = ledger(false);
    is_down(&awaited, true);
    assert!(!started(&awaited).live().load().is_ready());
    let away = ledger(true);
    is_down(&away, true);
    let mut engine = started(&away);
    assert!(claimed(&engine, "@irc_x:example.com") && claimed(&engine, "@tg_x:example.com"));
    assert!(engine.live().load().lacks_claims() && !engine.live().load().is_complete());
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&engine, "@irc_x:example.com") && engine.live().load().lacks_claims());

    // What was removed meanwhile is free when it is back, and not before.
    away.remove("tg");
    is_down(&away, false);
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&engine, "@irc_x:example.com") && !claimed(&engine, "@tg_x:example.com"));
    assert!(engine.live().load().is_complete());

    // Who knows nothing answers nothing.
    is_down(&away, true);
    let mut knows_nothing = engine_keeping(Arc::clone(&away) as _, None);
    knows_nothing.reload(Trigger::Start, false);
    assert!(!knows_nothing.live().load().is_ready());
}

#[test]
fn what_is_listed_as_of_a_revision_is_read_as_a_whole_or_not_at_all() {
    let ledger = Arc::new(Ledger { may_be_away: true, ..Ledger::default() });
    ledger.put("irc", &registration("irc", "irc_"));
    ledger.is_cut_off.store(true, Ordering::Relaxed);
    let mut engine = engine(Arc::clone(&ledger) as _);
    engine.reload(Trigger::Start, false);
    let live = engine.live();
    assert!(!live.load().is_ready());
    assert_eq!(live.load().missing().len(), 1);

    ledger.is_cut_off.store(false, Ordering::Relaxed);
    engine.reload(Trigger::Poll, false);
    assert!(live.load().is_complete() && claimed(&engine, "@irc_x:example.com"));

    // Whoever judges by what is in force is not to take it for what a later revision says.
    ledger.is_cut_off.store(true, Ordering::Relaxed);
    ledger.put("tg", &registration("tg", "tg_"));
    engine.reload(Trigger::Event, false);
    assert_eq!((live.load().revision(), live.load().missing().len()), (Some(1), 1));
    assert!(!live.load().is_complete() && claimed(&engine, "@irc_x:example.com"));
    ledger.is_cut_off.store(false, Ordering::Relaxed);
    engine.reload(Trigger::Poll, false);
    assert!(live.load().is_complete() && claimed(&engine, "@tg_x:example.com"));
}

#[test]
fn what_was_put_back_while_nothing_ran_is_not_believed_before_somebody_says_so() {
    let state = tempfile::tempdir().expect("a temporary directory");
    let ledger = |ids: &[&str]| {
        let ledger = Ledger { may_be_away: true, ..Ledger::default() };
        for id in ids {
            ledger.put(id, &registration(id, &format!("{id}_")));
        }
        Arc::new(ledger)
    };
    let started = |ledger: &Arc<Ledger>| {
        let mut engine = engine_keeping(Arc::clone(ledger) as _, Some(state.path()));
        engine.reload(Trigger::Start, false);
        engine
    };
    drop(started(&ledger(&["irc", "tg", "slack"])));

    // What is there is older than what was seen: neither what it lacks nor what it adds is believed.
    let put_back = ledger(&["irc", "tg"]);
    let mut engine = started(&put_back);
    assert_eq!(put_back.told.lock().expect("no panic").as_deref(), Some("3"));
    for trigger in [Trigger::Poll, Trigger::Request] {
        engine.reload(trigger, false);
        assert!(claimed(&engine, "@slack_x:example.com") && claimed(&engine, "@irc_x:example.com"));
        assert!(!engine.live().load().is_complete());
    }

    // Nor is it at the next start, nor when nobody can tell any more what was seen.
    drop(engine);
    let notes: Vec<_> = (fs::read_dir(state.path()).expect("a state directory"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|is| is == "note"))
        .collect();
    assert_eq!(notes.len(), 1);
    assert!(claimed(&started(&put_back), "@slack_x:example.com"));
    fs::write(&notes[0], "what is this").expect("written");
    assert!(claimed(&started(&put_back), "@slack_x:example.com"));
    assert_eq!(put_back.told.lock().expect("no panic").as_deref(), Some(""));

    // Somebody means it: what it lacks goes, as what is gone does that a request confirms, and it is believed from then on.
    *put_back.told.lock().expect("no panic") = Some("3".to_owned());
    let mut engine = engine_keeping(Arc::clone(&put_back) as _, Some(state.path()));
    engine.reload(Trigger::Start, false);
    engine.reload(Trigger::Request, true);
    assert!(!claimed(&engine, "@slack_x:example.com") && claimed(&engine, "@tg_x:example.com"));
    assert!(engine.live().load().is_complete());
    drop(engine);
    let again = started(&put_back);
    assert_eq!(put_back.told.lock().expect("no panic").as_deref(), Some("2"));
    assert!(again.live().load().is_complete());
}

#[test]
fn what_is_on_record_as_decided_is_not_held_and_what_is_not_is() {
    let ledger = Arc::new(Ledger::default());
    for (id, prefix) in [("irc", "irc_"), ("tg", "tg_"), ("slack", "slack_")] {
        ledger.put(id, &registration(id, prefix));
    }
    let mut engine = engine(Arc::clone(&ledger) as _);
    engine.reload(Trigger::Start, false);
    let live = engine.live();
    assert_eq!(live.load().revision(), Some(3));

    // An edit and a removal, both of them somebody's: the names are free with the look that sees it.
    ledger.put("irc", &registration("irc", "chat_"));
    ledger.remove("tg");
    engine.reload(Trigger::Event, false);
    assert!(claimed(&engine, "@chat_x:example.com"));
    assert!(!claimed(&engine, "@irc_x:example.com") && !claimed(&engine, "@tg_x:example.com"));
    assert!(live.load().is_complete());
    assert_eq!(live.load().revision(), Some(5));

    // What has gone without anybody's doing is held, and while nothing can be listed everything stays.
    ledger.lose("slack");
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&engine, "@slack_x:example.com") && !live.load().is_complete());
    *ledger.table.down.lock().expect("no panic") = true;
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&engine, "@slack_x:example.com") && claimed(&engine, "@chat_x:example.com"));
    assert_eq!(live.load().revision(), Some(5));
    *ledger.table.down.lock().expect("no panic") = false;

    // Nor is it a loss that all of them were removed.
    ledger.remove("slack");
    ledger.remove("irc");
    engine.reload(Trigger::Poll, false);
    assert!(!claimed(&engine, "@slack_x:example.com") && !claimed(&engine, "@chat_x:example.com"));
    assert!(live.load().is_complete() && live.load().files().is_empty());
}

#[test]
fn a_change_that_changes_no_answer_is_a_revision_all_the_same() {
    let ledger = Arc::new(Ledger::default());
    ledger.put("irc", &registration("irc", "irc_"));
    let mut engine = engine(Arc::clone(&ledger) as _);
    engine.reload(Trigger::Start, false);
    let before = engine.live().load_full();
    ledger.put("tg", &registration("tg", "tg_"));
    ledger.remove("tg");
    engine.reload(Trigger::Event, false);
    let after = engine.live().load_full();
    assert_eq!(before.digest(), after.digest());
    assert_eq!(after.revision(), Some(3));
}

fn mode(snapshot: &Snapshot) -> Option<u32> {
    snapshot.files()[0].facts().mode.map(|mode| mode & 0o777)
}

#[test]
fn what_is_known_of_a_file_follows_it_although_its_bytes_stay() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("irc.yaml");
    fs::write(&path, registration("irc", "irc_")).expect("written");
    let chmod = |mode: u32| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
    chmod(0o644);
    let mut engine = engine(Arc::new(Directory::new(home.path(), FileSystem::default())));
    engine.reload(Trigger::Start, false);
    let live = engine.live();
    let first = live.load_full();
    assert_eq!(mode(&first), Some(0o644));
    chmod(0o640);
    engine.reload(Trigger::Poll, false);
    let second = live.load_full();
    assert_eq!(mode(&second), Some(0o640));
    assert_eq!(first.digest(), second.digest(), "the answers are the same");
    chmod(0o644);
    engine.reload(Trigger::Poll, false);
    assert_eq!(mode(&live.load()), Some(0o644));
}

#[test]
fn what_is_certain_to_be_as_it_was_is_not_listed_again() {
    let ledger = Arc::new(Ledger::default());
    ledger.put("irc", &registration("irc", "irc_"));
    let mut engine = engine(Arc::clone(&ledger) as _);
    engine.reload(Trigger::Start, false);
    let live = engine.live();
    let mut listed = ledger.lists.load(Ordering::Relaxed);
    let mut has_listed = || {
        let before = std::mem::replace(&mut listed, ledger.lists.load(Ordering::Relaxed));
        listed > before
    };
    for trigger in [Trigger::Event, Trigger::Poll, Trigger::Request] {
        assert_eq!(engine.reload(trigger, false).result, ReloadResult::Unchanged);
        assert!(!has_listed(), "{trigger:?}");
    }
    ledger.put("tg", &registration("tg", "tg_"));
    assert_eq!(engine.reload(Trigger::Event, false).result, ReloadResult::Changed);
    assert!(has_listed() && claimed(&engine, "@tg_x:example.com"));

    // What is not in force as it is there is looked at each time: it may come in without having changed.
    ledger.put("tg", "id: [");
    engine.reload(Trigger::Event, false);
    assert!(has_listed() && !live.load().is_complete());
    engine.reload(Trigger::Poll, false);
    assert!(has_listed());
    ledger.put("tg", &registration("tg", "tg_"));
    engine.reload(Trigger::Event, false);
    assert!(has_listed() && live.load().is_complete());

    // So is what is away, until it is back, and then once more.
    for (down, is_complete) in [(true, false), (true, false), (false, true)] {
        *ledger.table.down.lock().expect("no panic") = down;
        engine.reload(Trigger::Poll, false);
        assert!(has_listed());
        assert_eq!(live.load().is_complete(), is_complete);
    }
    engine.reload(Trigger::Poll, false);
    assert!(!has_listed() && claimed(&engine, "@irc_x:example.com"));

    // And whoever confirms that there is less is heard.
    engine.reload(Trigger::Request, true);
    assert!(has_listed());
}
