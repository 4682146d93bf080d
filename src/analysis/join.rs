//! What a homeserver makes of the exclusive regexes of a kind in all files together: each loads alone, and all together may not.

use std::sync::Arc;

use super::Code;
use super::Deadline;
use super::finding::{Finding, Severity};
use crate::homeserver::{Homeserver, Join};
use crate::list::List;
use crate::matrix::Kind;
use crate::registration::Registration;

/// After so many the others are not looked for: each costs several compilations of the whole.
const MAX_FINDINGS: usize = 20;

/// What would have to be compiled once more, all together, is larger than was allowed.
pub(super) struct TooLarge;

/// Whether a registration has entries that may break the whole that a homeserver makes of all, or be what breaks it. Where none of a set
/// has, all can be joined, and nobody need look.
#[must_use]
pub fn may_break(homeserver: &Homeserver, registration: &Registration) -> bool {
    homeserver.dialect.join().is_some_and(|join| {
        let entries = join.kinds().iter().flat_map(|&kind| registration.entries(kind));
        entries.filter(|entry| entry.exclusive).any(|entry| join.depends_on_others(entry.regex.as_str()))
    })
}

/// The entries without which they could be joined. No more bytes than so many are joined for it.
pub(super) fn unjoinable(
    homeserver: &Homeserver,
    registrations: &List<Registration>,
    deadline: &Deadline,
    most: usize,
) -> Result<Vec<Finding>, TooLarge> {
    let mut findings = Vec::new();
    if let Some(join) = homeserver.dialect.join() {
        for &kind in join.kinds() {
            findings.extend(unjoinable_of(join, kind, registrations, deadline, most)?);
        }
    }
    Ok(findings)
}

/// Those of a set that would be in force with a newcomer which it is in, or which could be joined before it came: an edit may break what
/// stands behind it, where a reference counts the groups of all before.
pub(super) fn unjoinable_with(
    newcomer: &Registration,
    (homeserver, before, set): (&Homeserver, &List<Registration>, &List<Registration>),
    deadline: &Deadline,
    most: usize,
) -> Result<Vec<Finding>, TooLarge> {
    let mut broken = unjoinable(homeserver, set, deadline, most)?;
    let concerns = |finding: &Finding| finding.places.iter().any(|place| &*place.as_id == newcomer.id());
    if !broken.iter().all(concerns) {
        let entries = |finding: &Finding| -> Vec<_> {
            finding.places.iter().map(|place| (Arc::clone(&place.as_id), finding.kind, place.index)).collect()
        };
        let before = unjoinable(homeserver, before, deadline, most)?;
        let before: Vec<_> = before.iter().map(entries).collect();
        broken.retain(|finding| concerns(finding) || !before.contains(&entries(finding)));
    }
    Ok(broken)
}

fn unjoinable_of(
    join: &Join,
    kind: Kind,
    registrations: &List<Registration>,
    deadline: &Deadline,
    most: usize,
) -> Result<Vec<Finding>, TooLarge> {
    let mut findings = Vec::new();
    let mut places: Vec<(&Registration, u32)> = Vec::new();
    let mut regexes: Vec<&str> = Vec::new();
    for registration in registrations {
        for (index, entry) in (0..).zip(registration.entries(kind)).filter(|(_, entry)| entry.exclusive) {
            places.push((registration, index));
            regexes.push(entry.regex.as_str());
        }
    }
    let deciding = join.deciding(&regexes);
    let mut places: Vec<_> = deciding.iter().map(|&at| places[at]).collect();
    let mut regexes: Vec<_> = deciding.iter().map(|&at| regexes[at]).collect();
    if regexes.iter().map(|regex| regex.len()).sum::<usize>() > most {
        return Err(TooLarge);
    }
    if regexes.is_empty() {
        return Ok(findings);
    }
    // One at a time is the last that it takes to break the whole: the one to be mended.
    while let Some(broken) = join.broken(&regexes) {
        let no_more = if findings.len() + 1 == MAX_FINDINGS || deadline.is_over() {
            "; whether others do so too was not looked at: mend this one first"
        } else {
            ""
        };
        regexes.remove(broken.at);
        let (registration, index) = places.remove(broken.at);
        let message = format!("{} ({}){no_more}", join.consequence(), broken.error);
        findings.push(Finding::new(Code::UnjoinableRegex, Severity::Error, message).about(registration, kind, index));
        if !no_more.is_empty() {
            break;
        }
    }
    Ok(findings)
}
