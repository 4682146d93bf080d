use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::admission::{admit, admit_some};
use super::digest::digest;
use super::{Candidate, Changes, FileRecord, FileState};
use crate::homeserver::Homeserver;
use crate::ruling::Services;

/// Everything that a question can be answered from.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts the snapshots of this process, from 1. 0 means that the first load is not done: nothing may be answered
    /// from such a snapshot, since nobody's names are known.
    pub generation: u64,
    /// Digest of the loaded set as lower-case hex: equal on every replica that loaded the same bytes.
    pub digest: Arc<str>,
    /// False while any file is stale or quarantined, or a source cannot be read.
    pub complete: bool,
    /// Every file, in load order.
    pub files: Vec<Arc<FileRecord>>,
    /// How many files there are of each state.
    pub counts: Counts,
    /// The loaded services. Shared with the snapshot before, when only the state of a file has changed.
    pub services: Arc<Services>,
    /// The sources that cannot be read, or that are empty where they were not.
    pub missing: Vec<MissingSource>,
    /// When it was put together.
    pub loaded_at: SystemTime,
    /// What it changed against the one before it.
    pub changes: Changes,
}

/// How many files there are of each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// As they are on disk.
    pub active: usize,
    /// In force with their last good content.
    pub stale: usize,
    /// Not in force.
    pub quarantined: usize,
}

/// A source of registrations that is not there as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MissingSource {
    /// The source as it is shown: a directory or a file.
    pub source: String,
    /// What is wrong with it, and what is in force meanwhile.
    pub problem: String,
}

impl Snapshot {
    /// What is in force before the first load: nothing, and [`Snapshot::is_ready`] says so.
    #[must_use]
    pub fn before_first_load(homeserver: Homeserver, missing: Vec<MissingSource>) -> Self {
        let digest = digest(&homeserver, &[]);
        Self {
            generation: 0,
            digest,
            complete: false,
            files: Vec::new(),
            counts: Counts::default(),
            services: Arc::new(Services::new(homeserver, Vec::new())),
            missing,
            loaded_at: SystemTime::now(),
            changes: Changes::default(),
        }
    }

    /// Whether the first load is done. It never turns false again.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.generation > 0
    }

    /// The snapshot that follows this one, or `None` when it would say the same.
    ///
    /// `candidates` are all files in load order. Costs some tens of nanoseconds a file besides what has changed.
    #[must_use]
    pub fn next(&self, candidates: &[Candidate<'_>], missing: Vec<MissingSource>, now: SystemTime) -> Option<Self> {
        let files = self.records(candidates);
        if self.is_ready() && missing == self.missing && same_files(&files, &self.files) {
            return None;
        }
        let registrations: Vec<_> = files.iter().filter_map(|file| file.registration.clone()).collect();
        let same_services = registrations.len() == self.services.registrations().len()
            && registrations.iter().zip(self.services.registrations()).all(|(a, b)| Arc::ptr_eq(a, b));
        let services =
            if same_services { Arc::clone(&self.services) } else { Arc::new(self.services.changed(registrations)) };
        let counts = count(&files);
        Some(Self {
            generation: self.generation + 1,
            digest: digest(services.homeserver(), &files),
            complete: counts.stale == 0 && counts.quarantined == 0 && missing.is_empty(),
            counts,
            changes: Changes::between(&self.services, &services),
            files,
            services,
            missing,
            loaded_at: now,
        })
    }

    /// One record for each candidate; those that say the same as before are the same `Arc`.
    fn records(&self, candidates: &[Candidate<'_>]) -> Vec<Arc<FileRecord>> {
        let known = Known::of(&self.files, candidates);
        if let Known::InPlace(files) = known
            && let Some(records) = self.patched(files, candidates)
        {
            return records;
        }
        let verdicts = admit(candidates).into_iter().zip(candidates).enumerate();
        let records = verdicts.map(|(at, (verdict, candidate))| {
            let record = verdict.record(candidate);
            match known.get(at, candidate) {
                Some(known) if known.same(&record) => Arc::clone(known),
                _ => Arc::new(record),
            }
        });
        records.collect()
    }

    /// The same where the files are the same as before and few of them have changed, without a look at the others.
    fn patched(&self, files: &[Arc<FileRecord>], candidates: &[Candidate<'_>]) -> Option<Vec<Arc<FileRecord>>> {
        let pairs = candidates.iter().zip(files).enumerate();
        let changed: Vec<usize> =
            pairs.filter(|(_, (candidate, file))| !candidate.stays(file)).map(|(at, _)| at).collect();
        let verdicts = admit_some(candidates, &changed, files, &self.services)?;
        let mut records = files.to_vec();
        for (at, verdict) in changed.into_iter().zip(verdicts) {
            let record = verdict.record(&candidates[at]);
            if !records[at].same(&record) {
                records[at] = Arc::new(record);
            }
        }
        Some(records)
    }
}

/// Finds the record that a file had before.
enum Known<'s> {
    /// The files are the same as before, in the same order: the usual case, and nothing needs to be hashed.
    InPlace(&'s [Arc<FileRecord>]),
    ByFile(HashMap<&'s str, &'s Arc<FileRecord>>),
}

impl<'s> Known<'s> {
    fn of(files: &'s [Arc<FileRecord>], candidates: &[Candidate<'_>]) -> Self {
        let same = files.len() == candidates.len() && files.iter().zip(candidates).all(|(a, b)| a.file == *b.file);
        if same { Self::InPlace(files) } else { Self::ByFile(files.iter().map(|file| (&*file.file, file)).collect()) }
    }

    fn get(&self, at: usize, candidate: &Candidate<'_>) -> Option<&'s Arc<FileRecord>> {
        match self {
            Self::InPlace(files) => files.get(at),
            Self::ByFile(files) => files.get(&**candidate.file).copied(),
        }
    }
}

fn same_files(a: &[Arc<FileRecord>], b: &[Arc<FileRecord>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b) || a.same(b))
}

fn count(files: &[Arc<FileRecord>]) -> Counts {
    let mut counts = Counts::default();
    for file in files {
        match file.state {
            FileState::Active => counts.active += 1,
            FileState::Stale => counts.stale += 1,
            FileState::Quarantined => counts.quarantined += 1,
        }
    }
    counts
}
