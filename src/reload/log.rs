use std::collections::HashMap;
use std::sync::Arc;

use tracing::{debug, info, warn};

use super::{ReloadReport, ReloadResult};
use crate::snapshot::{FileRecord, FileState, Snapshot};

/// Services that are named in the line about a reload; the rest is counted.
const MAX_NAMED: usize = 20;

/// Files that are named in lines of their own for each reload; the rest is counted.
const MAX_FILES: usize = 100;

/// One line for a reload, and one for each file whose faults are new. A reload that changes nothing is not worth a
/// line at the usual level: there is one every half a minute.
pub(super) fn reloaded(report: &ReloadReport, before: &Arc<Snapshot>, after: &Arc<Snapshot>) {
    if Arc::ptr_eq(before, after) {
        debug!(
            trigger = report.trigger.as_str(),
            generation = after.generation(),
            ms = report.took.as_millis(),
            "nothing has changed"
        );
        return;
    }
    for missing in after.missing().iter().filter(|missing| !before.missing().contains(missing)) {
        warn!(source = missing.source, "source is not as it should be: {}", missing.problem);
    }
    if !after.is_ready() {
        warn!(trigger = report.trigger.as_str(), "nothing is loaded yet: a source is missing");
        return;
    }
    if after.files().is_empty() && report.result == ReloadResult::Changed {
        warn!("there are no registrations: nobody's names are guarded");
    }
    faulty(before, after);
    let changes = &report.changes;
    info!(
        trigger = report.trigger.as_str(),
        generation = after.generation(),
        snapshot = &**after.digest(),
        complete = after.is_complete(),
        active = after.counts().active,
        stale = after.counts().stale,
        quarantined = after.counts().quarantined,
        added = named(&changes.added),
        changed = named(&changes.changed),
        removed = named(&changes.removed),
        ms = report.took.as_millis(),
        "reloaded"
    );
}

/// The files whose faults are new, and those that are mended.
fn faulty(before: &Snapshot, after: &Snapshot) {
    let known: HashMap<&str, &FileRecord> = (before.files().iter().filter(|file| file.state() != FileState::Active))
        .map(|file| (&**file.file(), &**file))
        .collect();
    let mut told = 0_usize;
    for file in after.files() {
        let earlier = known.get(&**file.file());
        match (file.state(), earlier) {
            (FileState::Active, None) => continue,
            (FileState::Active, Some(_)) if told < MAX_FILES => info!(file = &**file.file(), "file is in force again"),
            (_, Some(earlier)) if earlier.state() == file.state() && earlier.faults() == file.faults() => continue,
            (state, _) if told < MAX_FILES => {
                warn!(file = &**file.file(), state = state.as_str(), "file cannot be loaded: {}", described(file));
            }
            _ => {}
        }
        told += 1;
    }
    if told > MAX_FILES {
        warn!("… and {} more files; `GET /v1/registrations` shows them all", told - MAX_FILES);
    }
}

/// All faults in one line. Their messages hold no tokens; see [`crate::registration::Fault`].
fn described(file: &FileRecord) -> String {
    let faults = file.faults().iter().map(|fault| match (fault.line, fault.column) {
        (Some(line), Some(column)) => format!("{line}:{column}: {}", fault.message),
        (Some(line), None) => format!("{line}: {}", fault.message),
        _ => fault.message.clone(),
    });
    faults.collect::<Vec<_>>().join("; ")
}

fn named(ids: &[Arc<str>]) -> String {
    let mut line = ids.iter().take(MAX_NAMED).map(|id| &**id).collect::<Vec<_>>().join(", ");
    if ids.len() > MAX_NAMED {
        line += &format!(" … and {} more", ids.len() - MAX_NAMED);
    }
    line
}
