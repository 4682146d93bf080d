//! Which set each `snapshot` names, noted from `/v1/registrations`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use serde_json::Value;

/// The regex of each service in force.
pub(crate) type Set = BTreeMap<String, String>;

/// The sets that were in force, by snapshot, and what was answered.
#[derive(Default)]
pub(crate) struct Ledger {
    sets: Mutex<HashMap<String, Set>>,
    /// Answers that tell of sets, to be read when there is time.
    notes: Mutex<Vec<Vec<u8>>>,
    /// How often each thing was answered. Judged at the end, when all sets are noted.
    answers: Mutex<HashMap<Answer, u64>>,
}

/// What was said of one service's ID: the regex with which the service claims it exclusively, if it does.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Answer {
    pub snapshot: String,
    pub service: String,
    pub regex: Option<String>,
}

/// How the answers compare with the sets.
#[derive(Default)]
pub(crate) struct Judgement {
    pub right: u64,
    pub wrong: u64,
    /// Of a snapshot that came and went between two notes.
    pub unknown: u64,
}

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
        let regex = text(&file["namespaces"]["users"].as_array()?.iter().find(own)?["regex"])?;
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
            self.sets.lock().expect("no thread panicked").insert(snapshot, set);
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
        let mut judgement = Judgement::default();
        for (answer, count) in self.answers.lock().expect("no thread panicked").iter() {
            *match sets.get(&answer.snapshot) {
                None => &mut judgement.unknown,
                Some(set) if set.get(&answer.service) == answer.regex.as_ref() => &mut judgement.right,
                Some(_) => &mut judgement.wrong,
            } += count;
        }
        judgement
    }
}
