use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, ReqData};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::body::{self, Body};
use super::elsewhere::{self, Loaded, There};
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::query::Query;
use super::render::{self, Answer};
use super::stalled;
use super::turns::Client;
use super::{ApiError, AppState, Caller, Role};
use crate::analysis::{Analysis, Asked, Deadline, Finding, Reading};
use crate::homeserver::{Homeserver, Several};
use crate::registration::{self, Fault, Registration};
use crate::reload::Found;
use crate::snapshot::{Good, Obstacle, Snapshot};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/check", tag: Tag::Questions, role: Some(Role::Read), operations: operations![post] };

/// A registration is not larger than this, in bytes: eighty times the largest of 75 real ones (3.2 kB). Only a check reads what
/// a stranger sends, and to read and judge what fits takes a second at most, whatever it is (`examples/load_run`).
pub(super) const MAX_REGISTRATION: usize = 256 << 10;
/// What the registration is called in messages: it has no file.
const NAME: &str = "(the checked registration)";
/// What is not compared after this time is reported as undecided.
const CHECK_DEADLINE: Duration = Duration::from_secs(5);
/// How often it is looked at whether the client is still there.
const LOOK: Duration = Duration::from_millis(200);

/// What would happen.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Checked {
    /// Whether the homeserver would load it beside the others.
    accepted: bool,
    /// Why not.
    errors: Vec<Fault>,
    /// What it would do to the others, and they to it.
    #[schema(value_type = Vec<Finding>)]
    findings: Vec<Arc<Finding>>,
}

/// What would happen on one homeserver.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CheckedElsewhere)]
struct CheckedThere<'s> {
    #[serde(flatten)]
    there: There<'s>,
    #[serde(flatten)]
    checked: Checked,
}

/// What would happen, and what would on others. Its envelope stands in it, since generators of clients lose what is composed
/// of what is composed.
#[derive(Serialize, utoipa::ToSchema)]
struct CheckAsked<'s> {
    #[serde(flatten)]
    checked: Checked,
    /// What would happen on each homeserver that was named by `homeserver`; left out where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    homeservers: Option<Vec<CheckedThere<'s>>>,
    /// What those do not agree on in this file; left out where none was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Finding>>)]
    portability: Option<Vec<Arc<Finding>>>,
    /// Digest of the loaded set that answered for the homeserver that is served.
    snapshot: &'s str,
    /// False while any file is held, stale or quarantined or a source is missing.
    complete: bool,
}

#[utoipa::path(
    post,
    path = ENDPOINT.path,
    operation_id = "check",
    summary = "What would happen if a registration were added, or replaced the one with its id",
    description = "The answer holds no token. The registration is not kept.",
    params(("homeserver" = Option<String>, Query, description = elsewhere::NAMED)),
    request_body(
        content((serde_json::Value = "application/json"), (String = "application/yaml")),
        description = "The registration, as YAML or JSON, of at most 256 KiB.",
    ),
    responses(
        (status = 200, description = "What would happen.", body = CheckAsked<'static>),
        (status = 400, description = "There is no body, or no such homeserver.", body = MatrixError<'static>),
        (status = 408, description = "The files could not be read in time for so many homeservers.", body = MatrixError<'static>),
        (status = 413, description = "Too large a registration, or too many files for so many homeservers.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn post(
    state: web::Data<AppState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), ["homeserver"])?;
    let several = query.get("homeserver").map(|named| elsewhere::named(named, *caller)).transpose()?;
    let bytes = body::read(&body)?.clone();
    if bytes.is_empty() {
        return Err(ApiError::missing_param("the body is the registration, as YAML or JSON"));
    }
    if bytes.len() > MAX_REGISTRATION {
        return Err(ApiError::too_large("a registration of more than 256 KiB is not checked"));
    }
    if let Some(several) = several {
        let asked = OfCheck::new(bytes, &several);
        return elsewhere::answer(state, request.clone(), several, asked).await;
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
            let new = load(&worker, snapshot.services().homeserver(), &bytes);
            let checked = check(&worker, asked, (&snapshot, true), &new, (1, &deadline));
            render::to_bytes(&Answer::of(&snapshot, checked))
        })
    });
    let answer = answer.await.map_err(|_| ApiError::shutting_down())?;
    Ok(render::json(StatusCode::OK, answer))
}

/// The registration as a homeserver reads it, or why it reads none.
type Read = Result<Registration, Vec<Fault>>;

fn load(state: &AppState, homeserver: &Homeserver, bytes: &[u8]) -> Read {
    registration::load_for(homeserver, &NAME.into(), bytes, &state.hasher)
}

fn reading((homeserver, new): &(Homeserver, Read)) -> Reading<'_> {
    Reading { homeserver, files: vec![(NAME, new.as_ref().map_err(Vec::as_slice))], set: None }
}

/// What would come of it beside what is loaded, or in force; one of so many answers.
fn check(
    state: &AppState,
    asked: &Asked,
    (snapshot, in_force): (&Snapshot, bool),
    new: &Read,
    (answers, deadline): (usize, &Deadline),
) -> Checked {
    let refused = |errors| Checked { accepted: false, errors, findings: Vec::new() };
    let new = match new {
        Ok(registration) => registration,
        Err(faults) => return refused(faults.clone()),
    };
    let good = Good::new(new.clone());
    let set = match snapshot.try_admission(&good) {
        Ok(set) => set,
        Err(obstacles) => {
            let dialect = snapshot.services().homeserver().dialect;
            let fault = |Obstacle { what, holder }: &Obstacle| what.fault(NAME, new.id(), holder.file(), dialect);
            return refused(obstacles.iter().map(fault).collect());
        }
    };
    let nothing = Analysis::default();
    let latest = state.analyst.latest();
    let known = latest.as_deref().filter(|_| in_force).map_or(&nothing, |found: &Found| &found.analysis);
    let findings = asked.newcomer(snapshot.services(), known, (new, &set), answers, deadline);
    Checked { accepted: true, errors: Vec::new(), findings }
}

/// A registration that several homeservers are asked about.
struct OfCheck {
    bytes: Bytes,
    /// How many answers stand in one: each homeserver's, that of the one that is served, and what they do not agree on.
    answers: usize,
    /// What each has read.
    read: Mutex<Vec<(Homeserver, Read)>>,
}

impl OfCheck {
    fn new(bytes: Bytes, several: &Several) -> Self {
        Self { bytes, answers: several.dialects().len() + 2, read: Mutex::default() }
    }
}

impl elsewhere::Asked for OfCheck {
    const TIME: Duration = CHECK_DEADLINE;
    const COMPARES: bool = true;

    fn here(&self, state: &AppState, snapshot: &Snapshot, deadline: &Deadline) -> Result<Vec<u8>, ApiError> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let homeserver = snapshot.services().homeserver();
        let known = read.iter().find(|(other, _)| other.dialect == homeserver.dialect);
        let new = known.map_or_else(|| load(state, homeserver, &self.bytes), |(_, new)| new.clone());
        Ok(state.comparer.ask(|asked| {
            let part = deadline.part(2);
            let checked = check(state, asked, (snapshot, true), &new, (self.answers, &part));
            let readings: Vec<Reading<'_>> = read.iter().map(reading).collect();
            let portability = Some(asked.portability(&readings, self.answers, deadline));
            let (digest, complete) = (snapshot.digest(), snapshot.is_complete());
            render::to_bytes(&CheckAsked { checked, homeservers: None, portability, snapshot: digest, complete })
        }))
    }

    fn there(&self, answer: &mut Vec<u8>, there: There<'_>, loaded: &Loaded<'_>) -> Result<(), ApiError> {
        let Loaded { state, snapshot, in_force, deadline } = loaded;
        let homeserver = snapshot.services().homeserver();
        let new = load(state, homeserver, &self.bytes);
        let checked =
            state.comparer.ask(|asked| check(state, asked, (snapshot, *in_force), &new, (self.answers, deadline)));
        render::append(answer, &CheckedThere { there, checked });
        self.read.lock().unwrap_or_else(PoisonError::into_inner).push((homeserver.clone(), new));
        Ok(())
    }
}
