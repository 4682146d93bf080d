use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use actix_web::dev::{HttpServiceFactory, Service, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, AUTHORIZATION, HeaderValue};
use actix_web::{HttpMessage, HttpResponse, Resource, web};

use super::endpoint::Endpoint;
use super::error::ApiError;
use super::requests::RouteMetrics;
use super::stalled::{Connection, InUse};
use super::{AppState, Caller, ENDPOINTS, Part, Role};

/// Adds the routes of a part to an application.
pub fn configure(state: &web::Data<AppState>, config: &mut web::ServiceConfig, part: Part) {
    config.app_data(state.clone()).app_data(web::PayloadConfig::new(state.limits.body_bytes));
    for endpoint in ENDPOINTS.iter().filter(|endpoint| part.serves(endpoint.tag)) {
        config.service(serve(state, endpoint));
    }
    // Whatever path nobody serves.
    config.service(observed(state, "unknown", None, web::resource("{path:.*}").to(unknown_path)));
}

async fn unknown_path() -> HttpResponse {
    ApiError::unknown_path().into()
}

/// A resource with its methods; any other method is answered with 405 and the methods that are allowed.
fn serve(state: &web::Data<AppState>, endpoint: &Endpoint) -> impl HttpServiceFactory + use<> {
    let methods = endpoint.methods();
    let mut resource = web::resource(endpoint.path);
    for (operation, method) in endpoint.operations.iter().zip(&methods) {
        resource = resource.route((operation.handled)().method(method.clone()));
    }
    let allow: Arc<str> = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ").into();
    let resource = resource.default_service(web::to(move || {
        let allow = Arc::clone(&allow);
        async move { wrong_method(&allow) }
    }));
    observed(state, endpoint.path, endpoint.role, resource)
}

fn wrong_method(allow: &str) -> HttpResponse {
    let mut response = HttpResponse::from(ApiError::wrong_method(allow));
    if let Ok(allow) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// What is done for every request of a resource, whatever it asks.
struct Observer {
    state: web::Data<AppState>,
    role: Option<Role>,
    metrics: RouteMetrics,
}

/// Counts and times every answer of a resource, after looking at who asks.
fn observed(
    state: &web::Data<AppState>,
    route: &'static str,
    role: Option<Role>,
    resource: Resource,
) -> impl HttpServiceFactory + use<> {
    let observer = Observer { state: state.clone(), role, metrics: state.metrics.route(route) };
    let observer = Arc::new(observer);
    resource.wrap_fn(move |request, service| Arc::clone(&observer).observe(request, service))
}

impl Observer {
    fn observe<S>(
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
        let answered = match self.caller(&request) {
            Err(error) => Err(request.into_response(HttpResponse::from(error))),
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                // Only a body can be waited for.
                let awaited = (method == Method::POST).then(|| request.request().clone());
                Ok((awaited, service.call(request)))
            }
        };
        async move {
            let response = match answered {
                Err(refused) => refused,
                Ok((None, answer)) => answer.await?,
                Ok((Some(request), answer)) => match tokio::time::timeout(self.state.limits.request, answer).await {
                    Ok(response) => response?,
                    Err(_) => ServiceResponse::new(request, HttpResponse::from(ApiError::too_slow())),
                },
            };
            let (status, took) = (response.status().as_u16(), began.elapsed());
            self.metrics.answered(&method, status, took);
            tracing::debug!(route = self.metrics.route(), %method, status, micros = took.as_micros(), "request");
            Ok(response.map_body(|_, body| InUse::new(body, in_flight)))
        }
    }

    /// Who asks, or why the request is not even looked at.
    fn caller(&self, request: &ServiceRequest) -> Result<Caller, ApiError> {
        let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        match (&self.state.access, self.role) {
            (Some(access), Some(needed)) => access.check(needed, authorization),
            _ => Ok(Caller::ANYBODY),
        }
    }
}
