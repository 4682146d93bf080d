use std::fmt;
use std::sync::Arc;

use super::FileRecord;
use crate::homeserver::Homeserver;

/// Hexadecimal characters of a snapshot's digest: 128 bits, ample against accident.
const DIGEST_CHARS: usize = 32;

/// Recognizes the bytes of a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash of these bytes and of some words besides.
    #[must_use]
    pub(crate) fn with<'w>(&self, words: impl Iterator<Item = &'w str>) -> Self {
        let mut written = self.0.to_vec();
        for word in words {
            written.extend_from_slice(&(word.len() as u64).to_le_bytes());
            written.extend_from_slice(word.as_bytes());
        }
        Self::of(&written)
    }

    /// The first 128 bits as lower-case hex, for file names.
    #[must_use]
    pub fn short(&self) -> String {
        hex(self)
    }
}

impl fmt::Debug for ContentHash {
    /// A few characters only: the whole hash of a file that holds tokens could be used to test guesses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({}…)", &hex(self)[..8])
    }
}

fn hex(hash: &ContentHash) -> String {
    blake3::Hash::from_bytes(hash.0).to_hex()[..DIGEST_CHARS].to_owned()
}

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
            part(&good.hash.0);
        }
    }
    hex(&ContentHash::of(&written)).into()
}
