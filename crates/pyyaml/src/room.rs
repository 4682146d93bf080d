//! Memory that one reading leaves to the next on the same thread.
//!
//! A text needs two lists that grow to some kilobytes, of its nodes and of the tokens that stand behind what may be a key (of JSON on
//! one line, all). Where a million registrations are read one after the other, and something of each is kept, an allocator
//! searches for such a piece ever longer among the gaps that are left: glibc told to keep them at hand (`tcache_max`) took 21.5 s for
//! 28.7 to have a million loaded, one run each.

use std::cell::Cell;
use std::collections::VecDeque;
use std::thread::LocalKey;

use super::graph::Node;
use super::token::Token;

/// So many nodes, and so many tokens, are kept room for: as many as a text of some six kilobytes has. Of a larger one it is given back.
const MOST: usize = 512;

thread_local! {
    static NODES: Cell<Vec<Node<'static>>> = const { Cell::new(Vec::new()) };
    static TOKENS: Cell<Vec<Token<'static>>> = const { Cell::new(Vec::new()) };
}

/// Room for nodes.
pub(super) fn for_nodes<'a>() -> Vec<Node<'a>> {
    taken(&NODES)
}

/// Leaves to the next what nodes stood in.
pub(super) fn leave_nodes(nodes: Vec<Node<'_>>) {
    leave(&NODES, nodes);
}

/// Room for tokens.
pub(super) fn for_tokens<'a>() -> VecDeque<Token<'a>> {
    taken(&TOKENS).into()
}

/// Leaves to the next what tokens stood in.
pub(super) fn leave_tokens(tokens: VecDeque<Token<'_>>) {
    leave(&TOKENS, tokens.into());
}

fn taken<S, T>(key: &'static LocalKey<Cell<Vec<S>>>) -> Vec<T> {
    // A thread that ends may be reading still.
    key.try_with(|room| emptied(room.take())).unwrap_or_default()
}

fn leave<S, T>(key: &'static LocalKey<Cell<Vec<S>>>, used: Vec<T>) {
    if used.capacity() <= MOST {
        let _ = key.try_with(|room| room.set(emptied(used)));
    }
}

/// An empty list where another one was. It is the same memory: the standard library collects in place what has the same layout. If it
/// ever ceases to, this is as slow as a new list.
fn emptied<S, T>(mut used: Vec<S>) -> Vec<T> {
    used.clear();
    used.into_iter().map(|_| unreachable!("it is empty")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_leaves_the_next_finds_unless_it_is_much() {
        let room: Vec<Node<'_>> = Vec::with_capacity(MOST);
        let place = room.as_ptr().cast::<u8>();
        leave_nodes(room);
        let found = for_nodes();
        assert_eq!((found.as_ptr().cast::<u8>(), found.capacity(), found.len()), (place, MOST, 0));
        leave_nodes(Vec::with_capacity(MOST + 1));
        assert_eq!(for_nodes().capacity(), 0);
    }
}
