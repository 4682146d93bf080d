//! What is to be watched so that no change is missed: not only what is there, but the way to it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use super::Disk;

/// Symlinks are followed so many steps; the operating system gives up at the same number.
const MAX_LINKS: usize = 40;
/// Files in a directory that are symlinks to elsewhere are watched there, if it has no more files than this: each may lead
/// to a directory of its own, and kernels before 5.11 let one user watch 8,192 by default. What lies beyond is polled.
const MAX_LINKED_FILES: usize = 1_000;

/// A path as events name it, however it was given.
pub(super) fn absolute(path: &Path) -> Cow<'_, Path> {
    match std::path::absolute(path) {
        Ok(absolute) if !path.is_absolute() => absolute.into(),
        // Where there is no current directory, a relative path leads nowhere either.
        _ => path.into(),
    }
}

/// What is to be watched.
///
/// A directory is watched, and so is everything on the way to it: what is deleted and made again, and a symlink that is
/// led elsewhere, show in the directory above. An example: of `/srv/current/irc.yaml`, where `current` is a symlink to
/// `releases/7`, the directories `/srv` (for `current`), `/srv/releases` (for `7`) and `/srv/releases/7` are watched, and
/// whoever writes to `/srv/releases/7/irc.yaml` writes to the file that is listed.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// The directories.
    pub(super) directories: BTreeSet<PathBuf>,
    /// Those of them in which whatever is called like a registration is one.
    pub(super) holders: BTreeSet<PathBuf>,
    /// Everything else that matters by its own name.
    pub(super) waypoints: HashSet<PathBuf>,
    /// Where the ways to files end, and which files those are, as they were listed.
    pub(super) ends: HashMap<PathBuf, Vec<PathBuf>>,
}

impl Ways {
    /// To a directory, in which these files are listed.
    pub(super) fn of_directory(dir: &Path, listed: &[Cow<'_, Path>], disk: &dyn Disk) -> Self {
        let mut ways = Self::default();
        let dir = absolute(dir).into_owned();
        ways.way_to(&dir, disk);
        ways.directories.insert(dir.clone());
        ways.holders.insert(dir);
        if listed.len() <= MAX_LINKED_FILES {
            for file in listed.iter().filter(|file| disk.read_link(file).is_ok()) {
                ways.file(file, disk);
            }
        }
        ways
    }

    /// To files.
    pub(super) fn of_files(files: &[PathBuf], disk: &dyn Disk) -> Self {
        let mut ways = Self::default();
        for file in files {
            ways.file(file, disk);
        }
        ways
    }

    /// And to whatever comes into these directories.
    pub(super) fn and_into(mut self, directories: &[&Path]) -> Self {
        for dir in directories {
            let dir = absolute(dir).into_owned();
            self.directories.insert(dir.clone());
            self.holders.insert(dir);
        }
        self
    }

    fn file(&mut self, file: &Path, disk: &dyn Disk) {
        let file = absolute(file);
        if let Some(end) = self.way_to(&file, disk) {
            self.ends.entry(end).or_default().push(file.clone().into_owned());
        }
        self.waypoints.insert(file.into_owned());
    }

    /// Watches, for every step on the way to a path, the directory in which a change of that step would show. Returns
    /// where the way ends, as events name it; `None` if it does not get there.
    fn way_to(&mut self, path: &Path, disk: &dyn Disk) -> Option<PathBuf> {
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
                    return last.then(|| above.join(step));
                }
                // The directory above the last step may itself be deleted and made again.
                if path.parent() == Some(&*so_far) {
                    self.waypoint(&above, &so_far);
                }
            }
        }
        None
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
