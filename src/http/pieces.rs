//! Answers that are made piece by piece.
//!
//! Ten thousand IDs that forty services claim, or a hundred thousand registrations, are fifty megabytes of answer and a
//! tenth of a second of work. Made at once, they are memory that a client holds for as long as it does not read, and a
//! tenth of a second in which the thread answers nobody else. So such an answer is a list ([`Parts`]) that is written part
//! by part into pieces of [`PIECE`]; the next piece is made when the one before has been taken, and after each, or after a
//! moment ([`SLICE`]), the thread turns to others.
//!
//! All parts are of the one snapshot that was in force when the request came. What fits in one piece, which is most
//! answers, is sent as a whole and with its length; the others are sent in chunks, whose end tells a client that nothing
//! is missing.
//!
//! ```text
//! GET /v1/registrations ── write ── (others) ── write ── piece 1 ── taken ── (others) ── write ── piece 2 ── … ── end
//! ```

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use tokio::task::yield_now;

use super::render;

/// A piece is about so large, some 180 IDs of 350 bytes of answer: a system call for each takes a hundredth of the time.
pub(super) const PIECE: usize = 64 << 10;
/// So long the thread is at it until it turns to others. At a million IDs a second on two cores (docs/performance.md) a
/// piece takes a little less, so this ends only pieces whose IDs take steps.
const SLICE: Duration = Duration::from_micros(500);
/// The clock is looked at after so many parts; of IDs, these take some 16 µs, and to look at it takes 0.03.
const PARTS_BETWEEN_LOOKS: usize = 8;

/// What an answer consists of.
pub(super) trait Parts: Unpin + 'static {
    /// Writes the next part behind what is there, or the end of the answer. Says whether anything follows.
    fn write_next(&mut self, answer: &mut Vec<u8>) -> bool;
}

/// Answers as a whole if it is a piece at most, else piece by piece.
pub(super) async fn answer(parts: impl Parts) -> HttpResponse {
    let mut pieces = Pieces { parts, piece: Vec::new(), is_written: false, others: None };
    while !pieces.write_a_while() {
        yield_now().await;
    }
    if pieces.is_written {
        return render::json(StatusCode::OK, pieces.piece);
    }
    render::json(StatusCode::OK, pieces)
}

struct Pieces<P> {
    parts: P,
    /// What has been written and not been sent.
    piece: Vec<u8>,
    is_written: bool,
    /// Done when others have had their turn.
    others: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl<P: Parts> Pieces<P> {
    /// Writes until a piece is full or nothing follows, which it says, or the time is over.
    fn write_a_while(&mut self) -> bool {
        let began = Instant::now();
        for at in 1.. {
            if self.is_written || self.piece.len() >= PIECE {
                return true;
            }
            if at % PARTS_BETWEEN_LOOKS == 0 && began.elapsed() >= SLICE {
                break;
            }
            self.is_written = !self.parts.write_next(&mut self.piece);
        }
        false
    }
}

impl<P: Parts> MessageBody for Pieces<P> {
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
            let full = self.write_a_while();
            if full && self.piece.is_empty() {
                return Poll::Ready(None);
            }
            self.others = Some(Box::pin(yield_now()));
            if full {
                let piece = std::mem::take(&mut self.piece);
                return Poll::Ready(Some(Ok(piece.into())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    /// Numbers, each so many bytes long.
    struct Numbers {
        next: usize,
        count: usize,
        length: usize,
    }

    impl Parts for Numbers {
        fn write_next(&mut self, answer: &mut Vec<u8>) -> bool {
            if self.next == self.count {
                answer.push(b'.');
                return false;
            }
            answer.extend_from_slice(format!("{:0>1$}", self.next, self.length).as_bytes());
            self.next += 1;
            true
        }
    }

    #[actix_web::test]
    async fn an_answer_is_whole_whether_it_has_one_piece_or_many() {
        for (count, sized) in [(0, true), (1, true), (63, true), (64, false), (65, false), (1_000, false)] {
            let response = answer(Numbers { next: 0, count, length: 1 << 10 }).await;
            assert_eq!(matches!(response.body().size(), BodySize::Sized(_)), sized, "{count}");
            let body = to_bytes(response.into_body()).await.expect("it cannot fail");
            let expected = (0..count).fold(String::new(), |all, at| all + &format!("{at:0>1024}")) + ".";
            assert!(body == expected.as_bytes(), "{count}");
        }
    }

    #[actix_web::test]
    async fn no_more_is_made_than_is_taken() {
        let parts = Numbers { next: 0, count: 1_000, length: 1 << 10 };
        let mut pieces = Pieces { parts, piece: Vec::new(), is_written: false, others: None };
        for taken in 1..4 {
            let piece = std::future::poll_fn(|context| Pin::new(&mut pieces).poll_next(context)).await;
            assert_eq!(piece.expect("more").expect("it cannot fail").len(), PIECE);
            assert_eq!(pieces.parts.next, taken * 64);
        }
    }
}
