//! What a connection has under way: a request, its body, its answer.
//!
//! Two look after a connection and know nothing of each other: the [stream](super::Paced) under the HTTP library, which sees
//! bytes, and the [observer](super::observer) above it, which sees requests. Here each tells the other what it needs to know:
//! the stream gives nothing while there is a request to be answered, but the body that this request has announced and that
//! somebody waits for.
//!
//! All of a connection happens on one thread, so that cells do.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_core::Stream;

use super::memory::Held;
use super::pieces::PIECE;
use super::stalled::{Connection, Turn};

/// What is under way on a connection.
#[derive(Debug)]
pub struct Exchange {
    connection: Arc<Connection>,
    listener: Option<IpAddr>,
    in_flight: Cell<usize>,
    requests: Cell<u64>,
    body: Cell<Body>,
    /// What answers take that are made and may not have been taken.
    unsent: RefCell<Vec<Held>>,
}

/// What may come behind the head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing but the next head.
    None,
    /// So many bytes, which are awaited.
    Sized(u64),
    /// One that says itself where it ends, and is awaited.
    Endless,
    /// One that nobody reads. The library closes the connection behind the answer, and throws away what comes meanwhile.
    Unread,
}

impl Exchange {
    /// Nothing yet. Without a listener's address the connection comes through the Unix socket.
    #[must_use]
    pub fn new(connection: Arc<Connection>, listener: Option<IpAddr>) -> Rc<Self> {
        let (in_flight, requests, body) = (Cell::new(0), Cell::new(0), Cell::new(Body::None));
        Rc::new(Self { connection, listener, in_flight, requests, body, unsent: RefCell::default() })
    }

    pub(super) const fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The address that is listened on; `None` for the Unix socket.
    pub(super) const fn listener(&self) -> Option<IpAddr> {
        self.listener
    }

    /// Whether a request has come and its answer has not been made to its end.
    pub(super) fn is_in_flight(&self) -> bool {
        self.in_flight.get() > 0
    }

    /// How many requests have come.
    pub(super) fn requests(&self) -> u64 {
        self.requests.get()
    }

    pub(super) fn body(&self) -> Body {
        self.body.get()
    }

    /// So many bytes of the body have come.
    pub(super) fn has_come(&self, bytes: u64) {
        if let Body::Sized(awaited) = self.body.get() {
            self.body.set(if awaited > bytes { Body::Sized(awaited - bytes) } else { Body::None });
        }
    }

    /// All that there was of answers has been taken.
    pub(super) fn sent(&self) {
        self.unsent.borrow_mut().clear();
    }

    /// The head of a request is there.
    pub(super) fn asked(self: &Rc<Self>) -> InFlight {
        self.in_flight.set(self.in_flight.get() + 1);
        self.requests.set(self.requests.get() + 1);
        self.body.set(Body::None);
        InFlight {
            turn: Turn::ours(Arc::clone(&self.connection)),
            exchange: Rc::clone(self),
            endless: None,
            held: Vec::new(),
        }
    }
}

/// A request from its head to the end of its answer.
pub(super) struct InFlight {
    turn: Turn,
    exchange: Rc<Exchange>,
    /// A body whose end is not known: the library is not to think that nobody wants the rest, or it would read on for as long
    /// as a client sends, and not close the connection behind the answer.
    endless: Option<Rc<RefCell<Payload>>>,
    /// What the request and its answer take until the answer is taken.
    held: Vec<Held>,
}

impl InFlight {
    /// The body that comes with the request: of so many bytes, or of nobody knows how many. Without `awaited` it is not read,
    /// and whoever answers is given none.
    pub(super) fn expects(&mut self, payload: Payload, bytes: Option<u64>, awaited: bool) -> Payload {
        if matches!(payload, Payload::None) {
            return payload;
        }
        self.awaits(match bytes {
            _ if !awaited => Body::Unread,
            Some(bytes) => Body::Sized(bytes),
            None => Body::Endless,
        });
        if awaited && bytes.is_some() {
            return payload;
        }
        let payload = Rc::new(RefCell::new(payload));
        self.endless = Some(Rc::clone(&payload));
        if !awaited {
            return Payload::None;
        }
        let exchange = Rc::clone(&self.exchange);
        Payload::Stream { payload: Box::pin(Endless { payload, exchange }) }
    }

    pub(super) fn awaits(&self, body: Body) {
        self.exchange.body.set(body);
    }

    /// Whether something of the body has not been read, so that nothing can follow on the connection.
    pub(super) fn is_unread(&self) -> bool {
        self.exchange.body() != Body::None
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.exchange.in_flight.set(self.exchange.in_flight.get() - 1);
        self.exchange.unsent.borrow_mut().append(&mut self.held);
        if self.is_unread() {
            self.exchange.body.set(Body::Unread);
        }
    }
}

/// A body that says itself where it ends. When it has, or nobody reads it any more, no more of it is given.
struct Endless {
    payload: Rc<RefCell<Payload>>,
    exchange: Rc<Exchange>,
}

impl Stream for Endless {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut *self.payload.borrow_mut()).poll_next(context);
        if matches!(polled, Poll::Ready(None)) {
            self.exchange.body.set(Body::None);
        }
        polled
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        if self.exchange.body() == Body::Endless {
            self.exchange.body.set(Body::Unread);
        }
    }
}

/// The body of an answer, which says whose turn it is.
pub(super) struct InUse {
    body: BoxBody,
    size: BodySize,
    /// What the body has given and has not been sent: the server copies what it is given at once, so it is given no more
    /// than a piece, and asks for the next when that has been taken.
    rest: Bytes,
    /// Missing where the connection is not known.
    in_flight: Option<InFlight>,
}

impl InUse {
    pub(super) fn new(body: BoxBody, mut in_flight: Option<InFlight>, held: [Option<Held>; 2]) -> Self {
        if let Some(in_flight) = &mut in_flight {
            in_flight.held.extend(held.into_iter().flatten());
        }
        Self { size: body.size(), body, rest: Bytes::new(), in_flight }
    }
}

impl MessageBody for InUse {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        // What was made before has been taken.
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.turn.is_ours();
        }
        let polled = if self.rest.is_empty() {
            Pin::new(&mut self.body).poll_next(context)
        } else {
            Poll::Ready(Some(Ok(std::mem::take(&mut self.rest))))
        };
        let polled = polled.map_ok(|mut piece| {
            if piece.len() > PIECE {
                self.rest = piece.split_off(PIECE);
            }
            piece
        });
        if let (Some(in_flight), true) = (&mut self.in_flight, polled.is_ready()) {
            in_flight.turn.is_the_clients();
        }
        polled
    }
}
