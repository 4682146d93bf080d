use actix_web::web::ReqData;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::registrations::{File, shown};
use super::render::{self, Answer};
use super::{ApiError, AppState, Caller, Role};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/registrations/{id}", tag: Tag::State, role: Some(Role::Read), operations: operations![get] };

/// One file and what came of it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = OneRegistration)]
pub(super) struct One<'s> {
    registration: File<'s>,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "registration",
    summary = "One registration in force: its file, state and what it claims; never a token",
    params(("id" = String, Path, description = "The `id` of the application service, percent-encoded.")),
    responses(
        (status = 200, description = "The file that it is in force from.", body = Answer<'static, One<'static>>),
        (status = 404, description = "None of this `id` is in force.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn get(
    state: web::Data<AppState>,
    caller: ReqData<Caller>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let snapshot = state.snapshot()?;
    let file = snapshot.file_of(&id).ok_or_else(ApiError::unknown_service)?;
    let registration = shown(file, snapshot.services(), caller.role);
    Ok(render::ok(&Answer::of(&snapshot, One { registration })))
}
