use std::sync::Arc;

use actix_web::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use actix_web::web::{Bytes, ReqData};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::body::{self, Body};
use super::caller::Who;
use super::check::MAX_REGISTRATION;
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::query::{self, Query};
use super::registrations::{File, shown};
use super::render::{self, Answer};
use super::{ApiError, AppState, Caller, Role};
use crate::analysis::Finding;
use crate::matrix::ErrCode;
use crate::registration::Fault;
#[cfg(feature = "postgres")]
use crate::store::MAX_BY;

/// Everybody who may ask may look; who changes something must be an operator, which is seen to here.
pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/v1/registrations/{id}",
    tag: Tag::State,
    role: Some(Role::Read),
    operations: operations![get, put, delete],
};

/// One file and what came of it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = OneRegistration)]
pub(super) struct One<'s> {
    registration: File<'s>,
}

/// What has come of a change to the store.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RegistrationKept)]
pub(super) struct Kept {
    /// The `id`.
    pub(super) as_id: String,
    /// False if it was so already, so that nothing was changed.
    pub(super) changed: bool,
    /// The revision that has made it so. It is the `ETag`, too.
    pub(super) revision: u64,
    /// Whether this replica answers by it. If not, it will within seconds, unless somebody changes it meanwhile, or what stands beside
    /// the store here is in its way. Others are asked with `min_revision`.
    pub(super) in_force: bool,
}

/// Why the store was not changed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RegistrationRefused)]
pub(super) struct Refused {
    /// The Matrix error code.
    #[schema(value_type = String, example = "M_EXCLUSIVE")]
    pub(super) errcode: ErrCode,
    /// What is wrong, for people.
    pub(super) error: &'static str,
    /// Why it cannot be loaded beside what is in force.
    pub(super) errors: Vec<Fault>,
    /// The collisions that there would be, and that there are not.
    #[schema(value_type = Vec<Finding>)]
    pub(super) findings: Vec<Arc<Finding>>,
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

#[utoipa::path(
    put,
    path = ENDPOINT.path,
    operation_id = "putRegistration",
    summary = "Puts a registration into the store, if nothing collides then that does not collide now",
    description = "Needs the role `admin`, and a service with `--store`. Judged by what is in force at the store's revision, at \
        which nobody changes anything meanwhile. Asked again, it changes nothing and answers the same.",
    params(
        ("id" = String, Path, description = "The registration's own `id`, percent-encoded."),
        ("force" = Option<bool>, Query, description = "Put it although it collides; the history says so."),
        ("by" = Option<String>, Query, description = "Who wants it, for the history; at most 250 bytes."),
        ("If-Match" = Option<String>, Header, description = "Only if this revision, in quotation marks, has made it what it is."),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is none of this `id`. Not beside `If-Match`."),
    ),
    request_body(
        content((serde_json::Value = "application/json"), (String = "application/yaml")),
        description = "The registration, as YAML or JSON, of at most 256 KiB.",
    ),
    responses(
        (status = 200, description = "It is in the store.", body = Answer<'static, Kept>,
            headers(("ETag" = String, description = "The revision in quotation marks."))),
        (status = 400, description = "It cannot be loaded, or the question cannot be read.", body = Refused),
        (status = 403, description = "This replica may never change the store: its database role may only read, or the store is \
            another homeserver's.", body = MatrixError<'static>),
        (status = 409, description = "It collides, or something in force is in its way.", body = Refused),
        (status = 412, description = "It is another than was thought.", body = MatrixError<'static>),
        (status = 413, description = "Too large a registration.", body = MatrixError<'static>),
        (status = 501, description = "There is no store.", body = MatrixError<'static>),
        (status = 503, description = "The store does not answer, or others change it; or nobody can tell whether it was changed: \
            ask again.", body = MatrixError<'static>),
    ),
)]
async fn put(
    state: web::Data<AppState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    id: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let source = body::read(&body)?.clone();
    if source.is_empty() {
        return Err(ApiError::missing_param("the body is the registration, as YAML or JSON"));
    }
    if source.len() > MAX_REGISTRATION {
        return Err(ApiError::too_large("a registration of more than 256 KiB is not kept"));
    }
    change(state, *caller, request, id.into_inner(), Some(source)).await
}

#[utoipa::path(
    delete,
    path = ENDPOINT.path,
    operation_id = "deleteRegistration",
    summary = "Removes a registration from the store; its names are free at once",
    description = "Needs the role `admin`, and a service with `--store`. Asked again, it changes nothing and answers the same. \
        Nothing speaks against it, also where it breaks what is joined with the regexes of another: `/v1/conflicts` tells of that.",
    params(
        ("id" = String, Path, description = "The registration's `id`, percent-encoded."),
        ("by" = Option<String>, Query, description = "Who wants it, for the history."),
        ("If-Match" = Option<String>, Header, description = "Only if this revision, in quotation marks, has made it what it is."),
    ),
    responses(
        (status = 400, description = "The question cannot be read.", body = MatrixError<'static>),
        (status = 200, description = "It is not in the store.", body = Answer<'static, Kept>,
            headers(("ETag" = String, description = "The revision in quotation marks."))),
        (status = 403, description = "This replica may never change the store: its database role may only read, or the store is \
            another homeserver's.", body = MatrixError<'static>),
        (status = 404, description = "It never was in the store.", body = MatrixError<'static>),
        (status = 412, description = "It is another than was thought.", body = MatrixError<'static>),
        (status = 501, description = "There is no store.", body = MatrixError<'static>),
        (status = 503, description = "The store does not answer, or others change it; or nobody can tell whether it was changed: \
            ask again.", body = MatrixError<'static>),
    ),
)]
async fn delete(
    state: web::Data<AppState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    change(state, *caller, request, id.into_inner(), None).await
}

/// What is asked of the store.
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "there is no store in this build"))]
pub(super) struct Asked {
    pub(super) id: String,
    /// What it is to say; removed without one.
    pub(super) source: Option<Bytes>,
    /// The revision that must have made it what it is.
    pub(super) if_match: Option<i64>,
    /// There must be none.
    pub(super) if_none: bool,
    pub(super) force: bool,
    pub(super) by: String,
}

async fn change(
    state: web::Data<AppState>,
    caller: Caller,
    request: HttpRequest,
    id: String,
    source: Option<Bytes>,
) -> Result<HttpResponse, ApiError> {
    if caller.role < Role::Admin {
        return Err(ApiError::forbidden(Role::Admin));
    }
    let query = Query::parse(request.query_string(), ["force", "by"])?;
    let force = match query.get("force") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ApiError::invalid_param("force is true or false")),
    };
    let (if_match, if_none) = conditions(&request)?;
    let by = query.get("by").unwrap_or("HTTP");
    #[cfg(feature = "postgres")]
    if by.len() > MAX_BY {
        return Err(ApiError::invalid_param(format!("`by` has at most {MAX_BY} bytes")));
    }
    if [&*id, by].iter().any(|text| text.contains('\0')) {
        return Err(ApiError::invalid_param("no database keeps the character U+0000: not in an id, nor in `by`"));
    }
    let by = if caller.who == Who::Anybody { by.to_owned() } else { format!("{by} ({caller})") };
    let asked = Asked { id, source, if_match, if_none, force, by };
    #[cfg(feature = "postgres")]
    return super::gate::change(state, &request, asked).await;
    #[cfg(not(feature = "postgres"))]
    {
        drop((state, asked));
        Err(ApiError::no_store())
    }
}

/// The revision that must have made it what it is, and whether there must be none: one of the two at most, since a condition that is
/// not held is worse than none.
fn conditions(request: &HttpRequest) -> Result<(Option<i64>, bool), ApiError> {
    let if_match = header(request, &IF_MATCH)?.map(revision).transpose()?;
    match (if_match, header(request, &IF_NONE_MATCH)?) {
        (None, Some("*")) => Ok((None, true)),
        (if_match, None) => Ok((if_match, false)),
        (None, Some(_)) => Err(ApiError::invalid_param("If-None-Match is * here")),
        (Some(_), Some(_)) => Err(ApiError::invalid_param("If-Match and If-None-Match are not both said")),
    }
}

/// What a header says that is given once at most.
fn header<'r>(request: &'r HttpRequest, name: &HeaderName) -> Result<Option<&'r str>, ApiError> {
    let mut told = request.headers().get_all(name);
    match (told.next().map(|value| value.to_str()), told.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => Err(ApiError::invalid_param(format!("{name} cannot be read, or is there twice"))),
    }
}

/// The revision in an `ETag`.
fn revision(tag: &str) -> Result<i64, ApiError> {
    let number = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(query::revision);
    let number = number.and_then(|number| i64::try_from(number).ok());
    number.ok_or_else(|| ApiError::invalid_param("If-Match is one revision in quotation marks, such as \"7\""))
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use actix_web::test::TestRequest;

    use super::*;

    fn said(headers: &[(HeaderName, &str)]) -> Option<(Option<i64>, bool)> {
        let request = headers.iter().fold(TestRequest::put(), |request, header| request.append_header(header.clone()));
        conditions(&request.to_http_request()).ok()
    }

    #[test]
    fn a_change_has_one_condition_at_most() {
        let (at, none) = ((IF_MATCH, "\"7\""), (IF_NONE_MATCH, "*"));
        assert_eq!(said(&[]), Some((None, false)));
        assert_eq!(said(from_ref(&at)), Some((Some(7), false)));
        assert_eq!(said(from_ref(&none)), Some((None, true)));
        let one_is_passed_over = [[at.clone(), none.clone()], [at.clone(), at.clone()], [none.clone(), none]];
        for both in one_is_passed_over {
            assert_eq!(said(&both), None, "{both:?}");
        }
        for other in
            ["7", "\"+7\"", "\"07\"", "\"-1\"", "\"\"", "W/\"7\"", "\"7\", \"8\"", "*", "\"9223372036854775808\""]
        {
            assert_eq!(said(&[(IF_MATCH, other)]), None, "{other}");
        }
        assert_eq!(said(&[(IF_NONE_MATCH, "\"7\"")]), None);
    }
}
