use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::directory::unlisted;
use super::paths::{Missing, Paths};
use super::ways::Ways;
use super::{Content, FileSystem, Hint, Instead, Item, Listing, Provider, Unlisted, Unread, Watched};

/// A file that lists files, in this order: a homeserver's configuration. It is watched like them, and read again.
///
/// As long as it cannot be used, the list that was read before stays: the list is unreadable, the files on it are not.
pub struct List {
    file: PathBuf,
    read: Box<ReadList>,
    paths: Paths,
    /// The list that was read last.
    last: Mutex<Option<Vec<PathBuf>>>,
}

/// Reads a list of files out of the bytes of a configuration, or says in one sentence why that cannot be done.
pub type ReadList = dyn Fn(&[u8]) -> Result<Vec<PathBuf>, Unusable> + Send + Sync;

/// Why a configuration cannot be used, as a sentence without an end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

impl List {
    /// The list in a file, which need not be there yet.
    #[must_use]
    pub fn new(file: PathBuf, read: Box<ReadList>, system: FileSystem) -> Self {
        Self { file, read, paths: Paths::new(system), last: Mutex::default() }
    }

    fn read_list(&self) -> Result<Vec<PathBuf>, Unlisted> {
        let (bytes, _) = self.paths.read_bytes(&self.file).map_err(|error| unlisted("the file", &error))?;
        (self.read)(&bytes).map_err(|unusable| Unlisted::Unreadable(unusable.0))
    }
}

impl Provider for List {
    fn shown(&self) -> String {
        self.file.display().to_string()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (files, instead) = match last.take() {
            Some(files) if self.paths.is_being_written(&self.file) => (files, None),
            Some(files) => match self.read_list() {
                Ok(files) => (files, None),
                Err(why) => (files, Some(Instead { why, meanwhile: "the list read before stays in force" })),
            },
            None => (self.read_list()?, None),
        };
        let items = self.paths.list(&files, Missing::AFault);
        *last = Some(files);
        Ok(Listing { items, instead })
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        self.paths.read(&item.name, Missing::AFault)
    }

    fn watch(&self, listed: &[Arc<str>], hint: &Hint) -> Watched {
        let mut files = vec![self.file.clone()];
        files.extend(listed.iter().map(|name| self.paths.path_of(name).into_owned()));
        self.paths.watch(Ways::of_files(&files, &*self.paths.system().disk), hint)
    }

    fn wait_for_writers(&self, longest: Duration) {
        self.paths.wait_for_writers(longest);
    }

    fn could_list(&self, _name: &str) -> bool {
        // Whatever it named before it was edited.
        true
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("file", &self.file).finish_non_exhaustive()
    }
}
