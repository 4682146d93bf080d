//! What a source has said of itself, for the next start: where its record had come to.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::copy::{self, Copy};
use super::{NEW, NOTE, StateDir};

impl StateDir {
    /// What was said when what is copied here had come into force; nothing, if that is known and cannot be read any more.
    pub(crate) fn note(&self) -> Option<&[u8]> {
        self.note.as_deref()
    }

    /// Reads it.
    pub(super) fn read_note(&mut self) {
        self.note = match fs::read(self.path_of("", NOTE)).map(Zeroizing::new) {
            Ok(noted) => Some(self.opened_note(&noted).unwrap_or_else(|| {
                let dir = self.dir.display();
                tracing::warn!("the state directory {dir} no longer says at which revision the store was last");
                Arc::default()
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => Some(Arc::default()),
        };
    }

    fn opened_note(&self, noted: &[u8]) -> Option<Arc<[u8]>> {
        let noted = Copy::opened(noted).filter(|noted| noted.owner == Some(self.owner.as_str()))?;
        Some(noted.bytes.into())
    }

    /// Notes what is said now. Where no source says anything of itself, what was said before stays: it may be given again.
    pub(super) fn save_note(&mut self, note: Option<&str>) -> io::Result<()> {
        let Some(note) = note.filter(|note| self.note.as_deref() != Some(note.as_bytes())) else { return Ok(()) };
        let noted = Copy { file: "".into(), owner: Some(self.owner.as_str()), bytes: note.as_bytes() };
        self.put(&noted, &self.path_of("", NOTE))?;
        self.note = Some(note.as_bytes().into());
        Ok(())
    }

    /// Puts something of the whole directory in its place, so that it is whole even if the power fails.
    pub(super) fn put(&self, noted: &Copy<'_>, path: &Path) -> io::Result<()> {
        let new = self.path_of("", NEW);
        copy::write(&new, &noted.sealed())?;
        File::open(&new)?.sync_all()?;
        fs::rename(new, path)
    }
}
