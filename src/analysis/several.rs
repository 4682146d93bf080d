//! Findings of several homeservers about the same files: what is the same on some of them is said once.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Code, Finding, Fix, HomeserverAnswer, Relation, Says, Severity, order};
use crate::homeserver::Dialect;
use crate::matrix::Kind;

/// What makes two findings the same, but for the homeserver's name.
type Same<'f> = (Code, Severity, Option<Kind>, Option<Relation>, Option<&'f str>, String, Vec<(&'f str, u32, u32)>);

/// What a homeserver is called where it is any of several.
const ANY: &str = "the homeserver";
/// Behind it stands what comes of a collision.
const SO: &str = ": ";

/// The findings of each homeserver, each with those on which it is so.
#[must_use]
pub fn together(found: &[(Dialect, &[Arc<Finding>])]) -> Vec<Arc<Finding>> {
    let mut known: HashMap<Same<'_>, (&Finding, Vec<&'static str>)> = HashMap::new();
    for (dialect, findings) in found {
        for finding in *findings {
            let (_, names) = known.entry(same(*dialect, finding)).or_insert_with(|| (finding, Vec::new()));
            // What one homeserver says twice is still said on it once.
            if names.last() != Some(&dialect.name()) {
                names.push(dialect.name());
            }
        }
    }
    let said = |(same, (finding, names)): (Same<'_>, (&Finding, Vec<&'static str>))| {
        let message = if names.len() > 1 { same.5.into() } else { finding.message.clone() };
        let fix = fix_of_all(found, &names, finding);
        Finding { message, homeservers: names.into(), fix, ..finding.clone() }
    };
    let mut findings: Vec<Finding> = known.into_iter().map(said).collect();
    findings.sort_by(|a, b| order(a, b).then_with(|| (&a.message, &a.homeservers).cmp(&(&b.message, &b.homeservers))));
    let asked: Vec<&'static str> = found.iter().map(|(dialect, _)| dialect.name()).collect();
    let joined = findings.into_iter().fold(Vec::new(), |mut joined: Vec<Finding>, finding| {
        if let Some(last) = joined.last_mut()
            && let Some(both) = joined_with(&asked, last, &finding)
        {
            *last = both;
        } else {
            joined.push(finding);
        }
        joined
    });
    joined.into_iter().map(Arc::new).collect()
}

/// The fix of a finding, where all homeservers that were asked have the finding and the fix: one that is proved for some of
/// them alone may do harm on the others.
fn fix_of_all(found: &[(Dialect, &[Arc<Finding>])], names: &[&'static str], finding: &Finding) -> Option<Box<Fix>> {
    let fix = finding.fix.as_ref().filter(|_| names.len() == found.len())?;
    let has_it = |(_, findings): &(Dialect, &[Arc<Finding>])| {
        findings.iter().any(|other| {
            other.fix.as_ref() == Some(fix) && other.code == finding.code && other.places == finding.places
        })
    };
    found.iter().all(has_it).then(|| fix.clone())
}

/// Two findings about the same two entries of which homeservers make something else; `None` if they are not.
fn joined_with(asked: &[&'static str], one: &Finding, other: &Finding) -> Option<Finding> {
    let facts =
        |finding: &Finding| (finding.code, finding.severity, finding.kind, finding.relation, finding.witness.clone());
    let apart = !one.homeservers.iter().any(|name| other.homeservers.contains(name));
    if !apart || one.places.len() != 2 || one.places != other.places || facts(one) != facts(other) {
        return None;
    }
    let ((head, tail), (same, so)) = (one.message.rsplit_once(SO)?, other.message.rsplit_once(SO)?);
    let head = if one.answers.is_empty() { head } else { &one.message };
    if head != same {
        return None;
    }
    let means = |finding: &Finding, message: &str| HomeserverAnswer {
        homeservers: finding.homeservers.clone(),
        says: Says::Means,
        message: message.into(),
    };
    let mut answers = one.answers.to_vec();
    if answers.is_empty() {
        answers.push(means(one, tail));
    }
    answers.push(means(other, so));
    let first = |names: &[&str]| asked.iter().position(|name| names.first() == Some(name));
    answers.sort_by_key(|answer| first(&answer.homeservers));
    let of_any = |name: &&&str| one.homeservers.contains(name) || other.homeservers.contains(name);
    let homeservers = asked.iter().filter(of_any).copied().collect();
    Some(Finding { message: head.to_owned().into(), homeservers, answers: answers.into(), fix: None, ..one.clone() })
}

fn same(dialect: Dialect, finding: &Finding) -> Same<'_> {
    let Finding { code, severity, kind, relation, witness, message, places, .. } = finding;
    let places = places.iter().map(|place| (&*place.file, place.line, place.column)).collect();
    (*code, *severity, *kind, *relation, witness.as_deref(), unnamed(dialect, message), places)
}

/// A sentence about a homeserver as it is said of several.
#[must_use]
pub fn unnamed(dialect: Dialect, sentence: &str) -> String {
    sentence.replace(dialect.homeserver(), ANY)
}
