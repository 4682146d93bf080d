//! The lock that says who writes here.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// A lock of a directory, held until it is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock, unless another service holds it.
    pub(super) fn take(dir: &Path) -> io::Result<Self> {
        let dir = File::open(dir)?;
        match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
            // Some file systems know no locks; then it is as it was before there were any.
            Ok(()) | Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK | Errno::BADF) => Ok(Self(dir)),
            Err(Errno::WOULDBLOCK) => Err(io::Error::other("another service is using it; give each its own")),
            Err(error) => Err(error.into()),
        }
    }

    /// The directory that is locked, whatever is at its path by now.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }
}

impl Drop for Lock {
    /// Closing the file is not enough: a process that is being started by another thread has it open, too, until it runs its
    /// own program, and the lock lasts as long as anybody has.
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a process has it that is being started.
    #[test]
    fn it_ends_although_another_has_the_file_open() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let lock = Lock::take(dir.path()).expect("free");
        let _inherited = lock.0.try_clone().expect("a second handle");
        assert!(Lock::take(dir.path()).is_err());
        drop(lock);
        Lock::take(dir.path()).expect("free again");
    }
}
