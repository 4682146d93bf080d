//! The calls of the README answer as printed there.

use std::fs;

use serde_json::Value;

use super::support::{Service, examples};

#[test]
fn the_curl_calls_answer_as_printed() {
    let root = env!("CARGO_MANIFEST_DIR");
    let readme = fs::read_to_string(format!("{root}/README.md")).expect("there is a README");
    let service = Service::start(&[&examples()]);
    let mut calls = 0;
    for (call, printed) in readme.lines().zip(readme.lines().skip(1)) {
        let Some(call) = call.strip_prefix("$ curl -s ") else { continue };
        let (url, body) = call.split_once(" -d ").map_or((call, None), |(url, body)| (url, Some(body)));
        let target = url.trim_matches('\'').strip_prefix("http://127.0.0.1:8790").expect("the default address");
        let answer = match body {
            Some(body) => service.request("POST", target, body.trim_matches('\'').as_bytes()),
            None => service.get(target),
        };
        let answer = answer.text().replace(&format!("{root}/"), "");
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(parse(&answer), parse(printed), "{call}");
        calls += 1;
    }
    assert!(calls >= 5, "only {calls} calls");
}
