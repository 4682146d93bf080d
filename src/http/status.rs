use std::time::{Instant, SystemTime, UNIX_EPOCH};

use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::endpoint::{Endpoint, Tag, operations};
use super::render::{self, Answer};
use super::workers::InStep;
use super::{AppState, Role};
use crate::matrix::Kind;
use crate::reload::ReloadReport;
use crate::snapshot::{Counts, MissingSource};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/status", tag: Tag::State, role: Some(Role::Read), operations: operations![get] };

/// What is in force, and what came of the last reload.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ServiceStatus)]
pub(super) struct Status<'s> {
    /// The version of bailiwick.
    version: &'static str,
    /// The homeserver whose namespace this is.
    server_name: &'s str,
    /// Whose answers are given: that of a kind of homeserver, at a release.
    answers_of: AnswersOf,
    /// False until the first load is done.
    ready: bool,
    /// Snapshots of this process, counted from 1; 0 before the first load.
    generation: u64,
    /// The revision of the store that is in force; null without a store.
    revision: Option<u64>,
    /// When the snapshot in force was put together, in milliseconds since 1970-01-01 UTC.
    loaded_at_ms: u64,
    /// Files by state.
    registrations: Counts,
    /// Namespace entries in force, by kind.
    namespaces: NamespaceCounts,
    /// Sources that cannot be read, or that are empty where they were not; what they held stays in force.
    missing: &'s [MissingSource],
    /// What the homeserver has loaded, as its workers tell (`POST /v1/homeservers/{worker}`).
    homeserver: InStep<'s>,
    /// The last reload, whatever came of it; null before the first has ended.
    last_reload: Option<ReloadReport>,
}

/// Whose answers are given.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct AnswersOf {
    /// The name, as in `--homeserver`.
    #[schema(example = "synapse")]
    homeserver: &'static str,
    /// The release whose behaviour it is.
    release: &'static str,
}

/// Namespace entries by kind.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct NamespaceCounts {
    user: usize,
    alias: usize,
    room: usize,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "status",
    summary = "What is in force, and what came of the last reload",
    responses((status = 200, description = "Also before the first load is done.", body = Answer<'static, Status<'static>>)),
)]
async fn get(state: web::Data<AppState>) -> HttpResponse {
    let snapshot = state.snapshot_ready_or_not();
    let services = snapshot.services();
    let entries = services.entries();
    let dialect = services.homeserver().dialect;
    let status = Status {
        answers_of: AnswersOf { homeserver: dialect.name(), release: dialect.release() },
        version: env!("CARGO_PKG_VERSION"),
        server_name: services.server_name().as_str(),
        ready: snapshot.is_ready(),
        generation: snapshot.generation(),
        revision: snapshot.revision(),
        loaded_at_ms: milliseconds(snapshot.loaded_at()),
        registrations: snapshot.counts(),
        namespaces: NamespaceCounts {
            user: entries[Kind::User],
            alias: entries[Kind::Alias],
            room: entries[Kind::Room],
        },
        missing: snapshot.missing(),
        homeserver: state.workers.in_step(&snapshot, Instant::now()),
        last_reload: state.reloader.last_report(),
    };
    render::ok(&Answer::of(&snapshot, status))
}

pub(super) fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
