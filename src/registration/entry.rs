use std::sync::Arc;

use super::{Place, ValidRegex};
use crate::matrix::Kind;

/// One entry of a list under `namespaces`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The regex, as the homeserver would see it.
    pub regex: ValidRegex,
    /// Whether the service claims what matches for itself alone.
    pub exclusive: bool,
    /// The `group_id` of the entry, an extension that old registrations carry.
    pub group_id: Option<Arc<str>>,
    /// Where the value of `regex` begins.
    pub place: Place,
}

/// What a registration claims, by kind, each list in file order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Namespaces {
    /// The entries of `users`.
    pub users: Box<[Entry]>,
    /// The entries of `aliases`.
    pub aliases: Box<[Entry]>,
    /// The entries of `rooms`.
    pub rooms: Box<[Entry]>,
}

impl Namespaces {
    /// The entries of one kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &[Entry] {
        match kind {
            Kind::User => &self.users,
            Kind::Alias => &self.aliases,
            Kind::Room => &self.rooms,
        }
    }

    /// The entries of one kind, to be edited.
    pub(crate) const fn of_mut(&mut self, kind: Kind) -> &mut [Entry] {
        match kind {
            Kind::User => &mut self.users,
            Kind::Alias => &mut self.aliases,
            Kind::Room => &mut self.rooms,
        }
    }
}
