//! Copies of what is in force, for the next start.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::registration::FileFacts;
use crate::snapshot::{ContentHash, Good, Refusal};
use crate::source::{Item, Keep, Loader, Provider, Version, load};

/// The first line of a copy.
const MAGIC: &str = "bailiwick last good 1";
/// What copies are called.
const SUFFIX: &str = ".registration";
/// What copies are called while they are not yet taken.
const NEW: &str = ".new";
/// So many copies of what was not staged are made at a time, so that a first start with a hundred thousand files is not held
/// up by all of their copies at once.
const AT_A_TIME: usize = 1_000;
/// So many new copies are flushed to disk one by one; for more than that, the whole file system is at once.
const FEW: usize = 64;

/// The last good copy of each file, so that a file that is broken when the service starts still holds its names.
///
/// A new copy is written when a file has been read, that is before its content can come into force, and takes the place
/// of the old one once it has: whenever the service is killed, there is a copy of what was in force. Copies hold tokens, as
/// the files do: the directory is for its owner alone. A copy says which file it is of and what its bytes hash to, so that
/// half a copy is never taken for a whole one. Whatever is wrong here is logged and counted, and never stops the service.
#[derive(Debug)]
pub(crate) struct StateDir {
    dir: PathBuf,
    /// What is there, by file.
    saved: HashMap<Arc<str>, ContentHash>,
    /// What has been written since.
    staged: Mutex<Staged>,
    /// Whether there are copies still to be made, for which there was no time.
    unfinished: bool,
    /// What is wrong, as last logged.
    trouble: Option<String>,
}

/// New copies that are not yet taken.
#[derive(Debug, Default)]
struct Staged {
    paths: HashSet<PathBuf>,
    trouble: Option<String>,
}

/// A file whose content is in force.
pub(crate) struct InForce<'f> {
    pub(crate) file: &'f Arc<str>,
    pub(crate) hash: ContentHash,
    /// The version that was read last, where it can be read.
    pub(crate) version: Option<&'f Version>,
    /// Where it can be read again.
    pub(crate) source: &'f dyn Provider,
}

impl StateDir {
    /// Reads what is there. Copies that are damaged are left out, and said.
    pub(crate) fn open(dir: &Path) -> Self {
        let mut state = Self {
            dir: dir.to_owned(),
            saved: HashMap::new(),
            staged: Mutex::default(),
            unfinished: false,
            trouble: None,
        };
        if let Err(error) = state.read() {
            state.tell(Some(error.to_string()));
        }
        state
    }

    fn read(&mut self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let entries = fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        let (copies, rest): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| is_called(path, SUFFIX));
        for leftover in rest.iter().filter(|path| is_called(path, NEW)) {
            // Written by a process that was killed before it could take it. If it cannot be removed, it is in nobody's way.
            let _ = fs::remove_file(leftover);
        }
        let read = |path: &PathBuf| {
            let copy = fs::read(path).ok()?;
            opened(&copy).map(|(file, bytes)| (file, ContentHash::of(bytes)))
        };
        for (path, copy) in copies.par_iter().map(|path| (path, read(path))).collect::<Vec<_>>() {
            match copy {
                Some((file, hash)) => drop(self.saved.insert(file, hash)),
                None => tracing::warn!(copy = %path.display(), "a copy in the state directory is damaged and not used"),
            }
        }
        Ok(())
    }

    fn path_of(&self, file: &str) -> PathBuf {
        self.dir.join(ContentHash::of(file.as_bytes()).short() + SUFFIX)
    }

    fn staged_path_of(&self, file: &str, hash: &ContentHash) -> PathBuf {
        self.dir.join(format!("{}-{}{NEW}", ContentHash::of(file.as_bytes()).short(), hash.short()))
    }

    /// What a file had in force before the service was started, whose content now is `offered`.
    pub(crate) fn recall(&self, file: &Arc<str>, offered: &Result<Good, Refusal>, loader: &dyn Loader) -> Option<Good> {
        let saved = self.saved.get(file)?;
        match offered {
            Ok(good) if good.hash == *saved => Some(good.clone()),
            _ => self.load(file, loader),
        }
    }

    fn load(&self, file: &Arc<str>, loader: &dyn Loader) -> Option<Good> {
        let copy = fs::read(self.path_of(file)).ok()?;
        let (of, bytes) = opened(&copy)?;
        let registration = load(loader, file, bytes).ok().filter(|_| of == *file)?;
        Some(Good { registration: Arc::new(registration), hash: ContentHash::of(bytes) })
    }

    /// Whether [`StateDir::save`] is to be called again soon.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    /// Removes new copies of what has not come into force. One that stays behind is removed at the next start.
    pub(crate) fn discard(&mut self) {
        let staged = self.staged.get_mut().unwrap_or_else(PoisonError::into_inner);
        for unused in staged.paths.drain() {
            let _ = fs::remove_file(unused);
        }
    }

    /// Makes the copies those of what is in force, as far as there is time; whether all of them are.
    pub(crate) fn save(&mut self, in_force: &[InForce<'_>]) -> bool {
        let mut staged = std::mem::take(self.staged.get_mut().unwrap_or_else(PoisonError::into_inner));
        let mut trouble = staged.trouble.take();
        let mut ready = Vec::new();
        let mut left = AT_A_TIME;
        self.unfinished = false;
        for one in in_force.iter().filter(|one| self.saved.get(one.file) != Some(&one.hash)) {
            let path = self.staged_path_of(one.file, &one.hash);
            let written = if staged.paths.contains(&path) {
                Ok(())
            } else if left > 0 {
                left -= 1;
                copy(one, &path)
            } else {
                self.unfinished = true;
                continue;
            };
            match written {
                Ok(()) => ready.push((one, path)),
                Err(error) => trouble = Some(error.to_string()),
            }
        }
        if let Err(error) = self.flush(&ready) {
            trouble = Some(error.to_string());
        }
        for (one, path) in ready {
            match fs::rename(&path, self.path_of(one.file)) {
                Ok(()) => {
                    staged.paths.remove(&path);
                    self.saved.insert(Arc::clone(one.file), one.hash);
                }
                Err(error) => trouble = Some(error.to_string()),
            }
        }
        self.staged = Mutex::new(staged);
        self.discard();
        self.forget(in_force);
        let all = trouble.is_none() && !self.unfinished;
        self.tell(trouble);
        all
    }

    /// Sees to it that what is renamed into place is whole even if the power fails.
    fn flush(&self, ready: &[(&InForce<'_>, PathBuf)]) -> io::Result<()> {
        if ready.len() > FEW {
            return flush_all(&self.dir);
        }
        ready.iter().try_for_each(|(_, path)| File::open(path)?.sync_all())
    }

    /// Removes the copies of files that have nothing in force any more.
    fn forget(&mut self, in_force: &[InForce<'_>]) {
        if self.saved.len() <= in_force.len() {
            return;
        }
        let wanted: HashSet<&str> = in_force.iter().map(|one| &**one.file).collect();
        let gone: Vec<Arc<str>> = self.saved.keys().filter(|file| !wanted.contains(&***file)).cloned().collect();
        for file in gone {
            // A copy that cannot be removed is asked for only if its file comes back broken.
            let _ = fs::remove_file(self.path_of(&file));
            self.saved.remove(&file);
        }
    }

    /// Says what is wrong, once.
    fn tell(&mut self, trouble: Option<String>) {
        if self.trouble == trouble {
            return;
        }
        let dir = self.dir.display();
        match &trouble {
            Some(trouble) => tracing::warn!(
                "the state directory {dir} cannot be used, or not fully: {trouble}; a file without a copy there that is \
                 broken at the next start will hold no names"
            ),
            None => tracing::info!("the state directory {dir} holds a copy of all that is in force again"),
        }
        self.trouble = trouble;
    }
}

impl Keep for StateDir {
    /// Writes a copy of what may come into force, unless there is one.
    fn keep(&self, file: &Arc<str>, hash: ContentHash, bytes: &[u8]) {
        if self.saved.get(file) == Some(&hash) {
            return;
        }
        let path = self.staged_path_of(file, &hash);
        let written = write(&path, &sealed(file, bytes));
        let mut staged = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
        match written {
            Ok(()) => drop(staged.paths.insert(path)),
            Err(error) => staged.trouble = Some(error.to_string()),
        }
    }
}

fn is_called(path: &Path, suffix: &str) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(suffix.as_bytes())
}

/// Copies a file that was not staged, because the state directory could not be used when it was read.
fn copy(one: &InForce<'_>, path: &Path) -> io::Result<()> {
    let no_longer = || io::Error::other(format!("{} no longer holds what is in force of it", one.file));
    let version = one.version.ok_or_else(no_longer)?.clone();
    let item = Item { name: Arc::clone(one.file), version, facts: FileFacts::default() };
    let content = one.source.read(&item).map_err(io::Error::other)?;
    if ContentHash::of(&content.bytes) != one.hash {
        return Err(no_longer());
    }
    write(path, &sealed(one.file, &content.bytes))
}

/// Writes a copy, or leaves nothing behind.
fn write(path: &Path, copy: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(copy).inspect_err(|_| drop(fs::remove_file(path)))
}

#[cfg(target_os = "linux")]
fn flush_all(dir: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(dir)?)?)
}

#[cfg(not(target_os = "linux"))]
fn flush_all(_dir: &Path) -> io::Result<()> {
    rustix::fs::sync();
    Ok(())
}

fn sealed(file: &str, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let name = serde_json::Value::from(file);
    let head = format!("{MAGIC}\n{name}\n{}\n", ContentHash::of(bytes).short());
    Zeroizing::new([head.as_bytes(), bytes].concat())
}

/// The file that a copy is of, and its bytes; `None` if it is damaged.
fn opened(copy: &[u8]) -> Option<(Arc<str>, &[u8])> {
    let mut parts = copy.splitn(4, |&byte| byte == b'\n');
    let magic = parts.next()?;
    let file: String = serde_json::from_slice(parts.next()?).ok()?;
    let (hash, bytes) = (parts.next()?, parts.next()?);
    let whole = magic == MAGIC.as_bytes() && hash == ContentHash::of(bytes).short().as_bytes();
    whole.then(|| (file.into(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_whole_or_nothing() {
        let copy = sealed("/a\n\"b\".yaml", b"id: x\n");
        assert_eq!(opened(&copy), Some(("/a\n\"b\".yaml".into(), &b"id: x\n"[..])));
        for length in 0..copy.len() {
            assert_eq!(opened(&copy[..length]), None, "{length}");
        }
    }
}
