use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};

use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::pieces::{self, Effort, Next, Parts};
use super::query::{Query, number};
use super::render::{self, Answer};
use super::{ApiError, AppState, Role, waiters};
use crate::analysis::{Code, Finding, Severity, UnknownCode};
use crate::reload;
use crate::snapshot::Snapshot;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/conflicts", tag: Tag::State, role: Some(Role::Read), operations: operations![get] };

/// So many findings are answered unless the caller says otherwise.
const DEFAULT_LIMIT: usize = 1_000;

/// What registrations do to each other.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "states the shape that `Found` writes without building it")]
pub(super) struct Conflicts<'s> {
    /// How many findings there are that fit the filters.
    total: usize,
    /// Whether there are more than are listed.
    truncated: bool,
    /// The findings, the gravest first.
    findings: Vec<&'s Finding>,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "conflicts",
    summary = "What is wrong with the live set: where registrations collide, proved with an ID",
    description = "Computed after each reload, off the request threads: `snapshot` says for which set. With `wait`, it is \
                   waited until that is the one that was in force when the question came. The codes are explained under \
                   `docs/findings/`.",
    params(
        ("severity" = Option<Severity>, Query, description = "Only findings of this severity: `error`, `warning` or `note`."),
        ("code" = Option<Code>, Query, description = "Only findings of this code."),
        ("as_id" = Option<String>, Query, description = "Only findings that concern this application service."),
        ("limit" = Option<u32>, Query, description = "List at most so many; 1000 by default."),
        ("wait" = Option<u32>, Query, description = "Wait for at most so many seconds, 60 at most; 0 by default."),
    ),
    responses(
        (status = 200, description = "The findings.", body = Answer<'static, Conflicts<'static>>),
        (status = 400, description = "Not a question.", body = MatrixError<'static>),
        (status = 429, description = "Too many wait already: ask without waiting.", body = MatrixError<'static>),
        (status = 503, description = "The first comparison is not done.", body = MatrixError<'static>),
    ),
)]
async fn get(state: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), ["severity", "code", "as_id", "limit", "wait"])?;
    let severity = query.get("severity").map(severity).transpose()?;
    let code = query.get("code").map(code).transpose()?;
    let limit = number(query.get("limit"), DEFAULT_LIMIT, "limit")?;
    let time = waiters::time(query.get("wait"), 0)?;
    let found = found(&state, &request, time).await?;
    let fits = |finding: &&Arc<Finding>| {
        severity.is_none_or(|severity| finding.severity == severity)
            && code.is_none_or(|code| finding.code == code)
            && query.get("as_id").is_none_or(|id| finding.places.iter().any(|place| *place.as_id == *id))
    };
    let mut findings: Vec<Arc<Finding>> = found.analysis.findings.iter().filter(fits).map(Arc::clone).collect();
    let total = findings.len();
    findings.truncate(limit);
    let found = Found { snapshot: Arc::clone(&found.snapshot), findings, next: 0, total };
    pieces::answer(&state.aside, found).await
}

/// The set that was compared last; it is waited for a while until that is the one in force now.
pub(super) async fn found(
    state: &AppState,
    request: &HttpRequest,
    time: Duration,
) -> Result<Arc<reload::Found>, ApiError> {
    let in_force = state.snapshot_ready_or_not().generation();
    let is_due = state.analyst.latest().is_none_or(|found| found.snapshot.generation() < in_force);
    if is_due {
        state.waiters.wait_for(request, time, state.analyst.found_for(in_force)).await?;
    }
    state.analyst.latest().ok_or_else(ApiError::not_compared)
}

/// The findings that are listed, one after the other.
struct Found {
    snapshot: Arc<Snapshot>,
    findings: Vec<Arc<Finding>>,
    next: usize,
    total: usize,
}

impl Parts for Found {
    fn write_next(&mut self, answer: &mut Vec<u8>, _: Effort) -> Next {
        let Self { snapshot, findings, next, total } = self;
        if *next == 0 {
            let truncated = findings.len() < *total;
            let head = format!("{{\"total\":{total},\"truncated\":{truncated},\"findings\":[");
            answer.extend_from_slice(head.as_bytes());
        }
        let Some(finding) = findings.get(*next) else {
            render::close_with_snapshot(answer, snapshot);
            return Next::End;
        };
        if *next > 0 {
            answer.push(b',');
        }
        *next += 1;
        render::append(answer, finding);
        Next::More
    }
}

fn severity(text: &str) -> Result<Severity, ApiError> {
    let known = Severity::ALL.into_iter().find(|severity| severity.as_str() == text);
    known.ok_or_else(|| ApiError::invalid_param("severity is error, warning or note"))
}

fn code(text: &str) -> Result<Code, ApiError> {
    text.parse().map_err(|UnknownCode| ApiError::invalid_param("there is no such code of a finding"))
}
