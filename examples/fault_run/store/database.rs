//! The database below the store: a real PostgreSQL, driven by `tests/store/driven.py`, and what goes wrong with it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Accepted, Replica};
use crate::clients::{Random, Totals};

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/store/driven.py");

pub(crate) struct Database {
    driver: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    pub url: String,
    pub password: String,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// A backend is killed.
    Backend,
    /// All of them are.
    Backends,
    /// The connections on which replicas listen are cut.
    Listeners,
    /// `pg_ctl stop -m immediate`, and a start.
    Crash,
    /// The same, and the replicas are started anew in between.
    Restart,
    /// The replicas alone are started anew.
    Replicas,
    /// Nothing comes through, and nobody is told.
    Silence,
    /// A writer is frozen while it holds the head.
    Lock,
    /// A migration is half-way.
    Migration,
    /// Somebody has made a newer one.
    Newer,
    /// There is no room on the disk.
    Full,
}

/// So many changes at most are made between two faults.
const MOST_BETWEEN: usize = 12;
/// And a fault comes after this time at the latest: on a machine that is busy a debug build makes one change in some seconds, so that 7
/// faults came in 240 s, and what is worth anything here is many of them. Whoever waits for a lock or for an answer is sent away by then.
const LONGEST_BETWEEN: Duration = Duration::from_secs(10);

const FAULTS: [Fault; 11] = [
    Fault::Backend,
    Fault::Restart,
    Fault::Listeners,
    Fault::Silence,
    Fault::Lock,
    Fault::Crash,
    Fault::Migration,
    Fault::Newer,
    Fault::Replicas,
    Fault::Full,
    Fault::Backends,
];

impl Database {
    /// Starts one, which takes some seconds, and more where its package has to be fetched.
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("python3")
            .arg(DRIVER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs tests/store/driven.py");
        let to = driver.stdin.take();
        let mut from = BufReader::new(driver.stdout.take().expect("it was piped"));
        let mut line = String::new();
        from.read_line(&mut line).expect("it says where it is");
        let said: Value = serde_json::from_str(&line).expect("as JSON");
        let text = |key: &str| said[key].as_str().expect("a string").to_owned();
        Self { driver, to, from, url: text("url"), password: text("password") }
    }

    /// Tells the driver what is to happen; what it says.
    fn tell(&mut self, what: &str) -> String {
        let to = self.to.as_mut().expect("it is there until this is dropped");
        writeln!(to, "{what}").and_then(|()| to.flush()).expect("the driver listens");
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the driver answers");
        line.trim().to_owned()
    }

    /// One fault after the other, each of them mended after a while.
    pub(crate) fn injure_and_mend(
        &mut self,
        replicas: &[Replica],
        accepted: &Accepted,
        stop: &AtomicBool,
        totals: &Totals,
    ) {
        let mut random = Random::new(13);
        let is_over = || stop.load(Ordering::Relaxed);
        for fault in FAULTS.iter().cycle().take_while(|_| !is_over()) {
            totals.story.begins(None, "a fault of the database");
            let began = Instant::now();
            self.injure(*fault, replicas, &mut random);
            let injured = began.elapsed();
            totals.faults.fetch_add(1, Ordering::Relaxed);
            // Until changes are made again, however fast that is here.
            let (enough, since) =
                (accepted.made.load(Ordering::Relaxed) + 1 + random.below(MOST_BETWEEN) as u64, Instant::now());
            let is_enough = || accepted.made.load(Ordering::Relaxed) >= enough || since.elapsed() > LONGEST_BETWEEN;
            while !is_enough() && !is_over() {
                thread::sleep(Duration::from_millis(10));
            }
            println!(
                "{fault:?}: {} ms until mended, {} ms until the next",
                injured.as_millis(),
                since.elapsed().as_millis()
            );
        }
        self.mend();
        replicas.iter().for_each(Replica::start);
    }

    /// All is as it should be.
    fn mend(&mut self) {
        let said = self.tell("mend");
        assert_eq!(said, "ok", "the database cannot be mended");
    }

    fn injure(&mut self, fault: Fault, replicas: &[Replica], random: &mut Random) {
        match fault {
            Fault::Backend => drop(self.tell("backend")),
            Fault::Backends => drop(self.tell("backends")),
            Fault::Listeners => drop(self.tell("listeners")),
            Fault::Crash => {
                self.tell("stop");
                thread::sleep(between(random, 100, 3_000));
                self.tell("start");
            }
            Fault::Restart => {
                self.tell("stop");
                thread::sleep(between(random, 0, 1_500));
                replicas.iter().for_each(Replica::start);
                thread::sleep(between(random, 500, 3_000));
                self.tell("start");
            }
            Fault::Replicas => replicas.iter().for_each(Replica::start),
            Fault::Silence => {
                self.tell("silence");
                // As a rule longer than an answer is waited for.
                thread::sleep(between(random, 2_000, 15_000));
                self.tell("speech");
            }
            Fault::Lock => drop(self.tell("lock")),
            Fault::Migration => drop(self.tell("migration")),
            Fault::Newer => {
                self.tell("newer");
                thread::sleep(between(random, 1_000, 3_000));
                self.tell("known");
            }
            Fault::Full => {
                self.tell("full");
                thread::sleep(between(random, 1_000, 3_000));
                self.tell("room");
                // Where its log had no room it has stopped.
                self.mend();
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // It ends with its input, and takes everything along.
        self.to = None;
        let _ = self.driver.wait();
    }
}

fn between(random: &mut Random, least: usize, most: usize) -> Duration {
    Duration::from_millis(u64::try_from(least + random.below(most - least)).unwrap_or(0))
}
