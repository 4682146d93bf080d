//! The early word: may somebody register under a name, in the form in which a homeserver says so.
//!
//! A proxy asks this before it passes `GET …/register/available` on to the homeserver (Caddy's `forward_auth`, nginx's
//! `auth_request`), so that a name is refused while it is typed, on any homeserver and without a module in it. The
//! homeserver has the last word; here nothing may be called available that it would refuse for a reserved name.
//!
//! So the query is read as Synapse reads it, which is as Twisted does, and not as strictly as elsewhere here: a semicolon
//! separates as `&` does, of several values the first counts, what has no `=` is not there, and an escape that is none
//! stands for itself. `oracle/spellings.py` has asked Synapse about each.
//!
//! A proxy says what it was asked in a header, and passes on what else its client sends, a header of the same kind
//! included. So whoever names a name must name the same one, or it is refused.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::ReqData;
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode;
use serde::Serialize;

use super::decided;
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::may_register::MAX_LOCALPART_CHARS;
use super::question::{By, Question};
use super::{ApiError, AppState, Caller, Role, render};
use crate::matrix::ErrCode;
use crate::ruling::Decision;
use crate::snapshot::Snapshot;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/_matrix/client/v3/register/available",
    tag: Tag::Questions,
    role: Some(Role::Register),
    operations: operations![get],
};

/// The headers in which proxies say what they were asked: Caddy and Traefik the first, nginx as it is configured the other.
const ASKED_OF_THE_PROXY: [&str; 2] = ["x-forwarded-uri", "x-original-uri"];

/// The parameters that hold a name in what a proxy was asked: the specification's, and that of the question that an
/// authentication service asks Synapse.
const PARAMETERS: [&str; 2] = ["username", "localpart"];

/// That a name is to be had.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Available {
    /// True: a refusal is an error.
    #[schema(example = true)]
    available: bool,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "registerAvailable",
    summary = "Is a name to be had, in the form of the Matrix specification and in public words",
    description = "For proxies that ask before the homeserver is asked. The name as it is typed: capitals are refused. If \
        several of the query and the headers are there, all must name the same.",
    params(
        ("username" = Option<String>, Query, description = "The name."),
        ("status" = Option<String>, Query, description = "`403`: refuse with that status instead of 400, for nginx."),
        ("X-Forwarded-Uri" = Option<String>, Header, description = "What a proxy was asked: the name is in its `username` or `localpart`."),
        ("X-Original-Uri" = Option<String>, Header, description = "The same."),
    ),
    responses(
        (status = 200, description = "No service holds it.", body = Available),
        (status = 400, description = "It is reserved, or not a name, or there is none.", body = MatrixError<'static>),
        (status = 403, description = "The same with `status=403`.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn get(state: web::Data<AppState>, caller: ReqData<Caller>, request: HttpRequest) -> HttpResponse {
    let answered = match asked(&request) {
        Ok(name) => Question::Localpart(name.into(), By::AsTyped).answer_as(state, *caller, told).await,
        Err(error) => Err(error),
    };
    let mut response = answered.unwrap_or_else(HttpResponse::from);
    let as_403 = first(request.query_string(), "status").is_some_and(|status| *status == *b"403");
    if as_403 && response.status() == StatusCode::BAD_REQUEST {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    // It is asked again by whoever types the same tomorrow.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[expect(clippy::needless_pass_by_value, reason = "as all that is told of decisions")]
fn told(_snapshot: &Snapshot, _caller: Caller, decision: Decision<'_>) -> (StatusCode, Vec<u8>) {
    match decided::message(&decision) {
        None => (StatusCode::OK, render::to_bytes(&Available { available: true })),
        Some(error) => {
            let errcode = decision.errcode.unwrap_or(ErrCode::Unknown);
            (StatusCode::BAD_REQUEST, render::to_bytes(&MatrixError { errcode, error }))
        }
    }
}

/// The name that is asked about, by all who name one.
fn asked(request: &HttpRequest) -> Result<String, ApiError> {
    let mut names: Vec<Cow<'_, [u8]>> = first(request.query_string(), PARAMETERS[0]).into_iter().collect();
    for header in ASKED_OF_THE_PROXY.iter().flat_map(|name| request.headers().get_all(*name)) {
        let target = header.to_str().map_err(|_| ApiError::undecodable_name())?;
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let before = names.len();
        names.extend(PARAMETERS.iter().filter_map(|parameter| first(query, parameter)));
        if names.len() == before {
            return Err(ApiError::missing_param("the proxy was asked about no username"));
        }
    }
    let Some((name, others)) = names.split_first() else {
        return Err(ApiError::missing_param("username is missing"));
    };
    if others.iter().any(|other| other != name) {
        return Err(ApiError::invalid_param("several usernames are named"));
    }
    let name = str::from_utf8(name).map_err(|_| ApiError::undecodable_name())?;
    if name.chars().nth(MAX_LOCALPART_CHARS).is_some() {
        let error = format!("a name of more than {MAX_LOCALPART_CHARS} characters is not to be had");
        return Err(ApiError::invalid_username(error));
    }
    Ok(name.to_owned())
}

/// The first value of a parameter, as Twisted finds it.
fn first<'q>(query: &'q str, parameter: &str) -> Option<Cow<'q, [u8]>> {
    let pairs = query.split(['&', ';']).filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| *decoded(name) == *parameter.as_bytes()).map(|(_, value)| decoded(value));
    values.next()
}

fn decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        return Cow::Owned(percent_decode(text.replace('+', " ").as_bytes()).collect());
    }
    percent_decode(text.as_bytes()).into()
}
