use std::time::{Duration, SystemTime};

use zeroize::Zeroize;

use super::{Name, Stat};
use crate::registration::FileFacts;

/// A file whose status has changed within this time is read again although the status says that it has not changed
/// since: some file systems count in seconds (FAT in two of them), and a second write within one leaves no trace.
const GRANULARITY: Duration = Duration::from_secs(3);

/// Something that a provider has: one registration, as a rule.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is called, here and in every answer: a path, the key of a row.
    pub name: Name,
    /// What changes when its content does.
    pub version: Version,
    /// What there is to know about it besides its content.
    pub facts: FileFacts,
}

/// What changes when an item's content does. Never looked into by those who reload: they compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    /// The status of a file. Nearly a version: see [`Version::is_settled`].
    Stat(Box<Stat>),
    /// A version that its provider vouches for: the revision of a row, a hash. Equal exactly when the content is.
    Opaque([u64; 2]),
}

/// A version as it is kept of an item, which has no room for a [`Version`] of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionRef<'v> {
    Stat(&'v Stat),
    Opaque([u64; 2]),
}

impl VersionRef<'_> {
    pub(crate) fn to_owned(self) -> Version {
        match self {
            Self::Stat(stat) => Version::Stat(Box::new(*stat)),
            Self::Opaque(version) => Version::Opaque(version),
        }
    }
}

/// What was read of an item.
#[derive(Clone, Debug)]
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The version after they were read: another one than before if it was changed meanwhile.
    pub version: Version,
}

impl Drop for Content {
    /// Registrations hold tokens: what has been read of them does not stay in memory.
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl Version {
    pub(super) fn lent(&self) -> VersionRef<'_> {
        match self {
            Self::Stat(stat) => VersionRef::Stat(stat),
            Self::Opaque(version) => VersionRef::Opaque(*version),
        }
    }

    /// Whether a later change would show: the version was not made a moment ago, by the clock on the wall, or has been
    /// seen for long enough. (That clock may be wrong, and that of a file server another.)
    pub(crate) fn is_settled(&self, wall: SystemTime, seen_for: Duration) -> bool {
        match self {
            Self::Stat(stat) => stat.age(wall).is_some_and(|age| age > GRANULARITY) || seen_for > GRANULARITY,
            Self::Opaque(_) => true,
        }
    }

    /// Whether it is so young that whoever made it may not be done.
    pub(crate) fn is_younger_than(&self, quiet: Duration, wall: SystemTime) -> bool {
        match self {
            Self::Stat(stat) => stat.age(wall).is_some_and(|age| age < quiet),
            Self::Opaque(_) => false,
        }
    }

    /// Whether these can be the bytes of this version.
    pub(crate) fn can_be_of(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Stat(stat) => stat.size == bytes.len() as u64,
            Self::Opaque(_) => true,
        }
    }
}
