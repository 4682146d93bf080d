//! How findings are written.

mod human;
mod sarif;

use std::sync::Arc;

pub(super) use human::{human, human_of_faults};
pub(super) use sarif::{sarif, sarif_of_problem};

use crate::analysis::Finding;
use crate::snapshot::Snapshot;

/// What is to be reported.
pub(super) struct Report<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) findings: &'a [Arc<Finding>],
    /// Notes too.
    pub(super) all: bool,
}

/// What explains a code.
fn page(code: &str) -> String {
    format!("bailiwick explain {code}")
}
