//! No token in anything that comes out: answers, logs at every level, metrics, errors, the state of a crash.

use std::fs;

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
