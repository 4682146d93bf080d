use std::collections::HashSet;

use serde::Serialize;

use super::expectation::{Expectation, Expected, Language, Question, State, Test};
use crate::analysis::{Comparer, Promise, Verdict};
use crate::index::{Scratch, ServicePos};
use crate::matrix::{Kind, MatrixId, user_id};
use crate::ruling::{Asker, Decision, Ownership, Services, Status, UserName};

/// What came of a test.
#[derive(Serialize)]
pub(super) struct Outcome {
    pub(super) name: String,
    pub(super) line: Option<u32>,
    /// What is not as expected, in a sentence each; none if all is.
    pub(super) problems: Vec<String>,
}

/// An entry that no test has to do with.
#[derive(Serialize)]
pub(super) struct Untouched {
    pub(super) as_id: String,
    pub(super) regex: String,
    pub(super) file: String,
    pub(super) line: u32,
}

/// Tests of a set, one after the other, and what they have had to do with.
pub(super) struct Run<'s> {
    services: &'s Services,
    comparer: &'s Comparer,
    scratch: Scratch,
    touched: HashSet<(ServicePos, Kind, u32)>,
}

impl<'s> Run<'s> {
    pub(super) fn new(services: &'s Services, comparer: &'s Comparer) -> Self {
        Self { services, comparer, scratch: Scratch::new(), touched: HashSet::new() }
    }

    pub(super) fn outcome(&mut self, test: &Test) -> Outcome {
        let problems = match &test.expectation {
            Expectation::Ids { are, ids } => ids.iter().filter_map(|id| self.id(are, id)).collect(),
            Expectation::Decision { question, expected } => self.decision(question, expected),
            Expectation::Language { are, regexes } => {
                regexes.iter().filter_map(|language| self.language(are, language)).collect()
            }
        };
        Outcome { name: test.name.clone(), line: test.line, problems }
    }

    pub(super) fn entries(&self) -> usize {
        self.services.entries().values().sum()
    }

    pub(super) fn untouched(&self) -> Vec<Untouched> {
        let mut untouched = Vec::new();
        for (service, one) in self.services.registrations().iter().enumerate() {
            for kind in Kind::ALL {
                let entries = (0..).zip(one.entries(kind));
                let rest = entries.filter(|(at, _)| !self.touched.contains(&(ServicePos::new(service), kind, *at)));
                untouched.extend(rest.map(|(_, entry)| Untouched {
                    as_id: one.id().to_string(),
                    regex: entry.regex.as_str().to_owned(),
                    file: one.file().to_string(),
                    line: entry.place.line,
                }));
            }
        }
        untouched
    }

    /// What is wrong with an ID, if anything is.
    fn id(&mut self, are: &State, name: &str) -> Option<String> {
        let whole = match name.chars().next() {
            Some('@' | '#' | '!') => name.to_owned(),
            _ => user_id(name, self.services.server_name().as_str()),
        };
        let id = match MatrixId::parse(&whole) {
            Ok(id) => id,
            Err(error) => return Some(format!("`{name}`: {error}")),
        };
        if *are == State::Free && id.kind() != Kind::Room {
            return self.free(id);
        }
        let ownership = self.ownership(id);
        let by = match are {
            State::Reserved { by } => by.as_deref(),
            _ => None,
        };
        let is_so = match (are, by) {
            (State::Reserved { .. }, Some(by)) => ownership.owner == Some(by),
            (State::Reserved { .. }, None) => matches!(ownership.status, Status::Exclusive | Status::Contested),
            (State::Shared, _) => ownership.status == Status::Shared,
            (State::Contested, _) => ownership.status == Status::Contested,
            (State::Free, _) => matches!(ownership.status, Status::Unclaimed | Status::Shared),
        };
        (!is_so).then(|| said(&ownership))
    }

    /// Why a person may not have a name.
    fn free(&mut self, id: MatrixId<'_>) -> Option<String> {
        self.ownership(id);
        let decision = match id.kind() {
            Kind::Alias => self.services.may_create_alias(id, Asker::Person, None, &mut self.scratch),
            Kind::User | Kind::Room => {
                self.services.may_register(Asker::Person, UserName::UserId(id.as_str()), &mut self.scratch)
            }
        };
        (!decision.allowed).then(|| refusal(&decision))
    }

    fn ownership<'i>(&mut self, id: MatrixId<'i>) -> Ownership<'i>
    where
        's: 'i,
    {
        let ownership = self.services.ownership(id, &mut self.scratch);
        for claim in &ownership.claims {
            if let (Some(service), Some(index)) = (self.services.position_of_id(claim.as_id), claim.index) {
                self.touched.insert((service, id.kind(), index));
            }
        }
        ownership
    }

    fn decision(&mut self, question: &Question, expected: &Expected) -> Vec<String> {
        let services = self.services;
        let asker = |as_id: Option<&'_ str>| match as_id {
            None => Ok(Asker::Person),
            // A test that asks for nobody tests nothing.
            Some(id) => {
                services.position_of_id(id).map(Asker::Service).ok_or_else(|| format!("there is no service `{id}`"))
            }
        };
        let decision = match question {
            Question::Register { user_id, as_id } => asker(as_id.as_deref())
                .map(|asker| services.may_register(asker, UserName::UserId(user_id), &mut self.scratch)),
            Question::Act { user_id, as_id } => {
                asker(Some(as_id)).map(|asker| services.may_act(asker, user_id, &mut self.scratch))
            }
            Question::CreateAlias { alias, user_id, as_id } => match MatrixId::of_any_length(alias) {
                Err(error) => Err(error.to_string()),
                Ok(alias) => asker(as_id.as_deref())
                    .map(|asker| services.may_create_alias(alias, asker, user_id.as_deref(), &mut self.scratch)),
            },
        };
        match decision {
            Ok(decision) => {
                let about = decision.user_id.as_deref().or(decision.alias.as_deref()).map(MatrixId::parse);
                if let Some(Ok(id)) = about {
                    self.ownership(id);
                }
                differing(&decision, expected)
            }
            Err(problem) => vec![problem],
        }
    }

    fn language(&mut self, are: &State, language: &Language) -> Option<String> {
        let promise = match are {
            State::Reserved { by } => Promise::Reserved { by: by.as_deref() },
            State::Free | State::Shared | State::Contested => Promise::Free,
        };
        let Language { regex, kind, pattern } = language;
        let proof = self.comparer.prove(self.services, *kind, pattern, promise);
        self.touched.extend(proof.touched.into_iter().map(|(service, index)| (service, *kind, index)));
        match proof.verdict {
            Verdict::Holds => None,
            Verdict::NoIds => {
                Some(format!("no ID is matched from start to end by `{regex}`, so that nothing is promised"))
            }
            Verdict::Undecided(why) => Some(format!("`{regex}`: {why}")),
            Verdict::Broken(witness) => {
                let id = MatrixId::parse(&witness).ok()?;
                let ownership = self.services.ownership(id, &mut self.scratch);
                Some(format!("not all IDs of `{regex}`: {}", said(&ownership)))
            }
        }
    }
}

/// Who has an ID, and by which entries.
fn said(ownership: &Ownership<'_>) -> String {
    let id = ownership.id;
    // Who shares an ID that is held has no part in it.
    let is_shared = ownership.status == Status::Shared;
    let claims = ownership.claims.iter().filter(|claim| claim.exclusive || is_shared);
    let claims: Vec<String> = claims
        .map(|claim| {
            let by = claim.regex.map_or_else(|| "as its own user".to_owned(), |regex| format!("with `{regex}`"));
            format!("`{}` {by} in {}:{}", claim.as_id, claim.file, claim.line)
        })
        .collect();
    match ownership.status {
        Status::Unclaimed => format!("`{id}` is claimed by nobody"),
        Status::Shared => format!("`{id}` is held by nobody exclusively; it is claimed by {}", claims.join(", ")),
        Status::Exclusive => format!("`{id}` is held by {}", claims.join(", ")),
        Status::Contested => format!("`{id}` is contested by {}", claims.join(", ")),
    }
}

fn refusal(decision: &Decision<'_>) -> String {
    decision.error.clone().unwrap_or_else(|| format!("refused: {}", decision.reason.as_str()))
}

/// In what a decision is not as expected.
fn differing(decision: &Decision<'_>, expected: &Expected) -> Vec<String> {
    let mut problems = Vec::new();
    let mut differs = |what: &str, is: &str, should: &str| {
        if is != should {
            problems.push(format!("{what} is {is}, and {should} was expected"));
        }
    };
    let yes_or_no = |yes: bool| if yes { "true" } else { "false" };
    if let Some(allowed) = expected.allowed {
        differs("allowed", yes_or_no(decision.allowed), yes_or_no(allowed));
    }
    if let Some(reason) = expected.reason {
        differs("reason", decision.reason.as_str(), reason.as_str());
    }
    if let Some(errcode) = &expected.errcode {
        differs("errcode", decision.errcode.map_or("null", |code| code.as_str()), errcode);
    }
    if let Some(error) = decision.error.as_ref().filter(|_| !problems.is_empty()) {
        problems.push(error.clone());
    }
    problems
}
