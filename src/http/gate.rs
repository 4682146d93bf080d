//! Changes to the store: judged here, by the snapshot that answers.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::registration::{Asked, Kept, Refused};
use super::render::{self, Answer};
use super::turns::Client;
use super::{ApiError, AppState};
use crate::analysis::{Analysis, Asked as Comparing, Deadline};
use crate::matrix::ErrCode;
use crate::reload::{Found, Trigger};
use crate::snapshot::Snapshot;
use crate::store::{
    Bench, Change, Condition, Gate, Judge, Judged, Objection, Outcome, Revision, StoreError, Terms, Verdict, bears,
    can_judge, is_in_force, judge, judgeable,
};

/// What is not compared after this time counts as a collision; as long as a check may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Makes a change, in its turn.
pub(super) async fn change(
    state: web::Data<AppState>,
    request: &HttpRequest,
    asked: Asked,
) -> Result<HttpResponse, ApiError> {
    let gate = state.gate.clone().ok_or_else(ApiError::no_store)?;
    state.snapshot()?;
    let turn = state.changes.take(Client::of(&state, request)).await?;
    let made = web::block(move || {
        let _turn = turn;
        let made = make(&state, &gate, &asked);
        answer(&state, &gate, &asked, made)
    });
    let Told { status, body, revision } = made.await.map_err(|_| ApiError::shutting_down())??;
    let mut response = render::json(status, body);
    if let Some(tag) = revision.and_then(|revision| HeaderValue::try_from(format!("\"{revision}\"")).ok()) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// What is answered.
struct Told {
    status: StatusCode,
    body: Vec<u8>,
    /// What has made the registration what it is.
    revision: Option<i64>,
}

fn make(state: &AppState, gate: &Gate, asked: &Asked) -> Result<Outcome, StoreError> {
    let change = Change { id: &asked.id, source: asked.source.as_deref(), place: None };
    let if_it = match (asked.if_match, asked.if_none) {
        (Some(revision), _) => Some(Condition::IsAt(revision)),
        (None, true) => Some(Condition::IsNotThere),
        (None, false) => None,
    };
    let terms = Terms { if_it, force: asked.force, by: &asked.by };
    gate.make(&change, terms, &Judging { state, store: gate.shown(), change, force: asked.force })
}

/// Judges a change by the snapshot that answers.
struct Judging<'j> {
    state: &'j AppState,
    store: String,
    change: Change<'j>,
    force: bool,
}

/// When something is judged: while others may change the store, or while nobody may, who all wait for it.
#[derive(Clone, Copy)]
enum When {
    Ahead,
    Locked,
}

impl Judging<'_> {
    fn is_changed(&self, id: &str) -> bool {
        id == self.change.id
    }

    fn by(&self, snapshot: &Snapshot, when: When) -> Verdict {
        self.on_a_bench(snapshot, when, |asked, bench| {
            match judge(asked, bench, self.change.id, self.change.source.unwrap_or_default()) {
                Err(objection) if bench.deadline.is_over() && !self.force && objection.is_unknown() => {
                    Err(StoreError::NotCompared(DEADLINE))
                }
                judged => Ok(judged),
            }
        })
    }

    fn on_a_bench<T: Send>(
        &self,
        snapshot: &Snapshot,
        when: When,
        judge: impl FnOnce(&Comparing, Bench<'_>) -> T + Send,
    ) -> T {
        let nothing = Analysis::default();
        let latest = self.state.analyst.latest();
        let previous = latest.as_deref().map_or(&nothing, |found: &Found| &found.analysis);
        let judge = |comparing: &Comparing| {
            // From here on, however long it was waited for the thread.
            let deadline = Deadline::after(DEADLINE);
            judge(comparing, Bench { snapshot, previous, hasher: &self.state.hasher, deadline: &deadline })
        };
        match when {
            When::Ahead => self.state.comparer.judge(judge),
            When::Locked => self.state.comparer.judge_locked(judge),
        }
    }
}

impl Judge for Judging<'_> {
    fn ahead(&self) -> Option<Judged> {
        // A file that was put beside the store a moment ago is not seen by the store's revision.
        let snapshot = if self.state.reloader.is_of_one_source() {
            self.state.live.load_full()
        } else {
            looked(self.state).ok()?
        };
        let then = judgeable(&snapshot, &self.store, |id| self.is_changed(id))?;
        Some(Judged { then, verdict: self.by(&snapshot, When::Ahead) })
    }

    fn bears(&self, come: &[Change<'_>]) -> bool {
        let snapshot = self.state.live.load_full();
        let source = self.change.source.unwrap_or_default();
        self.on_a_bench(&snapshot, When::Locked, |asked, bench| bears(asked, bench, self.change.id, source, come))
    }

    fn at(&self, head: &Revision) -> Verdict {
        let snapshot = looked(self.state)?;
        can_judge(&snapshot, &self.store, head, |id| self.is_changed(id))?;
        self.by(&snapshot, When::Locked)
    }

    fn catch_up(&self) {
        // Where that fails, the lock is taken again and it is said why.
        let _ = looked(self.state);
    }
}

/// What is in force after a look at the store.
///
/// It is looked at in any case: that a revision has the same number does not mean that it is one of the same history.
fn looked(state: &AppState) -> Result<Arc<Snapshot>, StoreError> {
    let looked = state.reloader.reload_blocking(Trigger::Event, false);
    looked.map_err(|_| StoreError::Behind("the service is shutting down".to_owned()))?;
    Ok(state.live.load_full())
}

/// Whether what is in force is what the store holds at this revision or a later one, and of this registration what was asked for: what
/// reads may have come to the same number in another store, and a row may be kept out by what is beside the store.
fn answers_by(snapshot: &Snapshot, store: &str, revision: i64, asked: &Asked) -> bool {
    snapshot.missing().iter().all(|missing| missing.source != store)
        && snapshot.revision() >= u64::try_from(revision).ok()
        && is_in_force(snapshot, &asked.id, asked.source.as_deref())
}

fn answer(state: &AppState, gate: &Gate, asked: &Asked, made: Result<Outcome, StoreError>) -> Result<Told, ApiError> {
    match made {
        Ok(Outcome::Made(revision)) => Ok(kept(state, gate, asked, true, revision)),
        Ok(Outcome::AsItWas(revision)) => Ok(kept(state, gate, asked, false, revision)),
        Ok(Outcome::NotThere) => Err(ApiError::not_in_store()),
        Ok(Outcome::Elsewhere(revision)) => Err(ApiError::another_revision(revision)),
        Ok(Outcome::Refused(objection)) => Ok(refused(objection)),
        Err(error) => Err(ApiError::store(&error)),
    }
}

fn kept(state: &AppState, gate: &Gate, asked: &Asked, changed: bool, revision: i64) -> Told {
    // Whoever has changed something and asks here next is answered by it.
    let looked = looked(state);
    let in_force = looked.as_ref().is_ok_and(|snapshot| answers_by(snapshot, &gate.shown(), revision, asked));
    let snapshot = looked.unwrap_or_else(|_| state.live.load_full());
    let told =
        Kept { as_id: asked.id.clone(), changed, revision: u64::try_from(revision).unwrap_or_default(), in_force };
    let body = render::to_bytes(&Answer::of(&snapshot, told));
    Told { status: StatusCode::OK, body, revision: Some(revision) }
}

fn refused(objection: Objection) -> Told {
    let (status, refused) = match objection {
        Objection::Unloadable(errors) => {
            let error = "the registration cannot be loaded";
            (StatusCode::BAD_REQUEST, Refused { errcode: ErrCode::InvalidParam, error, errors, findings: Vec::new() })
        }
        Objection::InTheWay(errors) => {
            let error = "another registration in force is in its way";
            (StatusCode::CONFLICT, Refused { errcode: ErrCode::Exclusive, error, errors, findings: Vec::new() })
        }
        Objection::Collides(findings) => {
            let error = "it collides with what is in force; `force=true` puts it all the same";
            (StatusCode::CONFLICT, Refused { errcode: ErrCode::Exclusive, error, errors: Vec::new(), findings })
        }
    };
    Told { status, body: render::to_bytes(&refused), revision: None }
}
