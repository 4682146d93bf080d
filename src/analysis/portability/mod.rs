//! What homeservers do not agree on: the same files, as each of several reads them.
//!
//! # Three questions
//!
//! 1. *Does it load, and as what?* (`files`) Told from what each loader said.
//! 2. *What does it claim?* (`claims`) For each service and kind, an ID is held exclusively, shared or not claimed; the three are
//!    languages, for each homeserver by its own syntax, precedence, scope and rule for the service's own user. Two homeservers
//!    disagree on an ID that is in one of the three here and in another there: a term, which has a shortest member or none. So
//!    that there is no disagreement is proved, too, and nothing is tried out.
//! 3. *Who may have it?* (`decisions`) Where the claims are the same, the checks may still differ: whether another's exclusive
//!    claim stands in a service's way, and whether it stands in a person's. That is asked about the IDs that findings of the
//!    single homeservers are about, which are all the places where claims meet.
//!
//! # Once, not for each two of them
//!
//! Eight homeservers are 28 pairs, and most differ alike. Homeservers begin in one class; an ID on which two of a class disagree
//! splits it by what each of them says of that ID, until no class can be split. That takes one search for each member of a class
//! and at most as many IDs as there are homeservers. IDs as most people make them are tried before capitals, those before
//! what only services can make, and that before IDs of other servers: of each disagreement the one is told that matters most.
//!
//! What is the same for whatever a registration says, because it follows from the homeservers' rules alone (capitals, users
//! of other servers), is told once for all entries, with an ID for each.
//!
//! # What is undefined
//!
//! The specification is two readings. Where they differ nobody can be right, so that no homeserver disagrees with it there;
//! that they do is a finding of its own.

mod asked;
mod claims;
mod decisions;
mod files;
mod shape;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::claimed::looks_anywhere;
use super::examiner::Examiner;
use super::{Analysis, Deadline, Finding, order};
use crate::homeserver::{Dialect, Homeserver};
use crate::registration::{Fault, Registration};
use crate::ruling::Services;
use shape::Shapes;

/// What came of a file: a registration, or why it is none.
pub type Read<'r> = Result<&'r Registration, &'r [Fault]>;

/// What one homeserver makes of the files.
#[derive(Clone, Debug)]
pub struct Reading<'r> {
    /// The homeserver.
    pub homeserver: &'r Homeserver,
    /// Every file, in load order.
    pub files: Vec<(&'r str, Read<'r>)>,
    /// What is in force there and what was found about it; without it, it is not asked who may have what.
    pub set: Option<(&'r Services, &'r Analysis)>,
}

impl Reading<'_> {
    fn dialect(&self) -> Dialect {
        self.homeserver.dialect
    }

    /// The homeserver by the other reading of what its dialect leaves open.
    fn otherwise(&self) -> Option<Homeserver> {
        self.dialect().other_reading().map(|dialect| Homeserver::new(self.homeserver.name.clone(), dialect))
    }
}

/// What the readings do not agree on.
pub(super) fn findings(readings: &[Reading<'_>], deadline: &Deadline) -> Vec<Arc<Finding>> {
    let mut shapes = Shapes::new(readings);
    // IDs are compared that hold their sigil once, where anybody looks anywhere (`claimed`).
    let anywhere = readings.iter().map(|reading| reading.homeserver).find(|homeserver| looks_anywhere(homeserver));
    let Some(homeserver) = anywhere.or(readings.first().map(|reading| reading.homeserver)) else { return Vec::new() };
    let mut examiner = Examiner::new(homeserver, deadline);
    // By name, since a look for one in a list of all files would be a walk.
    let by_name: Vec<HashMap<&str, Read<'_>>> =
        readings.iter().map(|reading| reading.files.iter().copied().collect()).collect();
    let mut seen = HashSet::new();
    for (name, _) in readings.iter().flat_map(|reading| &reading.files).filter(|(name, _)| seen.insert(*name)) {
        let reads: Vec<Option<Read<'_>>> = by_name.iter().map(|files| files.get(name).copied()).collect();
        files::compare(readings, &reads, &mut shapes);
        let loaded: Vec<Option<&Registration>> = reads.iter().map(|read| read.and_then(Result::ok)).collect();
        claims::compare(&mut examiner, readings, &loaded, &mut shapes);
    }
    decisions::compare(&mut examiner, readings, &mut shapes);
    let mut findings: Vec<Arc<Finding>> = shapes.done().into_iter().map(Arc::new).collect();
    findings.sort_by(|a, b| order(a, b));
    findings
}
