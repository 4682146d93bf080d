//! All prefixes of a text among many, in one walk.

use super::position::{KeyId, NodeId};

/// A radix tree over byte strings, laid out for few cache misses: a node is sixteen bytes and holds its label, and a
/// node's children stand side by side, followed by what is below them.
#[derive(Debug, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

const LABEL: usize = 6;

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// Where the children begin, if there are any.
    children: Option<NodeId>,
    /// The key that ends here.
    key: Option<KeyId>,
    /// How many children there are. No byte of UTF-8 is 255, so they are fewer than that.
    count: u8,
    length: u8,
    label: [u8; LABEL],
}

/// A node to be filled with what stands behind `depth` bytes that all these keys share; `first` is the index of the first.
#[derive(Clone, Copy)]
struct Part<'k> {
    node: usize,
    keys: &'k [&'k [u8]],
    first: usize,
    depth: usize,
}

impl Trie {
    /// The tree of keys in ascending order, all different. A key is known by its position.
    pub(super) fn new(keys: &[&[u8]]) -> Self {
        let mut trie = Self { nodes: vec![Node::default()] };
        // Not by recursion: a key may be as long as a sender is in a stranger's file.
        let mut todo = vec![Part { node: 0, keys, first: 0, depth: 0 }];
        while let Some(part) = todo.pop() {
            trie.fill(part, &mut todo);
        }
        trie
    }

    /// Fills a node, and notes its children to be filled, the first of them next.
    fn fill<'k>(&mut self, part: Part<'k>, todo: &mut Vec<Part<'k>>) {
        let Part { node, keys, first, depth } = part;
        let (keys, mut first) = match keys.split_first() {
            Some((shortest, rest)) if shortest.len() == depth => {
                self.nodes[node].key = Some(KeyId::new(first));
                (rest, first + 1)
            }
            _ => (keys, first),
        };
        let children: Vec<&[&[u8]]> = keys.chunk_by(|a, b| a[depth] == b[depth]).collect();
        if children.is_empty() {
            return;
        }
        let start = self.nodes.len();
        self.nodes[node].children = Some(NodeId::new(start));
        self.nodes[node].count = small(children.len());
        self.nodes.resize(start + children.len(), Node::default());
        let done = todo.len();
        for (at, keys) in (start..).zip(children) {
            let shared = shared_label(keys, depth);
            let label = &keys[0][depth..depth + shared];
            self.nodes[at].label[..shared].copy_from_slice(label);
            self.nodes[at].length = small(shared);
            todo.push(Part { node: at, keys, first, depth: depth + shared });
            first += keys.len();
        }
        todo[done..].reverse();
    }

    /// Visits each key that the text begins with, shortest first: the key's length and number.
    pub(super) fn prefixes(&self, text: &[u8], mut visit: impl FnMut(usize, KeyId)) {
        let Some(mut node) = self.nodes.first() else { return };
        let mut depth = 0;
        loop {
            if let Some(key) = node.key {
                visit(depth, key);
            }
            let rest = &text[depth..];
            let (Some(&first), Some(children)) = (rest.first(), node.children) else { return };
            let children = &self.nodes[children.index()..][..node.count.into()];
            let Some(child) = children.iter().find(|child| child.label[0] == first) else { return };
            let length = usize::from(child.length);
            if rest.len() < length || rest[1..length] != child.label[1..length] {
                return;
            }
            depth += length;
            node = child;
        }
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
    }
}

/// A number of children, fewer than there are bytes, or the length of a label.
fn small(count: usize) -> u8 {
    u8::try_from(count).expect("fewer than 256 children, and a label of a few bytes")
}

/// How many bytes from `depth` on these keys, in ascending order, have in common: at least one, at most a label.
fn shared_label(keys: &[&[u8]], depth: usize) -> usize {
    let (first, last) = (&keys[0][depth..], &keys[keys.len() - 1][depth..]);
    first.iter().zip(last).take(LABEL).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn yields_exactly_the_prefixes(
            keys in prop::collection::btree_set("[ab]{0,12}", 0..40),
            text in "[ab]{0,16}",
        ) {
            let keys: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
            let mut found = Vec::new();
            Trie::new(&keys).prefixes(text.as_bytes(), |length, key| found.push((length, key.index())));
            let expected: Vec<(usize, usize)> =
                (0..).zip(&keys).filter(|(_, key)| text.as_bytes().starts_with(key)).map(|(at, key)| (key.len(), at)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
