use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::ContentHash;
use crate::registration::{Fault, Registration};

/// One file and what came of it.
#[derive(Clone, Debug)]
pub struct FileRecord {
    /// The file as it is shown.
    pub file: Arc<str>,
    /// Whether it is in force.
    pub state: FileState,
    /// What is wrong with the bytes that are there now. Empty exactly when the file is active.
    pub faults: Vec<Fault>,
    /// What is in force.
    pub registration: Option<Arc<Registration>>,
    /// The hash of the bytes in force.
    pub hash: Option<ContentHash>,
}

impl FileRecord {
    /// The file's name relative to its directory: what replicas have in common.
    #[must_use]
    pub fn name(&self) -> &str {
        Path::new(&*self.file).file_name().and_then(OsStr::to_str).unwrap_or(&self.file)
    }

    /// Whether both say the same, the registration being the same `Arc`.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let same_registration = match (&self.registration, &other.registration) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        same_registration
            && self.state == other.state
            && self.hash == other.hash
            && self.file == other.file
            && self.faults == other.faults
    }
}

/// Whether a file is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// As it is on disk.
    Active,
    /// What is on disk cannot be loaded; its last good content is in force.
    Stale,
    /// It cannot be loaded, and nothing of it is in force.
    Quarantined,
}

impl FileState {
    /// The state as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Stale => "stale",
            Self::Quarantined => "quarantined",
        }
    }
}
