//! Makes the copies those of what is in force.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::copy::{self, Copy, Held};
use super::{HELD, NEW, RELEASED, SUFFIX, StateDir};
use crate::registration::FileFacts;
use crate::snapshot::{Claimed, ContentHash};
use crate::source::{Item, Source, VersionRef};

/// So many copies of what was not staged are made at a time, so that a first start with a hundred thousand files is not held
/// up by all of their copies at once.
const AT_A_TIME: usize = 1_000;
/// So many new copies are flushed to disk one by one; for more than that, the whole file system is at once.
const FEW: usize = 64;

/// A file whose content is in force.
pub(crate) struct InForce<'f> {
    pub(crate) file: &'f str,
    /// What its bytes hash to; `None` if the copy that is there is to stay as it is.
    pub(crate) hash: Option<ContentHash>,
    /// Whether it is lost with its source.
    pub(crate) is_lost: bool,
    /// What is held besides.
    pub(crate) more: Vec<Claimed>,
    /// The version that was read last, where it can be read.
    pub(crate) version: Option<VersionRef<'f>>,
    /// The file that it was, whose copy is still of this.
    pub(crate) formerly: Option<&'f str>,
    /// Where it can be read again.
    pub(crate) source: &'f Source,
}

/// Of what copies are to be made, and what has become of all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others<'o> {
    /// There are none: all that is not named has nothing in force.
    Gone,
    /// They are in force as they were when all copies had last been made, and none of them is lost or held.
    AsTheyWere {
        /// But for these, which have nothing in force.
        but: &'o [Arc<str>],
    },
}

impl StateDir {
    /// Makes the copies those of what is in force, as far as there is time; whether all of them are.
    pub(crate) fn save(
        &mut self,
        (in_force, others): (&[InForce<'_>], Others<'_>),
        note: Option<&str>,
        confirmed: bool,
    ) -> bool {
        let had_lock = self.lock.is_some();
        if let Err(error) = self.create().and_then(|()| self.lock()) {
            self.tell(Some(error.to_string()));
            return false;
        }
        if !had_lock {
            // Another service may have written here since they were read.
            self.saved_anew();
        }
        let mut staged = std::mem::take(self.staged.get_mut().unwrap_or_else(PoisonError::into_inner));
        let mut trouble = staged.trouble.take();
        let mut ready = Vec::new();
        let mut left = AT_A_TIME;
        self.unfinished = false;
        let wanted = in_force.iter().filter_map(|one| Some((one, one.hash?)));
        for (one, hash) in wanted.filter(|(one, hash)| self.saved.get(one.file) != Some(hash)) {
            let path = self.staged_path_of(one.file, &hash);
            let written = if staged.paths.contains(&path) {
                Ok(())
            } else if one.formerly.is_some() {
                // Now or never.
                self.copy_former(one, hash, &path)
            } else if left > 0 {
                left -= 1;
                self.copy(one, hash, &path)
            } else {
                self.unfinished = true;
                continue;
            };
            match written {
                Ok(()) => ready.push((one.file, hash, path)),
                Err(error) => trouble = Some(error.to_string()),
            }
        }
        if let Err(error) = self.save_note(note) {
            trouble = Some(error.to_string());
        }
        if others == Others::Gone
            && let Err(error) = self.save_lost(in_force)
        {
            // What is new would count against what is lost at the next start.
            ready.retain(|(file, ..)| self.saved.contains_key(*file));
            trouble = Some(error.to_string());
        }
        for (file, error) in self.save_held(in_force) {
            // Its copy stays as it is, which says what is held.
            ready.retain(|(ready, ..)| *ready != &*file);
            trouble = Some(error.to_string());
        }
        if let Err(error) = self.flush(&ready) {
            trouble = Some(error.to_string());
        }
        for (file, hash, path) in ready {
            match fs::rename(&path, self.path_of(file, SUFFIX)) {
                Ok(()) => {
                    staged.paths.remove(&path);
                    self.damaged.remove(&self.path_of(file, SUFFIX));
                    self.saved.insert(file.into(), hash);
                    if self.released.remove(file) {
                        // In nobody's way: what is saved is asked for first.
                        let _ = fs::remove_file(self.path_of(file, RELEASED));
                    }
                }
                Err(error) => trouble = Some(error.to_string()),
            }
        }
        self.staged = Mutex::new(staged);
        self.discard();
        for one in in_force {
            if !self.mine.contains(one.file) {
                // Its name lies in memory once.
                let saved = self.saved.get_key_value(one.file).map(|(file, _)| Arc::clone(file));
                self.mine.insert(saved.unwrap_or_else(|| one.file.into()));
            }
        }
        let gone: Vec<Arc<str>> = match others {
            Others::Gone => {
                let wanted: HashSet<&str> = in_force.iter().map(|one| one.file).collect();
                self.mine.extract_if(|file| !wanted.contains(&**file)).collect()
            }
            Others::AsTheyWere { but } => but.iter().filter(|file| self.mine.remove(*file)).cloned().collect(),
        };
        self.release(gone, confirmed);
        let trouble = if self.unfinished { trouble } else { trouble.or_else(|| self.lacking(in_force)) };
        let all = trouble.is_none() && !self.unfinished;
        if all {
            for copy in self.obsolete.drain(..) {
                let _ = fs::remove_file(copy);
            }
        }
        self.tell(trouble);
        all
    }

    /// Notes what is held besides, before the copies are those of what no longer says it; of which files that has failed.
    fn save_held(&mut self, in_force: &[InForce<'_>]) -> Vec<(Arc<str>, io::Error)> {
        let mut problems = Vec::new();
        for one in in_force.iter().filter(|one| one.hash.is_some()) {
            if self.held.get(one.file).map_or(&[][..], Vec::as_slice) == one.more {
                continue;
            }
            let path = self.path_of(one.file, HELD);
            let done = if one.more.is_empty() {
                fs::remove_file(path).or_else(unless_missing)
            } else {
                let new = self.path_of(one.file, NEW);
                copy::write(&new, &Held::sealed(one.file, &one.more)).and_then(|()| fs::rename(new, path))
            };
            match done {
                Ok(()) if one.more.is_empty() => drop(self.held.remove(one.file)),
                Ok(()) => drop(self.held.insert(one.file.into(), one.more.clone())),
                Err(error) => problems.push((one.file.into(), error)),
            }
        }
        problems
    }

    /// Sees to it that what is renamed into place is whole even if the power fails.
    fn flush(&self, ready: &[(&str, ContentHash, PathBuf)]) -> io::Result<()> {
        if ready.len() > FEW {
            return flush_all(&self.dir);
        }
        ready.iter().try_for_each(|(file, _, path)| {
            File::open(path)?.sync_all()?;
            // What is held besides is no less part of it.
            File::open(self.path_of(file, HELD)).and_then(|held| held.sync_all()).or_else(unless_missing)
        })
    }

    /// Marks the copies of files that have nothing in force any more, or removes them.
    fn release(&mut self, gone: Vec<Arc<str>>, confirmed: bool) {
        for file in gone {
            let (saved, released) = (self.path_of(&file, SUFFIX), self.path_of(&file, RELEASED));
            // A copy that stays behind is asked for only if its file comes back broken, or held once more at the next start.
            if confirmed {
                let _ = fs::remove_file(saved);
            } else if fs::rename(saved, &released).is_ok() {
                let now =
                    File::options().write(true).open(&released).and_then(|copy| copy.set_modified(SystemTime::now()));
                drop(now);
                self.released.insert(Arc::clone(&file));
            }
            if self.held.remove(&file).is_some() {
                let _ = fs::remove_file(self.path_of(&file, HELD));
            }
            self.saved.remove(&file);
        }
    }

    /// Copies the copy of a file that was something else then.
    fn copy_former(&self, one: &InForce<'_>, hash: ContentHash, path: &Path) -> io::Result<()> {
        let no_longer = || io::Error::other(format!("no copy holds what is in force of {}", one.file));
        let former = one.formerly.ok_or_else(no_longer)?;
        let bytes = Zeroizing::new(fs::read(self.path_of(former, SUFFIX))?);
        let copy = Copy::opened(&bytes).filter(|copy| ContentHash::of(copy.bytes) == hash).ok_or_else(no_longer)?;
        copy::write(path, &Copy { file: one.file.into(), ..copy }.sealed())
    }

    /// Copies a file that was not staged, because the state directory could not be used when it was read.
    fn copy(&self, one: &InForce<'_>, hash: ContentHash, path: &Path) -> io::Result<()> {
        let no_longer = || io::Error::other(format!("{} no longer holds what is in force of it", one.file));
        let version = one.version.ok_or_else(no_longer)?.to_owned();
        let item = Item { name: one.file.into(), version, facts: FileFacts::default() };
        let content = one.source.read(item).map_err(io::Error::other)?;
        let bytes = &content.bytes;
        if ContentHash::of(bytes) != hash {
            return Err(no_longer());
        }
        copy::write(path, &Copy { file: one.file.into(), owner: Some(self.owner.as_str()), bytes }.sealed())
    }
}

pub(super) fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Sees to it that all that was written is on disk.
fn flush_all(dir: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(dir)?)?)
}
