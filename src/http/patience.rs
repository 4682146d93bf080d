//! Connections that keep the service waiting.
//!
//! actix-web limits the time for the head of the first request of a connection, for a body (with our limit on the whole
//! request), and for how long a connection is idle. It does not limit a client that has been answered once and then sends
//! half a head: such connections would pile up. Here they are cut.

use std::any::Any;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::rt::net::{TcpStream, UnixStream};
use rustix::net::{Shutdown, shutdown};

/// All connections of a service.
#[derive(Debug)]
pub struct Connections {
    known: Mutex<Vec<Weak<Connection>>>,
    longest: Duration,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// The same socket once more, since the one that is served belongs to the server.
    socket: OwnedFd,
    opened: Instant,
    /// Requests whose heads have come and whose answers have not been made.
    in_flight: AtomicUsize,
    /// When the last answer was made, in milliseconds since the connection was opened.
    answered: AtomicU64,
}

impl Connections {
    /// Connections may take so long from one answer to the head of the next request.
    #[must_use]
    pub fn new(longest: Duration) -> Arc<Self> {
        Arc::new(Self { known: Mutex::default(), longest })
    }

    /// Takes a new connection in; the server keeps the value for as long as the connection lives. `None` for a kind of
    /// stream that is not known, and when there are no file descriptors to be had.
    pub fn opened(&self, stream: &dyn Any) -> Option<Arc<Connection>> {
        let socket = socket_of(stream)?;
        let connection =
            Connection { socket, opened: Instant::now(), in_flight: AtomicUsize::new(0), answered: AtomicU64::new(0) };
        let connection = Arc::new(connection);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&connection));
        Some(connection)
    }

    /// Cuts those that have kept us waiting for too long, and forgets those that are closed. To be called regularly.
    pub fn cut_stalled(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            let stalled = connection.waited().is_some_and(|waited| waited > self.longest);
            if stalled {
                tracing::debug!("a client has kept us waiting for too long");
                // It may have hung up itself just now.
                let _ = shutdown(&connection.socket, Shutdown::Both);
            }
            !stalled
        });
    }
}

impl Connection {
    /// The head of a request is there. It is answered when the value is dropped.
    pub(super) fn asked(self: Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// How long we have been waiting for a request; `None` while it is the client who waits.
    fn waited(&self) -> Option<Duration> {
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let answered = Duration::from_millis(self.answered.load(Ordering::Relaxed));
        Some(self.opened.elapsed().saturating_sub(answered))
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Connection>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let now = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.answered.store(now, Ordering::Relaxed);
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn socket_of(stream: &dyn Any) -> Option<OwnedFd> {
    let plain = || stream.downcast_ref::<TcpStream>().map(AsFd::as_fd);
    let encrypted = || stream.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0.as_fd());
    let local = || stream.downcast_ref::<UnixStream>().map(AsFd::as_fd);
    plain().or_else(encrypted).or_else(local)?.try_clone_to_owned().ok()
}
