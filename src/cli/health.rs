use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use super::{OK, complain};

/// How to reach the service.
#[derive(Debug, Args)]
pub(super) struct Health {
    /// Where it listens. `0.0.0.0` and `[::]` are asked on loopback.
    #[arg(long, value_name = "ADDRESS", env = "BAILIWICK_LISTEN", default_value = "127.0.0.1:8790")]
    listen: SocketAddr,

    /// Its Unix socket, to be asked instead.
    #[arg(long, value_name = "PATH", env = "BAILIWICK_UNIX_SOCKET")]
    unix_socket: Option<PathBuf>,

    /// What to ask: whether the process is alive, or whether the first load is done.
    #[arg(long, value_name = "PATH", default_value = "/readyz", value_parser = ["/healthz", "/readyz"])]
    path: String,
}

const TIMEOUT: Duration = Duration::from_secs(2);

/// 0 when the answer is 200, else 1.
pub(super) fn run(health: &Health) -> ExitCode {
    match ask(health) {
        Ok(()) => ExitCode::from(OK),
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn ask(health: &Health) -> anyhow::Result<()> {
    let status = match &health.unix_socket {
        Some(path) => {
            let stream = UnixStream::connect(path).with_context(|| format!("failed to reach {}", path.display()))?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            exchange(stream, &health.path)?
        }
        None => {
            let address = reachable(health.listen);
            let stream =
                TcpStream::connect_timeout(&address, TIMEOUT).with_context(|| format!("failed to reach {address}"))?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            exchange(stream, &health.path)?
        }
    };
    if status != "200" {
        bail!("{} answers {status}", health.path);
    }
    Ok(())
}

/// Where to reach a service that listens on every address.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    listen
}

/// One request on a connection of its own; the status of the answer.
fn exchange(mut stream: impl Read + Write, path: &str) -> anyhow::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer).context("no answer")?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).context("not an answer of HTTP")?;
    Ok(status.to_owned())
}
