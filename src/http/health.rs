use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::AppState;
use super::render;
use crate::snapshot::MissingSource;

/// The process is alive.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether the first load is done.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Readiness<'s> {
    /// Once true, always true: later faults leave the last good state in force.
    ready: bool,
    /// What the first load waits for; empty when ready.
    missing: &'s [MissingSource],
}

#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    operation_id = "healthz",
    summary = "Is the process alive",
    responses((status = 200, description = "It is.", body = Health)),
)]
pub(super) async fn healthz() -> HttpResponse {
    render::ok(&Health { status: "ok" })
}

#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    operation_id = "readyz",
    summary = "Is the first load done",
    responses(
        (status = 200, description = "It is, and stays so.", body = Readiness<'static>),
        (status = 503, description = "It is not; what is missing is listed.", body = Readiness<'static>),
    ),
)]
pub(super) async fn readyz(state: web::Data<AppState>) -> HttpResponse {
    let snapshot = state.snapshot_ready_or_not();
    if snapshot.is_ready() {
        render::ok(&Readiness { ready: true, missing: &[] })
    } else {
        let body = render::to_bytes(&Readiness { ready: false, missing: &snapshot.missing });
        HttpResponse::ServiceUnavailable().insert_header(ContentType::json()).body(body)
    }
}
