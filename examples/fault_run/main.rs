//! The fault run: everything goes wrong in the directory while clients keep asking, and every answer is checked.
//!
//! ```sh
//! cargo build --release && cargo run --release --example fault_run -- --seconds 120
//! cargo run --release --example fault_run -- --seconds 120 --source symlinks
//! cargo run --release --example fault_run -- --seconds 180 --source store
//! cargo run --release --example fault_run -- --kills 200
//! ```
//!
//! Starts the `bailiwick` binary that was built beside it on a free loopback port, over directories of its own below the
//! system's temporary directory.
//!
//! With `--seconds`, every kind of source (a directory, one of symlinks, files as arguments, Synapse's configuration), or the one that
//! `--source` names, has its turn, with and without copies in a state directory. In each, one thread injures and mends registration files at random, a reload is asked for every 100 ms, the set
//! that each `snapshot` names is noted, and four clients ask single and batch questions, a slow one and a broken one among
//! them. The run fails (exit code 1) when a request failed, an answer was not what the set that its `snapshot` names says
//! (so that a batch of two sets is wrong too), a name came free through a fault (of which it tells the story), or memory or open files grew after the
//! warm-up, or if the service is not well again when all is mended. Every regex changes with every repair, and is compared. At the end
//! it prints by how much `--hold` delays what is meant.
//!
//! With `--source store`, it is a PostgreSQL around which everything goes wrong, while two replicas answer from it and writers change it
//! through them ([`store`]). It needs python3 and a Debian or Ubuntu, of whose package `tests/store` starts it.
//!
//! With `--kills`, the service is killed so many times, at a random moment of its start, of a reload, of keeping copies, and
//! while others write; each time it must start with the answers that it gave before.
//!
//! Either ends by itself.

mod clients;
mod connection;
mod delays;
mod directory;
mod kills;
mod ledger;
mod place;
mod server;
mod store;
mod story;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clients::Totals;
use ledger::Ledger;
use place::{KINDS, Kind, Place};

const SERVICES: usize = 300;
const RELOAD_EVERY: Duration = Duration::from_millis(100);

/// What to do.
enum Run {
    Faults { seconds: u64, kinds: Vec<Kind> },
    Store { seconds: u64 },
    Kills { rounds: usize },
}

fn main() {
    let good = match from_arguments() {
        Run::Faults { seconds, kinds } => all_faults(seconds, &kinds),
        Run::Store { seconds } => store::run(Duration::from_secs(seconds)),
        Run::Kills { rounds } => kills::run(rounds),
    };
    println!("{}", if good { "good" } else { "NOT GOOD" });
    std::process::exit(i32::from(!good));
}

/// Every kind of source in turn, with and without copies, and then the delays.
fn all_faults(seconds: u64, kinds: &[Kind]) -> bool {
    let cells: Vec<(Kind, bool)> = kinds.iter().flat_map(|&kind| [true, false].map(|copies| (kind, copies))).collect();
    let each = Duration::from_secs(seconds) / u32::try_from(cells.len()).unwrap_or(1);
    let mut good = true;
    for (kind, copies) in cells {
        println!("{kind:?}, {} copies", if copies { "with" } else { "without" });
        good &= faults(kind, copies, each);
    }
    good & delays::run(if seconds < 120 { 5 } else { 20 })
}

fn faults(kind: Kind, copies: bool, time: Duration) -> bool {
    let place = Arc::new(Place::new(kind, SERVICES));
    let state = tempfile::tempdir().expect("a temporary directory");
    let server = server::Server::start(&place.arguments(), copies.then(|| state.path()), 60);
    let ledger = Arc::new(Ledger::default());
    let stop = Arc::new(AtomicBool::new(false));
    let totals = Arc::new(Totals::default());

    let mut threads = Vec::new();
    threads.push(spawn(&stop, {
        let (place, totals) = (Arc::clone(&place), Arc::clone(&totals));
        move |stop| directory::injure_and_mend(&place.files(), SERVICES, Some(&place), stop, &totals)
    }));
    threads.push(spawn(&stop, {
        let (address, totals) = (server.address, Arc::clone(&totals));
        move |stop| clients::reload(address, RELOAD_EVERY, stop, &totals)
    }));
    for client in [clients::note, clients::single, clients::batch, clients::slow, clients::broken] {
        let (ledger, totals) = (Arc::clone(&ledger), Arc::clone(&totals));
        let address = server.address;
        threads.push(spawn(&stop, move |stop| client(address, SERVICES, &ledger, stop, &totals)));
    }

    let warm_up = time / 4;
    thread::sleep(warm_up);
    let before = server.figures();
    let began = Instant::now();
    thread::sleep(time.saturating_sub(warm_up));
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("no thread of the fault run panics");
    }
    let after = server.figures();
    println!("{} s after a warm-up of {} s", began.elapsed().as_secs(), warm_up.as_secs());
    println!("memory: {} KiB, then {} KiB; open files: {}, then {}", before.kib, after.kib, before.files, after.files);
    let is_mended = mended(&place, &server);
    totals.report(&ledger) & is_mended & !before.grew_into(&after)
}

/// Whether all is well again when everything is mended.
fn mended(place: &Place, server: &server::Server) -> bool {
    const LAST_REVISION: usize = 1_000_000_000;
    place.mend(LAST_REVISION).expect("the run's own files are writable");
    let began = Instant::now();
    let mut status = serde_json::Value::Null;
    while began.elapsed() < Duration::from_secs(30) {
        // A new one each time: an answer that came too late is not to be taken for the next.
        let mut connection = connection::Connection::open(server.address).expect("the service listens");
        // What was there for a while and is not meant to be is confirmed to be gone.
        let confirmed = connection.ask("POST", "/-/reload", Some(&serde_json::json!({"allow_empty": true})));
        if let (Ok((200, _)), Ok((200, now))) = (confirmed, connection.ask("GET", "/v1/status", None)) {
            if now["complete"] == true && now["registrations"]["active"] == SERVICES {
                println!("mended, and complete: true");
                return true;
            }
            status = now;
        }
    }
    println!("mended, and not complete: {status}");
    false
}

fn spawn(stop: &Arc<AtomicBool>, work: impl FnOnce(&AtomicBool) + Send + 'static) -> thread::JoinHandle<()> {
    let stop = Arc::clone(stop);
    thread::spawn(move || work(&stop))
}

fn from_arguments() -> Run {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let seconds = |text: &str| text.parse::<u64>().ok().filter(|seconds| (32..=1_200).contains(seconds));
    let kind = |name: &str| KINDS.into_iter().find(|kind| format!("{kind:?}").eq_ignore_ascii_case(name));
    match arguments[..] {
        [] => Run::Faults { seconds: 120, kinds: KINDS.to_vec() },
        ["--seconds", text] if let Some(seconds) = seconds(text) => Run::Faults { seconds, kinds: KINDS.to_vec() },
        ["--seconds", text, "--source", "store"] if let Some(seconds) = seconds(text) => Run::Store { seconds },
        ["--seconds", text, "--source", name] if let (Some(seconds), Some(kind)) = (seconds(text), kind(name)) => {
            Run::Faults { seconds, kinds: vec![kind] }
        }
        ["--kills", rounds] if rounds.parse::<usize>().is_ok_and(|rounds| (1..=1_000).contains(&rounds)) => {
            Run::Kills { rounds: rounds.parse().expect("just parsed") }
        }
        _ => {
            eprintln!(
                "usage: fault_run [--seconds 32..1200 [--source directory|symlinks|files|list|store] | --kills 1..1000]"
            );
            std::process::exit(64);
        }
    }
}
