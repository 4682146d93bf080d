//! Ten registrations and questions on which homeservers differ most, as whoever asks a running service sees them. The shapes
//! are those of real services; what each homeserver answers was read in its source (tests/data/homeservers/decisions.txt
//! says where), but for Synapse's answers and for what loads, which were run.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::Service;

/// One service for each homeserver, over the same files.
const HOMESERVERS: [&str; 7] = ["synapse", "dendrite", "tuwunel", "continuwuity", "conduit", "palpo", "palpo-421"];

/// What is asked, by whom, and what each of the homeservers answers, in their order. `=` is as the one before.
const CASES: [(&str, &str, [&str; 7]); 19] = [
    // 1. Who shares all of the world registers what another holds.
    ("service photon", "_bifrost_a", ["400 M_EXCLUSIVE", "200", "=", "=", "=", "=", "="]),
    // 2. Two hold the same.
    ("service linkedin", "linkedin_a", ["400 M_EXCLUSIVE", "=", "200", "=", "=", "=", "="]),
    // 3. A leading underscore.
    ("person", "_bifrost_a", ["400 M_INVALID_USERNAME", "=", "400 M_EXCLUSIVE", "=", "=", "=", "="]),
    ("person", "_zoe", ["400 M_INVALID_USERNAME", "=", "200", "=", "=", "=", "="]),
    // 4. Telephone numbers.
    ("service photon", "+15551234", ["200", "400 M_INVALID_USERNAME", "200", "=", "=", "=", "="]),
    ("service photon", "123", ["200", "400 M_INVALID_USERNAME", "200", "=", "=", "=", "="]),
    ("person", "123", ["400 M_INVALID_USERNAME", "=", "200", "=", "=", "=", "="]),
    // 5. Capitals.
    ("service slack", "SLACK_a", ["400 M_EXCLUSIVE", "200", "=", "400 M_INVALID_USERNAME", "200", "=", "="]),
    // 7. A regex without a sigil.
    ("person", "mywebhookfan", ["200", "400 M_EXCLUSIVE", "=", "=", "=", "=", "200"]),
    // 8. A regex without a server, and a user of another one.
    (
        "act telegram",
        "@telegram_x:evil.org",
        ["403 M_FORBIDDEN", "401 M_UNKNOWN_TOKEN", "400 M_EXCLUSIVE", "200", "403 M_FORBIDDEN", "200 and made", "="],
    ),
    // 9. Aliases: of a person, and of a service's own users. (A room that is made with one: `dialects`.)
    ("alias", "#bifrost_x:example.com", ["400 M_EXCLUSIVE", "=", "=", "=", "=", "200", "="]),
    (
        "alias bifrost as @_bifrost_a:example.com",
        "#bifrost_x:example.com",
        ["200", "400 M_EXCLUSIVE", "200", "=", "=", "=", "="],
    ),
    // 10. Is it free?
    (
        "available",
        "facebook_a",
        ["400 M_EXCLUSIVE", "400 M_USER_IN_USE", "400 M_EXCLUSIVE", "=", "200", "400 M_EXCLUSIVE", "="],
    ),
    // What all agree on, lest agreement be what a mistake looks like.
    ("person", "zoe", ["200", "=", "=", "=", "=", "=", "="]),
    ("person", "facebook_a", ["400 M_EXCLUSIVE", "=", "=", "=", "=", "=", "="]),
    ("service facebook", "facebook_a", ["200", "=", "=", "=", "=", "=", "="]),
    ("service facebook", "zoe", ["400 M_EXCLUSIVE", "=", "=", "=", "=", "=", "="]),
    ("alias", "#zoe:example.com", ["200", "=", "=", "=", "=", "=", "="]),
    ("available", "zoe", ["200", "=", "=", "=", "=", "=", "="]),
];

/// 6. A regex that Rust's engine refuses, in one file of many: whether it loads, and what is told to become of the others.
const FOODTOSHARE: [Option<&str>; 7] = [
    None,
    None,
    Some("Tuwunel would stop loading there: later files are missing, and it goes on running"),
    Some("Continuwuity would call that a failure, keep it, and fail at every later start"),
    Some("Conduit would refuse to register that one"),
    Some("Palpo would load it and answer nothing that its service asks"),
    Some("Palpo since #421 would load it and answer nothing that its service asks"),
];

fn registrations() -> TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    let entry = |regex: &str, exclusive: bool| json!([{"regex": regex, "exclusive": exclusive}]);
    let write = |id: &str, users: Value, aliases: Value| {
        let file = json!({
            "id": id, "as_token": format!("as-token-of-{id}-0123456789"), "hs_token": format!("hs-token-of-{id}-0123456789"),
            "sender_localpart": format!("bot-{id}"), "url": null, "namespaces": {"users": users, "aliases": aliases, "rooms": []},
        });
        fs::write(home.path().join(format!("{id}.yaml")), file.to_string()).expect("written");
    };
    write("bifrost", entry("@_bifrost_.*", true), entry("#bifrost_.*", true));
    write("facebook", entry(r"@facebook_.+:example\.com", true), json!([]));
    write("foodtoshare", entry("@foodtoshare_{[0-9]+}:localhost", true), json!([]));
    write("hook", entry("webhook", true), json!([]));
    write("linkedin", entry(r"@linkedin_.+:example\.com", true), json!([]));
    write("linkedin2", entry(r"@linkedin_.+:example\.com", true), json!([]));
    write("photon", entry("@.*", false), json!([]));
    write("slack", entry("@slack_.*", true), json!([]));
    write("telegram", entry("@telegram_.*", true), json!([]));
    home
}

/// The answer as one text. Synapse's status is not told in a decision.
fn asked(service: &Service, who: &str, what: &str, expected: &str) -> String {
    let (way, rest) = who.split_once(' ').unwrap_or((who, ""));
    let (as_id, user) = rest.split_once(" as ").map_or((rest, None), |(id, user)| (id, Some(user)));
    let mut question = match way {
        "person" | "service" => json!({"localpart": what}),
        "act" => json!({"user_id": what}),
        "alias" => json!({"alias": what, "user_id": user.or(as_id.is_empty().then_some("@zoe:example.com"))}),
        _ => {
            let answer = service.get(&format!("/_matrix/client/v3/register/available?username={what}"));
            let errcode = answer.json()["errcode"].as_str().map_or_else(String::new, |errcode| format!(" {errcode}"));
            return format!("{}{errcode}", answer.status);
        }
    };
    if !as_id.is_empty() {
        question["as_id"] = json!(as_id);
    }
    let path = match way {
        "act" => "/v1/may-act",
        "alias" => "/v1/may-create-alias",
        _ => "/v1/may-register",
    };
    let told = service.post(path, &question).json();
    match told["allowed"].as_bool() {
        Some(true) if told["account"] == "made" => "200 and made".to_owned(),
        Some(true) => "200".to_owned(),
        _ => {
            let status = told["status"].as_u64().map(|status| status.to_string());
            let status = status.unwrap_or_else(|| expected.split(' ').next().unwrap_or_default().to_owned());
            format!("{status} {}", told["errcode"].as_str().unwrap_or_default())
        }
    }
}

#[test]
fn ten_cases_on_which_homeservers_differ_are_answered_as_each_would() {
    let files = registrations();
    let mut wrong = Vec::new();
    for (at, homeserver) in HOMESERVERS.iter().enumerate() {
        let arguments = ["--server-name", "example.com", "--homeserver", homeserver];
        let service = Service::start_with(&[files.path()], &arguments);
        for (who, what, answers) in CASES {
            let expected = answers[..=at].iter().rev().find(|answer| **answer != "=").expect("the first is said");
            let told = asked(&service, who, what, expected);
            if told != *expected {
                wrong.push(format!("{homeserver}: {who}, {what}: {told} and not {expected}"));
            }
        }
        let listed = service.get("/v1/registrations").json();
        let file = listed["registrations"].as_array().expect("a list").iter();
        let file = file.filter(|file| file["file"].as_str().is_some_and(|name| name.ends_with("foodtoshare.yaml")));
        let fault =
            file.map(|file| file["errors"][0]["message"].as_str().map(str::to_owned)).next().expect("it is listed");
        let as_expected = match (FOODTOSHARE[at], &fault) {
            (None, None) => true,
            (Some(end), Some(fault)) => fault.ends_with(end),
            _ => false,
        };
        if !as_expected {
            wrong.push(format!("{homeserver}: foodtoshare: {fault:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
