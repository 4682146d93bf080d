//! Patterns compile and match exactly as CPython's `re` does, as recorded by `oracle/cases.py`.

use std::fs;

use python_re::{Outcome, Pattern, Scratch};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::{Anchored, Input};
use serde_json::Value;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases.jsonl");

#[derive(Default)]
struct Tally {
    patterns: usize,
    refused: usize,
    texts: usize,
    out_of_steps: usize,
    wrong: Vec<String>,
}

impl Tally {
    /// Compares one recorded case: the verdict and Python's words for it, then every text by every engine that applies.
    fn compare(&mut self, case: &Value) {
        let source = case[0].as_str().expect("a pattern");
        let error = case[1].as_str();
        self.patterns += 1;
        match (Pattern::parse(source), error) {
            (Ok(pattern), None) => self.compare_texts(&pattern, case),
            (Err(ours), Some(python)) => {
                self.refused += 1;
                if ours.to_string() != python {
                    self.wrong.push(format!("{source:?}: Python says {python:?}, bailiwick {ours}"));
                }
            }
            (Ok(_), Some(python)) => self.wrong.push(format!("{source:?}: Python refuses it: {python}")),
            (Err(ours), None) => self.wrong.push(format!("{source:?}: Python takes it, bailiwick: {ours}")),
        }
    }

    fn compare_texts(&mut self, pattern: &Pattern, case: &Value) {
        let backtracker = pattern.backtracker();
        let backward = pattern.backward();
        let mut scratch = Scratch::new();
        let automaton = pattern.regular().map(|hir| {
            let nfa = regex_automata::nfa::thompson::Compiler::new().build_from_hir(&hir).expect("compiles");
            PikeVM::new_from_nfa(nfa).expect("compiles")
        });
        for text in case[2].as_array().expect("texts") {
            let (text, matches) = (text[0].as_str().expect("a text"), text[1].as_bool().expect("a verdict"));
            self.texts += 1;
            let wrong =
                |engine: &str| format!("{:?} on {text:?}: Python says {matches}, the {engine} not", pattern.source());
            match backtracker.run(&mut scratch, text) {
                Outcome::StepLimit => self.out_of_steps += 1,
                outcome if (outcome == Outcome::Match) != matches => self.wrong.push(wrong("backtracker")),
                _ => {}
            }
            match backward.as_ref().map(|backward| backward.run(&mut scratch, text, 0)) {
                Some(outcome) if outcome != (if matches { Outcome::Match } else { Outcome::NoMatch }) => {
                    self.wrong.push(wrong("backward simulation"));
                }
                _ => {}
            }
            if let Some(automaton) = &automaton {
                let input = Input::new(text).anchored(Anchored::Yes);
                if automaton.is_match(&mut automaton.create_cache(), input) != matches {
                    self.wrong.push(wrong("automaton"));
                }
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
fn recorded_patterns_are_pythons() {
    let tally = compare(RECORDED);
    assert!(tally.patterns > 4_000 && tally.refused > 500 && tally.texts > 5_000, "the recorded data is thin");
    assert!(tally.out_of_steps < 20, "{} texts ran out of steps", tally.out_of_steps);
    assert!(tally.wrong.is_empty(), "{} wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n"));
}

/// Compares the cases of `PYTHON_RE_CASES`, made by `oracle/cases.py`.
#[test]
#[ignore = "a tool of the differential run, which needs Python"]
fn compare_patterns() {
    let tally = compare(&std::env::var("PYTHON_RE_CASES").expect("PYTHON_RE_CASES names the cases"));
    println!(
        "{} patterns ({} refused), {} texts ({} out of steps), {} wrong",
        tally.patterns,
        tally.refused,
        tally.texts,
        tally.out_of_steps,
        tally.wrong.len()
    );
    assert!(tally.wrong.is_empty(), "{}", tally.wrong[..tally.wrong.len().min(50)].join("\n"));
}
