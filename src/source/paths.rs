use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rayon::prelude::*;

use super::events::Events;
use super::ways::{Ways, absolute};
use super::{Content, Disk, FileSystem, Hint, Item, Listed, Stat, Unread, Version, Watched};
use crate::registration::{FileFacts, missing_file_hint};

/// The most bytes that a file is read with, registration or list: 16 MiB. The largest registration met with in public
/// repositories has 60 KB; one of 16 MiB, with 220,000 entries, takes half a gigabyte when it is loaded.
pub(super) const MAX_FILE_BYTES: u64 = 16 << 20;

/// So few files that asking for their status in turn is no slower than handing them out to threads.
const FEW: usize = 64;

pub(super) const TOO_LARGE: &str = "it is larger than 16 MiB, which no registration is";
const NOT_A_FILE: &str = "it is not a regular file; put the registration itself here, or a symlink";
const A_DIRECTORY: &str = "it is a directory, and Synapse looks into none: list each file in it by itself";
const LEADS_NOWHERE: &str = "it is a symlink that leads to nothing";
const NO_SUCH_FILE: &str = "there is no such file";
const NOT_ON_THE_LIST: &str = "Synapse would not start with it: put it back; only if its service is gone for good, take it \
                               off the list, which sets its names free";
const IN_A_CONTAINER: &str =
    "if it is where a container of Synapse's has it, say with `--map-path FROM=TO` where that is on this machine";

/// What all providers of files have in common: files by their paths, and what tells of changes to them.
#[derive(Debug)]
pub(super) struct Paths {
    system: FileSystem,
    /// Made when somebody asks to be told of changes.
    events: Mutex<Option<Events>>,
    /// The paths of files that are not shown as they are, by the names that stand for them.
    odd: RwLock<HashMap<Arc<str>, PathBuf>>,
    /// How many files have been looked at.
    looked_at: AtomicU64,
}

/// What it means that a path leads to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The file is gone: nobody has said that it ought to be there.
    Gone,
    /// It was named on the command line, and was there.
    Named,
    /// A list names it.
    Listed,
}

impl Paths {
    pub(super) fn new(system: FileSystem) -> Self {
        Self { system, events: Mutex::default(), odd: RwLock::default(), looked_at: AtomicU64::new(0) }
    }

    pub(super) fn system(&self) -> &FileSystem {
        &self.system
    }

    /// Whether a file is open for writing, as far as events tell.
    pub(super) fn is_being_written(&self, path: &Path) -> bool {
        self.with_events(|events| events.busy().contains(&*absolute(path))).unwrap_or_default()
    }

    /// The files at these paths as they are now.
    pub(super) fn list(&self, paths: &[PathBuf], missing: Missing) -> Vec<Listed> {
        let busy = self.with_events(Events::busy).unwrap_or_default();
        let look = |path: &PathBuf| self.look(path, &busy, missing);
        paths.par_iter().with_min_len(FEW).filter_map(look).collect()
    }

    fn look(&self, path: &Path, busy: &HashSet<PathBuf>, missing: Missing) -> Option<Listed> {
        self.looked_at.fetch_add(1, Ordering::Relaxed);
        let name = self.name_of(path);
        if !busy.is_empty() && busy.contains(&*absolute(path)) {
            return Some(Listed::BeingWritten(name));
        }
        let why = match self.system.disk.stat(path) {
            Ok(stat) if stat.is_file => return Some(Listed::Item(item(name, stat))),
            Ok(stat) if stat.is_directory() && missing == Missing::Listed => A_DIRECTORY.to_owned(),
            Ok(_) => NOT_A_FILE.to_owned(),
            Err(error) => self.why_not(path, &error).or_else(|| missing.fault(path, &*self.system.disk))?,
        };
        Some(Listed::Unreadable { name, why })
    }

    /// What is wrong with a path; `None` if it is that there is nothing.
    fn why_not(&self, path: &Path, error: &io::Error) -> Option<String> {
        if error.kind() != io::ErrorKind::NotFound {
            return Some(error.to_string());
        }
        self.system.disk.is_there(path).then(|| LEADS_NOWHERE.to_owned())
    }

    pub(super) fn read(&self, name: &str, missing: Missing) -> Result<Content, Unread> {
        let path = self.path_of(name);
        match self.read_bytes(&path) {
            Ok((bytes, after)) => Ok(Content { bytes, version: Version::Stat(Box::new(after)) }),
            Err(error) => {
                let why = self.why_not(&path, &error).or_else(|| missing.fault(&path, &*self.system.disk));
                Err(why.map_or(Unread::Gone, Unread::Because))
            }
        }
    }

    /// The bytes of a file that is not too large, and its status after they were read.
    pub(super) fn read_bytes(&self, path: &Path) -> io::Result<(Vec<u8>, Stat)> {
        let (bytes, after) = self.system.disk.read(path, MAX_FILE_BYTES)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(io::Error::other(TOO_LARGE));
        }
        Ok((bytes, after))
    }

    pub(super) fn watch(&self, ways: Ways, hint: &Hint) -> Watched {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let events = events.get_or_insert_with(|| Events::new(&self.system, hint));
        let all = events.arm(ways, &*self.system.disk);
        Watched { all, anew: events.take_newly_armed(), writers: !events.busy().is_empty() }
    }

    pub(super) fn wait_for_writers(&self, longest: Duration) {
        /// An event takes less than a millisecond to arrive; this is how late the wait may end.
        const TURN: Duration = Duration::from_millis(2);
        let clock = &self.system.clock;
        let began = clock.now();
        let writers = || self.with_events(|events| !events.busy().is_empty()).unwrap_or_default();
        while writers() && clock.now().duration_since(began) < longest {
            clock.sleep(TURN);
        }
    }

    fn with_events<T>(&self, ask: impl FnOnce(&Events) -> T) -> Option<T> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(ask)
    }

    /// How many files have been looked at so far.
    pub(super) fn progress(&self) -> u64 {
        self.looked_at.load(Ordering::Relaxed)
    }

    /// What stands for a path, and for no other: the path itself, where it is UTF-8. A byte that is not is written `\xff`,
    /// and so, lest that be another file's name, is the backslash of a path that says `\x` itself.
    pub(super) fn name_of(&self, path: &Path) -> Arc<str> {
        if let Some(name) = path.to_str().filter(|name| !name.contains(r"\x")) {
            return name.into();
        }
        let chunks = path.as_os_str().as_bytes().utf8_chunks();
        let name: Arc<str> = chunks
            .map(|chunk| {
                let mut text = chunk.valid().replace(r"\x", r"\x5cx");
                for byte in chunk.invalid() {
                    text += &format!("\\x{byte:02x}");
                }
                text
            })
            .collect::<String>()
            .into();
        let mut known = self.odd.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(Arc::clone(&name)).or_insert_with(|| path.to_owned());
        name
    }

    pub(super) fn path_of<'n>(&self, name: &'n str) -> Cow<'n, Path> {
        let known = self.odd.read().unwrap_or_else(PoisonError::into_inner);
        match known.get(name) {
            Some(path) => path.clone().into(),
            None => Path::new(name).into(),
        }
    }
}

impl Missing {
    fn fault(self, path: &Path, disk: &dyn Disk) -> Option<String> {
        match self {
            Self::Gone => None,
            Self::Named => Some(NO_SUCH_FILE.to_owned()),
            Self::Listed => {
                // Where the directory is there, it is this machine's, and the path is no container's.
                let is_here = || path.parent().is_some_and(|dir| disk.stat(dir).is_ok());
                let here_or_not = || if is_here() { NOT_ON_THE_LIST } else { IN_A_CONTAINER };
                let hint = match neighbour(path, disk) {
                    Some(name) => format!("`{name}` stands beside it: if that is the one, list that name").into(),
                    None => Cow::Borrowed(missing_file_hint(path).unwrap_or_else(here_or_not)),
                };
                Some(format!("{NO_SUCH_FILE}; {hint}"))
            }
        }
    }
}

/// The file beside a missing one that is called like it, but for the way in which `.yaml` is written, or for capitals.
/// Asked for by name: a directory may hold thousands, and as many may be missing.
fn neighbour(path: &Path, disk: &dyn Disk) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let lower = name.to_ascii_lowercase();
    let stem_of = |name: &str| {
        let stem = name.len() - [".yaml", ".yml"].iter().find(|end| name.to_ascii_lowercase().ends_with(**end))?.len();
        Some(name[..stem].to_owned())
    };
    let with_ending = |name: &str| stem_of(name).map(|stem| [format!("{stem}.yaml"), format!("{stem}.yml")]);
    let called = [name, &lower].into_iter().filter_map(with_ending).flatten();
    called
        .chain([format!("{name}.yaml"), format!("{name}.yml"), lower.clone()])
        .find(|other| *other != name && disk.stat(&path.with_file_name(other)).is_ok_and(|stat| stat.is_file))
}

pub(super) fn item(name: Arc<str>, stat: Stat) -> Item {
    let facts = FileFacts { mode: Some(stat.mode) };
    Item { name: name.into(), version: Version::Stat(Box::new(stat)), facts }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn no_two_paths_have_the_same_name() {
        let paths = Paths::new(FileSystem::default());
        let all: [&[u8]; 6] = [b"/a.yaml", b"/a\xff", br"/a\xff", br"/a\x5cxff", br"/a\\xff", b"/\\xff\xff"];
        let all = all.map(|path| Path::new(OsStr::from_bytes(path)));
        let names: Vec<_> = all.iter().map(|path| paths.name_of(path)).collect();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), all.len(), "{names:?}");
        assert!(names.iter().zip(all).all(|(name, path)| paths.path_of(name) == path), "{names:?}");
    }
}
