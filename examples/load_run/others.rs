//! What long answers and dear checks do to those who ask little.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::client::Client;
use crate::server::{SERVICES, Server};
use crate::shapes::dear;
use crate::witness::{CLIENTS, Times, ratio};

/// What goes on besides.
const BESIDES: [(&str, bool, bool); 4] = [
    ("nothing", false, false),
    ("4 clients with checks", true, false),
    ("4 clients with batches", false, true),
    ("both", true, true),
];
/// How many send checks, and how many batches.
const BUSY: usize = 4;
/// Everything is done so many times in turns, so that a noisy neighbour hits all.
const ROUNDS: u32 = 4;
/// The most IDs that a batch may have.
const IDS: usize = 10_000;
const MOST_RATIO: f64 = 2.0;

pub(crate) fn run(seconds: u64) -> bool {
    let server = Server::start();
    let times = Times::new(BESIDES.len());
    let (check, batch) = (dear(), batch());
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| times.ask(server.address));
        }
        for _ in 0..ROUNDS {
            for (thing, &(_, checks, batches)) in BESIDES.iter().enumerate() {
                let load = [("/v1/check", &check, checks), ("/v1/owners", &batch, batches)];
                times.begin(thing);
                put(server.address, load, Duration::from_secs(seconds) / ROUNDS);
            }
        }
        times.end();
    });
    let (quiet, _) = times.p99([0]);
    let mut good = true;
    for (thing, (name, ..)) in BESIDES.iter().enumerate() {
        let (p99, questions) = times.p99([thing]);
        let ratio = ratio(p99, quiet);
        println!("{name:24} p99 {:>6} µs, ratio {ratio:.2} ({questions} questions)", p99.as_micros());
        good &= ratio <= MOST_RATIO;
    }
    println!("memory above the idle service: {} MiB", server.memory("VmHWM").saturating_sub(server.idle) >> 10);
    good
}

/// Puts load on the service for a time.
fn put(address: SocketAddr, load: [(&str, &Vec<u8>, bool); 2], time: Duration) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (target, body, _) in load.into_iter().filter(|(.., wanted)| *wanted) {
            for _ in 0..BUSY {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let answer = Client::open(address).and_then(|mut client| client.ask("POST", target, body));
                        assert_eq!(answer.expect("an answer").status, 200);
                    }
                });
            }
        }
        std::thread::sleep(time);
        over.store(true, Ordering::Relaxed);
    });
}

/// Half of the IDs are claimed.
fn batch() -> Vec<u8> {
    let id = |at: usize| match at % 2 {
        0 => format!("@b{}_user{at}:example.com", at % SERVICES),
        _ => format!("@user{at}_of_nobody_in_particular:example.com"),
    };
    json!({"ids": (0..IDS).map(id).collect::<Vec<_>>()}).to_string().into_bytes()
}
