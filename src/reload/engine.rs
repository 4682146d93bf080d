use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::metrics::ReloadMetrics;
use super::settle::{self, Looked, PutOff};
use super::{ReloadReport, ReloadResult, Trigger, log};
use crate::homeserver::Homeserver;
use crate::kept::{InForce, StateDir};
use crate::snapshot::{Candidate, Changes, Live, MissingSource, Problem, Snapshot, SnapshotMetrics};
use crate::source::{Clock, Hint, Keep, Known, Loader, Provider, Scan, Scanner, SystemClock, Unlisted, Watched};
use crate::telemetry::Metrics;

/// What a reload needs to know.
#[derive(Clone)]
pub struct Options {
    /// The homeserver whose registrations these are.
    pub homeserver: Homeserver,
    /// Where they come from, in load order.
    pub sources: Vec<Arc<dyn Provider>>,
    /// A change is taken over when nothing has changed for this long. 100 ms.
    pub quiet: Duration,
    /// But at the latest after this time, when changes do not cease. 500 ms.
    pub max_wait: Duration,
    /// How often to look without any event, give or take a tenth. 30 s.
    pub poll: Duration,
    /// Where the last good copy of each file is kept across restarts.
    pub state_dir: Option<PathBuf>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What reads a registration.
    pub loader: Arc<dyn Loader>,
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new(homeserver: Homeserver, sources: Vec<Arc<dyn Provider>>, loader: Arc<dyn Loader>) -> Self {
        Self {
            homeserver,
            sources,
            quiet: Duration::from_millis(100),
            max_wait: Duration::from_millis(500),
            poll: Duration::from_secs(30),
            state_dir: None,
            clock: Arc::new(SystemClock),
            loader,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("homeserver", &self.homeserver)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

/// So many snapshots are kept after they were in force.
const RETIRED: usize = 2;

/// Scans, and puts in force what it finds. Does nothing by itself; the [`super::Reloader`] drives it.
#[derive(Debug)]
pub struct Engine {
    options: Options,
    sources: Vec<State>,
    put_off: PutOff,
    state: Option<StateDir>,
    /// The snapshot of which everything is kept for the next start.
    remembered: Option<u64>,
    live: Arc<Live>,
    /// The snapshots before the one in force: kept so that it is this thread that frees them, and not one that answers.
    retired: VecDeque<Arc<Snapshot>>,
    pub(super) metrics: ReloadMetrics,
    snapshot_metrics: SnapshotMetrics,
}

/// What is known of a source.
#[derive(Clone, Debug, Default)]
struct State {
    files: Vec<Arc<Known>>,
    /// Why it is not as it should be.
    problem: Option<Problem>,
    /// Somebody has said that it is right that it is not there.
    confirmed_absent: bool,
}

impl Engine {
    /// Nothing is loaded yet; [`Engine::live`] says so.
    #[must_use]
    pub fn new(options: Options, metrics: &Metrics) -> Self {
        let sources = vec![State::default(); options.sources.len()];
        let nothing = Snapshot::before_first_load(options.homeserver.clone(), Vec::new());
        let state = options.state_dir.as_deref().map(StateDir::open);
        Self {
            options,
            sources,
            put_off: PutOff::default(),
            state,
            remembered: None,
            live: Arc::new(Live::new(nothing)),
            retired: VecDeque::new(),
            metrics: ReloadMetrics::register(metrics),
            snapshot_metrics: SnapshotMetrics::register(metrics),
        }
    }

    /// Where the snapshot in force is found.
    #[must_use]
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// The options.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Whether a file was put off, or copies are still to be made, so that another look is due soon.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.put_off.is_waiting() || self.state.as_ref().is_some_and(StateDir::is_unfinished)
    }

    /// Sees to it that each provider tells of changes, as far as it can.
    pub(super) fn watch(&self, hint: &Hint) -> Watched {
        let watch = |(state, source): (&State, &Arc<dyn Provider>)| {
            let listed: Vec<_> = state.files.iter().map(|file| Arc::clone(&file.file)).collect();
            source.watch(&listed, hint)
        };
        let all = self.sources.iter().zip(&self.options.sources).map(watch);
        all.fold(Watched::ALL, |a, b| Watched {
            all: a.all && b.all,
            anew: a.anew || b.anew,
            writers: a.writers || b.writers,
        })
    }

    /// Looks at everything and puts in force what is there.
    ///
    /// Never fails as a whole: what is wrong is in the report, the snapshot and the log.
    pub fn reload(&mut self, trigger: Trigger, allow_empty: bool) -> ReloadReport {
        let clock = Arc::clone(&self.options.clock);
        let began = clock.now();
        let looked = self.look_until_settled(began, trigger);
        let mut states: Vec<State> = (self.sources.iter().zip(looked))
            .map(|(state, looked)| self.next_state(state, looked, allow_empty))
            .collect();
        let missing: Vec<MissingSource> = (states.iter().zip(&self.options.sources))
            .filter_map(|(state, source)| {
                let problem = state.problem.clone()?;
                Some(MissingSource { source: source.shown(), problem })
            })
            .collect();
        let before = self.live.load_full();
        if !before.is_ready() {
            self.recall(&mut states);
        }
        let after = self.put_in_force(&before, states, missing);
        let result = result(&before, &after);
        let report = ReloadReport {
            trigger,
            result,
            generation: after.generation(),
            snapshot: Arc::clone(after.digest()),
            complete: after.is_complete(),
            changes: if result == ReloadResult::Changed { after.changes().clone() } else { Changes::default() },
            missing: after.missing().to_vec(),
            finished_at: clock.wall(),
            took: clock.now().duration_since(began),
        };
        self.metrics.finished(trigger, result, after.is_complete(), report.took);
        if Arc::ptr_eq(&before, &after) {
            // What could not be kept before is tried again.
            self.remember(&after);
        } else {
            self.snapshot_metrics.in_force(&after);
        }
        log::reloaded(&report, &before, &after);
        report
    }

    /// At the first load: every file holds what it held before the service was started, so that neither a file that is
    /// broken nor one that collides with others frees a name.
    fn recall(&self, states: &mut [State]) {
        let Some(kept) = &self.state else { return };
        states.iter_mut().flat_map(|state| &mut state.files).for_each(|file| {
            if let Some(good) = kept.recall(&file.file, &file.offered, &*self.options.loader) {
                *file = Arc::new(file.holding(Some(good)));
            }
        });
    }

    /// Keeps what is in force, or is about to be, for the next start.
    fn remember(&mut self, snapshot: &Snapshot) {
        let Some(kept) = self.state.as_mut().filter(|_| snapshot.is_ready()) else { return };
        if self.remembered == Some(snapshot.generation()) {
            return kept.discard();
        }
        let sources = self.sources.iter().zip(&self.options.sources);
        let in_force: Vec<InForce<'_>> = sources
            .flat_map(|(state, source)| {
                state.files.iter().filter_map(|file| {
                    let hash = file.held.as_ref()?.hash;
                    Some(InForce { file: &file.file, hash, version: file.version(), source: &**source })
                })
            })
            .collect();
        let all = kept.save(&in_force);
        self.metrics.state_saved(all);
        self.remembered = all.then_some(snapshot.generation());
    }

    /// Scans, and scans again what was changed just now: a file may be half written, and one that is gone may be about to
    /// be put back. What moves on is put off, so that it holds up nothing else.
    fn look_until_settled(&mut self, began: Instant, trigger: Trigger) -> Vec<Looked> {
        let Options { quiet, max_wait, .. } = self.options;
        let clock = Arc::clone(&self.options.clock);
        self.wait_for_writers(trigger);
        let mut looked = self.look(None);
        if settle::is_calm(&looked) || max_wait.is_zero() {
            self.put_off.clear();
            return looked;
        }
        // Nothing is known yet that a file could keep: at the first load, all are waited for.
        let first_load = !self.live.load().is_ready();
        let moving = loop {
            // What is gone sets names free: that deserves more patience than a file that has just been written.
            clock.sleep(if settle::misses_any(&looked) { quiet * 3 } else { quiet });
            // Events may lag behind: that a file is being written may have become known only now.
            self.wait_for_writers(trigger);
            let again = self.look(Some(&looked));
            let moving = settle::moving_between(&looked, &again);
            let torn = settle::is_torn(&again);
            looked = again;
            let wait_on = torn || (first_load && !moving.is_empty());
            if !wait_on || clock.now().duration_since(began) >= max_wait {
                break moving;
            }
        };
        if !first_load {
            let waiting = self.put_off.note(moving, clock.now(), max_wait);
            for (scan, state) in looked.iter_mut().zip(&self.sources) {
                if let Ok(scan) = scan {
                    settle::put_off(scan, &state.files, &waiting);
                }
            }
        }
        looked
    }

    /// Who asks for a reload has finished what it is about, and may be faster than what tells of it.
    fn wait_for_writers(&self, trigger: Trigger) {
        if matches!(trigger, Trigger::Request | Trigger::Signal) {
            let began = self.options.clock.now();
            for source in &self.options.sources {
                let waited = self.options.clock.now().duration_since(began);
                source.wait_for_writers(self.options.quiet.saturating_sub(waited));
            }
        }
    }

    /// One scan of every source, starting from what the last one saw so that nothing is parsed twice.
    fn look(&self, last: Option<&[Looked]>) -> Vec<Looked> {
        let scanner = self.scanner();
        let sources = self.options.sources.iter().zip(&self.sources).enumerate();
        let scans = sources.map(|(at, (source, state))| match last.map(|last| &last[at]) {
            Some(Ok(scan)) => {
                let known: Vec<_> = scan.files.iter().chain(&scan.gone).cloned().collect();
                scanner.scan(&**source, &known)
            }
            _ => scanner.scan(&**source, &state.files),
        });
        scans.collect()
    }

    fn scanner(&self) -> Scanner<'_> {
        Scanner {
            loader: &*self.options.loader,
            now: self.options.clock.now(),
            wall: self.options.clock.wall(),
            quiet: self.options.quiet,
            // At the first load all would be copied before any is in force; what is on disk can be copied then, too.
            keep: self.state.as_ref().filter(|_| self.live.load().is_ready()).map(|state| state as &dyn Keep),
        }
    }

    /// Decides what a source that has vanished or become empty means.
    fn next_state(&self, state: &State, looked: Looked, allow_empty: bool) -> State {
        let holds_something = state.files.iter().any(|file| file.held.is_some());
        let absence_is_right = allow_empty || (state.confirmed_absent && state.files.is_empty());
        let absent = |why: &Unlisted| matches!(why, Unlisted::Absent(_));
        match looked {
            Err(why) if absent(&why) && absence_is_right => State { confirmed_absent: true, ..State::default() },
            Err(why) => state.kept(why.to_string(), self.kept_until(state)),
            Ok(Scan { instead: Some(instead), .. }) if absent(&instead.why) && absence_is_right => {
                State { confirmed_absent: true, ..State::default() }
            }
            Ok(Scan { instead: Some(instead), files, .. }) => {
                let problem = Problem { what: instead.why.to_string(), meanwhile: instead.meanwhile.to_owned() };
                State { files, problem: Some(problem), confirmed_absent: false }
            }
            Ok(scan) if scan.files.is_empty() && holds_something && !allow_empty => {
                state.kept("it has become empty".to_owned(), self.kept_until(state))
            }
            Ok(scan) => State { files: scan.files, ..State::default() },
        }
    }

    fn kept_until(&self, state: &State) -> String {
        let held = state.files.iter().filter(|file| file.held.is_some()).count();
        if !self.live.load().is_ready() {
            "nothing is loaded until it is there, or its absence is confirmed by a reload with `allow_empty`".to_owned()
        } else if held == 0 {
            "nothing of it was in force".to_owned()
        } else {
            format!(
                "what was in force of its files ({held}) stays so until they are back, or their absence is confirmed by \
                 a reload with `allow_empty` or a restart"
            )
        }
    }

    /// Builds the next snapshot and stores it, unless it would say the same; returns the one in force.
    fn put_in_force(
        &mut self,
        before: &Arc<Snapshot>,
        states: Vec<State>,
        missing: Vec<MissingSource>,
    ) -> Arc<Snapshot> {
        if !before.is_ready() && !missing.is_empty() {
            // Half a load would set the names of the other half free.
            self.sources = states;
            if before.missing() == missing {
                return Arc::clone(before);
            }
            let nothing = Snapshot::before_first_load(self.options.homeserver.clone(), missing);
            self.live.swap(Arc::new(nothing));
            return self.live.load_full();
        }
        let files = states.iter().flat_map(|state| &state.files);
        let candidates: Vec<Candidate<'_>> = files.map(|file| file.candidate()).collect();
        let next = before.next(&candidates, missing, self.options.clock.wall());
        let after = next.map_or_else(|| Arc::clone(before), Arc::new);
        self.sources = holding(states, &after);
        if !Arc::ptr_eq(before, &after) {
            // First, so that a service killed at any moment starts with what was in force.
            self.remember(&after);
            self.live.swap(Arc::clone(&after));
            self.retired.push_back(Arc::clone(before));
            if self.retired.len() > RETIRED {
                self.retired.pop_front();
            }
        }
        after
    }
}

/// Notes for each file what it has in force now.
fn holding(mut states: Vec<State>, snapshot: &Snapshot) -> Vec<State> {
    let files = states.iter_mut().flat_map(|state| &mut state.files);
    for (file, record) in files.zip(snapshot.files()) {
        let same = match (&file.held, record.good()) {
            (Some(held), Some(good)) => Arc::ptr_eq(&held.registration, &good.registration),
            (None, None) => true,
            _ => false,
        };
        if !same {
            *file = Arc::new(file.holding(record.good().cloned()));
        }
    }
    states
}

impl State {
    /// Keeps everything.
    fn kept(&self, what: String, meanwhile: String) -> Self {
        let problem = Problem { what, meanwhile };
        let why = format!("the directory of this file is lost: {problem}");
        // As long as the problem stays the same, so do the files.
        let files = if self.problem.as_ref() == Some(&problem) {
            self.files.clone()
        } else {
            self.files.iter().map(|file| Arc::new(file.lost(&why))).collect()
        };
        Self { files, problem: Some(problem), confirmed_absent: false }
    }
}

fn result(before: &Snapshot, after: &Snapshot) -> ReloadResult {
    if before.digest() != after.digest() || (!before.is_ready() && after.is_ready()) {
        ReloadResult::Changed
    } else if !after.missing().is_empty() {
        ReloadResult::Refused
    } else if before.generation() == after.generation() {
        ReloadResult::Unchanged
    } else {
        ReloadResult::Changed
    }
}
