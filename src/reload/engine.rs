use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::hold::{self, Held, Holds};
use super::metrics::ReloadMetrics;
use super::settle::{self, Looked, PutOff};
use super::state::{Circumstances, State};
use super::{FoundIn, Options, ReloadReport, ReloadResult, Trigger, log};
use crate::kept::{InForce, StateDir};
use crate::snapshot::{
    Candidate, Changes, ContentHash, Counts, FileRecord, Good, Live, MissingSource, Snapshot, SnapshotMetrics,
};
use crate::source::{Absence, Hint, Keep, Known, Scanner, Source, Watched};
use crate::telemetry::Metrics;

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
        let mut recalled = Vec::new();
        let state = options.state_dir.as_deref().map(|dir| {
            let (mut kept, copies) = StateDir::open(dir, &options.homeserver.name, &*options.loader);
            // Of what another service keeps at this moment, only what can be of this one is taken for its own.
            let is_ours = |file: &str| options.sources.iter().any(|source| source.could_list(file));
            let is_locked = kept.is_locked();
            let is_taken = |file: &str| is_locked || is_ours(file);
            let (ours, others): (Vec<_>, Vec<_>) = copies.into_iter().partition(|(file, _)| is_taken(file));
            for (file, _) in &others {
                kept.disown(file);
            }
            recalled = ours;
            kept
        });
        let sources: Vec<Source> =
            options.sources.iter().map(|source| Source::new(Arc::clone(source), options.answer_limit)).collect();
        let states = recalled_by(&sources, recalled);
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
            let listed = state.files.iter().map(|file| Arc::clone(&file.file)).collect();
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
        self.pass(trigger, allow_empty, false);
        if trigger == Trigger::Request {
            self.confirm(allow_empty);
        }
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
        let looked = self.look_until_settled(self.options.clock.now(), trigger);
        let before = self.live.load_full();
        let when = Circumstances { is_ready: before.is_ready(), allow_empty };
        let mut states: Vec<State> =
            self.states.iter().zip(looked).map(|(state, looked)| state.next(looked, when)).collect();
        let missing: Vec<MissingSource> = (states.iter().zip(&self.sources))
            .filter_map(|(state, source)| {
                let problem = state.problem.clone()?;
                Some(MissingSource { source: source.shown(), problem })
            })
            .collect();
        let missing = self.with_damaged_copies(missing, &states, allow_empty);
        self.recall(&mut states);
        let after = self.put_in_force(&before, states, missing, confirmed);
        if Arc::ptr_eq(&before, &after) {
            // What could not be kept before is tried again.
            self.remember(&after, confirmed);
        } else {
            self.snapshot_metrics.in_force(&after);
        }
        self.metrics.held(self.holds.claims());
    }

    /// What is missing, and the copies of which nobody can tell what they held.
    fn with_damaged_copies(
        &mut self,
        mut missing: Vec<MissingSource>,
        states: &[State],
        allow_empty: bool,
    ) -> Vec<MissingSource> {
        let Some(kept) = &mut self.state else { return missing };
        if allow_empty {
            kept.forget_damaged();
        }
        missing.extend(kept.damaged(states.iter().flat_map(|state| &state.files).map(|known| &known.file)));
        missing
    }

    /// A file that cannot be loaded, and of which nothing is known, holds what it held once, before the service was
    /// started or before it was gone for a while.
    fn recall(&self, states: &mut [State]) {
        let Some(kept) = &self.state else { return };
        let refused = |file: &&mut Arc<Known>| file.held.is_none() && file.offered.is_err();
        states.iter_mut().flat_map(|state| &mut state.files).filter(refused).for_each(|file| {
            if let Some(good) = kept.recall(&file.file, &*self.options.loader) {
                *file = Arc::new(file.holding(Some(good)));
            }
        });
    }

    /// Keeps what is in force, or is about to be, for the next start.
    fn remember(&mut self, snapshot: &Snapshot, confirmed: bool) {
        let Some(kept) = self.state.as_mut().filter(|_| snapshot.is_ready()) else { return };
        // First, since what is there no more is to be made again whatever is in force.
        if !kept.has_lost_any() && self.remembered == Some(snapshot.generation()) {
            return kept.discard();
        }
        let all: Vec<InForce<'_>> = (self.states.iter().zip(&self.sources))
            .flat_map(|(state, source)| {
                // What a file was is copied from its copy before that is replaced.
                let files = state.away.iter().chain(&state.files);
                let is_lost = state.is_lost();
                files.filter_map(move |file| {
                    // What has come into the place of what is lost is not to be taken for it at the next start.
                    let hash = |hash: Option<ContentHash>| hash.filter(|_| !is_lost);
                    in_force(file, source).map(|one| InForce { hash: hash(one.hash), ..one })
                })
            })
            .collect();
        let all = kept.save(&all, confirmed);
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
                let known: Vec<_> = scan.files.iter().chain(&scan.gone).chain(&scan.away).cloned().collect();
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
        states: Vec<State>,
        missing: Vec<MissingSource>,
        confirmed: bool,
    ) -> Arc<Snapshot> {
        if !before.is_ready() && states.iter().any(|state| state.is_unlisted) {
            // Half a load would set the names of the other half free.
            self.states = states;
            if before.missing() == missing {
                return Arc::clone(before);
            }
            let nothing = Snapshot::before_first_load(self.options.homeserver.clone(), missing);
            self.live.swap(Arc::new(nothing));
            return self.live.load_full();
        }
        let files = self.with_what_is_held(before, &states, confirmed);
        let candidates: Vec<Candidate<'_>> = files.iter().flatten().map(TakingPart::candidate).collect();
        let next = before.next(&candidates, missing, self.options.clock.wall());
        let after = next.map_or_else(|| Arc::clone(before), Arc::new);
        let mut records = after.files().iter();
        let with_held = |(state, files): (State, &Vec<TakingPart>)| {
            let files = files.iter().zip(&mut records);
            state.with(files.map(|(file, record)| holding(&file.known, record)).collect())
        };
        self.states = states.into_iter().zip(&files).map(with_held).collect();
        if !Arc::ptr_eq(before, &after) {
            // First, so that a service killed at any moment starts with what was in force.
            self.remember(&after, confirmed);
            self.live.swap(Arc::clone(&after));
            self.retired.push_back(Arc::clone(before));
            if self.retired.len() > RETIRED {
                self.retired.pop_front();
            }
        }
        after
    }

    /// All files that take part, by source, with what is held of them.
    fn with_what_is_held(&mut self, before: &Snapshot, states: &[State], confirmed: bool) -> Vec<Vec<TakingPart>> {
        let mut files: Vec<Vec<Arc<Known>>> = states.iter().map(State::taking_part).collect();
        let gone: Vec<(usize, &Arc<Known>, &Good)> = (states.iter().enumerate())
            .flat_map(|(source, state)| state.gone().map(move |known| (source, known)))
            .filter_map(|(source, known)| Some((source, known, known.held.as_ref()?)))
            .collect();
        let held = {
            let candidates: Vec<Candidate<'_>> = files.iter().flatten().map(|file| file.candidate()).collect();
            let goods: Vec<&Good> = gone.iter().map(|(_, _, good)| *good).collect();
            let terms = hold::Terms { grace: self.options.hold, now: self.options.clock.now(), confirmed };
            self.holds.look(before, &candidates, &goods, terms)
        };
        self.metrics.released(held.released);
        let Held { mut extended, whole, former, .. } = held;
        let mut instead: HashMap<Arc<str>, Good> = HashMap::new();
        let formers = former.into_iter().filter_map(|(at, (held, good))| Some((source_of(&files, at)?, held, good)));
        let formers: Vec<_> = formers.collect();
        for (at, good) in whole {
            let (source, known, _) = gone[at];
            instead.insert(Arc::clone(&known.file), good);
            settle::put_back(&mut files[source], known);
        }
        for (source, known, good) in formers {
            // After a restart, a copy may tell of it already.
            if instead.insert(Arc::clone(&known.file), good).is_none() {
                settle::put_back(&mut files[source], &known);
            }
        }
        // Counts the files that are not gone.
        let mut at = 0..;
        let mut taking_part = |known: Arc<Known>| {
            let gone = known.absence == Some(Absence::Gone);
            let good = if gone { instead.remove(&known.file) } else { at.next().and_then(|at| extended.remove(&at)) };
            TakingPart { known, instead: good }
        };
        files.into_iter().map(|files| files.into_iter().map(&mut taking_part).collect()).collect()
    }
}

/// Of which source a file is, by its position among all.
fn source_of(files: &[Vec<Arc<Known>>], at: usize) -> Option<usize> {
    let mut before = 0;
    files.iter().position(|files| {
        before += files.len();
        at < before
    })
}

/// A file that asks to be in force.
#[derive(Debug)]
struct TakingPart {
    known: Arc<Known>,
    /// What it asks for instead of what it says, because some of it is held.
    instead: Option<Good>,
}

impl TakingPart {
    fn candidate(&self) -> Candidate<'_> {
        let candidate = self.known.candidate();
        Candidate { offered: self.instead.as_ref().map_or(candidate.offered, Ok), ..candidate }
    }
}

/// What is in force of a file, as it is to be kept.
fn in_force<'f>(file: &'f Known, source: &'f Source) -> Option<InForce<'f>> {
    let held = file.held.as_ref()?;
    let (hash, more) = match (&held.holding, &file.offered) {
        (None, _) => (Some(held.hash), Vec::new()),
        (Some(holding), Ok(offered)) if offered.hash == holding.beside => (Some(offered.hash), holding.claims.clone()),
        // There are no bytes of it any more: the copy that is there is of what it was made of.
        (Some(_), _) => (None, Vec::new()),
    };
    let formerly = file.formerly.as_ref();
    Some(InForce { file: &file.file, hash, more, version: file.version(), formerly, source })
}

/// A file with what it has in force now.
fn holding(file: &Arc<Known>, record: &FileRecord) -> Arc<Known> {
    let same = match (&file.held, record.good()) {
        (Some(held), Some(good)) => Arc::ptr_eq(&held.registration, &good.registration),
        (None, None) => true,
        _ => false,
    };
    if same { Arc::clone(file) } else { Arc::new(file.holding(record.good().cloned())) }
}

/// What is known of each source at first: what was in force of it before the service was started.
fn recalled_by(sources: &[Source], copies: Vec<(Arc<str>, Good)>) -> Vec<State> {
    let mut files = vec![Vec::new(); sources.len()];
    for (file, good) in copies {
        // What belongs to no source any more is held like what is gone.
        let source = sources.iter().position(|source| source.could_list(&file)).unwrap_or(0);
        if let Some(files) = files.get_mut(source) {
            files.push(Arc::new(Known::recalled(file, good)));
        }
    }
    files.into_iter().map(State::recalled).collect()
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
