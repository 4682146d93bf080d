use std::sync::Arc;

use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse, fn_service};
use actix_web::guard::{Any, Get, Head, fn_guard};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{Error, HttpResponse, Resource, Route, web};

use super::endpoint::Endpoint;
use super::error::ApiError;
use super::observer::Observer;
use super::query;
use super::{AppState, ENDPOINTS, Part, Role};

/// Adds the routes of a part to an application.
pub fn configure(state: &web::Data<AppState>, config: &mut web::ServiceConfig, part: Part) {
    config.app_data(state.clone()).app_data(web::PayloadConfig::new(state.limits.body_bytes));
    for endpoint in ENDPOINTS.iter().filter(|endpoint| part.serves(endpoint.tag)) {
        config.service(serve(state, endpoint));
    }
    // Whatever nobody serves: any other path, and what has none, as `OPTIONS *` and `CONNECT host:port`.
    let observer = Arc::new(Observer::new(state.clone(), "unknown", None, "".into()));
    config.default_service(fn_service(move |request| {
        let answer = Arc::clone(&observer).observe(request, &fn_service(unknown_path));
        async move { answer.await.map(ServiceResponse::map_into_boxed_body) }
    }));
}

async fn unknown_path(request: ServiceRequest) -> Result<ServiceResponse, Error> {
    Ok(request.into_response(HttpResponse::from(ApiError::unknown_path())))
}

/// A resource with its methods; any other method is answered with 405 and the methods that are allowed.
fn serve(state: &web::Data<AppState>, endpoint: &Endpoint) -> impl HttpServiceFactory + use<> {
    let mut resource = web::resource(endpoint.path);
    for (operation, method) in endpoint.operations.iter().zip(endpoint.methods()) {
        let route = (operation.handled)();
        if endpoint.refuses_parameters() && !operation.reads_parameters() {
            resource = resource.route(parameters_refused(method.clone()));
        }
        // To HEAD the server answers as to GET, and leaves out the body.
        let route = if method == Method::GET { route.guard(Any(Get()).or(Head())) } else { route.method(method) };
        resource = resource.route(route);
    }
    let allow: Arc<str> = endpoint.allow().into();
    let told = Arc::clone(&allow);
    let resource = resource.default_service(web::to(move || {
        let allow = Arc::clone(&told);
        async move { wrong_method(&allow) }
    }));
    observed(state, endpoint.path, endpoint.role, allow, resource)
}

/// Answers whoever gives parameters where none are read.
fn parameters_refused(method: Method) -> Route {
    let has_any = fn_guard(|asked| asked.head().uri.query().is_some_and(query::asks_something));
    let route =
        web::to(|| async { HttpResponse::from(ApiError::invalid_param("this method reads no parameters here")) });
    let route = route.guard(has_any);
    if method == Method::GET { route.guard(Any(Get()).or(Head())) } else { route.method(method) }
}

fn wrong_method(allow: &str) -> HttpResponse {
    let mut response = HttpResponse::from(ApiError::wrong_method(allow));
    if let Ok(allow) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// Looks at every request of a resource before it is answered, and at every answer.
fn observed(
    state: &web::Data<AppState>,
    route: &'static str,
    role: Option<Role>,
    allow: Arc<str>,
    resource: Resource,
) -> impl HttpServiceFactory + use<> {
    let observer = Arc::new(Observer::new(state.clone(), route, role, allow));
    resource.wrap_fn(move |request, service| Arc::clone(&observer).observe(request, service))
}
