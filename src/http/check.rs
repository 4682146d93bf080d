use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::body::{self, Body};
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::render::{self, Answer};
use super::stalled;
use super::turns::Client;
use super::{ApiError, AppState, Role};
use crate::analysis::{Analysis, Asked, Deadline, Finding};
use crate::registration::{self, Fault};
use crate::reload::Found;
use crate::snapshot::{ContentHash, Good, Obstacle, Snapshot};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/check", tag: Tag::Questions, role: Some(Role::Read), operations: operations![post] };

/// A registration is not larger than this, in bytes: eighty times the largest of 75 real ones (3.2 kB). Only a check reads what
/// a stranger sends, and to read and judge what fits takes a second at most, whatever it is (`examples/load_run`).
const MAX_REGISTRATION: usize = 256 << 10;
/// What the registration is called in messages: it has no file.
const NAME: &str = "(the checked registration)";
/// What is not compared after this time is reported as undecided.
const CHECK_DEADLINE: Duration = Duration::from_secs(5);
/// How often it is looked at whether the client is still there.
const LOOK: Duration = Duration::from_millis(200);

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
        content((serde_json::Value = "application/json"), (String = "application/yaml")),
        description = "The registration, as YAML or JSON, of at most 256 KiB.",
    ),
    responses(
        (status = 200, description = "What would happen.", body = Answer<'static, Checked>),
        (status = 400, description = "There is no body.", body = MatrixError<'static>),
        (status = 413, description = "Too large a registration.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn post(state: web::Data<AppState>, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    let bytes = body::read(&body)?.clone();
    if bytes.is_empty() {
        return Err(ApiError::missing_param("the body is the registration, as YAML or JSON"));
    }
    if bytes.len() > MAX_REGISTRATION {
        return Err(ApiError::too_large("a registration of more than 256 KiB is not checked"));
    }
    let snapshot: Arc<Snapshot> = Arc::clone(&*state.snapshot()?);
    let client = Client::of(&state, &request);
    tokio::select! {
        answer = answer(state, client, snapshot, bytes) => answer,
        // Nobody reads this.
        () = stalled::left(&request, LOOK) => Err(ApiError::closed_early()),
    }
}

async fn answer(
    state: web::Data<AppState>,
    client: Client,
    snapshot: Arc<Snapshot>,
    bytes: Bytes,
) -> Result<HttpResponse, ApiError> {
    // The turn goes with the work, which ends soon when nobody waits for it any more.
    let turn = state.checks.take(client).await?;
    let worker = state.clone();
    let deadline = Deadline::after(CHECK_DEADLINE);
    // Dropped with the future, when the client has gone.
    let _waiter = deadline.waiter();
    let answer = web::block(move || {
        let _turn = turn;
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
    let new = match registration::load_for(snapshot.services().homeserver(), &NAME.into(), bytes, &state.hasher) {
        Ok(registration) => Arc::new(registration),
        Err(faults) => return refused(faults),
    };
    let good = Good::new(Arc::clone(&new), ContentHash::of(bytes));
    let set = match snapshot.try_admission(&good) {
        Ok(set) => set,
        Err(obstacles) => {
            let dialect = snapshot.services().homeserver().dialect;
            let fault = |Obstacle { what, holder }: &Obstacle| what.fault(NAME, &new.id, &holder.file, dialect);
            return refused(obstacles.iter().map(fault).collect());
        }
    };
    let nothing = Analysis::default();
    let latest = state.analyst.latest();
    let previous = latest.as_deref().map_or(&nothing, |found: &Found| &found.analysis);
    let findings = asked.newcomer(snapshot.services(), previous, &new, &set, deadline);
    Checked { accepted: true, errors: Vec::new(), findings }
}
