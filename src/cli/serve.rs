use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use anyhow::{Context, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::sources::Sources;
use super::{INTERNAL, OK, USAGE, complain};
use crate::http::{self, AppState, Limits};
use crate::registration::{self, TokenHasher};
use crate::telemetry::{self, LogFormat, Metrics};
use crate::watch::{Analyst, Options, Reloader, Trigger};

/// What to serve, and where.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    sources: Sources,

    /// Addresses to listen on.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "BAILIWICK_LISTEN",
        default_value = "127.0.0.1:8790",
        value_delimiter = ','
    )]
    listen: Vec<SocketAddr>,

    /// A Unix socket to listen on besides. A socket file that nobody listens on any more is replaced.
    #[arg(long, value_name = "PATH", env = "BAILIWICK_UNIX_SOCKET")]
    unix_socket: Option<PathBuf>,

    /// The mode of the Unix socket, in octal.
    #[arg(long, value_name = "MODE", env = "BAILIWICK_UNIX_SOCKET_MODE", default_value = "660", value_parser = octal)]
    unix_socket_mode: u32,

    /// Seconds from one look at the directories to the next, besides watching them.
    #[arg(long, value_name = "SECONDS", env = "BAILIWICK_POLL_INTERVAL", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    poll_interval: u64,

    /// The largest body of a request, in bytes.
    #[arg(long, value_name = "BYTES", env = "BAILIWICK_MAX_BODY", default_value_t = Limits::default().body_bytes)]
    max_body: usize,

    /// The most IDs in one request.
    #[arg(long, value_name = "COUNT", env = "BAILIWICK_MAX_IDS", default_value_t = Limits::default().ids)]
    max_ids: usize,

    /// Threads that answer requests; one for each core by default.
    #[arg(long, value_name = "COUNT", env = "BAILIWICK_WORKERS", value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,

    /// Seconds that requests in flight are given when the service is told to stop.
    #[arg(long, value_name = "SECONDS", env = "BAILIWICK_SHUTDOWN_TIMEOUT", default_value_t = 20)]
    shutdown_timeout: u64,

    /// How log lines look.
    #[arg(long, value_name = "FORMAT", env = "BAILIWICK_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,

    /// Which log lines are written: error, warn, info, debug, trace, or a filter as tracing takes it.
    #[arg(long, value_name = "LEVEL", env = "BAILIWICK_LOG_LEVEL", default_value = "info")]
    log_level: String,
}

fn octal(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("expected an octal mode such as 660".to_owned()),
    }
}

/// Serves until it is told to stop.
pub(super) fn run(serve: Serve) -> ExitCode {
    if let Err(error) = telemetry::init_logging(serve.log_format, &serve.log_level) {
        complain(&error.into());
        return ExitCode::from(USAGE);
    }
    // Whatever can be wrong with the configuration is found before a port is bound.
    let prepared = match prepare(&serve) {
        Ok(prepared) => prepared,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    match actix_web::rt::System::new().block_on(answer(serve, prepared)) {
        Ok(()) => ExitCode::from(OK),
        Err(error) => {
            complain(&error);
            ExitCode::from(INTERNAL)
        }
    }
}

struct Prepared {
    options: Options,
    hasher: TokenHasher,
    unix_listener: Option<UnixListener>,
}

fn prepare(serve: &Serve) -> anyhow::Result<Prepared> {
    let (server_name, sources) = serve.sources.resolve()?;
    let hasher = TokenHasher::new();
    let loader = {
        let hasher = hasher.clone();
        move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher)
    };
    let mut options = Options::new(server_name, sources, Arc::new(loader));
    options.poll = Duration::from_secs(serve.poll_interval);
    let unix_listener = serve.unix_socket.as_deref().map(|path| bind_unix(path, serve.unix_socket_mode)).transpose()?;
    Ok(Prepared { options, hasher, unix_listener })
}

/// Binds a Unix socket, in the place of a file that a service left behind when it died, and never of one that lives.
fn bind_unix(path: &Path, mode: u32) -> anyhow::Result<UnixListener> {
    let shown = path.display();
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("failed to look at {shown}")),
        Ok(metadata) if !metadata.file_type().is_socket() => bail!("{shown} exists and is not a socket"),
        Ok(_) if UnixStream::connect(path).is_ok() => bail!("somebody else listens on {shown}"),
        Ok(_) => std::fs::remove_file(path).with_context(|| format!("failed to replace {shown}"))?,
    }
    let listener = UnixListener::bind(path).with_context(|| format!("failed to listen on {shown}"))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .with_context(|| format!("failed to set the mode of {shown}"))?;
    Ok(listener)
}

async fn answer(serve: Serve, prepared: Prepared) -> anyhow::Result<()> {
    let Prepared { options, hasher, unix_listener } = prepared;
    let metrics = Arc::new(Metrics::new());
    let reloader = Reloader::start(options, Arc::clone(&metrics)).context("failed to start the reload thread")?;
    let analyst =
        Analyst::start(reloader.live(), Arc::clone(&metrics)).context("failed to start the findings thread")?;
    let limits = Limits { body_bytes: serve.max_body, ids: serve.max_ids };
    let state = web::Data::new(AppState::new(reloader.clone(), analyst, metrics, hasher, limits));

    let mut server = HttpServer::new(move || {
        let state = state.clone();
        App::new().configure(move |config| http::configure(&state, config))
    })
    .disable_signals()
    .shutdown_timeout(serve.shutdown_timeout);
    if let Some(workers) = serve.workers {
        server = server.workers(workers.into());
    }
    for address in &serve.listen {
        server = server.bind(address).with_context(|| format!("failed to listen on {address}"))?;
    }
    if let Some(listener) = unix_listener {
        server = server.listen_uds(listener).context("failed to listen on the Unix socket")?;
    }
    // Behind these stands an address for the Unix socket, which means nothing.
    let addresses: Vec<SocketAddr> = server.addrs().into_iter().take(serve.listen.len()).collect();
    let server = server.run();
    actix_web::rt::spawn(obey_signals(server.handle(), reloader.clone())?);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), listen = ?addresses, "bailiwick serves");
    let ended = server.await.context("the server failed");
    if let Some(path) = &serve.unix_socket {
        // Left behind, it would be replaced at the next start.
        let _ = std::fs::remove_file(path);
    }
    reloader.shutdown();
    tracing::info!("bailiwick has stopped");
    ended
}

/// SIGHUP reloads; SIGTERM and SIGINT drain; a second of those stops at once.
fn obey_signals(server: ServerHandle, reloader: Reloader) -> anyhow::Result<impl Future<Output = ()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let mut stopping = false;
        loop {
            tokio::select! {
                _ = hangup.recv() => {
                    // What came of it is logged by the reload itself.
                    let _ = reloader.reload(Trigger::Signal, false).await;
                    continue;
                }
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            let stop = server.stop(!stopping);
            if stopping {
                tracing::warn!("told twice to stop: stopping at once");
                stop.await;
                std::process::exit(0);
            }
            tracing::info!("stopping when the requests in flight are answered");
            stopping = true;
            actix_web::rt::spawn(stop);
        }
    })
}
