use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use actix_web::rt::net::UnixStream;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

use super::super::stalled::Connections;
use super::*;

/// Counts how often it is told to look again.
#[derive(Default)]
struct Told(AtomicUsize);

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A stream, its client, and what the HTTP library would do with it.
struct Scene {
    client: DuplexStream,
    stream: Paced<DuplexStream>,
    told: Arc<Told>,
    _socket: UnixStream,
}

impl Scene {
    async fn with(sent: &[u8]) -> Self {
        // What stands for the socket: of a pair, nobody asks this one anything.
        let (socket, _) = UnixStream::pair().expect("a pair of sockets");
        let connection = Connections::new(Duration::from_secs(60), 100).opened(&socket).expect("a file descriptor");
        let (mut client, io) = duplex(1 << 20);
        client.write_all(sent).await.expect("sent");
        let stream = Paced::new(io, Exchange::new(connection, None));
        Self { client, stream, told: Arc::default(), _socket: socket }
    }

    /// All that is given until there is nothing for the moment.
    fn given(&mut self) -> String {
        let waker = Waker::from(Arc::clone(&self.told));
        let (mut all, mut space) = (Vec::new(), [0; 8 << 10]);
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.stream).poll_read(&mut Context::from_waker(&waker), &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => all.extend_from_slice(buffer.filled()),
                _ => return String::from_utf8(all).expect("UTF-8"),
            }
        }
    }

    /// What the library does at the end of whatever it does; whether it is told to look again.
    fn is_told(&mut self) -> bool {
        let before = self.told.0.load(Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.told));
        let flushed = Pin::new(&mut self.stream).poll_flush(&mut Context::from_waker(&waker));
        assert!(flushed.is_ready());
        self.told.0.load(Ordering::Relaxed) > before
    }
}

#[actix_web::test]
async fn a_head_is_given_when_the_one_before_is_answered() {
    let mut scene = Scene::with(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\nHost: a\n\nGET /3").await;
    assert_eq!(scene.given(), "GET /1 HTTP/1.1\r\n\r\n");
    let first = scene.stream.exchange().asked();
    assert_eq!(scene.given(), "");
    assert!(!scene.is_told());
    drop(first);
    assert!(scene.is_told());
    assert_eq!(scene.given(), "GET /2 HTTP/1.1\nHost: a\n\n");
    // No request was made of it, as of an empty line: the next one may be.
    assert_eq!(scene.given(), "GET /3");
}

#[actix_web::test]
async fn of_a_body_as_much_is_given_as_is_awaited() {
    let mut scene = Scene::with(b"POST / HTTP/1.1\r\n\r\n{\n\n}GET").await;
    scene.given();
    let asked = scene.stream.exchange().asked();
    asked.awaits(Body::Sized(4));
    assert_eq!(scene.given(), "{\n\n}");
    assert_eq!(scene.given(), "");
    drop(asked);
    assert_eq!(scene.given(), "GET");
}

/// Counted among what comes of heads, it left none for the next one, which was answered before it came.
#[actix_web::test]
async fn a_body_that_says_where_it_ends_takes_nothing_of_the_next_head() {
    let body = [&b"10000\r\n"[..], &vec![b'\n'; 1 << 16], b"\r\n0\r\n\r\n"].concat();
    let mut scene = Scene::with(&[b"POST / HTTP/1.1\r\n\r\n", &body[..], b"GET /2 HTTP/1.1\r\n\r\n"].concat()).await;
    scene.given();
    let asked = scene.stream.exchange().asked();
    asked.awaits(Body::Endless);
    let mut come = 0;
    while come < body.len() {
        come += scene.given().len();
    }
    assert_eq!(come, body.len());
    asked.awaits(Body::None);
    drop(asked);
    assert_eq!(scene.given(), "GET /2 HTTP/1.1\r\n\r\n");
}

#[actix_web::test]
async fn what_nobody_reads_waits_for_the_answer() {
    let mut scene = Scene::with(&[b"POST / HTTP/1.1\r\n\r\n", &*vec![b' '; 100_000]].concat()).await;
    scene.given();
    let asked = scene.stream.exchange().asked();
    asked.awaits(Body::Unread);
    assert_eq!(scene.given(), "");
    drop(asked);
    let mut thrown_away = 0;
    while thrown_away < 100_000 {
        let given = scene.given().len();
        assert!(given <= LOOK, "{given} bytes at a time");
        thrown_away += given;
    }
}

#[actix_web::test]
async fn a_head_that_does_not_end_is_given_no_further() {
    let mut scene = Scene::with(&vec![b'a'; 40_000]).await;
    let mut given = 0;
    while !scene.stream.over {
        given += scene.given().len();
    }
    assert_eq!(given, HEAD);
    let mut answer = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut scene.client, &mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 431");
}
