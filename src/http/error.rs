use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

use super::Role;
use super::aside::NotDone;
use super::render;
use crate::matrix::{ErrCode, IdError};

/// An error as it is answered: a Matrix error with its status. The message is for the caller, and never repeats a value
/// of the body, which may hold a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    errcode: ErrCode,
    error: String,
}

/// The body of an error, as every Matrix API has it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct MatrixError<'a> {
    /// The Matrix error code.
    #[schema(value_type = String, example = "M_INVALID_PARAM")]
    pub(super) errcode: ErrCode,
    /// What is wrong, for people.
    #[schema(example = "an ID begins with `@` (user), `#` (alias) or `!` (room)")]
    pub(super) error: &'a str,
}

impl ApiError {
    fn new(status: StatusCode, errcode: ErrCode, error: impl Into<String>) -> Self {
        Self { status, errcode, error: error.into() }
    }

    pub(super) fn missing_token() -> Self {
        let error = "this needs a token: Authorization: Bearer TOKEN";
        Self::new(StatusCode::UNAUTHORIZED, ErrCode::MissingToken, error)
    }

    pub(super) fn unknown_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrCode::UnknownToken, "this token is not known here")
    }

    pub(super) fn forbidden(needed: Role) -> Self {
        let error = format!("this needs a token with the role {}", needed.as_str());
        Self::new(StatusCode::FORBIDDEN, ErrCode::Forbidden, error)
    }

    pub(super) fn foreign_page() -> Self {
        let error = "pages of other origins may not ask this; see --cors-origin";
        Self::new(StatusCode::FORBIDDEN, ErrCode::Forbidden, error)
    }

    pub(super) fn foreign_host() -> Self {
        let error = "only this machine is answered, as localhost or by its loopback address; see --allow-host";
        Self::new(StatusCode::MISDIRECTED_REQUEST, ErrCode::Forbidden, error)
    }

    pub(super) fn not_of_type_json() -> Self {
        let error = "the body is JSON, and says so: Content-Type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrCode::NotJson, error)
    }

    pub(super) fn too_slow() -> Self {
        let error = "the request took too long, or its body did not come: send the body at once, and name fewer IDs or homeservers";
        Self::new(StatusCode::REQUEST_TIMEOUT, ErrCode::Unknown, error)
    }

    pub(super) fn too_many_homeservers() -> Self {
        let error = "the files could not be read in time for so many homeservers: name fewer of them";
        Self::new(StatusCode::REQUEST_TIMEOUT, ErrCode::Unknown, error)
    }

    pub(super) fn closed_early() -> Self {
        let error = "the connection was closed on the client's side before there was an answer";
        Self::new(StatusCode::REQUEST_TIMEOUT, ErrCode::Unknown, error)
    }

    pub(super) fn not_json(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrCode::NotJson, error)
    }

    pub(super) fn bad_json(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrCode::BadJson, error)
    }

    pub(super) fn invalid_param(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrCode::InvalidParam, error)
    }

    pub(super) fn invalid_username(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrCode::InvalidUsername, error)
    }

    /// What Synapse has no code for.
    pub(super) fn undecodable_name() -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrCode::Unknown, "a name in a query consists of ASCII characters")
    }

    pub(super) fn missing_param(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrCode::MissingParam, error)
    }

    pub(super) fn too_large(error: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrCode::TooLarge, error)
    }

    pub(super) fn unreadable_body(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrCode::Unknown, error)
    }

    pub(super) fn unknown_service() -> Self {
        let error = "no application service of this id is in force; see /v1/registrations";
        Self::new(StatusCode::NOT_FOUND, ErrCode::NotFound, error)
    }

    pub(super) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrCode::Unrecognized, "nothing is served at this path; see /openapi.json")
    }

    pub(super) fn page_is_for_browsers() -> Self {
        let error = "browsers are shown a page here (Accept: text/html); what programs may ask is in /openapi.json";
        Self::new(StatusCode::NOT_FOUND, ErrCode::Unrecognized, error)
    }

    pub(super) fn wrong_method(allow: &str) -> Self {
        let error = format!("this path takes {allow}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, ErrCode::Unrecognized, error)
    }

    pub(super) fn too_many_workers() -> Self {
        let error =
            "as many workers report already as are remembered; one that is silent is forgotten after five minutes";
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrCode::LimitExceeded, error)
    }

    pub(super) fn too_many_waiting() -> Self {
        let error = "as many wait for a change already as this server takes; ask without `wait`";
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrCode::LimitExceeded, error)
    }

    fn unavailable(error: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrCode::Unknown, error)
    }

    pub(super) fn not_ready() -> Self {
        Self::unavailable("the first load of registrations is not done; see /readyz")
    }

    pub(super) fn unlisted(why: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrCode::Unknown, why)
    }

    pub(super) fn no_store() -> Self {
        let error = "registrations come from files here, which are changed where they are; a service with --store takes changes";
        Self::new(StatusCode::NOT_IMPLEMENTED, ErrCode::Unrecognized, error)
    }

    pub(super) fn behind(revision: u64) -> Self {
        let error = format!("what is in force here is revision {revision} of the store");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrCode::Unknown, error)
    }

    pub(super) fn no_revision() -> Self {
        Self::unavailable("nothing of a store is in force here, so that no revision of it is")
    }

    pub(super) fn of_another_store() -> Self {
        Self::unavailable(
            "what is in force here is of another store or of a later state of it than is there now, so that its revisions do not count \
             there; `missing` in /v1/status says what confirms it",
        )
    }

    #[cfg(feature = "postgres")]
    pub(super) fn not_in_store() -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrCode::NotFound, "no registration of this id is or was in the store")
    }

    #[cfg(feature = "postgres")]
    pub(super) fn another_revision(is_at: Option<i64>) -> Self {
        let error = match is_at {
            Some(revision) => format!("the registration in the store is that of revision {revision}"),
            None => "there is no registration of this id in the store".to_owned(),
        };
        Self::new(StatusCode::PRECONDITION_FAILED, ErrCode::Unknown, error)
    }

    #[cfg(feature = "postgres")]
    pub(super) fn store(error: &crate::store::StoreError) -> Self {
        use crate::store::StoreError;

        let (status, code) = match error {
            // Another may; this replica never, so that it is not to be asked again.
            StoreError::NotAllowed(_) | StoreError::Others(_) => (StatusCode::FORBIDDEN, ErrCode::Forbidden),
            _ => (StatusCode::SERVICE_UNAVAILABLE, ErrCode::Unknown),
        };
        Self::new(status, code, error.to_string())
    }

    pub(super) fn not_compared() -> Self {
        Self::unavailable("the first comparison of registrations is not done; it follows the first load")
    }

    pub(super) fn too_many_names() -> Self {
        Self::unavailable(
            "these are too many reserved names to be said in time: `bailiwick export` takes the time it needs",
        )
    }

    pub(super) fn too_much_in_flight() -> Self {
        Self::unavailable("more is on its way already than this server has memory for: ask again, for less at a time")
    }

    pub(super) fn shutting_down() -> Self {
        Self::unavailable("the service is shutting down")
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn body(&self) -> MatrixError<'_> {
        MatrixError { errcode: self.errcode, error: &self.error }
    }
}

impl From<IdError> for ApiError {
    fn from(error: IdError) -> Self {
        Self::invalid_param(error.to_string())
    }
}

impl From<NotDone> for ApiError {
    fn from(NotDone: NotDone) -> Self {
        Self::shutting_down()
    }
}

impl From<ApiError> for HttpResponse {
    fn from(error: ApiError) -> Self {
        render::json(error.status(), render::to_bytes(&error.body()))
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.errcode, self.error)
    }
}

impl actix_web::ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.clone().into()
    }
}
