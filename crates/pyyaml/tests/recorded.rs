//! Files read as `oracle/cases.py` has recorded of PyYAML, by both releases.

use pyyaml::{Document, NodeId, Release, Value};
use serde_json::{Value as Json, json};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases.jsonl");

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).expect("hex digits")).expect("below 16");
    hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// A value in the form of the recorded ones, which keeps types apart.
fn canonical(document: &Document<'_>, id: NodeId, depth: u32) -> Json {
    if depth > 12 {
        return json!("…");
    }
    let within = |id| canonical(document, id, depth + 1);
    match document.value(id) {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(number) => json!({"int": number.small().map_or("large".to_owned(), |number| number.to_string())}),
        Value::Float(number) if number.is_nan() => json!({"float": "nan"}),
        Value::Float(number) => json!({"float": format!("{:016x}", number.to_bits())}),
        Value::Str(text) => json!(text.escaped()),
        Value::Binary { empty } => json!({"binary": empty}),
        Value::Timestamp(_) => json!({"timestamp": true}),
        Value::List(items) => items.iter().map(|&item| within(item)).collect(),
        Value::Pairs([]) => json!([]),
        Value::Pairs(items) => {
            let pairs = items.iter().map(|&item| document.single_pair(item).expect("a pair"));
            let pairs: Vec<Json> = pairs.map(|(key, value)| json!([within(key), within(value)])).collect();
            json!({"pairs": pairs})
        }
        Value::Dict(pairs) => {
            let pairs = document.entries(pairs).into_iter();
            let pairs: Vec<Json> = pairs.map(|(key, value)| json!([within(key), within(value)])).collect();
            json!({"dict": pairs})
        }
        Value::Set(pairs) => {
            let mut keys: Vec<Json> = document.entries(pairs).into_iter().map(|(key, _)| within(key)).collect();
            keys.sort_by_key(Json::to_string);
            json!({"set": keys})
        }
    }
}

/// What comes of a file, in the form of the recorded verdicts.
fn verdict(file: &[u8], release: Release) -> Json {
    let read = |text: &str| {
        Document::read(text, release)
            .map(|document| document.map_or(Json::Null, |document| canonical(&document, document.root(), 0)))
    };
    match pyyaml::decode(file).and_then(|text| read(&text)) {
        Ok(value) => json!({"value": value}),
        Err(error) => json!({"refused": [error.place.line, error.place.column]}),
    }
}

#[test]
fn recorded_files_read_as_pyyaml_reads_them() {
    let path = std::env::var("PYYAML_CASES").unwrap_or_else(|_| RECORDED.to_owned());
    let recorded = std::fs::read_to_string(path).expect("the recorded cases can be read");
    let (mut cases, mut accepted, mut apart, mut refused, mut placed) = (0, 0, 0, 0, 0);
    let mut wrong = Vec::new();
    for line in recorded.lines() {
        let case: Json = serde_json::from_str(line).expect("a case is JSON");
        let file = bytes(case["hex"].as_str().expect("hex is a string"));
        cases += 1;
        apart += usize::from(case.get("all").is_none());
        for release in Release::ALL {
            let expected = case.get(release.as_str()).or(case.get("all")).expect("a verdict of each release");
            let ours = verdict(&file, release);
            match (expected.get("value"), ours.get("value")) {
                (Some(expected), Some(ours)) if expected == ours => accepted += 1,
                (None, None) => {
                    refused += usize::from(!expected["refused"].is_null());
                    placed += usize::from(expected["refused"] == ours["refused"]);
                }
                _ => wrong.push(format!(
                    "{:?}\nPyYAML {}: {expected}\nhere: {ours}",
                    String::from_utf8_lossy(&file),
                    release.as_str()
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} files differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
    println!("{cases} files, {accepted} times read, {apart} that the releases read differently");
    println!("{placed} of {refused} errors are where PyYAML says");
    assert!(cases >= 2500 && accepted >= 2500 && apart >= 30, "{cases} files with {accepted} and {apart} are too few");
    assert!(placed * 20 >= refused * 19, "only {placed} of {refused} errors are where PyYAML says");
}
