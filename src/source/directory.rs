use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::paths::{Missing, Paths};
use super::ways::Ways;
use super::{Content, Disk, FileSystem, Hint, Item, Listing, Provider, Stamp, Unlisted, Unread, Watched};

/// A directory: `*.yaml` and `*.yml`, not hidden, not recursive, sorted by name.
#[derive(Debug)]
pub struct Directory {
    dir: PathBuf,
    paths: Paths,
}

impl Directory {
    /// A directory, which need not be there yet.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, system: FileSystem) -> Self {
        Self { dir: dir.into(), paths: Paths::new(system) }
    }

    fn disk(&self) -> &dyn Disk {
        &*self.paths.system().disk
    }
}

impl Provider for Directory {
    fn shown(&self) -> String {
        self.dir.display().to_string()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        let mut names = self.disk().list(&self.dir).map_err(|error| unlisted("the directory", &error))?;
        names.retain(|name| is_registration_name(name));
        names.sort_unstable_by(|a: &OsString, b| a.as_bytes().cmp(b.as_bytes()));
        let paths: Vec<PathBuf> = names.into_iter().map(|name| self.dir.join(name)).collect();
        Ok(Listing { items: self.paths.list(&paths, Missing::Gone), instead: None })
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        self.paths.read(&item.name, Missing::Gone)
    }

    fn watch(&self, listed: &[Arc<str>], hint: &Hint) -> Watched {
        let listed: Vec<_> = listed.iter().map(|name| self.paths.path_of(name)).collect();
        self.paths.watch(Ways::of_directory(&self.dir, &listed, self.disk()), hint)
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            directory: self.disk().stat(&self.dir).ok(),
            data: self.disk().read_link(&self.dir.join("..data")).ok(),
            place: self.disk().resolve(&self.dir).ok(),
        }
    }

    fn wait_for_writers(&self, longest: Duration) {
        self.paths.wait_for_writers(longest);
    }

    fn could_list(&self, name: &str) -> bool {
        let path = Path::new(name);
        path.parent() == Some(&*self.dir) && path.file_name().is_some_and(is_registration_name)
    }
}

pub(super) fn unlisted(what: &'static str, error: &io::Error) -> Unlisted {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unlisted::Absent(what),
        _ => Unlisted::Unreadable(format!("{what} cannot be read: {error}")),
    }
}

/// `*.yaml` and `*.yml`, not hidden.
pub(crate) fn is_registration_name(name: &OsStr) -> bool {
    let name = name.as_bytes();
    (name.ends_with(b".yaml") || name.ends_with(b".yml")) && !name.starts_with(b".")
}
