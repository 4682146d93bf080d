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
//! ([`recall::RELEASED_FOR`]): should its file come back broken, it holds what it held. A confirmation removes it at once.
//!
//! # What is lost
//!
//! Of a source that was lost, the next start must not believe what has come into its place. That cannot be seen from the copies:
//! what has come has copies, too. So it is noted which files were lost with their source, before any copy is taken of what is
//! new, and at the next start they are lost from the beginning. See [`absent`].
//!
//! # How far a record went
//!
//! A store knows at which revision it is, and a backup that was put back while nothing ran looks like the real thing. So what a
//! source says of itself when its listing comes into force is noted, before any copy is, and told to it at the next start.
//! See [`note`].
//!
//! # Whose it is
//!
//! A copy says of which file and of which homeserver it is and what its bytes hash to, so that half a copy is never taken
//! for a whole one, nor one homeserver's for another's. One service at a time writes: it holds a lock. One that does not
//! get it guards what is broken or gone by the copies that are there, and changes nothing until the other ends.
//!
//! Copies hold tokens, as the files do: the directory is for its owner alone. Whatever is wrong here is logged and counted,
//! and never stops the service.

mod absent;
mod copy;
mod lock;
mod lost;
mod note;
mod recall;
mod save;

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::matrix::ServerName;
use crate::snapshot::{Claimed, ContentHash, Good};
use crate::source::{Keep, Loader};
use copy::Copy;
use lock::Lock;
use lost::{Looked, Seen};
pub(crate) use save::{InForce, Others};

/// What copies are called.
const SUFFIX: &str = ".registration";
/// What copies are called while they are not yet taken.
const NEW: &str = ".new";
/// What the claims are called that are held besides what a copy says.
const HELD: &str = ".held";
/// What copies are called whose files are gone and whose names have been let go.
const RELEASED: &str = ".released";
/// What the names of the files are called that are lost with their source.
const LOST: &str = ".lost";
/// What is called what a source has said of itself.
const NOTE: &str = ".note";

/// The last good copy of each file.
#[derive(Debug)]
pub(super) struct StateDir {
    dir: PathBuf,
    /// The homeserver whose copies these are.
    owner: ServerName,
    /// Held as long as the service runs; `None` while another service holds it.
    lock: Option<Lock>,
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
    /// When that was, where there are so many that they are not looked at each time.
    looked: Option<Looked>,
    /// The files that are noted as lost with their source; `None` if nobody can tell which are.
    lost: Option<HashSet<Arc<str>>>,
    /// What a source has said of itself, to know its record again; empty if nobody can tell any more.
    note: Option<Arc<[u8]>>,
    /// Copies of which nobody can tell any more what they held.
    damaged: HashSet<PathBuf>,
    /// Files of which nobody can tell any more what was held besides what they say.
    damaged_held: HashSet<Arc<str>>,
    /// What is wrong, as last logged.
    trouble: Option<String>,
}

/// New copies that are not yet taken.
#[derive(Debug, Default)]
struct Staged {
    paths: HashSet<PathBuf>,
    trouble: Option<String>,
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
            looked: None,
            lost: Some(HashSet::new()),
            note: None,
            damaged: HashSet::new(),
            damaged_held: HashSet::new(),
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
        if self.lock.is_none() {
            self.lock = Some(Lock::take(&self.dir)?);
        }
        Ok(())
    }

    fn path_of(&self, file: &str, suffix: &str) -> PathBuf {
        let name = ContentHash::of(file.as_bytes()).with([self.owner.as_str()].into_iter());
        self.dir.join(name.short() + suffix)
    }

    fn staged_path_of(&self, file: &str, hash: &ContentHash) -> PathBuf {
        self.path_of(file, &format!("-{}{NEW}", hash.short()))
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
