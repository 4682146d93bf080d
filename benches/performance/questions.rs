//! One question in process: the index against its baselines.

use std::time::Duration;

use bailiwick::index::{Index, Scratch};
use bailiwick::matrix::MatrixId;
use bailiwick::registration::TokenHasher;
use regex::{Regex, RegexSet};
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::{Anchored, Input, MatchKind, PatternSet};

use crate::measure::{median_each, shown};
use crate::workload;

fn index(regexes: &[String]) -> Index {
    let hasher = TokenHasher::new();
    let of = |(at, regex): (usize, &String)| workload::load(at, std::slice::from_ref(regex), &hasher);
    Index::build(&workload::homeserver(), &regexes.iter().enumerate().map(of).collect())
}

pub(crate) fn ask_index(index: &Index, ids: &[String]) -> Duration {
    let mut scratch = Scratch::new();
    median_each(ids, |id| {
        std::hint::black_box(index.lookup(MatrixId::parse(id).expect("an ID"), &mut scratch));
    })
}

/// As Rust's regex reads it, tried at the start.
fn rust(regex: &str) -> String {
    format!("^(?:{})", regex.replace(r"\Z", r"\z"))
}

fn ask_loop(regexes: &[String], ids: &[String]) -> Option<Duration> {
    let compiled: Vec<Regex> = regexes.iter().map(|regex| Regex::new(&rust(regex))).collect::<Result<_, _>>().ok()?;
    Some(median_each(&ids[..ids.len().min(1_000)], |id| {
        std::hint::black_box(compiled.iter().filter(|regex| regex.is_match(id)).count());
    }))
}

fn ask_set(regexes: &[String], ids: &[String]) -> Option<Duration> {
    let set = regex::RegexSetBuilder::new(regexes.iter().map(|regex| rust(regex))).size_limit(1 << 30).build().ok();
    let set: RegexSet = set?;
    Some(median_each(ids, |id| {
        std::hint::black_box(set.matches(id).iter().count());
    }))
}

fn ask_dfa(regexes: &[String], ids: &[String]) -> Option<Duration> {
    let patterns: Vec<String> = regexes.iter().map(|regex| rust(regex)).collect();
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Anchored)
        .dfa_size_limit(Some(200 << 20))
        .determinize_size_limit(Some(400 << 20));
    let dfa = dense::Builder::new().configure(config).build_many(&patterns).ok()?;
    let mut found = PatternSet::new(dfa.pattern_len());
    Some(median_each(ids, |id| {
        found.clear();
        let input = Input::new(id).anchored(Anchored::Yes);
        dfa.try_which_overlapping_matches(&input, &mut found).expect("never quits");
        std::hint::black_box(found.len());
    }))
}

pub(crate) fn run(sizes: &[usize]) {
    println!("\n## One question in process (median)\n");
    println!("| namespaces | bailiwick | loop over Regex | RegexSet | one dense DFA | RegexSet / bailiwick |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for &size in sizes {
        let regexes = workload::regexes(size);
        let ids = workload::ids(&regexes, 20_000);
        row(&size.to_string(), &regexes, &ids, size <= 1_000, size <= 10_000, size <= 1_000);
    }
    for (name, regexes, ids) in workload::hard() {
        row(name, &regexes, &ids, true, true, regexes.len() <= 100);
    }
}

fn row(name: &str, regexes: &[String], ids: &[String], with_loop: bool, with_set: bool, with_dfa: bool) {
    let ours = ask_index(&index(regexes), ids);
    let set = with_set.then(|| ask_set(regexes, ids)).flatten();
    let cell = |time: Option<Duration>| time.map_or("–".to_owned(), shown);
    let ratio = set.map_or("–".to_owned(), |set| format!("{:.0}", set.as_secs_f64() / ours.as_secs_f64()));
    let looped = with_loop.then(|| ask_loop(regexes, ids)).flatten();
    let dfa = with_dfa.then(|| ask_dfa(regexes, ids)).flatten();
    println!("| {name} | {} | {} | {} | {} | {ratio} |", shown(ours), cell(looped), cell(set), cell(dfa));
}
