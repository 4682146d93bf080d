//! IDs that services come to contest from one set of registrations to another, or no longer contest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::difference::{Change, ChangeKind, Holding};
use super::examiner::{Examiner, Pass};
use super::finding::{Finding, Severity, Witness};
use super::limits::MAX_PAIRS_BETWEEN;
use super::term::{NEVER, Term};
use super::{Analysis, Code, Deadline, Set};
use crate::index::Scratch;
use crate::matrix::{Kind, MatrixId};
use crate::ruling::{Services, Status};

/// Two services, the lesser id first, and what they contest.
type Contest = (String, String, Kind);

/// What becomes contested, and what no longer is.
///
/// Two services that contest something in either set are looked at, and no others: their entries have been held against
/// each other for the findings. Whether an ID is contested is then a question about the languages of both sets, so that
/// a contest of more IDs than before is told too.
pub(super) fn contests(examiner: &mut Examiner<'_>, old: &Services, new: &Services) -> Vec<Change> {
    let (found_before, found_after) = (findings(old), findings(new));
    let (before, after) = (conflicts(&found_before), conflicts(&found_after));
    let contests: BTreeSet<&Contest> = before.keys().chain(after.keys()).collect();
    let (everyone_before, everyone_after) = (claimants_of_everyone(&found_before), claimants_of_everyone(&found_after));
    // What such a one contested was not said of each of the others.
    let contested_all = |id: &str, kind| everyone_before.keys().any(|(claimant, of)| claimant == id && *of == kind);
    let newcomers = everyone_after.iter().filter(|(claimant, _)| !everyone_before.contains_key(claimant));
    let mut changes: Vec<Change> = newcomers.map(|((id, kind), finding)| by_finding(&[id], *kind, finding)).collect();
    for contest in contests {
        let ((a, b, kind), ids) = (contest, [&*contest.0, &*contest.1]);
        match examiner.pass().contest(contest, old, new) {
            Some(of_languages) => changes.extend(of_languages),
            // A language of theirs is not known: what the findings say of the others is all there is.
            None => match (before.get(contest), after.get(contest)) {
                (None, Some(finding)) if !ids.iter().any(|id| contested_all(id, *kind)) => {
                    changes.push(by_finding(&ids, *kind, finding));
                }
                _ => changes.push(Change::of(&ids, *kind, ChangeKind::Undecided, undecided(a, b, *kind))),
            },
        }
    }
    changes
}

fn findings(services: &Services) -> Vec<Arc<Finding>> {
    let analysis = Analysis::new(&Set::new(services), &Analysis::default(), &Deadline::none());
    analysis.findings.of(&[Code::ExclusiveConflict, Code::SenderConflict, Code::ClaimsEveryone])
}

/// Who claims everybody, and so contests what all others hold: that is not said of each of them.
fn claimants_of_everyone(findings: &[Arc<Finding>]) -> BTreeMap<(String, Kind), Arc<Finding>> {
    let everyone = |f: &&Arc<Finding>| f.code == Code::ClaimsEveryone && f.severity == Severity::Error;
    let by_id = |f: &Arc<Finding>| Some(((f.places.first()?.as_id.to_string(), f.kind?), Arc::clone(f)));
    findings.iter().filter(everyone).filter_map(by_id).collect()
}

/// The services that hold an ID exclusively at the same time, each two with the first finding about them.
fn conflicts(findings: &[Arc<Finding>]) -> BTreeMap<Contest, Arc<Finding>> {
    let contested = |code| matches!(code, Code::ExclusiveConflict | Code::SenderConflict);
    let mut conflicts = BTreeMap::new();
    for finding in findings.iter().filter(|finding| contested(finding.code)) {
        let (Some(kind), [a, b]) = (finding.kind, &*finding.places) else { continue };
        let (a, b) = (a.as_id.to_string(), b.as_id.to_string());
        let contest = if a < b { (a, b, kind) } else { (b, a, kind) };
        conflicts.entry(contest).or_insert_with(|| Arc::clone(finding));
    }
    conflicts
}

fn by_finding(ids: &[&str], kind: Kind, finding: &Finding) -> Change {
    Change {
        witness: finding.witness.as_deref().map(str::to_owned),
        witness_is: finding.witness_is,
        ..Change::of(ids, kind, ChangeKind::BecameContested, finding.message.clone().into_owned())
    }
}

fn undecided(a: &str, b: &str, kind: Kind) -> String {
    format!("whether `{a}` and `{b}` contest other {} could not be decided within the limits", kind.list())
}

impl<'a> Pass<'a> {
    /// What changes between two services; `None` if a language is not known, or there are too many entries.
    fn contest(&mut self, contest: &Contest, old: &Services, new: &Services) -> Option<Vec<Change>> {
        let (a, b, kind) = contest;
        let mut holding = |services: &Services, id: &str| {
            let registration = services.position_of_id(id).map(|at| services.registration(at).clone());
            self.holding(*kind, registration.as_ref().map(|one| (services.homeserver(), one)))
        };
        let (a_before, b_before) = (holding(old, a)?, holding(old, b)?);
        let (a_after, b_after) = (holding(new, a)?, holding(new, b)?);
        let contested_before = self.terms.and([a_before.exclusive, b_before.exclusive]);
        let contested_after = self.terms.and([a_after.exclusive, b_after.exclusive]);
        let became = self.met(&a_after, &b_after, contested_before)?;
        let ended = self.met(&a_before, &b_before, contested_after)?;
        let (ids, list) = ([a.as_str(), b.as_str()], kind.list());
        let undecided = || undecided(a, b, *kind);
        let both =
            |witness: &Witness| format!("`{a}` and `{b}` both claim `{}` exclusively, which was not so", witness.id);
        let mut changes = self.listed(&ids, *kind, ChangeKind::BecameContested, &became, &both, &undecided);
        let no_longer = |witness: &Witness| {
            let holder = holder(new, &witness.id);
            format!("`{a}` and `{b}` no longer both claim {list} such as `{}`: {holder}", witness.id)
        };
        changes.extend(self.listed(&ids, *kind, ChangeKind::ContestEnded, &ended, &no_longer, &undecided));
        Some(changes)
    }

    /// What each two exclusive entries have in common besides some IDs; `None` if there are too many of them.
    fn met(&mut self, a: &Holding<'a>, b: &Holding<'a>, besides: Term<'a>) -> Option<Vec<Term<'a>>> {
        let exclusive = |holding: &Holding<'a>| -> Vec<Term<'a>> {
            holding.parts.iter().filter(|part| part.exclusive).map(|part| part.ids).collect()
        };
        let (of_a, of_b) = (exclusive(a), exclusive(b));
        if of_a.len() as u64 * of_b.len() as u64 > MAX_PAIRS_BETWEEN {
            return None;
        }
        let pairs = of_a.iter().flat_map(|&a| of_b.iter().map(move |&b| (a, b)));
        let mut met = Vec::new();
        for (a, b) in pairs {
            let both = self.terms.and([a, b]);
            met.push(self.terms.without(both, besides));
        }
        met.retain(|&term| term != NEVER);
        Some(met)
    }
}

/// To whom an ID belongs now.
fn holder(services: &Services, id: &str) -> String {
    let Ok(id) = MatrixId::parse(id) else { return "who holds them is not known".to_owned() };
    let mut scratch = Scratch::new();
    let ownership = services.ownership(id, &mut scratch);
    match (ownership.status, ownership.owner) {
        (Status::Exclusive, Some(owner)) => format!("`{owner}` alone holds them now"),
        (Status::Contested, _) => "they are contested all the same".to_owned(),
        _ => "nobody holds them exclusively now".to_owned(),
    }
}
