use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::ReqData;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::batch::{Batch, Ids};
use super::body::{self, Body};
use super::decided::Decided;
use super::elsewhere::{self, Asked, Loaded, OwnershipAsked, OwnershipThere, There};
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::pieces;
use super::query::Query;
use super::render::{self, Answer};
use super::requests::HttpMetrics;
use super::{ApiError, AppState, Caller, Role, scratch};
use crate::analysis::Deadline;
use crate::index::Scratch;
use crate::matrix::{ErrCode, Kind, MatrixId};
use crate::ruling::{Asker, Ownership, Services, UserName};
use crate::snapshot::Snapshot;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/owners", tag: Tag::Questions, role: Some(Role::Read), operations: operations![get, post] };

/// IDs to ask about.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ids": ["@irc_alice:example.com", "not an ID"]}))]
pub(super) struct OwnersRequest<'b> {
    /// The IDs, answered in this order.
    #[serde(borrow)]
    #[schema(value_type = Vec<String>, min_items = 1)]
    ids: Vec<Cow<'b, str>>,
}

const EXPECTED: &str = r#"{"ids": [ID, …]}"#;

/// Owners of many IDs.
#[derive(Debug, utoipa::ToSchema)]
#[expect(dead_code, reason = "states the shape that `Batch` writes without building it")]
pub(super) struct OwnersResponse<'s> {
    /// Digest of the loaded set that answered.
    snapshot: String,
    /// False while any file is held, stale or quarantined or a source is missing.
    complete: bool,
    /// One for each ID, in the order asked.
    results: Vec<OwnersResult<'s>>,
}

/// What is said of one ID of a batch.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(super) enum OwnersResult<'s> {
    /// It can be asked about.
    Ownership(Ownership<'s>),
    /// It cannot.
    Error(IdProblem<'s>),
}

/// Why one ID of a batch cannot be asked about.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct IdProblem<'s> {
    /// The ID as it was sent.
    id: &'s str,
    /// The Matrix error code.
    #[schema(value_type = String, example = "M_INVALID_PARAM")]
    errcode: ErrCode,
    /// What is wrong with it.
    error: String,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "owner",
    summary = "Who owns an ID",
    params(
        (
            "id" = String,
            Query,
            description = "The ID, percent-encoded; at most 255 bytes.",
            pattern = "^[@#!]",
            max_length = 255,
            example = "@irc_alice:example.com",
        ),
        ("homeserver" = Option<String>, Query, description = elsewhere::NAMED),
    ),
    responses(
        (status = 200, description = "Who owns it.", body = OwnershipAsked<'static>),
        (status = 400, description = "Not something that can be asked about.", body = MatrixError<'static>),
        (status = 413, description = "Too many files to be read for so many homeservers.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done, or the files cannot be listed.", body = MatrixError<'static>),
    ),
)]
async fn get(
    state: web::Data<AppState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), ["id", "homeserver"])?;
    let id = query.get("id").ok_or_else(|| ApiError::missing_param("id is missing: /v1/owners?id=ID"))?;
    let id = MatrixId::parse(id)?;
    if let Some(several) = query.get("homeserver") {
        let several = elsewhere::named(several, *caller)?;
        let asked = OfId { id: id.as_str().to_owned(), caller: *caller };
        return elsewhere::answer(state, request.clone(), several, asked).await;
    }
    let snapshot = state.snapshot()?;
    state.metrics.ids_asked(1);
    if let Some(ownership) = scratch::in_a_moment(|scratch| snapshot.services().ownership(id, scratch)) {
        count_step_limits(&state.metrics, &ownership);
        return Ok(render::ok(&Answer::of(&snapshot, ownership)));
    }
    let (snapshot, id) = (Arc::clone(&*snapshot), id.as_str().to_owned());
    hard(state, snapshot, id).await
}

/// An ID that several homeservers are asked about.
struct OfId {
    id: String,
    caller: Caller,
}

impl Asked for OfId {
    fn here(&self, state: &AppState, snapshot: &Snapshot, _: &Deadline) -> Result<Vec<u8>, ApiError> {
        let id = MatrixId::parse(&self.id)?;
        state.metrics.ids_asked(1);
        let ownership = scratch::patiently(|scratch| snapshot.services().ownership(id, scratch));
        count_step_limits(&state.metrics, &ownership);
        Ok(render::to_bytes(&Answer::of(snapshot, ownership)))
    }

    fn there(&self, answer: &mut Vec<u8>, there: There<'_>, loaded: &Loaded<'_>) -> Result<(), ApiError> {
        let services = loaded.snapshot.services();
        let id = MatrixId::parse(&self.id)?;
        let ownership = scratch::patiently(|scratch| services.ownership(id, scratch));
        let person = scratch::patiently(|scratch| match id.kind() {
            Kind::User => Some(services.may_register(Asker::Person, UserName::UserId(id.as_str()), scratch)),
            Kind::Alias => Some(services.may_create_alias(id, Asker::Person, None, scratch)),
            Kind::Room => None,
        });
        let person = person.map(|decision| Decided::with_its_check(self.caller, decision).without_claims());
        render::append(answer, &OwnershipThere::new(there, ownership, person));
        Ok(())
    }
}

/// The owner of an ID that regexes make hard to tell.
async fn hard(state: web::Data<AppState>, snapshot: Arc<Snapshot>, id: String) -> Result<HttpResponse, ApiError> {
    let aside = Arc::clone(&state.aside);
    let answered = aside.hard(move || {
        let id = MatrixId::parse(&id)?;
        let ownership = scratch::patiently(|scratch| snapshot.services().ownership(id, scratch));
        count_step_limits(&state.metrics, &ownership);
        Ok(render::to_bytes(&Answer::of(&snapshot, ownership)))
    });
    answered.await?.map(|bytes| render::json(StatusCode::OK, bytes))
}

#[utoipa::path(
    post,
    path = ENDPOINT.path,
    operation_id = "owners",
    summary = "Who owns each of many IDs",
    request_body = OwnersRequest<'static>,
    responses(
        (status = 200, description = "One result for each ID, in the order asked.", body = OwnersResponse<'static>),
        (status = 400, description = "Not JSON, or not of this shape.", body = MatrixError<'static>),
        (status = 413, description = "Too many IDs, or too large a body.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn post(state: web::Data<AppState>, body: Body) -> Result<HttpResponse, ApiError> {
    let bytes = body::read(&body)?.clone();
    let aside = Arc::clone(&state.aside);
    let most = state.limits.ids;
    let ids = if bytes.len() <= READ_AT_ONCE {
        ids_of(&bytes, most)?
    } else {
        aside.long(move || ids_of(&bytes, most)).await??
    };
    let snapshot = Arc::clone(&*state.snapshot()?);
    state.metrics.ids_asked(ids.len());
    pieces::answer(&aside, Batch::new(state, snapshot, ids)).await
}

/// A body of so many bytes is read where it has come: that takes 30 µs.
const READ_AT_ONCE: usize = 16 << 10;

/// The IDs that a body asks about, at most so many.
fn ids_of(body: &[u8], most: usize) -> Result<Ids, ApiError> {
    let request: OwnersRequest<'_> = body::json_of(body, EXPECTED)?;
    if request.ids.is_empty() {
        return Err(ApiError::invalid_param(format!("ids is empty: {EXPECTED}")));
    }
    if request.ids.len() > most {
        return Err(ApiError::too_large(format!("at most {most} IDs at a time")));
    }
    Ok(Ids::new(&request.ids))
}

/// What is said of one ID of a batch.
pub(super) fn result_of<'a>(id: &'a str, services: &'a Services, scratch: &mut Scratch) -> OwnersResult<'a> {
    match MatrixId::parse(id) {
        Ok(parsed) => OwnersResult::Ownership(services.ownership(parsed, scratch)),
        Err(error) => {
            let (errcode, error) = (ErrCode::InvalidParam, error.to_string());
            OwnersResult::Error(IdProblem { id, errcode, error })
        }
    }
}

pub(super) fn count_step_limits(metrics: &HttpMetrics, ownership: &Ownership<'_>) {
    metrics.step_limits(ownership.claims.iter().filter(|claim| claim.step_limit).count());
}
