//! How much memory what is on its way may take: bodies that come, and answers that go.
//!
//! A connection costs little, but what it carries may be large, and its other end decides how long it is on its way: ten
//! thousand clients that each send four megabytes, or do not read fifty, would fill any machine. So bodies together, and
//! answers together, take what [`Limits::in_flight_bytes`](super::Limits) says and no more; who comes when that is used
//! up is told to come again. Small ones ([`SMALL`]) are not counted, so that a single question is always answered: their
//! number is limited by that of connections. One that is larger than all there is may come alone.
//!
//! No client has more than half of it, lest one that does not read keeps all others out: who bears a token, or else an
//! address, is a client, as where they take [turns](super::turns). One thing, however large, a client may always have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::ApiError;
use super::pieces::PIECE;
use super::turns::Client;

/// Bodies and answers of so many bytes at most are not counted. As many as there are connections (2,048 unless the server is
/// told otherwise) are 16 MB, and a connection may take more than that itself.
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
    clients: Arc<Clients>,
}

/// How much each client has; who has nothing is not listed.
#[derive(Debug, Default)]
struct Clients(Mutex<HashMap<Client, u32>>);

/// A part of the memory, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    units: OwnedSemaphorePermit,
    client: Client,
    clients: Arc<Clients>,
}

impl Memory {
    pub(super) fn of(bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        let most = usize::try_from(units).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), units, clients: Arc::default() }
    }

    /// Takes memory for so many bytes, if they are more than a few, for a client, who is only asked for then.
    pub(super) fn take(&self, bytes: usize, client: impl FnOnce() -> Client) -> Result<Option<Held>, ApiError> {
        if bytes <= SMALL {
            return Ok(None);
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units);
        let client = client();
        let mut clients = self.clients.listed();
        let has = clients.get(&client).copied().unwrap_or(0);
        if has > 0 && has.saturating_add(units) > self.units / 2 {
            return Err(ApiError::too_much_in_flight());
        }
        let taken = Arc::clone(&self.free).try_acquire_many_owned(units);
        let taken = taken.map_err(|_| ApiError::too_much_in_flight())?;
        clients.insert(client, has + units);
        drop(clients);
        Ok(Some(Held { units: taken, client, clients: Arc::clone(&self.clients) }))
    }
}

impl Clients {
    fn listed(&self) -> MutexGuard<'_, HashMap<Client, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let units = u32::try_from(self.units.num_permits()).unwrap_or(u32::MAX);
        let mut clients = self.clients.listed();
        match clients.get_mut(&self.client) {
            Some(has) if *has > units => *has -= units,
            _ => drop(clients.remove(&self.client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    /// Takes it for one of several clients.
    fn take(memory: &Memory, bytes: usize, client: u8) -> Result<Option<Held>, ApiError> {
        memory.take(bytes, || Client::Address(IpAddr::from([192, 0, 2, client])))
    }

    #[test]
    fn what_is_taken_is_free_again_when_it_is_dropped() {
        let memory = Memory::of(100 << 10);
        let first = take(&memory, 60 << 10, 1).expect("free");
        assert!(take(&memory, 60 << 10, 2).is_err());
        assert!(matches!(take(&memory, SMALL, 2), Ok(None)));
        drop(first);
        assert!(matches!(take(&memory, 60 << 10, 2), Ok(Some(_))));
    }

    #[test]
    fn what_is_larger_than_all_comes_alone() {
        let memory = Memory::of(100 << 10);
        let small = take(&memory, 40 << 10, 1).expect("free");
        assert!(take(&memory, 1 << 30, 2).is_err());
        drop(small);
        let large = take(&memory, 1 << 30, 2).expect("alone");
        assert!(take(&memory, 40 << 10, 1).is_err());
        drop(large);
        assert!(take(&Memory::of(0), 1 << 30, 1).is_ok());
    }

    #[test]
    fn no_client_has_more_than_half() {
        let memory = Memory::of(100 << 10);
        let mut held: Vec<_> = (0..5).map(|_| take(&memory, 10 << 10, 1).expect("less than half")).collect();
        assert!(take(&memory, 10 << 10, 1).is_err());
        held.extend((0..5).map(|_| take(&memory, 10 << 10, 2).expect("the other half")));
        assert!(take(&memory, 10 << 10, 3).is_err(), "nothing is left");
        held.remove(0);
        assert!(take(&memory, 10 << 10, 2).is_err());
        held.push(take(&memory, 10 << 10, 1).expect("it has let go of as much"));
        held.clear();
        assert!(memory.clients.listed().is_empty());
        assert!(take(&memory, 100 << 10, 3).is_ok());
    }
}
