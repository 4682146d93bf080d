use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use super::unix_socket::UnixSocket;
use crate::http::AppState;
use crate::pulse::Life;
use crate::reload::{Reloader, Trigger};
use crate::snapshot::Live;
use crate::telemetry::{self, DecisionLog};

/// SIGHUP reloads, and opens the decision log again; SIGTERM and SIGINT drain; a second of those stops at once.
pub(super) fn obey(
    servers: Vec<ServerHandle>,
    state: web::Data<AppState>,
    reloader: Reloader,
    unix_socket: Option<Arc<UnixSocket>>,
    decision_log: Option<Arc<DecisionLog>>,
    life: Life,
) -> anyhow::Result<impl Future<Output = ()>> {
    // Whoever limits how long a file may be (`ulimit -f`, `LimitFSIZE=`) is told so by a signal, too, which ends a process that
    // does not take it: for a log that is full. With it taken, writing fails as on a full disk.
    let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let _life = life;
        let mut stopping = false;
        loop {
            tokio::select! {
                _ = hangup.recv() => {
                    if let Some(log) = &decision_log {
                        log.reopen();
                    }
                    // By itself: signals are obeyed however long a reload takes.
                    actix_web::rt::spawn(reload(reloader.clone()));
                    continue;
                }
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stopping {
                tracing::warn!("told twice to stop: stopping at once");
                if let Some(socket) = &unix_socket {
                    socket.remove();
                }
                // A server that is stopping already would first let its time for that pass.
                if let Some(log) = &decision_log {
                    log.flush();
                }
                telemetry::flush_log();
                std::process::exit(0);
            }
            tracing::info!("stopping when the requests in flight are answered");
            notify(&[NotifyState::Stopping]);
            stopping = true;
            // Else they would be waited for.
            state.end_waiting();
            for server in &servers {
                actix_web::rt::spawn(server.stop(true));
            }
        }
    })
}

async fn reload(reloader: Reloader) {
    // `Type=notify-reload` wants to know when it began, by the clock that never jumps.
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        notify(&[NotifyState::Reloading, now]);
    }
    // What came of it is logged by the reload itself.
    let _ = reloader.reload(Trigger::Signal, false).await;
    notify(&[NotifyState::Ready]);
}

/// Tells systemd when the first load is done.
pub(super) async fn tell_systemd(live: Arc<Live>) {
    while !live.load().is_ready() {
        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
    }
    notify(&[NotifyState::Ready]);
}

/// Without systemd there is nobody to tell, and nothing to be done about a message that is lost.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}
