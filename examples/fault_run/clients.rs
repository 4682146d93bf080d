//! Those who ask: two that behave, a slow one, a broken one, one that notes what is in force, and those who reload.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connection::Connection;
use crate::directory::is_permanent;
use crate::ledger::{Answer, Judgement, Ledger};
use crate::story::Story;

/// What the run counts.
#[derive(Default)]
pub(crate) struct Totals {
    pub faults: AtomicU64,
    reloads: AtomicU64,
    requests: AtomicU64,
    ids: AtomicU64,
    failed: AtomicU64,
    set_free: AtomicU64,
    babbled: AtomicU64,
    pub story: Story,
}

impl Totals {
    /// Prints everything; whether the run was good.
    pub(crate) fn report(&self, ledger: &Ledger) -> bool {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Judgement { right, wrong, unknown, two_faced } = ledger.judge();
        println!(
            "faults and repairs: {}; reloads asked for: {}; snapshots: {}",
            of(&self.faults),
            of(&self.reloads),
            ledger.snapshots()
        );
        println!(
            "requests: {}, failed: {}; broken connections: {}",
            of(&self.requests),
            of(&self.failed),
            of(&self.babbled)
        );
        println!(
            "IDs asked: {}; answers as the set that their snapshot names: {right}, others: {wrong}, of a snapshot that was \
             not seen: {unknown}; snapshots that name two sets: {two_faced}",
            of(&self.ids)
        );
        println!("names set free by a fault: {}", of(&self.set_free));
        // A snapshot that was replaced at once may be missed: on two cores with a load of 20, so were 16 of 100,000 answers'.
        let nearly_all = unknown * 1_000 <= right;
        of(&self.failed) == 0 && of(&self.set_free) == 0 && wrong == 0 && two_faced == 0 && nearly_all && right > 0
    }

    /// A request was answered.
    pub(crate) fn asked(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, who: &str, what: &dyn std::fmt::Debug) {
        if self.failed.fetch_add(1, Ordering::Relaxed) < 10 {
            eprintln!("failed, asked by {who}: {what:?}");
        }
    }
}

/// A small generator (xorshift), so that a run can be repeated.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }
}

/// Notes each snapshot while it is in force, which may be for a few milliseconds only.
pub(crate) fn note(address: SocketAddr, _services: usize, ledger: &Ledger, stop: &AtomicBool, totals: &Totals) {
    let mut connection = Connection::open(address).expect("the service listens");
    let mut last = Value::Null;
    while !stop.load(Ordering::Relaxed) {
        match connection.ask("GET", "/v1/status", None) {
            Ok((200, status)) if status["snapshot"] == last => thread::sleep(Duration::from_micros(500)),
            Ok((200, mut status)) => match connection.ask_raw("GET", "/v1/registrations", None) {
                Ok((200, registrations)) => {
                    totals.story.answered(&registrations);
                    ledger.note(registrations);
                    last = status["snapshot"].take();
                }
                other => totals.failed("note", &other),
            },
            other => totals.failed("note", &other),
        }
    }
}

/// Asks for a reload every so often, whether or not the last one has been answered by then.
pub(crate) fn reload(address: SocketAddr, every: Duration, stop: &AtomicBool, totals: &Totals) {
    thread::scope(|scope| {
        let began = Instant::now();
        let askers = 10_u32;
        for asker in 0..askers {
            scope.spawn(move || {
                let mut connection = Connection::open(address).expect("the service listens");
                for turn in 0.. {
                    let due = every * (turn * askers + asker);
                    thread::sleep(due.saturating_sub(began.elapsed()));
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    match connection.ask("POST", "/-/reload", None) {
                        Ok((200, _)) => drop(totals.reloads.fetch_add(1, Ordering::Relaxed)),
                        other => totals.failed("reload", &other),
                    }
                }
            });
        }
    });
}

pub(crate) fn single(address: SocketAddr, services: usize, ledger: &Ledger, stop: &AtomicBool, totals: &Totals) {
    let mut random = Random::new(1);
    let mut connection = Connection::open(address).expect("the service listens");
    while !stop.load(Ordering::Relaxed) {
        let service = random.below(services);
        let path = format!("/v1/owners?id=%40svc{service}_x%3Aexample.com");
        match connection.ask("GET", &path, None) {
            Ok((200, answer)) => observe(&answer, &answer["snapshot"], service, services, ledger, totals),
            other => totals.failed("single", &other),
        }
        totals.requests.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn batch(address: SocketAddr, services: usize, ledger: &Ledger, stop: &AtomicBool, totals: &Totals) {
    let mut random = Random::new(2);
    let mut connection = Connection::open(address).expect("the service listens");
    while !stop.load(Ordering::Relaxed) {
        let (asked, body) = batch_of(&mut random, services, 100);
        let answer = connection.ask("POST", "/v1/owners", Some(&body));
        observe_batch(answer, &asked, services, ledger, totals);
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn slow(address: SocketAddr, services: usize, ledger: &Ledger, stop: &AtomicBool, totals: &Totals) {
    let mut random = Random::new(3);
    while !stop.load(Ordering::Relaxed) {
        let mut connection = Connection::open(address).expect("the service listens");
        let (asked, body) = batch_of(&mut random, services, 5);
        let answer = connection.ask_slowly("/v1/owners", &body, Duration::from_millis(30));
        observe_batch(answer, &asked, services, ledger, totals);
    }
}

pub(crate) fn broken(address: SocketAddr, _services: usize, _ledger: &Ledger, stop: &AtomicBool, totals: &Totals) {
    let mut random = Random::new(4);
    let babble: [&[u8]; 5] = [
        b"GARBAGE\r\n\r\n",
        b"POST /v1/owners HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{\"ids\": [",
        b"GET /v1/owners?id=%ZZ HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"",
    ];
    while !stop.load(Ordering::Relaxed) {
        if let Ok(mut connection) = Connection::open(address) {
            let _ = connection.babble(babble[random.below(babble.len())]);
            totals.babbled.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn batch_of(random: &mut Random, services: usize, size: usize) -> (Vec<usize>, Value) {
    let asked: Vec<_> = (0..size).map(|_| random.below(services)).collect();
    let ids: Vec<_> = asked.iter().map(|service| format!("@svc{service}_x:example.com")).collect();
    (asked, json!({ "ids": ids }))
}

fn observe_batch(
    answer: std::io::Result<(u16, Value)>,
    asked: &[usize],
    services: usize,
    ledger: &Ledger,
    totals: &Totals,
) {
    totals.requests.fetch_add(1, Ordering::Relaxed);
    match answer {
        Ok((200, answer)) => {
            let results = answer["results"].as_array().expect("a list");
            assert_eq!(results.len(), asked.len(), "one result for each ID");
            for (result, service) in results.iter().zip(asked) {
                observe(result, &answer["snapshot"], *service, services, ledger, totals);
            }
        }
        other => totals.failed("batch", &other),
    }
}

/// Takes an answer about one service's ID.
pub(crate) fn observe(
    answer: &Value,
    snapshot: &Value,
    service: usize,
    services: usize,
    ledger: &Ledger,
    totals: &Totals,
) {
    totals.ids.fetch_add(1, Ordering::Relaxed);
    let service_id = format!("svc{service}");
    let owned = answer["owner"] == service_id.as_str();
    if !owned && is_permanent(service, services) && totals.set_free.fetch_add(1, Ordering::Relaxed) < 10 {
        eprintln!("set free: {answer}");
        totals.story.tell(service);
    }
    let regex = owned.then(|| answer["claims"][0]["regex"].as_str().expect("a regex").to_owned());
    let snapshot = snapshot.as_str().expect("a snapshot").to_owned();
    // What was said of a service that is not always there and is away is as expected, and has no reason to be kept.
    let instead =
        (!owned && (is_permanent(service, services) || answer["status"] != "unclaimed")).then(|| answer.to_string());
    ledger.observe(Answer { snapshot, service: service_id, regex, instead });
}
