//! Registrations in the shapes of real ones, with made-up names.

use bailiwick::homeserver::Homeserver;
use bailiwick::registration::{self, Registration, TokenHasher};
use serde_json::{Value, json};

const SHAPES: &str = include_str!("../../tests/data/ruling/namespaces.jsonl");

/// The regexes of real namespaces for users, those that begin with a name.
fn shapes() -> Vec<String> {
    let lines = SHAPES.lines().map(|line| serde_json::from_str::<Value>(line).expect("a namespace is JSON"));
    let users = lines.filter(|namespace| namespace["kind"] == "users");
    let regexes = users.filter_map(|namespace| namespace["regex"].as_str().map(str::to_owned));
    regexes.filter(|regex| named(regex, 0).is_some()).collect()
}

/// The regex with a name of its own in front of the one that it has.
fn named(regex: &str, number: usize) -> Option<String> {
    let at = regex.find('@')? + 1;
    let rest = &regex[at..];
    let name = rest.trim_start_matches('_');
    let letters = name.chars().take_while(char::is_ascii_lowercase).count();
    (letters >= 3).then(|| format!("{}{}n{number}{name}", &regex[..at], &rest[..rest.len() - name.len()]))
}

pub(crate) fn homeserver() -> Homeserver {
    "example.com".parse().expect("a server name")
}

/// A registration as a file holds it.
pub(crate) fn file(number: usize, regexes: &[String]) -> String {
    let users: Vec<Value> = regexes.iter().map(|regex| json!({"exclusive": true, "regex": regex})).collect();
    json!({
        "id": format!("bridge-{number}"), "url": format!("http://bridge-{number}:29317"),
        "as_token": format!("as-{number}-0123456789abcdef0123456789abcdef"),
        "hs_token": format!("hs-{number}-0123456789abcdef0123456789abcdef"),
        "sender_localpart": format!("bot-of-bridge-{number}"), "rate_limited": false,
        "namespaces": {"users": users, "aliases": [], "rooms": []},
    })
    .to_string()
}

pub(crate) fn load(number: usize, regexes: &[String], hasher: &TokenHasher) -> Registration {
    let name = format!("/etc/bailiwick/registrations/bridge-{number}.yaml");
    let loaded = registration::load(&name.as_str().into(), file(number, regexes).as_bytes(), hasher);
    loaded.expect("a generated registration loads")
}

/// So many namespaces in real shapes, one a registration.
pub(crate) fn regexes(count: usize) -> Vec<String> {
    regexes_of(count, |_| true)
}

/// The same in those shapes that somebody likes.
pub(crate) fn regexes_of(count: usize, likes: impl Fn(&String) -> bool) -> Vec<String> {
    let shapes: Vec<String> = shapes().into_iter().filter(likes).collect();
    (0..count).map(|at| named(&shapes[at % shapes.len()], at).expect("shapes have names")).collect()
}

/// IDs to ask about: half of them in the namespaces, half not.
pub(crate) fn ids(regexes: &[String], count: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    for at in 0..count / 2 {
        // Spread over the set in an order that no cache foresees.
        let regex = &regexes[at.wrapping_mul(2_654_435_761) % regexes.len()];
        let start = regex.find('@').expect("shapes have a sigil");
        let literal = |c: &char| c.is_ascii_alphanumeric() || "_-=/".contains(*c);
        let prefix: String = regex[start + 1..].chars().take_while(literal).collect();
        ids.push(format!("@{prefix}alice{}:example.com", at % 97));
        ids.push(format!("@person{at}.surname:example.com"));
    }
    ids
}

/// The three hard workloads, each with IDs.
pub(crate) fn hard() -> [(&'static str, Vec<String>, Vec<String>); 3] {
    let half = |claimed: &dyn Fn(usize) -> String| -> Vec<String> {
        (0..2_000).flat_map(|at| [claimed(at), format!("@person{at}.surname:example.com")]).collect()
    };
    let no_prefix = (0..1_000).map(|at| format!(r"@.*_x{at}:example\.com")).collect();
    let classes = (0..1_000)
        .map(|at| match at % 3 {
            0 => format!(r"@[a-z]+_irc{at}_.*:example\.com"),
            1 => format!(r"@(?:slack|discord|irc)_t{at}_.*"),
            _ => format!(r"@[ab]?bridge{at}_[0-9]+:example\.com$"),
        })
        .collect();
    let looks = (0..100)
        .map(|at| match at % 3 {
            0 => format!(r"@(?!admin|bot)irc{at}_.*:example\.com"),
            1 => format!(r"@irc{at}_(?!bot).*:example\.com"),
            _ => format!(r"@.*_(?=[a-z])u{at}(?<!x):example\.com"),
        })
        .collect();
    [
        ("1,000 without a prefix", no_prefix, half(&|at| format!("@some_one_x{}:example.com", at % 1_000))),
        (
            "1,000 with classes or alternations in front",
            classes,
            half(&|at| match at % 3 {
                0 => format!("@net_irc{}_nick:example.com", at % 1_000 / 3 * 3),
                1 => format!("@discord_t{}_nick:example.com", at % 999 / 3 * 3 + 1),
                _ => format!("@abridge{}_42:example.com", at % 999 / 3 * 3 + 2),
            }),
        ),
        (
            "100 with look-around",
            looks,
            half(&|at| match at % 3 {
                0 => format!("@irc{}_nick:example.com", at % 100 / 3 * 3),
                1 => format!("@irc{}_nick:example.com", at % 99 / 3 * 3 + 1),
                _ => format!("@x_u{}:example.com", at % 99 / 3 * 3 + 2),
            }),
        ),
    ]
}
