//! What it costs those who are answered that decisions are put on record.

use std::time::{Duration, Instant};

use crate::client::Client;
use crate::server::Server;

/// The two are asked in turns, so often, so that a noisy neighbour hits both: enough turns that one in ten may be spoilt.
const ROUNDS: u32 = 20;
/// So many ask at a time, as many as a busy homeserver has workers.
const CLIENTS: usize = 4;

/// Times of the answers of one turn.
struct Turn(Vec<Duration>);

impl Turn {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time within which so many in a hundred were answered.
    fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }
}

/// Asks a service that records nothing and one that records all, in turns. Good if nothing is lost uncounted, and if the
/// 99th of 100 answers takes no longer with a record than it takes in the slowest turns without one.
pub(crate) fn run(seconds: u64) -> bool {
    let home = tempfile::tempdir().expect("a temporary directory");
    let log = home.path().join("decisions");
    let without = Server::start();
    let with = Server::start_with(&["--decision-log", log.to_str().expect("UTF-8"), "--decision-log-of", "all"]);
    let time = Duration::from_secs(seconds) / ROUNDS / 2;
    let (mut off, mut on) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        off.push(ask(&without, time));
        on.push(ask(&with, time));
    }
    let asked: usize = on.iter().map(|turn| turn.0.len()).sum();
    for (name, turns) in [("without", &off), ("with", &on)] {
        let [p50, p90, p99] = [50, 90, 99].map(|percent| middle(turns, percent).as_micros());
        let worst = turns.iter().map(|turn| turn.percentile(99)).max().unwrap_or_default().as_micros();
        println!("{name:8} p50 {p50:>6} µs, p90 {p90:>6} µs, p99 {p99:>6} µs (the slowest turn {worst} µs)");
    }
    let (written, dropped) = counted(&with, asked);
    let lines = std::fs::read(&log).expect("a log").split(|byte| *byte == b'\n').count() - 1;
    println!("asked {asked}, written {written}, dropped {dropped}, lines {lines}");
    let noise = off.iter().map(|turn| turn.percentile(99)).max().unwrap_or_default();
    middle(&on, 99) <= noise && written + dropped == asked && lines == written
}

/// In the middle of all turns.
fn middle(turns: &[Turn], percent: usize) -> Duration {
    let mut each: Vec<Duration> = turns.iter().map(|turn| turn.percentile(percent)).collect();
    each.sort_unstable();
    each[each.len() / 2]
}

fn ask(server: &Server, time: Duration) -> Turn {
    let one = |client: usize| {
        let mut connection = Client::open(server.address).expect("a connection");
        let (began, mut times) = (Instant::now(), Vec::new());
        while began.elapsed() < time || times.is_empty() {
            let body = format!("{{\"localpart\": \"b{client}_user{}\"}}", times.len());
            let asked = Instant::now();
            let answer = connection.ask("POST", "/v1/may-register", body.as_bytes()).expect("an answer");
            times.push(asked.elapsed());
            assert_eq!(answer.status, 200);
        }
        times
    };
    let times = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || one(client))).collect();
        clients.into_iter().flat_map(|client| client.join().expect("it asks")).collect()
    });
    Turn::of(times)
}

/// What was written and dropped, once that is all.
fn counted(server: &Server, asked: usize) -> (usize, usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = Client::open(server.address).and_then(|mut client| client.ask("GET", "/metrics", b""));
        let text = String::from_utf8(answer.expect("metrics").body).expect("UTF-8");
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse().ok()).expect("a counter")
        };
        let (written, dropped) =
            (value("bailiwick_decision_log_written_total"), value("bailiwick_decision_log_dropped_total"));
        if written + dropped == asked || Instant::now() > deadline {
            return (written, dropped);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
