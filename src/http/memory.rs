//! How much memory what is on its way may take: bodies that come, and answers that go.
//!
//! A connection costs little, but what it carries may be large, and its other end decides how long it is on its way: ten
//! thousand clients that each send four megabytes, or do not read fifty, would fill any machine. So bodies together, and
//! answers together, take what [`Limits::in_flight_bytes`](super::Limits) says and no more; who comes when that is used
//! up is told to come again. Small ones ([`SMALL`]) are not counted, so that a single question is always answered: their
//! number is limited by that of connections. One that is larger than all there is may come alone.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::ApiError;
use super::pieces::PIECE;

/// Bodies and answers of so many bytes at most are not counted. As many as there are connections (2,048 unless the server is
/// told otherwise) are 16 MB, and a connection may take far more than that itself.
pub(super) const SMALL: usize = 8 << 10;
/// What an answer takes that is made piece by piece: a piece that is being made, and one that is being sent.
pub(super) const STREAMED: usize = 2 * PIECE;
/// What is counted: a semaphore takes 32 bits at a time, which bytes might not fit in.
const UNIT: usize = 1 << 10;

/// Memory for one kind of thing.
#[derive(Debug)]
pub(super) struct Memory {
    free: Arc<Semaphore>,
    units: u32,
}

/// A part of the memory, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    _units: OwnedSemaphorePermit,
}

impl Memory {
    pub(super) fn of(bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        let most = usize::try_from(units).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), units }
    }

    /// Takes memory for so many bytes, if they are more than a few.
    pub(super) fn take(&self, bytes: usize) -> Result<Option<Held>, ApiError> {
        if bytes <= SMALL {
            return Ok(None);
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units);
        let taken = Arc::clone(&self.free).try_acquire_many_owned(units);
        taken.map(|units| Some(Held { _units: units })).map_err(|_| ApiError::too_much_in_flight())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_free_again_when_it_is_dropped() {
        let memory = Memory::of(100 << 10);
        let first = memory.take(60 << 10).expect("free");
        assert!(memory.take(60 << 10).is_err());
        assert!(matches!(memory.take(SMALL), Ok(None)));
        drop(first);
        assert!(matches!(memory.take(60 << 10), Ok(Some(_))));
    }

    #[test]
    fn what_is_larger_than_all_comes_alone() {
        let memory = Memory::of(100 << 10);
        let small = memory.take(40 << 10).expect("free");
        assert!(memory.take(1 << 30).is_err());
        drop(small);
        let large = memory.take(1 << 30).expect("alone");
        assert!(memory.take(40 << 10).is_err());
        drop(large);
        assert!(Memory::of(0).take(1 << 30).is_ok());
    }
}
