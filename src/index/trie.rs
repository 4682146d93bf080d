//! All prefixes of a text among many, in one walk.

/// A radix tree over byte strings, laid out for few cache misses: a node is sixteen bytes and holds its label, and a
/// node's children stand side by side, followed by what is below them.
#[derive(Debug, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

const LABEL: usize = 6;

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// Where the children begin.
    children: u32,
    /// One more than the number of the key that ends here; 0 if none does.
    key: u32,
    /// How many children there are. No byte of UTF-8 is 255, so they are fewer than that.
    count: u8,
    length: u8,
    label: [u8; LABEL],
}

/// A node to be filled with what stands behind `depth` bytes that all these keys share; the first is number `number`.
#[derive(Clone, Copy)]
struct Part<'k> {
    node: usize,
    keys: &'k [&'k [u8]],
    number: u32,
    depth: usize,
}

impl Trie {
    /// The tree of keys in ascending order, all different. A key is known by its position.
    pub(super) fn new(keys: &[&[u8]]) -> Self {
        let mut trie = Self { nodes: vec![Node::default()] };
        // Not by recursion: a key may be as long as a sender is in a stranger's file.
        let mut todo = vec![Part { node: 0, keys, number: 0, depth: 0 }];
        while let Some(part) = todo.pop() {
            trie.fill(part, &mut todo);
        }
        trie
    }

    /// Fills a node, and notes its children to be filled, the first of them next.
    fn fill<'k>(&mut self, part: Part<'k>, todo: &mut Vec<Part<'k>>) {
        let Part { node, keys, number, depth } = part;
        let (keys, number) = match keys.split_first() {
            Some((first, rest)) if first.len() == depth => {
                self.nodes[node].key = number + 1;
                (rest, number + 1)
            }
            _ => (keys, number),
        };
        let children: Vec<&[&[u8]]> = keys.chunk_by(|a, b| a[depth] == b[depth]).collect();
        let start = self.nodes.len();
        self.nodes[node].children = u32::try_from(start).unwrap_or(u32::MAX);
        self.nodes[node].count = u8::try_from(children.len()).unwrap_or(u8::MAX);
        self.nodes.resize(start + children.len(), Node::default());
        let mut number = number;
        let first = todo.len();
        for (at, keys) in (start..).zip(children) {
            let shared = shared_label(keys, depth);
            let label = &keys[0][depth..depth + shared];
            self.nodes[at].label[..shared].copy_from_slice(label);
            self.nodes[at].length = u8::try_from(shared).unwrap_or(u8::MAX);
            todo.push(Part { node: at, keys, number, depth: depth + shared });
            number += u32::try_from(keys.len()).unwrap_or(u32::MAX);
        }
        todo[first..].reverse();
    }

    /// Visits each key that the text begins with, shortest first: the key's length and number.
    pub(super) fn prefixes(&self, text: &[u8], mut visit: impl FnMut(usize, u32)) {
        let Some(mut node) = self.nodes.first() else { return };
        let mut depth = 0;
        loop {
            if node.key != 0 {
                visit(depth, node.key - 1);
            }
            let rest = &text[depth..];
            let Some(&first) = rest.first() else { return };
            let children = &self.nodes[node.children as usize..][..node.count.into()];
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
            Trie::new(&keys).prefixes(text.as_bytes(), |length, key| found.push((length, key)));
            let expected: Vec<(usize, u32)> =
                (0..).zip(&keys).filter(|(_, key)| text.as_bytes().starts_with(key)).map(|(at, key)| (key.len(), at)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
