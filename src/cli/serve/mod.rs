mod listen;
mod options;
mod signals;
mod supervisor;
mod unix_socket;

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::web;
use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use listen::Places;
pub(super) use options::Serve;
use supervisor::Supervisor;
use unix_socket::UnixSocket;

use super::store_option::Reads;
use super::tls::Certificate;
use super::{INTERNAL, OK, USAGE, complain};
use crate::analysis::Comparer;
use crate::http::{Access, AppState, Aside, Connections, Limits, Part, Recorder};
use crate::priority::stand_back_all;
use crate::pulse::Pulse;
use crate::registration::{self, TokenHasher};
use crate::reload::{Analyst, Elsewhere, Options, Reloader};
use crate::telemetry::{self, DecisionLog, Metrics};

/// How often connections, and the files of tokens and certificates, are looked at.
const REFRESH: Duration = Duration::from_secs(1);

/// How often a store is asked for its revision besides being listened to: a hint that is lost, behind a firewall that drops what it
/// should forward or behind PgBouncer, costs so long, and the question one row.
const STORE_POLL: Duration = Duration::from_secs(5);

/// How much later than it wanted to the thread of signals may wake: nothing that takes long is done on it.
const MAIN_LATENESS: Duration = Duration::from_secs(10);

/// How long reading a few small files may take.
const FILES_LATENESS: Duration = Duration::from_secs(30);

/// Serves until it is told to stop; says first which variables of the environment mean nothing.
pub(super) fn run(serve: &Serve, strangers: &[String], colour: bool) -> ExitCode {
    if let Err(error) = telemetry::init_logging(serve.log_format, &serve.log_level, colour) {
        complain(&error.into());
        return ExitCode::from(USAGE);
    }
    for stranger in strangers {
        tracing::warn!("{stranger}");
    }
    // Whatever can be wrong with the configuration is found before a port is bound.
    let prepared = match prepare(serve) {
        Ok(prepared) => prepared,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    let ended = actix_web::rt::System::new().block_on(answer(serve, prepared));
    telemetry::flush_log();
    match ended {
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
    elsewhere: Elsewhere,
    unix: Option<(UnixSocket, UnixListener)>,
    access: Option<Arc<Access>>,
    certificate: Option<Arc<Certificate>>,
    metrics: Metrics,
    decision_log: Option<Arc<DecisionLog>>,
}

fn prepare(serve: &Serve) -> anyhow::Result<Prepared> {
    let (homeserver, sources) =
        serve.sources.resolve_to_serve(serve.whose.homeserver, Reads::ToServe, &mut |note| tracing::warn!("{note}"))?;
    if let Some(state_dir) = &serve.state_dir
        && serve.sources.dirs.iter().any(|dir| is_same(dir, state_dir))
    {
        bail!("--state-dir {} is a directory of registrations: give a directory of its own", state_dir.display());
    }
    let decision_log = serve.decision_log.as_deref().filter(|path| *path != Path::new("-"));
    for (option, path) in [("--unix-socket", serve.unix_socket.as_deref()), ("--decision-log", decision_log)] {
        if let Some(path) = path
            && let Some(parent) =
                path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
            && serve.sources.dirs.iter().any(|dir| is_same(dir, parent))
        {
            bail!("{option} {} is in a directory of registrations: give it a place of its own", path.display());
        }
    }
    let hasher = TokenHasher::new();
    let loader = {
        let (homeserver, hasher) = (homeserver.clone(), hasher.clone());
        move |file: &Arc<str>, bytes: &[u8]| registration::load_for(&homeserver, file, bytes, &hasher)
    };
    let mut options = Options::new(homeserver, sources, Arc::new(loader));
    options.poll = Duration::from_secs(serve.poll_interval);
    if serve.sources.store.is_given() {
        options.poll = options.poll.min(STORE_POLL);
        if serve.sources.dirs.is_empty() && serve.sources.synapse.paths.is_empty() {
            // Nothing in a store is ever half written.
            options.quiet = Duration::ZERO;
        }
    }
    options.hold = serve.hold;
    options.state_dir.clone_from(&serve.state_dir);
    let sources = serve.sources.clone();
    let find = move |dialect| {
        // What was told at the start is not told again.
        let found = sources.resolve_to_serve(dialect, Reads::Once, &mut |_| {});
        found.map(|(_, sources)| sources).map_err(|error| format!("{error:#}"))
    };
    let name = options.homeserver.name.clone();
    let elsewhere = Elsewhere::new(name, Box::new(find), options.answer_limit, hasher.clone());
    let access = serve.auth_token_file.as_deref().map(|file| Access::open(file).map(Arc::new));
    let access = access.transpose().map_err(anyhow::Error::msg)?;
    guard(serve, access.is_some())?;
    let certificate = match (&serve.tls_cert, &serve.tls_key) {
        (Some(chain), Some(key)) => Some(Certificate::open(chain, key)?),
        _ => None,
    };
    let metrics = Metrics::new();
    let decision_log = serve.decision_log.as_deref().map(|path| {
        DecisionLog::open(path, &metrics).with_context(|| format!("failed to open the decision log {}", path.display()))
    });
    let decision_log = decision_log.transpose()?.map(Arc::new);
    let socket = serve.unix_socket.as_deref();
    let unix = socket.map(|path| UnixSocket::bind(path, serve.unix_socket_mode)).transpose()?;
    Ok(Prepared { options, hasher, elsewhere, unix, access, certificate, metrics, decision_log })
}

/// Whether two paths lead to the same place, as far as can be told.
fn is_same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Nobody listens to the whole network by accident.
fn guard(serve: &Serve, has_tokens: bool) -> anyhow::Result<()> {
    let mut addresses = serve.listen.iter().chain(&serve.admin_listen);
    let beyond = addresses.find(|address| !address.ip().is_loopback());
    match beyond {
        Some(address) if !has_tokens && !serve.allow_unauthenticated => bail!(
            "{address} is reachable from other machines: give --auth-token-file, or --allow-unauthenticated if whoever \
             reaches it may ask"
        ),
        _ => Ok(()),
    }
}

/// Reads tokens and certificates again when they have changed, on a thread of its own: a file system that does not answer
/// must not hold up the one that reads signals.
fn read_again(
    access: Option<Arc<Access>>,
    certificate: Option<Arc<Certificate>>,
    pulse: Arc<Pulse>,
) -> std::io::Result<()> {
    if access.is_none() && certificate.is_none() {
        return Ok(());
    }
    let life = pulse.life();
    let look = move || {
        let _life = life;
        loop {
            pulse.expects(REFRESH + FILES_LATENESS);
            std::thread::sleep(REFRESH);
            if let Some(access) = &access {
                access.refresh();
            }
            if let Some(certificate) = &certificate {
                certificate.refresh();
            }
            pulse.finished();
        }
    };
    std::thread::Builder::new().name("files".to_owned()).spawn(look).map(drop)
}

/// Raises the soft limit on open files to the hard one: each connection takes two.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is not allowed, there are fewer connections at a time.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

async fn answer(serve: &Serve, prepared: Prepared) -> anyhow::Result<()> {
    let Prepared { options, hasher, elsewhere, unix, access, certificate, metrics, decision_log } = prepared;
    let (unix_socket, unix_listener) = unix.unzip();
    let unix_socket = unix_socket.map(Arc::new);
    stand_back_all();
    raise_file_limit();
    let homeserver = options.homeserver.clone();
    let answers_of = homeserver.dialect;
    let info = "1; whose answers are given is in the label, as in --homeserver.";
    metrics.info("bailiwick_homeserver_info", info, "homeserver").set(answers_of.name());
    if let Some(access) = &access {
        access.show(&metrics);
    }
    if let Some(certificate) = &certificate {
        certificate.show(&metrics);
    }
    options.sources.iter().for_each(|source| source.show(&metrics));
    let reloader = Reloader::start(options, &metrics).context("failed to start the reload thread")?;
    let comparer = Arc::new(Comparer::new().context("failed to start the threads that compare")?);
    let analyst = Analyst::start(reloader.live(), Arc::clone(&comparer), &metrics)
        .context("failed to start the findings thread")?;
    let [main_pulse, signals_pulse, files_pulse] = ["main", "signals", "files"].map(Pulse::new);
    let others = [&main_pulse, &signals_pulse, &files_pulse].map(Arc::clone);
    let pulses: Vec<_> = [reloader.pulse(), analyst.pulse()].into_iter().chain(others).collect();
    let supervisor = Supervisor::start(pulses.clone(), &metrics).context("failed to start the supervisor")?;
    let aside = Arc::new(Aside::start().context("failed to start the threads for long answers")?);
    let limits = Limits {
        body_bytes: serve.max_body,
        ids: serve.max_ids,
        request: Duration::from_secs(serve.request_timeout),
        in_flight_bytes: serve.max_in_flight,
        waiters: serve.waiters(),
    };
    let state = AppState::new(reloader.clone(), analyst, comparer, aside, metrics, hasher, limits)
        .guarded_by(access.clone())
        .behind(serve.doors())
        .when_incomplete(serve.when_incomplete)
        .recorded_by(decision_log.clone().map(|log| Recorder::new(log, serve.decision_log_of, serve.decision_log_hash)))
        .with_pulses(pulses)
        .with_elsewhere(elsewhere);
    #[cfg(feature = "postgres")]
    let state = state.with_gate(serve.sources.store.gate(homeserver)?);
    let state = web::Data::new(state);

    let with_admin = !serve.admin_listen.is_empty();
    let part = if with_admin { Part::Questions } else { Part::Everything };
    let certificate_of = certificate.as_ref();
    let known = |part| Connections::new(serve.longest_wait(), serve.capacity(part));
    let [connections, admin_connections] = [part, Part::Admin].map(known);
    let places = Places { addresses: &serve.listen, unix: unix_listener, certificate: certificate_of };
    let (questions, addresses) = listen::server(serve, &state, &connections, part, places)?;
    let admin = if with_admin {
        let places = Places { addresses: &serve.admin_listen, unix: None, certificate: certificate_of };
        Some(listen::server(serve, &state, &admin_connections, Part::Admin, places)?)
    } else {
        None
    };
    let (admin, admin_addresses) = admin.unzip();
    let handles = [Some(questions.handle()), admin.as_ref().map(Server::handle)].into_iter().flatten().collect();
    actix_web::rt::spawn(signals::obey(
        handles,
        state.clone(),
        reloader.clone(),
        unix_socket.clone(),
        decision_log.clone(),
        signals_pulse.life(),
    )?);
    actix_web::rt::spawn(signals::tell_systemd(reloader.live()));
    read_again(access, certificate, files_pulse).context("failed to start the thread that reads files again")?;
    actix_web::rt::spawn(async move {
        let _life = main_pulse.life();
        loop {
            // Signals are read on the same thread: as long as this goes on, they are obeyed.
            main_pulse.expects(REFRESH + MAIN_LATENESS);
            actix_web::rt::time::sleep(REFRESH).await;
            connections.cut_stalled(Instant::now());
            admin_connections.cut_stalled(Instant::now());
            main_pulse.finished();
        }
    });
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        homeserver = answers_of.name(),
        listen = ?addresses,
        admin_listen = admin_addresses.as_ref().map(tracing::field::debug),
        "bailiwick serves"
    );
    let ended = match admin {
        Some(admin) => tokio::try_join!(questions, admin).map(drop),
        None => questions.await,
    };
    if let Some(socket) = &unix_socket {
        socket.remove();
    }
    supervisor.stop();
    reloader.shutdown();
    if let Some(log) = &decision_log {
        log.flush();
    }
    tracing::info!("bailiwick has stopped");
    ended.context("the server failed")
}
