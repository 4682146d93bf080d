use std::sync::Arc;

use serde::Serialize;

use super::{Allowed, Report, Unchecked};
use crate::analysis::Finding;
use crate::registration::Fault;
use crate::snapshot::{FileRecord, FileState, Snapshot};

/// What there is to say, as one JSON document.
#[derive(Serialize)]
pub(in crate::cli) struct Document<'a> {
    /// Left out where several homeservers were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Checked<'a>>,
    complete: bool,
    /// Why nothing could be checked; null as a rule.
    problem: Option<&'a str>,
    /// Left out where several homeservers were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<File<'a>>>,
    /// What each of several homeservers makes of the files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    homeservers: Vec<Asked<'a>>,
    total: usize,
    findings: &'a [Arc<Finding>],
    /// What was found besides, and counts for nothing.
    allowed: Vec<Meant<'a>>,
}

#[derive(Serialize)]
struct Meant<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    /// Why; null if the command line allows all of its code.
    because: Option<&'a str>,
}

impl<'a> Meant<'a> {
    fn of(Allowed { finding, because }: &'a Allowed) -> Self {
        Self { finding, because: because.as_deref() }
    }
}

/// The digest of what was checked; null if nothing could be.
#[derive(Serialize)]
struct Checked<'a>(Option<&'a str>);

#[derive(Serialize)]
struct Asked<'a> {
    homeserver: &'static str,
    /// What its answers were taken from.
    release: &'static str,
    snapshot: &'a str,
    complete: bool,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    state: FileState,
    errors: &'a [Fault],
}

impl<'a> File<'a> {
    fn of(record: &'a FileRecord) -> Self {
        Self { file: record.file(), state: record.state(), errors: record.faults() }
    }

    fn all(snapshot: &'a Snapshot) -> Vec<Self> {
        snapshot.files().iter().map(Self::of).collect()
    }
}

impl<'a> Asked<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let dialect = snapshot.services().homeserver().dialect;
        Self {
            homeserver: dialect.name(),
            release: dialect.release(),
            snapshot: snapshot.digest(),
            complete: snapshot.is_complete(),
            files: File::all(snapshot),
        }
    }
}

impl<'a> Document<'a> {
    pub(in crate::cli) fn of(report: &Report<'a>) -> Self {
        let (snapshot, files, homeservers) = match report.snapshots {
            [only] => (Some(Checked(Some(only.digest()))), Some(File::all(only)), Vec::new()),
            several => (None, None, several.iter().map(|snapshot| Asked::of(snapshot)).collect()),
        };
        let complete = report.snapshots.iter().all(|snapshot| snapshot.is_complete());
        let (total, findings) = (report.findings.len(), report.findings);
        let allowed = report.allowed.iter().map(Meant::of).collect();
        Self { snapshot, complete, problem: None, files, homeservers, total, findings, allowed }
    }

    pub(in crate::cli) fn of_problem(problem: &'a str, refused: Option<&Unchecked<'a>>) -> Self {
        let file = |one: &Unchecked<'a>| File { file: one.file, state: FileState::Quarantined, errors: one.faults };
        let files = Some(refused.into_iter().map(file).collect());
        Self {
            snapshot: Some(Checked(None)),
            complete: false,
            problem: Some(problem),
            files,
            homeservers: Vec::new(),
            total: 0,
            findings: &[],
            allowed: Vec::new(),
        }
    }
}
