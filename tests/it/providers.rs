//! Whatever has a name and a version can be a source: no path is needed, and what is known of a file besides its content
//! follows it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bailiwick::matrix::{MatrixId, ServerName};
use bailiwick::registration::{self, FileFacts, TokenHasher};
use bailiwick::reload::{Engine, Options, ReloadResult, Trigger};
use bailiwick::snapshot::{FileState, Snapshot};
use bailiwick::source::{
    Content, Directory, FileSystem, Hint, Item, Listed, Listing, Provider, Unlisted, Unread, Version, Watched,
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
            let version = Version::Opaque(revision.to_be_bytes().into());
            Listed::Item(Item { name: key.as_str().into(), version, facts: FileFacts::default() })
        });
        Ok(Listing { items: items.collect(), ..Listing::default() })
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let rows = self.rows.lock().expect("no panic");
        let (revision, text) = rows.get(&*item.name).ok_or(Unread::Gone)?;
        let version = Version::Opaque(revision.to_be_bytes().into());
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
    let hasher = TokenHasher::new();
    let load = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher);
    let name: ServerName = "example.com".parse().expect("a server name");
    Engine::new(Options::new(name.into(), vec![provider], Arc::new(load)), &Metrics::new())
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
    assert_eq!(&**live.load().files()[0].file(), "bridges/irc");
    *table.down.lock().expect("no panic") = true;
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&engine, "@irc_x:example.com") && claimed(&engine, "@tg_x:example.com"));
    assert_eq!(live.load().missing()[0].problem.what, "the database does not answer");
    *table.down.lock().expect("no panic") = false;
    table.put("bridges/irc", 4, &registration("irc", "irc_"));
    engine.reload(Trigger::Poll, false);
    assert!(live.load().is_complete());
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
