use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scan::load;
use super::source::MAX_FILE_BYTES;
use super::{Disk, Loader};
use crate::snapshot::{ContentHash, Good};

/// The first line of a copy.
const MAGIC: &str = "bailiwick last good 1";
/// What copies are called.
const SUFFIX: &str = ".registration";

/// The last good copy of each file, so that a file that is broken when the service starts still holds its names.
///
/// Copies hold tokens, as the files do: the directory is for its owner alone. A copy says which file it is of and what
/// its bytes hash to, so that half a copy is never taken for a whole one. Whatever is wrong here is logged and counted,
/// and never stops the service.
#[derive(Debug)]
pub(super) struct StateDir {
    dir: PathBuf,
    /// What is there, by file.
    saved: HashMap<Arc<str>, ContentHash>,
    /// What is wrong, as last logged.
    trouble: Option<String>,
}

/// A file whose content is in force.
pub(super) struct InForce {
    pub(super) path: PathBuf,
    pub(super) file: Arc<str>,
    pub(super) hash: ContentHash,
}

impl StateDir {
    /// Reads what is there. Copies that are damaged are left out, and said.
    pub(super) fn open(dir: &Path) -> Self {
        let mut state = Self { dir: dir.to_owned(), saved: HashMap::new(), trouble: None };
        if let Err(error) = state.read() {
            state.tell(Some(error.to_string()));
        }
        state
    }

    fn read(&mut self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if !path.to_string_lossy().ends_with(SUFFIX) {
                continue;
            }
            match fs::read(&path)
                .ok()
                .and_then(|copy| opened(&copy).map(|(file, bytes)| (file, ContentHash::of(bytes))))
            {
                Some((file, hash)) => {
                    self.saved.insert(file, hash);
                }
                None => tracing::warn!(copy = %path.display(), "a copy in the state directory is damaged and not used"),
            }
        }
        Ok(())
    }

    fn path_of(&self, file: &str) -> PathBuf {
        self.dir.join(ContentHash::of(file.as_bytes()).short() + SUFFIX)
    }

    /// The last good content of a file.
    pub(super) fn load(&self, file: &Arc<str>, loader: &dyn Loader) -> Option<Good> {
        self.saved.get(file)?;
        let copy = fs::read(self.path_of(file)).ok()?;
        let (of, bytes) = opened(&copy)?;
        let registration = load(loader, file, bytes).ok().filter(|_| of == *file)?;
        Some(Good { registration: Arc::new(registration), hash: ContentHash::of(bytes) })
    }

    /// Makes the copies those of what is in force; whether all of them are.
    pub(super) fn save(&mut self, in_force: &[InForce], disk: &dyn Disk) -> bool {
        let mut trouble = None;
        for one in in_force {
            if self.saved.get(&one.file) != Some(&one.hash)
                && let Err(error) = self.copy(one, disk)
            {
                trouble = Some(error.to_string());
            }
        }
        if self.saved.len() > in_force.len() {
            let wanted: HashSet<&str> = in_force.iter().map(|one| &*one.file).collect();
            let gone: Vec<Arc<str>> = self.saved.keys().filter(|file| !wanted.contains(&***file)).cloned().collect();
            for file in gone {
                // A copy that cannot be removed is asked for only if its file comes back broken.
                let _ = fs::remove_file(self.path_of(&file));
                self.saved.remove(&file);
            }
        }
        let all = trouble.is_none();
        self.tell(trouble);
        all
    }

    fn copy(&mut self, one: &InForce, disk: &dyn Disk) -> io::Result<()> {
        let Ok((bytes, _)) = disk.read(&one.path, MAX_FILE_BYTES) else { return Ok(()) };
        if ContentHash::of(&bytes) != one.hash {
            // Changed since: the next reload sees to it. What is in force as stale has its copy already.
            return Ok(());
        }
        let path = self.path_of(&one.file);
        let temporary = path.with_extension("new");
        let mut copy = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        copy.write_all(&sealed(&one.file, &bytes))?;
        drop(copy);
        fs::rename(&temporary, &path)?;
        self.saved.insert(Arc::clone(&one.file), one.hash);
        Ok(())
    }

    /// Says what is wrong, once.
    fn tell(&mut self, trouble: Option<String>) {
        if self.trouble == trouble {
            return;
        }
        let dir = self.dir.display();
        match &trouble {
            Some(trouble) => tracing::warn!(
                "the state directory {dir} cannot be used: {trouble}; a file that is broken at the next start will hold \
                 no names"
            ),
            None => tracing::info!("the state directory {dir} can be used again"),
        }
        self.trouble = trouble;
    }
}

fn sealed(file: &str, bytes: &[u8]) -> Vec<u8> {
    let name = serde_json::Value::from(file);
    let mut copy = format!("{MAGIC}\n{name}\n{}\n", ContentHash::of(bytes).short()).into_bytes();
    copy.extend_from_slice(bytes);
    copy
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
