//! What the copies say that are there.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::copy::{Copy, Held};
use super::{HELD, NEW, RELEASED, SUFFIX, StateDir, is_called};
use crate::registration::{Fault, FaultCode};
use crate::snapshot::{ContentHash, Good, Refusal};
use crate::source::{Loader, load};

/// Released copies are kept for so long: longer than a deployment that went wrong takes to be noticed and mended, and not
/// so long that the tokens of bridges that were removed lie about for ever.
pub(super) const RELEASED_FOR: Duration = Duration::from_secs(7 * 24 * 3_600);

impl StateDir {
    /// What is there, and what was in force of each file when it was written.
    pub(super) fn read(&mut self, loader: &dyn Loader) -> io::Result<Vec<(Arc<str>, Good)>> {
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
                let good = Good::new(registration);
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
                            self.damaged_held.insert(Arc::clone(&file));
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
        self.read_lost();
        self.read_note();
        let released = entries.iter().filter(|path| is_called(path, RELEASED) && path.exists());
        let file_of = |path: &PathBuf| Some(Arc::clone(&Copy::opened(&Zeroizing::new(fs::read(path).ok()?))?.file));
        self.released = released.filter_map(file_of).collect();
        recalled.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(recalled)
    }

    /// What the copies hold by now, of the files whose copies were used.
    pub(super) fn saved_anew(&mut self) {
        // What is lost for this one is noted anew.
        self.lost = None;
        self.note = None;
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

    /// What a file had in force before, of which nothing else is known.
    pub(crate) fn recall(&self, file: &Arc<str>, loader: &dyn Loader) -> Option<Good> {
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
        Some(Good::new(registration))
    }
}

/// Why more is in force at first than a copy says.
fn since_before() -> Refusal {
    Arc::new([Fault::of_file(FaultCode::Held, "some of it was held when the service was stopped")])
}
