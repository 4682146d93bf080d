//! Connections that keep the service waiting.
//!
//! actix-web limits the time for the head of the first request of a connection, for a body (with our limit on the whole
//! request), and for how long a connection is idle. It does not limit a client that has been answered once and then sends
//! half a head, nor, on a Unix socket, one that does not read what it asked for: such connections would pile up. Here
//! they are cut.
//!
//! A connection is always somebody's *turn*. It is ours from the head of a request until its answer is made, and while
//! the answer's body is being made: a handler may wait for something to happen, and a stream may be silent, for as long
//! as they like. It is the client's while we wait for a head, and once a piece of the answer is there and the next has
//! not been asked for, since the server asks for it when the piece before has been taken. Only a client's turn can last
//! too long:
//!
//! ```text
//! opened ── client's ── head ── ours ── piece of the answer ── client's ── taken ── ours ── … ── end ── client's ── …
//! ```
//!
//! When the server is nearly full, who has kept us waiting for longest gives way to who comes: a client that is idle loses
//! nothing but the time of opening another connection, and those that hold all there are to be had (attackers, or a
//! client that forgets to close) cannot keep a probe out, and have the service killed for it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, rt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{Shutdown, shutdown};

use super::exchange::Exchange;

/// One connection in so many is kept free for who comes next. The server stops taking connections when it is full, and
/// would then answer neither a probe nor the Unix socket, which share its threads, until a client hangs up. Those that are
/// accepted before the first of them is known here must fit in as well: at the usual 2,048, 128 do.
const RESERVE: usize = 16;
/// When the server is nearly full, one connection in so many is cut at once. To look for the idlest of 18,750 takes 13 ms
/// (measured in a debug build, with ten times as many as usual): done for each newcomer, that would be the time it waits;
/// done for one in 293, it is 0.05.
const CUT_AT_ONCE: usize = 64;

/// All connections of a server.
#[derive(Debug)]
pub struct Connections {
    known: Mutex<Vec<Weak<Connection>>>,
    longest: Duration,
    room: usize,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// The same socket once more, since the one that is served belongs to the server.
    socket: OwnedFd,
    opened: Instant,
    /// Requests whose turn is ours.
    ours: AtomicUsize,
    /// When it last became the client's turn, in milliseconds since the connection was opened.
    client_since: AtomicU64,
}

impl Connections {
    /// A client's turn may last so long, and less when the server, which takes so many connections, is nearly full.
    #[must_use]
    pub fn new(longest: Duration, capacity: usize) -> Arc<Self> {
        let room = capacity - capacity / RESERVE;
        Arc::new(Self { known: Mutex::default(), longest, room: room.min(capacity.saturating_sub(1)) })
    }

    /// Takes a new connection in; the server keeps the value for as long as the connection lives. One that could not be cut,
    /// since there are no file descriptors to be had, is an error.
    pub fn opened(&self, socket: &impl AsFd) -> io::Result<Arc<Connection>> {
        let socket = socket.as_fd().try_clone_to_owned()?;
        let connection =
            Connection { socket, opened: Instant::now(), ours: AtomicUsize::new(0), client_since: AtomicU64::new(0) };
        let connection = Arc::new(connection);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.room {
            make_room(&mut known, self.room, Instant::now());
        }
        known.push(Arc::downgrade(&connection));
        Ok(connection)
    }

    /// Cuts those that have kept us waiting for too long, and forgets those that are closed. To be called regularly.
    pub fn cut_stalled(&self, now: Instant) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            let stalled = connection.waited(now).is_some_and(|waited| waited > self.longest);
            if stalled {
                tracing::debug!("a client has kept us waiting for too long");
                connection.cut();
            }
            !stalled
        });
    }
}

/// Forgets the connections that are closed and, if that is not enough, cuts those that have kept us waiting for longest.
///
/// Several at a time, since looking for them takes a look at all.
fn make_room(known: &mut Vec<Weak<Connection>>, room: usize, now: Instant) {
    known.retain(|connection| connection.strong_count() > 0);
    if known.len() < room {
        return;
    }
    let waiting = known.iter().filter_map(|connection| {
        let connection = connection.upgrade()?;
        connection.waited(now).map(|waited| (waited, connection))
    });
    let mut waiting: Vec<_> = waiting.collect();
    waiting.sort_unstable_by_key(|(waited, _)| std::cmp::Reverse(*waited));
    waiting.truncate((room / CUT_AT_ONCE).max(1));
    tracing::debug!(cut = waiting.len(), "nearly full: cutting those that have kept us waiting for longest");
    for (_, connection) in &waiting {
        connection.cut();
    }
    known.retain(|connection| waiting.iter().all(|(_, cut)| !std::ptr::eq(connection.as_ptr(), Arc::as_ptr(cut))));
}

impl Connection {
    fn cut(&self) {
        // It may have hung up itself just now.
        let _ = shutdown(&self.socket, Shutdown::Both);
    }

    /// Whether the client has closed its side: as a rule it has gone, and nobody waits for an answer.
    ///
    /// HTTP lets a client close the side that it sends on and still wait. Over TCP one that has gone looks the same until
    /// something is sent to it, and what is dear must not be done for those (`docs/clients.md` says so).
    pub(super) fn has_left(&self) -> bool {
        // Asked of the socket's state, as there may be something in front of its end that nobody has read.
        let mut polled = [PollFd::new(&self.socket, PollFlags::RDHUP)];
        let ends = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        poll(&mut polled, Some(&Timespec::default())).is_ok() && polled[0].revents().intersects(ends)
    }

    /// How long we have been waiting for the client; `None` while it is the client who waits.
    fn waited(&self, now: Instant) -> Option<Duration> {
        if self.ours.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let since = Duration::from_millis(self.client_since.load(Ordering::Relaxed));
        Some(now.saturating_duration_since(self.opened).saturating_sub(since))
    }
}

/// Whose turn it is while a request is in flight. Dropped, it is the client's.
#[derive(Debug)]
pub(super) struct Turn {
    connection: Arc<Connection>,
    ours: bool,
}

impl Turn {
    /// The head of a request is there.
    pub(super) fn ours(connection: Arc<Connection>) -> Self {
        connection.ours.fetch_add(1, Ordering::Relaxed);
        Self { connection, ours: true }
    }

    pub(super) fn is_ours(&mut self) {
        if !self.ours {
            self.ours = true;
            self.connection.ours.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn is_the_clients(&mut self) {
        if self.ours {
            self.ours = false;
            let now = u64::try_from(self.connection.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.connection.client_since.store(now, Ordering::Relaxed);
            self.connection.ours.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.is_the_clients();
    }
}

/// Ends when the client has left, which the server would only notice when it answers; looks as often as it is told.
pub(super) async fn left(request: &HttpRequest, look: Duration) {
    let Some(exchange) = request.conn_data::<Rc<Exchange>>() else { return std::future::pending().await };
    while !exchange.connection().has_left() {
        rt::time::sleep(look).await;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use actix_web::body::{BodySize, BoxBody, MessageBody};
    use actix_web::rt::net::UnixStream;
    use actix_web::web::Bytes;

    use super::super::exchange::{InFlight, InUse};
    use super::*;

    const LONGEST: Duration = Duration::from_secs(60);

    /// The client's end of a connection, ours, and what is known of it.
    struct Scene {
        client: UnixStream,
        _server: UnixStream,
        connections: Arc<Connections>,
        connection: Arc<Connection>,
    }

    impl Scene {
        fn new() -> Self {
            let (client, server) = UnixStream::pair().expect("a pair of sockets");
            let connections = Connections::new(LONGEST, 100);
            let connection = connections.opened(&server).expect("a file descriptor");
            Self { client, _server: server, connections, connection }
        }

        fn ask(&self) -> InFlight {
            Exchange::new(Arc::clone(&self.connection), None).asked()
        }

        /// Whether the connection is kept when nothing more happens for so long. No test waits: it says what time it is.
        fn kept_after(&self, wait: Duration) -> bool {
            self.connections.cut_stalled(Instant::now() + wait);
            !self.connections.known.lock().expect("no test panics with it").is_empty()
        }
    }

    /// Far longer than a turn may last.
    const AGES: Duration = Duration::from_secs(86_400);

    /// A body that is made piece by piece: `None` is a piece that is not there yet.
    struct Pieces(Vec<Option<&'static str>>);

    impl MessageBody for Pieces {
        type Error = std::convert::Infallible;

        fn size(&self) -> BodySize {
            BodySize::Stream
        }

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
            match self.0.pop() {
                None => Poll::Ready(None),
                Some(None) => Poll::Pending,
                Some(Some(piece)) => Poll::Ready(Some(Ok(Bytes::from_static(piece.as_bytes())))),
            }
        }
    }

    fn poll(body: &mut InUse) -> bool {
        Pin::new(body).poll_next(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[actix_web::test]
    async fn who_does_not_ask_is_cut_when_it_is_time() {
        let scene = Scene::new();
        assert!(scene.kept_after(LONGEST / 2));
        assert!(!scene.kept_after(AGES));
        let mut client = scene.client.into_std().expect("a socket");
        client.set_nonblocking(false).expect("a socket");
        assert_eq!(client.read(&mut [0]).expect("the end"), 0);
    }

    #[actix_web::test]
    async fn a_handler_that_waits_is_not_cut() {
        let scene = Scene::new();
        let asked = scene.ask();
        assert!(scene.kept_after(AGES));
        drop(asked);
        assert!(scene.kept_after(LONGEST / 2) && !scene.kept_after(AGES));
    }

    #[actix_web::test]
    async fn a_stream_is_cut_when_its_client_does_not_read_and_not_when_it_is_silent() {
        let scene = Scene::new();
        let pieces = vec![Some("the next"), None, Some("the first")];
        let mut body = InUse::new(BoxBody::new(Pieces(pieces)), Some(scene.ask()), [None, None]);
        assert!(poll(&mut body));
        // Nobody has asked for the next piece.
        assert!(scene.kept_after(LONGEST / 2));
        assert!(!poll(&mut body));
        // It has been asked for and is not there.
        assert!(scene.kept_after(AGES));
        assert!(poll(&mut body));
        assert!(!scene.kept_after(AGES));
    }

    #[actix_web::test]
    async fn when_it_is_nearly_full_the_idlest_gives_way() {
        let connections = Connections::new(LONGEST, 10);
        let mut clients = Vec::new();
        let mut asking = Vec::new();
        for at in 0..30 {
            let (client, server) = UnixStream::pair().expect("a pair of sockets");
            let connection = connections.opened(&server).expect("a file descriptor");
            // The first three wait for an answer; whoever else came before is idler.
            if at < 3 {
                asking.push(Turn::ours(Arc::clone(&connection)));
            }
            clients.push((client, server, connection));
        }
        let is_open = |client: UnixStream| client.into_std().expect("a socket").read(&mut [0]).is_err();
        let ends = clients.into_iter().map(|(client, server, connection)| (is_open(client), server, connection));
        let ends: Vec<_> = ends.collect();
        let open: Vec<usize> = (0..30).filter(|&at| ends[at].0).collect();
        assert_eq!(connections.known.lock().expect("no test panics with it").len(), 9);
        assert_eq!(open, [0, 1, 2, 24, 25, 26, 27, 28, 29]);
    }

    /// However much it has sent before.
    #[actix_web::test]
    async fn who_has_closed_its_side_has_left() {
        let (client, server) = UnixStream::pair().expect("a pair of sockets");
        let connection = Connections::new(LONGEST, 100).opened(&server).expect("a file descriptor");
        assert_eq!(client.try_write(b"GET").expect("sent"), 3);
        assert!(!connection.has_left());
        drop(client);
        assert!(connection.has_left());
    }

    #[actix_web::test]
    async fn of_two_requests_at_a_time_one_is_enough() {
        let scene = Scene::new();
        let (first, second) = (scene.ask(), scene.ask());
        drop(first);
        assert!(scene.kept_after(AGES));
        drop(second);
        assert!(!scene.kept_after(AGES));
    }
}
