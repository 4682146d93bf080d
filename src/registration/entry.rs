use std::sync::Arc;

use super::{Place, Regex, ValidRegex};
use crate::matrix::Kind;

/// One entry of a list under `namespaces`, as it stands in a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'r> {
    /// The regex, as the homeserver would see it.
    pub regex: Regex<'r>,
    /// Whether the service claims what matches for itself alone.
    pub exclusive: bool,
    /// The `group_id` of the entry, an extension that old registrations carry.
    pub group_id: Option<&'r str>,
    /// Where the value of `regex` begins.
    pub place: Place,
}

impl Entry<'_> {
    /// The same, to be kept elsewhere.
    #[must_use]
    pub fn to_owned(self) -> OwnedEntry {
        OwnedEntry {
            regex: self.regex.to_owned(),
            exclusive: self.exclusive,
            group_id: self.group_id.map(Arc::from),
            place: self.place,
        }
    }
}

/// The same by itself: while a file is being read, and where an entry is held whose registration has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedEntry {
    /// The regex.
    pub regex: ValidRegex,
    /// Whether the service claims what matches for itself alone.
    pub exclusive: bool,
    /// The `group_id`.
    pub group_id: Option<Arc<str>>,
    /// Where the value of `regex` begins.
    pub place: Place,
}

/// What a registration claims, by kind, each list in file order; while it is being read, or edited.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OwnedNamespaces {
    /// The entries of `users`.
    pub users: Box<[OwnedEntry]>,
    /// The entries of `aliases`.
    pub aliases: Box<[OwnedEntry]>,
    /// The entries of `rooms`.
    pub rooms: Box<[OwnedEntry]>,
}

impl OwnedNamespaces {
    /// The entries of one kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &[OwnedEntry] {
        match kind {
            Kind::User => &self.users,
            Kind::Alias => &self.aliases,
            Kind::Room => &self.rooms,
        }
    }

    /// The entries of one kind, to be edited.
    pub(crate) const fn of_mut(&mut self, kind: Kind) -> &mut Box<[OwnedEntry]> {
        match kind {
            Kind::User => &mut self.users,
            Kind::Alias => &mut self.aliases,
            Kind::Room => &mut self.rooms,
        }
    }
}
