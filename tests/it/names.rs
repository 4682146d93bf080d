//! The names as a tree, who claims what below a prefix, one registration, and what has been in force.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use serde_json::{Value, json};

use super::support::{Service, examples, registration};

/// The example registrations, compared.
fn examples_compared() -> Service {
    let service = Service::start(&[&examples()]);
    service.wait("to compare", |service| service.get("/v1/conflicts").status == 200);
    service
}

fn names(service: &Service, target: &str) -> Value {
    let answer = service.get(&format!("/v1/names?prefix={target}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A node and all below it by their prefixes.
fn flat<'v>(nodes: &'v Value, all: &mut BTreeMap<&'v str, &'v Value>) {
    for node in nodes.as_array().expect("nodes") {
        all.insert(node["prefix"].as_str().expect("a prefix"), node);
        flat(&node["names"], all);
    }
}

#[test]
fn names_are_a_tree_of_what_they_begin_with() {
    let service = examples_compared();
    let answer = names(&service, "%40");
    let mut nodes = BTreeMap::new();
    flat(&answer["names"], &mut nodes);
    let irc = nodes["@irc_"];
    assert_eq!(irc["as_ids"], json!(["appservice-irc", "heisenbridge"]));
    assert_eq!((&irc["here"], &irc["contested"]), (&json!(2), &json!(1)));
    assert_eq!(answer["contested"], json!(1));
    // Each service has its own user in the tree, and what is below a node adds up to what it says.
    assert!(nodes.contains_key("@telegrambot:example.com"), "{:?}", nodes.keys());
    for node in nodes.values().filter(|node| node["names"].as_array().is_some_and(|below| !below.is_empty())) {
        let below: u64 =
            node["names"].as_array().expect("nodes").iter().map(|child| child["claims"].as_u64().unwrap()).sum();
        assert_eq!(node["claims"].as_u64().unwrap(), below + node["here"].as_u64().unwrap(), "{node}");
    }
    // Between two nodes, in the middle of one, and where nothing begins so.
    assert_eq!(names(&service, "%40irc")["names"][0]["prefix"], "@irc_");
    assert_eq!(names(&service, "%40irc_")["here"], json!(2));
    let nothing = names(&service, "%40nobody");
    assert_eq!((&nothing["names"], &nothing["claims"]), (&json!([]), &json!(0)));
    assert_eq!(names(&service, "%23")["kind"], "alias");
}

#[test]
fn no_more_nodes_than_asked_for_are_answered_and_the_rest_in_pages() {
    let home = tempfile::tempdir().expect("a directory");
    for at in 0..60 {
        let name = format!("{}{at}_", char::from(b'a' + u8::try_from(at % 20).expect("small")));
        fs::write(home.path().join(format!("{at}.yaml")), registration(&format!("s{at}"), &name)).expect("written");
    }
    let service = Service::start(&[home.path()]);
    service.wait("to compare", |service| service.get("/v1/conflicts").status == 200);
    let all = names(&service, "%40&limit=1000");
    let mut nodes = BTreeMap::new();
    flat(&all["names"], &mut nodes);
    assert_eq!(all["claims"], json!(120));
    for limit in [1, 7, 20, 50] {
        let (mut after, mut seen) = (String::new(), Vec::new());
        loop {
            let page = names(&service, &format!("%40&limit={limit}{after}"));
            let mut within = BTreeMap::new();
            flat(&page["names"], &mut within);
            assert!(within.len() <= limit, "{} of {limit}", within.len());
            seen.extend(page["names"].as_array().expect("nodes").iter().map(|node| node["prefix"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={}", next.replace('@', "%40"));
        }
        let expected: Vec<_> =
            all["names"].as_array().expect("nodes").iter().map(|node| node["prefix"].clone()).collect();
        assert_eq!(seen, expected);
    }
}

#[test]
fn claims_below_a_prefix_come_in_pages_with_those_that_reach_in() {
    let service = examples_compared();
    let claims = |query: &str| service.get(&format!("/v1/claims?prefix={query}")).json();
    let all = claims("%40irc_a");
    let listed = all["claims"].as_array().expect("claims");
    assert_eq!(all["total"], json!(listed.len()));
    let at: Vec<_> = listed.iter().map(|claim| (claim["beginning"].clone(), claim["as_id"].clone())).collect();
    assert!(at.contains(&(json!("@irc_"), json!("heisenbridge"))), "{at:?}");
    let heisenbridge = listed.iter().find(|claim| claim["as_id"] == "heisenbridge").expect("it claims");
    assert_eq!((&heisenbridge["line"], &heisenbridge["regex"]), (&json!(10), &json!("@irc_.*")));
    let all = claims("%40");
    let total = all["total"].as_u64().expect("a number");
    let mut pages = Vec::new();
    for skip in (0..total).step_by(3) {
        pages.extend(claims(&format!("%40&skip={skip}&limit=3"))["claims"].as_array().expect("claims").clone());
    }
    assert_eq!(&json!(pages), &all["claims"]);
    assert!(pages.iter().any(|claim| claim["via"] == "sender"));
}

#[test]
fn one_registration_is_shown_by_its_id_whatever_that_holds() {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(home.path().join("a.yaml"), "id: [").expect("written");
    for (at, id) in ["plain", "a/b", "100%", "ä ö"].into_iter().enumerate() {
        let text = registration("NAME", &format!("n{at}_")).replace("NAME", id);
        fs::write(home.path().join(format!("b{at}.yaml")), text).expect("written");
    }
    let service = Service::start(&[home.path()]);
    let all = service.get("/v1/registrations").json();
    for file in all["registrations"].as_array().expect("files").iter().filter(|file| file["id"].is_string()) {
        let id = file["id"].as_str().expect("an id");
        let mut encoded = String::new();
        for byte in id.bytes() {
            write!(encoded, "%{byte:02X}").expect("text takes all");
        }
        let answer = service.get(&format!("/v1/registrations/{encoded}"));
        assert_eq!(answer.status, 200, "{id}: {}", answer.text());
        let answer = answer.json();
        assert!(answer["snapshot"].is_string() && answer["complete"] == false);
        assert_eq!(&answer["registration"], file);
    }
    let unknown = service.get("/v1/registrations/nobody");
    assert_eq!((unknown.status, &unknown.json()["errcode"]), (404, &json!("M_NOT_FOUND")));
}

#[test]
fn files_are_listed_by_state_by_name_and_in_pages() {
    let home = tempfile::tempdir().expect("a directory");
    for at in 0..9 {
        fs::write(home.path().join(format!("f{at}.yaml")), registration(&format!("Bridge{at}"), &format!("n{at}_")))
            .expect("written");
    }
    fs::write(home.path().join("broken.yaml"), "id: [").expect("written");
    let service = Service::start(&[home.path()]);
    let list = |query: &str| service.get(&format!("/v1/registrations?{query}")).json();
    let ids = |answer: &Value| -> Vec<String> {
        let files = answer["registrations"].as_array().expect("files").iter();
        files.map(|file| file["id"].as_str().unwrap_or("none").to_owned()).collect()
    };
    assert_eq!(list("")["total"], json!(10));
    let broken = list("state=stale,held,quarantined");
    assert_eq!((ids(&broken), &broken["total"]), (vec!["none".to_owned()], &json!(1)));
    let some = list("contains=bridge&skip=7&limit=1");
    assert_eq!((ids(&some), &some["total"]), (vec!["Bridge7".to_owned()], &json!(9)));
    assert_eq!(ids(&list("contains=F3.YAML")), ["Bridge3"]);
    for wrong in ["state=new", "limit=-1", "limit=", "skip=x", "what=1"] {
        assert_eq!(service.get(&format!("/v1/registrations?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn what_changed_hands_is_remembered_with_its_time() {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(home.path().join("irc.yaml"), registration("irc", "irc_")).expect("written");
    let service = Service::start(&[home.path()]);
    let history = || service.get("/v1/history").json();
    let first = history();
    assert_eq!(first["generations"][0]["reset"], true);
    assert_eq!(first["incomplete_since_ms"], Value::Null);
    fs::write(home.path().join("tg.yaml"), registration("tg", "tg_")).expect("written");
    service.wait("to load", |service| service.claimants("@tg_x:example.com") == ["tg"]);
    let second = history();
    assert_eq!(second["generations"].as_array().expect("generations").len(), 2);
    let latest = &second["generations"][0];
    assert_eq!((&latest["changes"][0]["as_id"], &latest["changes"][0]["change"]), (&json!("tg"), &json!("added")));
    assert_eq!(latest["digest"], second["snapshot"]);
    fs::write(home.path().join("tg.yaml"), "id: [").expect("written");
    service.wait("to be told", |service| service.status("complete") == false);
    let third = history();
    assert_eq!(third["incomplete_since_ms"], third["generations"][0]["at_ms"]);
    assert!(third["incomplete_since_ms"].as_u64() >= latest["at_ms"].as_u64());
    assert_eq!(service.get("/v1/history?limit=1").json()["generations"].as_array().expect("generations").len(), 1);
    assert_eq!(service.get("/v1/history?limit=0").status, 400);
}

#[test]
fn whoever_asks_learns_what_his_token_may() {
    let home = tempfile::tempdir().expect("a directory");
    let tokens = home.path().join("tokens");
    let text = "register register-token-0123456789\nread read-token-0123456789\nadmin admin-token-0123456789\n";
    fs::write(&tokens, text).expect("written");
    let arguments = ["--server-name", "example.com", "--auth-token-file", tokens.to_str().expect("UTF-8")];
    let service = Service::start_with(&[&examples()], &arguments);
    let role = |header: &str| {
        let request = format!("GET /v1/role HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n");
        service.send(request.as_bytes()).expect("an answer").json()
    };
    for name in ["register", "read", "admin"] {
        let answer = role(&format!("Authorization: Bearer {name}-token-0123456789\r\n"));
        assert_eq!(answer, json!({"token_needed": true, "role": name}));
    }
    for header in ["", "Authorization: Bearer another-token-0123456789\r\n"] {
        assert_eq!(role(header), json!({"token_needed": true, "role": null}));
    }
    for guarded in ["/v1/names?prefix=%40", "/v1/claims?prefix=%40", "/v1/registrations/telegram", "/v1/history"] {
        assert_eq!(service.get(guarded).status, 401, "{guarded}");
    }
    let open = Service::start(&[&examples()]);
    assert_eq!(open.get("/v1/role").json(), json!({"token_needed": false, "role": "admin"}));
}

#[test]
fn the_page_is_for_browsers_and_asks_nobody_else() {
    let service = Service::start(&[&examples()]);
    let ask = |path: &str, more: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n");
        service.send(request.as_bytes()).expect("an answer")
    };
    let told = ask("/", "Accept: */*\r\n");
    assert_eq!(told.status, 404);
    assert!(told.text().contains("/openapi.json"), "{}", told.text());
    let page = ask("/", "Accept: text/html\r\n");
    assert_eq!(page.status, 200);
    let head = page.head.to_ascii_lowercase();
    let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).expect("a policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").to_owned();
    let again = ask("/", &format!("Accept: text/html\r\nIf-None-Match: {tag}\r\n"));
    assert_eq!((again.status, again.body.len()), (304, 0));
    let text = page.text();
    let named: Vec<&str> = text.split('"').filter(|part| part.starts_with("page/")).collect();
    assert!(named.len() > 3, "{named:?}");
    for file in named {
        let plain = ask(&format!("/{file}"), "");
        let packed = ask(&format!("/{file}"), "Accept-Encoding: gzip\r\n");
        assert_eq!((plain.status, packed.status), (200, 200), "{file}");
        assert!(packed.head.to_ascii_lowercase().contains("content-encoding: gzip"), "{}", packed.head);
        assert!(packed.body.len() < plain.body.len() || plain.body.len() < 500, "{file}");
        assert!(plain.head.to_ascii_lowercase().contains("nosniff"));
    }
    assert_eq!(ask("/page/nothing.js", "").status, 404);
    assert_eq!(ask("/page/..%2fmod.rs", "").status, 404);
}
