//! The service under load: the binary that was built beside this program, over names in the shapes of real ones.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::Client;

/// How many services there are: as many as a large homeserver has bridges and bots, so that each newcomer meets some.
pub(crate) const SERVICES: usize = 300;

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    directory: tempfile::TempDir,
    /// What it took when it had nothing to do, in KiB.
    pub(crate) idle: u64,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, told more.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for at in 0..SERVICES {
            fs::write(directory.path().join(format!("{at:03}.yaml")), registration(at, 0)).expect("written");
        }
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let child = Command::new(binary())
            .args(["serve", "--server-name", "example.com", "--log-level", "error", "--hold", "0", "--listen"])
            .arg(address.to_string())
            .args(more)
            .arg(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut server = Self { child, address, directory, idle: 0 };
        server.wait_until_compared();
        server.idle = server.memory("VmRSS");
        server
    }

    fn wait_until_compared(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let answered = Client::open(self.address).and_then(|mut client| client.ask("GET", "/v1/conflicts", b""));
            if answered.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("not ready within half a minute");
    }

    /// A figure of `/proc/PID/status`, in KiB.
    pub(crate) fn memory(&self, figure: &str) -> u64 {
        let status = fs::read_to_string(self.process("status")).expect("the service is alive");
        let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).expect("a figure");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Lets the highest memory be found out anew.
    pub(crate) fn forget_peak(&self) {
        fs::write(self.process("clear_refs"), "5").expect("one's own process");
    }

    fn process(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }

    /// Changes one file and has it loaded; how long that took.
    pub(crate) fn reload(&self, round: usize) -> std::io::Result<Duration> {
        let file = self.directory.path().join("000.yaml");
        let written = self.directory.path().join(".000.yaml");
        fs::write(&written, registration(0, round))?;
        fs::rename(written, file)?;
        let began = Instant::now();
        let answer = Client::open(self.address)?.ask("POST", "/-/reload", b"")?;
        if answer.status == 200 { Ok(began.elapsed()) } else { Err(std::io::Error::other("not reloaded")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> PathBuf {
    let beside = std::env::current_exe().expect("an executable");
    let beside = beside.parent().and_then(Path::parent).map(|target| target.join("bailiwick"));
    beside.filter(|path| path.exists()).expect("build the binary first: cargo build --release")
}

/// Names in the shapes that bridges use.
fn registration(at: usize, round: usize) -> String {
    format!(
        "id: bridge{at}\nurl: null\nas_token: as-token-of-bridge-{at}\nhs_token: hs-token-of-bridge-{at}\n\
         sender_localpart: bot{at}\nnamespaces:\n  users:\n  - {{exclusive: true, regex: '@b{at}_.*:example\\.com'}}\n  \
         - {{exclusive: true, regex: '@bot{at}:example\\.com'}}\n  - {{exclusive: false, regex: '@b{at}x{round}_[a-z0-9]+:.*'}}\n  \
         aliases:\n  - {{exclusive: true, regex: '#b{at}_.*:example\\.com'}}\n"
    )
}
