//! `int` and `repr` are CPython's, as recorded by `oracle/cases.py`.

use python_text::{Base, Integer, int, repr};
use serde_json::Value;

#[test]
fn recorded_texts_are_pythons() {
    let cases = include_str!("cases.jsonl");
    let mut read = 0;
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let text = case[1].as_str().expect("a text");
        if case[0] == "repr" {
            assert_eq!(repr(text), case[2].as_str().expect("a text"));
            continue;
        }
        let base = match case[2].as_u64() {
            Some(2) => Base::Two,
            Some(8) => Base::Eight,
            Some(10) => Base::Ten,
            _ => Base::Sixteen,
        };
        let expected = case[3].as_str().map(number);
        read += usize::from(expected.is_some());
        assert_eq!(int(text, base).ok(), expected, "{:?} in base {base:?}", &text.get(..200));
    }
    assert!(cases.lines().count() > 6_000 && read > 600, "the recorded data is thin: {read} numbers");
}

fn number(python: &str) -> Integer {
    let digits = python.trim_start_matches('-').trim_start_matches("0x");
    // Digits alone fail to parse only if they are too many.
    Integer { negative: python.starts_with('-'), magnitude: u128::from_str_radix(digits, 16).ok() }
}
