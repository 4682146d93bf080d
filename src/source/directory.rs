use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::paths::{Missing, Paths};
use super::place::could_be_of;
use super::ways::Ways;
use super::{Content, Disk, FileSystem, Hint, Item, Listing, PassedOver, Provider, Stamp, Unlisted, Unread, Watched};

/// So many names of each sort are given of what is passed over; the rest is counted. Enough to see what was forgotten.
const NAMED: usize = 5;

/// Of so many names of what is passed over it is asked whether they are directories, at every look: no more than a moment,
/// however full of other things the directory is.
const ASKED: usize = 64;

/// A directory: `*.yaml` and `*.yml`, and `*.toml` where that is read, not hidden, not recursive, sorted by name.
#[derive(Debug)]
pub struct Directory {
    dir: PathBuf,
    /// Files in it that are named besides, so that one that is missing is a fault.
    named: Vec<PathBuf>,
    paths: Paths,
}

impl Directory {
    /// A directory, which need not be there yet.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, system: FileSystem) -> Self {
        Self { dir: dir.into(), named: Vec::new(), paths: Paths::new(system) }
    }

    /// The same where these files are named on their own as well, as far as they would be listed here: they are kept if they
    /// are missing, whoever lists them first.
    #[must_use]
    pub fn with_named(self, files: &[PathBuf]) -> Self {
        let is_ours = |name: &OsStr| self.is_registration_name(name);
        let here = |file: &&PathBuf| file.parent() == Some(&*self.dir) && file.file_name().is_some_and(is_ours);
        let named = files.iter().filter(here).cloned().collect();
        Self { named, ..self }
    }

    /// Whether what is called so is a registration for the homeserver whose directory this is.
    fn is_registration_name(&self, name: &OsStr) -> bool {
        is_registration_name(name) || (self.paths.system().toml && is_toml_name(name))
    }

    fn missing(&self, path: &Path) -> Missing {
        if self.named.iter().any(|named| named == path) { Missing::Named } else { Missing::Gone }
    }

    fn disk(&self) -> &dyn Disk {
        &*self.paths.system().disk
    }

    /// What of these names somebody may have meant to be registrations.
    fn passed_over(&self, others: &[OsString]) -> PassedOver {
        let meant: Vec<&OsString> = others.iter().filter(|name| may_be_meant(name)).collect();
        let (mut directories, mut files) = (Vec::new(), Vec::new());
        for name in meant.iter().take(ASKED) {
            let is_directory = self.disk().stat(&self.dir.join(name)).is_ok_and(|stat| stat.is_directory());
            let names = if is_directory { &mut directories } else { &mut files };
            if names.len() < NAMED {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        PassedOver { directories, files, total: meant.len() }
    }
}

impl Provider for Directory {
    fn shown(&self) -> String {
        self.dir.display().to_string()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        let mut names = self.disk().list(&self.dir).map_err(|error| unlisted(&error))?;
        names.sort_unstable_by(|a: &OsString, b| a.as_bytes().cmp(b.as_bytes()));
        let (names, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| self.is_registration_name(name));
        let paths: Vec<PathBuf> = names.into_iter().map(|name| self.dir.join(name)).collect();
        let passed_over = self.passed_over(&others);
        let mut items = self.paths.list(&paths, Missing::Gone);
        let missing: Vec<PathBuf> = self.named.iter().filter(|named| !paths.contains(named)).cloned().collect();
        if !missing.is_empty() {
            items.extend(self.paths.list(&missing, Missing::Named));
            items.sort_by(|a, b| a.name().cmp(b.name()));
        }
        Ok(Listing { items, passed_over, ..Listing::default() })
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        let missing = self.missing(&self.paths.path_of(&item.name));
        self.paths.read(&item.name, missing)
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

    fn progress(&self) -> u64 {
        self.paths.progress()
    }

    fn could_list(&self, name: &str) -> bool {
        could_be_of(&self.dir, name)
    }
}

/// Why a directory cannot be listed.
fn unlisted(error: &io::Error) -> Unlisted {
    match error.kind() {
        io::ErrorKind::NotFound => Unlisted::Absent("the directory is not there"),
        io::ErrorKind::NotADirectory => Unlisted::Absent(
            "something else stands where the directory was; if that is meant, start bailiwick anew, so that it is loaded",
        ),
        _ => Unlisted::Unreadable(format!("the directory cannot be read: {error}")),
    }
}

/// Whether somebody may have meant what is called so, and is no registration by its name, to be one. What is hidden is so on
/// purpose, as Kubernetes' `..data` and what editors write are, unless it would be a registration if it were not.
fn may_be_meant(name: &OsStr) -> bool {
    let name = name.as_bytes();
    match name.strip_prefix(b".") {
        Some(rest) => !rest.starts_with(b".") && is_registration_name(OsStr::from_bytes(rest)),
        None => true,
    }
}

/// `*.toml`, not hidden.
pub(super) fn is_toml_name(name: &OsStr) -> bool {
    name.as_bytes().ends_with(b".toml") && !name.as_bytes().starts_with(b".")
}

/// `*.yaml` and `*.yml`, not hidden.
pub(crate) fn is_registration_name(name: &OsStr) -> bool {
    let name = name.as_bytes();
    (name.ends_with(b".yaml") || name.ends_with(b".yml")) && !name.starts_with(b".")
}
