//! Somebody who asks small questions all the time, and how long each takes.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;

/// So long it is between two questions of one client: some thousand a second together, which leaves a core free, so that
/// what is measured is the service and not the queue in front of it.
const PAUSE: Duration = Duration::from_micros(500);
/// How many ask.
pub(crate) const CLIENTS: usize = 2;

/// The times of questions, by what else was going on.
pub(crate) struct Times {
    now: AtomicUsize,
    of: Vec<Mutex<Vec<Duration>>>,
    over: AtomicBool,
}

impl Times {
    /// For so many things that may be going on.
    pub(crate) fn new(things: usize) -> Self {
        let of = (0..things).map(|_| Mutex::default()).collect();
        Self { now: AtomicUsize::new(0), of, over: AtomicBool::new(false) }
    }

    /// From now on this is going on.
    pub(crate) fn begin(&self, thing: usize) {
        self.now.store(thing, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Asks until it is over. A question counts for what was going on when it was asked.
    pub(crate) fn ask(&self, address: SocketAddr) {
        let mut client = Client::open(address).expect("connects");
        let targets = ["@b7_alice:example.com", "@nobody:example.com", "@bot42:example.com", "@b299_x:example.com"];
        for target in targets.iter().cycle() {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let thing = self.now.load(Ordering::Relaxed);
            let began = Instant::now();
            let answer = client.ask("GET", &format!("/v1/owners?id={}", target.replace('@', "%40")), b"");
            assert_eq!(answer.expect("an answer").status, 200);
            self.of[thing].lock().expect("nobody panics with it").push(began.elapsed());
            std::thread::sleep(PAUSE);
        }
    }

    /// The time that 99 of 100 questions took at most, and how many there were.
    pub(crate) fn p99(&self, things: impl IntoIterator<Item = usize>) -> (Duration, usize) {
        let mut all: Vec<Duration> = Vec::new();
        for thing in things {
            all.extend_from_slice(&self.of[thing].lock().expect("nobody panics with it"));
        }
        all.sort_unstable();
        (all.get(all.len() * 99 / 100).copied().unwrap_or_default(), all.len())
    }
}

/// How many times as long.
pub(crate) fn ratio(with: Duration, without: Duration) -> f64 {
    with.as_secs_f64() / without.as_secs_f64().max(1e-9)
}
