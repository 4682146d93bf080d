//! Whose turn it is to have something dear done.
//!
//! A check may take five seconds, and two are worked at at a time. Were those that wait served in the order in which they
//! come, a client that sends fifty would keep everybody else waiting for two minutes. So the *clients* take turns: each
//! that waits gets one check done, then the next does, however many each has sent.
//!
//! ```text
//! a sends a1 a2 a3 a4 …, then b sends b1          two places
//! places   a1 a2 │ a1 is done: b1 (a has had a turn, b has not) │ a2 is done: a3 │ …
//! ```
//!
//! A client is whoever bears a token, or else an address ([`Client`]). A turn is passed on when it is dropped, and one that
//! nobody waits for any more goes on at once.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use tokio::sync::oneshot;

use super::access::bearer;
use super::{ApiError, AppState};

/// Who takes turns with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client {
    /// Whoever bears a token.
    Token(blake3::Hash),
    /// Whoever asks from an address.
    Address(IpAddr),
    /// Whoever asks through the Unix socket.
    Socket,
}

impl Client {
    /// Who sends a request that has been admitted.
    pub(super) fn of(state: &AppState, request: &HttpRequest) -> Self {
        let header = state.access.as_ref().and_then(|_| request.headers().get(AUTHORIZATION));
        // The header may be written in many ways, and is one client's in each.
        match header.and_then(|header| bearer(header.as_bytes())) {
            Some(token) => Self::Token(blake3::hash(token)),
            None => Self::from(request),
        }
    }

    /// Whence a request comes that anybody may send: a token in it has not been looked at, and may be made up.
    pub(super) fn from(request: &HttpRequest) -> Self {
        request.peer_addr().map_or(Self::Socket, |peer| Self::Address(network_of(peer.ip())))
    }
}

/// The address, of which a host of IPv6 has as many as it likes: those differ in the latter half alone.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

/// Places where something is done, and who waits for one.
#[derive(Debug)]
pub(super) struct Turns(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// Those that wait, each with its requests in the order in which they came; whose turn is next stands first.
    waiting: VecDeque<(Client, VecDeque<oneshot::Sender<Turn>>)>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Option<Arc<Turns>>,
}

impl Turns {
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { free: places, waiting: VecDeque::new() })))
    }

    /// Waits until it is a client's turn.
    pub(super) async fn take(self: &Arc<Self>, client: Client) -> Result<Turn, ApiError> {
        let receiver = match self.place_or_wait(client) {
            Ok(turn) => return Ok(turn),
            Err(receiver) => receiver,
        };
        receiver.await.map_err(|_| ApiError::shutting_down())
    }

    fn place_or_wait(self: &Arc<Self>, client: Client) -> Result<Turn, oneshot::Receiver<Turn>> {
        let mut state = self.state();
        if state.free > 0 {
            state.free -= 1;
            return Ok(Turn { turns: Some(Arc::clone(self)) });
        }
        let (sender, receiver) = oneshot::channel();
        match state.waiting.iter_mut().find(|(known, _)| *known == client) {
            Some((_, requests)) => requests.push_back(sender),
            None => state.waiting.push_back((client, VecDeque::from([sender]))),
        }
        Err(receiver)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who is next.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let (client, mut requests) = self.waiting.pop_front()?;
        let next = requests.pop_front();
        if !requests.is_empty() {
            self.waiting.push_back((client, requests));
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.turns.take() else { return };
        let mut state = turns.state();
        while let Some(next) = state.next() {
            match next.send(Self { turns: Some(Arc::clone(&turns)) }) {
                Ok(()) => return,
                // Whoever waited has gone: the next one, then. This one is not to be passed on by its own drop.
                Err(mut turn) => turn.turns = None,
            }
        }
        state.free += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Taking<'t> = Pin<Box<dyn Future<Output = Result<Turn, ApiError>> + 't>>;

    fn client(last: u8) -> Client {
        Client::Address(IpAddr::from([192, 0, 2, last]))
    }

    /// The turn, if it is there.
    fn poll(taking: &mut Taking<'_>) -> Option<Turn> {
        match taking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn.expect("nobody shuts down")),
            Poll::Pending => None,
        }
    }

    /// Requests of these clients, all waiting behind one that has the only place.
    fn waiting<'t>(turns: &'t Arc<Turns>, clients: &[u8]) -> (Turn, Vec<Taking<'t>>) {
        let mut first: Taking<'_> = Box::pin(turns.take(client(0)));
        let first = poll(&mut first).expect("it is free");
        let taking = clients.iter().map(|&last| Box::pin(turns.take(client(last))) as Taking<'t>);
        let mut taking: Vec<_> = taking.collect();
        for one in &mut taking {
            assert!(poll(one).is_none(), "it is taken");
        }
        (first, taking)
    }

    /// In which order requests get their turns.
    fn order(mut turn: Turn, mut taking: Vec<Option<Taking<'_>>>) -> Vec<usize> {
        let mut order = Vec::new();
        while taking.iter().any(Option::is_some) {
            drop(turn);
            let next = taking.iter_mut().enumerate().find_map(|(at, one)| Some((at, poll(one.as_mut()?)?)));
            let (at, next) = next.expect("somebody's turn");
            taking[at] = None;
            order.push(at);
            turn = next;
        }
        order
    }

    #[test]
    fn clients_take_turns_however_many_requests_each_has() {
        let turns = Turns::new(1);
        let (first, taking) = waiting(&turns, &[1, 1, 1, 1, 2, 3, 3]);
        assert_eq!(order(first, taking.into_iter().map(Some).collect()), [0, 4, 5, 1, 6, 2, 3]);
        assert_eq!(turns.state().free, 1);
    }

    #[test]
    fn who_has_gone_holds_up_nobody() {
        let turns = Turns::new(1);
        let (first, taking) = waiting(&turns, &[1, 1, 2, 2, 3]);
        let stay = |at: usize| [1, 3].contains(&at);
        let taking = taking.into_iter().enumerate().map(|(at, one)| stay(at).then_some(one)).collect();
        assert_eq!(order(first, taking), [1, 3]);
        assert_eq!(turns.state().free, 1);
    }

    #[test]
    fn a_turn_that_was_given_and_not_taken_is_passed_on() {
        let turns = Turns::new(1);
        let (first, mut taking) = waiting(&turns, &[1, 2]);
        drop(first);
        // It is the first one's, who leaves before looking.
        drop(taking.remove(0));
        assert!(poll(&mut taking[0]).is_some());
    }

    #[test]
    fn addresses_of_one_host_are_one_client() {
        let of = |text: &str| network_of(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::2"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
