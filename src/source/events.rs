use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
use notify::{Event, RecursiveMode, Watcher};

use super::provider::is_registration_name;
use super::{Disk, Identity, Source};

/// A file that was written to and not closed is left alone for so long after the last write.
const PATIENCE: Duration = Duration::from_secs(10);
/// Symlinks are followed so many steps; the operating system gives up at the same number.
const MAX_LINKS: usize = 40;
/// Files that are symlinks to elsewhere are watched there, if a source has no more files than this.
const MAX_LINKED_FILES: usize = 1_000;

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
/// A directory is watched, and so is everything on the way to it: what is deleted and made again, and a symlink that is
/// led elsewhere, show in the directory above. What cannot be watched is left to the poll.
pub(crate) struct Events {
    /// Makes the watcher, which fails where the operating system has no more to give.
    make: Box<dyn Fn() -> notify::Result<Box<dyn Watcher + Send>> + Send>,
    watcher: Option<Box<dyn Watcher + Send>>,
    /// The directories that are watched, and which they were when that began.
    armed: BTreeMap<PathBuf, Option<Identity>>,
    shared: Arc<Mutex<Shared>>,
    /// Why not all is watched, as last logged.
    trouble: Option<String>,
    /// Whether a directory has come to be watched since this was asked last.
    newly_armed: bool,
}

/// What the thread that receives events knows.
#[derive(Debug, Default)]
struct Shared {
    /// The directories that hold registrations.
    holders: BTreeSet<PathBuf>,
    /// Everything else that matters by its own name.
    waypoints: HashSet<PathBuf>,
    /// Something on the way to a directory was made anew, perhaps the directory itself: that it is the same by its number
    /// proves nothing, since numbers are given out again, and the watch on the old one is gone.
    remade: bool,
    /// Files that were written to and not closed, and when that was seen.
    writing: HashMap<PathBuf, Instant>,
}

impl Events {
    /// `hint` is called when something may have changed.
    pub(crate) fn new(source: Arc<EventSource>, hint: impl Fn() + Clone + Send + 'static) -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let received = Arc::clone(&shared);
        let make = move || {
            let (received, hint) = (Arc::clone(&received), hint.clone());
            source(Box::new(move |event: notify::Result<Event>| {
                let mut received = lock(&received);
                let matters = match event {
                    Ok(event) => received.take_in(&event, Instant::now()),
                    Err(_) => received.has_missed_some(),
                };
                drop(received);
                if matters {
                    hint();
                }
            }))
        };
        Self { make: Box::new(make), watcher: None, armed: BTreeMap::new(), shared, trouble: None, newly_armed: false }
    }

    /// The files that are open for writing, as far as events tell, by their absolute paths.
    pub(crate) fn busy(&self) -> HashSet<PathBuf> {
        let now = Instant::now();
        let mut shared = lock(&self.shared);
        shared.writing.retain(|_, since| now.duration_since(*since) < PATIENCE);
        shared.writing.keys().cloned().collect()
    }

    /// The same, but of what was written a moment ago the event that says that it was closed is waited for, at most for so
    /// long: who asks for a reload has closed what it is about, and may be faster than the events.
    pub(crate) fn busy_for(&self, longest: Duration) -> HashSet<PathBuf> {
        let began = Instant::now();
        let mut busy = self.busy();
        while !busy.is_empty() && began.elapsed() < longest {
            std::thread::sleep(Duration::from_millis(2));
            busy = self.busy();
        }
        busy
    }

    /// Watches what is to be watched for these sources, whose files are listed; whether all of it is.
    pub(crate) fn arm(&mut self, sources: &[Source], files: &[&Path], disk: &dyn Disk) -> bool {
        let wanted = Wanted::of(sources, files, disk);
        {
            let mut shared = lock(&self.shared);
            shared.holders.clone_from(&wanted.holders);
            shared.waypoints.clone_from(&wanted.waypoints);
            if std::mem::take(&mut shared.remade) {
                self.armed.values_mut().for_each(|identity| *identity = None);
            }
        }
        if self.watcher.is_none() {
            match (self.make)() {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => self.tell(Some(error.to_string())),
            }
        }
        let Some(watcher) = &mut self.watcher else { return false };
        self.armed.retain(|dir, _| {
            let keep = wanted.directories.contains(dir);
            if !keep {
                // It may be gone already.
                let _ = watcher.unwatch(dir);
            }
            keep
        });
        let mut trouble = None;
        for dir in wanted.directories {
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
                        trouble = Some(format!("{}: {error}", dir.display()));
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
    pub(crate) fn take_newly_armed(&mut self) -> bool {
        std::mem::take(&mut self.newly_armed)
    }

    /// Says what cannot be watched, once.
    fn tell(&mut self, trouble: Option<String>) {
        if self.trouble == trouble {
            return;
        }
        match &trouble {
            Some(trouble) => tracing::warn!(
                "not all changes cause events, so the directories are looked at more often: {trouble}{}",
                way_out(trouble)
            ),
            None => tracing::info!("all changes cause events again"),
        }
        self.trouble = trouble;
    }
}

/// A path as events name it, however it was given.
pub(crate) fn absolute(path: &Path) -> Cow<'_, Path> {
    match std::path::absolute(path) {
        Ok(absolute) if !path.is_absolute() => absolute.into(),
        // Where there is no current directory, a relative path leads nowhere either.
        _ => path.into(),
    }
}

/// What an operator can do about limits of the operating system.
fn way_out(trouble: &str) -> &'static str {
    let limited = ["limit", "No space left", "Too many open files"].iter().any(|word| trouble.contains(word));
    if limited { "; raise fs.inotify.max_user_watches and fs.inotify.max_user_instances" } else { "" }
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
        let written =
            matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)) | EventKind::Create(CreateKind::File));
        match event.kind {
            // Our own reads cause these.
            EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write) => return false,
            _ => {}
        }
        let mut matters = event.paths.is_empty();
        for path in &event.paths {
            if self.holds(path) {
                matters = true;
                if matches!(event.kind, EventKind::Modify(ModifyKind::Data(_))) {
                    self.writing.insert(path.clone(), now);
                } else if !written {
                    self.writing.remove(path);
                }
            }
            if self.waypoints.contains(path) || self.holders.contains(path) {
                matters = true;
                self.remade = true;
            }
        }
        matters
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
        let in_holder = path.parent().is_some_and(|parent| self.holders.contains(parent));
        in_holder && (is_registration_name(name) || name.as_encoded_bytes().starts_with(b".."))
    }
}

/// What is to be watched.
#[derive(Default)]
struct Wanted {
    directories: BTreeSet<PathBuf>,
    holders: BTreeSet<PathBuf>,
    waypoints: HashSet<PathBuf>,
}

impl Wanted {
    fn of(sources: &[Source], files: &[&Path], disk: &dyn Disk) -> Self {
        let mut wanted = Self::default();
        for source in sources {
            match source {
                Source::Directory(dir) => {
                    let dir = absolute(dir).into_owned();
                    wanted.way_to(&dir, disk);
                    wanted.directories.insert(dir.clone());
                    wanted.holders.insert(dir);
                }
                Source::Files(files) => files.iter().for_each(|file| wanted.file(file, disk)),
                Source::List { file, .. } => wanted.file(file, disk),
            }
        }
        let listed = sources.iter().any(|source| matches!(source, Source::List { .. }));
        if listed || files.len() <= MAX_LINKED_FILES {
            for file in files {
                if listed || disk.read_link(file).is_ok() {
                    wanted.file(file, disk);
                }
            }
        }
        wanted
    }

    fn file(&mut self, file: &Path, disk: &dyn Disk) {
        let file = absolute(file);
        self.way_to(&file, disk);
        self.waypoints.insert(file.into_owned());
    }

    /// Watches, for every step on the way to a path, the directory in which a change of that step would show.
    fn way_to(&mut self, path: &Path, disk: &dyn Disk) {
        let mut todo = vec![path.to_owned()];
        let mut links = 0;
        while let Some(path) = todo.pop() {
            let mut so_far = PathBuf::new();
            for step in path.components() {
                let above = if so_far.as_os_str().is_empty() { PathBuf::from(".") } else { so_far.clone() };
                so_far.push(step);
                if !matches!(step, Component::Normal(_)) {
                    continue;
                }
                let last = so_far == path;
                if let Ok(target) = disk.read_link(&so_far) {
                    self.waypoint(&above, &so_far);
                    links += 1;
                    if links <= MAX_LINKS {
                        let rest = path.strip_prefix(&so_far).unwrap_or(Path::new(""));
                        todo.push(if last { above.join(target) } else { above.join(target).join(rest) });
                    }
                    break;
                }
                // Only what is at the end of the way, or is not there yet, is likely to be made anew.
                if last || disk.stat(&so_far).is_err() {
                    self.waypoint(&above, &so_far);
                    break;
                }
                // The directory above the last step may itself be deleted and made again.
                if path.parent() == Some(&*so_far) {
                    self.waypoint(&above, &so_far);
                }
            }
        }
    }

    fn waypoint(&mut self, above: &Path, path: &Path) {
        self.directories.insert(above.to_owned());
        self.waypoints.insert(path.to_owned());
        if let Some(name) = path.file_name() {
            // Events carry the path by which the directory is watched.
            self.waypoints.insert(above.join(name));
        }
    }
}
