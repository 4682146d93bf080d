//! Copies that are not what they were: removed by somebody while the service runs, or damaged.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{HELD, InForce, LOST, NOTE, SUFFIX, StateDir};
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

/// So many entries make a directory large: to look at them takes a millisecond, and at those of a hundred thousand copies a tenth of a
/// second. Whoever changes what is in force ten times a second would have it done each time, for the copies that the service makes itself.
const LARGE: usize = 1_000;

/// A look at a large directory takes no more than this part of the time: a fifth of a second lies between two at a thousand copies, and
/// no more than one change of some hundreds has to wait for one.
const SHARE: u32 = 200;

/// But that copies were removed is seen within this time, if anything is looked at: one that took long since the disk was busy is no measure.
const LONGEST: Duration = Duration::from_secs(60);

/// When a large directory was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looked {
    ended: Instant,
    took: Duration,
}

impl Looked {
    /// A look that has ended now, if it was one at a large directory.
    fn at(entries: usize, began: Instant) -> Option<Self> {
        let ended = Instant::now();
        (entries > LARGE).then(|| Self { ended, took: ended.duration_since(began) })
    }

    /// Whether it is too early for the next one.
    fn is_recent(self, now: Instant) -> bool {
        now.saturating_duration_since(self.ended) < (self.took * SHARE).min(LONGEST)
    }
}

impl StateDir {
    /// What is seen of the directory, if it is the one that is locked.
    fn locked_directory(&self) -> Option<Seen> {
        let locked = Seen::of(&self.lock.as_ref()?.metadata().ok()?);
        let now = Seen::of(&fs::metadata(&self.dir).ok()?);
        now.is_same_directory(locked).then_some(now)
    }

    /// Whether there are copies of which nobody can tell any more what they held.
    pub(crate) fn has_damaged(&self) -> bool {
        !self.damaged.is_empty()
    }

    /// Whether copies that were made are not there any more, so that they are to be made again: somebody has removed them, or
    /// the directory. Costs two questions to the file system as long as nothing has come or gone; of many copies it is found out a
    /// little later.
    pub(crate) fn has_lost_any(&mut self) -> bool {
        if self.lock.is_none() {
            return false;
        }
        let Some(now) = self.locked_directory() else { return self.begin_anew() };
        if self.seen == Some(now) || self.looked.is_some_and(|looked| looked.is_recent(Instant::now())) {
            return false;
        }
        let began = Instant::now();
        let Ok(entries) = fs::read_dir(&self.dir) else { return self.begin_anew() };
        let names: HashSet<OsString> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        let is_there = |file: &str| self.path_of(file, SUFFIX).file_name().is_some_and(|name| names.contains(name));
        let removed: Vec<Arc<str>> = self.saved.keys().filter(|file| !is_there(file)).cloned().collect();
        self.seen = Some(now).filter(|now| now.is_settled(SystemTime::now()));
        self.looked = Looked::at(names.len(), began);
        for file in &removed {
            self.saved.remove(file);
            // What is held besides is noted again along with the copy.
            self.held.remove(file);
        }
        if !removed.is_empty() {
            let (dir, copies) = (self.dir.display(), removed.len());
            tracing::warn!(
                "{copies} copies were removed from the state directory {dir}, and are made again as far as their files can be read"
            );
        }
        let noted = self.path_of("", LOST);
        let forgets = self.lost.as_ref().is_some_and(|lost| !lost.is_empty())
            && noted.file_name().is_some_and(|name| !names.contains(name));
        if forgets {
            self.lost = None;
        }
        let note = self.path_of("", NOTE);
        let lacks_note = self.note.is_some() && note.file_name().is_some_and(|name| !names.contains(name));
        if lacks_note {
            self.note = None;
        }
        forgets || lacks_note || !removed.is_empty()
    }

    /// The directory is not the one that was locked: everything is to be copied again, into the one that is made or is there.
    fn begin_anew(&mut self) -> bool {
        let dir = self.dir.display();
        tracing::warn!(
            "the state directory {dir} was removed or replaced, and its copies are made again as far as their files can be read"
        );
        self.lock = None;
        self.seen = None;
        self.looked = None;
        self.saved.clear();
        self.held.clear();
        self.lost = None;
        self.note = None;
        self.released.clear();
        true
    }

    /// Why not all that is in force has a copy although nothing has failed: what is held of a file has no bytes to be copied.
    pub(super) fn lacking(&self, in_force: &[InForce<'_>]) -> Option<String> {
        let without = in_force.iter().map(|one| one.file).filter(|file| !self.saved.contains_key(*file));
        let first = without.min()?;
        Some(format!("there is no copy of {first}, and what is in force of it cannot be read again"))
    }

    /// The damaged copies that no file makes up for: what they held is not known, unless their files are there.
    pub(crate) fn damaged<'f>(&self, listed: impl Iterator<Item = &'f str>) -> Option<MissingSource> {
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
        Some(MissingSource { source: self.dir.display().to_string(), problem, lacks_claims: true, is_another: false })
    }

    /// The files of which nobody can tell what was held besides what they say. That they are there tells nothing of it.
    pub(crate) fn damaged_held(&self) -> Option<MissingSource> {
        let first = self.damaged_held.iter().min()?;
        let what = format!(
            "what was held besides what files say is damaged ({}; the first is of {first})",
            self.damaged_held.len()
        );
        let meanwhile = "the names that were held are not known and not guarded, until `POST /-/reload` confirms the edits \
                         while every source and file is as it should be, or does with `{\"allow_empty\": true}`";
        let problem = Problem { what, meanwhile: meanwhile.to_owned() };
        Some(MissingSource { source: self.dir.display().to_string(), problem, lacks_claims: true, is_another: false })
    }

    /// Somebody has said that what was held besides what files say is to be let go.
    pub(crate) fn forget_damaged_held(&mut self) {
        for file in std::mem::take(&mut self.damaged_held) {
            // Unless something else is held by now.
            if self.lock.is_some() && self.held.get(&file).is_none_or(Vec::is_empty) {
                let _ = fs::remove_file(self.path_of(&file, HELD));
            }
        }
    }

    /// Somebody has said that what damaged copies held is gone for good.
    pub(crate) fn forget_damaged(&mut self) {
        self.forget_damaged_held();
        for copy in self.damaged.drain() {
            // Another service's are left alone. One that stays behind is asked about once more at the next start.
            if self.lock.is_some() {
                let _ = fs::remove_file(copy);
            }
        }
    }
}
