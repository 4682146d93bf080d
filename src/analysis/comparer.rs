use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuildError};

use super::limits::{Unseen, listed};
use super::{
    Analysis, Change, Deadline, Finding, PlaceOf, Promise, Proof, Reading, Reserved, Set, Told, bridge, difference,
    fix, newcomer, portability, promise, reserved,
};
use crate::list::List;
use crate::matrix::Kind;
use crate::priority::{self, Rank};
use crate::registration::{BridgeConfig, Registration};
use crate::ruling::Services;
use python_re::Pattern;

/// So many questions are worked at at once, each by one thread, so that what they take together does not grow with the
/// machine: two arenas of terms, of at most 24 MiB each and what one derivative adds (`examiner`).
pub const MAX_QUESTIONS: usize = 2;

/// So many changes to a store are judged at once: one that takes all of its time keeps no other from being judged, and one alone would
/// have the database wait for each judgement. Each takes as much memory as a question. Chosen by reasoning: a change is
/// written in as long as it takes to judge one or two, and its answer waits for the look that puts it in force.
pub const MAX_JUDGEMENTS: usize = 4;

/// The only way to compute findings: on threads of its own, so that comparing holds up neither those that answer nor
/// those that load.
///
/// What a reload gives rise to and what somebody asks are computed on different threads, so that neither waits for the
/// other: the first may take a minute, the second is waited for. What decides whether a registration is let into a store has
/// threads of its own, too, lest whoever may only ask make that longer; and so has what is judged while nobody else can change anything.
#[derive(Debug)]
pub struct Comparer {
    reloads: ThreadPool,
    questions: ThreadPool,
    judgements: ThreadPool,
    locked: ThreadPool,
}

impl Comparer {
    /// Starts the threads.
    pub fn new() -> Result<Self, ThreadPoolBuildError> {
        Ok(Self {
            reloads: priority::pool(Rank::Compare, "compare").build()?,
            questions: priority::pool(Rank::Compare, "check").num_threads(MAX_QUESTIONS).build()?,
            judgements: priority::pool(Rank::Compare, "judge").num_threads(MAX_JUDGEMENTS).build()?,
            locked: priority::pool(Rank::Compare, "judge-locked").num_threads(1).build()?,
        })
    }

    /// The findings for a set; what is the very same as in `previous` is not analysed again.
    #[must_use]
    pub fn analyse(&self, set: &Set<'_>, previous: &Analysis, deadline: &Deadline) -> Analysis {
        self.reloads.install(|| {
            let mut analysis = Analysis::new(set, previous, deadline);
            fix::mend(set.services(), &mut analysis, deadline);
            analysis
        })
    }

    /// The same without looking for what may be done about what is found, for whoever wants to know whether anything is.
    #[must_use]
    pub fn compare(&self, set: &Set<'_>, previous: &Analysis, deadline: &Deadline) -> Analysis {
        self.reloads.install(|| Analysis::new(set, previous, deadline))
    }

    /// All findings of an analysis, written out.
    #[must_use]
    pub fn written(&self, analysis: &Analysis) -> Vec<Arc<Finding>> {
        self.reloads.install(|| analysis.findings.to_vec())
    }

    /// Which IDs change hands from one set to another.
    #[must_use]
    pub fn difference(&self, old: &Services, new: &Services) -> Vec<Change> {
        self.reloads.install(|| difference::difference(old, new))
    }

    /// What homeservers do not agree on.
    #[must_use]
    pub fn portability(&self, readings: &[Reading<'_>], deadline: &Deadline) -> Vec<Arc<Finding>> {
        self.reloads.install(|| portability::findings(readings, deadline))
    }

    /// On what a bridge's own configuration and its registration do not agree.
    #[must_use]
    pub fn bridge(&self, services: &Services, config: &BridgeConfig, place_of: PlaceOf<'_>) -> Vec<Arc<Finding>> {
        let findings = || bridge::findings(services.homeserver(), services.registrations(), config, place_of);
        self.reloads.install(findings).into_iter().map(Arc::new).collect()
    }

    /// The names that are held exclusively, as neighbours are told.
    #[must_use]
    pub fn reserved(&self, services: &Services, told: Told, deadline: &Deadline) -> Reserved {
        self.reloads.install(|| reserved::reserved(services, told, deadline))
    }

    /// Whether something holds of all IDs of a kind that a regex matches as a whole.
    #[must_use]
    pub fn prove(&self, services: &Services, kind: Kind, regex: &Pattern, promise: Promise<'_>) -> Proof {
        self.reloads.install(|| promise::prove(services, kind, regex, promise))
    }

    /// Does what somebody has asked for on one of the threads that are there for that.
    pub fn ask<T: Send>(&self, question: impl FnOnce(&Asked) -> T + Send) -> T {
        self.questions.install(|| question(&Asked(())))
    }

    /// The same on the threads for what decides, which wait for no question.
    pub fn judge<T: Send>(&self, question: impl FnOnce(&Asked) -> T + Send) -> T {
        self.judgements.install(|| question(&Asked(())))
    }

    /// The same for whoever holds a lock meanwhile, and does not wait for the judgements of those who hold none.
    pub fn judge_locked<T: Send>(&self, question: impl FnOnce(&Asked) -> T + Send) -> T {
        self.locked.install(|| question(&Asked(())))
    }
}

/// Shows that a question is being worked at by a thread for questions.
#[derive(Debug)]
pub struct Asked(());

impl Asked {
    /// The findings in which a new registration would have a part in a set that would then be in force, in place of
    /// `services`. What is the very same as in `previous` is not analysed again, no index is built, and nothing is kept. They are
    /// one of so many `answers` that share what is listed.
    #[must_use]
    pub fn newcomer(
        &self,
        services: &Services,
        previous: &Analysis,
        (new, set): (&Registration, &List<Registration>),
        answers: usize,
        deadline: &Deadline,
    ) -> Vec<Arc<Finding>> {
        let found = newcomer::findings(services, previous, (new, set), answers, deadline);
        fix::mended_of_newcomer(services, previous, set, (new, found), deadline)
    }

    /// What homeservers do not agree on in a file, as one of so many `answers`.
    #[must_use]
    pub fn portability(&self, readings: &[Reading<'_>], answers: usize, deadline: &Deadline) -> Vec<Arc<Finding>> {
        let mut findings = portability::findings(readings, deadline);
        let unseen = Unseen { unlisted: listed(&mut findings, answers), ..Unseen::default() };
        let mut read = readings.iter().flat_map(|reading| &reading.files).filter_map(|(_, read)| read.ok());
        findings.extend(read.next().and_then(|registration| unseen.finding(registration)).map(Arc::new));
        findings
    }

    /// The names that are held exclusively, as neighbours are told; what is not found out at the deadline is inexact.
    #[must_use]
    pub fn reserved(&self, services: &Services, told: Told, deadline: &Deadline) -> Reserved {
        reserved::reserved(services, told, deadline)
    }
}
