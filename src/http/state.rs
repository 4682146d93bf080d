use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;

use super::decision_record::{DecisionId, Input, Recorder};
use super::error::ApiError;
use super::healthz::Ailing;
use super::memory::Memory;
use super::requests::HttpMetrics;
use super::reserved::ReservedNames;
use super::turns::Turns;
use super::waiters::Waiters;
use super::workers::Workers;
use super::{Access, Aside, Caller, Doors};
#[cfg(feature = "postgres")]
use crate::analysis::MAX_JUDGEMENTS;
use crate::analysis::{Comparer, MAX_QUESTIONS};
use crate::pulse::Pulse;
use crate::registration::TokenHasher;
use crate::reload::{Analyst, Elsewhere, Reloader};
use crate::ruling::Decision;
use crate::snapshot::{Live, Snapshot};
use crate::telemetry::Metrics;

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// The most IDs in one request.
    pub ids: usize,
    /// How long a request may take, its body included.
    pub request: Duration,
    /// What all bodies that come may take together, in bytes, and what all answers that go may.
    pub in_flight_bytes: usize,
    /// How many requests may wait for a change at a time.
    pub waiters: usize,
}

/// One change wakes all who wait, and whoever asks something else meanwhile stands behind their answers. By a debug build on
/// a machine with a load of 36, 1,000 were answered within 0.2 s of the first, and nobody else waited for more than 0.17 s;
/// 4,096 took 2.6 s, and others waited for many. Each takes 19 KiB.
const MAX_WAITERS: usize = 1_024;

/// Metrics and the contract may take one part in so many of what all other answers may: some hundred of them at a time.
const SHARE_OF_ANYBODY: usize = 8;

impl Default for Limits {
    /// 10,000 IDs, and a body that holds as many of 255 bytes each with room to spare; 16 such bodies at a time.
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            ids: 10_000,
            request: Duration::from_secs(30),
            in_flight_bytes: 64 << 20,
            waiters: MAX_WAITERS,
        }
    }
}

/// What is decided while some service's claims are not known, because its file has never loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum WhenIncomplete {
    /// What the others claim, with `complete` false.
    #[default]
    Answer,
    /// That nobody may have what nobody is known to hold.
    Refuse,
}

/// What every handler works with.
#[derive(Debug)]
pub struct AppState {
    pub(super) live: Arc<Live>,
    pub(super) reloader: Reloader,
    pub(super) analyst: Arc<Analyst>,
    pub(super) comparer: Arc<Comparer>,
    /// Where what takes longer than a moment is done.
    pub(super) aside: Arc<Aside>,
    /// Who may begin a check.
    pub(super) checks: Arc<Turns>,
    /// Where the store is changed, if there is one.
    #[cfg(feature = "postgres")]
    pub(super) gate: Option<Arc<crate::store::Gate>>,
    /// Who may change it.
    #[cfg(feature = "postgres")]
    pub(super) changes: Arc<Turns>,
    /// Who may have the files read again for other homeservers.
    pub(super) walks: Arc<Turns>,
    /// Whose turn it is to have a registration checked for several homeservers, which takes a place of both.
    pub(super) several_checks: Arc<Turns>,
    /// What reads them; without it nothing is known of others.
    pub(super) elsewhere: Option<Arc<Elsewhere>>,
    pub(super) metrics: HttpMetrics,
    /// All metrics, to be shown.
    pub(super) registry: Metrics,
    /// The hasher that the registrations' tokens were digested with.
    pub(super) hasher: TokenHasher,
    pub(super) limits: Limits,
    /// For bodies that come.
    pub(super) bodies: Memory,
    /// For answers that go.
    pub(super) answers: Memory,
    /// For those that go to anybody, so that who bears no token takes nothing from those who do.
    pub(super) answers_to_anybody: Memory,
    /// Who may ask; anybody without it.
    pub(super) access: Option<Arc<Access>>,
    /// Whose pages may ask.
    pub(super) doors: Doors,
    when_incomplete: WhenIncomplete,
    /// What puts decisions on record, if anything does.
    recorder: Option<Recorder>,
    /// Requests that wait for something to happen.
    pub(super) waiters: Waiters,
    /// What the homeserver has loaded, as it says itself.
    pub(super) workers: Workers,
    /// What neighbours were told last.
    pub(super) reserved: ReservedNames,
    /// The threads that matter.
    pulses: Vec<Arc<Pulse>>,
}

impl AppState {
    /// Takes what a reloader keeps up to date.
    #[must_use]
    pub fn new(
        reloader: Reloader,
        analyst: Arc<Analyst>,
        comparer: Arc<Comparer>,
        aside: Arc<Aside>,
        registry: Metrics,
        hasher: TokenHasher,
        limits: Limits,
    ) -> Self {
        let checks = Turns::new(MAX_QUESTIONS);
        let walks = Turns::new(1);
        let several_checks = Turns::new(1);
        let metrics = HttpMetrics::register(&registry);
        let live = reloader.live();
        let waiters = Waiters::register(&registry, limits.waiters);
        let workers = Workers::register(&registry);
        Self {
            live,
            reloader,
            analyst,
            comparer,
            aside,
            checks,
            walks,
            several_checks,
            elsewhere: None,
            #[cfg(feature = "postgres")]
            gate: None,
            #[cfg(feature = "postgres")]
            changes: Turns::new(MAX_JUDGEMENTS),
            metrics,
            registry,
            hasher,
            limits,
            bodies: Memory::of(limits.in_flight_bytes),
            answers: Memory::of(limits.in_flight_bytes),
            answers_to_anybody: Memory::of(limits.in_flight_bytes / SHARE_OF_ANYBODY),
            access: None,
            doors: Doors::default(),
            when_incomplete: WhenIncomplete::default(),
            recorder: None,
            waiters,
            workers,
            reserved: ReservedNames::default(),
            pulses: Vec::new(),
        }
    }

    /// Whether what is in force is that of a revision of the store, or of a later one.
    pub(super) fn has_come_to(&self, least: u64) -> Result<(), ApiError> {
        let snapshot = self.live.load();
        match snapshot.revision_there() {
            Some(revision) if revision >= least => Ok(()),
            Some(revision) => Err(ApiError::behind(revision)),
            None if snapshot.revision().is_some() => Err(ApiError::of_another_store()),
            None => Err(ApiError::no_revision()),
        }
    }

    /// Lets only those ask who bear a token.
    #[must_use]
    pub fn guarded_by(mut self, access: Option<Arc<Access>>) -> Self {
        self.access = access;
        self
    }

    /// Takes where the store is changed from which the registrations come.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn with_gate(mut self, gate: Option<crate::store::Gate>) -> Self {
        self.gate = gate.map(Arc::new);
        if let Some(gate) = &self.gate {
            gate.show(&self.registry);
        }
        self
    }

    /// Tells by this what other homeservers would answer.
    #[must_use]
    pub fn with_elsewhere(mut self, elsewhere: Elsewhere) -> Self {
        self.elsewhere = Some(Arc::new(elsewhere));
        self
    }

    /// Lets web pages ask as these doors say; without them, only pages of its own may send anything.
    #[must_use]
    pub fn behind(mut self, doors: Doors) -> Self {
        self.doors = doors;
        self
    }

    /// Decides so while some service's claims are not known.
    #[must_use]
    pub const fn when_incomplete(mut self, when_incomplete: WhenIncomplete) -> Self {
        self.when_incomplete = when_incomplete;
        self
    }

    /// Puts decisions on record.
    #[must_use]
    pub fn recorded_by(mut self, recorder: Option<Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Answers for the health of these threads.
    #[must_use]
    pub fn with_pulses(mut self, pulses: Vec<Arc<Pulse>>) -> Self {
        self.pulses = pulses;
        self
    }

    /// The threads that are not well.
    pub(super) fn ailing(&self) -> Vec<Ailing> {
        self.pulses.iter().filter_map(|pulse| pulse.ailment()).map(Ailing::from).collect()
    }

    /// The snapshot in force, to be taken once a request; an error before the first load, when nobody's names are
    /// known.
    pub(super) fn snapshot(&self) -> Result<Guard<Arc<Snapshot>>, ApiError> {
        let snapshot = self.live.load();
        if snapshot.is_ready() { Ok(snapshot) } else { Err(ApiError::not_ready()) }
    }

    /// The snapshot in force, ready or not.
    pub(super) fn snapshot_ready_or_not(&self) -> Guard<Arc<Snapshot>> {
        self.live.load()
    }

    /// Whether all that nobody is known to hold is refused now, for want of some service's claims.
    pub(super) fn refuses(&self, lacks_claims: bool) -> bool {
        lacks_claims && self.when_incomplete == WhenIncomplete::Refuse
    }

    /// Answers all who wait for something to happen, and lets nobody wait from now on: the service is told to stop.
    pub fn end_waiting(&self) {
        self.waiters.end();
        self.reloader.end_waiting();
        #[cfg(feature = "postgres")]
        if let Some(gate) = &self.gate {
            gate.end_waiting();
        }
    }

    /// A decision has been made for a caller: the one place that hears of every decision, and the one that says what
    /// becomes of it while claims are missing, and what it is called on record, if it is put there.
    pub(super) fn decided<'s>(
        &self,
        caller: Caller,
        input: &Input<'_>,
        snapshot: &Snapshot,
        decision: Decision<'s>,
    ) -> (Decision<'s>, Option<DecisionId>) {
        let decision =
            if self.refuses(snapshot.lacks_claims()) { decision.when_claims_are_missing() } else { decision };
        self.metrics.decision(decision.reason);
        self.metrics.step_limits(decision.claims.iter().filter(|claim| claim.step_limit).count());
        tracing::trace!(role = ?caller.role, reason = decision.reason.as_str(), allowed = decision.allowed, "decided");
        let recorder = self.recorder.as_ref();
        let id = recorder.and_then(|recorder| recorder.record(caller, input, (snapshot, &self.hasher), &decision));
        (decision, id)
    }
}
