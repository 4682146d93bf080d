use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::admission::{admit, admit_some};
use super::digest::Digest;
use super::{Candidate, Changes, FileRecord, FileState, Standing, Touched, changes, touched};
use crate::analysis::Set;
use crate::homeserver::Homeserver;
use crate::list::List;
use crate::registration::Registration;
use crate::ruling::Services;

/// Everything that a question can be answered from.
///
/// Made only by [`Snapshot::before_first_load`] and [`Snapshot::next`], so that counts, digest, services and changes
/// always say the same as the files.
#[derive(Debug)]
pub struct Snapshot {
    generation: u64,
    digest: Digest,
    complete: bool,
    files: List<FileRecord>,
    counts: Counts,
    /// How many files every user of the machine can read: none in a store, and then nobody need look for them.
    exposed: usize,
    /// Shared with the snapshot before, when only the state of a file has changed.
    services: Arc<Services>,
    missing: Vec<MissingSource>,
    as_of: Option<AsOf>,
    loaded_at: SystemTime,
    changes: Changes,
    /// Which IDs the services in `changes` touch; `None` when they are too many to be told.
    touched: Option<Arc<[Touched]>>,
}

/// Where a store was when a set was loaded from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// At which revision.
    pub revision: u64,
    /// At that of which store and of which history, as it notes it itself: two that went apart come to the same numbers.
    pub note: Arc<str>,
}

/// How many files there are of each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// As they are on disk.
    pub active: usize,
    /// In force with more than is on disk: what was taken away there is held for a while.
    pub held: usize,
    /// In force with their last good content.
    pub stale: usize,
    /// Not in force.
    pub quarantined: usize,
}

impl Counts {
    /// Those of the files where some of these are gone and others have come.
    fn changed<'f>(
        mut self,
        gone: impl Iterator<Item = &'f FileRecord>,
        come: impl Iterator<Item = &'f FileRecord>,
    ) -> Self {
        gone.for_each(|file| *self.of(file.state()) -= 1);
        come.for_each(|file| *self.of(file.state()) += 1);
        self
    }

    const fn of(&mut self, state: FileState) -> &mut usize {
        match state {
            FileState::Active => &mut self.active,
            FileState::Held => &mut self.held,
            FileState::Stale => &mut self.stale,
            FileState::Quarantined => &mut self.quarantined,
        }
    }
}

/// A source of registrations that is not there as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MissingSource {
    /// The source as it is shown: a directory or a file.
    pub source: String,
    /// What is wrong with it, and what is in force meanwhile.
    #[schema(value_type = String)]
    pub problem: Problem,
    /// Whether nobody knows what it claimed, so that its names are not guarded meanwhile.
    #[serde(skip)]
    #[schema(ignore)]
    pub lacks_claims: bool,
    /// Whether what is there is not what was there before, so that what is counted there counts for nothing here.
    #[serde(skip)]
    #[schema(ignore)]
    pub is_another: bool,
}

/// What is wrong with a source, and what a running service does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, as a sentence without an end.
    pub what: String,
    /// What is in force meanwhile, and until when.
    pub meanwhile: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.meanwhile)
    }
}

impl Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Snapshot {
    /// What is in force before the first load: nothing, and [`Snapshot::is_ready`] says so.
    #[must_use]
    pub fn before_first_load(homeserver: Homeserver, missing: Vec<MissingSource>) -> Self {
        let digest = Digest::of_nothing(&homeserver);
        Self {
            generation: 0,
            digest,
            complete: false,
            files: List::default(),
            counts: Counts::default(),
            exposed: 0,
            services: Arc::new(Services::new(homeserver, List::default())),
            missing,
            as_of: None,
            loaded_at: SystemTime::now(),
            changes: Changes::default(),
            touched: None,
        }
    }

    /// Counts the snapshots of this process, from 1. 0 means that the first load is not done: nothing may be answered
    /// from such a snapshot, since nobody's names are known.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Digest of the loaded set as lower-case hex: equal on every replica that loaded the same bytes.
    #[must_use]
    pub const fn digest(&self) -> &Arc<str> {
        self.digest.shown()
    }

    /// False while any file is held, stale or quarantined, or a source cannot be read.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether some service's claims are not known: nothing is in force of a file that is there, or of one whose copy is damaged.
    #[must_use]
    pub fn lacks_claims(&self) -> bool {
        self.counts.quarantined > 0 || self.missing.iter().any(|missing| missing.lacks_claims)
    }

    /// Every file, in load order.
    #[must_use]
    pub const fn files(&self) -> &List<FileRecord> {
        &self.files
    }

    /// The file that a service is in force from, by the service's id.
    #[must_use]
    pub fn file_of(&self, as_id: &str) -> Option<&FileRecord> {
        Some(&self.files[self.place_of(as_id)?])
    }

    /// Where that file stands.
    pub(super) fn place_of(&self, as_id: &str) -> Option<usize> {
        let position = self.services.position_of_id(as_id)?;
        // Services stand in the order of their files, of which only those in quarantine have none.
        let files = self.files.iter().enumerate().skip(position.index()).take(1 + self.counts.quarantined);
        let registration = self.services.registration(position);
        let is_own = |file: &FileRecord| file.registration().is_some_and(|own| Registration::ptr_eq(own, registration));
        files.into_iter().find(|(_, file)| is_own(file)).map(|(at, _)| at)
    }

    /// How many files there are of each state.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// What findings are computed about.
    #[must_use]
    pub fn set(&self) -> Set<'_> {
        if self.exposed == 0 {
            return Set::new(&self.services);
        }
        let in_force = self.files.iter().filter_map(|file| Some((file.registration()?, file.facts())));
        Set::with_facts(&self.services, in_force)
    }

    /// The loaded services.
    #[must_use]
    pub const fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// The sources that cannot be read, or that are empty where they were not.
    #[must_use]
    pub fn missing(&self) -> &[MissingSource] {
        &self.missing
    }

    /// The revision of the store that it was loaded from, where there is one.
    #[must_use]
    pub fn revision(&self) -> Option<u64> {
        self.as_of.as_ref().map(|as_of| as_of.revision)
    }

    /// The same, and which store that was.
    #[must_use]
    pub const fn as_of(&self) -> Option<&AsOf> {
        self.as_of.as_ref()
    }

    /// Its revision, unless another store is in the place of that one by now, or an earlier state of it, which comes to the same numbers.
    #[must_use]
    pub fn revision_there(&self) -> Option<u64> {
        self.revision().filter(|_| !self.missing.iter().any(|missing| missing.is_another))
    }

    /// When it was put together.
    #[must_use]
    pub const fn loaded_at(&self) -> SystemTime {
        self.loaded_at
    }

    /// What it changed against the one before it.
    #[must_use]
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Which IDs it changed the answers about, unless they are too many.
    pub(super) const fn touched(&self) -> Option<&Arc<[Touched]>> {
        self.touched.as_ref()
    }

    /// The services that differ from an earlier set.
    #[must_use]
    pub(crate) fn changes_since(&self, before: &Self) -> Changes {
        if before.generation + 1 == self.generation {
            return self.changes.clone();
        }
        Changes::naming(&changes::between(before.services(), self.services()))
    }

    /// Whether the first load is done. It never turns false again.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.generation > 0
    }

    /// The snapshot that follows this one, or `None` when it would say the same.
    ///
    /// `candidates` are all files in load order, `as_of` says where the store was they come from. Costs some tens of nanoseconds a file besides what has changed.
    #[must_use]
    pub fn next(
        &self,
        candidates: &[Candidate<'_>],
        missing: Vec<MissingSource>,
        as_of: Option<AsOf>,
        now: SystemTime,
    ) -> Option<Self> {
        let files = self.records(candidates);
        if self.is_ready() && missing == self.missing && as_of == self.as_of && same_files(&files, &self.files) {
            return None;
        }
        let registrations = files.iter().filter_map(|file| file.registration().cloned());
        let registrations = List::following(self.services.registrations(), registrations, Registration::ptr_eq);
        let services = self.services_of(registrations);
        Some(self.followed_by(files, services, (missing, as_of), now))
    }

    /// The snapshot in which these files and services are in force.
    pub(super) fn followed_by(
        &self,
        files: List<FileRecord>,
        services: Arc<Services>,
        (missing, as_of): (Vec<MissingSource>, Option<AsOf>),
        now: SystemTime,
    ) -> Self {
        let (changes, touched) = if self.is_ready() {
            let changes = changes::between(&self.services, &services);
            (Changes::naming(&changes), touched::touched(services.homeserver(), &changes))
        } else {
            // Of the first set, everything is new.
            (Changes::from_nothing(&services), None)
        };
        let (ahead, behind) = self.files.common_ends(&files, FileRecord::is);
        let (gone, come) =
            (self.files.range(ahead..self.files.len() - behind), files.range(ahead..files.len() - behind));
        let exposed = self.exposed - exposed(gone.clone()) + exposed(come.clone());
        let counts = self.counts.changed(gone, come);
        Self {
            generation: self.generation + 1,
            digest: self.digest.next(services.homeserver(), (&self.files, &files)),
            complete: counts.held == 0 && counts.stale == 0 && counts.quarantined == 0 && missing.is_empty(),
            counts,
            exposed,
            changes,
            touched,
            files,
            services,
            missing,
            as_of,
            loaded_at: now,
        }
    }

    /// The services of these registrations: the same ones if they are the same.
    pub(super) fn services_of(&self, registrations: List<Registration>) -> Arc<Services> {
        let before = self.services.registrations();
        let are_same = registrations.len() == before.len()
            && registrations.common_ends(before, Registration::ptr_eq).0 == registrations.len();
        if are_same { Arc::clone(&self.services) } else { Arc::new(self.services.updated(registrations)) }
    }

    /// One record for each candidate; those that say the same as before are the same record.
    pub(crate) fn records(&self, candidates: &[Candidate<'_>]) -> List<FileRecord> {
        let earlier = Earlier::of(&self.files, candidates);
        // Of the first set, everything is new.
        if !self.files.is_empty()
            && let Some(records) = self.patched(&earlier, candidates)
        {
            return List::following(&self.files, records, FileRecord::is);
        }
        let decided = admit(candidates, self.services.homeserver().dialect).into_iter().zip(candidates).enumerate();
        let records =
            decided.map(|(at, (standing, candidate))| recorded(candidate, standing, earlier.get(at, candidate)));
        List::following(&self.files, records, FileRecord::is)
    }

    /// The same where few files have changed, come or gone, with a look at those alone.
    fn patched(&self, earlier: &Earlier<'_>, candidates: &[Candidate<'_>]) -> Option<Vec<FileRecord>> {
        let stays =
            |at, candidate: &Candidate<'_>| earlier.get(at, candidate).is_some_and(|file| candidate.stays(file));
        let all = candidates.iter().enumerate();
        let changed: Vec<usize> = all.filter(|(at, candidate)| !stays(*at, candidate)).map(|(at, _)| at).collect();
        let standings = admit_some(candidates, &changed, &self.services)?;
        let mut standings = changed.into_iter().zip(standings).peekable();
        let record = |(at, candidate): (usize, &Candidate<'_>)| {
            let earlier = earlier.get(at, candidate);
            match standings.next_if(|(changed, _)| *changed == at) {
                Some((_, standing)) => Some(recorded(candidate, standing, earlier)),
                None => earlier.cloned(),
            }
        };
        candidates.iter().enumerate().map(record).collect()
    }
}

/// How many of them every user of the machine can read.
fn exposed<'f>(files: impl Iterator<Item = &'f FileRecord>) -> usize {
    files.filter(|file| file.facts().is_readable_by_all()).count()
}

/// What has come of a candidate: the record that it had before, if that says the same.
pub(super) fn recorded(candidate: &Candidate<'_>, standing: Standing, earlier: Option<&FileRecord>) -> FileRecord {
    let record = candidate.record(standing);
    match earlier {
        Some(earlier) if earlier.same(&record) => earlier.clone(),
        _ => record,
    }
}

/// Finds the record that a file had before. What both sets have in common at either end is found by its place, so that where one
/// of a hundred thousand files has changed, come or gone, no name is hashed.
struct Earlier<'s> {
    files: &'s List<FileRecord>,
    /// So many candidates at the beginning are the files that stood there before.
    ahead: usize,
    /// Where those candidates begin that are the files that stood at the end before.
    behind: usize,
    candidates: usize,
    /// The files in between.
    others: HashMap<&'s str, &'s FileRecord>,
}

impl<'s> Earlier<'s> {
    fn of(files: &'s List<FileRecord>, candidates: &[Candidate<'_>]) -> Self {
        let is_of = |(file, candidate): &(&FileRecord, &Candidate<'_>)| file.file() == candidate.file;
        let ahead = files.iter().zip(candidates).take_while(is_of).count();
        let rest = files.range(ahead..files.len()).rev().zip(candidates[ahead..].iter().rev());
        let behind = rest.take_while(is_of).count();
        let others = files.range(ahead..files.len() - behind).map(|file| (file.file(), file)).collect();
        Self { files, ahead, behind: candidates.len() - behind, candidates: candidates.len(), others }
    }

    fn get(&self, at: usize, candidate: &Candidate<'_>) -> Option<&'s FileRecord> {
        if at < self.ahead {
            self.files.get(at)
        } else if at < self.behind {
            self.others.get(candidate.file).copied()
        } else {
            self.files.get(self.files.len() - (self.candidates - at))
        }
    }
}

fn same_files(a: &List<FileRecord>, b: &List<FileRecord>) -> bool {
    a.len() == b.len() && a.common_ends(b, |a, b| a.is(b) || a.same(b)).0 == a.len()
}
