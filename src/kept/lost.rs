//! Copies that are not what they were: removed by somebody while the service runs, or damaged.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{SUFFIX, StateDir};
use crate::snapshot::{MissingSource, Problem};

/// What was changed within so many seconds is looked at again: another change in the same moment leaves no trace.
const GRANULARITY: i64 = 3;

/// What changes when anything comes into a directory, or goes: which one it is, and when that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), changed: (metadata.ctime(), metadata.ctime_nsec()) }
    }

    /// Whether a later change would show: some file systems count in seconds (FAT in two of them), and all in ticks.
    fn is_settled(self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
        now.is_some_and(|now| now > self.changed.0 + GRANULARITY)
    }

    fn is_same_directory(self, other: Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

impl StateDir {
    /// Whether copies that were made are not there any more, so that they are to be made again: somebody has removed them, or
    /// the directory. Costs two questions to the file system as long as nothing has come or gone.
    pub(crate) fn has_lost_any(&mut self) -> bool {
        let Some(lock) = &self.lock else { return false };
        let locked = lock.metadata().ok().map(|metadata| Seen::of(&metadata));
        let now = fs::metadata(&self.dir).ok().map(|metadata| Seen::of(&metadata));
        let (Some(locked), Some(now)) = (locked, now) else { return self.begin_anew() };
        if !now.is_same_directory(locked) {
            return self.begin_anew();
        }
        if self.seen == Some(now) {
            return false;
        }
        let Ok(entries) = fs::read_dir(&self.dir) else { return self.begin_anew() };
        let names: HashSet<OsString> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        let is_there = |file: &str| self.path_of(file, SUFFIX).file_name().is_some_and(|name| names.contains(name));
        let removed: Vec<Arc<str>> = self.saved.keys().filter(|file| !is_there(file)).cloned().collect();
        self.seen = Some(now).filter(|now| now.is_settled(SystemTime::now()));
        for file in &removed {
            self.saved.remove(file);
            // What is held besides is noted again along with the copy.
            self.held.remove(file);
        }
        self.lack.extend(removed.iter().cloned());
        if !removed.is_empty() {
            let (dir, copies) = (self.dir.display(), removed.len());
            tracing::warn!(
                "{copies} copies were removed from the state directory {dir}, and are made again as far as their files can be read"
            );
        }
        !removed.is_empty()
    }

    /// The directory is not the one that was locked: everything is to be copied again, into the one that is made or is there.
    fn begin_anew(&mut self) -> bool {
        let dir = self.dir.display();
        tracing::warn!(
            "the state directory {dir} was removed or replaced, and its copies are made again as far as their files can be read"
        );
        self.lock = None;
        self.seen = None;
        self.lack.extend(self.saved.drain().map(|(file, _)| file));
        self.held.clear();
        self.released.clear();
        true
    }

    /// Why not all that is in force has a copy although nothing has failed: what is held of a file has no bytes to be copied.
    pub(super) fn lacking(&mut self, in_force: &HashSet<&str>) -> Option<String> {
        let saved = &self.saved;
        self.lack.retain(|file| in_force.contains(&**file) && !saved.contains_key(file));
        let first = self.lack.iter().min()?;
        Some(format!("the copy of {first} was removed, and what is in force of it cannot be read again"))
    }

    /// The damaged copies that no file makes up for: what they held is not known, unless their files are there.
    pub(crate) fn damaged<'f>(&self, listed: impl Iterator<Item = &'f Arc<str>>) -> Option<MissingSource> {
        if self.damaged.is_empty() {
            return None;
        }
        let made_up_for: HashSet<PathBuf> = listed.map(|file| self.path_of(file, SUFFIX)).collect();
        let left: Vec<&PathBuf> = self.damaged.iter().filter(|copy| !made_up_for.contains(*copy)).collect();
        let first = left.iter().min()?.display();
        let what = format!("copies are damaged whose files are not there ({}; the first is {first})", left.len());
        let meanwhile = "the names that they held are not known and not guarded, until their files are back or \
                         `POST /-/reload` with `{\"allow_empty\": true}` confirms that they are gone for good";
        let problem = Problem { what, meanwhile: meanwhile.to_owned() };
        Some(MissingSource { source: self.dir.display().to_string(), problem, lacks_claims: true })
    }

    /// Somebody has said that what damaged copies held is gone for good.
    pub(crate) fn forget_damaged(&mut self) {
        for copy in self.damaged.drain() {
            // Another service's are left alone. One that stays behind is asked about once more at the next start.
            if self.lock.is_some() {
                let _ = fs::remove_file(copy);
            }
        }
    }
}
