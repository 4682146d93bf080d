//! A question that a decision answers, and its answer: at once where that takes a moment, else aside.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::decided::Decided;
use super::decision_record::{DecisionId, Input};
use super::elsewhere::{self, Asked, DecisionThere, Loaded, There};
use super::render::{self, Answer};
use super::{ApiError, AppState, Caller, scratch};
use crate::analysis::Deadline;
use crate::index::Scratch;
use crate::matrix::MatrixId;
use crate::registration::{Token, TokenDigest};
use crate::ruling::{Asker, Decision, Services, UserName};
use crate::snapshot::Snapshot;

/// What is asked.
pub(super) enum Question<'q> {
    /// May a user of this ID be registered.
    UserId(Cow<'q, str>, By<'q>),
    /// May a user of this server with this localpart be registered.
    Localpart(Cow<'q, str>, By<'q>),
    /// May a service act as this user.
    Act(Cow<'q, str>, By<'q>),
    /// May an alias be created, by this user.
    Alias { alias: Cow<'q, str>, user_id: Option<Cow<'q, str>>, by: By<'q> },
}

/// How the question says who asks.
pub(super) enum By<'q> {
    /// A service by its id, or a person.
    Id(Option<Cow<'q, str>>),
    /// A service by its token.
    Token(TokenDigest),
    /// Somebody who asks whether a name is free, as typed.
    AsTyped,
}

impl<'q> By<'q> {
    /// A service that is named by its id or by its token, and not by both; by neither, it is a person.
    pub(super) fn id_or_token(
        as_id: Option<Cow<'q, str>>,
        as_token: Option<Cow<'q, str>>,
        state: &AppState,
    ) -> Result<Self, ApiError> {
        match (as_id, as_token) {
            (Some(_), Some(_)) => Err(ApiError::invalid_param("give as_id or as_token, not both")),
            (as_id, None) => Ok(By::Id(as_id)),
            (None, Some(token)) => Ok(By::Token(state.hasher.digest(&Token::new(&*token)))),
        }
    }

    fn asker(&self, services: &Services) -> Asker<'_> {
        match self {
            Self::Id(None) => Asker::Person,
            Self::Id(Some(id)) => services.position_of_id(id).map_or(Asker::Unknown(Some(id)), Asker::Service),
            Self::Token(token) => services.position_of_token(token).map_or(Asker::Unknown(None), Asker::Service),
            Self::AsTyped => Asker::Availability,
        }
    }

    /// The id that it gives.
    fn as_id(&self) -> Option<&str> {
        match self {
            Self::Id(id) => id.as_deref(),
            Self::Token(_) | Self::AsTyped => None,
        }
    }

    fn into_owned(self) -> By<'static> {
        match self {
            Self::Id(id) => By::Id(id.map(owned)),
            Self::Token(token) => By::Token(token),
            Self::AsTyped => By::AsTyped,
        }
    }
}

/// How a decision is answered.
type Told = fn(&Snapshot, Caller, Decision<'_>) -> (StatusCode, Vec<u8>);

impl Question<'_> {
    /// Answers with the decision, and with those of other homeservers where they are named.
    pub(super) async fn answer_beside(
        self,
        named: Option<&str>,
        state: web::Data<AppState>,
        caller: Caller,
        request: HttpRequest,
    ) -> Result<HttpResponse, ApiError> {
        let Some(named) = named else { return self.answer(state, caller).await };
        let several = elsewhere::named(named, caller)?;
        let asked = OfQuestion { question: self.into_owned(), caller };
        elsewhere::answer(state, request, several, asked).await
    }

    /// Answers with the decision.
    pub(super) async fn answer(self, state: web::Data<AppState>, caller: Caller) -> Result<HttpResponse, ApiError> {
        self.answer_as(state, caller, as_decided).await
    }

    /// Answers. What of it takes longer than a moment nobody else waits for.
    pub(super) async fn answer_as(
        self,
        state: web::Data<AppState>,
        caller: Caller,
        told: Told,
    ) -> Result<HttpResponse, ApiError> {
        let snapshot = state.snapshot()?;
        match scratch::in_a_moment(|scratch| self.decide(snapshot.services(), scratch)) {
            Some(decision) => {
                let (decision, id) = state.decided(caller, &self.input(), &snapshot, decision?);
                let (status, bytes) = told(&snapshot, caller, decision);
                Ok(DecisionId::tell(id, render::json(status, bytes)))
            }
            None => {
                let snapshot = Arc::clone(&*snapshot);
                self.into_owned().answer_aside(state, snapshot, caller, told).await
            }
        }
    }

    fn decide<'s>(&self, services: &'s Services, scratch: &mut Scratch) -> Result<Decision<'s>, ApiError> {
        Ok(match self {
            Self::UserId(id, by) => services.may_register(by.asker(services), UserName::UserId(id), scratch),
            Self::Localpart(name, by) => services.may_register(by.asker(services), UserName::Localpart(name), scratch),
            Self::Act(id, by) => services.may_act(by.asker(services), id, scratch),
            Self::Alias { alias, user_id, by } => {
                let alias = MatrixId::of_any_length(alias)?;
                services.may_create_alias(alias, by.asker(services), user_id.as_deref(), scratch)
            }
        })
    }

    /// What is put on record of it.
    fn input(&self) -> Input<'_> {
        let none = Input::default();
        match self {
            Self::UserId(id, by) | Self::Act(id, by) => Input { user_id: Some(id), as_id: by.as_id(), ..none },
            Self::Localpart(name, by) => Input { localpart: Some(name), as_id: by.as_id(), ..none },
            Self::Alias { alias, user_id, by } => {
                Input { alias: Some(alias), user_id: user_id.as_deref(), as_id: by.as_id(), ..none }
            }
        }
    }

    fn into_owned(self) -> Question<'static> {
        match self {
            Self::UserId(id, by) => Question::UserId(owned(id), by.into_owned()),
            Self::Localpart(name, by) => Question::Localpart(owned(name), by.into_owned()),
            Self::Act(id, by) => Question::Act(owned(id), by.into_owned()),
            Self::Alias { alias, user_id, by } => {
                Question::Alias { alias: owned(alias), user_id: user_id.map(owned), by: by.into_owned() }
            }
        }
    }
}

/// A question that several homeservers are asked.
struct OfQuestion {
    question: Question<'static>,
    caller: Caller,
}

impl Asked for OfQuestion {
    fn here(&self, state: &AppState, snapshot: &Snapshot, _: &Deadline) -> Result<Vec<u8>, ApiError> {
        let decision = scratch::patiently(|scratch| self.question.decide(snapshot.services(), scratch))?;
        // The answer is that of several homeservers, and carries the name of none.
        let (decision, _) = state.decided(self.caller, &self.question.input(), snapshot, decision);
        let (_, bytes) = as_decided(snapshot, self.caller, decision);
        Ok(bytes)
    }

    fn there(&self, answer: &mut Vec<u8>, there: There<'_>, loaded: &Loaded<'_>) -> Result<(), ApiError> {
        let services = loaded.snapshot.services();
        let decision = scratch::patiently(|scratch| self.question.decide(services, scratch))?;
        let decided = Decided::with_its_check(self.caller, decision);
        render::append(answer, &DecisionThere::new(there, decided));
        Ok(())
    }
}

impl Question<'static> {
    async fn answer_aside(
        self,
        state: web::Data<AppState>,
        snapshot: Arc<Snapshot>,
        caller: Caller,
        told: Told,
    ) -> Result<HttpResponse, ApiError> {
        let aside = Arc::clone(&state.aside);
        let decided = aside.hard(move || {
            let decision = scratch::patiently(|scratch| self.decide(snapshot.services(), scratch))?;
            let (decision, id) = state.decided(caller, &self.input(), &snapshot, decision);
            Ok((told(&snapshot, caller, decision), id))
        });
        decided.await?.map(|((status, bytes), id)| DecisionId::tell(id, render::json(status, bytes)))
    }
}

fn as_decided(snapshot: &Snapshot, caller: Caller, decision: Decision<'_>) -> (StatusCode, Vec<u8>) {
    let decided = Decided::told(caller, snapshot.services().homeserver().dialect, decision);
    (StatusCode::OK, render::to_bytes(&Answer::of(snapshot, decided)))
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
