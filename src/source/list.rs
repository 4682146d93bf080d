use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::paths::{Missing, Paths};
use super::ways::Ways;
use super::{Content, Disk, FileSystem, Hint, Instead, Item, Listed, Listing, Provider, Unlisted, Unread, Watched};

/// Files that list files, in this order: a homeserver's configuration. They are watched like them, and read again.
///
/// As long as they cannot be used, the list that was read before stays: the list is unreadable, the files on it are not.
pub struct List {
    configs: Vec<PathBuf>,
    read: Box<ReadList>,
    paths: Paths,
    /// The list that was read last.
    last: Mutex<Option<Last>>,
}

/// What was read last.
struct Last {
    files: Vec<Entry>,
    /// The files that said something then, whether or not it was about registrations.
    said_something: Vec<PathBuf>,
}

/// Reads a list of files out of a configuration, or says in one sentence why that cannot be done.
pub type ReadList = dyn Fn(&[Config]) -> Result<Vec<Entry>, Unusable> + Send + Sync;

/// One file that a configuration lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Where it is listed, as an editor takes it: `homeserver.yaml:4:3`.
    pub at: String,
}

/// One file of a configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it is.
    pub file: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Why a configuration cannot be used, as a sentence without an end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

impl List {
    /// The list in some files, or in what is called `*.yaml` in directories, by name; none of it need be there yet.
    #[must_use]
    pub fn new(configs: Vec<PathBuf>, read: Box<ReadList>, system: FileSystem) -> Self {
        Self { configs, read, paths: Paths::new(system), last: Mutex::default() }
    }

    fn read_list(&self, last: &[PathBuf]) -> Result<Last, Unlisted> {
        let disk = &*self.paths.system().disk;
        let files = config_files(disk, &self.configs).map_err(|error| unlisted(&error))?;
        // One that is gone is an edit. One that is there as something else would be passed over, and with it what it listed.
        if let Some(file) = last.iter().find(|file| !files.contains(file) && disk.is_there(file)) {
            let file = file.display();
            return Err(Unlisted::Unreadable(format!("{file} is no regular file any more, or leads to none")));
        }
        let read = |file: PathBuf| {
            let (bytes, _) = self.paths.read_bytes(&file)?;
            Ok(Config { file, bytes })
        };
        let configs: io::Result<Vec<Config>> = files.into_iter().map(read).collect();
        let configs = configs.map_err(|error| unlisted(&error))?;
        let files = (self.read)(&configs).map_err(|unusable| Unlisted::Unreadable(unusable.0))?;
        let (said, silent): (Vec<_>, Vec<_>) = configs.into_iter().partition(|config| says_something(&config.bytes));
        // A later file that has come to say nothing would leave the list to the files before it.
        if let Some(config) = silent.iter().find(|config| last.contains(&config.file)) {
            return Err(Unlisted::Unreadable(format!("{} has become empty", config.file.display())));
        }
        Ok(Last { files, said_something: said.into_iter().map(|config| config.file).collect() })
    }

    /// Whether any of the files that list files is open for writing.
    fn is_being_written(&self) -> bool {
        let files = config_files(&*self.paths.system().disk, &self.configs).unwrap_or_default();
        files.iter().any(|file| self.paths.is_being_written(file))
    }
}

/// Whether there is more than comments.
pub(super) fn says_something(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    lines.any(|line| !line.is_empty() && !line.starts_with(b"#"))
}

/// The files of a configuration in the order in which they are laid over each other: what is called `*.yaml` in a
/// directory, by name, in its place.
pub fn config_files(disk: &dyn Disk, configs: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::with_capacity(configs.len());
    for config in configs {
        if disk.stat(config).is_ok_and(|stat| stat.is_directory()) {
            let mut names = disk.list(config)?;
            names.retain(|name| name.as_bytes().ends_with(b".yaml"));
            names.sort_unstable();
            let here = names.into_iter().map(|name| config.join(name));
            files.extend(here.filter(|file| disk.stat(file).is_ok_and(|stat| stat.is_file)));
        } else {
            files.push(config.clone());
        }
    }
    Ok(files)
}

/// Why a configuration cannot be read.
pub(super) fn unlisted(error: &io::Error) -> Unlisted {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unlisted::Absent("the file is not there"),
        _ => Unlisted::Unreadable(format!("the file cannot be read: {error}")),
    }
}

impl Provider for List {
    fn shown(&self) -> String {
        let shown: Vec<String> = self.configs.iter().map(|config| config.display().to_string()).collect();
        shown.join(", ")
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, instead) = match last.take() {
            Some(read) if self.is_being_written() => (read, None),
            Some(read) => match self.read_list(&read.said_something) {
                Ok(read) => (read, None),
                Err(why) => (read, Some(Instead { why, meanwhile: "the list read before stays in force" })),
            },
            None => (self.read_list(&[])?, None),
        };
        let paths: Vec<PathBuf> = read.files.iter().map(|file| file.path.clone()).collect();
        let mut items = self.paths.list(&paths, Missing::Listed);
        // There is an item for each file: one that is missing ought to be there.
        for (item, file) in items.iter_mut().zip(&read.files) {
            if let Listed::Unreadable { why, .. } = item {
                *why += &format!(" (it is listed at {})", file.at);
            }
        }
        *last = Some(read);
        Ok(Listing { items, instead, ..Listing::default() })
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        self.paths.read(&item.name, Missing::Listed)
    }

    fn watch(&self, listed: &[Arc<str>], hint: &Hint) -> Watched {
        let disk = &*self.paths.system().disk;
        let mut files = self.configs.clone();
        files.extend(config_files(disk, &self.configs).unwrap_or_default());
        files.extend(listed.iter().map(|name| self.paths.path_of(name).into_owned()));
        let is_directory = |path: &&PathBuf| disk.stat(path).is_ok_and(|stat| stat.is_directory());
        let directories: Vec<&Path> = self.configs.iter().filter(is_directory).map(PathBuf::as_path).collect();
        self.paths.watch(Ways::of_files(&files, disk).and_into(&directories), hint)
    }

    fn wait_for_writers(&self, longest: Duration) {
        self.paths.wait_for_writers(longest);
    }

    fn progress(&self) -> u64 {
        self.paths.progress()
    }

    fn could_list(&self, _name: &str) -> bool {
        // Whatever it named before it was edited.
        true
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("configs", &self.configs).finish_non_exhaustive()
    }
}
