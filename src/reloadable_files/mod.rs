//! Small files beside the registrations, of tokens or certificates, that are read again when they change.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::source::{Disk, OsDisk, Stat};

/// Tells when small files beside the registrations, of tokens or certificates, are to be read again: when anything about
/// one of them has changed, and at every look for as long as the last attempt has failed.
#[derive(Debug)]
pub struct ReloadableFiles {
    files: Vec<PathBuf>,
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    seen: Vec<Option<Stat>>,
    problem: Option<String>,
}

impl ReloadableFiles {
    /// Notes what the files are like now. To be called before they are read for the first time, so that no change is
    /// missed.
    #[must_use]
    pub fn new(files: &[&Path]) -> Self {
        let files: Vec<PathBuf> = files.iter().map(|&file| file.to_owned()).collect();
        let last = Mutex::new(Last { seen: seen(&files), problem: None });
        Self { files, last }
    }

    /// Calls `read` if it is time to, and logs what comes of it: what was read before stays in use when it fails. `what`
    /// names the files' content, in the plural.
    pub fn refresh(&self, what: &str, read: impl FnOnce() -> Result<(), String>) {
        let now = seen(&self.files);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.seen == now && last.problem.is_none() {
            return;
        }
        last.seen = now;
        let problem = read().err();
        match &problem {
            None => tracing::info!("{what} read again"),
            Some(problem) if last.problem.as_ref() != Some(problem) => {
                tracing::error!("the {what} read before stay in use: {problem}");
            }
            Some(_) => {}
        }
        last.problem = problem;
    }
}

fn seen(files: &[PathBuf]) -> Vec<Option<Stat>> {
    files.iter().map(|file| OsDisk.stat(file).ok()).collect()
}
