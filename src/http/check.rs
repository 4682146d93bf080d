use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::body::{self, Body};
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::render::{self, Answer};
use super::{ApiError, AppState, Role};
use crate::analysis::{Analysis, Asked, Deadline, Finding};
use crate::registration::{self, Fault, FaultCode, Registration};
use crate::reload::Found;
use crate::snapshot::Snapshot;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/check", tag: Tag::Questions, role: Some(Role::Read), operations: operations![post] };

/// A registration is not larger than this, in bytes; only a check reads what a stranger sends.
const MAX_REGISTRATION: usize = 256 << 10;
/// What is not compared after this time is reported as undecided.
const CHECK_DEADLINE: Duration = Duration::from_secs(5);
/// So many checks run at once; more have to wait.
pub(super) const MAX_AT_ONCE: usize = 2;

/// What would happen.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Checked {
    /// Whether Synapse would load it beside the others.
    accepted: bool,
    /// Why not.
    errors: Vec<Fault>,
    /// What it would do to the others, and they to it.
    #[schema(value_type = Vec<Finding>)]
    findings: Vec<Arc<Finding>>,
}

#[utoipa::path(
    post,
    path = ENDPOINT.path,
    operation_id = "check",
    summary = "What would happen if a registration were added, or replaced the one with its id",
    description = "The answer holds no token. The registration is not kept.",
    request_body(
        content = String,
        content_type = "application/yaml",
        description = "The registration, as YAML or JSON, of at most 256 KiB.",
    ),
    responses(
        (status = 200, description = "What would happen.", body = Answer<'static, Checked>),
        (status = 400, description = "There is no body.", body = MatrixError<'static>),
        (status = 413, description = "Too large a registration.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn post(state: web::Data<AppState>, body: Body) -> Result<HttpResponse, ApiError> {
    let bytes = body::read(&body)?.clone();
    if bytes.is_empty() {
        return Err(ApiError::missing_param("the body is the registration, as YAML or JSON"));
    }
    if bytes.len() > MAX_REGISTRATION {
        return Err(ApiError::too_large("a registration of more than 256 KiB is not checked"));
    }
    let snapshot: Arc<Snapshot> = Arc::clone(&*state.snapshot()?);
    // The permit goes with the work, which ends soon when nobody waits for it any more.
    let permit = Arc::clone(&state.checks).acquire_owned().await.map_err(|_| ApiError::shutting_down())?;
    let worker = state.clone();
    let deadline = Deadline::after(CHECK_DEADLINE);
    // Dropped with the future, when the client has gone.
    let _waiter = deadline.waiter();
    let answer = web::block(move || {
        let _permit = permit;
        worker.comparer.ask(|asked| {
            let checked = check(&worker, asked, &snapshot, &bytes, &deadline);
            render::to_bytes(&Answer::of(&snapshot, checked))
        })
    });
    let answer = answer.await.map_err(|_| ApiError::shutting_down())?;
    Ok(render::json(StatusCode::OK, answer))
}

fn check(state: &AppState, asked: &Asked, snapshot: &Snapshot, bytes: &[u8], deadline: &Deadline) -> Checked {
    let refused = |errors| Checked { accepted: false, errors, findings: Vec::new() };
    let new = match registration::load(&"(the checked registration)".into(), bytes, &state.hasher) {
        Ok(registration) => Arc::new(registration),
        Err(faults) => return refused(faults),
    };
    let services = snapshot.services();
    let mut registrations = services.registrations().to_vec();
    let faults = collisions(&new, &registrations);
    if !faults.is_empty() {
        return refused(faults);
    }
    match registrations.iter_mut().find(|known| known.id == new.id) {
        Some(known) => *known = Arc::clone(&new),
        None => registrations.push(Arc::clone(&new)),
    }
    let nothing = Analysis::default();
    let latest = state.analyst.latest();
    let previous = latest.as_deref().map_or(&nothing, |found: &Found| &found.analysis);
    let analysis = asked.analyse(&services.updated(registrations), previous, deadline);
    let concerns = |finding: &Arc<Finding>| finding.places.iter().any(|place| *place.as_id == *new.id);
    Checked { accepted: true, errors: Vec::new(), findings: analysis.findings.into_iter().filter(concerns).collect() }
}

/// Why the others would not let it load.
fn collisions(new: &Registration, others: &[Arc<Registration>]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let slashed = |prefix: &str| format!("{prefix}/");
    for other in others.iter().filter(|other| other.id != new.id) {
        if other.as_token == new.as_token {
            let message = format!(
                "it has the same `as_token` as `{}` in {}; Synapse would refuse to start; generate another token",
                other.id, other.file
            );
            faults.push(Fault::of_file(FaultCode::DuplicateToken, message));
        }
        if let (Some(a), Some(b)) = (new.proxy_prefix.as_deref(), other.proxy_prefix.as_deref()) {
            let (a, b) = (slashed(a), slashed(b));
            if a.starts_with(&b) || b.starts_with(&a) {
                let message = format!(
                    "its `io.element.msc4512.proxy_prefix` overlaps that of `{}` in {}; Synapse would refuse to start",
                    other.id, other.file
                );
                faults.push(Fault::of_file(FaultCode::OverlappingProxyPrefix, message));
            }
        }
    }
    faults
}
