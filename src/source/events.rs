use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
use notify::{Event, RecursiveMode, Watcher};
use rustix::io::Errno;

use super::directory::{is_registration_name, is_toml_name};
use super::ways::Ways;
use super::{Clock, Disk, FileSystem, Hint, Identity};

/// A file that was written to and not closed is left alone for so long after the last write: a writer that pauses for
/// longer is as good as gone, and what it has written counts. (What that takes away of an earlier version is held.)
const WRITER_TIMEOUT: Duration = Duration::from_secs(10);

/// What tells of changes in directories, passed in so that tests can let it fail, fall silent or lose events: given where
/// to send events, it makes a watcher.
pub type EventSource = dyn Fn(Tell) -> notify::Result<Box<dyn Watcher + Send>> + Send + Sync;

/// Where events are sent.
pub type Tell = Box<dyn FnMut(notify::Result<Event>) + Send>;

/// The events of the operating system.
pub fn os_events(tell: Tell) -> notify::Result<Box<dyn Watcher + Send>> {
    Ok(Box::new(notify::recommended_watcher(tell)?))
}

/// The events of the file system: hints that something may have changed, and which files are being written.
///
/// What cannot be watched is left to the poll.
pub(super) struct Events {
    /// Makes the watcher, which fails where the operating system has no more to give.
    make: Box<dyn Fn() -> notify::Result<Receiving> + Send>,
    watcher: Option<Receiving>,
    /// The directories that are watched, and which they were when that began.
    armed: BTreeMap<PathBuf, Option<Identity>>,
    shared: Arc<Mutex<Shared>>,
    clock: Arc<dyn Clock>,
    /// Why not all is watched, as last logged.
    trouble: Option<Trouble>,
    /// Whether a directory has come to be watched since this was asked last.
    newly_armed: bool,
}

/// A watcher, and whether anything receives what it tells.
struct Receiving {
    watcher: Box<dyn Watcher + Send>,
    ended: Arc<AtomicBool>,
}

/// Dropped with the end of the thread that receives events, however it ends.
struct End(Arc<AtomicBool>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the thread that receives events knows.
#[derive(Debug, Default)]
struct Shared {
    ways: Ways,
    /// Something on the way to a directory was made anew, perhaps the directory itself: that it is the same by its number
    /// proves nothing, since numbers are given out again, and the watch on the old one is gone.
    remade: bool,
    /// Files that were written to and not closed, as they are listed, and when that was seen.
    writing: HashMap<PathBuf, Instant>,
}

/// Why not all is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trouble {
    what: String,
    /// Whether a limit of the operating system is reached.
    limited: bool,
}

impl Events {
    /// `hint` is called when something may have changed.
    pub(super) fn new(system: &FileSystem, hint: &Hint) -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let (received, hint, source) = (Arc::clone(&shared), Arc::clone(hint), Arc::clone(&system.events));
        let clock = Arc::clone(&system.clock);
        let make = move || {
            let (received, hint, clock) = (Arc::clone(&received), Arc::clone(&hint), Arc::clone(&clock));
            let ended = Arc::<AtomicBool>::default();
            let end = End(Arc::clone(&ended));
            let watcher = source(Box::new(move |event: notify::Result<Event>| {
                let _ = &end;
                let mut received = lock(&received);
                let matters = match event {
                    Ok(event) => received.take_in(&event, clock.now()),
                    Err(_) => received.has_missed_some(),
                };
                drop(received);
                if matters {
                    hint();
                }
            }))?;
            Ok(Receiving { watcher, ended })
        };
        Self {
            make: Box::new(make),
            watcher: None,
            armed: BTreeMap::new(),
            shared,
            clock: Arc::clone(&system.clock),
            trouble: None,
            newly_armed: false,
        }
    }

    /// The files that are open for writing, as far as events tell, by their absolute paths.
    pub(super) fn busy(&self) -> HashSet<PathBuf> {
        let now = self.clock.now();
        let mut shared = lock(&self.shared);
        shared.writing.retain(|_, since| now.duration_since(*since) < WRITER_TIMEOUT);
        shared.writing.keys().cloned().collect()
    }

    /// Watches what is to be watched; whether all of it is.
    pub(super) fn arm(&mut self, ways: Ways, disk: &dyn Disk) -> bool {
        let directories = ways.directories.clone();
        {
            let mut shared = lock(&self.shared);
            shared.ways = ways;
            if std::mem::take(&mut shared.remade) {
                self.armed.values_mut().for_each(|identity| *identity = None);
            }
        }
        if self.watcher.as_ref().is_some_and(|watcher| watcher.ended.load(Ordering::Relaxed)) {
            tracing::error!(
                "the thread that receives events has ended, which is a defect of bailiwick; another one begins"
            );
            self.watcher = None;
            self.armed.clear();
        }
        if self.watcher.is_none() {
            match (self.make)() {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => self.tell(Some(Trouble::of(&error, error.to_string()))),
            }
        }
        let Some(Receiving { watcher, .. }) = &mut self.watcher else { return false };
        self.armed.retain(|dir, _| {
            let keep = directories.contains(dir);
            if !keep {
                // It may be gone already.
                let _ = watcher.unwatch(dir);
            }
            keep
        });
        let mut trouble = None;
        for dir in directories {
            let identity = disk.stat(&dir).ok().map(|stat| stat.identity);
            if self.armed.get(&dir) == Some(&identity) {
                continue;
            }
            let _ = watcher.unwatch(&dir);
            match watcher.watch(&dir, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.armed.insert(dir, identity);
                    self.newly_armed = true;
                }
                Err(error) => {
                    self.armed.remove(&dir);
                    // What is not there shows when it comes, in the directory above.
                    if identity.is_some() {
                        trouble = Some(Trouble::of(&error, format!("{}: {error}", dir.display())));
                    }
                }
            }
        }
        let all = trouble.is_none();
        self.tell(trouble);
        all
    }

    /// Whether a directory has come to be watched since this was asked last: what happened in it between the scan and
    /// that moment was not seen.
    pub(super) fn take_newly_armed(&mut self) -> bool {
        std::mem::take(&mut self.newly_armed)
    }

    /// Says what cannot be watched, once.
    fn tell(&mut self, trouble: Option<Trouble>) {
        if self.trouble == trouble {
            return;
        }
        match &trouble {
            Some(trouble) => tracing::warn!(
                "not all changes cause events, so the directories are looked at more often: {}{}",
                trouble.what,
                trouble.way_out()
            ),
            None => tracing::info!("all changes cause events again"),
        }
        self.trouble = trouble;
    }
}

impl Trouble {
    fn of(error: &notify::Error, what: String) -> Self {
        let limited = match &error.kind {
            notify::ErrorKind::MaxFilesWatch => true,
            // inotify says "no space" for watches and "too many open files" for its queues and the process's files.
            notify::ErrorKind::Io(error) => matches!(
                error.raw_os_error().map(Errno::from_raw_os_error),
                Some(Errno::NOSPC | Errno::MFILE | Errno::NFILE)
            ),
            _ => false,
        };
        Self { what, limited }
    }

    /// What an operator can do about limits of the operating system.
    const fn way_out(&self) -> &'static str {
        if self.limited { "; raise fs.inotify.max_user_watches and fs.inotify.max_user_instances" } else { "" }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("armed", &self.armed).field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Notes who writes, and says whether a scan is due.
    fn take_in(&mut self, event: &Event, now: Instant) -> bool {
        if event.need_rescan() {
            return self.has_missed_some();
        }
        // Our own reads cause these.
        if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) {
            return false;
        }
        let mut matters = event.paths.is_empty();
        for path in &event.paths {
            for file in self.files_at(path) {
                matters = true;
                match event.kind {
                    EventKind::Modify(ModifyKind::Data(_)) => drop(self.writing.insert(file, now)),
                    // It will be written to, if it is not a link; that will be seen.
                    EventKind::Create(CreateKind::File) => {}
                    _ => drop(self.writing.remove(&file)),
                }
            }
            if self.ways.waypoints.contains(path) || self.ways.holders.contains(path) {
                matters = true;
                // What is only written to is still there.
                self.remade |= !matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)) | EventKind::Access(_));
            }
        }
        matters
    }

    /// The files that something at a path is, as they are listed.
    fn files_at(&self, path: &Path) -> Vec<PathBuf> {
        let mut files = self.ways.ends.get(path).cloned().unwrap_or_default();
        if self.holds(path) {
            files.push(path.to_owned());
        }
        files
    }

    /// Events were lost: the scan will tell what has changed, and the directories may no longer be those that are watched.
    fn has_missed_some(&mut self) -> bool {
        self.writing.clear();
        self.remade = true;
        true
    }

    /// Whether something in a directory of registrations may be one, or lead to one as Kubernetes' `..data` does.
    fn holds(&self, path: &Path) -> bool {
        let Some(name) = path.file_name() else { return false };
        let in_holder = path.parent().is_some_and(|parent| self.ways.holders.contains(parent));
        in_holder && (is_registration_name(name) || is_toml_name(name) || name.as_encoded_bytes().starts_with(b".."))
    }
}
