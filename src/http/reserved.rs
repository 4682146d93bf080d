use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::query::Query;
use super::render::{self, Answer};
use super::turns::Client;
use super::{ApiError, AppState, Role, stalled};
use crate::analysis::{Deadline, Reserved, Told};
use crate::export::{Export, Format, Names};
use crate::snapshot::Snapshot;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/reserved", tag: Tag::Questions, role: Some(Role::Read), operations: operations![get] };

/// So long it may take: less than what a request may (30 seconds by default), so that why is said. For 10,000
/// registrations of a prefix each, 20,000 names, `bailiwick export` takes 5.7 seconds on two cores, load included.
const DEADLINE: Duration = Duration::from_secs(25);
/// How often it is looked at whether the client is still there.
const LOOK: Duration = Duration::from_millis(200);

/// What was found out last, for each sort of names, so that who asks again under the same snapshot waits for nothing.
#[derive(Debug, Default)]
pub(super) struct ReservedNames(Mutex<Vec<Found>>);

#[derive(Debug)]
struct Found {
    generation: u64,
    told: Told,
    reserved: Arc<Reserved>,
}

impl ReservedNames {
    fn get(&self, generation: u64, told: Told) -> Option<Arc<Reserved>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = found.iter().find(|found| found.told == told && found.generation == generation);
        known.map(|found| Arc::clone(&found.reserved))
    }

    fn put(&self, generation: u64, told: Told, reserved: &Arc<Reserved>) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.retain(|found| found.told != told);
        found.push(Found { generation, told, reserved: Arc::clone(reserved) });
    }
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "reserved",
    summary = "Which names services hold exclusively, for software that keeps such a list",
    description = "Each list is proved: a localpart of today's grammar is in it if and only if some service holds that user \
        exclusively. What cannot be said exactly stands in `inexact` and is left out. `format` says it as other programs take \
        it: docs/neighbours.md.",
    params(
        ("format" = inline(Option<Format>), Query, description = "`json` by default; `regex` (text, a regex a line), `mas` (policy \
            data of the Matrix Authentication Service) or `ketesa` (its `asManagedUsers`)."),
    ),
    responses(
        (
            status = 200,
            description = "The names, in the format that was asked for.",
            body = Answer<'static, Names<'static>>,
            headers(("ETag" = String, description = "The snapshot in quotation marks.")),
        ),
        (status = 400, description = "No such format.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done, or there are too many to be said in time.",
            body = MatrixError<'static>),
    ),
)]
async fn get(state: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), ["format"])?;
    let format = match query.get("format") {
        None => Format::default(),
        Some(name) => {
            Format::named(name).ok_or_else(|| ApiError::invalid_param("format is json, regex, mas or ketesa"))?
        }
    };
    let snapshot: Arc<Snapshot> = Arc::clone(&*state.snapshot()?);
    let client = Client::of(&state, &request);
    tokio::select! {
        answer = answer(state, client, snapshot, format) => answer,
        // Nobody reads this.
        () = stalled::left(&request, LOOK) => Err(ApiError::too_slow()),
    }
}

async fn answer(
    state: web::Data<AppState>,
    client: Client,
    snapshot: Arc<Snapshot>,
    format: Format,
) -> Result<HttpResponse, ApiError> {
    let (generation, told) = (snapshot.generation(), format.told());
    let known = state.reserved.get(generation, told);
    // The turn goes with the work, as with a check.
    let turn = match known {
        Some(_) => None,
        None => Some(state.checks.take(client).await?),
    };
    let deadline = Deadline::after(DEADLINE);
    let _waiter = deadline.waiter();
    let worker = web::block(move || {
        let _turn = turn;
        let reserved = known.or_else(|| {
            let found = state.comparer.ask(|asked| Arc::new(asked.reserved(snapshot.services(), told, &deadline)));
            // What was not found out for want of time would look as if it could not be said.
            (!deadline.is_over()).then(|| {
                state.reserved.put(generation, told, &found);
                found
            })
        })?;
        Some(written(&snapshot, &reserved, format))
    });
    let (tag, body) = worker.await.map_err(|_| ApiError::shutting_down())?.ok_or_else(ApiError::too_many_names)?;
    let mut response = render::json(StatusCode::OK, body);
    let headers = response.headers_mut();
    if format == Format::Regex {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}

/// The entity tag, and the names in a format.
fn written(snapshot: &Snapshot, reserved: &Reserved, format: Format) -> (String, Vec<u8>) {
    let export = Export {
        server_name: snapshot.services().server_name().as_str(),
        snapshot: snapshot.digest(),
        complete: snapshot.is_complete(),
        reserved,
    };
    let body = match format {
        Format::Json => render::to_bytes(&Answer::of(snapshot, export.names())),
        Format::Regex | Format::Mas | Format::Ketesa => export.text(format).into_bytes(),
    };
    (format!("\"{}\"", snapshot.digest()), body)
}
