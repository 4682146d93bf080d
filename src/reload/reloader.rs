use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::metrics::LookMetrics;
use super::schedule::Schedule;
use super::{Engine, Options, ReloadReport, Trigger};
use crate::priority::{self, Rank};
use crate::pulse::Pulse;
use crate::snapshot::Live;
use crate::source::{Hint, Provider};
use crate::telemetry::Metrics;

/// The thread that keeps the snapshot up to date, from outside.
///
/// Cheap to clone. [`Reloader::shutdown`] ends the thread; dropping all handles does so too.
#[derive(Clone, Debug)]
pub struct Reloader {
    messages: Arc<Outbox>,
    live: Arc<Live>,
    last: Arc<Mutex<Option<ReloadReport>>>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    pulse: Arc<Pulse>,
    sources: Arc<[Arc<dyn Provider>]>,
}

/// Where messages for the thread go; the last one, when nobody is left to send any, ends it.
#[derive(Debug)]
struct Outbox(Sender<Message>);

impl Drop for Outbox {
    fn drop(&mut self) {
        // If the thread is gone already, so much the better.
        let _ = self.0.send(Message::Shutdown);
    }
}

/// The thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reload is made any more: the service is ending")]
pub struct ReloaderGone;

/// What the thread is told.
#[derive(Debug)]
enum Message {
    /// Something may have changed.
    Hint,
    /// Reload now, and say when done.
    Reload {
        trigger: Trigger,
        allow_empty: bool,
        reply: oneshot::Sender<ReloadReport>,
    },
    Shutdown,
}

impl Reloader {
    /// Starts the thread, which begins with the first load. Returns at once: until that is done, the snapshot in
    /// force says that it is not ready.
    pub fn start(options: Options, metrics: &Metrics) -> std::io::Result<Self> {
        let (messages, inbox) = channel();
        let sources = options.sources.clone().into();
        let engine = Engine::new(options, metrics);
        let live = engine.live();
        let last = Arc::default();
        let tell = messages.clone();
        let hint: Hint = Arc::new(move || {
            // The thread that reloads may have ended.
            let _ = tell.send(Message::Hint);
        });
        let pulse = Pulse::new("reload");
        let metrics = LookMetrics::register(metrics);
        let worker = Worker { engine, hint, last: Arc::clone(&last), inbox, pulse: Arc::clone(&pulse), metrics };
        let thread = std::thread::Builder::new().name("reload".to_owned()).spawn(move || worker.run())?;
        let messages = Arc::new(Outbox(messages));
        Ok(Self { messages, live, last, thread: Arc::new(Mutex::new(Some(thread))), pulse, sources })
    }

    /// Where the snapshot in force is found.
    #[must_use]
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// The thread's signs of life: something is finished with every look.
    #[must_use]
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// What came of the last reload; `None` before the first has ended.
    #[must_use]
    pub fn last_report(&self) -> Option<ReloadReport> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reloads now and answers when that is done. All that was on disk before the call is taken into account.
    ///
    /// `allow_empty` confirms that a source that has vanished or become empty is right: what it held is let go.
    pub async fn reload(&self, trigger: Trigger, allow_empty: bool) -> Result<ReloadReport, ReloaderGone> {
        self.ask(trigger, allow_empty)?.await.map_err(|_| ReloaderGone)
    }

    /// The same for callers that are not asynchronous.
    pub fn reload_blocking(&self, trigger: Trigger, allow_empty: bool) -> Result<ReloadReport, ReloaderGone> {
        self.ask(trigger, allow_empty)?.blocking_recv().map_err(|_| ReloaderGone)
    }

    fn ask(&self, trigger: Trigger, allow_empty: bool) -> Result<oneshot::Receiver<ReloadReport>, ReloaderGone> {
        let (reply, answer) = oneshot::channel();
        let message = Message::Reload { trigger, allow_empty, reply };
        self.messages.0.send(message).map_err(|_| ReloaderGone)?;
        Ok(answer)
    }

    /// Whether all comes from one source.
    #[must_use]
    pub fn is_of_one_source(&self) -> bool {
        self.sources.len() == 1
    }

    /// The service is to stop: reloads are made still, but no source is waited for much longer that does not answer.
    pub fn end_waiting(&self) {
        self.sources.iter().for_each(|source| source.end_waiting());
    }

    /// Ends the thread, after the reload that is under way, and waits for it, but not for ever: one that hangs, in a file
    /// system that does not answer, is left behind, and ends with the process.
    pub fn shutdown(&self) {
        // If the thread is gone already, so much the better.
        let _ = self.messages.0.send(Message::Shutdown);
        let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let began = Instant::now();
        while !thread.is_finished() {
            if began.elapsed() > LAST_LOOK {
                tracing::warn!("the reload that is under way does not end, and is left behind");
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = thread.join();
    }
}

/// At the end, the reload that is under way is waited for this long: that of 100,000 changed files takes less.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// How long the first look may take: that of very many files on a slow file server takes minutes, and until it is done
/// readiness says that it is not.
const FIRST_LOOK_LIMIT: Duration = Duration::from_secs(600);

/// How much later than it wanted to a thread may wake, on a machine that is busy.
const LATENESS: Duration = Duration::from_secs(30);

/// How often to look while events are not to be had, or a file is being written.
pub(crate) const BLIND_POLL: Duration = Duration::from_secs(1);

/// How often to look while something is held: often enough that within the usual grace a dozen looks must have missed it
/// before it is let go.
const HOLDING_POLL: Duration = Duration::from_secs(5);

/// The thread, from inside.
struct Worker {
    engine: Engine,
    hint: Hint,
    last: Arc<Mutex<Option<ReloadReport>>>,
    inbox: Receiver<Message>,
    pulse: Arc<Pulse>,
    metrics: LookMetrics,
}

/// What has come in since the last reload.
#[derive(Debug, Default)]
struct Asked {
    trigger: Option<Trigger>,
    allow_empty: bool,
    replies: Vec<oneshot::Sender<ReloadReport>>,
    shutdown: bool,
}

impl Worker {
    fn run(mut self) {
        let life = self.pulse.life();
        self.pulse.expects(FIRST_LOOK_LIMIT);
        let mut longest = Duration::ZERO;
        let clock = Arc::clone(&self.engine.options().clock);
        let Options { quiet, max_wait, poll, look_limit, .. } = *self.engine.options();
        let mut schedule = Schedule::new(quiet, max_wait, poll, clock.now());
        priority::stand_back(Rank::Load);
        // Armed first: what changes during the first load is not missed.
        self.arm(&mut schedule);
        self.reload(Trigger::Start, false, Vec::new());
        self.arm(&mut schedule);
        loop {
            let now = clock.now();
            let mut asked = Asked::default();
            if schedule.due(now).is_none() {
                let wait = schedule.wake().saturating_duration_since(now);
                self.pulse.expects(wait + LATENESS);
                self.take_in(&mut asked, wait, || schedule.hint(clock.now()));
            }
            // All that is here already is answered by the same reload.
            while self.take_in(&mut asked, Duration::ZERO, || schedule.hint(clock.now())) {}
            if asked.shutdown {
                return life.end();
            }
            let now = clock.now();
            if let Some(trigger) = asked.trigger.or_else(|| schedule.due(now)) {
                schedule.reloaded(now);
                let began = Instant::now();
                self.pulse.expects(look_limit.max(longest * 10));
                self.reload(trigger, asked.allow_empty, asked.replies);
                self.arm(&mut schedule);
                longest = longest.max(began.elapsed());
            }
        }
    }

    /// Watches what the last reload has shown to matter, and looks more often while events do not tell everything.
    fn arm(&mut self, schedule: &mut Schedule) {
        let Options { clock, poll, .. } = self.engine.options();
        let watched = self.engine.watch(&self.hint);
        if watched.anew || self.engine.is_waiting() {
            schedule.hint(clock.now());
        }
        self.engine.metrics.events_complete(watched.all);
        let often = if !watched.all || watched.writers {
            BLIND_POLL
        } else if self.engine.next_release().is_some() {
            HOLDING_POLL
        } else {
            *poll
        };
        schedule.poll_every(often.min(*poll), clock.now());
        schedule.ends_at(self.engine.next_release());
    }

    /// Takes one message in, and says whether there was one.
    fn take_in(&self, asked: &mut Asked, wait: Duration, mut hint: impl FnMut()) -> bool {
        match self.inbox.recv_timeout(wait) {
            Ok(Message::Hint) => hint(),
            Ok(Message::Reload { trigger, allow_empty, reply }) => {
                // A request can confirm something, a signal cannot.
                if asked.trigger != Some(Trigger::Request) {
                    asked.trigger = Some(trigger);
                }
                asked.allow_empty |= allow_empty;
                asked.replies.push(reply);
            }
            Ok(Message::Shutdown) | Err(RecvTimeoutError::Disconnected) => {
                asked.shutdown = true;
                return false;
            }
            Err(RecvTimeoutError::Timeout) => return false,
        }
        true
    }

    /// Reloads, and survives whatever happens meanwhile: what is in force stays so, and the next attempt may succeed.
    fn reload(&mut self, trigger: Trigger, allow_empty: bool, replies: Vec<oneshot::Sender<ReloadReport>>) {
        let engine = &mut self.engine;
        let reloaded = catch_unwind(AssertUnwindSafe(|| engine.reload(trigger, allow_empty)));
        let Ok(report) = reloaded else {
            // Those who asked see that their question is dropped.
            tracing::error!("a reload has failed, which is a defect of bailiwick; what was in force stays so");
            self.pulse.failed();
            self.metrics.failed();
            return;
        };
        self.pulse.finished();
        self.metrics.finished();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(report.clone());
        for reply in replies {
            // Who no longer waits need not be told.
            let _ = reply.send(report.clone());
        }
    }
}
