//! Whatever is read is read without panic, and what means the same to everybody matches as `regex-automata` has it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use regex_automata::meta::{Config, Regex};

/// Characters of which both syntaxes make the same.
const SHARED: &str = "abAB01_@:.|()*?+^";

fuzz_target!(|input: (&str, &str)| {
    let (expression, text) = input;
    if expression.len() > 300 {
        return;
    }
    let ours = go_re2::parse(expression);
    if !expression.chars().all(|c| SHARED.contains(c)) {
        return;
    }
    // What is repeated again, or at the start, is refused by the one and taken by the other.
    let (Ok(ours), Ok(theirs)) = (ours, regex_syntax::parse(expression)) else { return };
    let config = Config::new().nfa_size_limit(Some(1 << 20));
    let build = |hir| Regex::builder().configure(config.clone()).build_from_hir(hir);
    if let (Ok(ours), Ok(theirs)) = (build(&ours), build(&theirs)) {
        assert_eq!(ours.is_match(text), theirs.is_match(text), "{expression:?} on {text:?}");
    }
});
