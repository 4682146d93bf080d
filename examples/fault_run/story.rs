//! What led to it when a name comes free: what befell its file and those beside it, and what the service made of that.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

/// So many faults are remembered: with one every 5 ms, the last 90 seconds, longer than what is held is.
const FAULTS: usize = 18_000;
/// So many of the service's answers are remembered, of about 100 KiB each.
const ANSWERS: usize = 300;
/// Files that change names or are pasted over each other are neighbours.
const BESIDE: usize = 2;

/// What has happened lately.
#[derive(Default)]
pub(crate) struct Story {
    /// When which file began to be injured or mended, or all of them, and how.
    faults: Mutex<VecDeque<(Instant, Option<usize>, &'static str)>>,
    /// What `/v1/registrations` answered, each time that it was another.
    answers: Mutex<VecDeque<(Instant, Vec<u8>)>>,
    told: Mutex<HashSet<usize>>,
}

impl Story {
    pub(crate) fn begins(&self, service: Option<usize>, fault: &'static str) {
        remember(&self.faults, (Instant::now(), service, fault), FAULTS);
    }

    pub(crate) fn answered(&self, registrations: &[u8]) {
        remember(&self.answers, (Instant::now(), registrations.to_owned()), ANSWERS);
    }

    /// Says it, once for each service.
    pub(crate) fn tell(&self, service: usize) {
        if !self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(service) {
            return;
        }
        let beside = service.saturating_sub(BESIDE)..=service + BESIDE;
        let mut events: Vec<(Instant, String)> = Vec::new();
        for (at, who, fault) in self.faults.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            match who {
                None => events.push((*at, format!("all: {fault}"))),
                Some(who) if beside.contains(who) => events.push((*at, format!("svc{who:04}: {fault}"))),
                Some(_) => {}
            }
        }
        let mut last = String::new();
        for (at, answer) in self.answers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let now = shown(answer, &beside);
            if now != last {
                events.push((*at, format!("in force is{now}")));
                last = now;
            }
        }
        events.sort_by_key(|(at, _)| *at);
        eprintln!("the story of svc{service}:");
        for (at, event) in events {
            eprintln!("  {:7.3} s ago {event}", at.elapsed().as_secs_f64());
        }
    }
}

fn remember<T>(all: &Mutex<VecDeque<T>>, one: T, most: usize) {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() == most {
        all.pop_front();
    }
    all.push_back(one);
}

/// What is in force of these files, and what is quarantined wherever it is: that keeps others from being let go.
fn shown(answer: &[u8], services: &RangeInclusive<usize>) -> String {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let mut shown = String::new();
    for file in answer["registrations"].as_array().into_iter().flatten() {
        let name = file["file"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let is_beside = services.clone().any(|service| name.contains(&format!("svc{service:04}")));
        if is_beside || file["state"] == "quarantined" {
            let first = &file["namespaces"]["users"][0];
            let _ = write!(shown, "\n      {name} {} {} {}", file["state"], file["id"], first["regex"]);
            if let Some(error) = file["errors"][0]["message"].as_str() {
                let _ = write!(shown, " ({})", error.chars().take(100).collect::<String>());
            }
        }
    }
    shown
}
