//! One entry that lists many names: are the answers right, how long does a question take, and what does the index hold?
//!
//! ```sh
//! cargo run --release --example many_names
//! ```
//!
//! Each shape is built with 10 to 100,000 names that differ from each other only here and there, and asked about names that
//! it lists and names that it nearly lists. What is right follows from how the names are made, so that no other matcher of
//! regexes has to be believed. The run fails (exit code 1) if an answer is wrong, or left open for want of steps.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bailiwick::homeserver::Homeserver;
use bailiwick::index::{Index, Scratch};
use bailiwick::list::List;
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, Registration, TokenHasher};
use serde_json::json;

const COUNTS: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];

/// So many of the names that are listed are asked about, evenly, and as many that are not.
const ASKED: usize = 500;

/// How the names stand in the regex, what stands before them in an ID that is claimed, and in one that is not.
const SHAPES: [(&str, &str, &str); 4] = [
    ("@(?:NAMES):example\\.com", "@", "@x"),
    ("@.*(?:NAMES):example\\.com", "@anything_", "@anything_x"),
    ("@_(?!bot)(?:NAMES)(?=:example\\.com$)", "@_", "@bot_"),
    ("(?i:@irc_(?:NAMES)):example\\.com", "@IRC_", "@icr_"),
];

fn main() -> ExitCode {
    println!(
        "{:>8}  {:42} {:>7} {:>7} {:>10} {:>12} {:>12}",
        "names", "entry", "right", "wrong", "built", "a question", "index"
    );
    let mut wrong = 0;
    for count in COUNTS {
        for shape in SHAPES {
            wrong += tried(count, shape);
        }
    }
    ExitCode::from(u8::from(wrong > 0))
}

/// A name of its own for each number, of ten characters: none ends as another does.
fn name(at: usize) -> String {
    format!("{:05}n{:04}", at, at * 7_919 % 10_000)
}

/// Builds and asks one shape; how many answers were wrong.
fn tried(count: usize, (shape, claimed, other): (&str, &str, &str)) -> usize {
    let names: Vec<String> = (0..count).map(name).collect();
    let registration = registration(&shape.replace("NAMES", &names.join("|")));
    let homeserver: Homeserver = "example.com".parse().expect("a server name");
    let began = Instant::now();
    let index = Index::build(&homeserver, &List::from_iter([registration]));
    let built = began.elapsed();
    let step = count.div_ceil(ASKED);
    let listed = names.iter().step_by(step);
    let ids: Vec<(String, bool)> = listed
        .flat_map(|name| {
            // One letter another than any name has there.
            let near = name.replacen('n', "m", 1);
            let behind = shape.starts_with("@.*");
            [
                (format!("{claimed}{name}:example.com"), true),
                (format!("{claimed}{near}:example.com"), false),
                (format!("{other}{name}:example.com"), behind),
            ]
        })
        .collect();
    let mut scratch = Scratch::new();
    let is_right = |(id, expected): &&(String, bool)| {
        let hits = index.lookup(MatrixId::parse(id).expect("an ID"), &mut scratch);
        hits.iter().all(|hit| !hit.undecided) && hits.is_empty() != *expected
    };
    let right = ids.iter().filter(is_right).count();
    let wrong = ids.len() - right;
    println!(
        "{count:>8}  {shape:42} {right:>7} {wrong:>7} {:>8.1}ms {:>9.2} µs {:>9} KB",
        built.as_secs_f64() * 1e3,
        question(&index, &ids).as_secs_f64() * 1e6,
        index.size().bytes / 1_000,
    );
    wrong
}

/// How long one question takes, over all that is asked, again and again for a tenth of a second.
fn question(index: &Index, ids: &[(String, bool)]) -> Duration {
    let mut scratch = Scratch::new();
    let (began, mut asked) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(100) {
        for (id, _) in ids {
            black_box(index.lookup(MatrixId::parse(id).expect("an ID"), &mut scratch));
        }
        asked += u32::try_from(ids.len()).expect("some hundreds");
    }
    began.elapsed() / asked
}

fn registration(regex: &str) -> Registration {
    let file = json!({
        "id": "names", "url": null, "as_token": "as-token-of-names", "hs_token": "hs-token-of-names",
        "sender_localpart": "names-bot", "namespaces": {"users": [{"exclusive": true, "regex": regex}]},
    });
    let loaded = registration::load(&"names.yaml".into(), file.to_string().as_bytes(), &TokenHasher::new());
    loaded.expect("a registration that loads")
}
