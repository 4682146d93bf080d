//! What other homeservers would answer (`homeserver=`), beside the answer of the one that is served.
//!
//! The files are read again for each of them ([`Elsewhere`]), which is dear: one such question is
//! worked at at a time, clients take turns with them, and it has a thread of its own that stands back behind all that
//! answer. It ends between two homeservers when nobody waits any more. Such a question is never asked for a decision that
//! counts: what is served is the answer of one homeserver, from what is in force.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::decided::Decided;
use super::render;
use super::turns::{Client, Turns};
use super::{ApiError, AppState, Caller, Role, stalled};
use crate::analysis::Deadline;
use crate::homeserver::{Dialect, Several};
use crate::registration::Fault;
use crate::reload::{Elsewhere, Untold};
use crate::ruling::Ownership;
use crate::snapshot::{FileRecord, Snapshot};

/// How often it is looked at whether the client is still there.
const LOOK: Duration = Duration::from_millis(200);
/// So many files that a homeserver would not load are named; what is wrong with one is a kilobyte at most, and whoever has
/// more of them sees from these what they have in common.
const MAX_NAMED: usize = 20;

/// Whose answer it is, and what that homeserver would have loaded.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct There<'s> {
    /// The name, as in `--homeserver`.
    homeserver: &'static str,
    /// The release whose behaviour it is.
    release: &'static str,
    /// Whether it is the homeserver that is served: then what is in force answers. For any other, the files are read now.
    in_force: bool,
    /// How many registrations it has loaded.
    loaded: usize,
    /// The files that it would not load: the first few.
    not_loaded: Vec<NotLoaded<'s>>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    more_not_loaded: usize,
}

/// A file that a homeserver would not load, or not as it stands.
#[derive(Serialize, utoipa::ToSchema)]
struct NotLoaded<'s> {
    /// The file.
    file: &'s str,
    /// Why not, and what becomes of the others (`consequence`).
    faults: &'s [Fault],
}

/// What one homeserver says of an ID.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = OwnershipElsewhere)]
pub(super) struct OwnershipThere<'s> {
    #[serde(flatten)]
    there: There<'s>,
    #[serde(flatten)]
    ownership: Ownership<'s>,
    /// What it decides when a person wants to have it; left out for a room.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Decided<'s>>,
}

/// What one homeserver decides.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = DecisionElsewhere)]
pub(super) struct DecisionThere<'s> {
    #[serde(flatten)]
    there: There<'s>,
    #[serde(flatten)]
    decision: Decided<'s>,
}

/// Who owns it, and what others would say of it: the shape of what `write` writes without building it. Its envelope stands in
/// it, since generators of clients lose what is composed of what is composed.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct OwnershipAsked<'s> {
    #[serde(flatten)]
    ownership: Ownership<'s>,
    /// What each homeserver would answer that was named by `homeserver`; left out where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    homeservers: Option<Vec<OwnershipThere<'s>>>,
    /// Digest of the loaded set that answered for the homeserver that is served.
    snapshot: &'s str,
    /// False while any file is held, stale or quarantined or a source is missing.
    complete: bool,
}

/// The decision, and what others would decide: the same.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct DecisionAsked<'s> {
    #[serde(flatten)]
    decision: Decided<'s>,
    /// What each homeserver would answer that was named by `homeserver`; left out where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    homeservers: Option<Vec<DecisionThere<'s>>>,
    /// Digest of the loaded set that answered for the homeserver that is served.
    snapshot: &'s str,
    /// False while any file is held, stale or quarantined or a source is missing.
    complete: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What can be asked of several homeservers.
pub(super) trait Asked: Send + 'static {
    /// Until when it is worked at. After this time no other homeserver is begun with: more than the most files take which a
    /// question may read.
    const TIME: Duration = Duration::from_secs(7);
    /// What is compared besides, where that takes its part of the time: then it takes the place of a check, too, and half as
    /// much is read.
    const COMPARES: bool = false;

    /// What the homeserver answers that is served: an object. Asked for last.
    fn here(&self, state: &AppState, snapshot: &Snapshot, deadline: &Deadline) -> Result<Vec<u8>, ApiError>;
    /// Writes what another one answers.
    fn there(&self, answer: &mut Vec<u8>, there: There<'_>, loaded: &Loaded<'_>) -> Result<(), ApiError>;
}

/// What one homeserver has loaded, and what it may be asked with.
pub(super) struct Loaded<'l> {
    pub(super) state: &'l AppState,
    pub(super) snapshot: &'l Snapshot,
    /// Whether it is what is served.
    pub(super) in_force: bool,
    /// Until when; its part of the time.
    pub(super) deadline: Deadline,
}

impl OwnershipThere<'_> {
    pub(super) const fn new<'s>(
        there: There<'s>,
        ownership: Ownership<'s>,
        person: Option<Decided<'s>>,
    ) -> OwnershipThere<'s> {
        OwnershipThere { there, ownership, person }
    }
}

impl DecisionThere<'_> {
    pub(super) const fn new<'s>(there: There<'s>, decision: Decided<'s>) -> DecisionThere<'s> {
        DecisionThere { there, decision }
    }
}

/// The homeservers that are named, by a caller who may know about files.
pub(super) fn named(text: &str, caller: Caller) -> Result<Several, ApiError> {
    if caller.role < Role::Read {
        return Err(ApiError::forbidden(Role::Read));
    }
    text.parse()
        .map_err(|error: crate::homeserver::UnknownDialect| ApiError::invalid_param(format!("{error}, or `all`")))
}

/// Answers for the homeserver that is served, and for others.
pub(super) async fn answer<A: Asked>(
    state: web::Data<AppState>,
    request: HttpRequest,
    several: Several,
    asked: A,
) -> Result<HttpResponse, ApiError> {
    let snapshot = Arc::clone(&*state.snapshot()?);
    let others =
        several.dialects().iter().filter(|dialect| **dialect != snapshot.services().homeserver().dialect).count();
    let parts = if A::COMPARES { 2 } else { 1 };
    Elsewhere::affords(snapshot.files().len(), others, parts).map_err(|why| untold(&why))?;
    let client = Client::of(&state, &request);
    tokio::select! {
        answer = work(state, client, snapshot, several, asked) => answer,
        // Nobody reads this.
        () = stalled::left(&request, LOOK) => Err(ApiError::too_slow()),
    }
}

async fn work<A: Asked>(
    state: web::Data<AppState>,
    client: Client,
    snapshot: Arc<Snapshot>,
    several: Several,
    asked: A,
) -> Result<HttpResponse, ApiError> {
    let mut turns = Vec::new();
    for places in in_order([&state.several_checks, &state.checks, &state.walks], A::COMPARES) {
        turns.push(places.take(client).await?);
    }
    let deadline = Deadline::after(A::TIME);
    // Dropped with the future, when the client has gone.
    let _waiter = deadline.waiter();
    let worker = state.clone();
    let written = state.aside.walk(move || {
        let _turns = turns;
        write(&worker, &snapshot, &several, &asked, &deadline)
    });
    written.await?.map(|bytes| render::json(StatusCode::OK, bytes))
}

/// Of what a place is waited for, one after the other: of all that compares, or of a walk alone. The walk last: there is one place,
/// and whoever waits in it for a check keeps everybody from it who asks for a walk alone. One at a time waits for it in the place of a
/// check, so that the other one stays free.
fn in_order(all: [&Arc<Turns>; 3], compares: bool) -> Vec<&Arc<Turns>> {
    let [.., walks] = all;
    if compares { all.into() } else { vec![walks] }
}

/// The list first, since what it says of a homeserver is written while that one's set is there; then what is served.
fn write(
    state: &AppState,
    snapshot: &Arc<Snapshot>,
    several: &Several,
    asked: &impl Asked,
    deadline: &Deadline,
) -> Result<Vec<u8>, ApiError> {
    let mut answer = b"{\"homeservers\":[".to_vec();
    // What is left of the time is shared by those that are left, and by what is said of them all.
    let mut left = u32::try_from(several.dialects().len()).unwrap_or(u32::MAX).saturating_add(1);
    for (at, &dialect) in several.dialects().iter().enumerate() {
        if deadline.is_over() {
            return Err(ApiError::too_many_homeservers());
        }
        if at > 0 {
            answer.push(b',');
        }
        let loaded = loaded_by(state, snapshot, dialect)?;
        let in_force = Arc::ptr_eq(&loaded, snapshot);
        let there = There::of(&loaded, in_force);
        let loaded = Loaded { state, snapshot: &loaded, in_force, deadline: deadline.part(left) };
        asked.there(&mut answer, there, &loaded)?;
        left -= 1;
    }
    answer.extend_from_slice(b"],");
    let here = asked.here(state, snapshot, deadline)?;
    answer.extend_from_slice(here.strip_prefix(b"{").unwrap_or(&here));
    Ok(answer)
}

fn loaded_by(state: &AppState, snapshot: &Arc<Snapshot>, dialect: Dialect) -> Result<Arc<Snapshot>, ApiError> {
    if snapshot.services().homeserver().dialect == dialect {
        return Ok(Arc::clone(snapshot));
    }
    let elsewhere = state.elsewhere.as_ref().ok_or_else(ApiError::shutting_down)?;
    elsewhere.loaded_by(dialect).map_err(|why| untold(&why))
}

fn untold(untold: &Untold) -> ApiError {
    match untold {
        Untold::TooMany { .. } => ApiError::too_large(untold.to_string()),
        Untold::NoSources(_) | Untold::Unlisted { .. } => ApiError::unlisted(untold.to_string()),
    }
}

impl<'s> There<'s> {
    fn of(snapshot: &'s Snapshot, in_force: bool) -> Self {
        let dialect = snapshot.services().homeserver().dialect;
        let mut faulty = snapshot.files().iter().filter(|file| !file.faults().is_empty());
        let not_loaded: Vec<_> = faulty.by_ref().take(MAX_NAMED).map(NotLoaded::of).collect();
        Self {
            homeserver: dialect.name(),
            release: dialect.release(),
            in_force,
            loaded: snapshot.services().registrations().len(),
            not_loaded,
            more_not_loaded: faulty.count(),
        }
    }
}

impl<'s> NotLoaded<'s> {
    fn of(file: &'s FileRecord) -> Self {
        Self { file: file.file(), faults: file.faults() }
    }
}

/// What the document says of the parameter.
pub(super) const NAMED: &str = "Other homeservers whose answers are wanted besides, with commas between them, or `all`: \
    `synapse`, `dendrite`, `tuwunel`, `continuwuity`, `conduit`, `palpo`, `palpo-421`, `spec`, `spec-anywhere`. The files are \
    read again for each (60 to 300 µs a file), one such question at a time: for people, not for every request. Takes the role `read`.";

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::net::{IpAddr, Ipv4Addr};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::http::turns::Turn;

    async fn taken(places: Vec<&Arc<Turns>>, client: Client) -> Vec<Turn> {
        let mut turns = Vec::new();
        for places in places {
            turns.push(places.take(client).await.expect("nobody shuts down"));
        }
        turns
    }

    #[test]
    fn who_waits_for_a_check_keeps_nobody_from_a_walk_and_who_waits_for_a_walk_nobody_from_a_check() {
        let (compares, checks, walks) = (&Turns::new(1), &Turns::new(2), &Turns::new(1));
        let all = [compares, checks, walks];
        let [one, other] = [1, 2].map(|last| Client::Address(IpAddr::from(Ipv4Addr::new(192, 0, 2, last))));
        let of = |places, client| pin!(taken(places, client)).poll(&mut Context::from_waker(Waker::noop()));

        let Poll::Ready(both) = of(vec![checks, checks], one) else { panic!("they are free") };
        let mut waiting = pin!(taken(in_order(all, true), one));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending(), "there is no place for a check");
        let Poll::Ready(walk) = of(in_order(all, false), other) else { panic!("nobody walks") };

        drop(both);
        assert!(waiting.as_mut().poll(&mut context).is_pending(), "somebody walks");
        let mut next = pin!(taken(in_order(all, true), other));
        assert!(next.as_mut().poll(&mut context).is_pending(), "one at a time waits for a walk");
        let Poll::Ready(check) = of(vec![checks], other) else { panic!("one place for a check stays free") };
        drop((walk, check));
        assert!(waiting.as_mut().poll(&mut context).is_ready());
    }
}
