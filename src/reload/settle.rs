//! What of a scan is to be believed: files that do not hold still are put off.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::source::{Known, NoListing, Scan, absolute};

/// What came of a look at a source.
pub(super) type Looked = Result<Scan, NoListing>;

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
pub(super) fn moving_between(first: &[Looked], second: &[Looked], busy: &HashSet<PathBuf>) -> HashSet<PathBuf> {
    let gone_before: HashSet<&Path> =
        first.iter().flatten().flat_map(|scan| &scan.gone).map(|file| file.path()).collect();
    let scans = second.iter().flatten();
    let written = first.iter().flatten().flat_map(|scan| &scan.restless).map(PathBuf::as_path);
    scans
        .flat_map(|scan| scan.restless.iter().map(PathBuf::as_path).chain(scan.gone.iter().map(|file| file.path())))
        .filter(|path| !gone_before.contains(path))
        .chain(written.filter(|path| busy.contains(&*absolute(path))))
        .map(Path::to_owned)
        .collect()
}

/// Files that would not hold still, and since when.
///
/// Such a file keeps what is known of it, so that it holds up no other, until it has been still between two looks. When
/// it does not come to rest at all, it is taken as it is: what is in it may be a whole registration.
#[derive(Debug, Default)]
pub(super) struct PutOff {
    since: HashMap<PathBuf, Instant>,
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
    pub(super) fn note(&mut self, moving: HashSet<PathBuf>, now: Instant, max_wait: Duration) -> HashSet<PathBuf> {
        let since = std::mem::take(&mut self.since);
        let began = |path: &PathBuf| since.get(path).copied().unwrap_or(now);
        self.since = moving.into_iter().map(|path| (path.clone(), began(&path))).collect();
        self.since.retain(|_, began| now.duration_since(*began) < max_wait);
        self.since.keys().cloned().collect()
    }
}

/// Lets these files be in a scan what they were before it.
pub(super) fn put_off(scan: &mut Scan, known: &[Arc<Known>], paths: &HashSet<PathBuf>) {
    let before: HashMap<&Path, &Arc<Known>> =
        known.iter().filter(|file| paths.contains(file.path())).map(|file| (file.path(), file)).collect();
    scan.files =
        std::mem::take(&mut scan.files)
            .into_iter()
            .filter_map(|file| {
                if paths.contains(file.path()) { before.get(file.path()).copied().cloned() } else { Some(file) }
            })
            .collect();
    for gone in scan.gone.iter().filter_map(|file| before.get(file.path())) {
        // Only a directory forgets what is gone, and that is in the order of names.
        let at = scan.files.partition_point(|file| file.path() < gone.path());
        scan.files.insert(at, Arc::clone(gone));
    }
}
