use std::sync::Arc;

use actix_web::web::ReqData;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value};

use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::pieces::{self, Effort, Next, Parts};
use super::query::{Query, number};
use super::render::{self, Answer};
use super::{ApiError, AppState, Caller, Role};
use crate::matrix::{Kind, user_id};
use crate::registration::{Entries, Fault, Registration, SourceDigest};
use crate::ruling::Services;
use crate::snapshot::{FileRecord, FileState, Snapshot};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/registrations", tag: Tag::State, role: Some(Role::Read), operations: operations![get] };

/// Every file.
#[derive(utoipa::ToSchema)]
#[schema(as = RegistrationList)]
#[expect(dead_code, reason = "states the shape that `Files` writes without building it")]
pub(super) struct Registrations<'s> {
    /// In load order.
    registrations: Vec<File<'s>>,
    /// How many there are that fit.
    total: usize,
}

/// One file and what came of it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct File<'s> {
    /// The file.
    file: &'s str,
    /// Whether it is in force.
    state: FileState,
    /// What is wrong with what is on disk; empty exactly when the file is active.
    errors: &'s [Fault],
    /// What is in force; absent when the file is quarantined.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    loaded: Option<Loaded<'s>>,
}

/// What a registration says, without its tokens.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Loaded<'s> {
    /// The `id`.
    id: &'s str,
    /// The SHA-256 of the file's bytes that are in force, as lower-case hex: whoever loads the file by itself takes it only
    /// if its bytes are these. Where `state` is `stale`, the file holds others now; where it is `held`, more is in force
    /// than they say. For operators: left out for callers whose role is not `admin`, since a weak token in the file could
    /// be searched for with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    sha256: Option<SourceDigest>,
    /// Where the homeserver reaches it, without user info; null when it never does.
    url: Option<&'s str>,
    /// Its own user.
    sender: String,
    /// What it claims.
    namespaces: ShownNamespaces<'s>,
    /// The `protocols`.
    #[schema(value_type = Vec<String>)]
    protocols: &'s [Box<str>],
    /// Whether its users are rate limited.
    rate_limited: bool,
    /// All other keys of the file; what looks like a secret is redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<Map<String, Value>>,
}

/// The entries by kind, each list in file order.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ShownNamespaces<'s> {
    users: Vec<ShownEntry<'s>>,
    aliases: Vec<ShownEntry<'s>>,
    rooms: Vec<ShownEntry<'s>>,
}

/// One entry.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ShownEntry<'s> {
    /// The regex, in Python's syntax.
    regex: &'s str,
    /// Whether what matches is claimed for this service alone.
    exclusive: bool,
    /// The `group_id`, if the entry has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<&'s str>,
    /// The line of the regex, from 1.
    line: u32,
    /// The column in characters, from 1.
    column: u32,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "registrations",
    summary = "Every file, its state and what it claims; never a token",
    params(
        ("state" = Option<String>, Query, description = "Only files of these states, between commas: `active`, `held`, `stale`, `quarantined`."),
        ("contains" = Option<String>, Query, description = "Only files whose name or `id` holds this, whatever its capitals."),
        ("skip" = Option<u32>, Query, description = "Leave out so many; 0 by default. Pages are of one `snapshot`: when another one answers, begin again."),
        ("limit" = Option<u32>, Query, description = "List at most so many; all by default."),
    ),
    responses(
        (status = 200, description = "In load order.", body = Answer<'static, Registrations<'static>>),
        (status = 400, description = "Not a question.", body = MatrixError<'static>),
        (status = 503, description = "The first load is not done.", body = MatrixError<'static>),
    ),
)]
async fn get(
    state: web::Data<AppState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let wanted = Wanted::read(request.query_string())?;
    let snapshot = Arc::clone(&*state.snapshot()?);
    pieces::answer(&state.aside, Files { snapshot, role: caller.role, wanted, next: 0, total: 0, listed: 0 }).await
}

/// Which files are listed.
struct Wanted {
    states: Vec<FileState>,
    /// What a name holds, in small letters.
    contains: Option<String>,
    skip: usize,
    limit: usize,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, ApiError> {
        let query = Query::parse(query, ["state", "contains", "skip", "limit"])?;
        let states = match query.get("state") {
            None => FileState::ALL.to_vec(),
            Some(names) => names.split(',').map(state_named).collect::<Result<_, _>>()?,
        };
        Ok(Self {
            states,
            contains: query.get("contains").map(str::to_lowercase),
            skip: number(query.get("skip"), 0, "skip")?,
            limit: number(query.get("limit"), usize::MAX, "limit")?,
        })
    }

    fn fits(&self, file: &FileRecord) -> bool {
        let holds = |text: &str, part: &str| text.to_lowercase().contains(part);
        let id = || file.registration().map_or("", |registration| registration.id());
        self.states.contains(&file.state())
            && self.contains.as_deref().is_none_or(|part| holds(file.file(), part) || holds(id(), part))
    }
}

fn state_named(name: &str) -> Result<FileState, ApiError> {
    let known = FileState::ALL.into_iter().find(|state| state.as_str() == name);
    known.ok_or_else(|| ApiError::invalid_param("state is active, held, stale or quarantined, or several of them"))
}

/// The files of a snapshot, one after the other.
struct Files {
    snapshot: Arc<Snapshot>,
    /// What the one who asks may do.
    role: Role,
    wanted: Wanted,
    next: usize,
    /// How many have fitted so far.
    total: usize,
    /// How many of them are listed.
    listed: usize,
}

impl Parts for Files {
    fn write_next(&mut self, answer: &mut Vec<u8>, _: Effort) -> Next {
        let Self { snapshot, role, wanted, next, total, listed } = self;
        if *next == 0 {
            answer.extend_from_slice(b"{\"registrations\":[");
        }
        let Some(file) = snapshot.files().get(*next) else {
            answer.extend_from_slice(format!("],\"total\":{total},").as_bytes());
            render::close_envelope(answer, snapshot);
            return Next::End;
        };
        *next += 1;
        if !wanted.fits(file) {
            return Next::More;
        }
        *total += 1;
        if *total <= wanted.skip || *listed >= wanted.limit {
            return Next::More;
        }
        if *listed > 0 {
            answer.push(b',');
        }
        *listed += 1;
        render::append(answer, &shown(file, snapshot.services(), *role));
        Next::More
    }
}

/// What is shown of a file.
pub(super) fn shown<'s>(file: &'s FileRecord, services: &Services, role: Role) -> File<'s> {
    let loaded = file.registration().map(|registration| loaded(registration, services, role));
    File { file: file.file(), state: file.state(), errors: file.faults(), loaded }
}

fn loaded<'s>(registration: &'s Registration, services: &Services, role: Role) -> Loaded<'s> {
    Loaded {
        id: registration.id(),
        sha256: registration.source().filter(|_| role >= Role::Admin),
        url: registration.url(),
        sender: user_id(registration.sender_localpart(), services.server_name().as_str()),
        namespaces: ShownNamespaces {
            users: entries(registration.entries(Kind::User)),
            aliases: entries(registration.entries(Kind::Alias)),
            rooms: entries(registration.entries(Kind::Room)),
        },
        protocols: registration.protocols(),
        rate_limited: registration.rate_limited(),
        extra: registration.extra(),
    }
}

fn entries(entries: Entries<'_>) -> Vec<ShownEntry<'_>> {
    entries
        .iter()
        .map(|entry| ShownEntry {
            regex: entry.regex.as_str(),
            exclusive: entry.exclusive,
            group_id: entry.group_id,
            line: entry.place.line,
            column: entry.place.column,
        })
        .collect()
}
