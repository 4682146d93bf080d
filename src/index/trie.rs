//! All prefixes of a text among many, in one walk.

use super::prefixed::Prefixed;
use super::target::{Targets, WRITTEN};

/// A radix tree over byte strings, written into one string of bytes in the order in which a walk reads it.
///
/// A question to a million namespaces costs what it fetches from memory, and little else: so what a walk needs next stands
/// next. A node is written as
///
/// ```text
/// label      its length in a byte, then the bytes; without the first, by which the node above knows it
/// targets    how many paths end here, in a byte (or 255, and four bytes), then each of them
/// children   how many, in a byte, then the first byte of each, then of each where it stands, counted from this node
/// ```
///
/// and behind it stand all that are below it, the first child with all that are below that, then the second. So the
/// last few steps of a walk, which are those that no cache holds, are within a few hundred bytes of each other, and what
/// is looked for is found there with them. See [`super`] for what that is worth.
#[derive(Debug, Default)]
pub(super) struct Trie {
    nodes: Vec<u8>,
}

/// How long a label may be. What shares more has nodes below each other.
const MAX_LABEL: usize = u8::MAX as usize;
/// The number of targets that says that the number does not fit.
const MANY: u8 = u8::MAX;
/// A place takes so many bytes.
const PLACE: usize = size_of::<u32>();
/// And a node, with its first byte and place in the one above, but without its label and targets.
const NODE: usize = 4 + PLACE;

/// A node to be written, for paths whose prefixes share `depth` bytes.
struct Part<'p> {
    paths: &'p [Prefixed],
    depth: usize,
    /// The node above, and where in it the place of this one is written.
    above: Option<(usize, usize)>,
}

impl Trie {
    /// The tree of paths that are sorted by their prefixes, which lie in a text, those of one check side by side behind each.
    pub(super) fn new(text: &[u8], paths: &[Prefixed]) -> Self {
        // There are at most twice as many nodes as prefixes, but for those of labels that are too long for one. What is not needed of
        // that is given back.
        let room = paths.iter().map(|path| path.prefix(text).len() + WRITTEN + 2 * NODE).sum();
        let mut trie = Self { nodes: Vec::new() };
        // Where it cannot be had, less may do.
        let _ = trie.nodes.try_reserve_exact(room);
        // Not by recursion: a key may be as long as a sender is in a stranger's file.
        let mut todo = Vec::new();
        if !paths.is_empty() {
            todo.push(Part { paths, depth: 0, above: None });
        }
        while let Some(part) = todo.pop() {
            trie.write(text, &part, &mut todo);
        }
        trie.nodes.shrink_to_fit();
        trie
    }

    /// Writes a node, and notes its children, the first of them next.
    fn write<'p>(&mut self, text: &[u8], part: &Part<'p>, todo: &mut Vec<Part<'p>>) {
        let Part { paths, depth, above } = *part;
        let node = self.nodes.len();
        if let Some((above, at)) = above {
            self.nodes[at..at + PLACE].copy_from_slice(&written(node - above));
        }
        let shared = shared_label(text, paths, depth);
        self.nodes.push(small(shared));
        self.nodes.extend_from_slice(&paths[0].prefix(text)[depth..depth + shared]);
        let depth = depth + shared;
        // In this order the shortest are the first.
        let (ending, mut others) = paths.split_at(reach(paths, |path| path.prefix(text).len() == depth));
        self.write_targets(ending);
        let (count, done) = (self.nodes.len(), todo.len());
        self.nodes.push(0);
        while let Some(first) = others.first() {
            let byte = first.prefix(text)[depth];
            let (alike, behind) = others.split_at(reach(others, |path| path.prefix(text)[depth] == byte));
            self.nodes.push(byte);
            todo.push(Part { paths: alike, depth: depth + 1, above: None });
            others = behind;
        }
        let children = &mut todo[done..];
        self.nodes[count] = small(children.len());
        for child in &mut *children {
            child.above = Some((node, self.nodes.len()));
            self.nodes.extend([0; PLACE]);
        }
        children.reverse();
    }

    fn write_targets(&mut self, paths: &[Prefixed]) {
        match u8::try_from(paths.len()) {
            Ok(count) if count != MANY => self.nodes.push(count),
            _ => {
                self.nodes.push(MANY);
                self.nodes.extend_from_slice(&written(paths.len()));
            }
        }
        for path in paths {
            self.nodes.extend_from_slice(&path.target.to_bytes());
        }
    }

    /// Visits each key that the text begins with, shortest first: the key's length and its targets.
    #[inline]
    pub(super) fn prefixes(&self, text: &[u8], mut visit: impl FnMut(usize, Targets<'_>)) {
        let (mut node, mut rest) = (&self.nodes[..], text);
        while !node.is_empty() {
            let (label, behind) = split_counted(node);
            // Most have none.
            let further = if label.is_empty() { Some(rest) } else { rest.strip_prefix(label) };
            let Some(further) = further else { return };
            let (targets, behind) = split_targets(behind);
            if let Some(targets) = targets {
                visit(text.len() - further.len(), targets);
            }
            let Some((first, further)) = further.split_first() else { return };
            let (firsts, places) = split_counted(behind);
            let Some(child) = firsts.iter().position(|byte| byte == first) else { return };
            node = &node[place(places, child)..];
            rest = further;
        }
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.nodes.capacity()
    }
}

/// Bytes in front of which stands how many they are, and what stands behind them.
#[inline]
fn split_counted(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes[1..].split_at(bytes[0].into())
}

/// The targets of a node, if it has some, and what stands behind them.
#[inline]
fn split_targets(bytes: &[u8]) -> (Option<Targets<'_>>, &[u8]) {
    let (count, behind) = match bytes[0] {
        0 => return (None, &bytes[1..]),
        MANY => (place(&bytes[1..], 0), &bytes[1 + PLACE..]),
        count => (count.into(), &bytes[1..]),
    };
    let (targets, behind) = Targets::read(behind, count);
    (Some(targets), behind)
}

/// One of the places that stand one behind the other, or another number that takes as much.
#[inline]
fn place(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes.as_chunks().0[at]) as usize
}

/// What is written as a place.
///
/// # Panics
///
/// If a trie takes 4 GiB. That is room for more than a hundred million paths; a panic in the thread that loads leaves in
/// force what is in force.
fn written(number: usize) -> [u8; PLACE] {
    u32::try_from(number).expect("a trie of less than 4 GiB").to_le_bytes()
}

/// A number of children, fewer than there are bytes, or the length of a label.
fn small(count: usize) -> u8 {
    u8::try_from(count).expect("fewer than 256 children, and a label of at most 255 bytes")
}

/// How many bytes from `depth` on the prefixes of these paths, in ascending order, have in common: at most a label.
fn shared_label(text: &[u8], paths: &[Prefixed], depth: usize) -> usize {
    let [first, last] = [&paths[0], &paths[paths.len() - 1]].map(|path| &path.prefix(text)[depth..]);
    first.iter().zip(last).take(MAX_LABEL).take_while(|(a, b)| a == b).count()
}

/// How many of these paths are so, where those that are stand before all others.
fn reach(paths: &[Prefixed], is: impl Fn(&Prefixed) -> bool) -> usize {
    // In steps that grow, then between the last two: most are few, and some are all.
    let mut step = 1;
    while paths.get(step - 1).is_some_and(&is) {
        step *= 2;
    }
    let (from, to) = (step / 2, (step - 1).min(paths.len()));
    from + paths[from..to].partition_point(is)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::position::{CheckId, Slot};
    use super::super::prefixed::Prefixes;
    use super::super::source::Place;
    use super::super::target::Target;
    use super::*;
    use crate::homeserver::Rank;

    fn target(number: usize) -> Target {
        Target { check: CheckId::new(number % 3), slot: Slot::new(number), rank: Rank::SENDER }
    }

    /// The length and the targets of each key that a text begins with, as a trie of keys, each so many times, tells them.
    fn told(keys: &[(&[u8], usize)], text: &[u8]) -> Vec<(usize, Vec<Target>)> {
        let mut all = Prefixes::default();
        for &(key, times) in keys {
            (0..times).for_each(|number| all.push(Place::Start, key, target(number), 0));
        }
        let mut told = Vec::new();
        Trie::new(&all.text, &all.paths)
            .prefixes(text, |length, targets| told.push((length, targets.iter().collect())));
        told
    }

    fn expected(keys: &[(&[u8], usize)], text: &[u8]) -> Vec<(usize, Vec<Target>)> {
        let begun = keys.iter().filter(|(key, _)| text.starts_with(key));
        begun.map(|&(key, times)| (key.len(), (0..times).map(target).collect())).collect()
    }

    proptest! {
        #[test]
        fn yields_exactly_the_prefixes(
            keys in prop::collection::btree_map("[ab]{0,12}", 1..4_usize, 0..40),
            text in "[ab]{0,16}",
        ) {
            let keys: Vec<(&[u8], usize)> = keys.iter().map(|(key, times)| (key.as_bytes(), *times)).collect();
            prop_assert_eq!(told(&keys, text.as_bytes()), expected(&keys, text.as_bytes()));
        }

        /// Nodes with one child and with hundreds, and labels longer than one node holds.
        #[test]
        fn whatever_the_bytes_and_however_long(
            keys in prop::collection::btree_set((prop::sample::select(vec![0, 1, 254, 255, 256, 600]), any::<[u8; 2]>()), 0..400),
            text in (prop::sample::select(vec![0, 254, 255, 256, 600]), any::<[u8; 3]>()),
        ) {
            let spelt = |length: usize, end: &[u8]| [&vec![b'a'; length], end].concat();
            let keys: std::collections::BTreeSet<Vec<u8>> = keys.iter().map(|(length, end)| spelt(*length, end)).collect();
            let some = keys.iter().next().cloned().unwrap_or_default();
            let keys: Vec<(&[u8], usize)> = keys.iter().map(|key| (&**key, 1)).collect();
            for text in [spelt(text.0, &text.1), some] {
                prop_assert_eq!(told(&keys, &text), expected(&keys, &text));
            }
        }
    }

    #[test]
    fn as_many_targets_as_there_are() {
        for times in [1, 254, 255, 256, 1_000] {
            let keys: [(&[u8], usize); 2] = [(b"@", times), (b"@a", 1)];
            assert_eq!(told(&keys, b"@ab"), expected(&keys, b"@ab"), "{times}");
        }
    }
}
