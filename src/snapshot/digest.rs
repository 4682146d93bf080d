use std::sync::Arc;

use super::{ContentHash, FileRecord};
use crate::homeserver::Homeserver;

/// The digest of a loaded set. Every part is preceded by its length, so that no two sets are written alike.
pub(super) fn digest(homeserver: &Homeserver, files: &[Arc<FileRecord>]) -> Arc<str> {
    let mut written = Vec::with_capacity(64 * files.len() + 64);
    let mut part = |bytes: &[u8]| {
        written.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        written.extend_from_slice(bytes);
    };
    part(homeserver.dialect.name().as_bytes());
    part(homeserver.name.as_str().as_bytes());
    for file in files {
        if let Some(good) = file.good() {
            part(file.name().as_bytes());
            part(good.hash().as_bytes());
        }
    }
    ContentHash::of(&written).short().into()
}
