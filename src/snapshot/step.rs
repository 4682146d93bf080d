//! A step: what follows a snapshot where it is certain that no more has changed than is said.
//!
//! [`Snapshot::next`] is handed all files and finds out what has changed, at some tens of nanoseconds a file: that is right for a
//! directory, of which nobody can tell less than all. A store tells which rows have changed. Of a hundred thousand, a look at all
//! takes a hundred times as long as what is to be done about one.
//!
//! What comes of it is what [`Snapshot::next`] makes of all files, which a property test holds it to; wherever that takes more than a
//! look at what has changed, it is left to that.

use std::time::SystemTime;

use super::admission::{Candidate, admit_some};
use super::in_force::recorded;
use super::{AsOf, Snapshot, Standing};

/// What has become of a few of many files, all others being what they were.
#[derive(Clone, Copy, Debug)]
pub struct Step<'s> {
    /// The places of those that are gone, the first first.
    pub gone: &'s [usize],
    /// Those that are there now, with their places once the others are gone; new ones stand behind all others.
    pub put: &'s [(usize, Candidate<'s>)],
}

impl Snapshot {
    /// The snapshot that follows this one with a step. `None` where one has to look at all files: where not all are in force as they
    /// are, or what is put may collide with another.
    #[must_use]
    pub fn step(&self, step: Step<'_>, as_of: Option<AsOf>, now: SystemTime) -> Option<Self> {
        if !self.is_ready() || !self.is_complete() {
            return None;
        }
        let candidates: Vec<Candidate<'_>> = step.put.iter().map(|(_, candidate)| *candidate).collect();
        let all: Vec<usize> = (0..candidates.len()).collect();
        let standings = admit_some(&candidates, &all, self.services())?;
        // All being in force, each file stands where its service does.
        let (mut files, mut registrations) = (self.files().clone(), self.services().registrations().clone());
        for &at in step.gone.iter().rev() {
            files.remove(at);
            registrations.remove(at);
        }
        let mut behind = Vec::new();
        for ((at, candidate), standing) in step.put.iter().zip(standings) {
            let Standing::Active(good) = &standing else { return None };
            let registration = good.registration.clone();
            let record = recorded(candidate, standing, files.get(*at));
            if *at < files.len() {
                files.set(*at, record);
                registrations.set(*at, registration);
            } else if *at == files.len() + behind.len() {
                behind.push((record, registration));
            } else {
                return None;
            }
        }
        files.extend(behind.iter().map(|(record, _)| record.clone()));
        registrations.extend(behind.into_iter().map(|(_, registration)| registration));
        let services = self.services_of(registrations);
        Some(self.followed_by(files, services, (Vec::new(), as_of), now))
    }
}
