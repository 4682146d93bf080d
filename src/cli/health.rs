use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use super::{OK, complain, listen, tls};

/// How to reach the service.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bailiwick health
  bailiwick health --unix-socket /run/bailiwick/bailiwick.sock --path /healthz

Exit codes: 0 it is well, 1 it is not, or does not answer within 2 seconds, 64 usage")]
pub(super) struct Health {
    /// Where it listens; the first address is asked. `0.0.0.0` and `[::]` are asked on loopback.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "BAILIWICK_LISTEN",
        default_value = "127.0.0.1:8790",
        value_delimiter = ',',
        value_parser = listen::address
    )]
    listen: Vec<SocketAddr>,

    /// Its Unix socket, to be asked instead.
    #[arg(long, value_name = "PATH", env = "BAILIWICK_UNIX_SOCKET")]
    unix_socket: Option<PathBuf>,

    /// The address where it answers operators, if it has one: health is answered there and nowhere else.
    #[arg(long, value_name = "ADDRESS", env = "BAILIWICK_ADMIN_LISTEN", value_delimiter = ',', value_parser = listen::address)]
    admin_listen: Vec<SocketAddr>,

    /// The certificate that it shows, if it serves HTTPS; only that one is taken.
    #[arg(long, value_name = "FILE", env = "BAILIWICK_TLS_CERT")]
    tls_cert: Option<PathBuf>,

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
    let status = match (health.admin_listen.first(), &health.unix_socket) {
        (None, Some(path)) => {
            let stream = UnixStream::connect(path).with_context(|| format!("failed to reach {}", path.display()))?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            exchange(stream, &health.path)?
        }
        (admin, _) => {
            let address = admin.or(health.listen.first()).context("there is no address to ask")?;
            ask_over_tcp(reachable(*address), health)?
        }
    };
    if status == "404" && health.admin_listen.is_empty() {
        bail!("{} is not answered there: if the service has --admin-listen, give that address here, too", health.path);
    }
    if status != "200" {
        bail!("{} answers {status}", health.path);
    }
    Ok(())
}

fn ask_over_tcp(address: SocketAddr, health: &Health) -> anyhow::Result<String> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT).with_context(|| format!("failed to reach {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    match &health.tls_cert {
        Some(certificate) => exchange(tls::client(certificate, stream)?, &health.path),
        None => exchange(stream, &health.path),
    }
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
    // The status is all that is needed, also of an answer that ends without TLS's goodbye.
    let read = stream.take(64 * 1024).read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    match (answer.split(' ').nth(1), read) {
        (Some(status), _) => Ok(status.to_owned()),
        (None, Err(error)) => Err(error).context("no answer"),
        (None, Ok(_)) => bail!("not an answer of HTTP"),
    }
}
