//! The dearest checks that can be found in a time, and what they do to everybody else.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::random::Random;
use crate::server::Server;
use crate::shapes::{Case, KINDS};
use crate::witness::{CLIENTS, Times, ratio};

/// As many are sent at a time as are worked at at a time.
const AT_A_TIME: usize = 2;
/// So long it is quiet before each: what is measured then is what the others are held against.
const QUIET: Duration = Duration::from_millis(100);
/// When a check has lasted so long, a file is changed.
const RELOAD_AFTER: Duration = Duration::from_millis(300);

/// What may not be passed.
const MOST_MEMORY: u64 = 128 << 10;
const LONGEST_RELOAD: Duration = Duration::from_secs(1);
const MOST_RATIO: f64 = 2.0;

/// Where checks are sent.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    /// Of the homeserver that is served: two are worked at at a time.
    Here,
    /// Of all homeservers: one at a time, so that the second waits for the first.
    Everywhere,
}

impl Asked {
    const fn path(self) -> &'static str {
        match self {
            Self::Here => "/v1/check",
            Self::Everywhere => "/v1/check?homeserver=all",
        }
    }

    /// So long may one take that waits for no more than is sent here.
    const fn longest(self) -> Duration {
        match self {
            Self::Here => Duration::from_millis(5_500),
            Self::Everywhere => Duration::from_secs(11),
        }
    }
}
/// What came of one case.
#[derive(Clone, Copy)]
struct Cost {
    case: Case,
    took: Duration,
    /// In KiB, above what was taken just before.
    added: u64,
}

/// The worst of a kind.
#[derive(Default)]
struct Worst {
    cases: usize,
    slowest: Option<Cost>,
    largest: Option<Cost>,
    refused: usize,
}

pub(crate) fn run(asked: Asked, seconds: u64, seed: u64, kept: &Path) -> bool {
    let server = Server::start();
    let times = Times::new(1 + KINDS.len());
    let good = std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| times.ask(server.address));
        }
        let good = search(&server, asked, &times, Duration::from_secs(seconds), seed, kept);
        times.end();
        good
    });
    drop(server);
    good
}

fn search(server: &Server, asked: Asked, times: &Times, time: Duration, seed: u64, kept: &Path) -> bool {
    let mut random = Random::new(seed);
    let mut worst: Vec<Worst> = KINDS.iter().map(|_| Worst::default()).collect();
    let (mut peak, mut reload, mut reloads) = (0, Duration::ZERO, 0);
    let began = Instant::now();
    for kind in (0..KINDS.len()).cycle() {
        if began.elapsed() >= time {
            break;
        }
        let case = next(kind, &worst[kind], &mut random);
        std::thread::sleep(QUIET);
        let before = server.memory("VmRSS");
        server.forget_peak();
        times.begin(1 + kind);
        let (took, accepted, reloaded) = send(server, asked, &case.body(), reloads);
        times.begin(0);
        if let Some(time) = reloaded {
            reloads += 1;
            reload = reload.max(time);
        }
        let high = server.memory("VmHWM");
        peak = peak.max(high);
        worst[kind].take(Cost { case, took, added: high.saturating_sub(before) }, accepted);
    }
    report(&worst, times);
    keep(&worst, kept);
    let (quiet, _) = times.p99([0]);
    let (busy, questions) = times.p99(1..=KINDS.len());
    let slowest = worst.iter().filter_map(|one| one.slowest).map(|cost| cost.took).max().unwrap_or_default();
    let above = peak.saturating_sub(server.idle);
    println!("memory above the idle service ({} MiB): {} MiB; target 128", server.idle >> 10, above >> 10);
    println!("longest check: {:.2} s; target {:.1}", slowest.as_secs_f64(), asked.longest().as_secs_f64());
    println!("longest of {reloads} reloads meanwhile: {:.3} s; target 1", reload.as_secs_f64());
    println!(
        "p99 of {questions} questions meanwhile: {busy:.0?}, without: {quiet:.0?}, ratio {:.2}; target 2",
        ratio(busy, quiet)
    );
    above <= MOST_MEMORY && slowest <= asked.longest() && reload <= LONGEST_RELOAD && ratio(busy, quiet) <= MOST_RATIO
}

/// A case of a kind: a new one, or like one of the worst so far.
fn next(kind: usize, worst: &Worst, random: &mut Random) -> Case {
    let (shape, size) = (random.number(), random.number());
    let like = if random.chance(2) { worst.slowest } else { worst.largest };
    match like.map(|cost| cost.case) {
        Some(like) if random.chance(2) => {
            if random.chance(3) {
                Case { shape, ..like }
            } else {
                Case { size, ..like }
            }
        }
        _ => Case { kind, shape, size },
    }
}

/// Sends a body so many times at a time, and changes a file meanwhile if it takes long.
fn send(server: &Server, asked: Asked, body: &[u8], round: usize) -> (Duration, bool, Option<Duration>) {
    let began = Instant::now();
    let check = || {
        let answer = Client::open(server.address).and_then(|mut client| client.ask("POST", asked.path(), body));
        let answer = answer.expect("an answer");
        // A file that cannot be read in time by so many libraries is not checked, and its sender is told.
        let is_answered = answer.status == 200 || matches!(asked, Asked::Everywhere) && answer.status == 408;
        assert!(is_answered, "{}", String::from_utf8_lossy(&answer.body));
        (began.elapsed(), answer.body.windows(15).any(|window| window == b"\"accepted\":true"))
    };
    std::thread::scope(|scope| {
        let checks: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(check)).collect();
        while began.elapsed() < RELOAD_AFTER && !checks.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(2));
        }
        let is_long = !checks.iter().any(std::thread::ScopedJoinHandle::is_finished);
        let reloaded = is_long.then(|| server.reload(round + 1).expect("it is reloaded"));
        let ended: Vec<_> = checks.into_iter().map(|check| check.join().expect("answered")).collect();
        let took = ended.iter().map(|(took, _)| *took).max().unwrap_or_default();
        (took, ended.iter().all(|(_, accepted)| *accepted), reloaded)
    })
}

impl Worst {
    fn take(&mut self, cost: Cost, accepted: bool) {
        self.cases += 1;
        self.refused += usize::from(!accepted);
        if self.slowest.is_none_or(|slowest| cost.took > slowest.took) {
            self.slowest = Some(cost);
        }
        if self.largest.is_none_or(|largest| cost.added > largest.added) {
            self.largest = Some(cost);
        }
    }
}

fn report(worst: &[Worst], times: &Times) {
    println!("{:12} {:>5} {:>7} {:>9} {:>9} {:>8}", "kind", "cases", "refused", "longest", "memory", "p99 ×");
    let (quiet, _) = times.p99([0]);
    for (kind, ((name, _), worst)) in KINDS.iter().zip(worst).enumerate() {
        let (Some(slowest), Some(largest)) = (worst.slowest, worst.largest) else { continue };
        let (busy, questions) = times.p99([1 + kind]);
        // Of a few questions nothing can be said.
        let ratio = if questions < 1_000 { "–".to_owned() } else { format!("{:.2}", ratio(busy, quiet)) };
        let (took, added) = (slowest.took.as_secs_f64(), largest.added >> 10);
        println!("{name:12} {:>5} {:>7} {took:>7.2} s {added:>5} MiB {ratio:>8}", worst.cases, worst.refused);
    }
}

fn keep(worst: &[Worst], kept: &Path) {
    fs::create_dir_all(kept).expect("a directory for the worst");
    for ((name, _), worst) in KINDS.iter().zip(worst) {
        for (what, cost) in [("longest", worst.slowest), ("largest", worst.largest)] {
            if let Some(cost) = cost {
                fs::write(kept.join(format!("{name}-{what}.yaml")), cost.case.body()).expect("written");
            }
        }
    }
}
