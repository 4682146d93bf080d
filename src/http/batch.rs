use std::borrow::Cow;
use std::sync::Arc;

use actix_web::web::Data;

use super::owners::result_of;
use super::pieces::Parts;
use super::{AppState, render, scratch};
use crate::snapshot::Snapshot;

/// The steps that regexes with back-references may take for one batch: about a second of one thread, which turns to others
/// between them. Beyond it, IDs count as claimed.
const STEPS: u64 = 20_000_000;

/// A batch that is being answered, ID by ID.
pub(super) struct Batch {
    state: Data<AppState>,
    snapshot: Arc<Snapshot>,
    ids: Ids,
    /// The ID that comes next.
    next: usize,
    steps_left: u64,
}

/// Texts in one allocation.
struct Ids {
    text: String,
    ends: Vec<usize>,
}

impl Ids {
    fn new(ids: &[Cow<'_, str>]) -> Self {
        let mut text = String::with_capacity(ids.iter().map(|id| id.len()).sum());
        let ends = ids.iter().map(|id| {
            text += id;
            text.len()
        });
        Self { ends: ends.collect(), text }
    }

    fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.text.get(start..end)
    }
}

impl Batch {
    pub(super) fn new(state: Data<AppState>, snapshot: Arc<Snapshot>, ids: &[Cow<'_, str>]) -> Self {
        Self { state, snapshot, ids: Ids::new(ids), next: 0, steps_left: STEPS }
    }
}

impl Parts for Batch {
    fn write_next(&mut self, answer: &mut Vec<u8>) -> bool {
        let Self { state, snapshot, ids, next, steps_left } = self;
        if *next == 0 {
            render::open_with_snapshot(answer, snapshot, "results");
        }
        let Some(id) = ids.get(*next) else {
            answer.extend_from_slice(b"]}");
            return false;
        };
        if *next > 0 {
            answer.push(b',');
        }
        *next += 1;
        scratch::with_steps(steps_left, |scratch| {
            render::append(answer, &result_of(id, snapshot.services(), &state.metrics, scratch));
        });
        true
    }
}
