use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::log;
use crate::analysis::{Analysis, AnalysisMetrics, Comparer, Deadline, Finding, FindingPlace};
use crate::pulse::Pulse;
use crate::snapshot::{Live, Snapshot};
use crate::telemetry::Metrics;

/// A set whose findings are not all decided after this time is reported with those that are.
const ANALYSIS_DEADLINE: Duration = Duration::from_secs(60);
/// How much later than it wanted to the thread may be done: what is being compared when the time is over is compared to
/// its end, on a machine that may be busy, and findings that are late are no reason to start a service anew soon.
const LATENESS: Duration = Duration::from_secs(600);
/// How often the thread looks whether it is still wanted.
const TURN: Duration = Duration::from_secs(1);

/// The findings for a snapshot.
#[derive(Debug)]
pub struct Found {
    /// The snapshot that they are for.
    pub snapshot: Arc<Snapshot>,
    /// What was found.
    pub analysis: Analysis,
}

/// The thread that computes findings after each swap, off the threads that answer.
///
/// Findings are never in the way of a snapshot: names are guarded as soon as they are loaded, and what is to be said
/// about them follows.
#[derive(Debug)]
pub struct Analyst {
    latest: watch::Sender<Option<Arc<Found>>>,
    pulse: Arc<Pulse>,
}

impl Analyst {
    /// Starts the thread. It ends when the last handle is dropped.
    pub fn start(live: Arc<Live>, comparer: Arc<Comparer>, metrics: &Metrics) -> std::io::Result<Arc<Self>> {
        let metrics = AnalysisMetrics::register(metrics);
        let analyst = Arc::new(Self { latest: watch::Sender::new(None), pulse: Pulse::new("findings") });
        let weak = Arc::downgrade(&analyst);
        std::thread::Builder::new()
            .name("findings".to_owned())
            .spawn(move || run(&weak, &live, &metrics, &comparer))?;
        Ok(analyst)
    }

    /// The thread's signs of life: something is finished with every comparison.
    #[must_use]
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// The latest findings; `None` before the first are there.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Found>> {
        self.latest.borrow().clone()
    }

    /// The first findings for a generation or a later one: those that are there, or the next. Never ends when none
    /// follow, so that whoever waits says for how long.
    pub async fn found_for(&self, generation: u64) -> Option<Arc<Found>> {
        let fits =
            |found: &Option<Arc<Found>>| found.as_ref().is_some_and(|found| found.snapshot.generation() >= generation);
        let mut told = self.latest.subscribe();
        let found = told.wait_for(fits).await.ok()?;
        found.clone()
    }
}

fn run(analyst: &Weak<Analyst>, live: &Live, metrics: &AnalysisMetrics, comparer: &Comparer) {
    let Some(pulse) = analyst.upgrade().map(|analyst| analyst.pulse()) else { return };
    let alive = pulse.life();
    let mut seen = 0;
    while let Some(analyst) = analyst.upgrade() {
        pulse.expects(TURN + LATENESS);
        let swaps = live.wait(seen, TURN);
        if swaps == seen {
            continue;
        }
        seen = swaps;
        let snapshot = live.load_full();
        if !snapshot.is_ready() {
            continue;
        }
        let began = Instant::now();
        pulse.expects(ANALYSIS_DEADLINE + LATENESS);
        let previous = analyst.latest();
        let analysed = catch_unwind(AssertUnwindSafe(|| {
            let nothing = Analysis::default();
            let previous = previous.as_ref().map_or(&nothing, |found| &found.analysis);
            let mut analysis = comparer.analyse(&snapshot.set(), previous, &Deadline::after(ANALYSIS_DEADLINE));
            leave_out_what_is_held(&mut analysis, &snapshot);
            analysis
        }));
        match analysed {
            Ok(analysis) => {
                pulse.finished();
                metrics.found(&analysis.findings, began.elapsed());
                let earlier = previous.as_ref().map(|found| &found.analysis);
                log::compared(earlier, &analysis, &snapshot, began.elapsed());
                analyst.latest.send_replace(Some(Arc::new(Found { snapshot, analysis })));
            }
            Err(_) => {
                pulse.failed();
                tracing::error!("the comparison has failed, which is a defect of bailiwick; answers are not affected");
            }
        }
    }
    alive.end();
}

/// Findings are about what files say, for whoever can mend them there. What is held answers, and is in no file any more: that
/// an entry of before the edit covers the one that has come for it is true for a minute and nobody's mistake.
fn leave_out_what_is_held(analysis: &mut Analysis, snapshot: &Snapshot) {
    if snapshot.counts().held == 0 {
        return;
    }
    let (mut gone, mut entries, mut of) = (HashSet::new(), HashSet::new(), Vec::new());
    for record in snapshot.files() {
        let Some(holding) = record.good().and_then(|good| good.holding.as_ref()) else { continue };
        let file = record.file();
        of.extend(record.registration());
        if holding.is_whole() {
            gone.insert(file);
        }
        entries.extend(holding.positions().map(|(kind, at)| (file, kind, at)));
    }
    let is_held = |finding: &Finding, place: &FindingPlace| {
        let entry = finding.kind.zip(place.index).map(|(kind, index)| (&*place.file, kind, index as usize));
        gone.contains(&*place.file) || entry.is_some_and(|entry| entries.contains(&entry))
    };
    let is_left_out = |finding: &Finding| finding.places.iter().any(|place| is_held(finding, place));
    analysis.leave_out(snapshot.services(), &of, is_left_out);
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::snapshot::{MissingSource, Problem};

    #[tokio::test]
    async fn a_task_waits_for_the_findings_about_a_generation() {
        let nothing = Snapshot::before_first_load("example.com".parse().expect("a server name"), Vec::new());
        let empty =
            |snapshot: &Snapshot, missing| snapshot.next(&[], missing, None, SystemTime::now()).expect("another");
        let first = Arc::new(empty(&nothing, Vec::new()));
        let live = Arc::new(Live::new(nothing));
        let comparer = Arc::new(Comparer::new().expect("threads"));
        let analyst = Analyst::start(Arc::clone(&live), comparer, &Metrics::new()).expect("a thread");
        assert!(analyst.latest().is_none());
        live.swap(Arc::clone(&first));
        let within = Duration::from_secs(60);
        let found = tokio::time::timeout(within, analyst.found_for(1)).await.expect("it is told");
        assert_eq!(found.expect("findings").snapshot.generation(), 1);
        let problem = Problem { what: "gone".to_owned(), meanwhile: "nothing is loaded".to_owned() };
        let gone = MissingSource { source: "directory".to_owned(), problem, lacks_claims: false, is_another: false };
        live.swap(Arc::new(empty(&first, vec![gone])));
        let found = tokio::time::timeout(within, analyst.found_for(2)).await.expect("it is told");
        assert_eq!(found.expect("findings").snapshot.generation(), 2);
    }
}
