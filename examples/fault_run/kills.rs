//! `kill -9`, again and again, each time at another moment.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use crate::clients::{Random, Totals};
use crate::connection::Connection;
use crate::directory;
use crate::ledger::{Set, set_of};
use crate::server::Server;

const SERVICES: usize = 120;
/// Every repair has another regex, and what must be answered is the repair alone: what it takes away is not held.
const HOLD: u32 = 0;
/// So many of the services are broken on disk all the time: what they hold is in the state directory alone.
const BROKEN: usize = 20;

/// When the service is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// While it starts: it reads the files, recalls copies, begins to listen.
    Start,
    /// In the middle of a reload that takes over many changed files.
    Reload,
    /// While it keeps copies of what has come into force.
    Copies,
    /// While others write, remove and replace files.
    Writes,
}

const MOMENTS: [Moment; 4] = [Moment::Start, Moment::Reload, Moment::Copies, Moment::Writes];

struct Scene<'a> {
    directory: &'a Path,
    state: &'a Path,
    random: Random,
    revision: usize,
    /// The regex that each service must have when nothing is under way.
    expected: Set,
}

/// Kills the service so many times; whether it always started with the same answers.
pub(crate) fn run(rounds: usize) -> bool {
    let (directory, state) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    directory::fill(directory.path(), SERVICES);
    let (directory, state) = (directory.path(), state.path());
    let expected = (0..SERVICES).map(|at| (format!("svc{at}"), directory::regex(at, 0))).collect();
    let mut scene = Scene { directory, state, random: Random::new(11), revision: 0, expected };
    start(directory, state).kill();
    for service in 0..BROKEN {
        fs::write(directory::path(directory, service), "id: [").expect("writable");
    }
    let mut wrong = 0;
    for round in 0..rounds {
        let moment = MOMENTS[round % MOMENTS.len()];
        scene.kill_at(moment);
        let server = start(directory, state);
        let after = answers(&server);
        if after != scene.expected {
            wrong += 1;
            let differing: Vec<_> = scene
                .expected
                .iter()
                .filter(|(id, regex)| after.get(*id) != Some(regex))
                .map(|(id, regex)| (regex, after.get(id)))
                .collect();
            eprintln!("round {round}, {moment:?}: expected and found: {differing:?}");
        }
        server.kill();
    }
    println!("killed {rounds} times, a quarter each at {MOMENTS:?}; started with other answers: {wrong}");
    wrong == 0
}

fn arguments(directory: &Path) -> Vec<OsString> {
    vec!["--server-name".into(), "example.com".into(), directory.into()]
}

fn start(directory: &Path, state: &Path) -> Server {
    Server::start(&arguments(directory), Some(state), HOLD)
}

impl Scene<'_> {
    fn kill_at(&mut self, moment: Moment) {
        let below = |random: &mut Random, micros| Duration::from_micros(random.below(micros) as u64);
        match moment {
            Moment::Start => {
                let server = Server::spawn(&arguments(self.directory), Some(self.state), HOLD);
                thread::sleep(below(&mut self.random, 60_000));
                server.kill();
            }
            Moment::Reload => {
                let server = start(self.directory, self.state);
                self.change(0.., 1);
                // Whoever asks for the reload never hears of it.
                let address = server.address;
                let asker = thread::spawn(move || {
                    Connection::open(address).and_then(|mut to| to.ask("POST", "/-/reload", None))
                });
                thread::sleep(Duration::from_millis(100) + below(&mut self.random, 30_000));
                server.kill();
                drop(asker.join().expect("no panic"));
            }
            Moment::Copies => {
                let server = start(self.directory, self.state);
                self.change(0.., 1);
                let last = format!("svc{}", SERVICES - 1);
                // Until the first of them is in force; the copies are made just then.
                let deadline = Instant::now() + Duration::from_secs(10);
                while answers(&server).get(&last) != self.expected.get(&last) && Instant::now() < deadline {}
                // What was changed breaks now, so that the copies alone hold it.
                for service in BROKEN..BROKEN + 20 {
                    fs::write(directory::path(self.directory, service), "id: [").expect("writable");
                }
                thread::sleep(below(&mut self.random, 250_000));
                server.kill();
            }
            Moment::Writes => {
                let server = start(self.directory, self.state);
                let stop = AtomicBool::new(false);
                let totals = Totals::default();
                thread::scope(|scope| {
                    scope.spawn(|| directory::injure_and_mend(self.directory, SERVICES, None, &stop, &totals));
                    thread::sleep(below(&mut self.random, 400_000));
                    server.kill();
                    stop.store(true, std::sync::atomic::Ordering::Relaxed);
                });
                self.settle();
            }
        }
    }

    /// Puts a new revision of every so many services in place, all but those that stay broken.
    fn change(&mut self, from: std::ops::RangeFrom<usize>, step: usize) {
        self.revision += 1;
        for service in from.take_while(|&service| service < SERVICES).step_by(step).filter(|&service| service >= BROKEN)
        {
            directory::mend(self.directory, service, self.revision).expect("writable");
            self.expected.insert(format!("svc{service}"), directory::regex(service, self.revision));
        }
    }

    /// After others have written at random: no name of the permanent half may be free, whatever lies there now. Then
    /// everything is made as it is expected to be.
    fn settle(&mut self) {
        let server = start(self.directory, self.state);
        let answers = answers(&server);
        for service in (0..SERVICES).filter(|&service| directory::is_permanent(service, SERVICES)) {
            assert!(answers.contains_key(&format!("svc{service}")), "svc{service} has lost its names");
        }
        self.revision += 1;
        for service in 0..SERVICES {
            directory::mend(self.directory, service, self.revision).expect("writable");
            self.expected.insert(format!("svc{service}"), directory::regex(service, self.revision));
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while self::answers(&server) != self.expected {
            assert!(Instant::now() < deadline, "the repairs are not taken over");
            thread::sleep(Duration::from_millis(5));
        }
        for service in 0..BROKEN {
            fs::write(directory::path(self.directory, service), "id: [").expect("writable");
        }
        server.kill();
    }
}

/// The regex of each service in force.
fn answers(server: &Server) -> Set {
    let mut connection = Connection::open(server.address).expect("the service listens");
    match connection.ask("GET", "/v1/registrations", None) {
        Ok((200, registrations)) => set_of(&registrations).1,
        other => panic!("no answer: {other:?}"),
    }
}
