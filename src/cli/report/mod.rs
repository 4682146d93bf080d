//! How findings are written.

mod document;
mod excerpt;
mod faults;
mod gitlab;
mod human;
mod sarif;
mod texts;

use std::sync::Arc;

pub(super) use document::Document;
pub(super) use faults::{FaultOf, faults};
pub(super) use gitlab::{gitlab, gitlab_of_problem};
pub(super) use human::{human, human_of_faults};
pub(super) use sarif::{sarif, sarif_of_problem};
pub(super) use texts::Texts;

use crate::analysis::{Finding, HomeserverAnswer};
use crate::registration::{Fault, Place, SourceText};
use crate::snapshot::Snapshot;

/// What is to be reported.
pub(super) struct Report<'a> {
    /// What was checked, by homeserver; never none.
    pub(super) snapshots: &'a [Arc<Snapshot>],
    pub(super) faults: &'a [FaultOf<'a>],
    pub(super) findings: &'a [Arc<Finding>],
    /// What was found, and counts for nothing.
    pub(super) allowed: &'a [Allowed],
    /// What the files say, for showing their lines.
    pub(super) texts: &'a Texts,
    /// Notes too, and what is allowed.
    pub(super) all: bool,
    /// In colours, where it is for people.
    pub(super) colour: bool,
}

/// A finding that is known and meant.
pub(super) struct Allowed {
    pub(super) finding: Arc<Finding>,
    /// Why, where that is written; `None` if the command line allows all of its code.
    pub(super) because: Option<String>,
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

/// All of a finding but its places, for formats that have one text for it.
fn in_one_line(finding: &Finding) -> String {
    let mut text = finding.message.clone().into_owned();
    if let Some(witness) = &finding.witness {
        text += &format!(" (witness: {witness})");
    }
    for HomeserverAnswer { homeservers, message, .. } in &finding.answers {
        text += &format!("; {}: {message}", homeservers.join(", "));
    }
    text + &on(&finding.homeservers)
}

/// On which of several homeservers it is so.
fn on(homeservers: &[&str]) -> String {
    if homeservers.is_empty() { String::new() } else { format!(" (on {})", homeservers.join(", ")) }
}

/// What explains a code.
fn page(code: &str) -> String {
    format!("bailiwick explain {code}")
}
