use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::AppState;
use super::endpoint::{Endpoint, Tag, operations};
use super::healthz::Ailing;
use super::render;
use crate::snapshot::MissingSource;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/readyz", tag: Tag::Operation, role: None, operations: operations![get] };

/// Whether the first load is done.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Readiness<'s> {
    /// Once true, always true: later faults leave the last good state in force.
    ready: bool,
    /// What the first load waits for; empty when ready.
    missing: &'s [MissingSource],
    /// The threads that are not well: answers may be right and old. Absent when all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    threads: Vec<Ailing>,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "readyz",
    summary = "Is the first load done",
    responses(
        (status = 200, description = "It is, and stays so.", body = Readiness<'static>),
        (status = 503, description = "It is not; what is missing is listed.", body = Readiness<'static>),
    ),
)]
async fn get(state: web::Data<AppState>) -> HttpResponse {
    let snapshot = state.snapshot_ready_or_not();
    let threads = state.ailing();
    if snapshot.is_ready() {
        render::ok(&Readiness { ready: true, missing: &[], threads })
    } else {
        let body = render::to_bytes(&Readiness { ready: false, missing: snapshot.missing(), threads });
        render::json(StatusCode::SERVICE_UNAVAILABLE, body)
    }
}
