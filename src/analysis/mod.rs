//! Findings: what registrations do to each other, computed on the languages of their regexes.
//!
//! A language is a term of an extended regular expression (`term`), with intersection and complement, so that what is left
//! of an entry after the earlier ones of its file, look-around, and "IDs of this server" are terms like all others. A
//! breadth-first search through derivatives (`search`) finds a shortest member, or that there is none; it stops at a limit
//! and then says so. Which entries are compared at all is told by their literal prefixes (`candidates`), so that the cost
//! grows with the findings. What one registration may cost is limited, since strangers write them (`budget`). After a
//! change, only pairs with a registration that is new are compared again.

mod budget;
mod candidates;
mod comparer;
mod deadline;
mod difference;
mod finding;
mod glob;
mod join;
mod language;
mod metrics;
mod pair;
mod prepared;
mod search;
mod single;
mod term;
mod universe;
mod whole;

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Memory};

use rayon::prelude::*;

pub use comparer::{Asked, Comparer};
pub use deadline::{Deadline, Waiter};
pub use difference::{Change, ChangeKind};
pub use finding::{Code, Finding, FindingPlace, Relation, Severity, WitnessIs};
pub use metrics::AnalysisMetrics;

use budget::MAX_STEPS_OF_ONE;
use candidates::Pairs;
use pair::{Compared, TooLate};
use prepared::Prepared;
use single::Examiner;

use crate::registration::Registration;
use crate::ruling::Services;

/// The findings for a set of registrations, and what makes the next ones cheap.
#[derive(Debug, Default)]
pub struct Analysis {
    /// The gravest first, then by code and place.
    pub findings: Vec<Arc<Finding>>,
    prepared: Vec<Arc<Prepared>>,
    collisions: HashMap<(Key, Key), Vec<Arc<Finding>>>,
    /// How many pairs of entries of two registrations were not compared, and of which of the two that is said.
    left: HashMap<(Key, Key), (Key, u64)>,
}

/// A registration, by where it is in memory; the analysis keeps it alive.
type Key = usize;

fn key(registration: &Arc<Registration>) -> Key {
    Arc::as_ptr(registration) as Key
}

impl Analysis {
    /// Analyses a set; what is the same `Arc` as in `previous` is not analysed again. What is not decided at the deadline
    /// is said to be undecided.
    fn new(services: &Services, previous: &Self, deadline: &Deadline) -> Self {
        let prepared = prepare(services, previous, deadline);
        let known: HashSet<Key> = previous.prepared.iter().map(|one| key(&one.registration)).collect();
        let is_known: Vec<bool> = prepared.iter().map(|one| known.contains(&key(&one.registration))).collect();
        let new = |a: u32, b: u32| !(is_known[a as usize] && is_known[b as usize]);
        let Pairs { found: pairs, mut left } = candidates::pairs(&prepared, new);
        let mut collisions = kept(&prepared, &previous.collisions);
        let spent: Vec<AtomicU64> = prepared.iter().map(|_| AtomicU64::new(0)).collect();
        let compared: Vec<_> = pairs
            .par_iter()
            .with_min_len(8)
            .map_init(
                || Examiner::new(services.homeserver(), deadline),
                |examiner, &(a, b)| {
                    let spent = [a, b].map(|(service, _)| &spent[service as usize]);
                    if examiner.is_spent() || spent.iter().any(|spent| spent.load(Memory::Relaxed) > MAX_STEPS_OF_ONE) {
                        return Err(TooLate);
                    }
                    let one = |(service, entry): (u32, u32)| {
                        let prepared = &*prepared[service as usize];
                        Compared::new(&prepared.registration, &prepared.entries, entry as usize)
                    };
                    let before = examiner.arena.steps();
                    let collision = examiner.collision(one(a), one(b));
                    let steps = examiner.arena.steps() - before;
                    for spent in spent {
                        spent.fetch_add(steps, Memory::Relaxed);
                    }
                    collision.map(|finding| finding.map(Arc::new))
                },
            )
            .collect();
        let of = |service: u32| key(&prepared[service as usize].registration);
        for (&(a, b), finding) in pairs.iter().zip(compared) {
            match finding {
                Ok(finding) => collisions.entry((of(a.0), of(b.0))).or_default().extend(finding),
                Err(TooLate) => *left.entry((a.0, b.0)).or_default() += 1,
            }
        }
        collisions.retain(|_, findings| !findings.is_empty());
        let left_of = |(a, b): (u32, u32)| {
            // Whoever is new is told, or else whoever has more entries.
            let rank = |at: u32| (!is_known[at as usize], prepared[at as usize].entries.len());
            of(if rank(b) > rank(a) { b } else { a })
        };
        let new_left = left.into_iter().map(|(pair, count)| ((of(pair.0), of(pair.1)), (left_of(pair), count)));
        let mut left = kept(&prepared, &previous.left);
        left.extend(new_left);
        let mut findings: Vec<Arc<Finding>> = collisions.values().flatten().cloned().collect();
        findings.extend(prepared.iter().flat_map(|one| &one.findings).cloned());
        findings.extend(whole::findings(services, &prepared, deadline).into_iter().map(Arc::new));
        findings.extend(unseen(&prepared, &left).into_iter().map(Arc::new));
        findings.par_sort_by(|a, b| order(a, b));
        Self { findings, prepared, collisions, left }
    }
}

fn prepare(services: &Services, previous: &Analysis, deadline: &Deadline) -> Vec<Arc<Prepared>> {
    let known: HashMap<Key, &Arc<Prepared>> =
        previous.prepared.iter().map(|one| (key(&one.registration), one)).collect();
    services
        .registrations()
        .par_iter()
        .with_min_len(64)
        .map_init(
            || Examiner::new(services.homeserver(), deadline),
            |examiner, registration| match known.get(&key(registration)) {
                Some(&known) => Arc::clone(known),
                None => Arc::new(Prepared::new(examiner, registration)),
            },
        )
        .collect()
}

/// What is known of two registrations that are both still there, in the same order.
fn kept<T: Clone>(prepared: &[Arc<Prepared>], previous: &HashMap<(Key, Key), T>) -> HashMap<(Key, Key), T> {
    let position: HashMap<Key, usize> =
        prepared.iter().enumerate().map(|(at, one)| (key(&one.registration), at)).collect();
    let there = |(a, b): &(Key, Key)| position.contains_key(a) && position.contains_key(b);
    previous.iter().filter(|(pair, _)| there(pair)).map(|(pair, found)| (*pair, found.clone())).collect()
}

/// One finding for each registration in which not all was looked at.
fn unseen(prepared: &[Arc<Prepared>], left: &HashMap<(Key, Key), (Key, u64)>) -> Vec<Finding> {
    let mut pairs: HashMap<Key, u64> = HashMap::new();
    for (key, count) in left.values() {
        *pairs.entry(*key).or_default() += count;
    }
    let of = |one: &Arc<Prepared>| {
        let mut unseen = one.unseen;
        unseen.pairs += pairs.get(&key(&one.registration)).copied().unwrap_or(0);
        unseen.finding(&one.registration)
    };
    prepared.iter().filter_map(of).collect()
}

/// By what findings are sorted.
fn order(a: &Finding, b: &Finding) -> Ordering {
    let place = |place: &FindingPlace| (place.line, place.column);
    let by_places = || {
        let places = a.places.iter().zip(&b.places);
        let mut each = places.map(|(a, b)| a.file.cmp(&b.file).then_with(|| place(a).cmp(&place(b))));
        each.find(|order| order.is_ne()).unwrap_or_else(|| a.places.len().cmp(&b.places.len()))
    };
    (a.severity, a.code).cmp(&(b.severity, b.code)).then_with(by_places)
}

impl AsRef<Prepared> for Prepared {
    fn as_ref(&self) -> &Self {
        self
    }
}
