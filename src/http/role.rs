use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::endpoint::{Endpoint, Tag, operations};
use super::{AppState, Role, render};

/// Anybody may ask, and is told what a question that needs a role would tell as well.
pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/role", tag: Tag::State, role: None, operations: operations![get] };

/// What the one who asks may do.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CallerRole)]
pub(super) struct Asking {
    /// Whether a token is asked for.
    token_needed: bool,
    /// `register`, `read` or `admin`, each of which may what those before it may; null when a token is asked for and none
    /// was sent, or one that is not known.
    #[schema(value_type = Option<String>)]
    role: Option<&'static str>,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "role",
    summary = "What the one who asks may do",
    description = "For a front end that asks a person for a token and shows what the person may see.",
    responses((status = 200, description = "The role.", body = Asking)),
)]
async fn get(state: web::Data<AppState>, request: HttpRequest) -> HttpResponse {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let role = match &state.access {
        None => Some(Role::Admin),
        Some(access) => access.check(Role::Register, authorization).ok().map(|(role, _)| role),
    };
    let mut response = render::ok(&Asking { token_needed: state.access.is_some(), role: role.map(Role::as_str) });
    // Another token is another answer.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
