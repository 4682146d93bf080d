//! What lasts across a restart: a copy of what is in force of each file.
//!
//! A service that starts with files that are broken, missing or half mounted must guard the names that it guarded before.
//! So the bytes of whatever comes into force are kept in a directory of its own.
//!
//! # The life of a copy
//!
//! ```text
//! the file is read ─► .new ─► its content is in force ─► .registration ─► the file is gone ─► .released ─► removed
//! ```
//!
//! A new copy is written when a file has been read, that is before its content can come into force, and takes the place
//! of the old one just before that happens: whenever the service is killed, there is a copy of what was in force. While
//! what an edit took away is held, the old copy stays. What has been let go leaves a *released* copy for a week
//! ([`RELEASED_FOR`]): should its file come back broken, it holds what it held. A confirmation removes it at once.
//!
//! # Whose it is
//!
//! A copy says of which file and of which homeserver it is and what its bytes hash to, so that half a copy is never taken
//! for a whole one, nor one homeserver's for another's. One service at a time writes: it holds a lock. One that does not
//! get it guards what is broken or gone by the copies that are there, and changes nothing until the other ends.
//!
//! Copies hold tokens, as the files do: the directory is for its owner alone. Whatever is wrong here is logged and counted,
//! and never stops the service.

mod copy;
mod lost;

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::matrix::ServerName;
use crate::registration::{Fault, FaultCode, FileFacts};
use crate::snapshot::{Claimed, ContentHash, Good, Refusal};
use crate::source::{Item, Keep, Loader, Source, Version, load};
use copy::{Copy, Held};
use lost::Seen;

/// What copies are called.
const SUFFIX: &str = ".registration";
/// What copies are called while they are not yet taken.
const NEW: &str = ".new";
/// What the claims are called that are held besides what a copy says.
const HELD: &str = ".held";
/// What copies are called whose files are gone and whose names have been let go.
const RELEASED: &str = ".released";
/// So many copies of what was not staged are made at a time, so that a first start with a hundred thousand files is not held
/// up by all of their copies at once.
const AT_A_TIME: usize = 1_000;
/// So many new copies are flushed to disk one by one; for more than that, the whole file system is at once.
const FEW: usize = 64;
/// Released copies are kept for so long: longer than a deployment that went wrong takes to be noticed and mended, and not
/// so long that the tokens of bridges that were removed lie about for ever.
const RELEASED_FOR: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The last good copy of each file.
#[derive(Debug)]
pub(super) struct StateDir {
    dir: PathBuf,
    /// The homeserver whose copies these are.
    owner: ServerName,
    /// Held as long as the service runs; `None` while another service holds it.
    lock: Option<File>,
    /// The copies of what is in force, by file.
    saved: HashMap<Arc<str>, ContentHash>,
    /// The files whose copies this service answers for: those that it began with or had in force. Others belong to a
    /// service that wrote here before.
    mine: HashSet<Arc<str>>,
    /// What is held besides, by file.
    held: HashMap<Arc<str>, Vec<Claimed>>,
    /// Those of what was let go.
    released: HashSet<Arc<str>>,
    /// Copies of the first version, which are used, and removed once others have been made.
    obsolete: Vec<PathBuf>,
    /// What has been written since.
    staged: Mutex<Staged>,
    /// Whether there are copies still to be made, for which there was no time.
    unfinished: bool,
    /// What was seen of the directory when all copies were last found to be there.
    seen: Option<Seen>,
    /// Files whose copies were removed and have not been made again.
    lack: HashSet<Arc<str>>,
    /// Copies of which nobody can tell any more what they held.
    damaged: HashSet<PathBuf>,
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
    /// What its bytes hash to; `None` if the copy that is there is to stay as it is.
    pub(crate) hash: Option<ContentHash>,
    /// What is held besides.
    pub(crate) more: Vec<Claimed>,
    /// The version that was read last, where it can be read.
    pub(crate) version: Option<&'f Version>,
    /// The file that it was, whose copy is still of this.
    pub(crate) formerly: Option<&'f Arc<str>>,
    /// Where it can be read again.
    pub(crate) source: &'f Source,
}

impl StateDir {
    /// Reads what is there, and what was in force of each file when it was written. Copies that are damaged are left
    /// out, and said; those that another service is using are read, and not changed.
    pub(super) fn open(dir: &Path, owner: &ServerName, loader: &dyn Loader) -> (Self, Vec<(Arc<str>, Good)>) {
        let mut state = Self {
            dir: dir.to_owned(),
            owner: owner.clone(),
            lock: None,
            saved: HashMap::new(),
            mine: HashSet::new(),
            held: HashMap::new(),
            released: HashSet::new(),
            obsolete: Vec::new(),
            staged: Mutex::default(),
            unfinished: false,
            seen: None,
            lack: HashSet::new(),
            damaged: HashSet::new(),
            trouble: None,
        };
        let copies = state.create().and_then(|()| {
            let locked = state.lock();
            let copies = state.read(loader)?;
            if let Err(error) = locked {
                state.tell(Some(error.to_string()));
            }
            Ok(copies)
        });
        let copies = copies.unwrap_or_else(|error| {
            state.tell(Some(error.to_string()));
            Vec::new()
        });
        state.mine = copies.iter().map(|(file, _)| Arc::clone(file)).collect();
        state.tell_mode();
        (state, copies)
    }

    /// Says when others may look into the directory, or change what is there. Nobody's mode is changed: it may be a
    /// directory that is there for more than this.
    fn tell_mode(&self) {
        let Ok(mode) = fs::metadata(&self.dir).map(|metadata| metadata.mode() & 0o777) else { return };
        let dir = self.dir.display().to_string();
        let way_out = "copies hold tokens, and stand for files that break; `chmod 700` keeps others out";
        if mode & 0o022 != 0 {
            tracing::warn!(dir, "others may write to the state directory (mode {mode:o}): {way_out}");
        } else if mode & 0o055 != 0 {
            tracing::info!(dir, "others may look into the state directory (mode {mode:o}): {way_out}");
        }
    }

    fn create(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)
    }

    /// Takes the lock, unless another service holds it.
    fn lock(&mut self) -> io::Result<()> {
        if self.lock.is_some() {
            return Ok(());
        }
        let dir = File::open(&self.dir)?;
        match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
            // Some file systems know no locks; then it is as it was before there were any.
            Ok(()) | Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK | Errno::BADF) => self.lock = Some(dir),
            Err(Errno::WOULDBLOCK) => return Err(io::Error::other("another service is using it; give each its own")),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// What the copies hold by now, of the files whose copies were used.
    fn saved_anew(&mut self) {
        let files: Vec<Arc<str>> = self.saved.drain().map(|(file, _)| file).collect();
        for file in files {
            let Ok(bytes) = fs::read(self.path_of(&file, SUFFIX)).map(Zeroizing::new) else { continue };
            if let Some(copy) = Copy::opened(&bytes).filter(|copy| copy.file == file) {
                self.saved.insert(Arc::clone(&file), ContentHash::of(copy.bytes));
            }
            let held = fs::read(self.path_of(&file, HELD)).ok().and_then(|held| Held::opened(&held, &file));
            match held {
                Some(held) => drop(self.held.insert(file, held.claims)),
                None => drop(self.held.remove(&file)),
            }
        }
    }

    fn read(&mut self, loader: &dyn Loader) -> io::Result<Vec<(Arc<str>, Good)>> {
        let entries = fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        if self.lock.is_some() {
            Self::tidy(&entries);
        }
        let read = |path: &PathBuf| {
            let bytes = Zeroizing::new(fs::read(path).ok()?);
            let copy = Copy::opened(&bytes)?;
            let is_mine = copy.owner.is_none_or(|owner| owner == self.owner.as_str());
            let good = || {
                let registration = load(loader, &copy.file, copy.bytes).ok()?;
                let good = Good::new(Arc::new(registration), ContentHash::of(copy.bytes));
                let held =
                    fs::read(self.path_of(&copy.file, HELD)).ok().and_then(|held| Held::opened(&held, &copy.file));
                Some(held.map_or_else(|| good.clone(), |held| good.extended(held.claims, since_before())))
            };
            let hash = copy.owner.is_some().then(|| ContentHash::of(copy.bytes));
            Some(is_mine.then(|| (Arc::clone(&copy.file), hash, good())))
        };
        let copies: Vec<&PathBuf> = entries.iter().filter(|path| is_called(path, SUFFIX)).collect();
        let mut recalled = Vec::with_capacity(copies.len());
        for (path, copy) in copies.par_iter().map(|path| (path, read(path))).collect::<Vec<_>>() {
            match copy {
                Some(Some((file, hash, good))) => {
                    if let Ok(held) = fs::read(self.path_of(&file, HELD)) {
                        let held = Held::opened(&held, &file);
                        if held.is_none() {
                            tracing::warn!(%file, "what was held is damaged in the state directory, and no longer held");
                            self.damaged.insert(self.path_of(&file, HELD));
                        }
                        self.held.insert(Arc::clone(&file), held.map(|held| held.claims).unwrap_or_default());
                    }
                    if good.is_none() {
                        tracing::warn!(copy = %path.display(), "a copy in the state directory loads no more and is not used");
                        self.damaged.insert((*path).clone());
                    }
                    recalled.extend(good.map(|good| (Arc::clone(&file), good)));
                    match hash {
                        Some(hash) => drop(self.saved.insert(file, hash)),
                        None => self.obsolete.push((*path).clone()),
                    }
                }
                Some(None) => {}
                None => {
                    tracing::warn!(copy = %path.display(), "a copy in the state directory is damaged and not used");
                    self.damaged.insert((*path).clone());
                }
            }
        }
        let released = entries.iter().filter(|path| is_called(path, RELEASED) && path.exists());
        let file_of = |path: &PathBuf| Some(Arc::clone(&Copy::opened(&Zeroizing::new(fs::read(path).ok()?))?.file));
        self.released = released.filter_map(file_of).collect();
        recalled.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(recalled)
    }

    /// Removes what is of no use any more: new copies of a process that was killed before it could take them, and
    /// released ones that are old. What cannot be removed is in nobody's way.
    fn tidy(entries: &[PathBuf]) {
        let is_old = |path: &PathBuf| {
            let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
            modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > RELEASED_FOR))
        };
        let of_no_use = |path: &&PathBuf| is_called(path, NEW) || (is_called(path, RELEASED) && is_old(path));
        for path in entries.iter().filter(of_no_use) {
            let _ = fs::remove_file(path);
        }
    }

    fn path_of(&self, file: &str, suffix: &str) -> PathBuf {
        let name = ContentHash::of(file.as_bytes()).with([self.owner.as_str()].into_iter());
        self.dir.join(name.short() + suffix)
    }

    fn staged_path_of(&self, file: &str, hash: &ContentHash) -> PathBuf {
        self.path_of(file, &format!("-{}{NEW}", hash.short()))
    }

    /// What a file had in force before, of which nothing else is known.
    pub(super) fn recall(&self, file: &Arc<str>, loader: &dyn Loader) -> Option<Good> {
        let suffix = if self.saved.contains_key(file) {
            SUFFIX
        } else if self.released.contains(file) {
            RELEASED
        } else {
            return None;
        };
        let bytes = Zeroizing::new(fs::read(self.path_of(file, suffix)).ok()?);
        let copy = Copy::opened(&bytes).filter(|copy| copy.file == *file)?;
        let registration = load(loader, file, copy.bytes).ok()?;
        Some(Good::new(Arc::new(registration), ContentHash::of(copy.bytes)))
    }

    /// Whether it is this service that writes here.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// The copy of this file is another service's: it is not for this one to remove.
    pub(crate) fn disown(&mut self, file: &Arc<str>) {
        self.mine.remove(file);
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
    pub(crate) fn save(&mut self, in_force: &[InForce<'_>], confirmed: bool) -> bool {
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
        if let Err(error) = self.save_held(in_force) {
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
                    self.saved.insert(Arc::clone(file), hash);
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
        let wanted: HashSet<&str> = in_force.iter().map(|one| &**one.file).collect();
        self.release(&wanted, in_force, confirmed);
        let trouble = if self.unfinished { trouble } else { trouble.or_else(|| self.lacking(&wanted)) };
        let all = trouble.is_none() && !self.unfinished;
        if all {
            for copy in self.obsolete.drain(..) {
                let _ = fs::remove_file(copy);
            }
        }
        self.tell(trouble);
        all
    }

    /// Notes what is held besides, before the copies are those of what no longer says it.
    fn save_held(&mut self, in_force: &[InForce<'_>]) -> io::Result<()> {
        let mut problem = Ok(());
        for one in in_force.iter().filter(|one| one.hash.is_some()) {
            if self.held.get(one.file).map_or(&[][..], Vec::as_slice) == one.more {
                continue;
            }
            let path = self.path_of(one.file, HELD);
            let done = if one.more.is_empty() {
                fs::remove_file(path)
            } else {
                let new = self.path_of(one.file, NEW);
                copy::write(&new, &Held::sealed(one.file, &one.more)).and_then(|()| fs::rename(new, path))
            };
            match done {
                Ok(()) if one.more.is_empty() => drop(self.held.remove(one.file)),
                Ok(()) => drop(self.held.insert(Arc::clone(one.file), one.more.clone())),
                Err(error) => problem = Err(error),
            }
        }
        problem
    }

    /// Sees to it that what is renamed into place is whole even if the power fails.
    fn flush(&self, ready: &[(&Arc<str>, ContentHash, PathBuf)]) -> io::Result<()> {
        if ready.len() > FEW {
            return flush_all(&self.dir);
        }
        ready.iter().try_for_each(|(_, _, path)| File::open(path)?.sync_all())
    }

    /// Marks the copies of files that have nothing in force any more, or removes them.
    fn release(&mut self, wanted: &HashSet<&str>, in_force: &[InForce<'_>], confirmed: bool) {
        self.mine.extend(in_force.iter().map(|one| Arc::clone(one.file)));
        let gone: Vec<Arc<str>> = self.mine.extract_if(|file| !wanted.contains(&**file)).collect();
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
        copy::write(path, &Copy { file: Arc::clone(one.file), ..copy }.sealed())
    }

    /// Copies a file that was not staged, because the state directory could not be used when it was read.
    fn copy(&self, one: &InForce<'_>, hash: ContentHash, path: &Path) -> io::Result<()> {
        let no_longer = || io::Error::other(format!("{} no longer holds what is in force of it", one.file));
        let version = one.version.ok_or_else(no_longer)?.clone();
        let item = Item { name: Arc::clone(one.file), version, facts: FileFacts::default() };
        let content = one.source.read(item).map_err(io::Error::other)?;
        let bytes = &content.bytes;
        if ContentHash::of(bytes) != hash {
            return Err(no_longer());
        }
        copy::write(path, &Copy { file: Arc::clone(one.file), owner: Some(self.owner.as_str()), bytes }.sealed())
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
        if self.lock.is_none() || self.saved.get(file) == Some(&hash) {
            return;
        }
        let path = self.staged_path_of(file, &hash);
        let copy = Copy { file: Arc::clone(file), owner: Some(self.owner.as_str()), bytes };
        let written = copy::write(&path, &copy.sealed());
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

/// Why more is in force at first than a copy says.
fn since_before() -> Refusal {
    Arc::new([Fault::of_file(FaultCode::Held, "some of it was held when the service was stopped")])
}

/// Sees to it that all that was written is on disk.
fn flush_all(dir: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(dir)?)?)
}
