//! Files load exactly as Synapse loads them, as recorded by `oracle/registration_cases.py`.

use std::fs;
use std::sync::Arc;

use bailiwick::matrix::Kind;
use bailiwick::registration::{self, Loaded, Registration, TokenHasher, WarningCode};
use serde_json::{Value, json};

use super::registration_verdicts::bytes;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/registration/cases.jsonl");

/// What Synapse makes of a file, as the oracle records it.
pub(crate) fn summary(registration: &Registration) -> Value {
    let entries = |kind| -> Vec<Value> {
        registration.entries(kind).iter().map(|entry| json!([&*entry.regex, entry.exclusive])).collect()
    };
    let mut protocols: Vec<&str> = registration.protocols().iter().map(|protocol| &**protocol).collect();
    protocols.sort_unstable();
    json!({
        "id": registration.id(),
        "sender": registration.sender_localpart(),
        "url": registration.url(),
        "users": entries(Kind::User),
        "aliases": entries(Kind::Alias),
        "rooms": entries(Kind::Room),
        "protocols": protocols,
        "rate_limited": registration.rate_limited(),
        "proxy_prefix": registration.proxy_prefix(),
    })
}

/// What is wrong with bailiwick's verdict on one recorded file.
fn difference(case: &Value, hasher: &TokenHasher) -> Option<String> {
    let file = bytes(case["hex"].as_str().expect("hex is a string"));
    let ours = registration::load(&Arc::from("case.yaml"), &file, hasher);
    let wrong = match (&ours, case["loads"].as_bool().expect("a verdict")) {
        (Ok(registration), true) => {
            let (ours, synapse) = (summary(registration), &case["effective"]);
            (ours != *synapse).then(|| format!("Synapse works with {synapse}\nbailiwick with {ours}"))
        }
        (Err(faults), true) => Some(format!("Synapse loads it, bailiwick not: {faults:?}")),
        (Ok(_), false) => Some("Synapse refuses it, bailiwick loads it".to_owned()),
        (Err(_), false) => None,
    };
    let wrong = wrong.or_else(|| other_release(case, &ours));
    wrong.map(|wrong| format!("{:?}\n{wrong}", String::from_utf8_lossy(&file)))
}

/// What is wrong with what is said of the release of PyYAML whose verdict is not given: it is mentioned if and only if it
/// makes another registration of the file, or another verdict.
fn other_release(case: &Value, ours: &Loaded) -> Option<String> {
    let other = case.get("other");
    let said = match ours {
        Ok(loaded) => loaded.warnings().iter().any(|warning| warning.code == WarningCode::MergeOrder),
        Err(faults) => faults.iter().any(|fault| fault.message.contains("(which `pip` installs) loads it")),
    };
    (said != other.is_some()).then(|| format!("PyYAML 6.0.4: {other:?}, bailiwick: {ours:?}"))
}

#[test]
fn recorded_files_load_as_in_synapse() {
    let recorded = fs::read_to_string(RECORDED).expect("the recorded cases can be read");
    let cases: Vec<Value> = recorded.lines().map(|line| serde_json::from_str(line).expect("a case is JSON")).collect();
    let loading = cases.iter().filter(|case| case["loads"] == true).count();
    assert!(cases.len() >= 600, "{} recorded files are too few", cases.len());
    assert!((cases.len() * 3 / 10..cases.len() * 6 / 10).contains(&loading), "{loading} that load are no fair mix");
    let apart = cases.iter().filter(|case| case.get("other").is_some()).count();
    assert!(apart >= 15, "{apart} that the releases of PyYAML read differently are too few");
    let hasher = TokenHasher::new();
    let wrong: Vec<String> = cases.iter().filter_map(|case| difference(case, &hasher)).collect();
    assert!(wrong.is_empty(), "{} of {} files differ:\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

const URLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/registration/urls.jsonl");

#[test]
fn an_address_is_unusable_if_synapse_reaches_nobody_there() {
    let recorded = fs::read_to_string(URLS).expect("the recorded addresses can be read");
    let (mut reached, mut unreached, mut wrong) = (0, 0, Vec::new());
    for line in recorded.lines() {
        let case: Value = serde_json::from_str(line).expect("an address is JSON");
        let file = GOOD.replace("http://127.0.0.1/", &case["url"].to_string());
        // Of an address with a placeholder in it that is said, and no more.
        let codes = [WarningCode::UnusableUrl, WarningCode::Placeholder];
        let warned = warnings(&file).iter().any(|(code, _)| codes.contains(code));
        let reachable = case["reaches"].as_bool().expect("a verdict");
        if warned == reachable {
            wrong.push(case.to_string());
        }
        *(if reachable { &mut reached } else { &mut unreached }) += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(reached >= 20 && unreached >= 90, "{reached} and {unreached} are too few");
}

/// What is warned of in a file that loads.
fn warnings(file: &str) -> Vec<(WarningCode, String)> {
    match registration::load(&Arc::from("a.yaml"), file.as_bytes(), &TokenHasher::new()) {
        Ok(loaded) => loaded.warnings().iter().map(|warning| (warning.code, warning.message.to_string())).collect(),
        Err(faults) => panic!("it does not load: {faults:?}\n{file}"),
    }
}

/// Files that Synapse loads, nearly as deep as CPython's recursion limit allows.
fn deep_files() -> Vec<String> {
    let merges: Vec<String> = (1..900).map(|n| format!("&m{n} {{<<: *m{}}}", n - 1)).collect();
    let deep = [
        format!("x: {}{}", "[".repeat(470), "]".repeat(470)),
        format!("x: {}b{}", "{a: ".repeat(470), "}".repeat(470)),
        format!("x: {}b{}", "[a: ".repeat(235), "]".repeat(235)),
        format!("x:\n{}a", "- ".repeat(470)),
        format!("x: {}{{}}{}", "{<<: ".repeat(470), "}".repeat(470)),
        // PyYAML fills `y` before what it merges, and so follows the whole chain at once.
        format!("x: [[[&m0 {{a: b}}, {}]]]\ny: {{<<: *m899}}", merges.join(", ")),
    ];
    let required = "id: a\nurl:\nas_token: b\nhs_token: c\nsender_localpart: d\nnamespaces: {}\n";
    deep.iter().map(|deep| format!("{required}{deep}\n")).collect()
}

#[test]
fn deep_files_need_no_deep_stack() {
    let load = || {
        let hasher = TokenHasher::new();
        for file in deep_files() {
            let loaded = registration::load(&Arc::from("deep.yaml"), file.as_bytes(), &hasher);
            assert!(loaded.is_ok(), "{file}: {:?}", loaded.err());
        }
    };
    // An eighth of what a thread has by default.
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(load).expect("a thread");
    thread.join().expect("nothing panicked");
}

/// The messages about a file that does not load.
fn faults(file: &str) -> Vec<String> {
    match registration::load(&Arc::from("bad.yaml"), file.as_bytes(), &TokenHasher::new()) {
        Ok(loaded) => panic!("it loads: {loaded:?}"),
        Err(faults) => faults.into_iter().map(|fault| fault.message).collect(),
    }
}

const GOOD: &str = "id: a\nurl: http://127.0.0.1/\nas_token: an-as-token-0123456789\nhs_token: an-hs-token-0123456789\n\
                    sender_localpart: s\nnamespaces:\n  users:\n  - regex: '@s_.*'\n    exclusive: true\n";

#[test]
fn messages_say_the_way_out() {
    let indented = format!("  {}\n", GOOD.trim_end().replace('\n', "\n  "));
    for (file, way_out) in [
        (GOOD.replace("'@s_.*'", "['@s_.*', '@t_.*']"), "write one entry, with regex and exclusive, for each regex"),
        (GOOD.replace("  users", "\tusers"), "indent with spaces"),
        (GOOD.replace("as_token: ", "as_token="), "in line 3 write `as_token: ` instead of `as_token=`"),
        (GOOD.replace("id: a", "id=a"), "in line 1 write `id: ` instead of `id=`"),
        (GOOD.replace("as_token: an", "c2VjcmV0"), "a key is followed by ': '"),
        (GOOD.replace("as_token: an-as-token-0123456789", "c2VjcmV0cw=="), "line 3 holds a '='"),
        (GOOD.replace("sender_localpart: s", "sender_localpart: '@s:example.com'"), "between '@' and ':', `s`"),
        (GOOD.replace("'@s_.*'", "'@s_(?<n>.*)'"), "is written `(?P<n>…)`"),
        (format!("```yaml\n{GOOD}```\n"), "remove the lines that begin with ```"),
        (format!("registration:\n{indented}"), "stands below `registration:`"),
    ] {
        let messages = faults(&file);
        assert!(messages.len() == 1 && messages[0].contains(way_out), "{file}\n{messages:?}");
        for secret in ["0123456789", "c2VjcmV0"] {
            assert!(!messages[0].contains(secret), "{messages:?}");
        }
    }
}

#[test]
fn no_token_is_shown_wherever_it_stands() {
    let url = "http://127.0.0.1/";
    let file = GOOD.replace(url, &format!("{url}hook/an-as-token-0123456789/an-hs-token-0123456789"));
    let loaded = registration::load(&Arc::from("a.yaml"), file.as_bytes(), &TokenHasher::new()).expect("it loads");
    assert_eq!(loaded.url(), Some("http://127.0.0.1/hook/<redacted>/<redacted>"));
    let file = GOOD.replace("@s_.*", "@an-as-token-0123456789_(").replace("an-as", "an+\u{e9}as");
    let messages = faults(&file);
    assert!(messages.len() == 1 && messages[0].contains("@<redacted>_("), "{messages:?}");
    let file = format!("{GOOD}\nprotocols: [irc, an-as-token-0123456789]\n");
    let loaded = registration::load(&Arc::from("a.yaml"), file.as_bytes(), &TokenHasher::new()).expect("it loads");
    assert_eq!(*loaded.protocols(), ["irc".into(), "<redacted>".into()]);
    // What is asked about cannot be hidden: its author is told.
    for (file, place) in [
        (GOOD.replace("@s_", "@an-as-token-0123456789_"), "a regex"),
        (GOOD.replace("id: a", "id: x-an-hs-token-0123456789"), "id"),
        (GOOD.replace("localpart: s", "localpart: an-as-token-0123456789"), "sender_localpart"),
    ] {
        let loaded = registration::load(&Arc::from("a.yaml"), file.as_bytes(), &TokenHasher::new()).expect("it loads");
        let [warning] = loaded.warnings() else { panic!("{:?}", loaded.warnings()) };
        assert_eq!(warning.code, WarningCode::WeakToken);
        assert!(warning.message.contains(&format!("stands in {place} too")), "{}", warning.message);
        assert!(!warning.message.contains("0123456789"), "{}", warning.message);
    }
}
