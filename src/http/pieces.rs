//! Answers that are made piece by piece.
//!
//! Ten thousand IDs that forty services claim, or a hundred thousand registrations, are fifty megabytes of answer and a
//! tenth of a second of work. Made at once, they are memory that a client holds for as long as it does not read, and a
//! tenth of a second in which the thread answers nobody else. So such an answer is a list ([`Parts`]) that is written part
//! by part into pieces of [`PIECE`]. What can be written in a moment ([`SLICE`]), as most answers can, is; the rest is
//! written [aside](super::aside), each piece when the one before has been taken.
//!
//! All parts are of the one snapshot that was in force when the request came. What fits in one piece, which is most
//! answers, is sent as a whole and with its length; the others are sent in chunks, whose end tells a client that nothing
//! is missing.
//!
//! ```text
//! answers  GET /v1/registrations ── write a slice ┐      ┌ piece 1 ── taken ┐      ┌ piece 2 ── … ── end
//! aside                                           └ write ┘                 └ write ┘
//! ```
//!
//! A part may turn out to be *hard* ([`Next::Hard`]): it is then written by itself, among others of that sort, and the
//! answer begins to be sent, lest it takes longer to begin than a request may.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::web::Bytes;

use super::aside::{Aside, NotDone};
use super::{ApiError, render};

/// A piece is about so large, some 180 IDs of 350 bytes of answer: a system call for each takes a hundredth of the time.
pub(super) const PIECE: usize = 64 << 10;
/// So long the thread that answers is at it. To have the rest done elsewhere costs some 20 µs for each piece, so that
/// less would make short lists of IDs slower, and more would be felt by those who ask a single question in 50.
const SLICE: Duration = Duration::from_micros(100);
/// The clock is looked at after so many parts; of IDs, these take some 8 µs, and to look at it takes 0.03.
const PARTS_BETWEEN_LOOKS: usize = 8;

/// What an answer consists of.
pub(super) trait Parts: Send + Unpin + 'static {
    /// Writes the next part behind what is there, or the end of the answer.
    fn write_next(&mut self, answer: &mut Vec<u8>, effort: Effort) -> Next;
}

/// How long may be spent on one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// A moment. What takes longer is [`Next::Hard`].
    Moment,
    /// As long as it takes.
    Whatever,
}

/// What has come of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is written, and another follows.
    More,
    /// It is written, and it was the last.
    End,
    /// Nothing is written, since it would take longer than a moment.
    Hard,
}

/// Why no more was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The piece is full.
    Full,
    /// Nothing follows.
    End,
    /// There is no time left.
    Late,
    /// The next part is hard.
    Hard,
}

/// Answers as a whole if it is a piece at most, else piece by piece.
pub(super) async fn answer(aside: &Arc<Aside>, mut parts: impl Parts) -> Result<HttpResponse, ApiError> {
    let mut piece = Vec::new();
    let mut stop = write_a_while(&mut parts, &mut piece, Some(SLICE));
    if stop == Stop::Late {
        (parts, piece, stop) = written(aside, parts, piece, stop).await.map_err(ApiError::from)?;
    }
    if stop == Stop::End {
        return Ok(render::json(StatusCode::OK, piece));
    }
    let rest = Rest::NotBegun { parts, stop };
    Ok(render::json(StatusCode::OK, Pieces { aside: Arc::clone(aside), piece, rest }))
}

/// Writes until a piece is full, nothing follows, a part is hard, or the time is over.
fn write_a_while(parts: &mut impl Parts, piece: &mut Vec<u8>, time: Option<Duration>) -> Stop {
    let began = Instant::now();
    for at in 1.. {
        if piece.len() >= PIECE {
            break;
        }
        if at % PARTS_BETWEEN_LOOKS == 0 && time.is_some_and(|time| began.elapsed() >= time) {
            return Stop::Late;
        }
        match parts.write_next(piece, Effort::Moment) {
            Next::More => {}
            Next::End => return Stop::End,
            Next::Hard => return Stop::Hard,
        }
    }
    Stop::Full
}

/// Writes on where it was stopped, aside: a hard part by itself, or others until the piece is full.
async fn written<P: Parts>(
    aside: &Aside,
    mut parts: P,
    mut piece: Vec<u8>,
    stop: Stop,
) -> Result<(P, Vec<u8>, Stop), NotDone> {
    if stop == Stop::Hard {
        let write = move || {
            let end = parts.write_next(&mut piece, Effort::Whatever) == Next::End;
            (parts, piece, if end { Stop::End } else { Stop::Late })
        };
        return aside.hard(write).await;
    }
    let write = move || {
        let stop = write_a_while(&mut parts, &mut piece, None);
        (parts, piece, stop)
    };
    aside.long(write).await
}

/// The next piece: what has been written so far, and what follows.
async fn next_piece<P: Parts>(
    aside: Arc<Aside>,
    mut parts: P,
    mut piece: Vec<u8>,
    mut stop: Stop,
) -> Result<(P, Vec<u8>, Stop), NotDone> {
    loop {
        (parts, piece, stop) = written(&aside, parts, piece, stop).await?;
        if matches!(stop, Stop::Full | Stop::End) {
            return Ok((parts, piece, stop));
        }
    }
}

/// An answer that is being sent.
struct Pieces<P> {
    aside: Arc<Aside>,
    /// What has been written and not been sent.
    piece: Vec<u8>,
    rest: Rest<P>,
}

type Writing<P> = Pin<Box<dyn Future<Output = Result<(P, Vec<u8>, Stop), NotDone>>>>;

/// What of an answer has not been written.
enum Rest<P> {
    /// Nobody is at it.
    NotBegun { parts: P, stop: Stop },
    /// The next piece is being written.
    Writing(Writing<P>),
    /// All is written.
    Over,
}

impl<P: Parts> MessageBody for Pieces<P> {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Self { aside, piece, rest } = &mut *self;
        if !piece.is_empty() && !matches!(rest, Rest::Writing(_)) {
            return Poll::Ready(Some(Ok(std::mem::take(piece).into())));
        }
        *rest = match std::mem::replace(rest, Rest::Over) {
            Rest::Over => return Poll::Ready(None),
            Rest::NotBegun { parts, stop } => {
                Rest::Writing(Box::pin(next_piece(Arc::clone(aside), parts, std::mem::take(piece), stop)))
            }
            writing @ Rest::Writing(_) => writing,
        };
        let Rest::Writing(writing) = rest else { return Poll::Ready(None) };
        // A client is told that the answer is not whole by its missing end.
        let (parts, written, stop) = ready!(writing.as_mut().poll(context))
            .map_err(|NotDone| std::io::Error::other("an answer could not be written to its end"))?;
        *rest = if stop == Stop::End { Rest::Over } else { Rest::NotBegun { parts, stop } };
        Poll::Ready((!written.is_empty()).then(|| Ok(written.into())))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    /// Numbers, each so many bytes long, of which every one in so many is hard.
    struct Numbers {
        next: usize,
        count: usize,
        length: usize,
        hard: usize,
    }

    impl Numbers {
        fn new(count: usize, hard: usize) -> Self {
            Self { next: 0, count, length: 1 << 10, hard }
        }
    }

    impl Parts for Numbers {
        fn write_next(&mut self, answer: &mut Vec<u8>, effort: Effort) -> Next {
            if self.next == self.count {
                answer.push(b'.');
                return Next::End;
            }
            let on_its_own = std::thread::current().name().is_some_and(|name| name.starts_with("hard"));
            assert_eq!(effort == Effort::Whatever, on_its_own, "what is hard is done among what is hard");
            if effort == Effort::Moment && self.next % self.hard == self.hard - 1 {
                return Next::Hard;
            }
            answer.extend_from_slice(format!("{:0>1$}", self.next, self.length).as_bytes());
            self.next += 1;
            Next::More
        }
    }

    #[actix_web::test]
    async fn an_answer_is_whole_whether_it_has_one_piece_or_many() {
        let aside = Arc::new(Aside::start().expect("threads"));
        for hard in [usize::MAX, 50, 7, 1] {
            for (count, sized) in [(0, true), (1, true), (63, true), (64, false), (65, false), (1_000, false)] {
                let response = answer(&aside, Numbers::new(count, hard)).await.expect("an answer");
                let any_hard = count >= hard;
                let is_sized = matches!(response.body().size(), BodySize::Sized(_));
                assert_eq!(is_sized, sized && !any_hard, "{count}, {hard}");
                let body = to_bytes(response.into_body()).await.expect("it cannot fail");
                let expected = (0..count).fold(String::new(), |all, at| all + &format!("{at:0>1024}")) + ".";
                assert!(body == expected.as_bytes(), "{count}, {hard}");
            }
        }
    }

    #[actix_web::test]
    async fn no_more_is_made_than_is_taken() {
        let aside = Arc::new(Aside::start().expect("threads"));
        let rest = Rest::NotBegun { parts: Numbers::new(1_000, usize::MAX), stop: Stop::Late };
        let mut pieces = Pieces { aside, piece: Vec::new(), rest };
        for taken in 1..4 {
            let piece = std::future::poll_fn(|context| Pin::new(&mut pieces).poll_next(context)).await;
            assert_eq!(piece.expect("more").expect("it cannot fail").len(), PIECE);
            let Rest::NotBegun { parts, .. } = &pieces.rest else { panic!("somebody is at it") };
            assert_eq!(parts.next, taken * 64);
        }
    }

    /// What cannot be written to its end is not taken for an answer that ends there.
    #[actix_web::test]
    async fn an_answer_that_breaks_off_has_no_end() {
        struct Broken;
        impl Parts for Broken {
            fn write_next(&mut self, answer: &mut Vec<u8>, effort: Effort) -> Next {
                assert_eq!(effort, Effort::Moment, "this is part of the test");
                answer.push(b'x');
                if answer.len() == 1 { Next::More } else { Next::Hard }
            }
        }
        let aside = Arc::new(Aside::start().expect("threads"));
        let response = answer(&aside, Broken).await.expect("it begins");
        assert!(to_bytes(response.into_body()).await.is_err());
    }
}
