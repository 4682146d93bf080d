//! What a web page can do to a service on the machine of whoever looks at it: nothing, unless it is told so.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::support::{BINARY, Service, examples, registration};

/// An answer over TCP, where browsers are.
struct Seen {
    status: u16,
    head: String,
    body: String,
}

impl Seen {
    fn errcode(&self) -> Value {
        serde_json::from_str::<Value>(&self.body).map_or(Value::Null, |body| body["errcode"].clone())
    }
}

/// Sends a request line with headers, each on a line, and a body.
fn ask(address: SocketAddr, line: &str, headers: &[&str], body: &str) -> Seen {
    let mut stream = TcpStream::connect(address).expect("connects");
    let headers = headers.iter().fold(String::new(), |all, header| all + header + "\r\n");
    let length = body.len();
    let request = format!("{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Seen { status, head: head.to_ascii_lowercase() + "\r\n", body: body.to_owned() }
}

fn serve(directory: &Path, arguments: &[&str]) -> (Service, SocketAddr) {
    let service = Service::start_with(&[directory], &[&["--server-name", "example.com"], arguments].concat());
    let address = service.addresses()[0];
    (service, address)
}

const ALLOW_EMPTY: &str = r#"{"allow_empty": true}"#;

/// The request that a page of any origin can make a browser send, in the forms that browsers of different ages give it.
#[test]
fn no_page_frees_the_names_of_a_directory_that_is_empty_just_then() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = home.path().join("irc.yaml");
    fs::write(&file, registration("irc", "irc_")).expect("written");
    let (service, address) = serve(home.path(), &[]);
    fs::remove_file(&file).expect("removed");
    let own = format!("Host: {address}");
    let reload = |headers: &[&str]| {
        let headers = [&[&*own], headers].concat();
        ask(address, "POST /-/reload", &headers, ALLOW_EMPTY)
    };
    let (json, text) = ("Content-Type: application/json", "Content-Type: text/plain;charset=UTF-8");
    for (headers, status) in [
        (&["Origin: http://evil.example", text][..], 403),
        (&["Origin: http://evil.example", json], 403),
        (&["Origin: null", json], 403),
        (&["Origin: http://127.0.0.1:1", json], 403),
        (&["Origin: http://evil.example", "Sec-Fetch-Site: cross-site"], 403),
        (&["Sec-Fetch-Site: same-site", json], 403),
        (&["Sec-Fetch-Site: cross-site"], 403),
        (&[text], 415),
        (&["Content-Type: application/x-www-form-urlencoded"], 415),
    ] {
        let seen = reload(headers);
        assert_eq!(seen.status, status, "{headers:?}: {}", seen.body);
        assert_ne!(seen.errcode(), Value::Null, "{headers:?}: {}", seen.body);
        assert_eq!(service.claimants("@irc_x:example.com"), ["irc"], "{headers:?}");
    }
    // A program may, and so may a page of the service's own.
    let page = format!("Origin: http://{address}");
    let seen = reload(&[json, &page, "Sec-Fetch-Site: same-origin"]);
    assert_eq!(seen.status, 200, "{}", seen.body);
    assert!(service.claimants("@irc_x:example.com").is_empty());
}

/// A page whose name points to this machine is of the same origin as the service, and could read all that it answers.
#[test]
fn no_page_reads_anything_by_a_name_of_its_own() {
    let (service, address) = serve(&examples(), &[]);
    for target in ["/v1/registrations", "/v1/owners?id=%40a", "/metrics", "/healthz", "/nowhere"] {
        let seen = ask(address, &format!("GET {target}"), &[&format!("Host: evil.example:{}", address.port())], "");
        assert_eq!((seen.status, seen.errcode()), (421, json!("M_FORBIDDEN")), "{target}");
        assert!(!seen.body.contains("irc") && !seen.body.contains("evil"), "{}", seen.body);
    }
    for host in [format!("localhost:{}", address.port()), address.to_string(), "LOCALHOST".to_owned()] {
        assert_eq!(ask(address, "GET /v1/status", &[&format!("Host: {host}")], "").status, 200, "{host}");
    }
    // Proxies pass any name on through the socket, where no browser is.
    let proxied = service.send(b"GET /v1/status HTTP/1.1\r\nHost: names.example.com\r\nConnection: close\r\n\r\n");
    assert_eq!(proxied.expect("an answer").status, 200);
    let (_service, address) = serve(&examples(), &["--allow-host", "bailiwick.internal"]);
    assert_eq!(ask(address, "GET /v1/status", &["Host: bailiwick.internal:8790"], "").status, 200);
    assert_eq!(ask(address, "GET /v1/status", &["Host: evil.example"], "").status, 421);
}

/// Health and metrics take no token, so that tokens are no reason to leave the door open; nor is another address that the
/// world may reach.
#[test]
fn tokens_are_no_reason_to_answer_to_any_name_on_loopback() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let tokens = home.path().join("tokens");
    fs::write(&tokens, "read read-token-0123456789\n").expect("written");
    let tokens = tokens.to_str().expect("UTF-8");
    let arguments = ["--auth-token-file", tokens, "--admin-listen", "127.0.0.1:0", "--listen", "0.0.0.0:0"];
    let service = Service::spawn(&[&examples()], &[&["--server-name", "example.com"], &arguments[..]].concat());
    service.wait("to be ready", |service| {
        ["generation=1", "bailiwick serves"].iter().all(|said| service.log().contains(said))
    });
    let (token, evil) = ("Authorization: Bearer read-token-0123456789", "Host: evil.example");
    let [loopback, everywhere, admin] = service.addresses()[..] else { panic!("{}", service.log()) };
    let status = |address: SocketAddr, target: &str, host: &str| {
        let address = SocketAddr::from(([127, 0, 0, 1], address.port()));
        ask(address, &format!("GET {target}"), &[host, token], "").status
    };
    for target in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(status(admin, target, evil), 421, "{target}");
        assert_eq!(status(admin, target, "Host: localhost"), 200, "{target}");
    }
    assert_eq!(status(loopback, "/v1/status", evil), 421);
    assert_eq!(status(loopback, "/v1/status", "Host: 127.0.0.1"), 200);
    assert_eq!(status(everywhere, "/v1/status", evil), 200);
}

#[test]
fn pages_may_ask_from_the_origins_that_are_named() {
    let listed = "https://register.example.com";
    let preflight = |address: SocketAddr, origin: &str| {
        let origin = format!("Origin: {origin}");
        let headers = ["Host: localhost", &origin, "Access-Control-Request-Method: POST"];
        ask(address, "OPTIONS /v1/may-register", &headers, "")
    };
    let question = |address: SocketAddr, origin: &str| {
        let origin = format!("Origin: {origin}");
        let headers = ["Host: localhost", &origin, "Sec-Fetch-Site: cross-site"];
        ask(address, "POST /v1/may-register", &headers, r#"{"localpart": "alice"}"#)
    };
    let allowed = format!("access-control-allow-origin: {listed}\r\n");

    let (_none, address) = serve(&examples(), &[]);
    let refused = preflight(address, listed);
    assert_eq!((refused.status, refused.errcode()), (403, json!("M_FORBIDDEN")));
    assert!(!refused.head.contains("access-control-allow-origin"), "{}", refused.head);

    let (_some, address) = serve(&examples(), &["--cors-origin", listed]);
    let told = preflight(address, listed);
    assert_eq!(told.status, 200);
    for header in [&*allowed, "access-control-allow-methods: get, head, post\r\n", "vary: origin\r\n"] {
        assert!(told.head.contains(header), "{header} is not in {}", told.head);
    }
    let answered = question(address, listed);
    assert!(answered.status == 200 && answered.head.contains(&allowed), "{}", answered.head);
    for stranger in ["https://evil.example", "https://register.example.com.evil.example", "null"] {
        for seen in [preflight(address, stranger), question(address, stranger)] {
            assert_eq!((seen.status, seen.errcode()), (403, json!("M_FORBIDDEN")), "{stranger}");
            assert!(!seen.head.contains("access-control-allow-origin"), "{}", seen.head);
        }
    }
}

#[test]
fn an_origin_that_would_match_nothing_is_refused_at_the_start() {
    for (origin, way_out) in [
        ("*", "name the origins"),
        ("https://a.example/", "https://a.example"),
        ("register.example.com", "https://register.example.com"),
        ("https://Register.example.com:443", "https://register.example.com"),
    ] {
        let output = Command::new(BINARY)
            .args(["serve", "nowhere", "--server-name", "example.com", "--cors-origin", origin])
            .env_clear()
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{origin}: {said}");
        assert!(said.contains(way_out), "{origin}: {said}");
    }
}

#[test]
fn head_is_answered_wherever_get_is() {
    let (service, _) = serve(&examples(), &[]);
    service.wait("to compare", |service| service.get("/v1/conflicts").status == 200);
    let length = |head: &str| {
        let head = head.to_ascii_lowercase();
        head.lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned))
    };
    for (_, path) in bailiwick::http::operations().filter(|(method, _)| method.as_str() == "GET") {
        let (get, head) = (service.get(path), service.request("HEAD", path, b""));
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}: {}", head.text());
        if path != "/metrics" && path != "/v1/status" {
            assert_eq!(length(&head.head), length(&get.head), "{path}");
        }
    }
    assert_eq!(service.request("HEAD", "/v1/check", b"").status, 405);
}

#[test]
fn who_comes_too_early_is_told_when_to_come_back() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let nowhere = home.path().join("nowhere");
    let service = Service::spawn(&[&nowhere], &["--server-name", "example.com"]);
    for target in ["/readyz", "/v1/owners?id=%40a", "/v1/registrations", "/v1/conflicts"] {
        let answer = service.get(target);
        assert_eq!(answer.status, 503, "{target}");
        assert!(answer.head.to_ascii_lowercase().contains("\r\nretry-after: 1"), "{target}: {}", answer.head);
    }
    let said = service.get("/v1/conflicts").json()["error"].to_string();
    assert!(said.contains("comparison"), "{said}");
}
