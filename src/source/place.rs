use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::directory::{is_registration_name, is_toml_name};
use super::{Content, Directory, FileSystem, Files, Hint, Item, Listing, Provider, Stamp, Unlisted, Unread, Watched};

/// A path at which there is nothing yet that tells whether a directory or a file is meant: it is missing, a symlink that
/// leads nowhere, a pipe.
///
/// What comes there first decides, for as long as the service runs: if the other one comes into its place later, that is a
/// fault. Until then it counts as a file that is missing if it is called like one, or if something is there that is no
/// directory; else nobody can tell what it ought to hold, as with a directory that is missing.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    system: FileSystem,
    directory: Directory,
    file: Files,
    is: OnceLock<Is>,
}

#[derive(Clone, Copy, Debug)]
enum Is {
    Directory,
    File,
}

impl Place {
    /// A place that need not be there yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, system: FileSystem) -> Self {
        let path = path.into();
        Self {
            directory: Directory::new(&path, system.clone()),
            file: Files::new(vec![path.clone()], system.clone()),
            path,
            system,
            is: OnceLock::new(),
        }
    }

    /// What is there by now, as far as that can be told.
    fn is(&self) -> Option<Is> {
        if let Some(is) = self.is.get() {
            return Some(*is);
        }
        let is = match self.system.disk.stat(&self.path) {
            Ok(stat) if stat.is_directory() => Is::Directory,
            Ok(stat) if stat.is_file => Is::File,
            _ => return None,
        };
        Some(*self.is.get_or_init(|| is))
    }

    /// What it counts as meanwhile: a file that is missing, or nothing that can be listed.
    fn seems_to_be_a_file(&self) -> bool {
        self.path.file_name().is_some_and(is_registration_name) || self.system.disk.stat(&self.path).is_ok()
    }

    /// What is there, or would be if it is a file: the questions that need an answer before that is known.
    fn provider(&self) -> &dyn Provider {
        match self.is.get() {
            Some(Is::Directory) => &self.directory,
            Some(Is::File) | None => &self.file,
        }
    }
}

impl Provider for Place {
    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        match self.is() {
            None if !self.seems_to_be_a_file() => Err(Unlisted::Absent("neither a directory nor a file is there")),
            _ => self.provider().list(),
        }
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        self.provider().read(item)
    }

    fn watch(&self, listed: &[Arc<str>], hint: &Hint) -> Watched {
        self.provider().watch(listed, hint)
    }

    fn stamp(&self) -> Stamp {
        self.provider().stamp()
    }

    fn wait_for_writers(&self, longest: Duration) {
        self.provider().wait_for_writers(longest);
    }

    fn progress(&self) -> u64 {
        self.directory.progress() + self.file.progress()
    }

    fn could_list(&self, name: &str) -> bool {
        could_be_of(&self.path, name)
    }
}

/// Whether a name may be that of what was loaded from a path, whether that was a file or a directory.
pub(super) fn could_be_of(path: &Path, name: &str) -> bool {
    let name = Path::new(name);
    let is_called_so = |name: &OsStr| is_registration_name(name) || is_toml_name(name);
    name == path || (name.parent() == Some(path) && name.file_name().is_some_and(is_called_so))
}
