//! The answer to a batch, made piece by piece.
//!
//! Ten thousand IDs that forty services claim are fifty megabytes of answer and a tenth of a second of work. Made at
//! once, they are memory that a client holds for as long as it does not read, and a tenth of a second in which the thread
//! answers nobody else. So the next piece is made when the one before has been taken, and after each, or after a
//! moment, the thread turns to others.
//!
//! All pieces are answered from the one snapshot that was in force when the batch came. What is made within the first
//! moment, which is most batches, is sent as a whole and with its length; the others are sent in chunks, whose end tells
//! a client that nothing is missing.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};

use super::owners::result_of;
use super::{AppState, render, scratch};
use crate::snapshot::Snapshot;

/// A piece is about so large, some 180 IDs of 350 bytes of answer: a system call for each takes a hundredth of the time.
const PIECE: usize = 64 << 10;
/// So long the thread is at it until it turns to others. At a million IDs a second on two cores (docs/performance.md) a
/// piece takes a little longer, so this ends only pieces whose IDs take steps.
const SLICE: Duration = Duration::from_micros(500);
/// The clock is looked at after so many IDs, which take some 16 µs; to look at it takes 0.03.
const IDS_BETWEEN_LOOKS: usize = 8;
/// The steps that regexes with back-references may take for one batch: about a second of one thread, which turns to others
/// between them. Beyond it, IDs count as claimed.
const STEPS: u64 = 20_000_000;

/// A batch that is being answered.
pub(super) struct Batch {
    state: Data<AppState>,
    snapshot: Arc<Snapshot>,
    ids: Ids,
    /// The ID that comes next.
    next: usize,
    steps_left: u64,
    /// What has been written and not been sent.
    piece: Vec<u8>,
    /// Done when others have had their turn.
    others: Option<Pin<Box<dyn Future<Output = ()>>>>,
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
        let mut piece = Vec::with_capacity(PIECE + 4_096);
        let digest = render::to_bytes(&snapshot.digest());
        piece.extend_from_slice(b"{\"snapshot\":");
        piece.extend_from_slice(&digest);
        let _ = write!(piece, ",\"complete\":{},\"results\":[", snapshot.is_complete());
        Self { state, snapshot, ids: Ids::new(ids), next: 0, steps_left: STEPS, piece, others: None }
    }

    /// Answers as a whole if that takes no longer than a moment, else piece by piece.
    pub(super) fn answer(mut self) -> HttpResponse {
        self.write_for(SLICE);
        if self.is_written() {
            return render::json(StatusCode::OK, self.piece);
        }
        render::json(StatusCode::OK, self)
    }

    fn is_written(&self) -> bool {
        self.next > self.ids.ends.len()
    }

    /// Writes results until a piece is full, the time is over, or none is left.
    fn write_for(&mut self, time: Duration) {
        let began = Instant::now();
        let Self { state, snapshot, ids, next, steps_left, piece, .. } = self;
        scratch::with_steps(steps_left, |scratch| {
            while let Some(id) = ids.get(*next) {
                if *next > 0 {
                    piece.push(b',');
                }
                render::append(piece, &result_of(id, snapshot.services(), &state.metrics, scratch));
                *next += 1;
                if piece.len() >= PIECE || (*next % IDS_BETWEEN_LOOKS == 0 && began.elapsed() >= time) {
                    return;
                }
            }
            piece.extend_from_slice(b"]}");
            *next += 1;
        });
    }
}

impl MessageBody for Batch {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        loop {
            if let Some(others) = &mut self.others {
                ready!(others.as_mut().poll(context));
                self.others = None;
            }
            if self.piece.len() >= PIECE || (self.is_written() && !self.piece.is_empty()) {
                let piece = std::mem::take(&mut self.piece);
                self.others = Some(Box::pin(tokio::task::yield_now()));
                return Poll::Ready(Some(Ok(piece.into())));
            }
            if self.is_written() {
                return Poll::Ready(None);
            }
            self.write_for(SLICE);
            if self.piece.len() < PIECE && !self.is_written() {
                self.others = Some(Box::pin(tokio::task::yield_now()));
            }
        }
    }
}
