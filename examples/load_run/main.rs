//! The service under the worst load that can be found: dear checks, long batches, and what they do to everybody else.
//!
//! ```sh
//! cargo build --release && cargo run --release --example load_run -- --checks 600
//! cargo run --release --example load_run -- --everywhere 120
//! cargo run --release --example load_run -- --others 10
//! cargo run --release --example load_run -- --decisions 60
//! ```
//!
//! Starts the `bailiwick` binary that was built beside it on a free loopback port, over three hundred services.
//!
//! With `--checks`, registrations of all shapes that are known to be dear are sent to `POST /v1/check`, two at a time, for so
//! many seconds; shapes that turn out to be dear are varied. It prints the worst of each kind: the time, the memory that was
//! taken (`VmHWM`), and how much longer the 99th of 100 questions of others took than while nothing was going on in the same
//! run. The worst bodies are written to `target/worst_checks`. `--seed N` yields other bodies.
//!
//! With `--everywhere`, the same is sent to `POST /v1/check?homeserver=all`, each body to be read as all homeservers read it.
//!
//! With `--others`, the 99th of 100 questions is measured for so many seconds each with nothing besides, with checks, with
//! batches of 10,000 IDs, and with both, all in turns.
//!
//! With `--decisions`, a service that puts all decisions on record and one that records none are asked in turns, for so many
//! seconds together: what a record costs whoever is answered, and whether each decision is written or counted as dropped.
//!
//! Each fails (exit code 1) beyond the targets, and ends by itself.

mod checks;
mod client;
mod decisions;
mod document;
mod others;
mod random;
mod server;
mod shapes;
mod witness;

use std::path::Path;

use checks::Asked;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str, most: u64| text.parse().ok().filter(|number| (1..=most).contains(number));
    let kept = Path::new("target/worst_checks");
    let good = match arguments[..] {
        ["--checks", seconds] => number(seconds, 3_600).map(|seconds| checks::run(Asked::Here, seconds, 1, kept)),
        ["--checks", seconds, "--seed", seed] => number(seconds, 3_600)
            .zip(number(seed, u64::MAX))
            .map(|(seconds, seed)| checks::run(Asked::Here, seconds, seed, kept)),
        ["--everywhere", seconds] => {
            number(seconds, 3_600).map(|seconds| checks::run(Asked::Everywhere, seconds, 1, kept))
        }
        ["--others", seconds] => number(seconds, 60).map(others::run),
        ["--decisions", seconds] => number(seconds, 600).map(decisions::run),
        _ => None,
    };
    let Some(good) = good else {
        eprintln!(
            "usage: load_run --checks 1..3600 [--seed N] | --everywhere 1..3600 | --others 1..60 | --decisions 1..600"
        );
        std::process::exit(64);
    };
    println!("{}", if good { "good" } else { "NOT GOOD" });
    std::process::exit(i32::from(!good));
}
