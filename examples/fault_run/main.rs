//! The fault run: everything goes wrong in the directory while clients keep asking, and every answer is checked.
//!
//! ```sh
//! cargo build --release && cargo run --release --example fault_run -- --seconds 120
//! cargo run --release --example fault_run -- --kills 200
//! ```
//!
//! Starts the `bailiwick` binary that was built beside it on a free loopback port, over directories of its own below the
//! system's temporary directory.
//!
//! With `--seconds`, one thread injures and mends registration files at random, a reload is asked for every 100 ms, the set
//! that each `snapshot` names is noted, and four clients ask single and batch questions, a slow one and a broken one among
//! them. The run fails (exit code 1) when a request failed, an answer was not what the set that its `snapshot` names says
//! (so that a batch of two sets is wrong too), a name came free through a fault, or memory or open files grew after the
//! warm-up. Every regex changes with every repair, and is compared.
//!
//! With `--kills`, the service is killed so many times, at a random moment of its start, of a reload, of keeping copies, and
//! while others write; each time it must start with the answers that it gave before.
//!
//! Either ends by itself.

mod clients;
mod connection;
mod directory;
mod kills;
mod ledger;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clients::Totals;
use ledger::Ledger;

const SERVICES: usize = 300;
const RELOAD_EVERY: Duration = Duration::from_millis(100);

/// What to do.
enum Run {
    Faults { seconds: u64 },
    Kills { rounds: usize },
}

fn main() {
    let good = match from_arguments() {
        Run::Faults { seconds } => faults(seconds),
        Run::Kills { rounds } => kills::run(rounds),
    };
    println!("{}", if good { "good" } else { "NOT GOOD" });
    std::process::exit(i32::from(!good));
}

fn faults(seconds: u64) -> bool {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let state = tempfile::tempdir().expect("a temporary directory");
    directory::fill(directory.path(), SERVICES);
    let server = server::Server::start(directory.path(), state.path(), 60);
    let ledger = Arc::new(Ledger::default());
    let stop = Arc::new(AtomicBool::new(false));
    let totals = Arc::new(Totals::default());

    let mut threads = Vec::new();
    threads.push(spawn(&stop, {
        let (path, totals) = (directory.path().to_owned(), Arc::clone(&totals));
        move |stop| directory::injure_and_mend(&path, SERVICES, stop, &totals)
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

    let warm_up = Duration::from_secs(seconds.div_ceil(4));
    thread::sleep(warm_up);
    let before = server.figures();
    let began = Instant::now();
    thread::sleep(Duration::from_secs(seconds).checked_sub(warm_up).unwrap());
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("no thread of the fault run panics");
    }
    let after = server.figures();
    println!("{} s after a warm-up of {} s", began.elapsed().as_secs(), warm_up.as_secs());
    println!("memory: {} KiB, then {} KiB; open files: {}, then {}", before.kib, after.kib, before.files, after.files);
    totals.report(&ledger) & !before.grew_into(&after)
}

fn spawn(stop: &Arc<AtomicBool>, work: impl FnOnce(&AtomicBool) + Send + 'static) -> thread::JoinHandle<()> {
    let stop = Arc::clone(stop);
    thread::spawn(move || work(&stop))
}

fn from_arguments() -> Run {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => Run::Faults { seconds: 120 },
        ["--seconds", seconds] if seconds.parse::<u64>().is_ok_and(|seconds| (4..=280).contains(&seconds)) => {
            Run::Faults { seconds: seconds.parse().expect("just parsed") }
        }
        ["--kills", rounds] if rounds.parse::<usize>().is_ok_and(|rounds| (1..=1_000).contains(&rounds)) => {
            Run::Kills { rounds: rounds.parse().expect("just parsed") }
        }
        _ => {
            eprintln!("usage: fault_run [--seconds 4..280 | --kills 1..1000]");
            std::process::exit(64);
        }
    }
}
