//! `check --watch`: the same again whenever something has changed.
//!
//! What is watched are the sources themselves, in the way in which the service watches them: their events are hints, and what is
//! there is looked at once they are quiet. A source is watched *before* it is read, so that nothing is missed meanwhile. Where
//! what is given cannot be found any more (a directory is gone, a configuration is cut), what was watched before goes on being
//! watched: it tells when that is back.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal};

use super::output::Printed;
use super::{INTERNAL, complain, tell};
use crate::reload::{BLIND_POLL, MAX_WAIT, POLL, QUIET, Schedule, Trigger};
use crate::source::{Hint, Listed, Name, Provider, Version};
use crate::telemetry::timestamp;

/// What shells say of a program that was interrupted, here before it could say anything: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

/// A check, as far as it concerns whoever waits for the next one.
#[derive(Default)]
pub(super) struct Look {
    /// Called when something has changed; `None` where nobody waits.
    hint: Option<Hint>,
    watched: Vec<Watched>,
    /// With which code the program ends if it is told to.
    verdict: Arc<AtomicU8>,
}

impl Look {
    /// Watches sources that are about to be read.
    pub(super) fn watch(&mut self, sources: &[Arc<dyn Provider>]) {
        let Some(hint) = &self.hint else { return };
        self.watched.extend(sources.iter().map(|source| Watched::new(source, hint)));
    }

    /// Says what came of it, before anybody reads that.
    pub(super) fn judge(&self, code: u8) {
        self.verdict.store(code, Ordering::Relaxed);
    }
}

/// Checks, and again whenever something has changed of the sources that are watched then, or of `beside`. Ends when it is told
/// to, with the code of the last check.
pub(super) fn run(
    beside: &[Arc<dyn Provider>],
    for_people: bool,
    mut check: impl FnMut(&mut Look) -> Printed,
) -> ExitCode {
    let verdict = Arc::new(AtomicU8::new(INTERRUPTED));
    if let Err(error) = end_on_signal(Arc::clone(&verdict)) {
        complain(&anyhow::Error::new(error).context("failed to wait for signals"));
        return ExitCode::from(INTERNAL);
    }
    let (hint, hints) = channel();
    // Nobody waits any more when this ends.
    let hint: Hint = Arc::new(move || {
        let _ = hint.send(());
    });
    let mut watched: Vec<Watched> = Vec::new();
    loop {
        if for_people && io::stdout().is_terminal() {
            clear();
        }
        let mut look = Look { hint: Some(Arc::clone(&hint)), watched: Vec::new(), verdict: Arc::clone(&verdict) };
        look.watch(beside);
        let Printed { code, whole } = check(&mut look);
        if look.watched.len() > beside.len() || watched.is_empty() {
            watched = look.watched;
        }
        // What nobody reads need not be said again; and without a source there is nothing that could change.
        if !whole || watched.is_empty() {
            return ExitCode::from(code);
        }
        if io::stderr().is_terminal() {
            tell(&watching(SystemTime::now()));
        }
        wait(&watched, &hints);
    }
}

/// A source, and what it had when it was looked at.
struct Watched {
    source: Arc<dyn Provider>,
    had: Had,
    /// Whether it tells of every change.
    tells: bool,
}

/// The names of what is there, with what changes when it does; `None` where that cannot be listed.
type Had = Option<Vec<(Name, Option<Version>)>>;

impl Watched {
    fn new(source: &Arc<dyn Provider>, hint: &Hint) -> Self {
        let had = had(&**source);
        let names: Vec<Arc<str>> = had.iter().flatten().map(|(name, _)| name.alone()).collect();
        let tells = source.watch(&names, hint).all;
        Self { source: Arc::clone(source), had, tells }
    }
}

fn had(source: &dyn Provider) -> Had {
    let one = |listed: Listed| match listed {
        Listed::Item(item) => (item.name, Some(item.version)),
        other => (other.name().into(), None),
    };
    Some(source.list().ok()?.items.into_iter().map(one).collect())
}

/// Waits until something has changed, and has been quiet since.
fn wait(watched: &[Watched], hints: &Receiver<()>) {
    let poll = if watched.iter().all(|one| one.tells) { POLL } else { BLIND_POLL };
    let mut schedule = Schedule::new(QUIET, MAX_WAIT, poll, Instant::now());
    loop {
        let now = Instant::now();
        match schedule.due(now) {
            Some(Trigger::Poll) if watched.iter().all(|one| had(&*one.source) == one.had) => schedule.reloaded(now),
            Some(_) => return,
            None => {}
        }
        if hints.recv_timeout(schedule.wake().saturating_duration_since(now)).is_ok() {
            schedule.hint(Instant::now());
        }
    }
}

/// Ends the program on SIGINT and SIGTERM, whatever it is at: it only reads.
fn end_on_signal(verdict: Arc<AtomicU8>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _within = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        std::process::exit(verdict.load(Ordering::Relaxed).into())
    })?;
    Ok(())
}

/// What is said while nothing changes. With the time: after a change that changes nothing of what is found, who has just saved a
/// file would not know whether it was looked at.
fn watching(since: SystemTime) -> String {
    let milliseconds = since.duration_since(UNIX_EPOCH).map_or(0, |past| past.as_millis());
    let time = timestamp(u64::try_from(milliseconds).unwrap_or_default());
    format!("checked at {time}; watching for changes, Ctrl-C ends")
}

/// Empties a terminal, so that what is said of one state of the files is not taken for what is said of the next.
fn clear() {
    // A terminal that is gone shows in what is printed next.
    let _ = io::stdout().write_all(b"\x1b[2J\x1b[H");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_watches_is_told_when_it_looked() {
        let said = watching(UNIX_EPOCH + std::time::Duration::from_millis(1_764_130_000_123));
        assert_eq!(said, "checked at 2025-11-26T04:06:40.123Z; watching for changes, Ctrl-C ends");
    }
}
