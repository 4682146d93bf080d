use std::borrow::Cow;

use actix_web::web::ReqData;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::body::{self, Body};
use super::elsewhere::DecisionAsked;
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::may_register::MAX_ASKED_CHARS;
use super::question::{By, Question};
use super::{ApiError, AppState, Caller, Role};
use crate::matrix::{Kind, MatrixId};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/v1/may-create-alias",
    tag: Tag::Questions,
    role: Some(Role::Register),
    operations: operations![post],
};

/// The alias to create, and who asks.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"alias": "#irc_rust:example.com", "user_id": "@alice:example.com"}))]
pub(super) struct MayCreateAliasRequest<'b> {
    /// The alias.
    #[serde(borrow)]
    alias: Cow<'b, str>,
    /// The user who asks.
    user_id: Option<Cow<'b, str>>,
    /// The application service that asks; without a `user_id` it asks as its sender.
    as_id: Option<Cow<'b, str>>,
    /// Other homeservers whose decisions are wanted besides, as in `GET /v1/owners`.
    homeserver: Option<Cow<'b, str>>,
}

const EXPECTED: &str = r##"{"alias": "#…", "user_id": "@…" (or none), "as_id": … (or none)}"##;

#[utoipa::path(
    post,
    path = ENDPOINT.path,
    operation_id = "mayCreateAlias",
    summary = "May an alias be created",
    request_body = MayCreateAliasRequest<'static>,
    responses(
        (status = 200, description = "The decision, whichever way it falls.", body = DecisionAsked<'static>),
        (status = 400, description = "Not JSON, or not a question.", body = MatrixError<'static>),
        (status = 413, description = "Too large a body.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn post(
    state: web::Data<AppState>,
    caller: ReqData<Caller>,
    http: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let request: MayCreateAliasRequest<'_> = body::json(&body, EXPECTED)?;
    is_of_kind(&request.alias, Kind::Alias)?;
    request.user_id.as_deref().map_or(Ok(()), |user| is_of_kind(user, Kind::User))?;
    let MayCreateAliasRequest { alias, user_id, as_id, homeserver } = request;
    let question = Question::Alias { alias, user_id, by: By::Id(as_id) };
    question.answer_beside(homeserver.as_deref(), state, *caller, http).await
}

/// An ID of a kind; its length is part of the decision, up to what anybody asks in earnest.
pub(super) fn is_of_kind(text: &str, kind: Kind) -> Result<(), ApiError> {
    let id = MatrixId::of_any_length(text)?;
    if text.chars().nth(MAX_ASKED_CHARS).is_some() {
        let problem = format!("an ID of more than {MAX_ASKED_CHARS} characters is not decided on");
        return Err(ApiError::invalid_param(problem));
    }
    if id.kind() == kind {
        Ok(())
    } else {
        Err(ApiError::invalid_param(format!("an ID of this kind ({kind}) begins with `{}`", kind.sigil())))
    }
}
