//! The service under test: the binary that was built beside this program.

use std::ffi::{OsStr, OsString};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::connection::Connection;

pub(crate) struct Server {
    child: Child,
    pub address: SocketAddr,
}

/// What a leak would show in.
pub(crate) struct Figures {
    pub kib: u64,
    pub files: usize,
}

impl Figures {
    /// Whether memory grew by more than a quarter and 8 MiB, or open files by more than the clients' connections.
    pub(crate) fn grew_into(&self, later: &Self) -> bool {
        later.kib > self.kib + self.kib / 4 + 8 * 1024 || later.files > self.files + 16
    }
}

impl Server {
    /// `arguments`: where the registrations are; `hold`: for how many seconds it holds what an edit takes away.
    pub(crate) fn start(arguments: &[OsString], state: Option<&Path>, hold: u32) -> Self {
        let server = Self::spawn(arguments, state, hold);
        server.wait_until_ready();
        server
    }

    /// Starts it and waits for nothing.
    pub(crate) fn spawn(arguments: &[OsString], state: Option<&Path>, hold: u32) -> Self {
        Self::spawn_at(free(), arguments, state, hold)
    }

    /// The same, at an address that is known already.
    pub(crate) fn spawn_at(address: SocketAddr, arguments: &[OsString], state: Option<&Path>, hold: u32) -> Self {
        let child = Command::new(binary())
            .args(["serve", "--log-level", "error", "--listen"])
            .arg(address.to_string())
            .args(["--hold", &hold.to_string()])
            .args(state.into_iter().flat_map(|state| [OsStr::new("--state-dir"), state.as_os_str()]))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        Self { child, address }
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(self) {
        drop(self);
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Ok(mut connection) = Connection::open(self.address)
                && let Ok((200, _)) = connection.ask("GET", "/readyz", None)
            {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("not ready within ten seconds");
    }

    pub(crate) fn figures(&self) -> Figures {
        let process = Path::new("/proc").join(self.child.id().to_string());
        let status = std::fs::read_to_string(process.join("status")).expect("the service is alive");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
        let kib = resident.trim().trim_end_matches(" kB").parse().expect("a number");
        Figures { kib, files: std::fs::read_dir(process.join("fd")).expect("the service is alive").count() }
    }
}

/// A free port of loopback.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// The binary that was built beside this program.
pub(crate) fn binary() -> PathBuf {
    let here = std::env::current_exe().expect("an executable");
    let binary = here.parent().and_then(Path::parent).map(|target| target.join("bailiwick"));
    binary.filter(|path| path.exists()).expect("build the binary first: cargo build --release")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
