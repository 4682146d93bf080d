use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, ORIGIN, TRANSFER_ENCODING,
    UPGRADE, VARY,
};
use actix_web::{HttpMessage, HttpResponse, web};

use super::doors::Sender;
use super::error::ApiError;
use super::memory::{Held, STREAMED};
use super::requests::RouteMetrics;
use super::stalled::{Connection, InUse};
use super::turns::Client;
use super::{AppState, Caller, Role};

/// Seconds for which a browser need not ask again whether it may ask: an origin is seldom taken off the list.
const PREFLIGHT_MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// What is done for every request of a resource, whatever it asks: it is refused if a web page or a caller may not ask it,
/// counted, timed, and told to its connection.
pub(super) struct Observer {
    state: web::Data<AppState>,
    role: Option<Role>,
    /// The methods, as `Allow` names them.
    allow: Arc<str>,
    metrics: RouteMetrics,
}

/// What is answered in the place of a handler's answer.
enum Instead {
    Refusal(ApiError),
    Preflight,
}

impl From<ApiError> for Instead {
    fn from(error: ApiError) -> Self {
        Self::Refusal(error)
    }
}

impl Observer {
    pub(super) fn new(state: web::Data<AppState>, route: &'static str, role: Option<Role>, allow: Arc<str>) -> Self {
        let metrics = state.metrics.route(route);
        Self { state, role, allow, metrics }
    }

    pub(super) fn observe<S>(
        self: Arc<Self>,
        request: ServiceRequest,
        service: &S,
    ) -> impl Future<Output = Result<ServiceResponse<InUse>, actix_web::Error>> + use<S>
    where
        S: Service<ServiceRequest, Response = ServiceResponse, Error = actix_web::Error>,
    {
        let began = Instant::now();
        let in_flight = request.request().conn_data::<Arc<Connection>>().map(|known| Arc::clone(known).asked());
        let method = request.method().clone();
        let sender = self.state.doors.sender(request.headers());
        let answered = match self.admitted(&sender, &request) {
            Err(Instead::Refusal(error)) => Err(request.into_response(HttpResponse::from(error))),
            Err(Instead::Preflight) => Err(request.into_response(self.preflight())),
            Ok((caller, held)) => {
                request.extensions_mut().insert(caller);
                // Only a body can be waited for.
                let awaited = (!is_read(&method)).then(|| request.request().clone());
                Ok((awaited, service.call(request), held))
            }
        };
        async move {
            let (response, body) = match answered {
                Err(instead) => (instead, None),
                Ok((None, answer, body)) => (answer.await?, body),
                Ok((Some(request), answer, body)) => {
                    match tokio::time::timeout(self.state.limits.request, answer).await {
                        Ok(response) => (response?, body),
                        Err(_) => (ServiceResponse::new(request, HttpResponse::from(ApiError::too_slow())), None),
                    }
                }
            };
            let (mut response, answer) = self.with_memory(response);
            self.tell_browsers(sender, response.headers_mut());
            let (status, took) = (response.status().as_u16(), began.elapsed());
            self.metrics.answered(&method, status, took);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            tracing::debug!(route = self.metrics.route(), %method, status, micros, "request");
            Ok(response.map_body(|_, content| InUse::new(content, in_flight, [body, answer])))
        }
    }

    /// Who asks, unless the request is not even looked at.
    fn admitted(&self, sender: &Sender, request: &ServiceRequest) -> Result<(Caller, Option<Held>), Instead> {
        let headers = request.headers();
        // Without an address it comes through the Unix socket.
        let listener = request.app_config().local_addr().ip();
        if request.peer_addr().is_some() && !self.state.doors.knows_host(listener, headers) {
            return Err(ApiError::foreign_host().into());
        }
        if request.method() == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            let listed = matches!(sender, Sender::Listed(_));
            return Err(if listed { Instead::Preflight } else { ApiError::foreign_page().into() });
        }
        if !is_read(request.method()) {
            sender.may_send(self.role, headers)?;
        }
        let authorization = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let caller = match (&self.state.access, self.role) {
            (Some(access), Some(needed)) => access.check(needed, authorization)?,
            _ => Caller::ANYBODY,
        };
        // Nobody reads what comes with a method that only reads, or to where anybody may ask.
        let has_body = !is_read(request.method()) && self.role.is_some();
        let body = if has_body { body_bytes(headers, self.state.limits.body_bytes) } else { 0 };
        Ok((caller, self.state.bodies.take(body, || Client::of(&self.state, request.request()))?))
    }

    /// The answer to a browser that asks whether a page may ask, and it may.
    fn preflight(&self) -> HttpResponse {
        let allowed = HeaderValue::from_str(&self.allow).unwrap_or(HeaderValue::from_static("GET"));
        HttpResponse::Ok()
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, allowed))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"))
            .insert_header((ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE))
            .finish()
    }

    /// Takes memory for an answer, which is refused if there is none.
    fn with_memory(&self, response: ServiceResponse) -> (ServiceResponse, Option<Held>) {
        let bytes = match response.response().body().size() {
            BodySize::None => 0,
            BodySize::Sized(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
            BodySize::Stream => STREAMED,
        };
        let request = response.request();
        let taken = match self.role {
            Some(_) => self.state.answers.take(bytes, || Client::of(&self.state, request)),
            None => self.state.answers_to_anybody.take(bytes, || Client::from(request)),
        };
        match taken {
            Ok(held) => (response, held),
            Err(error) => (response.into_response(HttpResponse::from(error)), None),
        }
    }

    /// Says whose page may read an answer.
    fn tell_browsers(&self, sender: Sender, headers: &mut HeaderMap) {
        if self.state.doors.depends_on_origin() {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Sender::Listed(origin) = sender {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
    }
}

/// The memory that a body may take: what it says, and if it does not say, as much as is taken. What is too large is refused
/// when it is read. A body that comes with the wish to speak `WebSocket` goes on to the end of the connection, whatever
/// length is said.
fn body_bytes(headers: &HeaderMap, most: usize) -> usize {
    let has_no_end =
        headers.get_all(UPGRADE).any(|other| other.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket"));
    if headers.contains_key(TRANSFER_ENCODING) || has_no_end {
        return most;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    length.filter(|length| *length <= most).unwrap_or(0)
}

/// Whether a method only reads.
fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}
