//! Any pattern parses or is refused, and its engines agree on any text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use python_re::{Outcome, Pattern, Scratch};

fuzz_target!(|input: (&str, &str)| {
    let (source, text) = input;
    if source.len() > 300 {
        return;
    }
    let Ok(pattern) = Pattern::parse(source) else { return };
    let Some(backward) = pattern.backward() else { return };
    let mut scratch = Scratch::new();
    let forward = pattern.backtracker().run(&mut scratch, text);
    let backward = backward.run(&mut scratch, text, 0);
    let decided = |outcome| outcome != Outcome::StepLimit;
    assert!(!decided(forward) || !decided(backward) || forward == backward, "{source:?} {text:?}");
    // What all paths begin with is necessary.
    let begins = pattern.paths().iter().any(|path| text.as_bytes().starts_with(&path.prefix));
    assert!(begins || backward != Outcome::Match, "{source:?} {text:?}");
});
