use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::paths::MAX_FILE_BYTES;
use super::{Content, Hint, Item, Listed, Listing, Provider, Unlisted, Unread, Version, Watched};
use crate::registration::FileFacts;

/// One registration that came through a pipe: it can be read once, and is not there to be looked at again.
///
/// For what looks at registrations once, and not for a service, which could not see it change.
pub struct Pipe {
    name: Arc<str>,
    bytes: Result<Zeroizing<Vec<u8>>, String>,
}

impl Pipe {
    /// What standard input holds.
    #[must_use]
    pub fn standard_input() -> Self {
        Self::read("<stdin>", io::stdin().lock())
    }

    /// What can be read at a path; waits for whoever writes there.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        let name = path.to_string_lossy();
        match File::open(path) {
            Ok(pipe) => Self::read(&name, pipe),
            Err(error) => Self { name: (&*name).into(), bytes: Err(error.to_string()) },
        }
    }

    fn read(name: &str, pipe: impl Read) -> Self {
        let bytes = match read_to_end(pipe, MAX_FILE_BYTES + 1) {
            Ok(bytes) if bytes.len() as u64 > MAX_FILE_BYTES => Err(super::paths::TOO_LARGE.to_owned()),
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(error.to_string()),
        };
        Self { name: name.into(), bytes }
    }
}

/// So many bytes are there room for at first, as many as a small file of tokens has.
const FIRST_ROOM: usize = 4 << 10;

/// Reads to the end, or so many bytes, and leaves nothing of it elsewhere in memory: a buffer that is let grow is copied, and what it
/// was before is freed as it is, tokens and all.
pub fn read_to_end(from: impl Read, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut from = from.take(limit);
    let mut bytes = Zeroizing::new(Vec::with_capacity(FIRST_ROOM));
    loop {
        let room = (bytes.capacity() - bytes.len()) as u64;
        if from.by_ref().take(room).read_to_end(&mut bytes)? == 0 {
            return Ok(bytes);
        }
        if bytes.len() == bytes.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * bytes.len()));
            larger.extend_from_slice(&bytes);
            bytes = larger;
        }
    }
}

impl Provider for Pipe {
    fn shown(&self) -> String {
        self.name.to_string()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        let name = Arc::clone(&self.name);
        let listed = match &self.bytes {
            Ok(_) => Listed::Item(Item { name: name.into(), version: version(), facts: FileFacts::default() }),
            Err(why) => Listed::Unreadable { name, why: why.clone() },
        };
        Ok(Listing { items: vec![listed], ..Listing::default() })
    }

    fn read(&self, _item: &Item) -> Result<Content, Unread> {
        match &self.bytes {
            Ok(bytes) => Ok(Content { bytes: bytes.to_vec(), version: version() }),
            Err(why) => Err(Unread::Because(why.clone())),
        }
    }

    fn watch(&self, _listed: &[Arc<str>], _hint: &Hint) -> Watched {
        Watched::ALL
    }

    fn could_list(&self, name: &str) -> bool {
        *self.name == *name
    }
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipe").field("name", &self.name).finish_non_exhaustive()
    }
}

/// It never changes.
fn version() -> Version {
    Version::Opaque([0; 2])
}
