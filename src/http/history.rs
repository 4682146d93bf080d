use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::changes::Change;
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::names::limit;
use super::pieces::{self, Effort, Next, Parts};
use super::query::Query;
use super::render::{self, Answer};
use super::status::milliseconds;
use super::{ApiError, AppState, Role};
use crate::snapshot::{Generation, Snapshot};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/history", tag: Tag::State, role: Some(Role::Read), operations: operations![get] };

/// So many generations are answered unless the caller says otherwise: the last that somebody who looks wants to see.
const DEFAULT_LIMIT: usize = 20;
/// And so many at most; that all of a history takes no more than four megabytes is seen to where it is kept.
const MAX_LIMIT: usize = 1_000;

/// What has been in force lately.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "states the shape that `Latest` writes without building it")]
pub(super) struct History<'s> {
    /// Since when the set has not been complete, in milliseconds since 1970-01-01 UTC, as far back as is remembered; null
    /// while it is.
    incomplete_since_ms: Option<u64>,
    /// The latest first.
    generations: Vec<InForce<'s>>,
}

/// A set that came into force, and what it changed against the one before it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = HistoryGeneration)]
pub(super) struct InForce<'s> {
    /// Which it was, counted from 1.
    generation: u64,
    /// Its digest.
    #[schema(value_type = String)]
    digest: &'s str,
    /// When it came into force, in milliseconds since 1970-01-01 UTC.
    at_ms: u64,
    /// Whether it was complete.
    was_complete: bool,
    /// Whether it is not known here what it changed, since it was the first, or changed too much to be told.
    reset: bool,
    /// The services that differ; none where the state of a file alone has changed.
    changes: Vec<Change<'s>>,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "history",
    summary = "What has been in force lately, and which names changed hands when",
    description = "Since this process started, and 1,024 generations at most. For people who look; whoever keeps answers asks \
        `GET /v1/changes`.",
    params(("limit" = Option<u32>, Query, description = "Answer at most so many generations, 1 to 1000; 20 by default.")),
    responses(
        (status = 200, description = "The last generations.", body = Answer<'static, History<'static>>),
        (status = 400, description = "Not a question.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn get(state: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), ["limit"])?;
    let limit = limit(query.get("limit"), DEFAULT_LIMIT, MAX_LIMIT)?;
    state.snapshot()?;
    let (snapshot, generations, first) = state.live.latest(limit);
    let incomplete_since_ms = state.live.incomplete_since().map(milliseconds);
    pieces::answer(&state.aside, Latest { snapshot, generations, first, incomplete_since_ms, next: 0 }).await
}

/// The generations, one after the other.
struct Latest {
    snapshot: Arc<Snapshot>,
    generations: Vec<Arc<Generation>>,
    /// The oldest that is remembered.
    first: Option<u64>,
    incomplete_since_ms: Option<u64>,
    next: usize,
}

impl Parts for Latest {
    fn write_next(&mut self, answer: &mut Vec<u8>, _: Effort) -> Next {
        let Self { snapshot, generations, first, incomplete_since_ms, next } = self;
        if *next == 0 {
            answer.extend_from_slice(b"{\"incomplete_since_ms\":");
            render::append(answer, incomplete_since_ms);
            answer.extend_from_slice(b",\"generations\":[");
        }
        let Some(generation) = generations.get(*next) else {
            render::close_with_snapshot(answer, snapshot);
            return Next::End;
        };
        if *next > 0 {
            answer.push(b',');
        }
        *next += 1;
        let reset = *first == Some(generation.number);
        let touched = generation.touched.iter().filter(|_| !reset);
        let in_force = InForce {
            generation: generation.number,
            digest: &generation.digest,
            at_ms: milliseconds(generation.at),
            was_complete: generation.complete,
            reset,
            changes: touched.map(Change::of).collect(),
        };
        render::append(answer, &in_force);
        Next::More
    }
}
