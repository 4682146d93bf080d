//! Findings that need the whole set.

use std::sync::Arc;

use super::finding::{Code, Finding, FindingPlace, Severity, WitnessIs};
use super::join::unjoinable;
use super::prepared::{Prepared, PreparedEntry};
use crate::matrix::{Kind, MatrixId, user_id};
use crate::registration::Registration;
use crate::ruling::{ClaimVia, Services};

/// What only shows when all registrations are looked at together.
pub(super) fn findings(services: &Services, prepared: &[Arc<Prepared>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in prepared {
        for entry in one.entries.iter().filter(|entry| entry.everyone) {
            findings.push(claims_everyone(&one.registration, entry, prepared));
        }
        senders(services, &one.registration, prepared, &mut findings);
    }
    findings.extend(unjoinable(services.registrations()));
    findings
}

fn claims_everyone(registration: &Registration, entry: &PreparedEntry, prepared: &[Arc<Prepared>]) -> Finding {
    let others = prepared.iter().filter(|other| other.registration.id != registration.id);
    let same_kind = others
        .flat_map(|other| &other.entries)
        .filter(|other| other.kind == entry.kind && (other.compared || other.everyone));
    let collisions = same_kind.filter(|other| entry.exclusive || other.exclusive).count();
    let (kind, id) = (entry.kind, &registration.id);
    let all = if kind == Kind::User { "every user" } else { "every alias" };
    let message = if entry.exclusive {
        format!(
            "`{id}` claims {all} of this server exclusively, so that nobody else can register one; collisions with other \
             entries of its kind that are not listed one by one: {collisions}"
        )
    } else {
        format!(
            "`{id}` sees {all} of this server, which double puppeting needs; exclusive entries of others among them, not \
             listed one by one: {collisions}"
        )
    };
    Finding {
        code: Code::ClaimsEveryone,
        severity: if entry.exclusive { Severity::Error } else { Severity::Note },
        kind: Some(kind),
        relation: None,
        witness: None,
        witness_is: None,
        message: message.into(),
        places: [FindingPlace::entry(registration, kind, entry.index)].into(),
    }
}

/// Who else holds the service's own user.
fn senders(services: &Services, registration: &Registration, prepared: &[Arc<Prepared>], findings: &mut Vec<Finding>) {
    let sender = user_id(&registration.sender_localpart, services.server_name().as_str());
    let Ok(id) = MatrixId::parse(&sender) else { return };
    for claim in services.claims(id).iter().filter(|claim| claim.exclusive && claim.as_id != &*registration.id) {
        let Some(position) = services.position_of_id(claim.as_id) else { continue };
        let other = &services.registrations()[position as usize];
        // Two that share a sender are found twice.
        if claim.via == ClaimVia::Sender && other.id < registration.id {
            continue;
        }
        let (place, message) = match claim.index {
            None => (
                FindingPlace::at(other, other.sender_place),
                format!("`{}` and `{}` have the same own user `{sender}`", registration.id, other.id),
            ),
            Some(index) => {
                // Who claims everybody is told so once.
                let mut entries = prepared[position as usize].entries.iter();
                if entries.any(|entry| entry.kind == Kind::User && entry.index == index && entry.everyone) {
                    continue;
                }
                (
                    FindingPlace::entry(other, Kind::User, index),
                    format!(
                        "`{sender}`, the own user of `{}`, is claimed exclusively by `{}`",
                        registration.id, other.id
                    ),
                )
            }
        };
        findings.push(Finding {
            code: Code::SenderConflict,
            severity: Severity::Error,
            kind: Some(Kind::User),
            relation: None,
            witness: Some(sender.as_str().into()),
            witness_is: Some(if is_of_today(&registration.sender_localpart) {
                WitnessIs::Valid
            } else {
                WitnessIs::Historical
            }),
            message: message.into(),
            places: [FindingPlace::at(registration, registration.sender_place), place].into(),
        });
    }
}

fn is_of_today(localpart: &str) -> bool {
    !localpart.is_empty()
        && localpart.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._=/+-".contains(&byte))
}
