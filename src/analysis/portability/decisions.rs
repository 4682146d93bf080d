//! Who may have an ID that is claimed alike on several homeservers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Reading;
use super::asked::{self, Claim};
use super::shape::{About, Shape, Shapes};
use crate::analysis::Code;
use crate::analysis::examiner::Examiner;
use crate::analysis::finding::{Finding, FindingPlace, Says, Witness, WitnessIs, shown};
use crate::analysis::limits::MAX_STEPS_OF_ONE;
use crate::analysis::name::Ids;
use crate::analysis::search::shortest;
use crate::index::Scratch;
use crate::matrix::{Kind, MatrixId, user_id};
use crate::registration::Registration;
use crate::ruling::{Asker, Decision, Reason, Services, UserName};

/// Whether somebody may have an ID: a question to each homeserver.
struct Question {
    kind: Kind,
    witness: Witness,
    /// The service that asks; `None` for a person.
    asks: Option<Arc<str>>,
    /// The other service that claims it.
    holds: Option<Arc<str>>,
    places: Vec<FindingPlace>,
}

/// Tells where the same claims lead to another answer.
pub(super) fn compare(examiner: &mut Examiner<'_>, readings: &[Reading<'_>], shapes: &mut Shapes) {
    let mut seen = HashSet::new();
    let mut questions = Vec::new();
    for reading in readings {
        let Some((services, analysis)) = reading.set else { continue };
        let met = [Code::ExclusiveConflict, Code::SenderConflict, Code::BlockedByExclusive, Code::ClaimsEveryone];
        let findings = analysis.findings.of(&met);
        let found = findings.iter().flat_map(|finding| of_finding(finding));
        let everyone = of_everyone(examiner, reading, services, &findings);
        for question in found.chain(everyone).chain(of_aliases(examiner, reading, services)) {
            if seen.insert((question.kind, question.witness.id.clone(), question.asks.clone(), question.holds.clone()))
            {
                questions.push(question);
            }
        }
    }
    // What matters most is told with its ID, and the others with it.
    questions.sort_by_key(|question| question.witness.is);
    for question in questions {
        ask(examiner, readings, &question, shapes);
    }
    let mut seen = HashSet::new();
    for (services, _) in readings.iter().filter_map(|reading| reading.set) {
        for registration in services.registrations().iter().filter(|one| seen.insert(one.id())) {
            own_user(readings, registration, shapes);
        }
    }
}

/// Whether a service may register its own user, whose name has capitals: where they are made small letters it asks for somebody
/// else, and where they are refused for nobody.
fn own_user(readings: &[Reading<'_>], registration: &Registration, shapes: &mut Shapes) {
    let localpart = registration.sender_localpart();
    if !localpart.contains(char::is_uppercase) {
        return;
    }
    let Some(homeserver) = readings.first().map(|reading| reading.homeserver) else { return };
    let own = user_id(localpart, homeserver.name.as_str());
    let mut scratch = Scratch::new();
    let mut says = |reading: &Reading<'_>| {
        let (services, _) = reading.set?;
        let asker = Asker::Service(services.position_of_id(registration.id())?);
        let decision = services.may_register(asker, UserName::Localpart(localpart), &mut scratch);
        let itself = decision.user_id.as_deref() == Some(&*own);
        Some(if decision.allowed && itself { Says::Allowed } else { Says::Refused })
    };
    let says: Vec<Option<Says>> = readings.iter().map(&mut says).collect();
    let mut said = says.iter().flatten();
    if said.next().is_none_or(|first| said.all(|other| other == first)) {
        return;
    }
    let shape = Shape { code: Code::Portability, kind: Kind::User, about: About::OwnUser, says };
    let message = || {
        let id = shown(registration.id());
        format!("homeservers disagree on whether `{id}` may register its own user `{own}`, whose name has capitals")
    };
    let witness = Witness { id: own.clone().into(), is: WitnessIs::Historical };
    shapes.tell_once(shape, witness, message, vec![FindingPlace::at(registration, registration.sender_place())]);
}

/// Who could ask for the ID that a finding is about.
fn of_finding(finding: &Finding) -> Vec<Question> {
    let (Some(kind @ (Kind::User | Kind::Alias)), Some(id), Some(is), [first, second]) =
        (finding.kind, &finding.witness, finding.witness_is, &*finding.places)
    else {
        return Vec::new();
    };
    let of = |asks: &FindingPlace, holds: &FindingPlace| Question {
        kind,
        witness: Witness { id: id.clone(), is },
        asks: Some(Arc::clone(&asks.as_id)),
        holds: Some(Arc::clone(&holds.as_id)),
        places: vec![asks.clone(), holds.clone()],
    };
    match finding.code {
        Code::ExclusiveConflict | Code::SenderConflict => vec![of(first, second), of(second, first)],
        Code::BlockedByExclusive => vec![of(first, second)],
        _ => Vec::new(),
    }
}

/// Whoever claims everybody meets all others, which no finding says of each: one of them is asked about.
fn of_everyone(
    examiner: &mut Examiner<'_>,
    reading: &Reading<'_>,
    services: &Services,
    findings: &[Arc<Finding>],
) -> Vec<Question> {
    let everyone = findings.iter().filter(|finding| finding.code == Code::ClaimsEveryone);
    let mut questions = Vec::new();
    for (kind, place) in everyone.filter_map(|finding| Some((finding.kind?, finding.places.first()?))) {
        examiner.allow(MAX_STEPS_OF_ONE);
        for other in services.registrations().iter().filter(|other| other.id() != &*place.as_id) {
            if examiner.is_spent() {
                break;
            }
            if let Some((witness, held)) = held_exclusively(examiner, reading, other, kind, None) {
                let (asks, holds) = (Some(Arc::clone(&place.as_id)), Some(other.id().into()));
                questions.push(Question { kind, witness, asks, holds, places: vec![place.clone(), held] });
                break;
            }
        }
    }
    questions
}

/// Persons are let into some homeservers' exclusive aliases.
fn of_aliases(examiner: &mut Examiner<'_>, reading: &Reading<'_>, services: &Services) -> Vec<Question> {
    let mut questions = Vec::new();
    examiner.allow(MAX_STEPS_OF_ONE);
    for registration in services.registrations() {
        for (index, _) in (0..).zip(registration.entries(Kind::Alias)).filter(|(_, entry)| entry.exclusive) {
            if examiner.is_spent() {
                return questions;
            }
            if let Some((witness, held)) = held_exclusively(examiner, reading, registration, Kind::Alias, Some(index)) {
                let holds = Some(registration.id().into());
                questions.push(Question { kind: Kind::Alias, witness, asks: None, holds, places: vec![held] });
            }
        }
    }
    questions
}

/// A shortest ID that a service holds exclusively by an entry, or by any.
fn held_exclusively(
    examiner: &mut Examiner<'_>,
    reading: &Reading<'_>,
    registration: &Registration,
    kind: Kind,
    entry: Option<u32>,
) -> Option<(Witness, FindingPlace)> {
    let mut pass = examiner.pass();
    let [valid, all] = [Ids::Valid, Ids::All].map(|which| pass.ids(kind, which));
    let holding = pass.holding(kind, Some((reading.homeserver, registration)))?;
    let wanted = |at: Option<u32>| at.is_some() && (entry.is_none() || at == entry);
    for part in holding.parts.iter().filter(|part| part.exclusive && wanted(part.entry)) {
        let here = pass.terms.and([part.ids, valid, all]);
        if let Ok(Some(id)) = shortest(&mut pass.terms, here) {
            let place = FindingPlace::entry(registration, kind, part.entry?);
            return Some((Witness { id: id.into(), is: WitnessIs::Valid }, place));
        }
    }
    None
}

/// The services that claim an ID, each with whether exclusively.
type Claims = Vec<(String, bool)>;

/// Asks each homeserver, and tells if those disagree that have the same claims on the ID.
fn ask(examiner: &mut Examiner<'_>, readings: &[Reading<'_>], question: &Question, shapes: &mut Shapes) {
    let Ok(id) = MatrixId::parse(&question.witness.id) else { return };
    let mut scratch = Scratch::new();
    let mut by_claims: HashMap<Claims, Vec<(usize, Says)>> = HashMap::new();
    for (at, reading) in readings.iter().enumerate() {
        let Some((services, _)) = reading.set else { continue };
        if is_undefined(examiner, reading, services, question, id) {
            continue;
        }
        let Some(decision) = decide(services, question, id, &mut scratch) else { continue };
        let Some(says) = verdict(&decision, id) else { continue };
        let claims = services.claims(id, &mut scratch);
        let claims = claims.iter().map(|claim| (claim.as_id.to_owned(), claim.exclusive)).collect();
        by_claims.entry(claims).or_default().push((at, says));
    }
    let mut groups: Vec<_> = by_claims.into_iter().collect();
    groups.sort();
    for (claims, group) in groups {
        if group.iter().all(|(_, says)| *says == group[0].1) {
            continue;
        }
        let mut says = vec![None; readings.len()];
        for (at, said) in group {
            says[at] = Some(said);
        }
        let about = if question.asks.is_some() { About::Service } else { About::Person };
        let message = message(question, &claims);
        let shape = Shape { code: Code::Portability, kind: question.kind, about, says };
        shapes.tell_once(shape, question.witness.clone(), || message, question.places.clone());
    }
}

/// Whether the two readings of what a homeserver leaves open differ on a claim that is concerned.
fn is_undefined(
    examiner: &mut Examiner<'_>,
    reading: &Reading<'_>,
    services: &Services,
    question: &Question,
    id: MatrixId<'_>,
) -> bool {
    let Some(otherwise) = reading.otherwise() else { return false };
    let concerned = [&question.asks, &question.holds].into_iter().flatten();
    let registrations = concerned.filter_map(|as_id| services.position_of_id(as_id));
    let mut pass = examiner.pass();
    let readings = (reading.homeserver, Some(&otherwise));
    registrations
        .map(|position| asked::claim(&mut pass.terms, readings, services.registration(position), id))
        .any(|claim| claim.is_none_or(|claim| claim == Claim::Undefined))
}

fn decide<'s>(
    services: &'s Services,
    question: &Question,
    id: MatrixId<'_>,
    scratch: &mut Scratch,
) -> Option<Decision<'s>> {
    let asker = match &question.asks {
        Some(as_id) => Asker::Service(services.position_of_id(as_id)?),
        None => Asker::Person,
    };
    Some(match question.kind {
        Kind::User => services.may_register(asker, UserName::UserId(id.as_str()), scratch),
        _ => services.may_create_alias(id, asker, None, scratch),
    })
}

/// What a decision comes to as far as it is about claims on the ID: what a name must be made of is no matter of registrations,
/// and where capitals are made small letters another ID is decided on.
fn verdict(decision: &Decision<'_>, id: MatrixId<'_>) -> Option<Says> {
    if decision.user_id.as_deref().is_some_and(|decided| decided != id.as_str()) {
        return None;
    }
    match (decision.allowed, decision.reason) {
        (true, _) => Some(Says::Allowed),
        (false, Reason::Reserved | Reason::OutsideOwnNamespace) => Some(Says::Refused),
        (false, _) => None,
    }
}

fn message(question: &Question, claims: &[(String, bool)]) -> String {
    let who = question.asks.as_ref().map_or_else(|| "a person".to_owned(), |as_id| format!("`{}`", shown(as_id)));
    let may = if question.kind == Kind::User { "register" } else { "create" };
    let exclusive: Vec<String> = claims
        .iter()
        .filter(|(as_id, exclusive)| *exclusive && question.asks.as_deref() != Some(as_id))
        .map(|(as_id, _)| format!("`{}`", shown(as_id)))
        .collect();
    let itself = claims.iter().any(|(as_id, exclusive)| *exclusive && question.asks.as_deref() == Some(as_id));
    let hold = if exclusive.len() == 1 { "holds" } else { "hold" };
    let claimed = match (&*exclusive, itself) {
        ([], true) => "it holds exclusively itself".to_owned(),
        ([], false) if claims.is_empty() => "nobody claims".to_owned(),
        ([], false) => "nobody holds exclusively".to_owned(),
        (others, true) => format!("{} {hold} exclusively, as it does itself", others.join(" and ")),
        (others, false) => format!("{} {hold} exclusively", others.join(" and ")),
    };
    format!("homeservers disagree on whether {who} may {may} `{}`, which {claimed}", question.witness.id)
}
