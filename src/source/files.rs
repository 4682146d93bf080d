use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::paths::{Missing, Paths};
use super::place::could_be_of;
use super::ways::Ways;
use super::{Content, FileSystem, Hint, Item, Listing, Provider, Unlisted, Unread, Watched};

/// A fixed list of files, in this order. One that is not there is a fault, and no reason to let go what it held.
#[derive(Debug)]
pub struct Files {
    files: Vec<PathBuf>,
    paths: Paths,
}

impl Files {
    /// These files, which need not be there yet.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, system: FileSystem) -> Self {
        Self { files, paths: Paths::new(system) }
    }
}

impl Provider for Files {
    fn shown(&self) -> String {
        match self.files.as_slice() {
            [] => "an empty list of files".to_owned(),
            [only] => only.display().to_string(),
            [first, rest @ ..] => format!("{} and {} more", first.display(), rest.len()),
        }
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        Ok(Listing { items: self.paths.list(&self.files, Missing::Named), ..Listing::default() })
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        self.paths.read(&item.name, Missing::Named)
    }

    fn watch(&self, _listed: &[Arc<str>], hint: &Hint) -> Watched {
        self.paths.watch(Ways::of_files(&self.files, &*self.paths.system().disk), hint)
    }

    fn wait_for_writers(&self, longest: Duration) {
        self.paths.wait_for_writers(longest);
    }

    fn progress(&self) -> u64 {
        self.paths.progress()
    }

    fn could_list(&self, name: &str) -> bool {
        self.files.iter().any(|file| *self.paths.name_of(file) == *name || could_be_of(file, name))
    }
}
