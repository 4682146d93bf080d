use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use prometheus::IntGaugeVec;
use sd_notify::NotifyState;

use super::signals::notify;
use crate::cli::INTERNAL;
use crate::pulse::{Ailment, AilmentKind, Pulse};
use crate::telemetry::{self, Metrics};

/// How often the threads are looked after: often enough that the death of one ends the process before anybody has been
/// misled for long.
const TURN: Duration = Duration::from_millis(500);

/// Looks after the threads that matter: shows how they are, keeps the watchdog of systemd quiet as long as none is dead or hangs,
/// and ends the process when one has died, since a service whose reloads have ended looks well and is not.
#[derive(Debug)]
pub(super) struct Supervisor {
    stopping: Arc<AtomicBool>,
}

impl Supervisor {
    pub(super) fn start(pulses: Vec<Arc<Pulse>>, metrics: &Metrics) -> std::io::Result<Self> {
        let healthy = metrics.gauges(
            "bailiwick_thread_healthy",
            "1 if a thread is alive, in time, and has not failed at what it did last; else 0.",
            &["thread"],
        );
        let stopping = Arc::<AtomicBool>::default();
        let ward = Ward { pulses, healthy, stopping: Arc::clone(&stopping), watchdog: sd_notify::watchdog_enabled() };
        std::thread::Builder::new().name("supervisor".to_owned()).spawn(move || ward.look_after())?;
        Ok(Self { stopping })
    }

    /// Threads may end from now on.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

struct Ward {
    pulses: Vec<Arc<Pulse>>,
    healthy: IntGaugeVec,
    stopping: Arc<AtomicBool>,
    /// After how long without a word systemd ends the process.
    watchdog: Option<Duration>,
}

impl Ward {
    fn look_after(&self) {
        let mut known: Vec<Ailment> = Vec::new();
        let mut fed = Instant::now();
        loop {
            let ailing: Vec<Ailment> = self.pulses.iter().filter_map(|pulse| pulse.ailment()).collect();
            if self.stopping.load(Ordering::Relaxed) {
                return;
            }
            self.show(&ailing);
            tell(&known, &ailing);
            if let Some(dead) = ailing.iter().find(|ailment| ailment.kind == AilmentKind::Dead) {
                end(*dead);
            }
            if let Some(patience) = self.watchdog
                && !ailing.iter().any(|ailment| ailment.kind.wants_a_new_start())
                && fed.elapsed() >= patience / 3
            {
                notify(&[NotifyState::Watchdog]);
                fed = Instant::now();
            }
            known = ailing;
            std::thread::sleep(self.watchdog.map_or(TURN, |patience| TURN.min(patience / 6)));
        }
    }

    fn show(&self, ailing: &[Ailment]) {
        for pulse in &self.pulses {
            let is_well = ailing.iter().all(|ailment| ailment.thread != pulse.thread());
            self.healthy.with_label_values(&[pulse.thread()]).set(i64::from(is_well));
        }
    }
}

fn tell(before: &[Ailment], now: &[Ailment]) {
    for ailment in now.iter().filter(|ailment| !before.contains(ailment)) {
        tracing::error!("{ailment}");
    }
    for ailment in before.iter().filter(|ailment| !now.contains(ailment)) {
        tracing::info!("the thread `{}` is no longer {}", ailment.thread, ailment.kind.as_str());
    }
}

/// Ends the process with a message, so that whoever started it may start it anew.
fn end(dead: Ailment) -> ! {
    tracing::error!("{dead}; the process ends, to be started anew");
    telemetry::flush_log();
    std::process::exit(i32::from(INTERNAL));
}
