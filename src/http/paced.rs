//! The stream under the HTTP library, which gives no more at a time than is wanted.
//!
//! actix-http reads whatever there is, some 256 KiB of a connection, whether or not it has answered before and whether or not
//! anybody reads its answers; and of what it has read it makes requests until nothing is left, some 2.6 KB for each of 20
//! bytes. Thirty connections that went on asking and read nothing took 512 MiB. Nothing of that can be set. So its reads are
//! paced from below:
//!
//! ```text
//! head ──── whole ── nothing ── answered and taken ── head ──── …
//!   │         └ but the body that is awaited ┘
//!   └ 31 KiB and no end: 431
//! ```
//!
//! Where a head ends need not be known for that, only where it *may* end: every head ends with an empty line, so that no more
//! than one request can be made of what is given up to the next one. What comes behind is kept here ([`READ`]) until it is
//! wanted. What the library then reads is its own affair: were it to see other requests in it, they would wait for each other
//! all the same. Which body is awaited, and when an answer is made, is told by who sees requests ([`Exchange`]).
//!
//! The library reads until there is nothing for the moment, so to be given no more it is told so, and woken. It flushes at
//! the end of whatever it does but throwing away: that is when it is looked whether something is wanted again. Mostly the
//! next head is, and has not come: then that is found here, as to have the library look once more costs a sixth of a question.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::web::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::exchange::{Body, Exchange};
use crate::telemetry;

/// So much of heads is read at a time, and so much may have to be kept: of 2,048 connections, 2 MB. A question with its head
/// is half of it.
const READ: usize = 1 << 10;
/// The longest head. The library's buffer doubles when less than 1 KiB of it is free, so that it stays at 32 KiB: of 2,048
/// connections 64 MB. Servers and proxies take heads of 8 to 32 KiB.
const HEAD: usize = 31 << 10;
/// So much of a body is given at a time, for the same reason: what of it is read is taken out of the buffer before the next.
const LOOK: usize = 16 << 10;
/// What is answered to a head that does not end.
const TOO_LARGE: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A stream that is read at the pace at which its requests are answered.
#[derive(Debug)]
pub struct Paced<T> {
    io: T,
    exchange: Rc<Exchange>,
    /// What has come and was not wanted yet.
    rest: Bytes,
    /// How reading has failed that was not asked for.
    failed: Option<io::Error>,
    line: Line,
    /// How much of a head has been given.
    head: usize,
    /// How many requests there had been then.
    requests: u64,
    /// How much has been given since the library was last told that there is nothing for the moment.
    given: usize,
    /// It was told so because nothing is wanted, and will not hear otherwise from the operating system.
    held_back: bool,
    /// The client has not taken what there is of an answer.
    unread: bool,
    /// A head did not end: nothing more is read.
    over: bool,
}

/// Where in the end of a head one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Within,
    Ended,
    /// A carriage return behind the end of a line.
    Returned,
}

/// What is wanted of the client.
enum Wanted {
    Nothing,
    Head,
    /// A body that has its end in itself.
    Chunks,
    /// So many bytes.
    Bytes(usize),
}

impl<T> Paced<T> {
    /// A stream on which nothing has happened yet.
    pub const fn new(io: T, exchange: Rc<Exchange>) -> Self {
        Self {
            io,
            exchange,
            rest: Bytes::new(),
            failed: None,
            line: Line::Within,
            head: 0,
            requests: 0,
            given: 0,
            held_back: false,
            unread: false,
            over: false,
        }
    }

    /// What is under way on it.
    pub const fn exchange(&self) -> &Rc<Exchange> {
        &self.exchange
    }

    fn wanted(&self) -> Wanted {
        match (self.exchange.is_in_flight(), self.exchange.body()) {
            (true, Body::Sized(bytes)) => Wanted::Bytes(usize::try_from(bytes).unwrap_or(usize::MAX)),
            (true, Body::Endless) => Wanted::Chunks,
            (true, Body::None | Body::Unread) => Wanted::Nothing,
            (false, Body::None) if self.unread => Wanted::Nothing,
            (false, Body::None) => Wanted::Head,
            (false, _) => Wanted::Bytes(usize::MAX),
        }
    }

    /// How many of these bytes there are up to where a head may end, if it may.
    fn end_of_head(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            self.line = match (self.line, byte) {
                (Line::Ended | Line::Returned, b'\n') => {
                    self.line = Line::Within;
                    return Some(at + 1);
                }
                (_, b'\n') => Line::Ended,
                (Line::Ended, b'\r') => Line::Returned,
                _ => Line::Within,
            };
        }
        None
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Paced<T> {
    /// Reads what was kept, or what has come.
    fn read(&mut self, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.rest.is_empty() {
            let mut buffer = ReadBuf::new(into);
            ready!(Pin::new(&mut self.io).poll_read(context, &mut buffer))?;
            return Poll::Ready(Ok(buffer.filled().len()));
        }
        let count = self.rest.len().min(into.len());
        into[..count].copy_from_slice(&self.rest.split_to(count));
        Poll::Ready(Ok(count))
    }

    /// Gives bytes of a body.
    fn give(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>, most: usize) -> Poll<io::Result<()>> {
        let room = buffer.remaining().min(most).min(LOOK - self.given);
        let count = ready!(self.read(context, buffer.initialize_unfilled_to(room)))?;
        buffer.advance(count);
        self.given += count;
        self.exchange.has_come(count as u64);
        Poll::Ready(Ok(()))
    }

    /// Gives bytes up to where a head may end, behind which nothing is given until it has been looked at.
    fn give_head(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>, most: usize) -> Poll<io::Result<()>> {
        let room = buffer.remaining().min(most).min(READ);
        let into = buffer.initialize_unfilled_to(room);
        let mut count = ready!(self.read(context, into))?;
        let end = self.end_of_head(&into[..count]);
        if let Some(end) = end {
            if end < count {
                self.rest = [&into[end..count], &self.rest].concat().into();
            }
            count = end;
        }
        buffer.advance(count);
        self.head += count;
        self.given = if end.is_some() { LOOK } else { self.given + count };
        Poll::Ready(Ok(()))
    }

    /// Whether there is something to be read. If not, whoever reads is told when there is.
    fn has_something(&mut self, context: &mut Context<'_>) -> bool {
        if !self.rest.is_empty() {
            return true;
        }
        let mut space = [0; READ];
        let mut buffer = ReadBuf::new(&mut space);
        let polled = Pin::new(&mut self.io).poll_read(context, &mut buffer);
        self.rest = Bytes::copy_from_slice(buffer.filled());
        match polled {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => self.failed = Some(error),
        }
        true
    }

    /// Answers a head that does not end, and is at an end.
    fn refuse_head(&mut self, context: &mut Context<'_>) {
        telemetry::count_malformed();
        self.over = true;
        self.rest = Bytes::new();
        // Nothing else is on its way, so that these few bytes are taken, or the client has gone.
        let _ = Pin::new(&mut self.io).poll_write(context, TOO_LARGE);
        let _ = Pin::new(&mut self.io).poll_flush(context);
        // A connection that is closed with something unread is reset, and the answer may be lost with it.
        let mut thrown_away = [0; LOOK];
        for _ in 0..8 {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            let read = Pin::new(&mut self.io).poll_read(context, &mut buffer);
            if !matches!(read, Poll::Ready(Ok(()))) || buffer.filled().is_empty() {
                break;
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Paced<T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(Ok(()));
        }
        if this.given >= LOOK {
            this.given = 0;
            match this.wanted() {
                Wanted::Bytes(_) => context.waker().wake_by_ref(),
                Wanted::Nothing | Wanted::Head | Wanted::Chunks => this.held_back = true,
            }
            return Poll::Pending;
        }
        if let Some(error) = this.failed.take() {
            return Poll::Ready(Err(error));
        }
        if this.requests != this.exchange.requests() {
            (this.requests, this.head, this.line) = (this.exchange.requests(), 0, Line::Within);
        }
        let polled = match this.wanted() {
            Wanted::Nothing => {
                this.held_back = true;
                Poll::Pending
            }
            Wanted::Head if this.head >= HEAD => {
                this.refuse_head(context);
                Poll::Ready(Ok(()))
            }
            Wanted::Head => this.give_head(context, buffer, HEAD - this.head),
            Wanted::Chunks => {
                let polled = this.give_head(context, buffer, LOOK);
                // It was no head: the next one has all the room that there is.
                this.head = 0;
                polled
            }
            Wanted::Bytes(most) => this.give(context, buffer, most),
        };
        if polled.is_pending() {
            this.given = 0;
        }
        polled
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write(context, bytes);
        this.unread = polled.is_pending();
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held_back && !matches!(this.wanted(), Wanted::Nothing) {
            this.held_back = false;
            if this.has_something(context) {
                context.waker().wake_by_ref();
            }
        }
        this.exchange.sent();
        Pin::new(&mut this.io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
