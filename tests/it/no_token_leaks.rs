//! No token in anything that comes out: answers, logs at every level, metrics, errors, the state of a crash.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Seek, SeekFrom};

use serde_json::json;

use super::support::{Service, registration};

const CANARY: &str = "c4n4ry";

fn with_canaries(text: &str) -> String {
    text.replace("as-token-of-", &format!("{CANARY}-as-")).replace("hs-token-of-", &format!("{CANARY}-hs-"))
}

#[test]
fn no_token_ever_comes_out() {
    for format in ["human", "json"] {
        let home = tempfile::tempdir().expect("a temporary directory");
        let dir = home.path();
        let put = |name: &str, text: &str| fs::write(dir.join(name), text).expect("written");
        let good = with_canaries(&registration("irc", "irc_"));
        put("irc.yaml", &good);
        // The same id, the same token, a token that is a number, a list, a comment, a key, in a URL, in extra keys.
        put("same-id.yaml", &good.replace("prefix", "other"));
        put("same-token.yaml", &good.replace("id: irc\n", "id: other\n"));
        put("list.yaml", &good.replace(&format!("as_token: {CANARY}-as-irc"), &format!("as_token: [{CANARY}]")));
        put("unclosed.yaml", &good.replace("as_token: ", "as_token: \""));
        put("tab.yaml", &good.replace("as_token: ", "as_token:\t\t- "));
        put("key.yaml", &good.replace("url: null", &format!("url: null\n{CANARY}: {CANARY}\n? [{CANARY}]\n: 1")));
        put("anchor.yaml", &good.replace("as_token: ", &format!("as_token: *{CANARY} ")));
        put("tag.yaml", &good.replace("as_token: ", &format!("as_token: !{CANARY} ")));
        put(
            "url.yaml",
            &good
                .replace("id: irc", "id: url")
                .replace("url: null", &format!("url: http://u:{CANARY}@h/"))
                .replace("-as-irc", "-as-url"),
        );
        put(
            "extra.yaml",
            &format!(
                "{}secret_token: {CANARY}\n",
                good.replace("id: irc", "id: extra").replace("-as-irc", "-as-extra")
            ),
        );
        put("only.yaml", CANARY);
        put("scalar.yaml", &format!("as_token: {CANARY}\n{CANARY}"));
        let service = Service::start_with(
            &[dir],
            &["--server-name", "example.com", "--log-level", "trace", "--log-format", format],
        );
        put("irc.yaml", &good.replace("namespaces", "namespace"));
        service.wait("to see the broken file", |service| service.status("registrations")["stale"] == 1);
        let token = format!("{CANARY}-as-irc");
        let mut said = String::new();
        for (target, body) in [
            ("/v1/may-register", json!({"localpart": "irc_x", "as_token": token})),
            ("/v1/may-register", json!({"localpart": "irc_x", "as_token": format!("{CANARY}-unknown")})),
            ("/v1/may-register", json!({"localpart": "irc_x", "as_token": [token]})),
            ("/v1/may-register", json!({"localpart": 1, "as_token": token})),
            ("/v1/may-register", json!({"localpart": "irc_x", "as_token": token, "as_id": "irc"})),
            ("/v1/may-register", json!({"localpart": "irc_x", "token": token})),
            ("/v1/owners", json!({"ids": ["@irc_x:example.com"], "as_token": token})),
            ("/v1/owners", json!(token)),
        ] {
            let answer = service.post(target, &body);
            said += &answer.head;
            said += &answer.text();
        }
        said += &service.request("POST", "/v1/may-register", format!("{{\"as_token\": {token}").as_bytes()).text();
        said += &service.get(&format!("/v1/may-register?localpart=a&as_token={token}")).text();
        said += &service.get(&format!("/nowhere/{token}")).text();
        for target in [
            "/v1/registrations",
            "/v1/status",
            "/metrics",
            "/healthz",
            "/readyz",
            "/v1/owners?id=%40irc_x%3Aexample.com",
        ] {
            said += &service.get(target).text();
        }
        service.post("/-/reload", &json!({}));
        service.wait("to compare what is in force", |service| {
            service.get("/v1/conflicts").json()["snapshot"] == service.status("snapshot")
        });
        said += &service.log();
        assert!(said.contains("irc.yaml") && said.contains("quarantined"), "nothing was said at all");
        if let Some(at) = said.find(CANARY) {
            let around =
                said.get(at.saturating_sub(300)..(at + 100).min(said.len())).unwrap_or("(cut within a character)");
            panic!("a token came out, after: {around}");
        }
    }
}

/// What is left of tokens in the memory of a service that has read them: none as a rule, and never many.
#[test]
fn tokens_do_not_stay_in_memory() {
    const FILES: usize = 100;
    let home = tempfile::tempdir().expect("a temporary directory");
    let token = |kind: &str, at: usize| format!("{kind}-canary-{at:03}-{kind}-canary");
    for at in 0..FILES {
        let text = format!(
            "id: bridge{at}\nurl: null\nas_token: {}\nhs_token: {}\nsender_localpart: bot{at}\nnamespaces: {{}}\n",
            token("as", at),
            token("hs", at)
        );
        fs::write(home.path().join(format!("bridge{at}.yaml")), text).expect("written");
    }
    let bearers = tempfile::NamedTempFile::new().expect("a file");
    let lines: Vec<String> = (0..FILES).map(|at| format!("read {}", token("rd", at))).collect();
    fs::write(bearers.path(), lines.join("\n")).expect("written");
    let path = bearers.path().to_str().expect("UTF-8");
    let service = Service::start_with(&[home.path()], &["--server-name", "example.com", "--auth-token-file", path]);
    // What a parser or an allocator has moved about may be left here and there. Files that are as young as these are read
    // more than once, and as long as that goes on, their tokens are in memory.
    service.wait("to hold no tokens in memory", |service| {
        let left = canaries_in_memory(service.pid());
        let of = |kind: &str| left.iter().filter(|canary| canary.starts_with(kind.as_bytes())).count();
        ["as", "hs", "rd"].into_iter().all(|kind| of(kind) <= FILES / 20)
    });
}

/// All whole canaries in what a process may write to.
fn canaries_in_memory(pid: u32) -> HashSet<Vec<u8>> {
    let canary = regex::bytes::Regex::new(r"(as|hs|rd)-canary-\d{3}-(as|hs|rd)-canary").expect("a regex");
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("its map");
    let mut memory = fs::File::open(format!("/proc/{pid}/mem")).expect("its memory");
    let mut found = HashSet::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (range, _) = line.split_once(' ').expect("a range");
        let (begin, end) = range.split_once('-').expect("two ends");
        let [begin, end] = [begin, end].map(|end| u64::from_str_radix(end, 16).expect("an address"));
        let mut bytes = Vec::new();
        // Some of it cannot be read; nothing is there.
        if memory.seek(SeekFrom::Start(begin)).is_ok() && (&memory).take(end - begin).read_to_end(&mut bytes).is_ok() {
            found.extend(canary.find_iter(&bytes).map(|canary| canary.as_bytes().to_vec()));
        }
    }
    found
}
