use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::conflicts::found;
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::names::{limit, prefix, tree};
use super::pieces::{self, Effort, Next, Parts};
use super::query::{Query, number};
use super::render::{self, Answer};
use super::{ApiError, AppState, Role, waiters};
use crate::analysis::{NameBeginning, prefix_in_tree};
use crate::matrix::Kind;
use crate::reload::Found;
use crate::ruling::Claim;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/claims", tag: Tag::State, role: Some(Role::Read), operations: operations![get] };

/// So many are answered unless the caller says otherwise.
const DEFAULT_LIMIT: usize = 100;
/// And so many at most: some 300 KB.
const MAX_LIMIT: usize = 1_000;

/// Who may claim what begins with a prefix.
#[derive(utoipa::ToSchema)]
#[schema(as = ClaimList)]
#[expect(dead_code, reason = "states the shape that `Listed` writes without building it")]
pub(super) struct Claims<'s> {
    /// How many there are.
    total: usize,
    /// Those that were asked for: first what is shorter than the prefix and may reach in, shortest first, then what begins
    /// with it, in order.
    claims: Vec<NameClaim<'s>>,
}

/// What may claim something, by what it begins with.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct NameClaim<'s> {
    /// What every ID begins with that is claimed so; the sigil alone when that may be anything.
    #[schema(value_type = String)]
    beginning: &'s str,
    #[serde(flatten)]
    claim: Claim<'s>,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "claims",
    summary = "What may claim IDs that begin with a prefix: the entries that `GET /v1/names` counts",
    description = "An entry with several literal prefixes stands there once for each. Pages are of one `snapshot`: when another \
        one answers, begin again.",
    params(
        ("prefix" = String, Query, description = "What the names begin with, percent-encoded, the sigil first.",
            pattern = "^[@#!]", max_length = 255, example = "@irc_"),
        ("skip" = Option<u32>, Query, description = "Leave out so many; 0 by default."),
        ("limit" = Option<u32>, Query, description = "Answer at most so many, 1 to 1000; 100 by default."),
        ("wait" = Option<u32>, Query, description = "Wait for at most so many seconds until the set in force is compared, 60 at most; 0 by default."),
    ),
    responses(
        (status = 200, description = "The claims.", body = Answer<'static, Claims<'static>>),
        (status = 400, description = "Not a question.", body = MatrixError<'static>),
        (status = 429, description = "Too many wait already: ask without waiting.", body = MatrixError<'static>),
        (status = 503, description = "The first comparison is not done.", body = MatrixError<'static>),
    ),
)]
async fn get(state: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), ["prefix", "skip", "limit", "wait"])?;
    let (kind, prefix) = prefix(query.get("prefix"), ENDPOINT.path)?;
    let limit = limit(query.get("limit"), DEFAULT_LIMIT, MAX_LIMIT)?;
    let skip = number(query.get("skip"), 0, "skip")?;
    let found = found(&state, &request, waiters::time(query.get("wait"), 0)?).await?;
    let tree = tree(&state, Arc::clone(&found), kind).await?.of(&found);
    let prefix = prefix_in_tree(found.snapshot.services().homeserver(), kind, &prefix);
    let below = tree.below(&prefix);
    let reaching: Vec<&NameBeginning> = tree.reaching(&prefix).take(skip.saturating_add(limit)).collect();
    let all = tree.reaching(&prefix).count();
    let total = all + below.len();
    let page = reaching.into_iter().skip(skip).chain(below.iter().skip(skip.saturating_sub(all))).take(limit);
    let claims = page.cloned().collect();
    let listed = Listed { found: Arc::clone(&found), kind, claims, next: 0, total };
    pieces::answer(&state.aside, listed).await
}

/// The claims that are listed, one after the other.
struct Listed {
    found: Arc<Found>,
    kind: Kind,
    claims: Vec<NameBeginning>,
    next: usize,
    total: usize,
}

impl Parts for Listed {
    fn write_next(&mut self, answer: &mut Vec<u8>, _: Effort) -> Next {
        let Self { found, kind, claims, next, total } = self;
        if *next == 0 {
            answer.extend_from_slice(format!("{{\"total\":{total},\"claims\":[").as_bytes());
        }
        let Some(beginning) = claims.get(*next) else {
            render::close_with_snapshot(answer, &found.snapshot);
            return Next::End;
        };
        if *next > 0 {
            answer.push(b',');
        }
        *next += 1;
        let claim = found.snapshot.services().claim_of(beginning.service, *kind, beginning.index);
        render::append(answer, &NameClaim { beginning: &beginning.text, claim });
        Next::More
    }
}
