use std::borrow::Cow;
use std::sync::Arc;

use actix_web::web::Data;

use super::owners::{OwnersResult, count_step_limits, result_of};
use super::pieces::{Effort, Next, Parts};
use super::{AppState, render, scratch};
use crate::snapshot::Snapshot;

/// A batch that is being answered, ID by ID. Each has as many steps as a question that is asked alone: what a batch may
/// take together is bounded by how many IDs it has, and others do not wait for it.
pub(super) struct Batch {
    state: Data<AppState>,
    snapshot: Arc<Snapshot>,
    ids: Ids,
    /// The ID that comes next.
    next: usize,
}

/// Texts in one allocation.
pub(super) struct Ids {
    text: String,
    ends: Vec<usize>,
}

impl Ids {
    pub(super) fn new(ids: &[Cow<'_, str>]) -> Self {
        let mut text = String::with_capacity(ids.iter().map(|id| id.len()).sum());
        let ends = ids.iter().map(|id| {
            text += id;
            text.len()
        });
        Self { ends: ends.collect(), text }
    }

    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.text.get(start..end)
    }
}

impl Batch {
    pub(super) const fn new(state: Data<AppState>, snapshot: Arc<Snapshot>, ids: Ids) -> Self {
        Self { state, snapshot, ids, next: 0 }
    }
}

impl Parts for Batch {
    fn write_next(&mut self, answer: &mut Vec<u8>, effort: Effort) -> Next {
        let Self { state, snapshot, ids, next } = self;
        let Some(id) = ids.get(*next) else {
            answer.extend_from_slice(b"]}");
            return Next::End;
        };
        let ask = |scratch: &mut _| result_of(id, snapshot.services(), scratch);
        let result = match effort {
            Effort::Moment => scratch::in_a_moment(ask),
            Effort::Whatever => Some(scratch::patiently(ask)),
        };
        let Some(result) = result else { return Next::Hard };
        if let OwnersResult::Ownership(ownership) = &result {
            count_step_limits(&state.metrics, ownership);
        }
        if *next == 0 {
            render::open_with_snapshot(answer, snapshot, "results");
        } else {
            answer.push(b',');
        }
        *next += 1;
        render::append(answer, &result);
        Next::More
    }
}
