//! What the processes of the homeserver have loaded, as the module in each of them tells.
//!
//! What is in force here and what the homeserver acts on are two things: a process may not have heard of the last change,
//! and a registration that the homeserver reads only when it starts waits for that. Kept in memory alone, since whoever
//! lives tells it again within a minute or two.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use prometheus::IntGaugeVec;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::status::milliseconds;
use crate::registration::Registration;
use crate::snapshot::{FileState, Snapshot};
use crate::telemetry::{Metrics, signed};

/// So many processes are remembered: a homeserver with more workers than that is not known, and each is a label.
const MOST: usize = 64;
/// After this time without a word, a process is taken to be gone. The module tells every minute or two.
const FORGOTTEN: Duration = Duration::from_secs(300);
/// So many ids are listed in a status; beyond that they are counted. With as many, somebody looks into `loaded` itself.
const LISTED: usize = 100;

/// What the module in a homeserver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HomeserverMode)]
pub(super) enum Mode {
    /// It reserves names for what the homeserver has not loaded.
    Reserve,
    /// It loads registrations while the homeserver runs.
    Load,
    /// It asks here before a name is given away.
    Guard,
}

impl Mode {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Load => "load",
            Self::Guard => "guard",
        }
    }

    /// Whether the homeserver takes a registration up when it starts and not before.
    const fn loads_at_start_only(self) -> bool {
        matches!(self, Self::Reserve | Self::Guard)
    }
}

/// What a process has told.
#[derive(Debug)]
pub(super) struct Report {
    mode: Mode,
    snapshot: Box<str>,
    loaded: HashSet<Box<str>>,
    told_at: SystemTime,
}

impl Report {
    pub(super) fn new(mode: Mode, snapshot: String, loaded: Vec<String>) -> Self {
        let loaded = loaded.into_iter().map(String::into_boxed_str).collect();
        Self { mode, snapshot: snapshot.into(), loaded, told_at: SystemTime::now() }
    }

    /// Whether it goes by another snapshot than the one in force.
    pub(super) fn is_behind(&self, in_force: &Snapshot) -> bool {
        *self.snapshot != **in_force.digest()
    }

    /// The ids of the registrations that are in force as they stand on disk, and not loaded there. One that is stale or held
    /// is neither here nor there: it is told of as what it is.
    pub(super) fn not_loaded<'s>(&self, in_force: &'s Snapshot) -> impl Iterator<Item = &'s str> {
        let active = in_force.files().iter().filter(|file| file.state() == FileState::Active);
        let ids = active.filter_map(|file| Some(file.registration()?.id()));
        ids.filter(|id| !self.loaded.contains(*id))
    }
}

/// Who has told what.
#[derive(Debug)]
pub(super) struct Workers {
    reports: Mutex<BTreeMap<String, (Instant, Report)>>,
    behind: IntGaugeVec,
    not_loaded: IntGaugeVec,
}

/// What the homeserver has loaded, beside what is in force.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = HomeserverStatus)]
pub(super) struct InStep<'s> {
    /// The processes that have told something in the last five minutes, by name; none without the module.
    workers: Vec<Worker<'s>>,
    /// How many registrations are in force that some process, which reads registrations only when it starts, has not loaded.
    waiting_for_restart: usize,
    /// Their ids, in load order; a hundred at most.
    waiting: Vec<&'s str>,
}

/// A process of the homeserver.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = HomeserverWorker)]
pub(super) struct Worker<'s> {
    /// Its name.
    worker: String,
    /// What the module there does.
    mode: Mode,
    /// The snapshot that it goes by.
    snapshot: String,
    /// Whether that is another than the one in force.
    behind: bool,
    /// When it told so, in milliseconds since 1970-01-01 UTC.
    told_at_ms: u64,
    /// How many registrations are in force and not loaded there.
    not_loaded: usize,
    /// Their ids, in load order; a hundred at most.
    missing: Vec<&'s str>,
}

impl Workers {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let labels = ["worker", "mode"];
        Self {
            reports: Mutex::default(),
            behind: metrics.gauges(
                "bailiwick_homeserver_behind",
                "1 if a process of the homeserver goes by another snapshot than the one in force, else 0.",
                &labels,
            ),
            not_loaded: metrics.gauges(
                "bailiwick_homeserver_registrations_not_loaded",
                "Registrations in force that a process of the homeserver has not loaded.",
                &labels,
            ),
        }
    }

    /// Takes note of what a process tells.
    pub(super) fn note(&self, worker: String, report: Report, now: Instant) -> Result<(), ApiError> {
        let mut reports = self.lately(now);
        if reports.len() >= MOST && !reports.contains_key(&worker) {
            return Err(ApiError::too_many_workers());
        }
        reports.insert(worker, (now, report));
        Ok(())
    }

    /// What the homeserver has loaded, beside what is in force.
    pub(super) fn in_step<'s>(&self, in_force: &'s Snapshot, now: Instant) -> InStep<'s> {
        let reports = self.lately(now);
        let at_start_only = reports.values().filter(|(_, report)| report.mode.loads_at_start_only());
        let missing: HashSet<&str> = at_start_only.flat_map(|(_, report)| report.not_loaded(in_force)).collect();
        let ids = in_force.services().registrations().iter().map(Registration::id);
        InStep {
            waiting_for_restart: missing.len(),
            waiting: ids.filter(|id| missing.contains(id)).take(LISTED).collect(),
            workers: reports.iter().map(|(worker, (_, report))| Worker::of(worker, report, in_force)).collect(),
        }
    }

    /// Puts the metrics right, which change with time and with every reload.
    pub(super) fn show(&self, in_force: &Snapshot, now: Instant) {
        let reports = self.lately(now);
        self.behind.reset();
        self.not_loaded.reset();
        for (worker, (_, report)) in &*reports {
            let labels = [worker.as_str(), report.mode.as_str()];
            self.behind.with_label_values(&labels).set(report.is_behind(in_force).into());
            self.not_loaded.with_label_values(&labels).set(signed(report.not_loaded(in_force).count()));
        }
    }

    /// The reports of the processes that are not taken to be gone.
    fn lately(&self, now: Instant) -> MutexGuard<'_, BTreeMap<String, (Instant, Report)>> {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.retain(|_, (told, _)| now.saturating_duration_since(*told) < FORGOTTEN);
        reports
    }
}

impl<'s> Worker<'s> {
    fn of(worker: &str, report: &Report, in_force: &'s Snapshot) -> Self {
        Self {
            worker: worker.to_owned(),
            mode: report.mode,
            snapshot: report.snapshot.to_string(),
            behind: report.is_behind(in_force),
            told_at_ms: milliseconds(report.told_at),
            not_loaded: report.not_loaded(in_force).count(),
            missing: report.not_loaded(in_force).take(LISTED).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::new(Mode::Reserve, "0".to_owned(), vec!["irc".to_owned()])
    }

    #[test]
    fn who_is_silent_is_forgotten_and_makes_room() {
        let (workers, began) = (Workers::register(&Metrics::new()), Instant::now());
        let nothing = Snapshot::before_first_load("example.com".parse().expect("a server name"), Vec::new());
        for number in 0..MOST {
            workers.note(format!("worker{number}"), report(), began).expect("there is room");
        }
        assert!(workers.note("another".to_owned(), report(), began).is_err());
        // Who has told before may tell again.
        let later = began + FORGOTTEN / 2;
        workers.note("worker0".to_owned(), report(), later).expect("it is known");
        assert_eq!(workers.in_step(&nothing, later).workers.len(), MOST);
        let late = began + FORGOTTEN;
        assert_eq!(workers.in_step(&nothing, late).workers.len(), 1);
        workers.note("another".to_owned(), report(), late).expect("there is room again");
    }
}
