//! The service over HTTP, against a bare actix-web route in the same run.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};

use crate::measure::shown;
use crate::workload;

/// How long each figure is measured; rounds of both alternate, so that a noisy neighbour hits both.
const ROUND: Duration = Duration::from_millis(1_500);
const ROUNDS: usize = 5;
const CLIENTS: usize = 8;

struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    fn start(dir: &std::path::Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port");
        let child = Command::new(env!("CARGO_BIN_EXE_bailiwick"))
            .args(["serve".as_ref(), dir.as_os_str()])
            .args(["--server-name", "example.com", "--log-level", "error", "--listen", &address.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let service = Self { child, address };
        while Client::open(address).is_none_or(|mut client| client.ask(&get("/readyz")).0 != 200) {
            std::thread::sleep(Duration::from_millis(20));
        }
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that is kept.
struct Client(BufReader<TcpStream>);

impl Client {
    fn open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self(BufReader::with_capacity(1 << 16, stream)))
    }

    /// The status and the length of the answer.
    fn ask(&mut self, request: &[u8]) -> (u16, usize) {
        self.0.get_mut().write_all(request).expect("sent");
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a status line");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let (mut length, mut chunked) = (0, false);
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("a header");
            if line == "\r\n" {
                break;
            }
            let header = line.to_ascii_lowercase();
            chunked |= header.starts_with("transfer-encoding: chunked");
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        while chunked {
            line.clear();
            self.0.read_line(&mut line).expect("the length of a chunk");
            let chunk = usize::from_str_radix(line.trim(), 16).expect("a length");
            body.resize(chunk + 2, 0);
            self.0.read_exact(&mut body).expect("a chunk");
            length += chunk;
            chunked = chunk > 0;
        }
        (status, length)
    }
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

fn post(target: &str, body: &str) -> Vec<u8> {
    format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Requests a second that a number of clients get answered.
fn rate(address: SocketAddr, clients: usize, request: &[u8]) -> f64 {
    let began = Instant::now();
    let counts = std::thread::scope(|scope| {
        let ask = || {
            let mut client = Client::open(address).expect("connects");
            let mut count = 0_u32;
            while began.elapsed() < ROUND {
                assert_eq!(client.ask(request).0, 200);
                count += 1;
            }
            count
        };
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum::<u32>()
    });
    f64::from(counts) / began.elapsed().as_secs_f64()
}

fn bare(length: usize) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let body = "x".repeat(length);
            let server = HttpServer::new(move || {
                let body = body.clone();
                App::new().route(
                    "/v1/owners",
                    web::get().to(move || {
                        let body = body.clone();
                        async move { HttpResponse::Ok().insert_header(ContentType::json()).body(body) }
                    }),
                )
            })
            .bind("127.0.0.1:0")
            .expect("a port");
            tell.send(server.addrs()[0]).expect("somebody waits");
            server.run().await.expect("it serves");
        });
    });
    told.recv().expect("an address")
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

pub(crate) fn run(size: usize) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let regexes = workload::regexes(size);
    for (at, regex) in regexes.iter().enumerate() {
        let text = workload::file(at, std::slice::from_ref(regex));
        fs::write(home.path().join(format!("bridge-{at:06}.yaml")), text).expect("written");
    }
    let ids = workload::ids(&regexes, 1_000);
    let service = Service::start(home.path());
    let single = get(&format!("/v1/owners?id={}", ids[0].replace('@', "%40").replace(':', "%3A")));
    let length = Client::open(service.address).expect("connects").ask(&single).1;
    let baseline = bare(length);
    let mut rates = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        rates.0.push(rate(service.address, CLIENTS, &single));
        rates.1.push(rate(baseline, CLIENTS, &single));
    }
    let ratio = median(rates.0.iter().zip(&rates.1).map(|(ours, bare)| ours / bare).collect());
    println!(
        "| `GET /v1/owners`, {CLIENTS} clients | {:.0} requests/s | a bare route with {length} bytes: {:.0}; ratio {ratio:.2} |",
        median(rates.0),
        median(rates.1)
    );
    let batch = post("/v1/owners", &serde_json::json!({ "ids": ids }).to_string());
    let batches = median((0..ROUNDS).map(|_| rate(service.address, 2, &batch)).collect());
    println!("| `POST /v1/owners`, 1,000 IDs, 2 clients | {:.0} IDs/s | {batches:.0} requests/s |", batches * 1_000.0);
    latency(&service, home.path(), &single);
}

/// The slowest hundredth, with a reload every 100 ms that finds a change, and without.
fn latency(service: &Service, dir: &std::path::Path, request: &[u8]) {
    let asked = |reloads: bool| {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            if reloads {
                scope.spawn(|| {
                    let mut client = Client::open(service.address).expect("connects");
                    for round in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let text = workload::file(0, &[format!("@changed{round}_.*")]);
                        fs::write(dir.join(".new"), text).expect("written");
                        fs::rename(dir.join(".new"), dir.join("bridge-000000.yaml")).expect("moved");
                        client.ask(&post("/-/reload", ""));
                        std::thread::sleep(Duration::from_millis(100));
                    }
                });
            }
            let mut client = Client::open(service.address).expect("connects");
            let mut times = Vec::new();
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(3) {
                let began = Instant::now();
                assert_eq!(client.ask(request).0, 200);
                times.push(began.elapsed());
                std::thread::sleep(Duration::from_micros(500));
            }
            stop.store(true, Ordering::Relaxed);
            times.sort_unstable();
            times[times.len() * 99 / 100]
        })
    };
    let rounds: Vec<_> = (0..ROUNDS).map(|_| (asked(false), asked(true))).collect();
    let ratio = median(rounds.iter().map(|(without, with)| with.as_secs_f64() / without.as_secs_f64()).collect());
    let [without, with] = [0, 1].map(|at| {
        let seconds = rounds.iter().map(|round| if at == 0 { round.0 } else { round.1 }.as_secs_f64());
        Duration::from_secs_f64(median(seconds.collect()))
    });
    println!(
        "| p99 of a question, a changed file every 100 ms | {} | without: {}; median ratio of {ROUNDS} rounds {ratio:.2} |",
        shown(with),
        shown(without)
    );
}
