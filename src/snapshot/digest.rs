//! The digest of a loaded set: a BLAKE3 hash over all that is in force.
//!
//! Of a million files that is 70 MB, and one of them has changed. BLAKE3 is a tree, so what stands before the change is not hashed
//! again, nor what stands behind it where no byte has moved: of every [`GROUP`] bytes the hash of the subtree is kept, with where in
//! which file they begin. The digest is what it would be of all bytes at once, which a test holds it to.

use std::ops::Range;
use std::sync::Arc;

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

use super::{ContentHash, FileRecord};
use crate::homeserver::Homeserver;
use crate::list::List;

/// So many bytes make a group; BLAKE3 asks for a power of two of its chunks. Nine hundred files: writing two such groups takes a
/// tenth of a millisecond, and merging those of a million files, 1,100, as much.
const GROUP: usize = 64 << 10;

/// The digest of a set, and what that of the next one is made from.
#[derive(Clone, Debug)]
pub(super) struct Digest {
    shown: Arc<str>,
    groups: Vec<Group>,
}

/// Some of the bytes that are hashed.
#[derive(Clone, Copy, Debug)]
struct Group {
    begins: Place,
    hash: ChainingValue,
}

/// A byte, by what it is of: the homeserver is the first, then the files follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    part: usize,
    byte: usize,
}

impl Digest {
    /// That of a set in which no file is.
    pub(super) fn of_nothing(homeserver: &Homeserver) -> Self {
        let mut written = Vec::new();
        write_homeserver(homeserver, &mut written);
        Self { shown: shown(ContentHash::of(&written)), groups: Vec::new() }
    }

    /// That of the set that follows the one with these files.
    pub(super) fn next(
        &self,
        homeserver: &Homeserver,
        (before, after): (&List<FileRecord>, &List<FileRecord>),
    ) -> Self {
        let (ahead, behind) = before.common_ends(after, FileRecord::is);
        let differing = 1 + ahead..1 + after.len() - behind;
        let write = |part: usize, written: &mut Vec<u8>| match part.checked_sub(1) {
            None => write_homeserver(homeserver, written),
            Some(at) => write_file(&after[at], written),
        };
        let parts = Parts { count: 1 + after.len(), differing, are_as_many: before.len() == after.len() };
        let (groups, hash) = hashed(&self.groups, parts, GROUP, write);
        Self { shown: shown(hash), groups }
    }

    /// As it is shown.
    pub(super) const fn shown(&self) -> &Arc<str> {
        &self.shown
    }
}

fn shown(hash: ContentHash) -> Arc<str> {
    hash.short().into()
}

fn write_homeserver(homeserver: &Homeserver, written: &mut Vec<u8>) {
    write(homeserver.dialect.name().as_bytes(), written);
    write(homeserver.name.as_str().as_bytes(), written);
}

fn write_file(file: &FileRecord, written: &mut Vec<u8>) {
    if let Some(good) = file.good() {
        write(file.name().as_bytes(), written);
        write(good.hash().as_bytes(), written);
    }
}

/// Each is preceded by its length, so that no two sets are written alike.
fn write(bytes: &[u8], written: &mut Vec<u8>) {
    written.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    written.extend_from_slice(bytes);
}

/// What is hashed.
struct Parts {
    count: usize,
    /// Those that were not there before, all others being what they were.
    differing: Range<usize>,
    /// Whether there were as many before, so that those behind have the numbers that they had.
    are_as_many: bool,
}

/// The groups of what is written, of which there were these before, and the hash of all; no groups if all is one.
fn hashed(
    before: &[Group],
    parts: Parts,
    size: usize,
    write: impl Fn(usize, &mut Vec<u8>),
) -> (Vec<Group>, ContentHash) {
    let Parts { count, differing, are_as_many } = parts;
    let changed = Place { part: differing.start, byte: 0 };
    let kept = before.partition_point(|group| group.begins <= changed).saturating_sub(1);
    let mut groups = before[..kept].to_vec();
    let mut begins = before.get(kept).map_or_else(Place::default, |group| group.begins);
    let mut written = Vec::with_capacity(size + 256);
    for part in begins.part..count {
        let length = written.len();
        write(part, &mut written);
        if part == begins.part && length == 0 {
            written.drain(..begins.byte);
        }
        let end = begins_of(part, begins, written.len() - length);
        // There is always something left for the last one.
        while written.len() > size {
            groups.push(Group { begins, hash: hash_of(&written[..size], groups.len() * size) });
            written.drain(..size);
            begins = Place { part, byte: end - written.len() };
            let is_as_before = are_as_many && begins.part >= differing.end;
            if is_as_before && before.get(groups.len()).is_some_and(|group| group.begins == begins) {
                groups.extend_from_slice(&before[groups.len()..]);
                let hash = merged(&groups);
                return (groups, hash);
            }
        }
    }
    if groups.is_empty() {
        return (groups, ContentHash::of(&written));
    }
    groups.push(Group { begins, hash: hash_of(&written, groups.len() * size) });
    let hash = merged(&groups);
    (groups, hash)
}

/// How many bytes a part has of which so many were written, some of its first not being so where it is the one that is begun in.
const fn begins_of(part: usize, begins: Place, written: usize) -> usize {
    if part == begins.part { begins.byte + written } else { written }
}

fn hash_of(bytes: &[u8], offset: usize) -> ChainingValue {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset as u64).update(bytes);
    hasher.finalize_non_root()
}

/// The hash of all, of two groups at least.
fn merged(groups: &[Group]) -> ContentHash {
    let (left, right) = groups.split_at(left_of(groups.len()));
    ContentHash::from(merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash))
}

fn subtree(groups: &[Group]) -> ChainingValue {
    if let [group] = groups {
        return group.hash;
    }
    let (left, right) = groups.split_at(left_of(groups.len()));
    merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
}

/// How many stand on the left of a tree: the largest power of two that leaves something for the right.
const fn left_of(count: usize) -> usize {
    count.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever has changed, it is the hash of all at once: here of groups of one chunk, and of parts that are longer than some.
        #[test]
        fn it_is_the_hash_of_all_that_is_written(
            first in prop::collection::vec(0..400_usize, 0..60),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, 0..3_000_usize, any::<u8>()), 1..12),
        ) {
            const SIZE: usize = 1_024;
            let mut parts: Vec<Vec<u8>> = first.into_iter().map(|length| vec![7; length]).collect();
            parts.insert(0, vec![1; 30]);
            let whole = Parts { count: parts.len(), differing: 1..parts.len(), are_as_many: false };
            let (mut groups, _) = hashed(&[], whole, SIZE, |part, written| written.extend_from_slice(&parts[part]));
            for (pick, what, length, byte) in changes {
                let at = 1 + pick.index(parts.len());
                let count = parts.len();
                let differing = match what {
                    0 if at < count => {
                        parts.remove(at);
                        at..at
                    }
                    1 if at < count => {
                        parts[at].fill(byte);
                        at..at + 1
                    }
                    2 if at < count => {
                        parts[at] = vec![byte; length];
                        at..at + 1
                    }
                    _ => {
                        parts.insert(at, vec![byte; length]);
                        at..at + 1
                    }
                };
                let changed = Parts { count: parts.len(), differing, are_as_many: parts.len() == count };
                let hash;
                (groups, hash) = hashed(&groups, changed, SIZE, |part, written| written.extend_from_slice(&parts[part]));
                prop_assert!(hash == ContentHash::of(&parts.concat()), "{} bytes", parts.concat().len());
            }
        }
    }
}
