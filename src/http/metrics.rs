use std::time::Instant;

use actix_web::{HttpResponse, web};

use super::AppState;
use super::endpoint::{Endpoint, Tag, operations};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/metrics", tag: Tag::Operation, role: None, operations: operations![get] };

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "metrics",
    summary = "Metrics in the text format of Prometheus",
    responses((status = 200, description = "Version 0.0.4 of the format.", body = String, content_type = "text/plain")),
)]
async fn get(state: web::Data<AppState>) -> HttpResponse {
    state.workers.show(&state.snapshot_ready_or_not(), Instant::now());
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.registry.render())
}
