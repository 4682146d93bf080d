//! Regexes of homeservers in Rust compile and match as `regex` 1.13.1 has it, recorded by `oracle/rust-regex/run.sh`; 1.11.1 says
//! the same of each (the same script).

use std::fs;
use std::path::Path;

use bailiwick::homeserver::{Anchor, Engine, RustRelease, Syntax};
use bailiwick::matrix::{Kind, PerKind};
use python_re::{Outcome, Scratch};
use serde_json::Value;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/syntax/rust.jsonl");

#[derive(Default)]
struct Tally {
    regexes: usize,
    refused: usize,
    texts: usize,
    matched: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn compare(&mut self, case: &Value) {
        let (regex, fold) = (case[0].as_str().expect("a regex"), case[1].as_bool().expect("whether case matters"));
        let engine = Engine::Rust(RustRelease::V1_13);
        let syntax = Syntax { engine, anchor: Anchor::Anywhere, fold: PerKind::all(fold) };
        let ours = syntax.pattern(Kind::User, regex);
        let ours = ours.and_then(|pattern| syntax.check_together(Kind::User, &[regex]).map(|()| pattern));
        self.regexes += 1;
        let pattern = match (ours, case[2].as_str()) {
            (Ok(pattern), None) => pattern,
            (Err(ours), Some(theirs)) => {
                self.refused += 1;
                if ours.to_string() != theirs {
                    self.wrong.push(format!("{regex:?}: {theirs:?} against {ours}"));
                }
                return;
            }
            (ours, theirs) => return self.wrong.push(format!("{regex:?}: {theirs:?} against {:?}", ours.map(drop))),
        };
        let ours = pattern.matcher();
        for text in case[3].as_array().expect("texts") {
            let (text, matches) = (text[0].as_str().expect("a text"), text[1].as_bool().expect("a verdict"));
            self.texts += 1;
            self.matched += usize::from(matches);
            let expected = if matches { Outcome::Match } else { Outcome::NoMatch };
            if ours.run(&mut Scratch::new(), text) != expected {
                self.wrong.push(format!("{regex:?} on {text:?}, fold {fold}: {matches}"));
            }
        }
    }
}

fn compare(path: &Path) -> Tally {
    let mut tally = Tally::default();
    for line in fs::read_to_string(path).expect("the cases can be read").lines() {
        tally.compare(&serde_json::from_str(line).expect("a case is JSON"));
    }
    tally
}

#[test]
fn recorded_regexes_are_rusts() {
    let tally = compare(Path::new(RECORDED));
    assert!(tally.regexes > 3_000 && tally.refused > 500 && tally.matched > 1_500, "the recorded data is thin");
    assert!(tally.wrong.is_empty(), "{} wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n"));
}

/// Compares the cases of `RUST_REGEX_CASES`, made by `oracle/rust-regex/run.sh`.
#[test]
#[ignore = "a tool of the differential run"]
fn compare_regexes() {
    let tally = compare(Path::new(&std::env::var("RUST_REGEX_CASES").expect("RUST_REGEX_CASES names the cases")));
    let Tally { regexes, refused, texts, matched, wrong } = tally;
    println!("{regexes} regexes ({refused} refused), {texts} texts ({matched} matched), {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong[..wrong.len().min(50)].join("\n"));
}
