//! What has changed since an answer was given, for whoever keeps answers.
//!
//! ```text
//! client                                          service
//! GET /v1/registrations                     ──▶   snapshot A
//! GET /v1/changes?since=A&wait=30           ──▶   (waits) … B comes into force
//!                                           ◀──   snapshot B, what is touched
//! drops what is touched, or reads again; all that is kept is right under B
//! GET /v1/changes?since=B&wait=30           ──▶   …
//! ```
//!
//! An answer that was on its way when the change came may be kept only under *its* `snapshot`: a client's cache goes by
//! that, and not by time.
//!
//! # What `since` does not say
//!
//! A snapshot's digest says which bytes are in force, and so what is answered about any ID, but for two things: whether the
//! set is complete, and whether a service that was told to refuse while claims are missing does so. The entity tag says
//! these, too, so that a client that sends it back (`If-None-Match`) is told of either at once, whenever it has changed. For
//! one that does not, only while it waits.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::query::Query;
use super::render::{self, Answer};
use super::{ApiError, AppState, Role, waiters};
use crate::index::Beginning;
use crate::matrix::Kind;
use crate::snapshot::{Generation, Since, Snapshot, Touched, What, merged};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/changes", tag: Tag::State, role: Some(Role::Read), operations: operations![get] };

/// Seconds that are waited unless the caller says otherwise: half of what proxies wait for.
const WAIT: u64 = 30;

/// What has changed since a set was in force.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ChangesSince)]
pub(super) struct Changes<'s> {
    /// The `snapshot` that was asked about; null if none was.
    since: Option<&'s str>,
    /// True when it is not known here what has changed (it is too long ago or too much, or that set was never in force
    /// here): nothing that was answered before is to be relied on.
    reset: bool,
    /// The services that differ, in the order in which they did first; empty when nothing has changed, and on a reset.
    changes: Vec<Change<'s>>,
}

/// A service that differs.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ServiceChange)]
pub(super) struct Change<'s> {
    /// The `id` of the service. What was answered to it, asking in its own name, is touched, whatever the ID.
    as_id: &'s str,
    /// What became of it.
    change: What,
    /// Every ID about which answers differ is among these, and others may be.
    touched: TouchedIds<'s>,
}

/// IDs by kind.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TouchedIds<'s> {
    user: Vec<TouchedId<'s>>,
    alias: Vec<TouchedId<'s>>,
    room: Vec<TouchedId<'s>>,
}

/// One ID, or all that begin alike; one of the two is there.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TouchedId<'s> {
    /// What they begin with; `@`, `#` or `!` alone for all of a kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "@telegram_")]
    prefix: Option<&'s str>,
    /// The one ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    id: Option<&'s str>,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "changes",
    summary = "Waits until answers change, and says which",
    description = "Whoever keeps answers asks with the `snapshot` that they are right under, and is answered when another is \
        in force, or nothing has changed for `wait` seconds. A return is no proof of a change. Without `since`, it is \
        answered at once, with a reset. `ETag` is the snapshot in quotation marks, and more while it is not complete: sent \
        back in `If-None-Match`, it is answered at once also when `complete` alone has changed, and with 304 when nothing \
        has.",
    params(
        ("since" = Option<String>, Query, description = "The `snapshot` of the answers that are kept."),
        ("wait" = Option<u32>, Query, description = "Wait for at most so many seconds, 60 at most; 30 by default."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the answer before."),
    ),
    responses(
        (
            status = 200,
            description = "What has changed, or that nothing has.",
            body = Answer<'static, Changes<'static>>,
            headers(("ETag" = String, description = "Which answers are right now.")),
        ),
        (status = 304, description = "Nothing has changed, and `If-None-Match` says so already."),
        (status = 400, description = "Not a question.", body = MatrixError<'static>),
        (status = 429, description = "Too many wait already: ask without waiting.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn get(state: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), ["since", "wait"])?;
    let time = waiters::time(query.get("wait"), WAIT)?;
    let Some(since) = query.get("since") else {
        let snapshot = state.snapshot()?;
        return Ok(answer(&state, &snapshot, Changes { since: None, reset: true, changes: Vec::new() }));
    };
    let begin = Arc::clone(&*state.snapshot()?);
    let asked = Asked { since, known: known_tags(request.headers()), tag: entity_tag(&state, &begin) };
    if !asked.is_news(&state, &begin) {
        let news = async {
            let mut next = begin;
            while !asked.is_news(&state, &next) {
                next = state.live.later_than(next.generation()).await;
            }
        };
        state.waiters.wait_for(&request, time, news).await?;
    }
    // Both as of one moment, which may be later than that of the news.
    let (snapshot, history) = state.live.since(since);
    let is_news = asked.is_news(&state, &snapshot);
    if !is_news && asked.known.is_some() {
        return Ok(HttpResponse::build(StatusCode::NOT_MODIFIED).insert_header((ETAG, asked.tag)).finish());
    }
    let touched = if is_news { asked.touched(&state, &snapshot, &history) } else { Some(Vec::new()) };
    let changes = touched.iter().flatten().map(Change::of).collect();
    Ok(answer(&state, &snapshot, Changes { since: Some(since), reset: touched.is_none(), changes }))
}

/// What a client says of the answers that it keeps, and what there was to say when it did.
struct Asked<'q> {
    since: &'q str,
    /// The tags that it knows, if it sends any.
    known: Option<Vec<String>>,
    /// The tag when the question came.
    tag: String,
}

impl Asked<'_> {
    /// Whether there is something to be told of a snapshot.
    fn is_news(&self, state: &AppState, snapshot: &Snapshot) -> bool {
        let now = entity_tag(state, snapshot);
        let is_unknown = self.known.as_ref().is_some_and(|known| !known.contains(&now));
        **snapshot.digest() != *self.since || now != self.tag || is_unknown
    }

    /// What differs; `None` when that is not known, or cannot be told by what IDs begin with.
    fn touched(&self, state: &AppState, snapshot: &Snapshot, history: &Since) -> Option<Vec<Touched>> {
        let Since::Known { then, after } = history else { return None };
        // Between what was refused for want of claims and what was not, everything differs.
        let refuses = |generation: &Arc<Generation>| state.refuses(generation.lacks_claims);
        let was_refused = self.known.iter().flatten().any(|tag| tag.ends_with(REFUSING));
        if was_refused || refuses(then) || after.iter().any(refuses) || state.refuses(snapshot.lacks_claims()) {
            return None;
        }
        merged(after.iter().flat_map(|generation| generation.touched.iter()))
    }
}

fn answer(state: &AppState, snapshot: &Snapshot, changes: Changes<'_>) -> HttpResponse {
    let mut response = render::ok(&Answer::of(snapshot, changes));
    if let Ok(tag) = HeaderValue::from_str(&entity_tag(state, snapshot)) {
        response.headers_mut().insert(ETAG, tag);
    }
    // Nothing in between may answer in our place without asking.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// What ends the entity tag while the service refuses what nobody is known to hold.
const REFUSING: &str = "-refusing\"";

/// Which answers are given: the snapshot, and what it does not say.
fn entity_tag(state: &AppState, snapshot: &Snapshot) -> String {
    let digest = snapshot.digest();
    if state.refuses(snapshot.lacks_claims()) {
        format!("\"{digest}{REFUSING}")
    } else if snapshot.is_complete() {
        format!("\"{digest}\"")
    } else {
        format!("\"{digest}-incomplete\"")
    }
}

/// The tags that a client says it knows, as strong ones: what comes between may have weakened them.
fn known_tags(headers: &HeaderMap) -> Option<Vec<String>> {
    let lists: Vec<_> = headers.get_all(IF_NONE_MATCH).filter_map(|list| list.to_str().ok()).collect();
    let tags = lists.iter().flat_map(|list| list.split(',')).map(|tag| tag.trim().trim_start_matches("W/").to_owned());
    (!lists.is_empty()).then(|| tags.collect())
}

impl<'s> Change<'s> {
    pub(super) fn of(touched: &'s Touched) -> Self {
        let [user, alias, room] = Kind::ALL.map(|kind| touched.ids[kind].iter().map(TouchedId::of).collect());
        Self { as_id: &touched.as_id, change: touched.change, touched: TouchedIds { user, alias, room } }
    }
}

impl<'s> TouchedId<'s> {
    fn of(beginning: &'s Beginning) -> Self {
        match beginning {
            Beginning::Prefix(prefix) => Self { prefix: Some(prefix), id: None },
            Beginning::Id(id) => Self { prefix: None, id: Some(id) },
        }
    }
}
