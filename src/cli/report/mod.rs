//! How findings are written.

mod document;
mod excerpt;
mod faults;
mod human;
mod sarif;
mod texts;

use std::sync::Arc;

pub(super) use document::Document;
pub(super) use faults::{FaultOf, faults};
pub(super) use human::{human, human_of_faults};
pub(super) use sarif::{sarif, sarif_of_problem};
pub(super) use texts::Texts;

use crate::analysis::Finding;
use crate::registration::{Fault, Place, SourceText};
use crate::snapshot::Snapshot;

/// What is to be reported.
pub(super) struct Report<'a> {
    /// What was checked, by homeserver; never none.
    pub(super) snapshots: &'a [Arc<Snapshot>],
    pub(super) faults: &'a [FaultOf<'a>],
    pub(super) findings: &'a [Arc<Finding>],
    /// What the files say, for showing their lines.
    pub(super) texts: &'a Texts,
    /// Notes too.
    pub(super) all: bool,
    /// In colours, where it is for people.
    pub(super) colour: bool,
}

/// A file of Synapse's own configuration without which nothing can be checked.
pub(super) struct Unchecked<'a> {
    pub(super) file: &'a str,
    pub(super) faults: &'a [Fault],
    pub(super) text: &'a SourceText,
}

/// Where a fault is, from its first character to behind its last; `None` where it is of the file as a whole.
fn span(fault: &Fault, text: &SourceText) -> Option<(Place, Option<Place>)> {
    let from = Place { line: fault.line?, column: fault.column? };
    Some((from, fault.end.or_else(|| text.end_of(from)).filter(|&end| end > from)))
}

/// What explains a code.
fn page(code: &str) -> String {
    format!("bailiwick explain {code}")
}
