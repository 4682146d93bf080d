use std::borrow::Cow;

use actix_web::web::ReqData;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::body::{self, Body};
use super::elsewhere::{self, DecisionAsked};
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::query::Query;
use super::question::{By, Question};
use super::{ApiError, AppState, Caller, Role};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/v1/may-register",
    tag: Tag::Questions,
    role: Some(Role::Register),
    operations: operations![get, post],
};

/// The longest name that is decided on, in characters: the longest username that Synapse takes. A whole user ID may be
/// longer by as much as a server name can be.
pub(super) const MAX_LOCALPART_CHARS: usize = 512;
pub(super) const MAX_ASKED_CHARS: usize = MAX_LOCALPART_CHARS + 1 + 1 + 255;

/// Who is to be registered, and by whom.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user_id": "@irc_alice:example.com", "as_id": "appservice-irc"}))]
pub(super) struct MayRegisterRequest<'b> {
    /// The whole user ID; either this or `localpart`, and not both.
    #[serde(borrow)]
    user_id: Option<Cow<'b, str>>,
    /// The localpart on this server, up to 512 characters.
    localpart: Option<Cow<'b, str>>,
    /// The `id` of the application service that asks; neither this nor `as_token` when a person asks.
    as_id: Option<Cow<'b, str>>,
    /// Its `as_token` instead, and not both.
    as_token: Option<Cow<'b, str>>,
    /// Decide on the name as it was typed, as `GET /_matrix/client/v3/register/available` does: capitals are refused, where
    /// registration itself turns them into small letters. Only when no service asks.
    #[serde(default)]
    as_typed: bool,
    /// Other homeservers whose decisions are wanted besides, as in `GET /v1/owners`.
    homeserver: Option<Cow<'b, str>>,
}

const EXPECTED: &str = r#"{"user_id" or "localpart": …, "as_id" or "as_token": … (neither for a person)}"#;

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "mayRegisterByQuery",
    summary = "May a user be registered (never with a token: it does not belong in a URL)",
    params(
        ("user_id" = Option<String>, Query, description = "The whole user ID; either this or `localpart`."),
        ("localpart" = Option<String>, Query, description = "The localpart on this server."),
        ("as_id" = Option<String>, Query, description = "The application service that asks; none when a person asks."),
        ("as_typed" = Option<bool>, Query, description = "Decide on the name as it was typed: capitals are refused."),
        ("homeserver" = Option<String>, Query, description = elsewhere::NAMED),
    ),
    responses(
        (status = 200, description = "The decision, whichever way it falls.", body = DecisionAsked<'static>),
        (status = 400, description = "Not a question.", body = MatrixError<'static>),
        (status = 403, description = "`homeserver` takes a token of the role `read`.", body = MatrixError<'static>),
        (status = 413, description = "Too many files to be read for so many homeservers.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn get(
    state: web::Data<AppState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), ["user_id", "localpart", "as_id", "as_typed", "homeserver"])?;
    let as_typed = match query.get("as_typed") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ApiError::invalid_param("as_typed is true or false")),
    };
    let by = match (query.get("as_id"), as_typed) {
        (as_id, false) => By::Id(as_id.map(Cow::Borrowed)),
        (None, true) => By::AsTyped,
        (Some(_), true) => return Err(only_persons_type()),
    };
    let [user_id, localpart] = ["user_id", "localpart"].map(|key| query.get(key).map(Cow::Borrowed));
    let question = user_name(user_id, localpart, by)?;
    question.answer_beside(query.get("homeserver"), state, *caller, request.clone()).await
}

#[utoipa::path(
    post,
    path = ENDPOINT.path,
    operation_id = "mayRegister",
    summary = "May a user be registered",
    request_body = MayRegisterRequest<'static>,
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
    let request: MayRegisterRequest<'_> = body::json(&body, EXPECTED)?;
    let by = match (request.as_id, request.as_token) {
        (None, None) if request.as_typed => By::AsTyped,
        _ if request.as_typed => return Err(only_persons_type()),
        (as_id, as_token) => By::id_or_token(as_id, as_token, &state)?,
    };
    let question = user_name(request.user_id, request.localpart, by)?;
    question.answer_beside(request.homeserver.as_deref(), state, *caller, http).await
}

fn only_persons_type() -> ApiError {
    ApiError::invalid_param("as_typed is for persons: a service registers names as it gives them")
}

/// Who is to be registered, named in one of two ways.
fn user_name<'q>(
    user_id: Option<Cow<'q, str>>,
    localpart: Option<Cow<'q, str>>,
    by: By<'q>,
) -> Result<Question<'q>, ApiError> {
    let (question, limit) = match (user_id, localpart) {
        (Some(user_id), None) => (Question::UserId(user_id, by), MAX_ASKED_CHARS),
        (None, Some(localpart)) => (Question::Localpart(localpart, by), MAX_LOCALPART_CHARS),
        (Some(_), Some(_)) => return Err(ApiError::invalid_param("give user_id or localpart, not both")),
        (None, None) => return Err(ApiError::missing_param("user_id or localpart is missing")),
    };
    let (Question::UserId(text, _)
    | Question::Localpart(text, _)
    | Question::Act(text, _)
    | Question::Alias { alias: text, .. }) = &question;
    if text.chars().nth(limit).is_some() {
        return Err(ApiError::invalid_param(format!("a name of more than {limit} characters is not decided on")));
    }
    if matches!(&question, Question::UserId(user_id, _) if !user_id.starts_with('@')) {
        return Err(ApiError::invalid_param("a user ID begins with `@`; give a localpart as localpart"));
    }
    Ok(question)
}
