//! Which set each `snapshot` names, noted from `/v1/registrations`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use serde_json::Value;

/// The regex of each service in force that has its ID for itself.
pub(crate) type Set = BTreeMap<String, String>;

/// The sets that were in force, by snapshot, and what was answered.
#[derive(Default)]
pub(crate) struct Ledger {
    sets: Mutex<HashMap<String, Set>>,
    /// Snapshots that named two sets, which is the gravest thing that can be.
    two_faced: Mutex<BTreeSet<String>>,
    /// Answers that tell of sets, to be read when there is time.
    notes: Mutex<Vec<Vec<u8>>>,
    /// How often each thing was answered. Judged at the end, when all sets are noted.
    answers: Mutex<HashMap<Answer, u64>>,
}

/// What was said of one service's ID: the regex with which the service claims it exclusively, if it does.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Answer {
    pub snapshot: String,
    pub service: String,
    pub regex: Option<String>,
    /// All that was said of it, if that is not what is expected: so that it can be told why.
    pub instead: Option<String>,
}

/// How the answers compare with the sets.
#[derive(Default)]
pub(crate) struct Judgement {
    pub right: u64,
    pub wrong: u64,
    /// Of a snapshot that came and went between two notes.
    pub unknown: u64,
    /// Snapshots that named two sets.
    pub two_faced: usize,
}

/// So many wrong answers are shown, each with the set that its snapshot names.
const SHOWN: usize = 10;

/// The snapshot and the set that an answer of `/v1/registrations` tells of.
pub(crate) fn set_of(registrations: &Value) -> (String, Set) {
    let snapshot = registrations["snapshot"].as_str().expect("a snapshot").to_owned();
    let files = registrations["registrations"].as_array().expect("a list");
    let in_force = files.iter().filter(|file| file["state"] != "quarantined");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    // What is held of others may stand before a service's own.
    let regex = |file: &Value| {
        let id = text(&file["id"])?;
        let own = |entry: &&Value| entry["regex"].as_str().is_some_and(|regex| regex.starts_with(&format!("@{id}_")));
        // The first decides, and each of them matches what is asked about: if it is not exclusive, the service owns nothing.
        let first = file["namespaces"]["users"].as_array()?.iter().find(own)?;
        let regex = text(&first["regex"]).filter(|_| first["exclusive"] == true)?;
        Some((id, regex))
    };
    (snapshot, in_force.filter_map(regex).collect())
}

impl Ledger {
    /// Takes an answer of `/v1/registrations`.
    pub(crate) fn note(&self, registrations: Vec<u8>) {
        self.notes.lock().expect("no thread panicked").push(registrations);
    }

    /// Reads what was noted.
    fn read_notes(&self) {
        let notes = std::mem::take(&mut *self.notes.lock().expect("no thread panicked"));
        for note in notes {
            let (snapshot, set) = set_of(&serde_json::from_slice(&note).expect("an answer is JSON"));
            let mut sets = self.sets.lock().expect("no thread panicked");
            if let Some(other) = sets.get(&snapshot).filter(|other| **other != set) {
                eprintln!("snapshot {snapshot} names two sets: {:?}", differences(other, &set));
                self.two_faced.lock().expect("no thread panicked").insert(snapshot.clone());
            }
            sets.insert(snapshot, set);
        }
    }

    pub(crate) fn observe(&self, answer: Answer) {
        *self.answers.lock().expect("no thread panicked").entry(answer).or_default() += 1;
    }

    pub(crate) fn snapshots(&self) -> usize {
        self.read_notes();
        self.sets.lock().expect("no thread panicked").len()
    }

    pub(crate) fn judge(&self) -> Judgement {
        self.read_notes();
        let sets = self.sets.lock().expect("no thread panicked");
        let two_faced = self.two_faced.lock().expect("no thread panicked").len();
        let mut judgement = Judgement { two_faced, ..Judgement::default() };
        let mut shown = 0;
        for (answer, count) in self.answers.lock().expect("no thread panicked").iter() {
            *match sets.get(&answer.snapshot) {
                None => &mut judgement.unknown,
                Some(set) if set.get(&answer.service) == answer.regex.as_ref() => &mut judgement.right,
                Some(set) => {
                    if shown < SHOWN {
                        eprintln!("{count} times {answer:?}, where the set says {:?}", set.get(&answer.service));
                        shown += 1;
                    }
                    &mut judgement.wrong
                }
            } += count;
        }
        judgement
    }
}

/// What two sets do not say alike.
fn differences<'s>(one: &'s Set, other: &'s Set) -> Vec<(&'s String, Option<&'s String>, Option<&'s String>)> {
    let ids: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    ids.into_iter().map(|id| (id, one.get(id), other.get(id))).filter(|(_, a, b)| a != b).collect()
}
