//! Who may ask, from where, and how.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use serde_json::json;

use super::support::{Answer, BINARY, Service, examples};

const READ: &str = "read-token-0123456789";
const ADMIN: &str = "admin-token-0123456789";

fn with_token(service: &Service, method: &str, target: &str, token: &str) -> Answer {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
    );
    service.send(request.as_bytes()).expect("an answer")
}

#[test]
fn tokens_guard_questions_and_operations() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = home.path().join("tokens");
    fs::write(&file, format!("# for the front end\nread {READ}\n\nadmin {ADMIN}\n")).expect("written");
    let path = file.to_str().expect("UTF-8");
    let service = Service::start_with(&[&examples()], &["--server-name", "example.com", "--auth-token-file", path]);
    let none = service.get("/v1/owners?id=%40a");
    assert_eq!((none.status, none.json()["errcode"].clone()), (401, json!("M_MISSING_TOKEN")));
    let status = |method: &str, target: &str, token: &str| with_token(&service, method, target, token).status;
    assert_eq!(status("GET", "/v1/owners?id=%40a", "something else"), 401);
    assert_eq!(status("GET", "/v1/owners?id=%40a", READ), 200);
    assert_eq!(status("GET", "/v1/owners?id=%40a", ADMIN), 200);
    assert_eq!(status("POST", "/-/reload", READ), 403);
    assert_eq!(status("POST", "/-/reload", ADMIN), 200);
    for open in ["/metrics", "/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(service.get(open).status, 200, "{open}");
    }
    assert_eq!(service.metric("bailiwick_tokens_good").as_deref(), Some("1"));
    // A line that is not understood admits nobody, and keeps no token in use that is no longer listed.
    fs::write(&file, format!("read {READ}\nadmni {ADMIN}\n")).expect("written");
    service.wait("to revoke a token", |service| with_token(service, "POST", "/-/reload", ADMIN).status == 401);
    assert_eq!(status("GET", "/v1/owners?id=%40a", READ), 200);
    assert_eq!(service.metric("bailiwick_tokens_good").as_deref(), Some("0"));
    service.says("tokens:2: expected");
    // Nor does an empty file let anybody in.
    fs::write(&file, "").expect("written");
    service.wait("to revoke all", |service| with_token(service, "GET", "/v1/owners?id=%40a", READ).status == 401);
    assert_eq!(service.get("/v1/owners?id=%40a").status, 401);
    fs::write(&file, "read another-token-0123456789\n").expect("written");
    service.wait("to read the tokens", |service| {
        with_token(service, "GET", "/v1/status", "another-token-0123456789").status == 200
    });
    assert_eq!(status("GET", "/v1/owners?id=%40a", READ), 401);
    assert_eq!(service.metric("bailiwick_tokens_good").as_deref(), Some("1"));
    for token in [READ, ADMIN, "another-token"] {
        assert!(!service.log().contains(token), "{}", service.log());
    }
}

/// A registration form, or the proxy before it, learns what it may show to a stranger and nothing else.
#[test]
fn who_may_only_register_is_told_in_public_words() {
    const REGISTER: &str = "register-token-0123456789";
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = home.path().join("tokens");
    fs::write(&file, format!("register {REGISTER}\nread {READ}\n")).expect("written");
    let path = file.to_str().expect("UTF-8");
    let service = Service::start_with(&[&examples()], &["--server-name", "example.com", "--auth-token-file", path]);
    let ask = |target: &str, token: &str, body: &serde_json::Value| {
        let (body, head) = (body.to_string(), "Host: localhost\r\nConnection: close");
        let request = format!(
            "POST {target} HTTP/1.1\r\n{head}\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        service.send(request.as_bytes()).expect("an answer")
    };
    let questions = [
        ("/v1/may-register", json!({"localpart": "telegram_4711"}), "this name is reserved"),
        (
            "/v1/may-register",
            json!({"localpart": "telegram_4711", "as_id": "nobody"}),
            "the service that asks is not known",
        ),
        (
            "/v1/may-register",
            json!({"localpart": "irc_x", "as_id": "telegram"}),
            "the service that asks has not reserved this name",
        ),
        ("/v1/may-register", json!({"user_id": "@a:other.example"}), "this name belongs to another server"),
        ("/v1/may-create-alias", json!({"alias": "#irc_rust:example.com"}), "this address is reserved"),
    ];
    for (target, question, message) in questions {
        let (public, full) = (ask(target, REGISTER, &question), ask(target, READ, &question).json());
        let told = public.json();
        assert_eq!((public.status, &told["message"]), (200, &json!(message)), "{question}: {told}");
        // No more than a caller who may read is told, and none of what names a service, a file or a regex.
        let keys: Vec<_> = told.as_object().expect("an object").keys().map(String::as_str).collect();
        assert!(!keys.contains(&"error") && !keys.contains(&"claims"), "{told}");
        assert!(keys.iter().all(|key| told[*key] == full[*key]), "{told} beside {full}");
        assert!(full["error"].is_string() && full["claims"].is_array(), "{full}");
        assert!(!public.text().contains(".yaml") && !public.text().contains("regex"), "{told}");
    }
    let allowed = ask("/v1/may-register", REGISTER, &json!({"localpart": "alice"})).json();
    assert_eq!((&allowed["allowed"], &allowed["message"]), (&json!(true), &json!(null)));
    for beyond in ["/v1/owners?id=%40a", "/v1/registrations", "/v1/conflicts", "/v1/status"] {
        let answer = with_token(&service, "GET", beyond, REGISTER);
        assert_eq!((answer.status, answer.json()["errcode"].clone()), (403, json!("M_FORBIDDEN")), "{beyond}");
    }
    assert_eq!(with_token(&service, "POST", "/v1/check", REGISTER).status, 403);
    assert_eq!(with_token(&service, "POST", "/-/reload", REGISTER).status, 403);
    assert_eq!(with_token(&service, "GET", "/v1/may-register?localpart=alice", REGISTER).status, 200);
}

#[test]
fn nobody_listens_to_the_network_by_accident() {
    let run = |arguments: &[&str]| {
        let output = Command::new(BINARY)
            .arg("serve")
            .arg(examples())
            .args(["--server-name", "example.com", "--listen", "0.0.0.0:0"])
            .args(arguments)
            .env_clear()
            .output()
            .expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&[]);
    assert_eq!(code, Some(64));
    assert!(said.contains("--auth-token-file") && said.contains("--allow-unauthenticated"), "{said}");
    // Told so, it goes on to what is wrong next.
    let (code, said) = run(&["--allow-unauthenticated", "--tls-cert", "/nowhere", "--tls-key", "/nowhere"]);
    assert_eq!(code, Some(64));
    assert!(said.contains("/nowhere"), "{said}");
}

fn over_tcp(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.write_all(format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn operators_have_an_address_of_their_own() {
    let service = Service::spawn(&[&examples()], &["--server-name", "example.com", "--admin-listen", "127.0.0.1:0"]);
    service.wait("to serve", |service| service.log().contains("bailiwick serves"));
    let admin = *service.addresses().last().expect("an address");
    service.wait("to be ready", |_| over_tcp(admin, "GET /readyz HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert!(over_tcp(admin, "GET /metrics HTTP/1.1").contains("bailiwick_build_info"));
    // What is loaded is shown at both.
    for shown in ["/v1/status", "/v1/registrations", "/v1/conflicts", "/openapi.json"] {
        service.wait("to compare", |service| service.get(shown).status == 200);
        let answer = over_tcp(admin, &format!("GET {shown} HTTP/1.1"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{shown}: {answer}");
    }
    // Questions are, too: the page asks them.
    assert!(over_tcp(admin, "GET /v1/owners?id=%40a HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert_eq!(service.get("/v1/owners?id=%40a").status, 200);
    let page = "GET / HTTP/1.1\r\nAccept: text/html";
    assert!(over_tcp(admin, page).starts_with("HTTP/1.1 200"));
    assert!(over_tcp(service.addresses()[0], page).starts_with("HTTP/1.1 404"));
    assert_eq!(service.get("/metrics").status, 404);
    assert_eq!(service.get("/healthz").status, 404);
}

#[test]
fn a_slow_client_is_not_waited_for() {
    let arguments = ["--server-name", "example.com", "--request-timeout", "1", "--header-timeout", "1"];
    let service = Service::start_with(&[&examples()], &arguments);
    let body = service
        .send(b"POST /v1/owners HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 50\r\n\r\n{");
    let body = body.expect("an answer");
    assert_eq!((body.status, body.json()["errcode"].clone()), (408, json!("M_UNKNOWN")));
    let head = service.send(b"GET /v1/owners?id=");
    assert!(head.is_none_or(|head| head.status == 408));
}

/// A directory with a certificate for `localhost` and its key, and how to write new ones.
struct Certified {
    home: tempfile::TempDir,
}

impl Certified {
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a temporary directory") }
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn write(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).expect("written");
        fs::write(self.path("cert.pem"), made.cert.pem()).expect("written");
        made.cert.der().clone()
    }

    fn serve(&self) -> Service {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        Service::start_with(&[&examples()], &["--server-name", "example.com", "--tls-cert", &cert, "--tls-key", &key])
    }
}

#[test]
fn certificates_are_shown_and_read_again() {
    let certified = Certified::new();
    let first = certified.write();
    let service = certified.serve();
    let address = service.addresses()[0];
    assert!(over_tls(address, &first).is_some_and(|answer| answer.contains("\"status\":\"ok\"")));
    let second = certified.write();
    assert!(over_tls(address, &second).is_none() || first == second);
    service.wait("to read the certificate", |_| over_tls(address, &second).is_some());
}

/// None of the limits for slow clients would hold for it.
#[test]
fn http_2_is_not_spoken() {
    let certified = Certified::new();
    let certificate = certified.write();
    let service = certified.serve();
    let agreed = |protocols: &[&[u8]]| {
        let mut session = tls_session(&certificate, protocols);
        let mut stream = TcpStream::connect(service.addresses()[0]).expect("connects");
        while session.is_handshaking() {
            session.complete_io(&mut stream).ok()?;
        }
        session.alpn_protocol().map(<[u8]>::to_vec)
    };
    assert_eq!(agreed(&[b"h2", b"http/1.1"]).as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(agreed(&[b"h2"]), None);
}

/// Those that connect and say nothing do not keep who greets waiting until their time is up: so it was from 256 of them a
/// thread on. What tells is that they are all still there when the greeting has been answered.
#[test]
fn who_never_greets_keeps_nobody_waiting() {
    const SILENT: usize = 600;
    const BOUND_OF_THE_SERVER: usize = 2 * 256;
    let certified = Certified::new();
    let certificate = certified.write();
    let service = certified.serve();
    let address = service.addresses()[0];
    let still_there = || {
        let silent: Vec<_> = (0..SILENT).map(|_| TcpStream::connect(address).expect("connects")).collect();
        assert!(over_tls(address, &certificate).is_some_and(|answer| answer.contains("\"status\":\"ok\"")));
        let is_open = |mut stream: &TcpStream| {
            stream.set_nonblocking(true).expect("a socket");
            stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        silent.iter().filter(|stream| is_open(stream)).count()
    };
    // On a machine so slow that connecting takes longer than they may be silent, another attempt may be needed.
    assert!((0..5).any(|_| still_there() > BOUND_OF_THE_SERVER));
}

/// The answer of `/healthz` over TLS, if the server shows this certificate.
fn over_tls(address: SocketAddr, certificate: &CertificateDer<'static>) -> Option<String> {
    let mut session = tls_session(certificate, &[]);
    let mut stream = TcpStream::connect(address).expect("connects");
    let mut tls = rustls::Stream::new(&mut session, &mut stream);
    tls.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    let _ = tls.read_to_end(&mut answer);
    Some(String::from_utf8_lossy(&answer).into_owned())
}

fn tls_session(certificate: &CertificateDer<'static>, protocols: &[&[u8]]) -> rustls::ClientConnection {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = "localhost".try_into().expect("a name");
    rustls::ClientConnection::new(Arc::new(config), name).expect("a session")
}
