//! The service with no more memory than our own manifests give it (512 MiB), under all that is dear at once.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::hostile_files::files;
use super::support::{Service, registration};

/// What deploy/kubernetes and deploy/systemd give it, in KiB as `ulimit -d` takes it. It counts more than what is resident:
/// stacks, and what the allocator has asked for and not used.
const LIMIT: usize = 512 << 10;
/// The most that an answer to a check may be, findings and all.
const MAX_ANSWER: usize = 1 << 20;

/// The same where ten answers stand in one, of which each lists its share of findings and as many faults as it has.
const MAX_ANSWER_OF_ALL: usize = 3 << 20;

/// The dearest registrations that `examples/load_run` has found, and what it found before there were limits.
fn worst() -> Vec<(String, Vec<u8>)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/check_worst");
    let files = fs::read_dir(data).expect("the worst").map(|entry| entry.expect("an entry").path());
    let mut bodies: Vec<_> = files
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(path).expect("a file"))
        })
        .collect();
    bodies.sort();
    bodies.push(("a long id in thousands of findings".to_owned(), with_a_long_id()));
    bodies.push(("one entry eighty thousand times".to_owned(), with_one_entry_again_and_again()));
    bodies
}

/// All findings of all entries were made before they were counted: 120 MB for each check.
fn with_one_entry_again_and_again() -> Vec<u8> {
    let head = "id: one\nurl: null\nas_token: as-of-one\nhs_token: hs-of-one\nsender_localpart: one\nnamespaces:\n";
    let entry = "  aliases: [&a {exclusive: true, regex: '@(?:ab|cd)'}]\n";
    format!("{head}{entry}  users: [{}]\n", "*a,".repeat(80_000)).into_bytes()
}

/// Each finding said the whole id: 733 MB.
fn with_a_long_id() -> Vec<u8> {
    let entry = |at: usize| format!("  - {{exclusive: true, regex: '@bridge{}_{at}'}}\n", at % BRIDGES);
    let id = "i".repeat(150_000);
    let head = format!(
        "id: {id}\nurl: null\nas_token: as-of-one\nhs_token: hs-of-one\nsender_localpart: one\nnamespaces:\n  users:\n"
    );
    (0..1_800).fold(head, |text, at| text + &entry(at)).into_bytes()
}

/// How many services there are.
const BRIDGES: usize = 40;

/// Connections that are kept until the test is over.
fn send_and_keep(address: SocketAddr, request: &[u8], count: usize) -> Vec<TcpStream> {
    let send = |_| {
        let mut stream = TcpStream::connect(address).expect("connects");
        stream.set_write_timeout(Some(Duration::from_millis(200))).expect("a time-out");
        // It may have had enough before it has taken everything.
        let _ = stream.write_all(request);
        stream
    };
    (0..count).map(send).collect()
}

fn post(target: &str, body: &[u8], announced: usize) -> Vec<u8> {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {announced}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Sends a request and reads the answer, however slowly it comes.
fn ask(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.write_all(request).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    answer
}

#[test]
fn it_survives_all_that_is_dear_at_once() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for at in 0..BRIDGES {
        // All see everybody, so that an ID has kilobytes of answer.
        let text =
            registration(&format!("bridge{at}"), &format!("bridge{at}_")) + "    - {regex: '@.*', exclusive: false}\n";
        fs::write(home.path().join(format!("{at}.yaml")), text).expect("written");
    }
    let service = Service::start_under(&format!("-d {LIMIT}"), &[home.path()], &["--server-name", "example.com"]);
    let address = service.addresses()[0];
    let ids: Vec<String> = (0..10_000).map(|at| format!("@user{at}:example.com")).collect();
    let batch = json!({"ids": ids}).to_string().into_bytes();
    let batch = post("/v1/owners", &batch, batch.len());
    let bodies = worst();
    assert!(bodies.len() > 5, "{}", bodies.len());

    // Three quarters of what bodies may take together, half of it from each of two clients.
    let endless = post("/v1/owners", &vec![b' '; 3 << 20], 4 << 20);
    let _never_end = send_and_keep(address, &endless, 6);
    let _nor_here: Vec<_> = (0..6)
        .map(|_| {
            let mut stream = UnixStream::connect(service.socket()).expect("connects");
            stream.set_write_timeout(Some(Duration::from_millis(200))).expect("a time-out");
            let _ = stream.write_all(&endless);
            stream
        })
        .collect();
    let _unread = send_and_keep(address, &batch, 25);
    // Heads that never end: the server keeps what has come of them, and asks nobody for a token before.
    let field = format!("X-Field: {}\r\n", "a".repeat(1_400));
    let head = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{}", field.repeat(90));
    let _endless = send_and_keep(address, head.as_bytes(), 5_000);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            // Taken or refused for want of memory, but answered.
            scope.spawn(|| assert!(ask(address, &batch).starts_with(b"HTTP/1.1 ")));
        }
        let mut checks = Vec::new();
        for (name, body) in &bodies {
            let request = post("/v1/check", body, body.len());
            checks.push(scope.spawn(move || (name, ask(address, &request))));
        }
        for check in checks {
            let (name, answer) = check.join().expect("answered");
            let answer = String::from_utf8(answer).expect("UTF-8");
            // Where so many wait, the last may come too late.
            assert!(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 408"), "{name}: {answer:.200}");
            assert!(answer.len() < MAX_ANSWER, "{name}: {} bytes", answer.len());
        }
    });

    let owner = service.get("/v1/owners?id=%40bridge7_x%3Aexample.com").json();
    assert_eq!(owner["owner"], json!("bridge7"));
    assert_eq!(service.get("/healthz").status, 200);
}

/// What is dear on some homeserver, asked of all of them: eight loads and eight comparisons, one such question at a time.
#[test]
fn it_survives_a_flood_of_checks_for_all_homeservers() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for at in 0..BRIDGES {
        fs::write(
            home.path().join(format!("{at}.yaml")),
            registration(&format!("bridge{at}"), &format!("bridge{at}_")),
        )
        .expect("written");
    }
    let service = Service::start_under(&format!("-d {LIMIT}"), &[home.path()], &["--server-name", "example.com"]);
    let address = service.addresses()[0];
    let mut bodies: Vec<(String, Vec<u8>)> = worst();
    bodies.retain(|(name, _)| ["aliases.yaml", "references.yaml", "subset.yaml"].contains(&&**name));
    let hostile = ["a regex again and again", "a long one", "a long key", "negated", "all but some"];
    let files = files().into_iter().filter(|(name, _)| hostile.contains(name));
    bodies.extend(files.map(|(name, text)| (name.to_owned(), text.into_bytes())));
    assert_eq!(bodies.len(), 8);
    for four in bodies.chunks(4) {
        std::thread::scope(|scope| {
            for (name, body) in four {
                scope.spawn(move || {
                    let answer = ask(address, &post("/v1/check?homeserver=all", body, body.len()));
                    let answer = String::from_utf8(answer).expect("UTF-8");
                    // What could not be read, or compared, in time is said.
                    let in_time = answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 408");
                    assert!(in_time, "{name}: {answer:.200}");
                    assert!(answer.len() < MAX_ANSWER_OF_ALL, "{name}: {} bytes", answer.len());
                    println!("{name}: {} bytes, {}", answer.len(), &answer[..12]);
                });
            }
        });
        let owner = service.get("/v1/owners?id=%40bridge7_x%3Aexample.com").json();
        assert_eq!(owner["owner"], json!("bridge7"));
    }
    let status = fs::read_to_string(format!("/proc/{}/status", service.pid())).expect("it runs");
    let most = status.lines().find(|line| line.starts_with("VmHWM")).expect("what it had resident");
    println!("{most}");
}

/// As many connections as there may be, each with as much as it can send and no answer read. A connection could take some
/// 250 KiB with a head that does not end, and 20 MB with requests that were sent before the first was answered.
#[test]
fn it_survives_whatever_all_connections_send() {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("one.yaml"), registration("one", "one_")).expect("written");
    let service = Service::start_under(&format!("-d {LIMIT}"), &[home.path()], &["--server-name", "example.com"]);
    let address = service.addresses()[0];
    let ahead = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(4_000);
    let head = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Field: {}", "a".repeat(30_000));
    for flood in [ahead("/healthz"), ahead("/openapi.json"), head] {
        let streams: Vec<TcpStream> = (0..1_900)
            .map(|_| {
                let mut stream = TcpStream::connect(address).expect("connects");
                stream.set_nonblocking(true).expect("a socket");
                // As much as is taken at once.
                let _ = stream.write(flood.as_bytes());
                stream
            })
            .collect();
        assert_eq!(service.get("/healthz").status, 200);
        for mut stream in &streams {
            let _ = stream.write(flood.as_bytes());
        }
        let owner = service.get("/v1/owners?id=%40one_x%3Aexample.com").json();
        assert_eq!(owner["owner"], json!("one"));
    }
}

/// What cannot be told within the limits is said, and no silence is taken for an answer.
#[test]
fn the_dearest_checks_say_what_was_not_compared() {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("a.yaml"), registration("bridge0", "bridge0_")).expect("written");
    let service = Service::start(&[home.path()]);
    let (_, body) = worst().into_iter().find(|(name, _)| name == "subset.yaml").expect("it is there");
    let answer = service.request("POST", "/v1/check", &body).json();
    assert_eq!(answer["accepted"], json!(true));
    let findings = answer["findings"].as_array().expect("findings");
    assert!(findings.iter().any(|finding| finding["code"] == json!("not-compared")), "{answer}");
}
