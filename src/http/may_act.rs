use std::borrow::Cow;

use actix_web::web::ReqData;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::body::{self, Body};
use super::elsewhere::DecisionAsked;
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::may_create_alias::is_of_kind;
use super::question::{By, Question};
use super::{ApiError, AppState, Caller, Role};
use crate::matrix::Kind;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/may-act", tag: Tag::Questions, role: Some(Role::Read), operations: operations![post] };

/// As whom to act, and which service wants to.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"as_id": "appservice-irc", "user_id": "@irc_alice:example.com"}))]
pub(super) struct MayActRequest<'b> {
    /// The user, as in `?user_id=`.
    #[serde(borrow)]
    user_id: Cow<'b, str>,
    /// The `id` of the application service; either this or `as_token`.
    as_id: Option<Cow<'b, str>>,
    /// Its `as_token` instead.
    as_token: Option<Cow<'b, str>>,
    /// Other homeservers whose decisions are wanted besides, as in `GET /v1/owners`.
    homeserver: Option<Cow<'b, str>>,
}

const EXPECTED: &str = r#"{"user_id": "@…", "as_id" or "as_token": …}"#;

#[utoipa::path(
    post,
    path = ENDPOINT.path,
    operation_id = "mayAct",
    summary = "May an application service act as a user (`?user_id=`)",
    description = "Whether the account is there only the homeserver knows; `account` says what it makes of one that is not.",
    request_body = MayActRequest<'static>,
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
    let request: MayActRequest<'_> = body::json(&body, EXPECTED)?;
    is_of_kind(&request.user_id, Kind::User)?;
    let by = By::id_or_token(request.as_id, request.as_token, &state)?;
    if matches!(by, By::Id(None)) {
        return Err(ApiError::missing_param("as_id or as_token is missing: who wants to act"));
    }
    Question::Act(request.user_id, by).answer_beside(request.homeserver.as_deref(), state, *caller, http).await
}
