use std::time::Instant;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::body::{self, Body};
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::render::{self, Answer};
use super::workers::{Mode, Report};
use super::{ApiError, AppState, Role};

/// Asked where the questions are, too: the module in a homeserver comes through the one socket that it has.
pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/v1/homeservers/{worker}",
    tag: Tag::State,
    role: Some(Role::Admin),
    operations: operations![post],
};

/// The longest name of a worker, in characters: one as they are called, `federation_sender1`, several times over.
const MAX_NAME: usize = 64;
/// The longest digest that is taken in, in characters: twice as long as one is.
const MAX_SNAPSHOT: usize = 64;
/// The largest report, in bytes: ten thousand ids of some twenty characters, which is beyond what Synapse walks in bearable
/// time. 64 such reports, and what is kept of them, are some 40 MB.
const MAX_REPORT: usize = 256 << 10;

/// What a process of the homeserver has loaded.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HomeserverReport {
    /// What the module there does.
    mode: Mode,
    /// The `snapshot` that it goes by.
    snapshot: String,
    /// The `id` of each registration that the process has loaded just as it is in force here.
    loaded: Vec<String>,
}

const EXPECTED: &str = r#"{"mode": "reserve", "load" or "guard", "snapshot": …, "loaded": [id, …]}"#;

/// How it stands beside what is in force.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = HomeserverNoted)]
pub(super) struct Noted {
    /// Whether it goes by another snapshot than the one in force.
    behind: bool,
    /// How many registrations are in force and not loaded there.
    not_loaded: usize,
}

#[utoipa::path(
    post,
    path = ENDPOINT.path,
    operation_id = "homeserverReport",
    summary = "Takes note of what a process of the homeserver has loaded",
    description = "For the module in the homeserver, after each change and every minute or two. `GET /v1/status` and the \
        metrics say who is behind and what waits for a restart. Kept in memory, for 64 processes at most; one that is \
        silent for five minutes is forgotten.",
    params(("worker" = String, Path, description = "The name of the process: 1 to 64 characters.")),
    request_body = HomeserverReport,
    responses(
        (status = 200, description = "How it stands beside what is in force.", body = Answer<'static, Noted>),
        (status = 400, description = "Not JSON, or not such a report.", body = MatrixError<'static>),
        (status = 413, description = "Too large a body.", body = MatrixError<'static>),
        (status = 429, description = "Too many processes report already.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn post(state: web::Data<AppState>, worker: web::Path<String>, body: Body) -> Result<HttpResponse, ApiError> {
    let worker = worker.into_inner();
    if worker.chars().nth(MAX_NAME).is_some() || worker.contains(char::is_control) {
        return Err(ApiError::invalid_param(format!("the name of a worker has at most {MAX_NAME} characters")));
    }
    if body::read(&body)?.len() > MAX_REPORT {
        return Err(ApiError::too_large("a report of more than 256 KiB is not taken"));
    }
    let HomeserverReport { mode, snapshot, loaded } = body::json(&body, EXPECTED)?;
    if snapshot.chars().nth(MAX_SNAPSHOT).is_some() {
        return Err(ApiError::invalid_param("snapshot is no snapshot"));
    }
    let in_force = state.snapshot()?;
    let report = Report::new(mode, snapshot, loaded);
    let noted = Noted { behind: report.is_behind(&in_force), not_loaded: report.not_loaded(&in_force).count() };
    state.workers.note(worker, report, Instant::now())?;
    Ok(render::ok(&Answer::of(&in_force, noted)))
}
