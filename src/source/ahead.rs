//! Reading ahead: while what was read is worked on, what comes next is read.
//!
//! What is read comes from a disk or a network, which is waited for, and what is made of it takes all cores. One after the other, each
//! would wait for the other.

use std::sync::mpsc::sync_channel;
use std::thread;

/// So much of what was read may lie there while what was read before it is worked on: one turn, so that whoever reads is never more
/// than two turns ahead, which is what bounds the memory.
const AHEAD: usize = 1;

/// Reads each turn and takes it, in their order, until one cannot be taken.
pub(super) fn each_read_ahead<T: Sync, R: Send, E>(
    turns: &[T],
    read: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    let [first, rest @ ..] = turns else { return Ok(()) };
    if rest.is_empty() {
        return take(first, read(first));
    }
    thread::scope(|scope| {
        let (sender, were_read) = sync_channel(AHEAD);
        let reads = || {
            let sender = sender;
            // Once nobody takes any more, no more is read.
            let _ = turns.iter().try_for_each(|turn| sender.send(read(turn)));
        };
        // Where no thread can be started, what it would have sent is read here.
        let _ = thread::Builder::new().name("reads-ahead".to_owned()).spawn_scoped(scope, reads);
        turns.iter().try_for_each(|turn| take(turn, were_read.recv().unwrap_or_else(|_| read(turn))))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn everything_is_taken_in_order_and_read_once() {
        for count in 0..5 {
            let turns: Vec<usize> = (0..count).collect();
            let (reads, mut taken) = (AtomicUsize::new(0), Vec::new());
            let read = |turn: &usize| {
                reads.fetch_add(1, Ordering::Relaxed);
                turn * 2
            };
            let all = each_read_ahead(&turns, read, |turn, read| {
                taken.push((*turn, read));
                Ok::<(), ()>(())
            });
            assert_eq!(all, Ok(()));
            assert!(taken.into_iter().eq((0..count).map(|turn| (turn, turn * 2))));
            assert_eq!(reads.into_inner(), count);
        }
    }

    #[test]
    fn nothing_is_read_far_beyond_what_cannot_be_taken() {
        let turns: Vec<usize> = (0..1_000).collect();
        let reads = AtomicUsize::new(0);
        let read = |_: &usize| {
            reads.fetch_add(1, Ordering::Relaxed);
        };
        let taken = each_read_ahead(&turns, read, |turn, ()| if *turn == 3 { Err(*turn) } else { Ok(()) });
        assert_eq!(taken, Err(3));
        // Those that were taken, the one after, that which lies there, and the one that was being read.
        assert!(reads.into_inner() <= 4 + AHEAD + 1);
    }
}
