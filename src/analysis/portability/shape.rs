//! What is told, and what is told once for all that it is true of.

use std::collections::HashMap;

use super::Reading;
use super::asked::Claim;
use crate::analysis::Code;
use crate::analysis::finding::{Finding, FindingPlace, HomeserverAnswer, Says, Severity, Witness, WitnessIs};
use crate::analysis::limits::MAX_OF_A_CODE;
use crate::matrix::Kind;

/// A disagreement that follows from the homeservers' rules: it is the same one wherever it shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) code: Code,
    pub(super) kind: Kind,
    pub(super) about: About,
    /// What each reading says; `None` where it is not asked.
    pub(super) says: Vec<Option<Says>>,
}

/// What a disagreement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum About {
    /// What a service claims, of IDs of some sort.
    Claim(Sort),
    /// Whether a service may have what another holds exclusively.
    Service,
    /// Whether a person may have it.
    Person,
    /// Whether a service may have its own user.
    OwnUser,
}

/// IDs of one kind, those that matter most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Sort {
    /// As most people make them: without capitals.
    Plain,
    /// As they can be made today.
    Today,
    /// As old servers and lenient bridges have made them.
    Historical,
    /// Of other servers.
    Remote,
}

impl Sort {
    pub(super) const ALL: [Self; 4] = [Self::Plain, Self::Today, Self::Historical, Self::Remote];

    pub(super) const fn witness_is(self) -> WitnessIs {
        match self {
            Self::Plain | Self::Today => WitnessIs::Valid,
            Self::Historical => WitnessIs::Historical,
            Self::Remote => WitnessIs::Remote,
        }
    }
}

impl From<Claim> for Says {
    fn from(claim: Claim) -> Self {
        match claim {
            Claim::Exclusive => Self::Exclusive,
            Claim::Shared => Self::Shared,
            Claim::None => Self::Unclaimed,
            Claim::Undefined => Self::Undefined,
        }
    }
}

/// So many places are listed of what is told once, as of findings of one code in a file; the last counts the rest.
const MAX_PLACES: usize = MAX_OF_A_CODE;

/// Findings, and those among them to which more places can be added.
pub(super) struct Shapes {
    names: Vec<&'static str>,
    findings: Vec<Finding>,
    known: HashMap<Shape, Told>,
}

/// What is told once.
struct Told {
    finding: Finding,
    places: Vec<FindingPlace>,
    /// How often it shows.
    times: usize,
}

impl Shapes {
    pub(super) fn new(readings: &[Reading<'_>]) -> Self {
        let names = readings.iter().map(|reading| reading.dialect().name()).collect();
        Self { names, findings: Vec::new(), known: HashMap::new() }
    }

    /// Tells something by itself.
    pub(super) fn tell(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// What the readings say, those that say the same together.
    pub(super) fn answers(&self, says: impl Iterator<Item = Option<(Says, String)>>) -> Box<[HomeserverAnswer]> {
        let mut answers: Vec<(Says, String, Vec<&'static str>)> = Vec::new();
        for (&name, said) in self.names.iter().zip(says) {
            let Some((says, message)) = said else { continue };
            match answers.iter_mut().find(|(known, text, _)| *known == says && *text == message) {
                Some((.., names)) => names.push(name),
                None => answers.push((says, message, vec![name])),
            }
        }
        let answer = |(says, message, names): (Says, String, Vec<&'static str>)| HomeserverAnswer {
            homeservers: names.into(),
            says,
            message: message.into(),
        };
        answers.into_iter().map(answer).collect()
    }

    /// The same without anything to be added.
    pub(super) fn plain_answers(&self, says: &[Option<Says>]) -> Box<[HomeserverAnswer]> {
        self.answers(says.iter().map(|says| says.map(|says| (says, says.to_string()))))
    }

    /// Tells a disagreement, or that it shows at one place more. Each place comes with the ID that proves it there.
    pub(super) fn tell_once(
        &mut self,
        shape: Shape,
        witness: Witness,
        message: impl FnOnce() -> String,
        places: Vec<FindingPlace>,
    ) {
        let severity = if shape.code == Code::Undefined { Severity::Note } else { severity(shape.kind, witness.is) };
        let proved = |place: FindingPlace| FindingPlace { witness: Some(witness.id.clone()), ..place };
        let places: Vec<FindingPlace> = places.into_iter().map(proved).collect();
        if let Some(told) = self.known.get_mut(&shape) {
            told.times += 1;
            if told.places.len() < MAX_PLACES {
                told.places.extend(places);
            }
            return;
        }
        let answers = self.plain_answers(&shape.says);
        let finding = Finding::new(shape.code, severity, message()).on(shape.kind).proved_by(Some(witness));
        self.known.insert(shape, Told { finding: Finding { answers, ..finding }, places, times: 1 });
    }

    pub(super) fn done(self) -> Vec<Finding> {
        let once = self.known.into_values().map(|Told { finding, places, times }| {
            let message = match times {
                1 => finding.message,
                _ => format!("{}; so it is in {times} cases", finding.message).into(),
            };
            Finding { message, places: places.into(), ..finding }
        });
        self.findings.into_iter().chain(once).collect()
    }
}

/// What a disagreement weighs: that on a room is of no effect, and that on IDs that nobody makes today of little.
pub(super) const fn severity(kind: Kind, is: WitnessIs) -> Severity {
    match (kind, is) {
        (Kind::User | Kind::Alias, WitnessIs::Valid) => Severity::Warning,
        _ => Severity::Note,
    }
}
