use actix_web::{HttpResponse, web};

use super::AppState;

#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    operation_id = "metrics",
    summary = "Metrics in the text format of Prometheus",
    responses((status = 200, description = "Version 0.0.4 of the format.", body = String, content_type = "text/plain")),
)]
pub(super) async fn get(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.registry.render())
}
