//! The committed contract is what the code serves, and its examples are real answers.

use std::fs;

use serde_json::{Value, json};

use super::support::{Service, blessing, examples};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/bailiwick.json");
const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/answers.json");

#[test]
fn the_committed_document_is_what_is_served() {
    let committed = fs::read_to_string(COMMITTED).expect("openapi/bailiwick.json is committed");
    let help = "differs from the code: cargo run -- openapi > openapi/bailiwick.json";
    assert!(committed == bailiwick::http::openapi_document(), "openapi/bailiwick.json {help}");
    let service = Service::start(&[&examples()]);
    assert!(service.get("/openapi.json").text() == committed, "what is served {help}");
}

/// Whoever gives parameters means something by them, and is not answered as if nothing had been said.
#[test]
fn parameters_that_nobody_reads_are_refused_wherever_somebody_asks() {
    let service = Service::start(&[&examples()]);
    let document: Value = service.get("/openapi.json").json();
    // Probes, Prometheus and browsers have parameters of their own. Synapse passes over what it does not know.
    let open = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/_matrix/client/v3/register/available"];
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let target = format!("{}?nobody_reads=this", path.replace("{id}", "irc").replace("{worker}", "w"));
            assert!(!target.contains('{'), "{target}");
            let answer = match &**method {
                "post" => service.post(&target, &json!({})),
                "put" => service.request("PUT", &target, b"{}"),
                other => service.request(&other.to_uppercase(), &target, b""),
            };
            let is_open = open.contains(&&**path);
            assert_eq!(
                answer.status == 400,
                !is_open || path.starts_with("/_matrix"),
                "{method} {target}: {}",
                answer.text()
            );
            assert_eq!(operation["responses"]["400"].is_object(), answer.status == 400, "{method} {path}");
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked}");
    assert_eq!(service.request("HEAD", "/v1/status?x=1", b"").status, 400);
    assert_eq!(service.get("/v1/status?").status, 200);
}

/// What is another each time: only that it is there counts. The last reload may be a second look that found nothing; its
/// shape is that of the answer to `/-/reload`.
const VARYING: [&str; 5] = ["finished_at_ms", "milliseconds", "loaded_at_ms", "last_reload", "at_ms"];

fn steady(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                *value = if VARYING.contains(&&**key) { Value::Null } else { steady(value.take()) };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = steady(item.take())),
        _ => {}
    }
    value
}

/// Files as they are called from the top of the repository.
fn local(answer: &Value) -> Value {
    let here = format!("{}/", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&answer.to_string().replace(&here, "")).expect("still JSON")
}

/// Asks everything that `openapi/answers.json` asks, of the example registrations. With `BAILIWICK_BLESS=1` in the
/// environment the answers are written instead of compared.
#[test]
fn the_examples_are_real_answers() {
    let mut asked: Value = serde_json::from_str(&fs::read_to_string(ANSWERS).expect("committed")).expect("JSON");
    let service = Service::start(&[&examples()]);
    service.wait("to compare", |service| service.get("/v1/conflicts").status == 200);
    let mut differing = Vec::new();
    for example in asked.as_array_mut().expect("a list") {
        let target = example["target"].as_str().expect("a target").to_owned();
        let body = if example["body"].is_null() { String::new() } else { example["body"].to_string() };
        let answer = service.request(example["method"].as_str().expect("a method"), &target, body.as_bytes());
        let (status, answer) = (Value::from(answer.status), local(&answer.json()));
        if steady(example["answer"].clone()) != steady(answer.clone()) || example["status"] != status {
            differing.push(format!("{target}: {answer}"));
        }
        example["status"] = status;
        example["answer"] = answer;
    }
    if blessing() {
        fs::write(ANSWERS, serde_json::to_string_pretty(&asked).expect("JSON") + "\n").expect("written");
        return;
    }
    assert!(
        differing.is_empty(),
        "run with BAILIWICK_BLESS=1 and then\ncargo run -- openapi:\n{}",
        differing.join("\n")
    );
}
