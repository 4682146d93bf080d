//! How findings are written.

mod document;
mod faults;
mod human;
mod sarif;

use std::sync::Arc;

pub(super) use document::Document;
pub(super) use faults::{FaultOf, faults};
pub(super) use human::{human, human_of_faults};
pub(super) use sarif::{sarif, sarif_of_problem};

use crate::analysis::Finding;
use crate::snapshot::Snapshot;

/// What is to be reported.
pub(super) struct Report<'a> {
    /// What was checked, by homeserver; never none.
    pub(super) snapshots: &'a [Arc<Snapshot>],
    pub(super) faults: &'a [FaultOf<'a>],
    pub(super) findings: &'a [Arc<Finding>],
    /// Notes too.
    pub(super) all: bool,
}

/// What explains a code.
fn page(code: &str) -> String {
    format!("bailiwick explain {code}")
}
