//! One question in process on other homeservers: whoever searches anywhere, or does not mind capitals, must not pay for it.
//! And what it costs to read files as their libraries do.

use std::sync::Arc;
use std::time::Instant;

use bailiwick::homeserver::{Dialect, Homeserver};
use bailiwick::index::Index;
use bailiwick::list::List;
use bailiwick::matrix::Kind;
use bailiwick::registration::{self, TokenHasher};

use crate::measure::shown;
use crate::questions::ask_index;
use crate::workload;

const NAMES: [&str; 4] = ["synapse", "dendrite", "tuwunel", "continuwuity"];

fn homeserver(dialect: Dialect) -> Homeserver {
    Homeserver::new(workload::homeserver().name, dialect)
}

/// So many namespaces in those real shapes that all of them read.
fn regexes(dialects: &[Dialect], count: usize) -> Vec<String> {
    let is_read = |regex: &String| dialects.iter().all(|dialect| dialect.syntax().check(Kind::User, regex).is_ok());
    workload::regexes_of(count, is_read)
}

pub(crate) fn run(sizes: &[usize]) {
    let dialects = NAMES.map(|name| name.parse::<Dialect>().expect("a dialect"));
    println!("\n## One question in process, elsewhere (median; memory of the index)\n");
    println!("| namespaces | {} |", NAMES.join(" | "));
    println!("|---:|{}", "---:|".repeat(NAMES.len()));
    for &size in sizes {
        let regexes = regexes(&dialects, size);
        let ids = workload::ids(&regexes, 20_000);
        let hasher = TokenHasher::new();
        let of = |(at, regex): (usize, &String)| workload::load(at, std::slice::from_ref(regex), &hasher);
        let registrations: List<_> = regexes.iter().enumerate().map(of).collect();
        let mut first = None;
        let cells = dialects.map(|dialect| {
            let index = Index::build(&homeserver(dialect), &registrations);
            let (time, bytes) = (ask_index(&index, &ids), index.size().bytes);
            #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
            let figures = (time.as_secs_f64(), bytes as f64);
            let (slower, larger) = first.map_or((1.0, 1.0), |(time, bytes)| (figures.0 / time, figures.1 / bytes));
            first.get_or_insert(figures);
            format!("{} ({slower:.2}), {} KiB ({larger:.2})", shown(time), bytes >> 10)
        });
        println!("| {size} | {} |", cells.join(" | "));
    }
}

/// What it costs to read so many files as each homeserver's library does, on one core, from memory.
pub(crate) fn loaders(count: usize) {
    let hasher = TokenHasher::new();
    let dialects = Dialect::ALL.into_iter().filter(|dialect| dialect.other_reading().is_none());
    let regexes = regexes(&dialects.clone().collect::<Vec<_>>(), count);
    let files: Vec<String> = regexes.iter().enumerate().map(|(at, regex)| in_blocks(at, regex)).collect();
    let name: Arc<str> = "/etc/bailiwick/registrations/bridge.yaml".into();
    let mut first = None;
    for dialect in dialects {
        let homeserver = homeserver(dialect);
        let began = Instant::now();
        for file in &files {
            let loaded = registration::load_for(&homeserver, &name, file.as_bytes(), &hasher);
            assert!(loaded.is_ok(), "{}: {loaded:?}", dialect.name());
        }
        let took = began.elapsed();
        let ratio = took.as_secs_f64() / first.get_or_insert(took).as_secs_f64();
        let library = dialect.loader().library;
        println!(
            "| {count} files read as {} does, one core | {} ({ratio:.2}) | {library} |",
            dialect.name(),
            shown(took)
        );
    }
}

/// A registration as most bridges write it.
fn in_blocks(number: usize, regex: &str) -> String {
    format!(
        "id: bridge-{number}\nurl: http://bridge-{number}:29317\nas_token: as-{number}-0123456789abcdef0123456789abcdef\n\
         hs_token: hs-{number}-0123456789abcdef0123456789abcdef\nsender_localpart: bot-of-bridge-{number}\n\
         rate_limited: false\nnamespaces:\n  users:\n  - exclusive: true\n    regex: '{}'\n  aliases: []\n  rooms: []\n",
        regex.replace('\'', "''")
    )
}
