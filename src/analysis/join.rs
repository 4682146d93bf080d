//! Synapse joins the exclusive user regexes of all files into one pattern when it starts.

use std::sync::Arc;

use super::Deadline;
use super::finding::{Code, Finding, FindingPlace, Severity};
use crate::matrix::Kind;
use crate::registration::Registration;
use python_re::Pattern;

/// After so many the others are not looked for: each costs several compilations of the whole.
const MAX_FINDINGS: usize = 20;

/// The entries without which that pattern would compile: each loads alone, and with it Synapse would not start.
pub(super) fn unjoinable(registrations: &[Arc<Registration>], deadline: &Deadline) -> Vec<Finding> {
    let mut entries: Vec<(&Arc<Registration>, u32, &str)> = Vec::new();
    for registration in registrations {
        let users = (0..).zip(&registration.namespaces.users).filter(|(_, entry)| entry.exclusive);
        entries.extend(users.map(|(index, entry)| (registration, index, &*entry.regex)));
    }
    let mut findings = Vec::new();
    if !entries.iter().any(|(_, _, regex)| depends_on_surroundings(regex)) {
        return findings;
    }
    // One at a time is the last that it takes to break the whole: the one to be mended.
    while let Err(error) = joined(&entries) {
        let no_more = if findings.len() + 1 == MAX_FINDINGS || deadline.is_over() {
            "; whether others do so too was not looked at: mend this one first"
        } else {
            ""
        };
        let (mut good, mut bad) = (0, entries.len());
        while bad - good > 1 {
            let middle = usize::midpoint(good, bad);
            if joined(&entries[..middle]).is_ok() { good = middle } else { bad = middle }
        }
        let (registration, index, _) = entries.remove(bad - 1);
        findings.push(Finding {
            code: Code::UnjoinableRegex,
            severity: Severity::Error,
            kind: Some(Kind::User),
            relation: None,
            witness: None,
            witness_is: None,
            message: format!(
                "Synapse would not start: it joins the exclusive user regexes of all files into one pattern, and this one \
                 breaks it ({}){no_more}",
                error.message
            )
            .into(),
            places: [FindingPlace::entry(registration, Kind::User, index)].into(),
        });
        if !no_more.is_empty() {
            break;
        }
    }
    findings
}

/// Whether a regex that compiles alone may not do so among others: flags, group names, references by number.
fn depends_on_surroundings(regex: &str) -> bool {
    regex.contains("(?") || regex.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_digit())
}

fn joined(entries: &[(&Arc<Registration>, u32, &str)]) -> Result<(), python_re::PatternError> {
    let length = entries.iter().map(|(_, _, regex)| regex.len() + 3).sum();
    let mut pattern = String::with_capacity(length);
    for (at, (_, _, regex)) in entries.iter().enumerate() {
        if at > 0 {
            pattern.push('|');
        }
        pattern.push('(');
        pattern.push_str(regex);
        pattern.push(')');
    }
    Pattern::check(&pattern)
}
