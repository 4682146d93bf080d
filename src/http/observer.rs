use std::future::Future;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION,
    CONTENT_LENGTH, HeaderMap, HeaderValue, ORIGIN, TRANSFER_ENCODING, UPGRADE, VARY,
};
use actix_web::http::{ConnectionType, Method, Version};
use actix_web::{HttpMessage, HttpResponse, web};

use super::caller::Who;
use super::decision_record::DECISION_ID;
use super::doors::Sender;
use super::error::ApiError;
use super::exchange::{Exchange, InFlight, InUse};
use super::memory::{Held, STREAMED};
use super::query;
use super::requests::RouteMetrics;
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
        mut request: ServiceRequest,
        service: &S,
    ) -> impl Future<Output = Result<ServiceResponse<InUse>, actix_web::Error>> + use<S>
    where
        S: Service<ServiceRequest, Response = ServiceResponse, Error = actix_web::Error>,
    {
        let began = Instant::now();
        let mut in_flight = request.request().conn_data::<Rc<Exchange>>().map(Exchange::asked);
        let method = request.method().clone();
        let sender = self.state.doors.sender(request.headers());
        let admitted = self.admitted(&sender, &request, began);
        if let Some(in_flight) = &mut in_flight {
            self.expect_body(in_flight, &mut request, admitted.is_ok());
        }
        // Whoever was not let in is nobody yet.
        let caller = admitted.as_ref().ok().map(|(caller, _)| *caller);
        let answered = match admitted {
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
            // Where the rest of a body that is not read ends is not known: nothing can follow.
            let is_last = in_flight.as_ref().is_some_and(InFlight::is_unread);
            say_whether_it_is_the_last(is_last, &mut response);
            let (status, took) = (response.status().as_u16(), began.elapsed());
            self.metrics.answered(&method, status, took);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            // Nobody has a role where nobody is asked for a token.
            let role = caller.filter(|caller| caller.who != Who::Anybody).map(|caller| caller.role.as_str());
            let caller = caller.map(tracing::field::display);
            tracing::debug!(route = self.metrics.route(), %method, status, micros, role, caller, "request");
            Ok(response.map_body(|_, content| InUse::new(content, in_flight, [body, answer])))
        }
    }

    /// Who asks, unless the request is not even looked at.
    fn admitted(
        &self,
        sender: &Sender,
        request: &ServiceRequest,
        began: Instant,
    ) -> Result<(Caller, Option<Held>), Instead> {
        let headers = request.headers();
        // Without an address it comes through the Unix socket, which no web page gets to.
        let listener = request.request().conn_data::<Rc<Exchange>>().and_then(|exchange| exchange.listener());
        let listener = listener.unwrap_or(Ipv4Addr::LOCALHOST.into());
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
            (Some(access), Some(needed)) => {
                let (role, who) = access.check(needed, authorization)?;
                Caller { role, who, route: self.metrics.route(), began }
            }
            _ => Caller::anybody(self.metrics.route(), began),
        };
        if self.role.is_some()
            && let Some(least) = query::min_revision(request.query_string())?
        {
            self.state.has_come_to(least)?;
        }
        let most = self.state.limits.body_bytes;
        let body = if self.reads_body(request.method()) { body_bytes(headers, most) } else { 0 };
        Ok((caller, self.state.bodies.take(body, || Client::of(&self.state, request.request()))?))
    }

    /// Nobody reads what comes with a method that only reads, or to where anybody may ask.
    fn reads_body(&self, method: &Method) -> bool {
        !is_read(method) && self.role.is_some()
    }

    /// Has as much of a body come as is read: what is too large is refused without.
    fn expect_body(&self, in_flight: &mut InFlight, request: &mut ServiceRequest, admitted: bool) {
        let payload = request.take_payload();
        let no_end = has_no_end(request.headers()) || request.method() == Method::CONNECT;
        let length = if no_end { None } else { length(request.headers()) };
        let fits = length.is_none_or(|length| length <= self.state.limits.body_bytes as u64);
        let awaited = admitted && fits && self.reads_body(request.method());
        request.set_payload(in_flight.expects(payload, length, awaited));
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
            if headers.contains_key(DECISION_ID) {
                // Pages see no other headers than those that every answer may have.
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from(DECISION_ID));
            }
        }
    }
}

/// Tells the client that nothing follows on the connection, where the library would not or would say it in words that the
/// client does not know.
fn say_whether_it_is_the_last(mut is_last: bool, response: &mut ServiceResponse) {
    // It closes the connection, and would only say that nothing has come of the wish.
    is_last |= response.request().head().upgrade();
    if response.request().version() < Version::HTTP_11 && response.response().body().size() == BodySize::Stream {
        // HTTP/1.0 knows no chunks: an answer whose length is not known ends with the connection.
        response.response_mut().head_mut().no_chunking(true);
        is_last = true;
    }
    if is_last {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
}

/// The memory that a body may take: what it says, and if it does not say, as much as is taken. What is too large is refused
/// when it is read.
fn body_bytes(headers: &HeaderMap, most: usize) -> usize {
    if has_no_end(headers) {
        return most;
    }
    let length = length(headers).and_then(|length| usize::try_from(length).ok());
    length.filter(|length| *length <= most).unwrap_or(0)
}

/// Whether the head does not say where the body ends. One that comes with the wish to speak `WebSocket` goes on to the end of
/// the connection, whatever length is said.
fn has_no_end(headers: &HeaderMap) -> bool {
    let is_websocket = |other: &HeaderValue| other.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket");
    headers.contains_key(TRANSFER_ENCODING) || headers.get_all(UPGRADE).any(is_websocket)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Whether a method only reads.
fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}
