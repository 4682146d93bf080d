use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::endpoint::{Endpoint, Tag, operations};
use super::{AppState, render};
use crate::pulse::Ailment;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/healthz", tag: Tag::Operation, role: None, operations: operations![get] };

/// Whether the process does what it is there for.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// `ok`, or `ailing` when a thread that matters is dead or hangs.
    status: &'static str,
    /// The threads that are not well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    threads: Vec<Ailing>,
}

/// A thread that is not well.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Ailing {
    /// Its name.
    thread: &'static str,
    /// `dead`, `late` (it hangs), or `failed` at what it did last.
    state: &'static str,
    #[serde(skip)]
    wants_a_new_start: bool,
}

impl From<Ailment> for Ailing {
    fn from(ailment: Ailment) -> Self {
        Self {
            thread: ailment.thread,
            state: ailment.kind.as_str(),
            wants_a_new_start: ailment.kind.wants_a_new_start(),
        }
    }
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "healthz",
    summary = "Is the process alive, with all threads that matter",
    responses(
        (status = 200, description = "It is.", body = Health),
        (
            status = 503,
            description = "A thread hangs or has ended: answers may be right and old.",
            body = Health,
        ),
    ),
)]
async fn get(state: web::Data<AppState>) -> HttpResponse {
    let threads = state.ailing();
    if threads.iter().any(|thread| thread.wants_a_new_start) {
        let body = render::to_bytes(&Health { status: "ailing", threads });
        render::json(StatusCode::SERVICE_UNAVAILABLE, body)
    } else {
        render::ok(&Health { status: "ok", threads })
    }
}
