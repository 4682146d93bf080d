//! Clients that are slow, and a service that is told to stop.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::support::{Service, examples};

fn serve(arguments: &[&str]) -> (Service, SocketAddr) {
    let arguments = [&["--server-name", "example.com"], arguments].concat();
    let service = Service::start_with(&[&examples()], &arguments);
    let address = service.addresses()[0];
    (service, address)
}

/// A connection on which nothing is waited for longer than a test may take.
fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    stream
}

fn batch(ids: usize) -> Vec<u8> {
    let body = serde_json::json!({"ids": vec!["@irc_x:example.com"; ids]}).to_string();
    format!("POST /v1/owners HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn open_files(service: &Service) -> usize {
    fs::read_dir(format!("/proc/{}/fd", service.pid())).expect("it runs").count()
}

/// One who never sends a head, one who sends half of the first, and one who sends half of the second.
#[test]
fn who_does_not_ask_is_not_waited_for() {
    let (_service, address) = serve(&["--header-timeout", "2", "--keep-alive", "1", "--request-timeout", "1"]);
    let ended = |mut stream: TcpStream| {
        let mut rest = Vec::new();
        let read = stream.read_to_end(&mut rest);
        assert!(read.is_ok() || read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    };
    let (silent, mut first, mut second) = (connect(address), connect(address), connect(address));
    first.write_all(b"GET /heal").expect("sent");
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut answer = [0; 15];
    second.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    second.write_all(b"GET /heal").expect("sent");
    ended(silent);
    ended(first);
    ended(second);
}

/// Clients that hold all connections there are, and ask no more, keep nobody out: neither from TCP nor from the Unix
/// socket, where a probe would have the service killed.
#[test]
fn who_holds_all_connections_keeps_nobody_out() {
    let (service, address) = serve(&["--max-connections", "20", "--keep-alive", "3600"]);
    let held: Vec<TcpStream> = (0..60)
        .map(|_| {
            let mut stream = connect(address);
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
            stream
        })
        .collect();
    assert_eq!(service.get("/healthz").status, 200);
    let mut probe = connect(address);
    probe.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    probe.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    drop(held);
}

#[test]
fn who_does_not_read_is_cut_off() {
    let (service, address) = serve(&["--send-timeout", "1"]);
    let before = open_files(&service);
    let mut stream = connect(address);
    stream.set_write_timeout(Some(Duration::from_millis(100))).expect("a time-out");
    let request = batch(9_000);
    let (mut sent, mut full) = (0, 0);
    // Until both sides' buffers are full, and on, until the service has had enough.
    while full < 300 {
        match stream.write(&request[sent..]) {
            Ok(count) => sent = (sent + count) % request.len(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => full += 1,
            Err(_) => break,
        }
    }
    assert!(full > 0, "it took everything");
    service.wait("to cut the connection", |service| open_files(service) <= before);
}

/// Sends the head of a request, and comes back when the service has read it and waits for the body.
fn begin(address: SocketAddr, body: usize) -> TcpStream {
    let mut stream = connect(address);
    let head = format!(
        "POST /v1/owners HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {body}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[test]
fn what_is_in_flight_is_finished() {
    let (service, address) = serve(&[]);
    let body = r#"{"ids": ["@irc_x:example.com"]}"#;
    let mut stream = begin(address, body.len());
    service.signal("-TERM");
    service.wait("to take no more connections", |_| TcpStream::connect(address).is_err());
    stream.write_all(body.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("appservice-irc"), "{answer}");
    service.wait("to stop", |service| service.log().contains("bailiwick has stopped"));
}

#[test]
fn a_second_signal_stops_at_once() {
    let (service, address) = serve(&["--shutdown-timeout", "3600"]);
    let mut stream = begin(address, 100);
    service.signal("-TERM");
    service.wait("to stop when it can", |service| service.log().contains("stopping when"));
    service.signal("-INT");
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    let _ = stream.shutdown(Shutdown::Both);
    assert!(rest.is_empty() && began.elapsed() < Duration::from_secs(20), "{rest:?}");
    service.wait("to remove the socket", |service| !service.socket().exists());
}

/// Bytes of memory in use, as Linux reckons them.
fn resident(service: &Service) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", service.pid())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a figure");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}

/// Forty services claim everybody, so that each ID has six kilobytes of answer: made at once, these are 300 MB.
#[test]
fn answers_that_nobody_reads_take_no_memory() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for at in 0..40 {
        let text =
            super::support::registration(&format!("s{at}"), &format!("s{at}_")).replace(&format!("s{at}_.*"), ".*");
        fs::write(home.path().join(format!("s{at}.yaml")), text.replace("true", "false")).expect("written");
    }
    let service = Service::start_with(&[home.path()], &["--server-name", "example.com"]);
    assert_eq!(service.claimants("@a:example.com").len(), 40);
    let before = resident(&service);
    // The system's own buffers are smaller than those of TCP.
    let asking: Vec<UnixStream> = (0..25)
        .map(|_| {
            let mut stream = UnixStream::connect(service.socket()).expect("connects");
            stream.write_all(&batch(2_000)).expect("sent");
            stream
        })
        .collect();
    // One who reads gets all of it, whatever the others do.
    let body = serde_json::json!({"ids": vec!["@irc_x:example.com"; 2_000]});
    let answer = service.post("/v1/owners", &body);
    assert_eq!(answer.json()["results"].as_array().map(Vec::len), Some(2_000));
    assert!(answer.body.len() > 8 << 20, "{}", answer.body.len());
    let grown = resident(&service).saturating_sub(before);
    assert!(grown < 64 << 20, "grew by {grown} bytes");
    drop(asking);
}

/// Sends the head of a request whose body is large, and says what comes of it: it is told to go on before it is looked at,
/// if it asks for that.
fn announce(mut stream: impl Read + Write, head: &str) -> String {
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = [0; b"HTTP/1.1 100".len()];
    stream.read_exact(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Bodies that are on their way may take so much together, and those of one client half of it; a question is asked all the
/// same.
#[test]
fn bodies_together_take_what_they_may() {
    let (service, address) = serve(&["--max-in-flight", "10000000"]);
    let head = "POST /v1/owners HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n";
    let asking = head.replace("Content-Length", "Expect: 100-continue\r\nContent-Length");
    let one = connect(address);
    assert_eq!(announce(&one, &asking), "HTTP/1.1 100");
    assert_eq!(announce(connect(address), head), "HTTP/1.1 503", "it would be more than half");
    let other = UnixStream::connect(service.socket()).expect("connects");
    assert_eq!(announce(&other, &asking), "HTTP/1.1 100");
    let beginning = (one, other);
    let refused = service.send(head.as_bytes()).expect("an answer");
    assert_eq!(refused.status, 503, "{}", refused.head);
    assert!(refused.head.to_ascii_lowercase().contains("retry-after: 1"), "{}", refused.head);
    // A body that goes on to the end of the connection, whatever length is said; it was counted as none at all.
    for length in ["", "Content-Length: 2\r\n"] {
        let endless = "POST /v1/owners HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n";
        let refused = service.send(format!("{endless}{length}\r\n").as_bytes()).expect("an answer");
        assert_eq!(refused.status, 503, "{}", refused.head);
    }
    // Nobody reads what comes with a GET.
    let read = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n";
    assert_eq!(service.send(read.as_bytes()).expect("an answer").status, 200);
    assert_eq!(service.post("/v1/may-register", &serde_json::json!({"localpart": "alice"})).status, 200);
    drop(beginning);
    service.wait("to have memory again", |service| {
        let ids = vec!["@irc_x:example.com"; 9_000];
        service.post("/v1/owners", &serde_json::json!({"ids": ids})).status == 200
    });
}

/// What anybody may read takes nothing from those who must say who they are. 1,900 clients who did not read it kept batches
/// and metrics from everybody, for as long as they liked.
#[test]
fn what_anybody_may_read_takes_no_memory_from_others() {
    let (service, _) = serve(&["--max-in-flight", "200000"]);
    let document = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(10);
    let unread: Vec<UnixStream> = (0..4)
        .map(|_| {
            let mut stream = UnixStream::connect(service.socket()).expect("connects");
            stream.write_all(document.as_bytes()).expect("sent");
            stream
        })
        .collect();
    service.wait("to have no memory for another", |service| service.get("/openapi.json").status == 503);
    assert_eq!(service.post("/v1/owners", &serde_json::json!({"ids": vec!["@irc_x:example.com"; 100]})).status, 200);
    drop(unread);
}

/// Java's client asks for HTTP/2 with whatever it sends over plain TCP: it is answered in HTTP/1.1, by the length it says.
#[test]
fn who_wishes_for_another_protocol_is_answered_in_this_one() {
    let (service, address) = serve(&["--max-in-flight", "10000"]);
    let wish = "Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n";
    let body = r#"{"ids": ["@irc_x:example.com"]}"#;
    let get = format!("GET /v1/owners?id=%40irc_x%3Aexample.com HTTP/1.1\r\n{wish}\r\n");
    let post = format!("POST /v1/owners HTTP/1.1\r\n{wish}Content-Length: {}\r\n\r\n{body}", body.len());
    // As many as would be refused if each were counted as a body without an end.
    for request in [&get, &get, &get, &post, &post, &post] {
        let mut stream = connect(address);
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = [0; b"HTTP/1.1 200 OK".len()];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }
    assert_eq!(service.get("/healthz").status, 200);
}

/// A client that closes the side that it sends on cannot be told from one that has gone: it is told so, and soon.
#[test]
fn who_closes_its_side_is_told_so() {
    let (service, address) = serve(&[]);
    let snapshot = service.get("/v1/changes").json()["snapshot"].as_str().expect("a digest").to_owned();
    let mut stream = connect(address);
    let wait = format!("GET /v1/changes?since={snapshot}&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(wait.as_bytes()).expect("sent");
    stream.shutdown(Shutdown::Write).expect("a socket");
    let mut answer = String::new();
    // Long before the minute is over, by the time that `connect` lets nothing take.
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"changes\":[]"), "{answer}");
}

/// Requests that are sent before the first is answered are read one after another: each takes a hundred times of what it is.
#[test]
fn requests_that_are_sent_ahead_take_no_memory() {
    let (service, address) = serve(&[]);
    let before = resident(&service);
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let ahead = request.repeat(64 << 10);
    let clients: Vec<TcpStream> = (0..30).map(|_| connect(address)).collect();
    let mut sent = vec![0; clients.len()];
    for client in &clients {
        client.set_nonblocking(true).expect("a socket");
    }
    // Until neither the service nor what lies between takes any more of it.
    let mut idle = 0;
    while idle < 20 {
        let before = sent.clone();
        for (mut client, sent) in clients.iter().zip(&mut sent) {
            *sent += client.write(&ahead[*sent % request.len()..]).unwrap_or(0);
        }
        idle = if sent == before { idle + 1 } else { 0 };
        std::thread::sleep(Duration::from_millis(20));
    }
    let least = sent.iter().min().expect("thirty");
    assert!(*least > 64 << 10, "{least} bytes are no pipeline");
    let grown = resident(&service).saturating_sub(before);
    assert!(grown < 8 << 20, "grew by {grown} bytes");
    assert_eq!(service.get("/healthz").status, 200);
    // One that begins to read is answered all the same, in order and without a gap.
    let mut client = &clients[0];
    client.set_nonblocking(false).expect("a socket");
    let mut answers = vec![0; 64 << 10];
    client.read_exact(&mut answers).expect("answers");
    assert!(String::from_utf8_lossy(&answers).matches("HTTP/1.1 200 OK").count() > 100);
}

/// In whatever pieces requests come, with whatever bodies: all are answered, in their order.
#[test]
fn requests_are_answered_in_whatever_pieces_they_come() {
    let (_service, address) = serve(&[]);
    let ask = |id: &str| {
        let body = serde_json::json!({"ids": [id]}).to_string();
        format!("POST /v1/owners HTTP/1.1\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let chunked = |id: &str| {
        let (body, rest) = (format!("{{\"ids\":\r\n\r\n[\"{id}\""), "\n\n]}");
        format!(
            "POST /v1/owners HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\n{:x}\r\n{body}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
            body.len(),
            rest.len()
        )
    };
    let get = |id: &str| format!("\r\nGET /v1/owners?id={id} HTTP/1.1\r\nHost: localhost\n\n");
    let ids: Vec<String> = (0..30).map(|at| format!("@user{at}:example.com")).collect();
    let write = [&ask as &dyn Fn(&str) -> String, &chunked, &get];
    let requests: String = ids.iter().zip(write.iter().cycle()).map(|(id, request)| request(id)).collect();
    let last = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let all = requests + last;
    for piece in [1, 7, 1_000, all.len()] {
        let mut stream = connect(address);
        stream.set_nodelay(true).expect("a socket");
        for bytes in all.as_bytes().chunks(piece) {
            stream.write_all(bytes).expect("sent");
        }
        let mut answers = String::new();
        stream.read_to_string(&mut answers).expect("answers");
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), ids.len() + 1, "{piece}: {answers}");
        let places: Vec<_> = ids.iter().map(|id| answers.find(&format!("\"{id}\"")).expect("its answer")).collect();
        assert!(places.is_sorted(), "{piece}: {places:?}");
    }
}

/// A body that nobody reads: the answer is read to its end all the same, and nothing follows it.
#[test]
fn a_body_that_nobody_reads_costs_nothing_but_the_connection() {
    let (service, address) = serve(&[]);
    let sized = "Content-Length: 3000000\r\n\r\n".to_owned() + &"\n\n0123456789".repeat(250_000);
    let chunked =
        "Transfer-Encoding: chunked\r\n\r\n2dc6c0\r\n".to_owned() + &"\n\n0123456789".repeat(250_000) + "\r\n0\r\n\r\n";
    let snapshot = service.get("/v1/changes").json()["snapshot"].as_str().expect("a digest").to_owned();
    let wait = format!("GET /v1/changes?since={snapshot}&wait=1");
    let check = &|line: &str, body: &str| {
        let mut stream = connect(address);
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\n");
        // The service may have answered and hung up before it has read everything.
        let sent = stream.write_all((head + body).as_bytes());
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{line}: {sent:?} {read:?} {answer}");
        assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n"), "{line}: {answer}");
    };
    std::thread::scope(|scope| {
        for line in ["GET /healthz", "POST /healthz", "POST /v1/nowhere", "CONNECT localhost:1", &wait] {
            for body in [&sized, &chunked] {
                scope.spawn(move || check(line, body));
            }
        }
    });
}

/// The head of a request has an end, or is none: what has come of it is kept.
#[test]
fn a_head_that_does_not_end_is_refused() {
    let (service, address) = serve(&[]);
    let malformed = |service: &Service| service.metric("bailiwick_http_malformed_requests_total").expect("a metric");
    assert_eq!(malformed(&service), "0");
    let field = format!("X-Field: {}\r\n", "a".repeat(1_000));
    let head = |fields| format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{}", field.repeat(fields));
    let answer = service.send((head(30) + "Connection: close\r\n\r\n").as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200);
    for first in ["", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
        let mut stream = connect(address);
        stream.write_all((first.to_owned() + &head(32)).as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.contains("HTTP/1.1 431 "), "{answer}");
    }
    service.wait("to count", |service| malformed(service) == "2");
    assert!(!service.log().contains("ERROR"), "{}", service.log());
}
