//! Which files were lost with their source, for the next start.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::copy::Copy;
use super::save::unless_missing;
use super::{InForce, LOST, StateDir};

impl StateDir {
    /// Whether the file was lost with its source when the service was stopped. If nobody can tell, each was: that makes no
    /// difference to one that is there, and one that is not was not let go by anybody, as far as is known.
    pub(crate) fn was_lost(&self, file: &str) -> bool {
        self.lost.as_ref().is_none_or(|lost| lost.contains(file))
    }

    /// Reads which were.
    pub(super) fn read_lost(&mut self) {
        let noted = fs::read(self.path_of("", LOST)).map(Zeroizing::new);
        self.lost = match noted {
            Ok(noted) => self.opened(&noted),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(HashSet::new()),
            Err(_) => None,
        };
        if self.lost.is_none() {
            let dir = self.dir.display();
            tracing::warn!(
                "the state directory {dir} no longer says which files were lost with what listed them: each of which there \
                 is a copy counts as lost until it is there"
            );
        }
    }

    fn opened(&self, noted: &[u8]) -> Option<HashSet<Arc<str>>> {
        let noted = Copy::opened(noted).filter(|noted| noted.owner == Some(self.owner.as_str()))?;
        let files: Vec<String> = serde_json::from_slice(noted.bytes).ok()?;
        Some(files.into_iter().map(Arc::from).collect())
    }

    /// Notes which are lost now.
    pub(super) fn save_lost(&mut self, in_force: &[InForce<'_>]) -> io::Result<()> {
        let lost: HashSet<Arc<str>> = in_force.iter().filter(|one| one.is_lost).map(|one| one.file.into()).collect();
        if self.lost.as_ref() == Some(&lost) {
            return Ok(());
        }
        let path = self.path_of("", LOST);
        if lost.is_empty() {
            fs::remove_file(path).or_else(unless_missing)?;
        } else {
            let mut names: Vec<&str> = lost.iter().map(|file| &**file).collect();
            names.sort_unstable();
            let names = serde_json::to_vec(&names).expect("strings only");
            let noted = Copy { file: "".into(), owner: Some(self.owner.as_str()), bytes: &names };
            self.put(&noted, &path)?;
        }
        self.lost = Some(lost);
        Ok(())
    }
}
