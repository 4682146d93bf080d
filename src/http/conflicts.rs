use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};

use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::pieces::{self, Effort, Next, Parts};
use super::query::{Query, number};
use super::render::{self, Answer};
use super::{ApiError, AppState, Role, waiters};
use crate::analysis::{Code, Cursor, Finding, Severity, UnknownCode, Wanted};
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
    let wanted = Wanted { severity, code };
    let listed = match query.get("as_id") {
        None => Listed::of_all(found, wanted, limit),
        Some(id) => Listed::about(&found, id, wanted, limit),
    };
    pieces::answer(&state.aside, listed).await
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

/// So many findings are written out at once. That takes a tenth of a millisecond each at most where they are as usual.
const BATCH: usize = 64;

/// The findings that are listed, one after the other.
struct Listed {
    snapshot: Arc<Snapshot>,
    total: usize,
    /// How many are to be listed.
    limit: usize,
    written: usize,
    /// Those that come next.
    next: VecDeque<Arc<Finding>>,
    /// Where those that follow are found, unless all are there.
    rest: Option<(Arc<reload::Found>, Cursor)>,
}

impl Listed {
    fn of_all(found: Arc<reload::Found>, wanted: Wanted, limit: usize) -> Self {
        let total = found.analysis.findings.count(wanted);
        let snapshot = Arc::clone(&found.snapshot);
        let rest = Some((found, Cursor::new(wanted)));
        Self { snapshot, total, limit: limit.min(total), written: 0, next: VecDeque::new(), rest }
    }

    fn about(found: &reload::Found, id: &str, wanted: Wanted, limit: usize) -> Self {
        let place = found.snapshot.services().position_of_id(id);
        let next = place.map(|place| found.analysis.about(place, wanted)).unwrap_or_default();
        let (snapshot, total) = (Arc::clone(&found.snapshot), next.len());
        Self { snapshot, total, limit: limit.min(total), written: 0, next: next.into(), rest: None }
    }

    fn next(&mut self) -> Option<Arc<Finding>> {
        if self.written == self.limit {
            return None;
        }
        if let Some((found, cursor)) = self.rest.as_mut().filter(|_| self.next.is_empty()) {
            self.next = found.analysis.findings.read(cursor, BATCH.min(self.limit - self.written)).into();
        }
        self.next.pop_front()
    }
}

impl Parts for Listed {
    fn write_next(&mut self, answer: &mut Vec<u8>, _: Effort) -> Next {
        if self.written == 0 {
            let Self { total, limit, .. } = self;
            let truncated = *limit < *total;
            let head = format!("{{\"total\":{total},\"truncated\":{truncated},\"findings\":[");
            answer.extend_from_slice(head.as_bytes());
        }
        let Some(finding) = self.next() else {
            render::close_with_snapshot(answer, &self.snapshot);
            return Next::End;
        };
        if self.written > 0 {
            answer.push(b',');
        }
        self.written += 1;
        render::append(answer, &finding);
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
