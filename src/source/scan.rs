use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rayon::prelude::*;

use super::events::absolute;
use super::provider::{MAX_FILE_BYTES, NoListing};
use super::{Disk, Identity, Loader, Source, Stat};
use crate::registration::{Fault, FaultCode, FileFacts, Loaded};
use crate::snapshot::{Candidate, ContentHash, Good, Refusal};

/// A file whose status has changed within this time is read again although the status says that it has not changed
/// since: some file systems count in seconds, and a second write within one of them leaves no trace.
const GRANULARITY: Duration = Duration::from_secs(3);

/// What is known of a file. Never changed: a scan makes a new one where something is different.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The file as it is shown, which is its path where that is UTF-8.
    pub(crate) file: Arc<str>,
    /// Its path where it is not.
    odd_path: Option<Box<Path>>,
    /// What `offered` was read from; `None` when nothing could be read.
    read: Option<Read>,
    pub(crate) offered: Result<Good, Refusal>,
    pub(crate) held: Option<Good>,
}

/// The bytes that were read.
#[derive(Clone, Copy, Debug)]
struct Read {
    hash: ContentHash,
    stat: Stat,
    /// When the file was first seen with this status.
    since: Instant,
    /// Whether the status can be trusted: a later write would show in it.
    settled: bool,
}

/// All files of a source as they are now, as far as they can be told.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// In load order.
    pub(crate) files: Vec<Arc<Known>>,
    /// The files that were known and are not there any more, by path.
    pub(crate) gone: Vec<Arc<Known>>,
    /// The files that were changed just now, so that a look at them again is wise.
    pub(crate) restless: Vec<PathBuf>,
    /// Whether the directory was changed while it was scanned.
    pub(crate) moving: bool,
    /// Whether it was swapped for another one meanwhile, so that files of two sets may be mixed.
    pub(crate) torn: bool,
}

/// What a scan asks.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'w> {
    pub(crate) disk: &'w dyn Disk,
    pub(crate) loader: &'w dyn Loader,
    /// The moment of the scan.
    pub(crate) now: Instant,
    /// The same by the clock on the wall.
    pub(crate) wall: SystemTime,
    /// A file that was written more recently than this may not be finished.
    pub(crate) quiet: Duration,
    /// Files that are known to be open for writing, by their absolute paths.
    pub(crate) busy: &'w HashSet<PathBuf>,
    /// Keeps what loads for the next start.
    pub(crate) keep: Option<&'w dyn Keep>,
}

/// Keeps the bytes of what loads before they can come into force.
pub(crate) trait Keep: Sync {
    /// Keeps them, unless they are kept already. What goes wrong is told later.
    fn keep(&self, file: &Arc<str>, hash: ContentHash, bytes: &[u8]);
}

enum Step {
    Same,
    Changed { known: Arc<Known>, restless: bool },
    NotThere,
}

/// What changes when a directory does, or is renamed into place, while it is being read: its own status, and the
/// symlink that a Kubernetes volume swaps.
#[derive(Default, PartialEq, Eq)]
struct Stamp {
    directory: Option<Stat>,
    data: Option<PathBuf>,
}

impl Stamp {
    /// Which set of files it stands for.
    fn volume(&self) -> (Option<Identity>, Option<&Path>) {
        (self.directory.map(|stat| stat.identity), self.data.as_deref())
    }
}

impl Scanner<'_> {
    pub(crate) fn scan(&self, source: &Source, known: &[Arc<Known>]) -> Result<Scan, NoListing> {
        let before = self.stamp(source);
        let listing = source.list(self.disk)?;
        let mut scan = self.scan_files(&listing, known, source.forgets_what_is_gone());
        let after = self.stamp(source);
        scan.torn = before.volume() != after.volume();
        scan.moving = before != after;
        Ok(scan)
    }

    /// Looks at each file of a listing. `forget`: what is listed and not there is gone, not missing.
    pub(crate) fn scan_files(&self, listing: &[PathBuf], known: &[Arc<Known>], forget: bool) -> Scan {
        let known = by_position(listing, known);
        let steps: Vec<Step> = listing
            .par_iter()
            .zip(&known.found)
            .with_min_len(64)
            .map(|(path, known)| self.look(path, known.map(|known| &**known), forget))
            .collect();
        let mut scan = Scan { files: Vec::with_capacity(listing.len()), gone: known.gone, ..Scan::default() };
        for (step, known) in steps.into_iter().zip(known.found) {
            match (step, known) {
                (Step::Same, Some(known)) => scan.files.push(Arc::clone(known)),
                (Step::Changed { known, restless }, _) => {
                    if restless {
                        scan.restless.push(known.path().to_owned());
                    }
                    scan.files.push(known);
                }
                (Step::NotThere, Some(known)) => scan.gone.push(Arc::clone(known)),
                (Step::NotThere | Step::Same, None) => {}
            }
        }
        scan
    }

    fn stamp(&self, source: &Source) -> Stamp {
        let Source::Directory(dir) = source else { return Stamp::default() };
        Stamp { directory: self.disk.stat(dir).ok(), data: self.disk.read_link(&dir.join("..data")).ok() }
    }

    fn look(&self, path: &Path, known: Option<&Known>, forget: bool) -> Step {
        if !self.busy.is_empty() && self.busy.contains(&*absolute(path)) {
            return if known.is_some() { Step::Same } else { Step::NotThere };
        }
        let stat = match self.disk.stat(path) {
            Ok(stat) => stat,
            Err(error) => return self.unreadable(path, known, forget, &error),
        };
        if !stat.is_file {
            return unreadable(path, known, "it is not a regular file; put the registration itself here, or a symlink");
        }
        if let Some(read) = known.and_then(|known| known.read.as_ref())
            && read.stat == stat
            && read.settled
        {
            return Step::Same;
        }
        match self.disk.read(path, MAX_FILE_BYTES) {
            Ok((bytes, _)) if bytes.len() as u64 > MAX_FILE_BYTES => {
                unreadable(path, known, "it is larger than 16 MiB, which no registration is")
            }
            Ok((bytes, after)) => self.digest(path, known, stat, after, &bytes),
            Err(error) => self.unreadable(path, known, forget, &error),
        }
    }

    fn digest(&self, path: &Path, known: Option<&Known>, before: Stat, after: Stat, bytes: &[u8]) -> Step {
        let hash = ContentHash::of(bytes);
        let last = known.and_then(|known| known.read.as_ref());
        let same_stat = last.is_some_and(|last| last.stat == before);
        let since = last.filter(|_| same_stat).map_or(self.now, |last| last.since);
        let age = after.age(self.wall);
        let stable = before == after && before.size == bytes.len() as u64;
        // The clock on the wall may be wrong, and that of a file server another: what has been seen with the same
        // status for long enough is settled too.
        let old = age.is_some_and(|age| age > GRANULARITY) || self.now.duration_since(since) > GRANULARITY;
        let same_bytes = last.is_some_and(|last| last.hash == hash);
        let read = Some(Read { hash, stat: before, since, settled: stable && old });
        let known = match known {
            Some(known) if same_bytes => Known { read, ..known.clone() },
            _ => Known {
                file: file_of(path, known),
                odd_path: odd_path(path),
                read,
                offered: self.parse(path, known, hash, bytes),
                held: known.and_then(|known| known.held.clone()),
            },
        };
        let restless = !same_bytes && (!stable || age.is_some_and(|age| age < self.quiet));
        Step::Changed { known: Arc::new(known), restless }
    }

    fn parse(&self, path: &Path, known: Option<&Known>, hash: ContentHash, bytes: &[u8]) -> Result<Good, Refusal> {
        if let Some(held) = known.and_then(|known| known.held.as_ref())
            && held.hash == hash
        {
            return Ok(held.clone());
        }
        let file = file_of(path, known);
        let registration = load(self.loader, &file, bytes).map_err(Refusal::from)?;
        if let Some(kept) = self.keep {
            kept.keep(&file, hash, bytes);
        }
        Ok(Good { registration: Arc::new(registration), hash })
    }

    fn unreadable(&self, path: &Path, known: Option<&Known>, forget: bool, error: &io::Error) -> Step {
        if error.kind() != io::ErrorKind::NotFound {
            return unreadable(path, known, &error.to_string());
        }
        if self.disk.is_there(path) {
            return unreadable(path, known, "it is a symlink that leads to nothing");
        }
        if forget { Step::NotThere } else { unreadable(path, known, "there is no such file") }
    }
}

impl Known {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.odd_path.as_deref().unwrap_or(Path::new(&*self.file))
    }

    /// The file as it asks to be in force.
    pub(crate) fn candidate(&self) -> Candidate<'_> {
        Candidate {
            file: &self.file,
            facts: FileFacts::default(),
            offered: self.offered.as_ref(),
            held: self.held.as_ref(),
        }
    }

    /// The same file when its source is lost: what it had in force it keeps, and it will be read again.
    pub(crate) fn lost(&self, why: &str) -> Self {
        Self { read: None, offered: Err(refusal(why)), ..self.clone() }
    }

    /// The same file with something else in force.
    pub(crate) fn holding(&self, held: Option<Good>) -> Self {
        Self { held, ..self.clone() }
    }
}

/// Parses, and survives a parser that does not.
pub(crate) fn load(loader: &dyn Loader, file: &Arc<str>, bytes: &[u8]) -> Loaded {
    catch_unwind(AssertUnwindSafe(|| loader.load(file, bytes))).unwrap_or_else(|_| {
        Err(vec![Fault::of_file(
            FaultCode::Unreadable,
            "bailiwick itself failed on this file, which is a defect of bailiwick; please report it",
        )])
    })
}

fn file_of(path: &Path, known: Option<&Known>) -> Arc<str> {
    known.map_or_else(|| path.to_string_lossy().into(), |known| Arc::clone(&known.file))
}

fn odd_path(path: &Path) -> Option<Box<Path>> {
    path.to_str().is_none().then(|| path.into())
}

fn refusal(why: &str) -> Refusal {
    Arc::new([Fault::of_file(FaultCode::Unreadable, why)])
}

fn unreadable(path: &Path, known: Option<&Known>, why: &str) -> Step {
    let known = Known {
        file: file_of(path, known),
        odd_path: odd_path(path),
        read: None,
        offered: Err(refusal(&format!("the file cannot be read: {why}"))),
        held: known.and_then(|known| known.held.clone()),
    };
    Step::Changed { known: Arc::new(known), restless: false }
}

/// What is known, held against a listing.
struct ByPosition<'k> {
    found: Vec<Option<&'k Arc<Known>>>,
    gone: Vec<Arc<Known>>,
}

fn by_position<'k>(listing: &[PathBuf], known: &'k [Arc<Known>]) -> ByPosition<'k> {
    // The usual case: the same files in the same order.
    if listing.len() == known.len()
        && listing.iter().zip(known).all(|(path, known)| path.as_os_str() == known.path().as_os_str())
    {
        return ByPosition { found: known.iter().map(Some).collect(), gone: Vec::new() };
    }
    let mut by_path: HashMap<&Path, &Arc<Known>> = known.iter().map(|known| (known.path(), known)).collect();
    let found = listing.iter().map(|path| by_path.remove(&**path)).collect();
    let mut gone: Vec<_> = by_path.into_values().cloned().collect();
    gone.sort_unstable_by(|a, b| a.path().cmp(b.path()));
    ByPosition { found, gone }
}
