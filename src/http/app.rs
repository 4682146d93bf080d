use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, AUTHORIZATION, HeaderValue};
use actix_web::{HttpResponse, Resource, Route as ActixRoute, web};
use arc_swap::Guard;
use tokio::sync::Semaphore;

use super::Access;
use super::error::ApiError;
use super::patience::Connection;
use super::requests::{HttpMetrics, Method, Route};
use super::{
    check, conflicts, health, may_create_alias, may_register, metrics, openapi, owners, registrations, reload, status,
};
use crate::analysis::Comparer;
use crate::registration::TokenHasher;
use crate::reload::{Analyst, Reloader};
use crate::snapshot::{Live, Snapshot};
use crate::telemetry::Metrics;

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// The most IDs in one request.
    pub ids: usize,
    /// How long a request may take, its body included.
    pub request: Duration,
}

impl Default for Limits {
    /// 10,000 IDs, and a body that holds as many of 255 bytes each with room to spare.
    fn default() -> Self {
        Self { body_bytes: 4 << 20, ids: 10_000, request: Duration::from_secs(30) }
    }
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All there is.
    Everything,
    /// What homeserver workers and front ends ask.
    Questions,
    /// What operators, probes and Prometheus ask.
    Admin,
}

/// What every handler works with.
#[derive(Debug)]
pub struct AppState {
    live: Arc<Live>,
    pub(super) reloader: Reloader,
    pub(super) analyst: Arc<Analyst>,
    pub(super) comparer: Arc<Comparer>,
    /// How many checks may begin.
    pub(super) checks: Arc<Semaphore>,
    pub(super) metrics: HttpMetrics,
    /// All metrics, to be shown.
    pub(super) registry: Metrics,
    /// The hasher that the registrations' tokens were digested with.
    pub(super) hasher: TokenHasher,
    pub(super) limits: Limits,
    /// Who may ask; anybody without it.
    access: Option<Arc<Access>>,
}

impl AppState {
    /// Takes what a reloader keeps up to date.
    #[must_use]
    pub fn new(
        reloader: Reloader,
        analyst: Arc<Analyst>,
        comparer: Arc<Comparer>,
        registry: Metrics,
        hasher: TokenHasher,
        limits: Limits,
    ) -> Self {
        let checks = Arc::new(Semaphore::new(check::MAX_AT_ONCE));
        let metrics = HttpMetrics::register(&registry);
        let live = reloader.live();
        Self { live, reloader, analyst, comparer, checks, metrics, registry, hasher, limits, access: None }
    }

    /// Lets only those ask who bear a token.
    #[must_use]
    pub fn guarded_by(mut self, access: Option<Arc<Access>>) -> Self {
        self.access = access;
        self
    }

    /// The snapshot in force, to be taken once a request; an error before the first load, when nobody's names are
    /// known.
    pub(super) fn snapshot(&self) -> Result<Guard<Arc<Snapshot>>, ApiError> {
        let snapshot = self.live.load();
        if snapshot.is_ready() { Ok(snapshot) } else { Err(ApiError::not_ready()) }
    }

    /// The snapshot in force, ready or not.
    pub(super) fn snapshot_ready_or_not(&self) -> Guard<Arc<Snapshot>> {
        self.live.load()
    }
}

/// Adds the routes of a part to an application.
pub fn configure(state: &web::Data<AppState>, config: &mut web::ServiceConfig, part: Part) {
    config.app_data(state.clone()).app_data(web::PayloadConfig::new(state.limits.body_bytes));
    if part != Part::Admin {
        configure_questions(state, config);
    }
    if part != Part::Questions {
        configure_admin(state, config);
    }
    config
        .service(serve(state, Route::OpenApi, [web::get().to(openapi::get)], "GET"))
        // Whatever path nobody serves.
        .service(counted(state, Route::Unknown, web::resource("{path:.*}").to(unknown_path)));
}

fn configure_questions(state: &web::Data<AppState>, config: &mut web::ServiceConfig) {
    let may_register = [web::get().to(may_register::get), web::post().to(may_register::post)];
    config
        .service(serve(state, Route::Owners, [web::get().to(owners::get), web::post().to(owners::post)], "GET, POST"))
        .service(serve(state, Route::MayRegister, may_register, "GET, POST"))
        .service(serve(state, Route::MayCreateAlias, [web::post().to(may_create_alias::post)], "POST"))
        .service(serve(state, Route::Registrations, [web::get().to(registrations::get)], "GET"))
        .service(serve(state, Route::Conflicts, [web::get().to(conflicts::get)], "GET"))
        .service(serve(state, Route::Check, [web::post().to(check::post)], "POST"))
        .service(serve(state, Route::Status, [web::get().to(status::get)], "GET"));
}

fn configure_admin(state: &web::Data<AppState>, config: &mut web::ServiceConfig) {
    config
        .service(serve(state, Route::Healthz, [web::get().to(health::healthz)], "GET"))
        .service(serve(state, Route::Readyz, [web::get().to(health::readyz)], "GET"))
        .service(serve(state, Route::Reload, [web::post().to(reload::post)], "POST"))
        .service(serve(state, Route::Metrics, [web::get().to(metrics::get)], "GET"));
}

async fn unknown_path() -> HttpResponse {
    ApiError::unknown_path().into()
}

/// A resource with its methods; any other method is answered with 405 and the methods that are allowed.
fn serve<const N: usize>(
    state: &web::Data<AppState>,
    route: Route,
    methods: [ActixRoute; N],
    allow: &'static str,
) -> impl actix_web::dev::HttpServiceFactory + 'static {
    let mut resource = web::resource(route.as_str());
    for method in methods {
        resource = resource.route(method);
    }
    let resource = resource.default_service(web::to(move || async move {
        let mut response = HttpResponse::from(ApiError::wrong_method(allow));
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        response
    }));
    counted(state, route, resource)
}

/// Counts and times every answer of a resource, after looking at who asks.
fn counted(
    state: &web::Data<AppState>,
    route: Route,
    resource: Resource,
) -> impl actix_web::dev::HttpServiceFactory + 'static {
    let state = state.clone();
    resource.wrap_fn(move |request, service| observe(state.clone(), route, request, service))
}

fn observe<S>(
    state: web::Data<AppState>,
    route: Route,
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse, actix_web::Error>> + use<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = actix_web::Error>,
{
    let began = Instant::now();
    let in_flight = request.request().conn_data::<Arc<Connection>>().map(|connection| Arc::clone(connection).asked());
    let method = Method::of(request.method().as_str());
    let answered = match refused(&state, route, &request) {
        Some(error) => Err(request.into_response(HttpResponse::from(error))),
        None => {
            // Only a body can be waited for.
            let awaited = (method == Method::Post).then(|| request.request().clone());
            Ok((awaited, service.call(request)))
        }
    };
    async move {
        let _in_flight = in_flight;
        let response = match answered {
            Err(refused) => refused,
            Ok((None, answer)) => answer.await?,
            Ok((Some(request), answer)) => match tokio::time::timeout(state.limits.request, answer).await {
                Ok(response) => response?,
                Err(_) => ServiceResponse::new(request, HttpResponse::from(ApiError::too_slow())),
            },
        };
        let (status, took) = (response.status().as_u16(), began.elapsed());
        state.metrics.request(route, method, status, took);
        tracing::debug!(route = route.as_str(), ?method, status, micros = took.as_micros(), "request");
        Ok(response)
    }
}

/// Why a request is not even looked at.
fn refused(state: &AppState, route: Route, request: &ServiceRequest) -> Option<ApiError> {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    state.access.as_ref()?.check(route, authorization).err()
}
