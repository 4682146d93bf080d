//! Which set each `snapshot` names, noted from `/v1/registrations`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use serde_json::Value;

/// The ids of the services in force, by snapshot.
#[derive(Default)]
pub(crate) struct Ledger {
    sets: Mutex<HashMap<String, BTreeSet<String>>>,
    /// Answers whose snapshot was not noted yet: judged at the end.
    waiting: Mutex<Vec<Observed>>,
}

/// What an answer said of one service's ID.
pub(crate) struct Observed {
    pub snapshot: String,
    pub service: String,
    pub owned: bool,
}

impl Ledger {
    pub(crate) fn note(&self, registrations: &Value) {
        let snapshot = registrations["snapshot"].as_str().expect("a snapshot").to_owned();
        let files = registrations["registrations"].as_array().expect("a list");
        let in_force = files.iter().filter(|file| file["state"] != "quarantined");
        let ids = in_force.filter_map(|file| file["id"].as_str().map(str::to_owned)).collect();
        self.sets.lock().expect("no thread panicked").insert(snapshot, ids);
    }

    pub(crate) fn observe(&self, observed: Observed) {
        self.waiting.lock().expect("no thread panicked").push(observed);
    }

    pub(crate) fn snapshots(&self) -> usize {
        self.sets.lock().expect("no thread panicked").len()
    }

    /// How many observations agree with the set that their snapshot names, how many do not, and how many name a
    /// snapshot that came and went between two notes.
    pub(crate) fn judge(&self) -> (usize, usize, usize) {
        let sets = self.sets.lock().expect("no thread panicked");
        let waiting = self.waiting.lock().expect("no thread panicked");
        let (mut right, mut wrong, mut unknown) = (0, 0, 0);
        for observed in waiting.iter() {
            match sets.get(&observed.snapshot) {
                None => unknown += 1,
                Some(ids) if ids.contains(&observed.service) == observed.owned => right += 1,
                Some(_) => wrong += 1,
            }
        }
        (right, wrong, unknown)
    }
}
