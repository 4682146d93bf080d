//! The names as a tree of what they begin with, for people who look at them: a map.
//!
//! A tree of a hundred thousand registrations is nothing to look at, nor to be sent. So an answer holds as many nodes as
//! were asked for and no more: those right below the prefix, page by page, and below these whatever is largest, opened one
//! after the other as long as all that is right below it still fits. What stays closed says how much is in it, and is
//! asked about in turn.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::conflicts::found;
use super::endpoint::{Endpoint, Tag, operations};
use super::error::MatrixError;
use super::query::Query;
use super::render::{self, Answer};
use super::{ApiError, AppState, Role, waiters};
use crate::analysis::{NameNode, NameTree, prefix_in_tree};
use crate::matrix::{Kind, MatrixId};
use crate::reload::Found;
use crate::ruling::Services;

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/v1/names", tag: Tag::State, role: Some(Role::Read), operations: operations![get] };

/// So many nodes are answered unless the caller says otherwise: what is legible on a screen.
const DEFAULT_LIMIT: usize = 200;
/// And so many at most: some 200 KB. Of 10,000 services they are put together in 0.6 ms, of 100,000 in 12 ms.
const MAX_LIMIT: usize = 1_000;
/// So many services are named of a node: as many as a node can be coloured by.
const NAMED: usize = 3;
/// Of so many of its beginnings: enough to find three that differ, as a rule, and a bound on what a node costs.
const LOOKED_AT: usize = 64;

/// What names begin with that services may claim.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Names<'s> {
    /// What they name.
    kind: Kind,
    /// What was asked about.
    #[schema(value_type = String)]
    prefix: &'s str,
    /// How many beginnings begin with the prefix.
    claims: usize,
    /// How many services they are of.
    services: usize,
    /// How many of them claim for one service alone.
    exclusive: usize,
    /// How many collisions are proved by an ID that begins with the prefix: IDs that nobody can register.
    contested: usize,
    /// How many beginnings are the prefix itself.
    here: usize,
    /// How many beginnings are shorter, and so may reach in.
    reaching: usize,
    /// What the beginnings go on with, in order.
    names: Vec<Name<'s>>,
    /// Where the next page begins (`after`); null when there is none.
    #[schema(value_type = Option<String>)]
    next: Option<&'s str>,
}

/// All that begins with a prefix.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NameNode)]
pub(super) struct Name<'s> {
    /// The prefix, the sigil first.
    #[schema(value_type = String)]
    prefix: &'s str,
    /// How many beginnings begin with it.
    claims: usize,
    /// How many services they are of.
    services: usize,
    /// How many of them claim for one service alone.
    exclusive: usize,
    /// How many collisions are proved by an ID that begins with it.
    contested: usize,
    /// How many beginnings are the prefix itself.
    here: usize,
    /// The `id`s of some of the services, three at most, those first that claim the prefix itself.
    #[schema(value_type = Vec<String>)]
    as_ids: Vec<&'s str>,
    /// How many nodes are right below it.
    branches: usize,
    /// Those, if it is opened; else empty.
    #[schema(no_recursion)]
    names: Vec<Self>,
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "names",
    summary = "The names as a tree of prefixes, with who may claim what below each",
    description = "Every ID that an entry claims begins with one of the entry's literal prefixes, its *beginnings*: the tree is \
        made of these, and of each service's own user. What begins so *may* be claimed, and what does not is not; \
        `GET /v1/owners` tells of one ID, and `GET /v1/claims` lists what a node counts. The largest nodes are opened as far as \
        `limit` reaches. It is about the set that was compared last, as `GET /v1/conflicts` is: `snapshot` says which.",
    params(
        ("prefix" = String, Query, description = "What the names begin with, percent-encoded, the sigil first.",
            pattern = "^[@#!]", max_length = 255, example = "@"),
        ("after" = Option<String>, Query, description = "Only nodes right below the prefix that come after this one: `next` of the page before."),
        ("limit" = Option<u32>, Query, description = "Answer at most so many nodes, 1 to 1000; 200 by default."),
        ("wait" = Option<u32>, Query, description = "Wait for at most so many seconds until the set in force is compared, 60 at most; 0 by default."),
    ),
    responses(
        (status = 200, description = "The tree.", body = Answer<'static, Names<'static>>),
        (status = 400, description = "Not a question.", body = MatrixError<'static>),
        (status = 429, description = "Too many wait already: ask without waiting.", body = MatrixError<'static>),
        (status = 503, description = "The first comparison is not done.", body = MatrixError<'static>),
    ),
)]
async fn get(state: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), ["prefix", "after", "limit", "wait"])?;
    let (kind, prefix) = prefix(query.get("prefix"), ENDPOINT.path)?;
    let after = query.get("after").map(str::to_owned);
    let limit = limit(query.get("limit"), DEFAULT_LIMIT, MAX_LIMIT)?;
    let found = found(&state, &request, waiters::time(query.get("wait"), 0)?).await?;
    let tree = tree(&state, Arc::clone(&found), kind).await?;
    let answer = state.aside.long(move || {
        let services = found.snapshot.services();
        let in_tree = prefix_in_tree(services.homeserver(), kind, &prefix);
        let names =
            Names { prefix: &prefix, ..names(tree.of(&found), services, kind, &in_tree, after.as_deref(), limit) };
        render::to_bytes(&Answer::of(&found.snapshot, names))
    });
    Ok(render::json(StatusCode::OK, answer.await?))
}

/// What IDs begin with, as it is asked about: something that an ID can begin with.
pub(super) fn prefix(asked: Option<&str>, path: &str) -> Result<(Kind, String), ApiError> {
    let asked = asked.ok_or_else(|| ApiError::missing_param(format!("prefix is missing: {path}?prefix=@")))?;
    let id = MatrixId::parse(asked)?;
    Ok((id.kind(), asked.to_owned()))
}

/// A number from 1 to the most that there may be.
pub(super) fn limit(asked: Option<&str>, unless_said: usize, most: usize) -> Result<usize, ApiError> {
    let limit = match asked {
        None => Some(unless_said),
        Some(asked) => asked.parse().ok().filter(|limit| (1..=most).contains(limit) && !asked.starts_with('+')),
    };
    limit.ok_or_else(|| ApiError::invalid_param(format!("limit is a number from 1 to {most}")))
}

/// Shows that the tree of a set has been made, so that nobody makes it where others wait.
#[derive(Clone, Copy)]
pub(super) struct Made(Kind);

impl Made {
    pub(super) fn of(self, found: &Found) -> &NameTree {
        found.analysis.names(found.snapshot.services(), self.0)
    }
}

/// Makes the tree of a set, unless it has been made.
pub(super) async fn tree(state: &AppState, found: Arc<Found>, kind: Kind) -> Result<Made, ApiError> {
    let make = move || {
        Made(kind).of(&found);
        Made(kind)
    };
    Ok(state.aside.hard(make).await?)
}

fn names<'s>(
    tree: &'s NameTree,
    services: &'s Services,
    kind: Kind,
    prefix: &'s str,
    after: Option<&str>,
    limit: usize,
) -> Names<'s> {
    let node = tree.node(prefix);
    let all: Vec<NameNode<'s>> = match node {
        None => Vec::new(),
        Some(node) if node.prefix().len() > prefix.len() => vec![node],
        Some(node) => node.children().collect(),
    };
    let begin = after.map_or(0, |after| all.partition_point(|node| node.prefix() <= after));
    let page = &all[begin..all.len().min(begin + limit)];
    let is_last = begin + page.len() == all.len();
    let is_here = node.is_some_and(|node| node.prefix().len() == prefix.len());
    Names {
        kind,
        prefix,
        claims: tree.below(prefix).len(),
        services: node.map_or(0, NameNode::services),
        exclusive: node.map_or(0, NameNode::exclusive),
        contested: node.map_or(0, NameNode::contested),
        here: node.filter(|_| is_here).map_or(0, NameNode::here),
        reaching: tree.reaching(prefix).count(),
        names: opened(page, services, limit),
        next: page.last().filter(|_| !is_last).map(|last| last.prefix()),
    }
}

/// A closed node, and where it hangs.
struct Closed<'s> {
    node: NameNode<'s>,
    /// Its place among all nodes of the answer.
    at: usize,
}

impl Closed<'_> {
    /// The largest first, and of two the one that came first.
    fn order(&self) -> (usize, std::cmp::Reverse<usize>) {
        (self.node.beginnings().len(), std::cmp::Reverse(self.at))
    }
}

impl PartialEq for Closed<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Closed<'_> {}

impl PartialOrd for Closed<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Closed<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// Some nodes, the largest of them opened, and of what is in these the largest again, as far as a number of nodes reaches.
fn opened<'s>(page: &[NameNode<'s>], services: &'s Services, limit: usize) -> Vec<Name<'s>> {
    let mut all: Vec<NameNode<'s>> = page.to_vec();
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); page.len()];
    let mut closed: BinaryHeap<Closed<'s>> =
        page.iter().enumerate().map(|(at, node)| Closed { node: *node, at }).collect();
    while let Some(Closed { node, at }) = closed.pop() {
        let room = limit - all.len();
        let children: Vec<_> = node.children().take(room + 1).collect();
        if children.len() > room {
            continue;
        }
        for child in children {
            below[at].push(all.len());
            closed.push(Closed { node: child, at: all.len() });
            all.push(child);
            below.push(Vec::new());
        }
    }
    let mut names: Vec<Option<Name<'s>>> = all.iter().map(|node| Some(name(*node, services))).collect();
    // What is below something comes after it.
    for at in (0..all.len()).rev() {
        let inner: Vec<_> = below[at].iter().filter_map(|child| names[*child].take()).collect();
        if let Some(name) = &mut names[at] {
            name.names = inner;
        }
    }
    names.into_iter().flatten().collect()
}

fn name<'s>(node: NameNode<'s>, services: &'s Services) -> Name<'s> {
    let mut seen = HashSet::new();
    let looked_at = node.beginnings().iter().take(LOOKED_AT);
    let different = looked_at.filter(|one| seen.insert(one.service)).take(NAMED);
    Name {
        prefix: node.prefix(),
        claims: node.beginnings().len(),
        services: node.services(),
        exclusive: node.exclusive(),
        contested: node.contested(),
        here: node.here(),
        as_ids: different.map(|one| services.registration(one.service).id()).collect(),
        branches: node.children().count(),
        names: Vec::new(),
    }
}
