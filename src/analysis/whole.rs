//! Findings that need the whole set.

use std::sync::Arc;

use super::Deadline;
use super::budget::bound;
use super::finding::{Code, Finding, FindingPlace, Severity, WitnessIs};
use super::join::unjoinable;
use super::prepared::{Prepared, PreparedEntry};
use crate::index::Scratch;
use crate::matrix::{Kind, MatrixId, user_id};
use crate::registration::Registration;
use crate::ruling::{ClaimVia, Services};

/// What only shows when all registrations are looked at together.
pub(super) fn findings(services: &Services, prepared: &[Arc<Prepared>], deadline: &Deadline) -> Vec<Finding> {
    let mut findings = Vec::new();
    let all = prepared.iter().map(|one| Counts::of(one)).fold(Counts::default(), Counts::plus);
    for one in prepared {
        let everyone = one.entries.iter().filter(|entry| entry.everyone);
        let mut of_one = Vec::new();
        if one.entries.iter().any(|entry| entry.everyone) {
            let others = all.minus(Counts::of(one));
            of_one.extend(everyone.map(|entry| claims_everyone(&one.registration, entry, others)));
        }
        findings.extend(bound(of_one));
        senders(services, &one.registration, prepared, &mut findings);
    }
    findings.extend(unjoinable(services.homeserver(), services.registrations(), deadline));
    findings
}

/// How many entries claim something, by kind: shared ones, and exclusive ones.
#[derive(Clone, Copy, Debug, Default)]
struct Counts([[usize; 2]; 3]);

impl Counts {
    fn of(prepared: &Prepared) -> Self {
        let mut counts = Self::default();
        for entry in prepared.entries.iter().filter(|entry| entry.compared || entry.everyone) {
            counts.0[entry.kind as usize][usize::from(entry.exclusive)] += 1;
        }
        counts
    }

    fn with(self, other: Self, what: impl Fn(usize, usize) -> usize) -> Self {
        Self(std::array::from_fn(|kind| std::array::from_fn(|at| what(self.0[kind][at], other.0[kind][at]))))
    }

    fn plus(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    fn minus(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }
}

fn claims_everyone(registration: &Registration, entry: &PreparedEntry, others: Counts) -> Finding {
    let [shared, exclusive] = others.0[entry.kind as usize];
    let collisions = if entry.exclusive { shared + exclusive } else { exclusive };
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
    let mut scratch = Scratch::new();
    for claim in
        services.claims(id, &mut scratch).iter().filter(|claim| claim.exclusive && claim.as_id != &*registration.id)
    {
        let Some(position) = services.position_of_id(claim.as_id) else { continue };
        let other = services.registration(position);
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
                let entries = &prepared[position.index()].entries;
                let at = entries.partition_point(|entry| entry.kind == Kind::User && entry.index < index);
                if entries
                    .get(at)
                    .is_some_and(|entry| entry.kind == Kind::User && entry.index == index && entry.everyone)
                {
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
