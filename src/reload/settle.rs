//! What of a scan is to be believed: files that do not hold still are put off.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::source::{Known, Scan, Unlisted, by_name};

/// What came of a look at a source.
pub(super) type Looked = Result<Scan, Unlisted>;

/// Whether nothing in these scans was changed just now.
pub(super) fn is_calm(looked: &[Looked]) -> bool {
    looked.iter().flatten().all(|scan| scan.restless.is_empty() && scan.gone.is_empty() && !scan.moving)
}

/// Whether a file that was known is not there.
pub(super) fn misses_any(looked: &[Looked]) -> bool {
    looked.iter().flatten().any(|scan| !scan.gone.is_empty())
}

/// Whether files of two sets may be mixed.
pub(super) fn is_torn(looked: &[Looked]) -> bool {
    looked.iter().flatten().any(|scan| scan.torn)
}

/// The files that were not in the second look what they were in the first, or had just been written then and are still
/// open for writing.
pub(super) fn moving_between(first: &[Looked], second: &[Looked]) -> HashSet<Arc<str>> {
    let gone_before: HashSet<&str> = first.iter().flatten().flat_map(|scan| &scan.gone).map(Known::file).collect();
    let written: HashSet<&str> = first.iter().flatten().flat_map(|scan| &scan.restless).map(|file| &**file).collect();
    let of = |scan: &Scan| {
        let gone = scan.gone.iter().map(Known::file);
        let moved = scan.restless.iter().map(|file| &**file).chain(gone).filter(|file| !gone_before.contains(file));
        let still_written = scan.busy.iter().map(|file| &**file).filter(|file| written.contains(file));
        moved.chain(still_written).map(Arc::from).collect::<Vec<_>>()
    };
    second.iter().flatten().flat_map(of).collect()
}

/// Files that would not hold still, and since when.
///
/// Such a file keeps what is known of it, so that it holds up no other, until it has been still between two looks. When
/// it does not come to rest at all, it is taken as it is: what is in it may be a whole registration.
#[derive(Debug, Default)]
pub(super) struct PutOff {
    since: HashMap<Arc<str>, Instant>,
}

impl PutOff {
    /// Whether another look is due, because a file was put off.
    pub(super) fn is_waiting(&self) -> bool {
        !self.since.is_empty()
    }

    /// Everything has come to rest.
    pub(super) fn clear(&mut self) {
        self.since.clear();
    }

    /// Notes which files are moving now, and returns those of them that have not been so for too long.
    pub(super) fn note(&mut self, moving: HashSet<Arc<str>>, now: Instant, max_wait: Duration) -> HashSet<Arc<str>> {
        let since = std::mem::take(&mut self.since);
        let began = |file: &Arc<str>| since.get(file).copied().unwrap_or(now);
        self.since = moving.into_iter().map(|file| (Arc::clone(&file), began(&file))).collect();
        self.since.retain(|_, began| now.duration_since(*began) < max_wait);
        self.since.keys().cloned().collect()
    }
}

/// Lets these files be in a scan what they were before it.
pub(super) fn put_off(scan: &mut Scan, known: &[&Known], files: &HashSet<Arc<str>>) {
    let before = by_name(known.iter().copied().filter(|known| files.contains(known.file())));
    let mut away = Vec::new();
    let as_before = |now: Known| {
        if !files.contains(now.file()) {
            return Some(now);
        }
        let known = Known::clone(before.get(now.file())?);
        if known.absence().is_none() {
            return Some(known);
        }
        away.push(known);
        None
    };
    scan.files = std::mem::take(&mut scan.files).into_iter().filter_map(as_before).collect();
    scan.away.append(&mut away);
    let (moving, gone) = std::mem::take(&mut scan.gone).into_iter().partition(|gone| before.contains_key(gone.file()));
    scan.gone = gone;
    let moving: Vec<Known> = moving;
    let moving = moving.iter().filter_map(|gone| before.get(gone.file()).map(|&known| known.clone()));
    put_back(&mut scan.files, moving.collect());
}

/// So few files that to make room for each costs less than to look at all that are there.
const FEW: usize = 8;

/// Puts files that are gone back to their places: by name, which is the order of a directory. In a list, from which they were
/// taken, no place is their own.
///
/// They are put there one by one. Of half of a hundred thousand that would move half of the list each time, so where that is in order, it is put
/// in order again with them, to the same end.
pub(super) fn put_back(files: &mut Vec<Known>, gone: Vec<Known>) {
    put_among(files, gone, Known::file);
}

fn put_among<T>(files: &mut Vec<T>, gone: Vec<T>, name: impl Fn(&T) -> &str) {
    if gone.len() > FEW && files.is_sorted_by(|a, b| name(a) <= name(b)) {
        let there = std::mem::take(files);
        // Whoever is put back stands before those of its name that are there by then.
        *files = gone.into_iter().rev().chain(there).collect();
        files.sort_by(|a, b| name(a).cmp(name(b)));
        return;
    }
    for gone in gone {
        let at = files.partition_point(|file| name(file) < name(&gone));
        files.insert(at, gone);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn many_are_put_back_where_each_would_be(
            mut files in prop::collection::vec("[a-c]{0,2}", 0..30),
            is_sorted in any::<bool>(),
            gone in prop::collection::vec("[a-c]{0,2}", 0..30),
        ) {
            if is_sorted {
                files.sort();
            }
            // Each is another, whatever it is called.
            let mut files: Vec<(String, usize)> = files.into_iter().zip(0..).collect();
            let gone: Vec<(String, usize)> = gone.into_iter().zip(100..).collect();
            let mut one_by_one = files.clone();
            for gone in gone.clone() {
                put_among(&mut one_by_one, vec![gone], |(name, _)| name);
            }
            put_among(&mut files, gone, |(name, _)| name);
            prop_assert_eq!(files, one_by_one);
        }
    }

    const MAX_WAIT: Duration = Duration::from_millis(500);

    fn names(names: &[&str]) -> HashSet<Arc<str>> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn what_moves_is_put_off_until_it_has_moved_for_too_long() {
        let now = Instant::now();
        let mut put_off = PutOff::default();
        assert_eq!(put_off.note(names(&["a"]), now, MAX_WAIT), names(&["a"]));
        assert!(put_off.is_waiting());
        let later = now + Duration::from_millis(300);
        assert_eq!(put_off.note(names(&["a", "b"]), later, MAX_WAIT), names(&["a", "b"]));
        // a has moved since the beginning, b has not.
        assert_eq!(put_off.note(names(&["a", "b"]), now + MAX_WAIT, MAX_WAIT), names(&["b"]));
    }

    #[test]
    fn what_has_held_still_begins_anew() {
        let now = Instant::now();
        let mut put_off = PutOff::default();
        put_off.note(names(&["a"]), now, MAX_WAIT);
        assert_eq!(put_off.note(names(&[]), now + Duration::from_millis(200), MAX_WAIT), names(&[]));
        assert!(!put_off.is_waiting());
        assert_eq!(put_off.note(names(&["a"]), now + MAX_WAIT, MAX_WAIT), names(&["a"]));
        put_off.clear();
        assert!(!put_off.is_waiting());
    }
}
