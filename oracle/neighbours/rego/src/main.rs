//! Runs the policy: on each line of standard input policy data and names, `{"data": …, "names": [name, …]}`; on each line of
//! standard output whether each name is refused.

use std::io::{self, BufRead};

use regorus::{Engine, Value};

const POLICY: &str = include_str!("../policy.rego");

fn main() {
    for line in io::stdin().lock().lines() {
        let asked: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let mut engine = Engine::new();
        engine.add_policy("policy.rego".to_owned(), POLICY.to_owned()).expect("a policy");
        engine.add_data_json(&asked["data"].to_string()).expect("policy data");
        let mut answers = Vec::new();
        for name in asked["names"].as_array().expect("names") {
            let input = serde_json::json!({"username": name});
            engine.set_input(Value::from_json_str(&input.to_string()).expect("an input"));
            let refused = engine.eval_rule("data.names.refused".to_owned()).expect("it is decided");
            answers.push(*refused.as_bool().expect("yes or no"));
        }
        println!("{}", serde_json::json!(answers));
    }
}
