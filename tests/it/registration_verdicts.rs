//! Verdicts for a file of cases, for the differential run against the real Synapse (`oracle/registration_cases.py`).

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use bailiwick::registration::{self, TokenHasher};
use serde_json::{Value, json};

use super::registration::summary;

/// Reads `BAILIWICK_CASES`, lines of JSON `{"file": …, "hex": …}`, and writes what came of each beside it.
#[test]
#[ignore = "a tool of the differential run, which needs Python"]
fn print_verdicts() {
    let path = std::env::var("BAILIWICK_CASES").expect("BAILIWICK_CASES names the cases");
    let cases = fs::read_to_string(&path).expect("the cases can be read");
    let hasher = TokenHasher::new();
    let mut verdicts = String::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let bytes = bytes(case["hex"].as_str().expect("hex is a string"));
        let loaded = registration::load(&Arc::from("case.yaml"), &bytes, &hasher);
        let verdict = match &loaded {
            Ok(registration) => json!({"loads": true, "effective": summary(registration)}),
            Err(faults) => json!({"loads": false, "faults": faults}),
        };
        writeln!(verdicts, "{verdict}").expect("a string can be written to");
    }
    fs::write(format!("{path}.verdicts"), verdicts).expect("the verdicts can be written");
}

/// The bytes that hexadecimal digits stand for.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).expect("hex digits")).expect("below 16");
    hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
