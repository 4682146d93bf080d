//! Findings: what registrations do to each other, computed on the languages of their regexes.
//!
//! # From registrations to findings
//!
//! 1. Each registration is looked at by itself (`prepared`): each entry's literal prefixes, how far it reaches (`reach`),
//!    what is wrong with it (`entry`, `dead`, `glob`), which entries of the file hide others (`shadow`), what the file
//!    itself gives rise to (`file`).
//! 2. Which entries of different services can meet is told by their prefixes (`candidates`): of five billion pairs of a
//!    hundred thousand entries a few thousand are left.
//! 3. Those are held against each other (`pair`): is there an ID that both claim, and how do they lie to each other?
//! 4. What takes more than two entries is looked for in the whole set (`across`, `join`).
//!
//! A question about a language is a term with intersection and complement (`term`), made from a pattern by `language`, and
//! answered by a search through derivatives (`search`). What an [`Examiner`] finds out about shapes that entries share it
//! finds out once.
//!
//! # The way out
//!
//! With a finding goes an edit that ends it, where one is known to be right and is proved (`fix`).
//!
//! # For neighbours
//!
//! The names that services reserve are put in lists and regexes that other software reads, and each is proved (`reserved`).
//!
//! # After a change
//!
//! A registration that is the same `Arc` as before is not looked at again, nor are pairs of two such. What only the whole
//! set tells is computed afresh; that costs about a microsecond a registration. What somebody asks about a registration
//! that is not in the set (`newcomer`) is found out in the same way, without anything being built for it.
//!
//! # What it may cost
//!
//! Strangers write registrations, so all that one may cost is limited, in pairs, steps and bytes that are the same on
//! every machine (`limits`, `search`), and by the [`Deadline`] of whoever waits. What goes beyond is said, in one finding
//! `not-compared` for each registration. Comparing happens on threads of its own: a [`Comparer`] has them, and is the only
//! way to compute findings.

mod across;
mod bridge;
mod candidates;
mod claimed;
mod code;
mod comparer;
mod contests;
mod dead;
mod deadline;
mod difference;
mod entry;
mod examiner;
mod exclusive;
mod file;
mod finding;
mod fix;
mod glob;
mod id_space;
mod join;
mod language;
mod limits;
mod metrics;
mod name;
mod names;
mod newcomer;
mod pair;
mod portability;
mod prepared;
mod promise;
mod reach;
mod reserved;
mod search;
mod set;
mod several;
mod shadow;
mod term;

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Memory};

use rayon::prelude::*;

pub use bridge::PlaceOf;
pub use code::{Code, UnknownCode};
pub use comparer::{Asked, Comparer, MAX_QUESTIONS};
pub use deadline::{Deadline, Waiter};
pub use difference::{Change, ChangeKind};
pub use finding::{Finding, FindingPlace, HomeserverAnswer, Relation, Says, Severity, WitnessIs};
pub use fix::{Fix, FixEdit};
pub use metrics::AnalysisMetrics;
pub use names::{Beginning as NameBeginning, Node as NameNode, Tree as NameTree, prefix_in_tree};
pub use portability::{Read, Reading};
pub use promise::{Promise, Proof, Verdict};
pub use reserved::{Form, Inexact, Reserved, Told};
pub use set::Set;
pub use several::{together, unnamed};

use candidates::{EntryAt, Pairs};
use examiner::Examiner;
use limits::MAX_STEPS_OF_ONE;
use pair::{TooLate, collision};
use prepared::Prepared;

use crate::registration::Registration;

/// The findings for a set of registrations, and what makes the next ones cheap.
#[derive(Debug, Default)]
pub struct Analysis {
    /// The gravest first, then by code and place.
    pub findings: Vec<Arc<Finding>>,
    prepared: Vec<Arc<Prepared>>,
    /// What comes of pairs of entries of two registrations.
    collisions: PerPair<Vec<Arc<Finding>>>,
    /// How many pairs of entries of two registrations were not compared, and of which of the two that is said.
    left: PerPair<(Key, u64)>,
    /// The names as a tree, once somebody has asked.
    names: names::Names,
}

/// A registration, by where it is in memory; the analysis keeps it alive.
type Key = usize;
/// What is known of two registrations, the one earlier in load order first.
type PerPair<T> = HashMap<(Key, Key), T>;

fn key(registration: &Arc<Registration>) -> Key {
    Arc::as_ptr(registration) as Key
}

impl Analysis {
    /// Analyses a set; what is the same `Arc` as in `previous` is not analysed again. What is not decided at the deadline
    /// is said to be undecided.
    fn new(set: &Set<'_>, previous: &Self, deadline: &Deadline) -> Self {
        let prepared = prepare(set, previous, deadline);
        let known = previous.known();
        let is_known: Vec<bool> = prepared.iter().map(|one| known.contains_key(&key(&one.registration))).collect();
        let pairs = candidates::pairs(&prepared, |a, b| !(is_known[a] && is_known[b]));
        let compared = compare(set, &prepared, &pairs.found, deadline);
        let mut collisions = kept(&prepared, &previous.collisions);
        let mut left = kept(&prepared, &previous.left);
        settle(&prepared, &is_known, pairs, compared, &mut collisions, &mut left);
        let mut findings: Vec<Arc<Finding>> = collisions.values().flatten().cloned().collect();
        findings.extend(prepared.iter().flat_map(|one| &one.findings).cloned());
        findings.extend(across::findings(set, &prepared, deadline).into_iter().map(Arc::new));
        findings.extend(unseen(&prepared, &left).into_iter().map(Arc::new));
        findings.par_sort_by(|a, b| order(a, b));
        Self { findings, prepared, collisions, left, names: names::Names::default() }
    }

    /// What is known of registrations by themselves.
    fn known(&self) -> HashMap<Key, &Arc<Prepared>> {
        self.prepared.iter().map(|one| (key(&one.registration), one)).collect()
    }
}

fn prepare(set: &Set<'_>, previous: &Analysis, deadline: &Deadline) -> Vec<Arc<Prepared>> {
    let known = previous.known();
    set.services()
        .registrations()
        .par_iter()
        .with_min_len(64)
        .map_init(
            || Examiner::new(set.services().homeserver(), deadline),
            |examiner, registration| match known.get(&key(registration)) {
                Some(&known) => Arc::clone(known),
                None => Arc::new(Prepared::new(examiner, registration)),
            },
        )
        .collect()
}

/// What came of a pair of entries.
type Compared = Result<Option<Arc<Finding>>, TooLate>;

/// Holds entries against each other, each as long as neither of the two registrations has cost too much.
fn compare(
    set: &Set<'_>,
    prepared: &[Arc<Prepared>],
    pairs: &[(EntryAt, EntryAt)],
    deadline: &Deadline,
) -> Vec<Compared> {
    let spent: Vec<AtomicU64> = prepared.iter().map(|_| AtomicU64::new(0)).collect();
    let compare = |examiner: &mut Examiner<'_>, &(a, b): &(EntryAt, EntryAt)| {
        let spent = [a, b].map(|entry| &spent[entry.service]);
        if examiner.is_spent() || spent.iter().any(|spent| spent.load(Memory::Relaxed) > MAX_STEPS_OF_ONE) {
            return Err(TooLate);
        }
        let [a, b] = [a, b].map(|EntryAt { service, at }| prepared[service].entry(at));
        let before = examiner.steps();
        let collision = collision(examiner, a, b);
        let steps = examiner.steps() - before;
        for spent in spent {
            spent.fetch_add(steps, Memory::Relaxed);
        }
        collision.map(|finding| finding.map(Arc::new))
    };
    let examiner = || Examiner::new(set.services().homeserver(), deadline);
    pairs.par_iter().with_min_len(8).map_init(examiner, compare).collect()
}

/// Adds what is new to what is known of pairs of registrations.
fn settle(
    prepared: &[Arc<Prepared>],
    is_known: &[bool],
    pairs: Pairs,
    compared: Vec<Compared>,
    collisions: &mut PerPair<Vec<Arc<Finding>>>,
    left: &mut PerPair<(Key, u64)>,
) {
    let key_of = |service: usize| key(&prepared[service].registration);
    let mut new_left = pairs.left;
    for ((a, b), finding) in pairs.found.into_iter().zip(compared) {
        match finding {
            Ok(finding) => collisions.entry((key_of(a.service), key_of(b.service))).or_default().extend(finding),
            Err(TooLate) => *new_left.entry((a.service, b.service)).or_default() += 1,
        }
    }
    collisions.retain(|_, findings| !findings.is_empty());
    // Whoever is new is told, or else whoever has more entries.
    let weight = |service: usize| (!is_known[service], prepared[service].entries.len());
    left.extend(new_left.into_iter().map(|((a, b), count)| {
        let told = if weight(b) > weight(a) { b } else { a };
        ((key_of(a), key_of(b)), (key_of(told), count))
    }));
}

/// What is known of two registrations that are both still there, in the same order.
fn kept<T: Clone>(prepared: &[Arc<Prepared>], previous: &PerPair<T>) -> PerPair<T> {
    let there: HashSet<Key> = prepared.iter().map(|one| key(&one.registration)).collect();
    let both = |(a, b): &(Key, Key)| there.contains(a) && there.contains(b);
    previous.iter().filter(|(pair, _)| both(pair)).map(|(pair, found)| (*pair, found.clone())).collect()
}

/// One finding for each registration in which not all was looked at.
fn unseen(prepared: &[Arc<Prepared>], left: &PerPair<(Key, u64)>) -> Vec<Finding> {
    let mut pairs: HashMap<Key, u64> = HashMap::new();
    for (key, count) in left.values() {
        *pairs.entry(*key).or_default() += count;
    }
    let finding = |one: &Arc<Prepared>| {
        let mut unseen = one.unseen;
        unseen.pairs += pairs.get(&key(&one.registration)).copied().unwrap_or(0);
        unseen.finding(&one.registration)
    };
    prepared.iter().filter_map(finding).collect()
}

/// By what findings are sorted.
fn order(a: &Finding, b: &Finding) -> Ordering {
    let place = |place: &FindingPlace| (place.line, place.column);
    let by_places = || {
        let places = a.places.iter().zip(&b.places);
        let mut each = places.map(|(a, b)| a.file.cmp(&b.file).then_with(|| place(a).cmp(&place(b))));
        each.find(|order| order.is_ne()).unwrap_or_else(|| a.places.len().cmp(&b.places.len()))
    };
    let by_severity = (a.severity, a.code).cmp(&(b.severity, b.code));
    // At last by what is said, so that two about the same places come in one order in every run.
    by_severity.then_with(by_places).then_with(|| a.message.cmp(&b.message))
}
