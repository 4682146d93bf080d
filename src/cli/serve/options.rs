use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::listen;
use crate::cli::sources::{Sources, Whose};
use crate::http::{Doors, Limits, Part, Recorded, WhenIncomplete, origin};
use crate::telemetry::LogFormat;

/// What to serve, and where.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bailiwick serve /etc/bailiwick/registrations --server-name example.com
  bailiwick serve --synapse-config homeserver.yaml --state-dir DIR
  bailiwick serve . --server-name example.com --listen :8790 \\
    --auth-token-file /etc/bailiwick/tokens

Exit codes: 0 stopped as it was told, 64 something it was told cannot be used, 70 it failed")]
pub(in crate::cli) struct Serve {
    #[command(flatten)]
    pub(super) sources: Sources,

    #[command(flatten)]
    pub(super) whose: Whose,

    /// Addresses to listen on: `127.0.0.1:8790`, `[::1]:8790`, `localhost:8790`, or `:8790` for every address (IPv4).
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "BAILIWICK_LISTEN",
        default_value = "127.0.0.1:8790",
        value_delimiter = ',',
        value_parser = listen::address,
        help_heading = "Where it listens"
    )]
    pub(super) listen: Vec<SocketAddr>,

    /// A Unix socket to listen on besides. A socket file of the same user that nobody listens on any more is replaced.
    #[arg(long, value_name = "PATH", env = "BAILIWICK_UNIX_SOCKET", help_heading = "Where it listens")]
    pub(super) unix_socket: Option<PathBuf>,

    /// The mode of the Unix socket, in octal.
    #[arg(
        long,
        value_name = "MODE",
        env = "BAILIWICK_UNIX_SOCKET_MODE",
        default_value = "660",
        value_parser = octal,
        help_heading = "Where it listens"
    )]
    pub(super) unix_socket_mode: u32,

    /// Answer metrics, health, `/-/reload` and the page on these addresses only; questions are answered here, too.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "BAILIWICK_ADMIN_LISTEN",
        value_delimiter = ',',
        value_parser = listen::address,
        help_heading = "Where it listens"
    )]
    pub(super) admin_listen: Vec<SocketAddr>,

    /// A file with bearer tokens, on each line `register TOKEN`, `read TOKEN` or `admin TOKEN`, for `/v1` and `/-/`; or
    /// with a name, `read NAME TOKEN`, by which metrics and the decision log tell who asks. Read again when it changes.
    #[arg(long, value_name = "FILE", env = "BAILIWICK_AUTH_TOKEN_FILE", help_heading = "Who may ask")]
    pub(super) auth_token_file: Option<PathBuf>,

    /// Listen beyond this machine although anybody who reaches the port may then ask.
    #[arg(long, env = "BAILIWICK_ALLOW_UNAUTHENTICATED", help_heading = "Who may ask")]
    pub(super) allow_unauthenticated: bool,

    /// Serve HTTPS with this certificate and its chain (PEM). Read again when it changes.
    #[arg(
        long,
        value_name = "FILE",
        env = "BAILIWICK_TLS_CERT",
        requires = "tls_key",
        help_heading = "Where it listens"
    )]
    pub(super) tls_cert: Option<PathBuf>,

    /// The private key of the certificate (PEM).
    #[arg(
        long,
        value_name = "FILE",
        env = "BAILIWICK_TLS_KEY",
        requires = "tls_cert",
        help_heading = "Where it listens"
    )]
    pub(super) tls_key: Option<PathBuf>,

    /// Let pages of this origin ask from a browser, such as `https://register.example.com`; may be given several times.
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "BAILIWICK_CORS_ORIGIN",
        value_delimiter = ',',
        value_parser = origin,
        help_heading = "Who may ask"
    )]
    pub(super) cors_origin: Vec<String>,

    /// Answer only what is addressed to `localhost`, to a loopback address or to this name (without its port); may be given
    /// several times. What listens on loopback does so without it, too, with tokens or without, lest a web page get in by a
    /// name of its own.
    #[arg(
        long,
        value_name = "NAME",
        env = "BAILIWICK_ALLOW_HOST",
        value_delimiter = ',',
        help_heading = "Who may ask"
    )]
    pub(super) allow_host: Vec<String>,

    /// Keep the last good copy of each file here, so that a file that is broken or gone when the service starts still holds
    /// its names.
    #[arg(long, value_name = "DIR", env = "BAILIWICK_STATE_DIR", help_heading = "What is in force")]
    pub(super) state_dir: Option<PathBuf>,

    /// What is decided while a file has never loaded, so that it is not known what it claims: by the others alone, or that
    /// nobody may have what nobody is known to hold.
    #[arg(
        long,
        value_name = "WHAT",
        env = "BAILIWICK_WHEN_INCOMPLETE",
        value_enum,
        default_value_t,
        help_heading = "What is in force"
    )]
    pub(super) when_incomplete: WhenIncomplete,

    /// How long names stay held that an edit takes away (a file, an exclusive entry), so that an accident sets none free:
    /// `60s`, `5m`, or 0 to let them go with the look that finds them gone. `POST /-/reload` confirms the edit and ends it.
    /// Where most of a directory's or list's files are gone together, or all of them, they are kept however short this is,
    /// until `POST /-/reload` with the body `{"allow_empty": true}` (`Content-Type: application/json`).
    #[arg(
        long,
        value_name = "TIME",
        env = "BAILIWICK_HOLD",
        default_value = "60s",
        value_parser = time,
        help_heading = "What is in force"
    )]
    pub(super) hold: Duration,

    /// Seconds from one look at the directories to the next, besides watching them; a store is asked every five at least.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "BAILIWICK_POLL_INTERVAL",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=86_400),
        help_heading = "What is in force"
    )]
    pub(super) poll_interval: u64,

    /// The largest body of a request, in bytes.
    #[arg(
        long,
        value_name = "BYTES",
        env = "BAILIWICK_MAX_BODY",
        default_value_t = Limits::default().body_bytes,
        help_heading = "Limits"
    )]
    pub(super) max_body: usize,

    /// What the bodies of all requests that are on their way may take together, in bytes, and what all answers may; one client
    /// (a token, or else an address) half of it at most.
    #[arg(
        long,
        value_name = "BYTES",
        env = "BAILIWICK_MAX_IN_FLIGHT",
        default_value_t = Limits::default().in_flight_bytes,
        help_heading = "Limits"
    )]
    pub(super) max_in_flight: usize,

    /// The most IDs in one request.
    #[arg(
        long,
        value_name = "COUNT",
        env = "BAILIWICK_MAX_IDS",
        default_value_t = Limits::default().ids,
        help_heading = "Limits"
    )]
    pub(super) max_ids: usize,

    /// The most connections at a time, in all: divided among the threads, and with `--admin-listen`, a sixteenth is kept for
    /// those. Each may take some 64 KiB, with a head that is not whole and an answer that is not read.
    #[arg(
        long,
        value_name = "COUNT",
        env = "BAILIWICK_MAX_CONNECTIONS",
        default_value_t = CONNECTIONS,
        help_heading = "Limits"
    )]
    max_connections: usize,

    /// Seconds that a client may take to send the head of a request.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "BAILIWICK_HEADER_TIMEOUT",
        default_value_t = 5,
        help_heading = "Limits"
    )]
    pub(super) header_timeout: u64,

    /// Seconds that a request may take from its head to its answer, slow bodies included.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "BAILIWICK_REQUEST_TIMEOUT",
        default_value_t = 30,
        help_heading = "Limits"
    )]
    pub(super) request_timeout: u64,

    /// Seconds that a client may leave an answer unread before it is cut off (TCP only; 0: as long as it likes).
    #[arg(long, value_name = "SECONDS", env = "BAILIWICK_SEND_TIMEOUT", default_value_t = 30, help_heading = "Limits")]
    pub(super) send_timeout: u32,

    /// Seconds that an idle connection is kept: longer than a proxy in front keeps it, which is 60 for nginx.
    #[arg(long, value_name = "SECONDS", env = "BAILIWICK_KEEP_ALIVE", default_value_t = 75, help_heading = "Limits")]
    pub(super) keep_alive: u64,

    /// Threads that answer requests; one for each core by default.
    #[arg(
        long,
        value_name = "COUNT",
        env = "BAILIWICK_WORKERS",
        value_parser = clap::value_parser!(u16).range(1..),
        help_heading = "Limits"
    )]
    pub(super) workers: Option<u16>,

    /// Seconds that requests in flight are given when the service is told to stop.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "BAILIWICK_SHUTDOWN_TIMEOUT",
        default_value_t = 20,
        help_heading = "Limits"
    )]
    pub(super) shutdown_timeout: u64,

    /// Put decisions on record here, a line of JSON for each; `-` is standard output. A file that is made is its owner's alone.
    /// Opened again on SIGHUP. What people type is personal data. See docs/decisions.md.
    #[arg(long, value_name = "FILE", env = "BAILIWICK_DECISION_LOG", help_heading = "Log")]
    pub(super) decision_log: Option<PathBuf>,

    /// Which decisions are on record: those that refuse, or all.
    #[arg(
        long,
        value_name = "WHICH",
        env = "BAILIWICK_DECISION_LOG_OF",
        value_enum,
        default_value_t,
        requires = "decision_log",
        help_heading = "Log"
    )]
    pub(super) decision_log_of: Recorded,

    /// Put names on record as digests, under a key that lives and dies with the process.
    #[arg(long, env = "BAILIWICK_DECISION_LOG_HASH", requires = "decision_log", help_heading = "Log")]
    pub(super) decision_log_hash: bool,

    /// How log lines look.
    #[arg(
        long,
        value_name = "FORMAT",
        env = "BAILIWICK_LOG_FORMAT",
        value_enum,
        default_value_t,
        help_heading = "Log"
    )]
    pub(super) log_format: LogFormat,

    /// Which log lines are written: error, warn, info, debug, trace, or a filter as tracing takes it.
    #[arg(long, value_name = "LEVEL", env = "BAILIWICK_LOG_LEVEL", default_value = "info", help_heading = "Log")]
    pub(super) log_level: String,
}

/// How many connections are taken unless it is told. Of each the server keeps what there is of a head, and what has not been
/// taken of a small answer, and asks nobody for a token before: 64 KiB at most, so that as many as this are 128 MiB, beside 64
/// of bodies, 64 of answers, and 14 of the service itself: well within the 512 MiB that the manifests give. A thousand who wait
/// for a change fit into half of it.
const CONNECTIONS: usize = 2_048;
/// With addresses for operators, one connection in so many is for these: 128 of the usual 2,048, where a probe and a
/// Prometheus take one each.
const ADMIN_SHARE: usize = 16;

impl Serve {
    /// Which web pages may ask, and by which names.
    pub(super) fn doors(&self) -> Doors {
        Doors::new(self.cors_origin.clone(), self.allow_host.clone())
    }

    /// How many connections the server for a part takes.
    pub(super) fn capacity(&self, part: Part) -> usize {
        self.connections_a_thread(part).saturating_mul(self.threads())
    }

    /// How many connections each thread of the server for a part takes: one at least.
    pub(super) fn connections_a_thread(&self, part: Part) -> usize {
        let for_admin = (self.max_connections / ADMIN_SHARE).max(self.threads());
        let connections = match part {
            Part::Everything => self.max_connections,
            Part::Admin => for_admin,
            Part::Questions => self.max_connections.saturating_sub(for_admin),
        };
        (connections / self.threads()).max(1)
    }

    /// How many threads answer requests.
    fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.workers.map_or_else(cores, usize::from)
    }

    /// How many requests may wait for a change: half of the connections at most, so that there are as many for who asks
    /// something else, and no more than are woken at once without being felt.
    pub(super) fn waiters(&self) -> usize {
        let part = if self.admin_listen.is_empty() { Part::Everything } else { Part::Questions };
        (self.capacity(part) / 2).min(Limits::default().waiters)
    }

    /// The longest time from one answer to the head of the next request: an idle connection is closed before that, and a
    /// client may still be reading the answer.
    pub(super) const fn longest_wait(&self) -> Duration {
        Duration::from_secs(self.keep_alive.saturating_add(self.header_timeout).saturating_add(self.request_timeout))
    }
}

fn octal(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("expected an octal mode such as 660".to_owned()),
    }
}

/// A time such as `60s`, `5m` or `500ms`; a number alone is in seconds.
fn time(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().map_err(|_| "expected a time such as 60s, 5m or 0".to_owned())?;
    let seconds = |each: u64| number.checked_mul(each).filter(|&seconds| seconds <= MAX_TIME).map(Duration::from_secs);
    let time = match unit {
        "ms" => Some(Duration::from_millis(number)).filter(|time| time.as_secs() <= MAX_TIME),
        "s" | "" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3_600),
        _ => None,
    };
    time.ok_or_else(|| "expected a time of at most a day, such as 60s, 5m or 0".to_owned())
}

/// A day: what is held for longer than that is not an accident that nobody has noticed yet, but a file to be put back.
const MAX_TIME: u64 = 24 * 3_600;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        serve: Serve,
    }

    fn serve(arguments: &[&str]) -> Serve {
        let line = ["bailiwick", "--server-name", "example.com", "d"].iter().chain(arguments);
        <Line as clap::Parser>::parse_from(line).serve
    }

    /// Whatever the number of threads and servers, there are no more connections than it is told, but one for each thread.
    #[test]
    fn connections_are_divided_and_not_multiplied() {
        for workers in ["1", "2", "7", "64"] {
            let alone = serve(&["--workers", workers]);
            let capacity = alone.capacity(Part::Everything);
            assert!(capacity <= 2_048 && capacity > 2_048 - 64, "{workers}: {capacity}");
            assert!(alone.waiters() >= 1_000, "{workers}: {}", alone.waiters());
            let two = serve(&["--workers", workers, "--admin-listen", "127.0.0.1:1"]);
            let both = [Part::Questions, Part::Admin].map(|part| two.capacity(part));
            assert!(both.iter().sum::<usize>() <= 2_048 && both[0] > 1_792 && both[1] >= 64, "{workers}: {both:?}");
            assert!(two.waiters() <= both[0] / 2, "{workers}: {}", two.waiters());
        }
        let few = serve(&["--workers", "4", "--max-connections", "1"]);
        assert_eq!(few.capacity(Part::Everything), 4);
    }

    #[test]
    fn times_are_read_with_and_without_a_unit() {
        for (text, expected) in [("0", 0), ("60s", 60_000), ("60", 60_000), ("5m", 300_000), ("1h", 3_600_000)] {
            assert_eq!(time(text), Ok(Duration::from_millis(expected)), "{text}");
        }
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "s", "-1", "1.5s", "1d", "25h", "99999999999999999999s", "1 s"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
