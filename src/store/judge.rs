//! Whether a registration may come into a set: as whoever loads the set would decide, and only if nothing collides then that did
//! not collide before.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use super::gate::Change;
use super::mirror::name_of;
use crate::analysis::{Analysis, Asked, Code, Comparer, Deadline, Finding, Severity};
use crate::homeserver::Homeserver;
use crate::registration::{self, Fault, FaultCode, FileFacts, Registration, TokenHasher};
use crate::snapshot::{Candidate, FileState, Good, Obstacle, Snapshot, Unique};

/// The most bytes of an `id`: an index of the database takes some 2,700, and a file that is named by it (`store export`) 250.
const MAX_ID: usize = 250;

/// What is needed to judge.
#[derive(Clone, Copy)]
pub struct Bench<'b> {
    /// What is in force.
    pub snapshot: &'b Snapshot,
    /// What was found out about it, or about a set before it.
    pub previous: &'b Analysis,
    /// What recognises the tokens of what is in force.
    pub hasher: &'b TokenHasher,
    /// What is not compared by then counts as a collision.
    pub deadline: &'b Deadline,
}

/// What speaks against a registration.
#[derive(Clone, Debug)]
pub enum Objection {
    /// It cannot be loaded, or is another's.
    Unloadable(Vec<Fault>),
    /// What is in force is in its way.
    InTheWay(Vec<Fault>),
    /// It collides.
    Collides(Vec<Arc<Finding>>),
}

impl Objection {
    /// Whether nothing is known to collide, and only not known not to.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Collides(findings) if findings.iter().all(|finding| finding.code == Code::NotCompared))
    }
}

/// What is wrong with a registration as one of this id; nothing, if it may come in.
pub fn judge(asked: &Asked, bench: Bench<'_>, id: &str, source: &[u8]) -> Result<(), Objection> {
    let new = Arc::new(loaded(bench, id, source).map_err(Objection::Unloadable)?);
    let set = admitted(bench.snapshot, &new).map_err(Objection::InTheWay)?;
    let collisions = collisions(asked, bench, &new, &set);
    if collisions.is_empty() {
        return Ok(());
    }
    let before: Vec<Arc<Finding>> = match bench.snapshot.file_of(id).and_then(|file| file.registration()) {
        Some(old) => self::collisions(asked, bench, old, bench.snapshot.services().registrations()),
        None => Vec::new(),
    };
    let is_new =
        |finding: &Arc<Finding>| finding.code == Code::NotCompared || !before.iter().any(|old| same(old, finding));
    let added: Vec<Arc<Finding>> = collisions.into_iter().filter(is_new).collect();
    if added.is_empty() { Ok(()) } else { Err(Objection::Collides(added)) }
}

/// The same of several changes at once: what would be in force is loaded as a set of its own, and all of it compared.
pub fn judge_all(comparer: &Comparer, bench: Bench<'_>, changes: &[Change<'_>]) -> Result<(), Objection> {
    let homeserver = bench.snapshot.services().homeserver();
    let mut goods: Vec<(Arc<str>, Good)> = (bench.snapshot.files().iter())
        .filter_map(|file| Some((Arc::clone(file.file()), file.good()?.clone())))
        .collect();
    let mut faults = Vec::new();
    let mut places: HashMap<Arc<str>, usize> =
        goods.iter().enumerate().map(|(at, (name, _))| (Arc::clone(name), at)).collect();
    let mut removed = HashSet::new();
    for change in changes {
        let name = name_of(change.id);
        let Some(source) = change.source else {
            removed.insert(name);
            continue;
        };
        match loaded(bench, change.id, source) {
            Ok(new) => {
                let good = Good::new(Arc::new(new));
                match places.get(&name) {
                    Some(&at) => goods[at].1 = good,
                    None => {
                        places.insert(Arc::clone(&name), goods.len());
                        goods.push((name, good));
                    }
                }
            }
            Err(more) => faults.extend(more),
        }
    }
    if !faults.is_empty() {
        return Err(Objection::Unloadable(faults));
    }
    goods.retain(|(name, _)| !removed.contains(name));
    let after = in_force(homeserver.clone(), &goods);
    let away = after.files().iter().filter(|file| file.state() != FileState::Active);
    let faults: Vec<Fault> = away.flat_map(|file| file.faults().to_vec()).collect();
    if !faults.is_empty() {
        return Err(Objection::InTheWay(faults));
    }
    let before = comparer.analyse(&bench.snapshot.set(), bench.previous, bench.deadline);
    let found = comparer.analyse(&after.set(), &before, bench.deadline);
    let is_new =
        |finding: &&Arc<Finding>| is_collision(finding) && !before.findings.iter().any(|old| same(old, finding));
    let added: Vec<Arc<Finding>> = found.findings.iter().filter(is_new).cloned().collect();
    if added.is_empty() { Ok(()) } else { Err(Objection::Collides(added)) }
}

/// A set as it would be in force by itself.
fn in_force(homeserver: Homeserver, goods: &[(Arc<str>, Good)]) -> Snapshot {
    let candidate = |(file, good)| Candidate { file, facts: FileFacts::default(), offered: Ok(good), held: None };
    let candidates: Vec<Candidate<'_>> = goods.iter().map(|(file, good)| candidate((file, good))).collect();
    let nothing = Snapshot::before_first_load(homeserver, Vec::new());
    // The first load says something always: that it is done.
    nothing.next(&candidates, Vec::new(), None, SystemTime::now()).unwrap_or(nothing)
}

/// The registration that a row would be.
fn loaded(bench: Bench<'_>, id: &str, source: &[u8]) -> Result<Registration, Vec<Fault>> {
    let homeserver = bench.snapshot.services().homeserver();
    let new = registration::load_for(homeserver, &name_of(id), source, bench.hasher)?;
    if new.id().len() > MAX_ID {
        let message =
            format!("the `id` has {} bytes, and those of more than {MAX_ID} are not kept in a store", new.id().len());
        return Err(vec![Fault::of_file(FaultCode::InvalidValue, message)]);
    }
    if *new.id() == *id {
        return Ok(new);
    }
    let message = format!("the registration's `id` is `{}`, and it is to be kept as `{id}`", new.id());
    Err(vec![Fault::of_file(FaultCode::InvalidValue, message)])
}

/// All that would be in force with it.
fn admitted(snapshot: &Snapshot, new: &Arc<Registration>) -> Result<Vec<Arc<Registration>>, Vec<Fault>> {
    let dialect = snapshot.services().homeserver().dialect;
    let fault = |what: Unique, holder: &Registration| what.fault(new.file(), new.id(), holder.file(), dialect);
    // A service that is in force from a file beside the store is not this row's to replace.
    if let Some(file) = snapshot.file_of(new.id())
        && file.file() != new.file()
        && let Some(holder) = file.registration()
    {
        return Err(vec![fault(Unique::Id, holder)]);
    }
    let good = Good::new(Arc::clone(new));
    let all = |obstacles: Vec<Obstacle>| obstacles.iter().map(|it| fault(it.what, &it.holder)).collect();
    snapshot.try_admission(&good).map_err(all)
}

fn collisions(
    asked: &Asked,
    bench: Bench<'_>,
    new: &Arc<Registration>,
    set: &[Arc<Registration>],
) -> Vec<Arc<Finding>> {
    let found = asked.newcomer(bench.snapshot.services(), bench.previous, (new, set), 1, bench.deadline);
    found.into_iter().filter(|finding| is_collision(finding)).collect()
}

/// What is not known to be none counts as one.
fn is_collision(finding: &Finding) -> bool {
    finding.severity == Severity::Error || finding.code == Code::NotCompared
}

/// Whether two findings are about the same regexes of the same services, wherever these stand.
fn same(a: &Finding, b: &Finding) -> bool {
    let about = |finding: &Finding| {
        let mut places: Vec<_> =
            finding.places.iter().map(|place| (place.as_id.clone(), place.regex.clone())).collect();
        places.sort();
        places
    };
    a.code == b.code && a.kind == b.kind && about(a) == about(b)
}
