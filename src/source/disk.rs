use std::ffi::OsString;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What the file system is asked, passed in so that tests can let it fail.
pub trait Disk: Send + Sync {
    /// The names in a directory, in any order.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;

    /// The status of what a path leads to.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// Whether there is anything at the path, be it a symlink that leads nowhere.
    fn is_there(&self, path: &Path) -> bool;

    /// The bytes of a file, at most `limit` and one more, and its status after they were read.
    fn read(&self, path: &Path, limit: u64) -> io::Result<(Vec<u8>, Stat)>;

    /// Where a symlink leads; an error for all else.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// The path without symlinks, from the root.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;
}

/// The status of a file: what changes when its content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Whether it is a regular file.
    pub is_file: bool,
    /// Which file it is.
    pub identity: Identity,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i64,
    /// When anything about it was last changed, in nanoseconds since 1970.
    pub changed: i64,
    /// Who may do what with it.
    pub mode: u32,
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The file system.
    pub device: u64,
    /// The number within it.
    pub inode: u64,
}

impl Stat {
    /// Whether it is a directory.
    #[must_use]
    pub const fn is_directory(&self) -> bool {
        /// Source: `S_IFMT` and `S_IFDIR` of `<sys/stat.h>`.
        const KIND: u32 = 0o170_000;
        const DIRECTORY: u32 = 0o040_000;
        self.mode & KIND == DIRECTORY
    }

    /// How long ago it was last changed by the clock on the wall; `None` when that lies in the future.
    #[must_use]
    pub fn age(&self, wall: SystemTime) -> Option<Duration> {
        let wall = wall.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos();
        let age = i64::try_from(wall).ok()?.checked_sub(self.modified.max(self.changed))?;
        u64::try_from(age).ok().map(Duration::from_nanos)
    }
}

impl From<&Metadata> for Stat {
    fn from(metadata: &Metadata) -> Self {
        // Enough until 2262; a file that says that it is from later is from "the end of time".
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            is_file: metadata.is_file(),
            identity: Identity { device: metadata.dev(), inode: metadata.ino() },
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            mode: metadata.mode(),
        }
    }
}

/// The file system of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        fs::metadata(path).map(|metadata| Stat::from(&metadata))
    }

    fn is_there(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<(Vec<u8>, Stat)> {
        // A pipe may have come into the file's place since it was asked for its status: opened as usual, it would hold up
        // this thread until somebody writes to it, which may be never. For a regular file the flag means nothing.
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let size = metadata.len().min(limit);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        (&file).take(limit + 1).read_to_end(&mut bytes)?;
        let after = Stat::from(&file.metadata()?);
        Ok((bytes, after))
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }
}
