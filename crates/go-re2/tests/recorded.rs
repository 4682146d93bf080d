//! Expressions compile and match as they do in Go, as recorded by `oracle/run.sh`.

use std::fs;

use regex_automata::meta::{Config, Regex};
use serde_json::Value;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases.jsonl");

#[derive(Default)]
struct Tally {
    expressions: usize,
    refused: usize,
    texts: usize,
    matched: usize,
    /// Those that no automaton of a reasonable size takes: their verdict is compared, their matches are not.
    too_large: usize,
    wrong: Vec<String>,
}

impl Tally {
    /// Compares one recorded case: the verdict with Go's words for it, then every text.
    fn compare(&mut self, case: &Value) {
        let expression = case[0].as_str().expect("an expression");
        let shown: String = expression.chars().take(200).collect();
        self.expressions += 1;
        match (go_re2::parse(expression), case[1].as_str()) {
            (Ok(hir), None) => {
                let config = Config::new().nfa_size_limit(Some(4 << 20)).onepass(false).dfa(false);
                match Regex::builder().configure(config).build_from_hir(&hir) {
                    Ok(regex) => self.compare_texts(&shown, &regex, case),
                    Err(_) => self.too_large += 1,
                }
            }
            (Err(ours), Some(theirs)) => {
                self.refused += 1;
                if ours.to_string() != theirs {
                    self.wrong.push(format!("{shown:?}: Go says {theirs:?}, we {ours}"));
                }
            }
            (Ok(_), Some(theirs)) => self.wrong.push(format!("{shown:?}: Go refuses it: {theirs:.200}")),
            (Err(ours), None) => self.wrong.push(format!("{shown:?}: Go takes it, we: {ours:.200}")),
        }
    }

    fn compare_texts(&mut self, shown: &str, regex: &Regex, case: &Value) {
        for text in case[2].as_array().expect("texts") {
            let (text, matches) = (text[0].as_str().expect("a text"), text[1].as_bool().expect("a verdict"));
            self.texts += 1;
            self.matched += usize::from(matches);
            if regex.is_match(text) != matches {
                self.wrong.push(format!("{shown:?} on {text:?}: Go says {matches}"));
            }
        }
    }
}

fn compare(path: &str) -> Tally {
    let cases = fs::read_to_string(path).expect("the cases can be read");
    let mut tally = Tally::default();
    for line in cases.lines() {
        tally.compare(&serde_json::from_str(line).expect("a case is JSON"));
    }
    tally
}

#[test]
fn recorded_expressions_are_gos() {
    let tally = compare(RECORDED);
    assert!(tally.expressions > 3_000 && tally.refused > 500 && tally.matched > 2_000, "the recorded data is thin");
    assert!(tally.wrong.is_empty(), "{} wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n"));
}

/// Compares the cases of `GO_RE2_CASES`, made by `oracle/run.sh`.
#[test]
#[ignore = "a tool of the differential run, which needs Go"]
fn compare_expressions() {
    let tally = compare(&std::env::var("GO_RE2_CASES").expect("GO_RE2_CASES names the cases"));
    println!(
        "{} expressions ({} refused, {} too large to be run), {} texts ({} matched), {} wrong",
        tally.expressions,
        tally.refused,
        tally.too_large,
        tally.texts,
        tally.matched,
        tally.wrong.len()
    );
    assert!(tally.wrong.is_empty(), "{}", tally.wrong[..tally.wrong.len().min(50)].join("\n"));
}
