//! What a provider says was put among others is in force without a look at these, and has the consequences that a look has.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bailiwick::matrix::ServerName;
use bailiwick::registration::{self, FileFacts, TokenHasher};
use bailiwick::reload::{Engine, Options, ReloadResult, Trigger};
use bailiwick::snapshot::Changes;
use bailiwick::source::{
    Changed, Content, Hint, Item, Listed, Listing, Provider, Put, Recorded, Since, Unlisted, Unread, Version, Watched,
};
use bailiwick::telemetry::Metrics;
use proptest::prelude::*;
use serde_json::json;

use super::support::registration;

/// Rows whose changes are recorded, in the order in which they were first put.
#[derive(Debug, Default)]
struct Rows {
    state: Mutex<State>,
    /// Whether it tells what was put.
    tells: bool,
    lists: AtomicUsize,
    is_away: AtomicBool,
    /// Whether it says that it is another, while it is away.
    is_another: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    rows: Vec<Row>,
    removed: HashSet<Arc<str>>,
    revision: u64,
    /// The rows that were told last, with their revisions.
    told: Vec<(Arc<str>, u64)>,
    told_at: u64,
}

#[derive(Clone, Debug)]
struct Row {
    name: Arc<str>,
    revision: u64,
    text: String,
}

impl Row {
    fn item(&self) -> Item {
        let version = Version::Opaque([self.revision, 0]);
        Item { name: Arc::clone(&self.name).into(), version, facts: FileFacts::default() }
    }

    fn content(&self) -> Content {
        Content { bytes: self.text.clone().into_bytes(), version: Version::Opaque([self.revision, 0]) }
    }
}

impl State {
    fn recorded(&self) -> Recorded {
        let note = self.revision.to_string().into();
        Recorded { revision: self.revision, removed: Arc::new(self.removed.clone()), note }
    }

    /// What was put since all was told, if that is all that has happened besides removals, of which it is told where they were.
    fn changed(&self) -> Option<(Vec<usize>, Vec<Put>)> {
        let is_there = |name: &Arc<str>| self.rows.iter().any(|row| row.name == *name);
        let gone = (0..self.told.len()).filter(|&at| !is_there(&self.told[at].0)).collect();
        let left: Vec<_> = self.told.iter().filter(|(name, _)| is_there(name)).collect();
        let stays = left.iter().zip(&self.rows).all(|(told, row)| told.0 == row.name);
        let is_put = |(at, row): &(usize, &Row)| left.get(*at).is_none_or(|told| told.1 != row.revision);
        let put = self.rows.iter().enumerate().filter(is_put);
        let put = put.map(|(at, row)| Put { at, item: row.item(), content: row.content() }).collect();
        stays.then_some((gone, put))
    }

    fn tell(&mut self) {
        self.told = self.rows.iter().map(|row| (Arc::clone(&row.name), row.revision)).collect();
        self.told_at = self.revision;
    }
}

impl Rows {
    fn new(tells: bool) -> Arc<Self> {
        Arc::new(Self { tells, ..Self::default() })
    }

    fn put(&self, name: &str, text: &str) {
        let mut state = self.state.lock().expect("no panic");
        state.revision += 1;
        state.removed.remove(name);
        let row = Row { name: name.into(), revision: state.revision, text: text.to_owned() };
        match state.rows.iter_mut().find(|known| *known.name == *name) {
            Some(known) => *known = row,
            None => state.rows.push(row),
        }
    }

    fn remove(&self, name: &str) {
        let mut state = self.state.lock().expect("no panic");
        state.revision += 1;
        state.rows.retain(|row| *row.name != *name);
        state.removed.insert(name.into());
    }
}

impl Provider for Rows {
    fn shown(&self) -> String {
        "memory://rows".to_owned()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            let is_another = self.is_another.load(Ordering::Relaxed);
            let why = if is_another { Unlisted::Another } else { Unlisted::Unreadable };
            return Err(why("it is away".to_owned()));
        }
        let mut state = self.state.lock().expect("no panic");
        state.tell();
        let items = state.rows.iter().map(|row| Listed::Item(row.item())).collect();
        Ok(Listing { items, recorded: Some(state.recorded()), ..Listing::default() })
    }

    fn since(&self, recorded: &Recorded) -> Since {
        if self.is_away.load(Ordering::Relaxed) {
            return Since::Unknown;
        }
        let mut state = self.state.lock().expect("no panic");
        if state.revision == recorded.revision {
            return Since::Nothing;
        }
        let changed = state.changed().filter(|_| self.tells && state.told_at == recorded.revision);
        let Some((gone, put)) = changed else { return Since::Unknown };
        let among = state.told.len();
        state.tell();
        Since::Changed(Changed { among, gone, put, recorded: state.recorded() })
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        let state = self.state.lock().expect("no panic");
        state.rows.iter().find(|row| *row.name == *item.name).map(Row::content).ok_or(Unread::Gone)
    }

    fn watch(&self, _listed: &[Arc<str>], _hint: &Hint) -> Watched {
        Watched::ALL
    }

    fn may_be_away_at_start(&self) -> bool {
        true
    }

    fn could_list(&self, _name: &str) -> bool {
        true
    }
}

fn engine(rows: &Arc<Rows>, state_dir: Option<&Path>) -> Engine {
    let hasher = TokenHasher::new();
    let load = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher);
    let name: ServerName = "example.com".parse().expect("a server name");
    let mut options = Options::new(name.into(), vec![Arc::clone(rows) as _], Arc::new(load));
    options.state_dir = state_dir.map(Path::to_owned);
    Engine::new(options, &Metrics::new())
}

/// All that an engine has in force, as far as it can be compared with that of another.
fn in_force(engine: &Engine) -> serde_json::Value {
    let live = engine.live().load_full();
    let files = live.files().iter().map(|file| {
        let says =
            file.registration().map(|registration| (registration.id().to_owned(), registration.content().short()));
        json!([file.file(), file.state().as_str(), says, file.faults().len()])
    });
    let services = live.services().registrations().iter().map(bailiwick::registration::Registration::id);
    json!({
        "files": files.collect::<Vec<_>>(),
        "services": services.collect::<Vec<_>>(),
        "entries": format!("{:?}", live.services().entries()),
        "digest": **live.digest(),
        "generation": live.generation(),
        "counts": live.counts(),
        "revision": live.revision(),
        "changes": live.changes(),
        "complete": live.is_complete(),
    })
}

/// The copies in a state directory.
fn copies(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "registration")).collect()
}

/// What is done to a row.
#[derive(Clone, Copy, Debug)]
enum Act {
    Put(u8),
    Break,
    /// It says that it is another service.
    BecomeAnother,
    Remove,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![6 => (0..3_u8).prop_map(Act::Put), 1 => Just(Act::Break), 1 => Just(Act::BecomeAnother), 2 => Just(Act::Remove)]
}

const NAMES: [&str; 5] = ["irc", "tg", "signal", "xmpp", "slack"];

fn done(rows: &Rows, row: usize, act: Act) {
    let (name, other) = (NAMES[row], NAMES[(row + 1) % NAMES.len()]);
    match act {
        Act::Put(edit) => rows.put(name, &registration(name, &format!("{name}_{edit}_"))),
        Act::Break => rows.put(name, "id: ["),
        Act::BecomeAnother => rows.put(name, &registration(other, &format!("{name}_"))),
        Act::Remove => rows.remove(name),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// With one engine that is told what was put and one that has to look, through whatever happens, several at a time.
    #[test]
    fn what_is_put_among_others_has_the_consequences_of_a_look(
        acts in prop::collection::vec(prop::collection::vec((0..NAMES.len(), act()), 1..3), 1..12),
    ) {
        let all = [Rows::new(true), Rows::new(false)];
        let mut engines = all.each_ref().map(|rows| engine(rows, None));
        for engine in &mut engines {
            engine.reload(Trigger::Start, false);
        }
        for some in acts {
            for (rows, engine) in all.iter().zip(&mut engines) {
                for &(row, act) in &some {
                    done(rows, row, act);
                }
                engine.reload(Trigger::Event, false);
            }
            prop_assert_eq!(in_force(&engines[0]), in_force(&engines[1]), "{:?}", some);
        }
        prop_assert!(all[0].lists.load(Ordering::Relaxed) <= all[1].lists.load(Ordering::Relaxed));
    }
}

#[test]
fn what_is_put_among_others_is_in_force_without_a_listing_and_after_a_restart() {
    let state = tempfile::tempdir().expect("a temporary directory");
    let rows = Rows::new(true);
    rows.put("irc", &registration("irc", "irc_"));
    let mut first = engine(&rows, Some(state.path()));
    first.reload(Trigger::Start, false);
    let lists = || rows.lists.load(Ordering::Relaxed);
    let listed = lists();
    for text in ["tg_", "tg_2_"] {
        rows.put("tg", &registration("tg", text));
        let report = first.reload(Trigger::Event, false);
        assert_eq!((report.result, report.sources[0].registrations), (ReloadResult::Changed, 2));
        assert_eq!(report.changes.added.len() + report.changes.changed.len(), 1);
    }
    assert_eq!(first.reload(Trigger::Poll, false).result, ReloadResult::Unchanged);
    // The same bytes once more: no answer is another, and the revision is known.
    rows.put("tg", &registration("tg", "tg_2_"));
    assert_eq!(first.reload(Trigger::Event, false).result, ReloadResult::Changed);
    rows.put("signal", &registration("signal", "signal_"));
    rows.remove("irc");
    rows.put("tg", &registration("tg", "tg_3_"));
    let report = first.reload(Trigger::Event, false);
    let Changes { added, changed, removed } = &report.changes;
    assert_eq!((added.len(), changed.len(), removed.iter().collect::<Vec<_>>()), (1, 1, vec!["irc"]));
    assert_eq!((lists(), first.live().load().revision()), (listed, Some(7)));
    // Copies that somebody removes meanwhile are made again, and so is the directory.
    for copy in copies(state.path()) {
        fs::remove_file(copy).expect("removed");
    }
    rows.put("tg", &registration("tg", "tg_4_"));
    first.reload(Trigger::Event, false);
    assert_eq!(copies(state.path()).len(), 2);
    fs::rename(state.path(), state.path().with_extension("old")).expect("renamed");
    fs::create_dir(state.path()).expect("made");
    rows.put("tg", &registration("tg", "tg_5_"));
    first.reload(Trigger::Event, false);
    assert_eq!(copies(state.path()).len(), 2);
    fs::remove_dir_all(state.path().with_extension("old")).expect("removed");
    let before = in_force(&first);
    assert_eq!(lists(), listed);
    drop(first);

    // What came so is kept for the next start like all else.
    rows.is_away.store(true, Ordering::Relaxed);
    let mut again = engine(&rows, Some(state.path()));
    again.reload(Trigger::Start, false);
    let names = |of: &serde_json::Value| of["services"].clone();
    assert_eq!((&names(&in_force(&again)), &names(&before)), (&json!(["signal", "tg"]), &json!(["tg", "signal"])));
    rows.is_away.store(false, Ordering::Relaxed);
    again.reload(Trigger::Poll, false);
    assert_eq!(before["digest"], in_force(&again)["digest"]);

    // What does not load or becomes another service is looked at with all others.
    let mut listed = lists();
    for act in [Act::Break, Act::Put(0), Act::BecomeAnother, Act::Put(1)] {
        done(&rows, 1, act);
        again.reload(Trigger::Event, false);
        assert!(lists() > listed, "{act:?}");
        listed = lists();
    }
}

#[test]
fn what_is_lost_stays_in_its_order() {
    let rows = Rows::new(true);
    // The later in the alphabet is the first.
    for name in ["zulu", "alpha", "mike"] {
        rows.put(name, &registration(name, &format!("{name}_")));
    }
    let mut engine = engine(&rows, None);
    engine.reload(Trigger::Start, false);
    let before = in_force(&engine);
    assert_eq!(before["services"], json!(["zulu", "alpha", "mike"]));
    for away in [true, true, false] {
        rows.is_away.store(away, Ordering::Relaxed);
        // Whatever comes meanwhile, so that it is looked for.
        rows.put("mike", &registration("mike", "mike_"));
        engine.reload(Trigger::Poll, false);
        let after = in_force(&engine);
        assert_eq!((&after["services"], &after["digest"]), (&before["services"], &before["digest"]), "away: {away}");
    }
    rows.is_away.store(true, Ordering::Relaxed);
    rows.put("mike", &registration("mike", "mike_2_"));
    rows.remove("alpha");
    engine.reload(Trigger::Poll, false);
    let lost = in_force(&engine);
    assert_eq!((&lost["services"], lost["complete"].as_bool()), (&before["services"], Some(false)));
    assert_eq!(lost["digest"], before["digest"]);
    rows.is_away.store(false, Ordering::Relaxed);
    engine.reload(Trigger::Poll, false);
    assert_eq!(in_force(&engine)["services"], json!(["zulu", "mike"]));
}

#[test]
fn what_another_counts_counts_for_nothing_here() {
    let rows = Rows::new(true);
    rows.put("irc", &registration("irc", "irc_"));
    let mut engine = engine(&rows, None);
    engine.reload(Trigger::Start, false);
    let mut revisions = |is_away, is_another| {
        rows.is_away.store(is_away, Ordering::Relaxed);
        rows.is_another.store(is_another, Ordering::Relaxed);
        engine.reload(Trigger::Poll, false);
        let live = engine.live().load_full();
        (live.revision(), live.revision_there())
    };
    assert_eq!(revisions(false, false), (Some(1), Some(1)));
    assert_eq!(revisions(true, false), (Some(1), Some(1)));
    assert_eq!(revisions(true, true), (Some(1), None));
    assert_eq!(revisions(true, false), (Some(1), Some(1)));
    assert_eq!(revisions(false, false), (Some(1), Some(1)));
}
