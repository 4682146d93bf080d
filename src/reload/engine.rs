mod keeping;
mod step;
mod taking_part;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::hold::{self, Holds, Said};
use super::metrics::ReloadMetrics;
use super::missed::Found;
use super::settle::{self, Looked, PutOff};
use super::state::{Circumstances, State};
use super::{FoundIn, Options, ReloadReport, ReloadResult, Trigger, log};
use crate::kept::StateDir;
use crate::snapshot::{AsOf, Changes, Counts, Live, MissingSource, Snapshot, SnapshotMetrics};
use crate::source::{Hint, Keep, Known, Recorded, Scanner, Source, Watched};
use crate::telemetry::Metrics;
use taking_part::hold;

/// While it is waited for a confirmation to count, so many looks are taken: what is put back at one of them is not
/// missing for good.
const CONFIRMING_LOOKS: u32 = 4;

/// So many snapshots are kept after they were in force.
const RETIRED: usize = 2;

/// Scans, and puts in force what it finds. Does nothing by itself; the [`super::Reloader`] drives it.
#[derive(Debug)]
pub struct Engine {
    options: Options,
    sources: Vec<Source>,
    /// What is known of each of them.
    states: Vec<State>,
    put_off: PutOff,
    holds: Holds,
    state: Option<StateDir>,
    /// The snapshot of which everything is kept for the next start.
    remembered: Option<u64>,
    live: Arc<Live>,
    /// The snapshots before the one in force: kept so that it is this thread that frees them, and not one that answers.
    retired: VecDeque<Arc<Snapshot>>,
    /// What was found in each source, as last logged.
    told: Vec<FoundIn>,
    pub(super) metrics: ReloadMetrics,
    snapshot_metrics: SnapshotMetrics,
}

impl Engine {
    /// Nothing is loaded yet; [`Engine::live`] says so.
    #[must_use]
    pub fn new(options: Options, metrics: &Metrics) -> Self {
        let nothing = Snapshot::before_first_load(options.homeserver.clone(), Vec::new());
        let (state, recalled) = keeping::opened(&options);
        let sources: Vec<Source> =
            options.sources.iter().map(|source| Source::new(Arc::clone(source), options.answer_limit)).collect();
        let was_lost = |file: &str| state.as_ref().is_some_and(|kept| kept.was_lost(file));
        let states = keeping::recalled_by(&sources, recalled, was_lost);
        keeping::tell_of_before(&sources, &states, state.as_ref());
        Self {
            options,
            sources,
            states,
            put_off: PutOff::default(),
            holds: Holds::default(),
            state,
            remembered: None,
            live: Arc::new(Live::new(nothing)),
            retired: VecDeque::new(),
            told: Vec::new(),
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

    /// When something that is held is let go by itself.
    pub(super) fn next_release(&self) -> Option<Instant> {
        self.holds.next_release(self.options.hold)
    }

    /// Sees to it that each provider tells of changes, as far as it can.
    pub(super) fn watch(&self, hint: &Hint) -> Watched {
        let watch = |(state, source): (&State, &Source)| {
            // What is on record is told of by whoever keeps the record, whatever the items are called.
            let files: &[_] = if state.recorded.is_some() { &[] } else { &state.files };
            let listed = files.iter().map(|file| file.file().into()).collect();
            source.watch(listed, hint)
        };
        let all = self.states.iter().zip(&self.sources).map(watch);
        all.fold(Watched::ALL, |a, b| Watched {
            all: a.all && b.all,
            anew: a.anew || b.anew,
            writers: a.writers || b.writers,
        })
    }

    /// Looks at everything and puts in force what is there, and what is held. If it was asked for, what is missing by
    /// then and has been for a moment counts as confirmed; see [`super::hold`].
    ///
    /// Never fails as a whole: what is wrong is in the report, the snapshot and the log.
    pub fn reload(&mut self, trigger: Trigger, allow_empty: bool) -> ReloadReport {
        let began = self.options.clock.now();
        let before = self.live.load_full();
        self.sources.iter().for_each(|source| source.accept(allow_empty));
        self.pass(trigger, allow_empty, false);
        if trigger == Trigger::Request {
            self.confirm(allow_empty);
        }
        // What comes later was not meant.
        self.sources.iter().for_each(|source| source.accept(false));
        let after = self.live.load_full();
        let result = result(&before, &after);
        let changed = result == ReloadResult::Changed;
        let report = ReloadReport {
            trigger,
            result,
            generation: after.generation(),
            snapshot: Arc::clone(after.digest()),
            complete: after.is_complete(),
            changes: if changed { after.changes_since(&before) } else { Changes::default() },
            missing: after.missing().to_vec(),
            sources: self.found(),
            finished_at: self.options.clock.wall(),
            took: self.options.clock.now().duration_since(began),
        };
        // What is held makes answers incomplete, and is no failure.
        let Counts { stale, quarantined, .. } = after.counts();
        let good = after.is_ready() && stale == 0 && quarantined == 0 && after.missing().is_empty();
        self.metrics.finished(trigger, result, good, report.took);
        log::reloaded(&report, &before, &after);
        log::found(&self.told, &report.sources);
        self.told.clone_from(&report.sources);
        report
    }

    /// What was found in each source.
    fn found(&self) -> Vec<FoundIn> {
        let listed = self.states.iter().zip(&self.sources).filter(|(state, _)| !state.is_unlisted);
        let found = listed.map(|(state, source)| FoundIn {
            source: source.shown(),
            registrations: state.files.len(),
            passed_over: state.passed_over.clone(),
        });
        found.collect()
    }

    /// Lets go what is held, as soon as it has been missing for long enough at every one of several looks.
    fn confirm(&mut self, allow_empty: bool) {
        let clock = Arc::clone(&self.options.clock);
        let Some(latest) = self.holds.latest() else { return };
        let until = latest + hold::CONFIRMABLE_AFTER;
        loop {
            let left = until.saturating_duration_since(clock.now());
            clock.sleep(left.min(hold::CONFIRMABLE_AFTER / CONFIRMING_LOOKS));
            let confirmed = clock.now() >= until;
            self.pass(Trigger::Request, allow_empty, confirmed);
            if confirmed || self.holds.claims() == 0 {
                return;
            }
        }
    }

    /// One look at everything, and what follows from it.
    fn pass(&mut self, trigger: Trigger, allow_empty: bool, confirmed: bool) {
        if !allow_empty && !confirmed && self.is_spared_a_look() {
            return;
        }
        let looked = self.look_until_settled(self.options.clock.now(), trigger);
        let before = self.live.load_full();
        let now = self.options.clock.now();
        let found = Found::of(&self.states, &looked, self.options.hold, now);
        let when = Circumstances { is_ready: before.is_ready(), allow_empty, found: &found, now };
        let mut states: Vec<State> =
            self.states.iter().zip(looked).map(|(state, looked)| state.next(looked, when)).collect();
        let missing: Vec<MissingSource> = (states.iter().zip(&self.sources))
            .filter_map(|(state, source)| {
                let problem = state.problem.clone()?;
                // What has come to it since the service was stopped is not known.
                let lacks_claims = state.is_unlisted && state.is_from_before();
                let is_another = state.is_another;
                Some(MissingSource { source: source.shown(), problem, lacks_claims, is_another })
            })
            .collect();
        let missing = self.with_damaged_copies(missing, &states, trigger, allow_empty);
        self.recall(&mut states);
        let after = self.put_in_force(&before, states, missing, Said { confirmed, allow_empty });
        if Arc::ptr_eq(&before, &after) {
            // What could not be kept before is tried again.
            self.remember(&after, confirmed);
        } else {
            self.snapshot_metrics.in_force(&after);
        }
        self.metrics.held(self.holds.claims());
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
            for (scan, state) in looked.iter_mut().zip(&self.states) {
                if let Ok(scan) = scan {
                    settle::put_off(scan, &state.known(), &waiting);
                }
            }
        }
        looked
    }

    /// Who asks for a reload has finished what it is about, and may be faster than what tells of it.
    fn wait_for_writers(&self, trigger: Trigger) {
        if matches!(trigger, Trigger::Request | Trigger::Signal) {
            let began = self.options.clock.now();
            for source in &self.sources {
                let waited = self.options.clock.now().duration_since(began);
                source.wait_for_writers(self.options.quiet.saturating_sub(waited));
            }
        }
    }

    /// One scan of every source, starting from what the last one saw so that nothing is parsed twice.
    fn look(&self, last: Option<&[Looked]>) -> Vec<Looked> {
        let scanner = self.scanner();
        let sources = self.sources.iter().zip(&self.states).enumerate();
        let scans = sources.map(|(at, (source, state))| match last.map(|last| &last[at]) {
            Some(Ok(scan)) => {
                let known: Vec<_> = scan.files.iter().chain(&scan.gone).chain(&scan.away).collect();
                scanner.scan(source, &known)
            }
            _ => scanner.scan(source, &state.known()),
        });
        scans.collect()
    }

    fn scanner(&self) -> Scanner<'_> {
        let first = !self.live.load().is_ready();
        Scanner {
            first,
            loader: &*self.options.loader,
            now: self.options.clock.now(),
            wall: self.options.clock.wall(),
            quiet: self.options.quiet,
            // At the first load all would be copied before any is in force; what is on disk can be copied then, too.
            keep: self.state.as_ref().filter(|_| !first).map(|state| state as &dyn Keep),
        }
    }

    /// Builds the next snapshot and stores it, unless it would say the same; returns the one in force.
    fn put_in_force(
        &mut self,
        before: &Arc<Snapshot>,
        mut states: Vec<State>,
        missing: Vec<MissingSource>,
        said: Said,
    ) -> Arc<Snapshot> {
        if !before.is_ready() && states.iter().any(State::is_awaited) {
            // Half a load would set the names of the other half free.
            self.states = states;
            if before.missing() == missing {
                return Arc::clone(before);
            }
            let nothing = Snapshot::before_first_load(self.options.homeserver.clone(), missing);
            self.live.swap(Arc::new(nothing));
            return self.live.load_full();
        }
        let taking_part = self.with_what_is_held(before, &mut states, said);
        let candidates = taking_part.candidates();
        let next = before.next(&candidates, missing, as_of(recorded(&states)), self.options.clock.wall());
        let after = next.map_or_else(|| Arc::clone(before), Arc::new);
        drop(candidates);
        let mut records = after.files().iter();
        let with_held = |(state, mut files): (State, Vec<Known>)| {
            // Changed where they lie.
            for (file, record) in files.iter_mut().zip(&mut records) {
                hold(file, record);
            }
            state.with(files)
        };
        self.states = states.into_iter().zip(taking_part.files).map(with_held).collect();
        if !Arc::ptr_eq(before, &after) {
            // First, so that a service killed at any moment starts with what was in force.
            self.remember(&after, said.confirmed);
            self.swap(before, &after);
        }
        after
    }

    /// Puts another snapshot in force, which is kept for the next start by now.
    fn swap(&mut self, before: &Arc<Snapshot>, after: &Arc<Snapshot>) {
        self.live.swap(Arc::clone(after));
        self.retired.push_back(Arc::clone(before));
        if self.retired.len() > RETIRED {
            self.retired.pop_front();
        }
    }
}

/// What is on record, of each source of which anything is.
fn recorded(states: &[State]) -> impl Iterator<Item = &Recorded> {
    states.iter().filter_map(|state| state.recorded.as_ref())
}

/// Where a store was seen last, where there is one.
fn as_of<'r>(recorded: impl Iterator<Item = &'r Recorded>) -> Option<AsOf> {
    let recorded = recorded.max_by_key(|recorded| recorded.revision)?;
    Some(AsOf { revision: recorded.revision, note: Arc::clone(&recorded.note) })
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
