//! The fault run: everything goes wrong in the directory while clients keep asking, and every answer is checked.
//!
//! ```sh
//! cargo build --release && cargo run --release --example fault_run -- --seconds 120
//! ```
//!
//! Starts the `bailiwick` binary that was built beside it on a free loopback port, over a directory of its own below the
//! system's temporary directory. One thread injures and mends registration files at random, one asks for a reload every
//! 100 ms and notes which set each `snapshot` names, four clients ask single and batch questions, slow and broken ones
//! among them. It ends by itself and fails (exit code 1) when a request failed, an answer was not what the set that its
//! `snapshot` names says, a name came free through a fault, or memory or open files grew after the warm-up.

mod clients;
mod connection;
mod directory;
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

fn main() {
    let seconds = seconds_from_arguments();
    let directory = tempfile::tempdir().expect("a temporary directory");
    directory::fill(directory.path(), SERVICES);
    let server = server::Server::start(directory.path());
    let ledger = Arc::new(Ledger::default());
    let stop = Arc::new(AtomicBool::new(false));
    let totals = Arc::new(Totals::default());

    let mut threads = Vec::new();
    threads.push(spawn(&stop, {
        let (path, totals) = (directory.path().to_owned(), Arc::clone(&totals));
        move |stop| directory::injure_and_mend(&path, SERVICES, stop, &totals)
    }));
    threads.push(spawn(&stop, {
        let (ledger, totals) = (Arc::clone(&ledger), Arc::clone(&totals));
        let address = server.address;
        move |stop| clients::reload_and_note(address, &ledger, stop, &totals, RELOAD_EVERY)
    }));
    for client in [clients::single, clients::batch, clients::slow, clients::broken] {
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
    let good = totals.report(&ledger) & !before.grew_into(&after);
    drop(server);
    println!("{}", if good { "good" } else { "NOT GOOD" });
    std::process::exit(i32::from(!good));
}

fn spawn(stop: &Arc<AtomicBool>, work: impl FnOnce(&AtomicBool) + Send + 'static) -> thread::JoinHandle<()> {
    let stop = Arc::clone(stop);
    thread::spawn(move || work(&stop))
}

fn seconds_from_arguments() -> u64 {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => 120,
        (Some("--seconds"), Some(seconds)) if seconds.parse::<u64>().is_ok_and(|s| (4..=280).contains(&s)) => {
            seconds.parse().expect("just parsed")
        }
        _ => {
            eprintln!("usage: fault_run [--seconds 4..280]");
            std::process::exit(64);
        }
    }
}
