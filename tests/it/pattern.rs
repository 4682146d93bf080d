//! Patterns compile and match exactly as CPython's `re` does, as recorded by `crates/python-re/oracle/cases.py`.

use std::fs;
use std::sync::Arc;

use bailiwick::analysis::Code;
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, TokenHasher};
use bailiwick::ruling::{Services, Status};
use python_re::{Outcome, Pattern, Scratch};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::{Anchored, Input};
use serde_json::Value;

use super::findings::findings_of;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/pattern/cases.jsonl");

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
                if ours.to_string() != python && !internal(python) {
                    self.wrong.push(format!("{source:?}: Python says {python:?}, bailiwick {ours}"));
                }
            }
            (Ok(_), Some(python)) => self.wrong.push(format!("{source:?}: Python refuses it: {python}")),
            (Err(ours), None) => self.wrong.push(format!("{source:?}: Python takes it, bailiwick: {ours}")),
        }
    }

    fn compare_texts(&mut self, pattern: &Pattern, case: &Value) {
        let backtracker = pattern.backtracker();
        let automaton = pattern.regular().map(|hir| {
            let nfa = regex_automata::nfa::thompson::Compiler::new().build_from_hir(&hir).expect("compiles");
            PikeVM::new_from_nfa(nfa).expect("compiles")
        });
        for text in case[2].as_array().expect("texts") {
            let (text, matches) = (text[0].as_str().expect("a text"), text[1].as_bool().expect("a verdict"));
            self.texts += 1;
            let wrong =
                |engine: &str| format!("{:?} on {text:?}: Python says {matches}, the {engine} not", pattern.source());
            match backtracker.run(&mut Scratch::new(), text) {
                Outcome::StepLimit => self.out_of_steps += 1,
                outcome if (outcome == Outcome::Match) != matches => self.wrong.push(wrong("backtracker")),
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

/// The flag `t` means nothing to Python, which says so by naming the code of its own that it has come upon.
fn internal(python: &str) -> bool {
    python.contains("unsupported template operator")
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

/// What holds a set that no character belongs to: the backtracker, the index and the analysis say of each ID what
/// CPython's `re` says.
#[test]
fn an_empty_set_fails_only_where_it_must_match() {
    for (regex, id, matches) in [
        (r"@[^\s\S]", "@a", false),
        (r"@[^\s\S]*", "@a", true),
        (r"@[^\W\S]{0,3}", "@a", true),
        (r"@a[^\s\S]{0,0}:", "@a", true),
        (r"@[^\s\S]{1,3}", "@a", false),
        (r"[^\W\S]*@", "@a", true),
        (r"(?:[^\s\S]*){2000}@", "@a", true),
        (r"(?:[^\s\S]){2000}@", "@a", false),
        (r"@[a-z](?:[^\s\S]|b)", "@ab", true),
        (r"@[a-z](?:[^\s\S]|b)", "@aa", false),
        (r"@[a-z](?:[^\s\S]|[^\w\W]b)", "@ab", false),
        (r"@.*(?:[^\s\S]|b)", "@ab", true),
        (r"@[a-z]([^\w\W]x)?b", "@ab", true),
        (r"@[a-z]([^\w\W]x)+b", "@ab", false),
        (r"@(?=[^\s\S]*a)ab", "@ab", true),
        (r"@(?![^\s\S])ab", "@ab", true),
        (r"@(?=[^\s\S])ab", "@ab", false),
        (r"@[^\s\S]*+a", "@a", true),
        (r"\A@[^\s\S]{0,2}b+.*", "@b", true),
        (r"(?:[^\s\S]|@)a.*(?:[^\s\S]c|:).*", "@a", true),
    ] {
        let text = format!("{id}:example.com");
        let pattern = Pattern::parse(regex).expect("a pattern");
        assert_eq!(
            pattern.backtracker().run(&mut Scratch::new(), &text) == Outcome::Match,
            matches,
            "{regex} on {text}"
        );
        let dead = &services(&[regex]);
        let is_dead = findings_of(dead).iter().any(|f| f.code == Code::DeadEntry);
        // All but one of these that do not match this ID match none at all.
        assert_eq!(is_dead, !matches && id != "@aa", "{regex} is dead");
        let both = &services(&[regex, &format!(r"{id}:example\.com\Z")]);
        let status = both.ownership(MatrixId::parse(&text).expect("an ID")).status;
        assert_eq!(status == Status::Contested, matches, "the index: {regex} on {text}");
        let findings = findings_of(both);
        let collides = findings.iter().any(|f| matches!(f.code, Code::ExclusiveConflict | Code::ClaimsEveryone));
        assert_eq!(collides, matches, "the analysis: {regex} on {text}");
    }
}

/// A service for each regex, which claims users exclusively by it.
fn services(regexes: &[&str]) -> Services {
    let load = |(number, regex): (usize, &&str)| {
        let file = serde_json::json!({
            "id": format!("as{number}"), "as_token": format!("as-token-{number}"), "hs_token": format!("hs-token-{number}"),
            "sender_localpart": format!("bot{number}"), "url": null,
            "namespaces": {"users": [{"regex": regex, "exclusive": true}]},
        });
        Arc::new(
            registration::load(&"test.yaml".into(), file.to_string().as_bytes(), &TokenHasher::new())
                .expect("it loads"),
        )
    };
    Services::new("example.com".parse().expect("a server name"), regexes.iter().enumerate().map(load).collect())
}

/// Compares the cases of `BAILIWICK_CASES`, made by `crates/python-re/oracle/cases.py`.
#[test]
#[ignore = "a tool of the differential run, which needs Python"]
fn compare_patterns() {
    let tally = compare(&std::env::var("BAILIWICK_CASES").expect("BAILIWICK_CASES names the cases"));
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
