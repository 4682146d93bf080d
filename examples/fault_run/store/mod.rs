//! A store, two replicas that answer from it, and writers who change it through them, while everything goes wrong around it.
//!
//! What is accepted is noted. Of the services that are never removed, no name may come free at either replica, whatever happens to the
//! database and whenever a replica is started anew; one of the two has copies in a state directory, and answers always when it is there.
//! Where what was accepted is asked for at its revision, it must be there, and at the end the store and both replicas must say
//! what was accepted, and nothing else.

mod clients;
mod database;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::clients::Totals;
use crate::directory;
use crate::ledger::{Ledger, Set, set_of};
use crate::server::{self, Server};
use clients::Asker;
use database::Database;

const SERVICES: usize = 120;
const WRITERS: usize = 3;
/// What is removed in a store is free at once; what is held of it would be what nobody has removed.
const HOLD: u32 = 60;
/// Twice the time after which a database that says nothing is given up.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// A service that is started anew now and then, at the same address.
pub(crate) struct Replica {
    address: SocketAddr,
    arguments: Vec<OsString>,
    state: Option<PathBuf>,
    server: Mutex<Option<Server>>,
    /// When it was started.
    since: Mutex<Option<Instant>>,
}

impl Replica {
    fn new(arguments: Vec<OsString>, state: Option<PathBuf>) -> Self {
        let replica =
            Self { address: server::free(), arguments, state, server: Mutex::default(), since: Mutex::default() };
        replica.start();
        replica
    }

    /// Kills it, if it runs, and starts it, and waits for nothing.
    fn start(&self) {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        *server = None;
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        *server = Some(Server::spawn_at(self.address, &self.arguments, self.state.as_deref(), HOLD));
    }

    /// Whether it may still be at its start: it listens before it has read its copies and has seen that the database does not answer.
    fn is_young(&self) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < STARTS_WITHIN)
    }

    /// Whether it knows what was in force before it was started.
    const fn remembers(&self) -> bool {
        self.state.is_some()
    }
}

/// What was accepted, and what came of it.
#[derive(Default)]
pub(crate) struct Accepted {
    /// The regex of each service that is to be there.
    set: Mutex<Set>,
    made: AtomicU64,
    /// Why changes were to be asked for again, and how often.
    again: Mutex<BTreeMap<String, u64>>,
    /// What was accepted and was not there at its revision.
    lost: AtomicU64,
}

impl Accepted {
    /// A change is to be asked for again, for what is said in this many words or in the first of them.
    fn refused(&self, why: &str) {
        let why: String = why.chars().take(SHOWN).collect();
        *self.again.lock().unwrap_or_else(PoisonError::into_inner).entry(why).or_default() += 1;
    }
}

/// How often what is there at first is put again, if it was not.
const AGAIN: usize = 5;

/// So many characters tell one reason from another.
const SHOWN: usize = 120;

pub(crate) fn run(time: Duration) -> bool {
    println!("Store, two replicas, one of them with copies");
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut database = Database::start();
    let password = home.path().join("password");
    std::fs::write(&password, &database.password).expect("written");
    let reached = |words: &[&str]| -> Vec<OsString> {
        let store = ["--store".into(), database.url.clone().into(), "--store-password-file".into()];
        words.iter().map(Into::into).chain(store).chain([password.clone().into()]).collect()
    };
    let named = ["--server-name", "example.com"];
    let accepted = Accepted::default();
    fill(home.path(), &reached(&["store", "migrate"]), &reached(&["store", "import"]), &accepted);
    let replicas = [true, false].map(|copies| Replica::new(reached(&named), copies.then(|| home.path().join("state"))));
    assert!(replicas.iter().all(|replica| is_complete(replica, SERVICES as u64)), "not ready");

    let (stop, totals, ledger) = (AtomicBool::new(false), Totals::default(), Ledger::default());
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(time);
            stop.store(true, Ordering::Relaxed);
        });
        for replica in &replicas {
            scope.spawn(|| clients::note(replica, &ledger, &stop, &totals));
            scope.spawn(|| clients::ask(replica, SERVICES, &ledger, &stop, &totals));
        }
        for writer in 0..WRITERS {
            let (replicas, accepted, stop, totals) = (&replicas, &accepted, &stop, &totals);
            scope.spawn(move || clients::write(replicas, (writer, WRITERS, SERVICES), accepted, stop, totals));
        }
        database.injure_and_mend(&replicas, &accepted, &stop, &totals);
    });
    println!("{} s", time.as_secs());
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (made, lost) = (of(&accepted.made), of(&accepted.lost));
    println!("changes accepted: {made}; accepted and not there at their revision: {lost}; asked for again:");
    for (why, count) in accepted.again.into_inner().unwrap_or_else(PoisonError::into_inner) {
        println!("  {count} times: {why}");
    }
    let expected = accepted.set.into_inner().unwrap_or_else(PoisonError::into_inner);
    let is_there = replicas.iter().all(|replica| says(replica, &expected));
    totals.report(&ledger) && is_there && lost == 0 && made > 0
}

/// Makes the tables and what is there at first.
fn fill(home: &Path, migrate: &[OsString], import: &[OsString], accepted: &Accepted) {
    let files = home.join("files");
    std::fs::create_dir(&files).expect("made");
    directory::fill(&files, SERVICES);
    let mut set = accepted.set.lock().unwrap_or_else(PoisonError::into_inner);
    set.extend((0..SERVICES).map(|service| (format!("svc{service}"), directory::regex(service, 0))));
    for command in [migrate.to_vec(), [import, &["--server-name".into(), "example.com".into(), files.into()]].concat()]
    {
        let run = || Command::new(server::binary()).args(&command).output().expect("the binary runs");
        let mut done = run();
        // A debug build on a busy machine may have no time to compare them all: the same again makes nothing twice.
        for _ in 0..AGAIN {
            if !done.status.success() {
                done = run();
            }
        }
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Whether it comes to answer by everything up to a revision.
fn is_complete(replica: &Replica, revision: u64) -> bool {
    let mut asker = Asker::of(replica);
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some((200, status)) = asker.ask("GET", "/v1/status", None)
            && status["complete"] == true
            && status["revision"].as_u64().is_some_and(|is| is >= revision)
        {
            return true;
        }
        thread::sleep(Duration::from_millis(50));
    }
    false
}

/// Only what hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a replica comes to say just what was accepted, and what it says otherwise.
fn says(replica: &Replica, expected: &Set) -> bool {
    let mut asker = Asker::of(replica);
    let mut last = Set::default();
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some((200, registrations)) = asker.ask("GET", "/v1/registrations", None) {
            last = set_of(&registrations).1;
            if last == *expected && is_complete(replica, 0) {
                println!("when all is mended, a replica says what was accepted, and complete: true");
                return true;
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
    let differ = |(id, regex): &(&String, &String)| last.get(*id) != Some(*regex);
    let lacking: BTreeMap<&String, &String> = expected.iter().filter(differ).collect();
    let more: Vec<&String> = last.keys().filter(|id| !expected.contains_key(*id)).collect();
    println!("when all is mended, a replica does not say what was accepted: lacking {lacking:?}, more {more:?}");
    false
}
