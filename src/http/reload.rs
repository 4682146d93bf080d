use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::body::{self, Body};
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::{ApiError, AppState, Role, render};
use crate::reload::{ReloadReport, Trigger};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/-/reload", tag: Tag::Operation, role: Some(Role::Admin), operations: operations![post] };

/// How to reload. The body may be missing.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReloadRequest {
    /// Confirms that a directory that has vanished or become empty is right, or a store that is another than before or was put back: the
    /// names that it lacks are set free.
    #[serde(default)]
    allow_empty: bool,
}

#[utoipa::path(
    post,
    path = ENDPOINT.path,
    operation_id = "reload",
    summary = "Reload now; answers when done",
    description = "Confirms what is held: exclusive claims that nothing has made any more for a second are let go, for \
        which this waits.",
    request_body = Option<ReloadRequest>,
    responses(
        (status = 200, description = "What came of it.", body = ReloadReport),
        (status = 400, description = "Not JSON, or not of this shape.", body = MatrixError<'static>),
        (status = 413, description = "Too large a body.", body = MatrixError<'static>),
        (status = 503, description = "The service is shutting down.", body = MatrixError<'static>),
    ),
)]
async fn post(state: web::Data<AppState>, body: Body) -> Result<HttpResponse, ApiError> {
    let request = if body::read(&body)?.is_empty() {
        ReloadRequest::default()
    } else {
        let request: Option<ReloadRequest> = body::json(&body, r#"{"allow_empty": true or false}, or no body"#)?;
        request.unwrap_or_default()
    };
    let report = state.reloader.reload(Trigger::Request, request.allow_empty).await;
    report.map(|report| render::ok(&report)).map_err(|_| ApiError::shutting_down())
}
