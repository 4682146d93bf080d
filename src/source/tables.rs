use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::list::{says_something, unlisted};
use super::paths::{Paths, item};
use super::ways::Ways;
use super::{
    Content, FileSystem, Hint, Instead, Item, Listed, Listing, Provider, Unlisted, Unread, Unusable, Version, Watched,
};

/// A file in which several registrations stand, each as a table of it: a homeserver's configuration. It is watched, and read
/// again. An item is called by the file and the table, `tuwunel.toml#irc`, and its bytes are those of the whole file.
///
/// As long as the file cannot be used, the tables that were read before stay: each is unreadable.
pub struct Tables {
    file: PathBuf,
    read: Box<ReadTables>,
    paths: Paths,
    /// The tables that were read last.
    last: Mutex<Option<Vec<String>>>,
}

/// Reads the names of the tables out of a file, in load order, or says in one sentence why that cannot be done.
pub type ReadTables = dyn Fn(&[u8]) -> Result<Vec<String>, Unusable> + Send + Sync;

/// What stands between the name of a file and that of a table.
const BETWEEN: char = '#';

impl Tables {
    /// The tables of a file, which need not be there yet.
    #[must_use]
    pub fn new(file: PathBuf, read: Box<ReadTables>, system: FileSystem) -> Self {
        Self { file, read, paths: Paths::new(system), last: Mutex::default() }
    }

    fn name_of(&self, table: &str) -> Arc<str> {
        format!("{}{BETWEEN}{table}", self.paths.name_of(&self.file)).into()
    }

    /// The items that are there now, and the tables that they are.
    fn read_tables(&self, has_said_something: bool) -> Result<(Vec<Listed>, Vec<String>), Unlisted> {
        let (bytes, stat) = self.paths.read_bytes(&self.file).map_err(|error| unlisted(&error))?;
        if has_said_something && !says_something(&bytes) {
            return Err(Unlisted::Unreadable("it has become empty".to_owned()));
        }
        let tables = (self.read)(&bytes).map_err(|unusable| Unlisted::Unreadable(unusable.0))?;
        let items = tables.iter().map(|table| Listed::Item(item(self.name_of(table), stat))).collect();
        Ok((items, tables))
    }

    fn again(&self, tables: &[String], item: impl Fn(Arc<str>) -> Listed) -> Vec<Listed> {
        tables.iter().map(|table| item(self.name_of(table))).collect()
    }
}

impl Provider for Tables {
    fn shown(&self) -> String {
        self.file.display().to_string()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = last.take() else {
            let (items, tables) = self.read_tables(false)?;
            *last = Some(tables);
            return Ok(Listing { items, ..Listing::default() });
        };
        let (listing, tables) = if self.paths.is_being_written(&self.file) {
            let items = self.again(&before, Listed::BeingWritten);
            (Listing { items, ..Listing::default() }, before)
        } else {
            match self.read_tables(!before.is_empty()) {
                Ok((items, tables)) => (Listing { items, ..Listing::default() }, tables),
                Err(why) => {
                    let items = self.again(&before, |name| Listed::Unreadable { name, why: why.to_string() });
                    let instead = Some(Instead { why, meanwhile: "the tables read before stay in force" });
                    (Listing { items, instead, ..Listing::default() }, before)
                }
            }
        };
        *last = Some(tables);
        Ok(listing)
    }

    fn read(&self, _item: &Item) -> Result<Content, Unread> {
        // That it is gone would say that the table is.
        let (bytes, after) = self.paths.read_bytes(&self.file).map_err(|error| Unread::Because(error.to_string()))?;
        Ok(Content { bytes, version: Version::Stat(Box::new(after)) })
    }

    fn watch(&self, _listed: &[Arc<str>], hint: &Hint) -> Watched {
        let files = std::slice::from_ref(&self.file);
        self.paths.watch(Ways::of_files(files, &*self.paths.system().disk), hint)
    }

    fn wait_for_writers(&self, longest: Duration) {
        self.paths.wait_for_writers(longest);
    }

    fn progress(&self) -> u64 {
        self.paths.progress()
    }

    fn could_list(&self, name: &str) -> bool {
        // Whatever tables there were before it was edited.
        name.strip_prefix(&*self.paths.name_of(&self.file)).is_some_and(|rest| rest.starts_with(BETWEEN))
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").field("file", &self.file).finish_non_exhaustive()
    }
}
