use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, info, warn};

use super::{FoundIn, ReloadReport, ReloadResult, Trigger};
use crate::analysis::{Analysis, Code, Finding, Severity, Wanted};
use crate::snapshot::{FileRecord, FileState, Ids, Snapshot};

/// Services that are named in the line about a reload; the rest is counted.
const MAX_NAMED: usize = 20;

/// Files that are named in lines of their own for each reload; the rest is counted.
const MAX_FILES: usize = 100;

/// Files of which the same is said that are named in lines of their own for each reload; the rest is counted.
const MAX_ALIKE: usize = 3;

/// Collisions that are told in lines of their own for each comparison; the rest is counted.
const MAX_COLLISIONS: usize = 20;

/// One line for a reload, and one for each file whose faults are new. A reload that changes nothing is not worth a
/// line at the usual level, since there is one every half a minute, unless somebody has asked for it.
pub(super) fn reloaded(report: &ReloadReport, before: &Arc<Snapshot>, after: &Arc<Snapshot>) {
    if Arc::ptr_eq(before, after) {
        unchanged(report);
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
        held = after.counts().held,
        stale = after.counts().stale,
        quarantined = after.counts().quarantined,
        added = named(&changes.added),
        changed = named(&changes.changed),
        removed = named(&changes.removed),
        ms = millis(report.took),
        "reloaded"
    );
}

/// Says of each source, when it is first listed and when that is new, what was passed over there, and that there is nothing:
/// a directory that is empty when the service starts is as it should be, or a volume that is not mounted.
pub(super) fn found(before: &[FoundIn], after: &[FoundIn]) {
    for found in after {
        let FoundIn { source, registrations, passed_over } = found;
        let earlier = before.iter().find(|earlier| earlier.source == *source);
        if !passed_over.is_empty() && earlier.is_none_or(|earlier| earlier.passed_over != *passed_over) {
            warn!(source, "passed over, and not taken for registrations: {passed_over}");
        }
        if *registrations == 0 && earlier.is_none() {
            warn!(
                source,
                "no registration was found there, so that it guards no names; if there ought to be some, see whether it is \
                 mounted: what appears there is in force at once"
            );
        }
    }
}

fn unchanged(report: &ReloadReport) {
    let ReloadReport { trigger, generation, .. } = *report;
    let (trigger, ms) = (trigger.as_str(), millis(report.took));
    match report.trigger {
        Trigger::Signal | Trigger::Request if report.result == ReloadResult::Refused => {
            let sources = report.missing.iter().map(|missing| &*missing.source).collect::<Vec<_>>().join(", ");
            warn!(trigger, generation, ms, sources, "nothing has changed: a source is still not as it should be");
        }
        Trigger::Signal | Trigger::Request => info!(trigger, generation, ms, "nothing has changed"),
        Trigger::Start | Trigger::Event | Trigger::Poll => debug!(trigger, generation, ms, "nothing has changed"),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// One line for a comparison, and one for each collision that was not there before.
pub(super) fn compared(before: Option<&Analysis>, after: &Analysis, snapshot: &Snapshot, took: Duration) {
    let count = |severity| after.findings.count(of(severity));
    info!(
        snapshot = &**snapshot.digest(),
        errors = count(Severity::Error),
        warnings = count(Severity::Warning),
        notes = count(Severity::Note),
        ms = millis(took),
        "compared"
    );
    let (told, untold): (Vec<_>, Vec<_>) =
        new_errors(before, after).into_iter().enumerate().partition(|(at, _)| *at < MAX_COLLISIONS);
    for (_, finding) in told {
        let places = finding.places.iter().map(|place| format!("{}:{}:{}", place.file, place.line, place.column));
        let places = places.collect::<Vec<_>>().join(" and ");
        warn!(code = finding.code.as_str(), places, "registrations collide: {}", finding.message);
    }
    if !untold.is_empty() {
        warn!("… and {} more; `GET /v1/conflicts?severity=error` shows them all", untold.len());
    }
}

const fn of(severity: Severity) -> Wanted {
    Wanted { severity: Some(severity), code: None }
}

/// The errors that were not there before.
fn new_errors(before: Option<&Analysis>, after: &Analysis) -> Vec<Arc<Finding>> {
    let errors =
        |analysis: &Analysis| -> Vec<Arc<Finding>> { analysis.findings.iter_wanted(of(Severity::Error)).collect() };
    let (before, mut after) = (before.map(errors).unwrap_or_default(), errors(after));
    // Nearly all have been found once and are the same still, which is told sooner than what they are about.
    let known: HashSet<*const Finding> = before.iter().map(Arc::as_ptr).collect();
    after.retain(|finding| !known.contains(&Arc::as_ptr(finding)));
    if !after.is_empty() {
        let known: HashSet<_> = before.iter().map(|finding| identity(finding)).collect();
        after.retain(|finding| !known.contains(&identity(finding)));
    }
    after
}

/// What makes a finding the same one although its lines have moved.
fn identity(finding: &Finding) -> (Code, Vec<(&str, Option<&str>)>) {
    (finding.code, finding.places.iter().map(|place| (&*place.file, place.regex.as_deref())).collect())
}

/// The files whose faults are new, and those that are mended. Of those that say the same a few stand for all: a directory
/// that is lost is one event and not a thousand.
fn faulty(before: &Snapshot, after: &Snapshot) {
    let are_active = |snapshot: &Snapshot| snapshot.counts().active == snapshot.files().len();
    if are_active(before) && are_active(after) {
        // As nearly always: there is nothing to be said of any of a hundred thousand.
        return;
    }
    let known: HashMap<&str, &FileRecord> = (before.files().iter().filter(|file| file.state() != FileState::Active))
        .map(|file| (file.file(), file))
        .collect();
    let mut alike: HashMap<String, usize> = HashMap::new();
    let (mut told, mut untold) = (0_usize, 0_usize);
    for file in after.files() {
        let earlier = known.get(file.file());
        let said = match (file.state(), earlier) {
            (FileState::Active, None) => continue,
            (FileState::Active, Some(_)) => "file is in force again".to_owned(),
            (_, Some(earlier)) if earlier.state() == file.state() && earlier.faults() == file.faults() => continue,
            (FileState::Held, _) => format!("names are held: {}", described(file)),
            _ => format!("file cannot be loaded: {}", described(file)),
        };
        let (shown, state) = (file.file(), file.state());
        let count = alike.entry(said.clone()).or_default();
        *count += 1;
        if told == MAX_FILES || *count > MAX_ALIKE {
            untold += 1;
            continue;
        }
        told += 1;
        if state == FileState::Active {
            info!(file = shown, "{said}");
        } else {
            warn!(file = shown, state = state.as_str(), "{said}");
        }
    }
    if untold > 0 {
        warn!("… and {untold} more files; `GET /v1/registrations` shows them all");
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

fn named(ids: &Ids) -> String {
    let mut line = ids.iter().take(MAX_NAMED).collect::<Vec<_>>().join(", ");
    if ids.len() > MAX_NAMED {
        line += &format!(" … and {} more", ids.len() - MAX_NAMED);
    }
    line
}
