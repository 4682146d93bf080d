use std::sync::Arc;

use crate::registration::Loaded;

/// From the bytes of a file to a registration, or to all that is wrong with it.
///
/// A parameter so that another dialect needs no other watcher. Any function will do:
/// `move |file: &Arc<str>, bytes: &[u8]| registration::load_for(&homeserver, file, bytes, &hasher)`.
pub trait Loader: Send + Sync {
    /// Reads the bytes of a file. `file` is how it is shown.
    fn load(&self, file: &Arc<str>, bytes: &[u8]) -> Loaded;
}

impl<F: Fn(&Arc<str>, &[u8]) -> Loaded + Send + Sync> Loader for F {
    fn load(&self, file: &Arc<str>, bytes: &[u8]) -> Loaded {
        self(file, bytes)
    }
}
