use actix_web::HttpResponse;
use serde::Serialize;

use super::endpoint::{Endpoint, Tag, operations};
use super::render;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/healthz", tag: Tag::Operation, role: None, operations: operations![get] };

/// The process is alive.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// Always `ok`.
    status: &'static str,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "healthz",
    summary = "Is the process alive",
    responses((status = 200, description = "It is.", body = Health)),
)]
async fn get() -> HttpResponse {
    render::ok(&Health { status: "ok" })
}
