//! Says what Rust's `regex` makes of expressions: reads what crates/go-re2/oracle/cases.py writes, and writes for each line, with
//! and without regard to case, the expression, whether case does not matter, what the library says or null, and a list of
//! [text, whether it is matched anywhere]. Homeservers make sets of what one service claims; here each is a set by itself.
//!
//! Built twice, with the releases that homeservers are locked to: regex-1.13 and regex-1.11.

use std::io::{BufRead, Write};

use regex::RegexSetBuilder;
use serde_json::{Value, json};

fn answer(expression: &str, texts: &[Value], fold: bool) -> Value {
    match RegexSetBuilder::new([expression]).case_insensitive(fold).build() {
        Ok(set) => {
            let matched = texts.iter().map(|text| json!([text, set.is_match(text.as_str().expect("a text"))]));
            json!([expression, fold, null, matched.collect::<Vec<_>>()])
        }
        Err(error) => json!([expression, fold, error.to_string(), []]),
    }
}

fn main() {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.expect("lines of UTF-8")).expect("lines of JSON");
        let (expression, texts) = (asked[0].as_str().expect("an expression"), asked[1].as_array().expect("texts"));
        for fold in [false, true] {
            writeln!(out, "{}", answer(expression, texts, fold)).expect("somebody reads");
        }
    }
}
