//! A service to ask: the real binary, on a socket in a temporary directory, stopped when it is dropped.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that should take a moment. Only a hang reaches it: 30 s were too short for one long question to
/// a build without optimization, on two cores with a load of 14.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_bailiwick");

/// Whether what is printed shall be written down rather than compared: `BAILIWICK_BLESS=1`.
pub(crate) fn blessing() -> bool {
    std::env::var_os("BAILIWICK_BLESS").is_some()
}

/// A running service.
pub(crate) struct Service {
    child: Child,
    home: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

impl Service {
    /// Serves directories for `example.com`, ready to answer.
    pub(crate) fn start(directories: &[&Path]) -> Self {
        Self::start_with(directories, &["--server-name", "example.com"])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(directories: &[&Path], arguments: &[&str]) -> Self {
        let service = Self::spawn(directories, arguments);
        service.wait_until_ready();
        service
    }

    /// The same, not waiting for anything but the socket.
    pub(crate) fn spawn(directories: &[&Path], arguments: &[&str]) -> Self {
        Self::spawn_as(Command::new(BINARY), directories, arguments)
    }

    /// The same from a directory, to which paths may be relative.
    pub(crate) fn start_in(home: &Path, directories: &[&Path], arguments: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.current_dir(home);
        let service = Self::spawn_as(command, directories, arguments);
        service.wait_until_ready();
        service
    }

    /// Started so that it cannot write files larger than so many bytes: what is beyond fails.
    pub(crate) fn start_limited(directories: &[&Path], arguments: &[&str], bytes: usize) -> Self {
        // Blocks of 512 bytes, as POSIX has it; bash in its own ways counts in 1,024.
        Self::start_under(&format!("-f {}", bytes / 512), directories, arguments)
    }

    /// Started under a limit, as `ulimit` takes it.
    pub(crate) fn start_under(limit: &str, directories: &[&Path], arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        let limited = format!("ulimit {limit}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited, BINARY]);
        let service = Self::spawn_as(shell, directories, arguments);
        service.wait_until_ready();
        service
    }

    fn wait_until_ready(&self) {
        self.wait("to be ready", |service| service.try_get("/readyz").is_some_and(|answer| answer.status == 200));
    }

    /// Started so that its log goes elsewhere.
    pub(crate) fn start_logging_to(log: impl Into<Stdio>, directories: &[&Path], arguments: &[&str]) -> Self {
        let service = Self::spawn_logging_to(Some(log.into()), Command::new(BINARY), directories, arguments);
        service.wait_until_ready();
        service
    }

    fn spawn_as(command: Command, directories: &[&Path], arguments: &[&str]) -> Self {
        Self::spawn_logging_to(None, command, directories, arguments)
    }

    fn spawn_logging_to(
        elsewhere: Option<Stdio>,
        mut command: Command,
        directories: &[&Path],
        arguments: &[&str],
    ) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let log = fs::File::create(home.path().join("log")).expect("a log file");
        let child = command
            .arg("serve")
            .args(directories)
            .args(["--listen", "127.0.0.1:0", "--workers", "2", "--unix-socket"])
            .arg(home.path().join("socket"))
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(elsewhere.unwrap_or(log.into()))
            .spawn()
            .expect("the binary starts");
        let service = Self { child, home };
        service.wait("to listen", |service| UnixStream::connect(service.socket()).is_ok());
        service
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home.path().join("socket")
    }

    /// All that it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).expect("the log can be read")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The addresses that it says it listens on.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.says("bailiwick serves");
        let log = self.log();
        let line = log.lines().find(|line| line.contains("bailiwick serves")).expect("it says so");
        let words = line.split(|c: char| !(c.is_ascii_digit() || ".:".contains(c)));
        words.filter_map(|word| word.parse().ok()).collect()
    }

    /// Sends a signal, such as `-TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// How it has ended, once it has.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until something holds.
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < PATIENCE, "waited too long for the service {what}; log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until nobody claims an ID any more: what is taken away goes somewhat later than what came in its place.
    pub(crate) fn lets_go_of(&self, id: &str) {
        self.wait(&format!("to let go of {id}"), |service| service.claimants(id).is_empty());
    }

    /// Waits until it has written so to its log: lines are written by a thread of their own, after what they tell of.
    pub(crate) fn says(&self, text: &str) {
        self.wait(&format!("to say `{text}`"), |service| service.log().contains(text));
    }

    /// Sends bytes as they are and reads the answer; `None` if there is none.
    pub(crate) fn send(&self, bytes: &[u8]) -> Option<Answer> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        // The service may have answered and hung up before it has read everything.
        if let Err(error) = stream.write_all(bytes) {
            assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
        }
        let mut raw = Vec::new();
        let mut buffer = vec![0; 65_536];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => raw.extend_from_slice(&buffer[..count]),
            }
        }
        let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&raw[..end]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let body = &raw[end + 4..];
        let chunked = head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked");
        let body = if chunked { unchunked(body)? } else { body.to_vec() };
        Some(Answer { status, head, body })
    }

    /// A request with a body of any kind.
    pub(crate) fn request(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.try_request(method, target, body).expect("an answer")
    }

    fn try_request(&self, method: &str, target: &str, body: &[u8]) -> Option<Answer> {
        let length = body.len();
        let mut bytes = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        self.send(&bytes)
    }

    fn try_get(&self, target: &str) -> Option<Answer> {
        self.try_request("GET", target, b"")
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.request("GET", target, b"")
    }

    pub(crate) fn post(&self, target: &str, body: &Value) -> Answer {
        self.request("POST", target, body.to_string().as_bytes())
    }

    /// The ids of the services that claim an ID.
    pub(crate) fn claimants(&self, id: &str) -> Vec<String> {
        let answer = self.post("/v1/owners", &serde_json::json!({"ids": [id]})).json();
        let claims = answer["results"][0]["claims"].as_array().expect("claims").iter();
        claims.map(|claim| claim["as_id"].as_str().expect("an id").to_owned()).collect()
    }

    /// A figure of `/v1/status`.
    pub(crate) fn status(&self, key: &str) -> Value {
        self.get("/v1/status").json()[key].clone()
    }

    /// The value of a metric's line, as it is written.
    pub(crate) fn metric(&self, line: &str) -> Option<String> {
        let metrics = self.get("/metrics").text();
        metrics.lines().find_map(|known| known.strip_prefix(line)?.strip_prefix(' ').map(str::to_owned))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A body that came in chunks; `None` if it is not whole.
fn unchunked(mut raw: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = raw.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&raw[..line]).ok()?, 16).ok()?;
        let chunk = raw.get(line + 2..line + 2 + length)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk);
        raw = raw.get(line + 2 + length + 2..)?;
    }
}

/// A registration that claims the users that begin with a prefix.
pub(crate) fn registration(id: &str, prefix: &str) -> String {
    format!(
        "id: {id}\nurl: null\nas_token: as-token-of-{id}\nhs_token: hs-token-of-{id}\nsender_localpart: {id}-bot\n\
         namespaces:\n  users:\n    - regex: '@{prefix}.*'\n      exclusive: true\n"
    )
}

/// The example registrations that ship with the project.
pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/registrations")
}
