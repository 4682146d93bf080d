use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Disk;

/// Where registrations come from. Another kind of source is another variant here.
#[derive(Clone)]
pub enum Source {
    /// A directory: `*.yaml` and `*.yml`, not hidden, not recursive, sorted by name.
    Directory(PathBuf),
    /// A fixed list of files, in this order.
    Files(Vec<PathBuf>),
    /// A file that lists files, in this order: a homeserver's configuration. It is watched like them, and read again.
    List {
        /// The file.
        file: PathBuf,
        /// Reads the list out of its bytes.
        read: Arc<ReadList>,
    },
}

/// Reads a list of files out of the bytes of a configuration, or says in one sentence why that cannot be done.
pub type ReadList = dyn Fn(&[u8]) -> Result<Vec<PathBuf>, String> + Send + Sync;

/// The most bytes that a file is read with, registration or list: 16 MiB.
pub(crate) const MAX_FILE_BYTES: u64 = 16 << 20;

/// Why a source has no listing.
#[derive(Debug)]
pub(crate) struct NoListing {
    /// A sentence without an end, to be followed by what is in force meanwhile.
    pub(crate) problem: String,
    /// Whether the source is simply not there, which a request may confirm.
    pub(crate) absent: bool,
}

impl Source {
    /// The files that are there now.
    pub(crate) fn list(&self, disk: &dyn Disk) -> Result<Vec<PathBuf>, NoListing> {
        match self {
            Self::Directory(dir) => list_directory(disk, dir),
            Self::Files(files) => Ok(files.clone()),
            Self::List { file, read } => {
                let (bytes, _) =
                    disk.read(file, MAX_FILE_BYTES).map_err(|error| NoListing::from_io("the file", &error))?;
                read(&bytes).map_err(|problem| NoListing { problem, absent: false })
            }
        }
    }

    /// Whether a file that is no longer there belongs to the source no longer. A list still names it.
    pub(crate) const fn forgets_what_is_gone(&self) -> bool {
        matches!(self, Self::Directory(_))
    }

    /// How it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Directory(path) | Self::List { file: path, .. } => path.display().to_string(),
            Self::Files(files) => match files.as_slice() {
                [] => "an empty list of files".to_owned(),
                [only] => only.display().to_string(),
                [first, rest @ ..] => format!("{} and {} more", first.display(), rest.len()),
            },
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl NoListing {
    fn from_io(what: &str, error: &io::Error) -> Self {
        let absent = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        let problem = if absent { format!("{what} is not there") } else { format!("{what} cannot be read: {error}") };
        Self { problem, absent }
    }
}

fn list_directory(disk: &dyn Disk, dir: &Path) -> Result<Vec<PathBuf>, NoListing> {
    let mut names = disk.list(dir).map_err(|error| NoListing::from_io("the directory", &error))?;
    names.retain(|name| is_registration_name(name));
    names.sort_unstable_by(|a: &OsString, b| a.as_bytes().cmp(b.as_bytes()));
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

/// `*.yaml` and `*.yml`, not hidden.
pub(crate) fn is_registration_name(name: &OsStr) -> bool {
    let name = name.as_bytes();
    (name.ends_with(b".yaml") || name.ends_with(b".yml")) && !name.starts_with(b".")
}
