use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::index::ServicePos;
use crate::registration::{Registration, TokenDigest};

/// Where the service with an id or a token stands among the registrations.
///
/// Tables of positions: ids and tokens are compared where they are, in the registrations, so that a table of a hundred
/// thousand takes half a megabyte and is cheap to copy for the next set.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    ids: HashTable<ServicePos>,
    tokens: HashTable<ServicePos>,
    hasher: RandomState,
}

type Registrations = [Arc<Registration>];

/// When more than this part of a set has changed, its names are tabled afresh.
const AFRESH_SHARE: usize = 32;

impl Names {
    pub(super) fn new(registrations: &Registrations) -> Self {
        let mut names = Self {
            ids: HashTable::with_capacity(registrations.len()),
            tokens: HashTable::with_capacity(registrations.len()),
            hasher: RandomState::new(),
        };
        (0..registrations.len()).for_each(|at| names.insert(registrations, ServicePos::new(at)));
        names
    }

    /// The names of another set, of which most stands where it stood before.
    pub(super) fn updated(&self, before: &Registrations, after: &Registrations) -> Self {
        if before.len() != after.len() {
            return Self::new(after);
        }
        let same = |at: &usize| Arc::ptr_eq(&before[*at], &after[*at]);
        let changed: Vec<_> = (0..after.len()).filter(|at| !same(at)).map(ServicePos::new).collect();
        if changed.len() > after.len() / AFRESH_SHARE {
            return Self::new(after);
        }
        let mut names = self.clone();
        for &at in &changed {
            names.remove(before, at);
        }
        for &at in &changed {
            names.insert(after, at);
        }
        names
    }

    pub(super) fn of_id(&self, registrations: &Registrations, id: &str) -> Option<ServicePos> {
        self.ids.find(self.hash(id), |&at| *registrations[at.index()].id == *id).copied()
    }

    pub(super) fn of_token(&self, registrations: &Registrations, token: &TokenDigest) -> Option<ServicePos> {
        self.tokens.find(token.spread(), |&at| registrations[at.index()].as_token == *token).copied()
    }

    fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }

    fn insert(&mut self, registrations: &Registrations, at: ServicePos) {
        let registration = |at: ServicePos| &*registrations[at.index()];
        let hash = self.hash(&registration(at).id);
        let hasher = &self.hasher;
        self.ids.insert_unique(hash, at, |&at| hasher.hash_one(&*registration(at).id));
        self.tokens.insert_unique(registration(at).as_token.spread(), at, |&at| registration(at).as_token.spread());
    }

    fn remove(&mut self, registrations: &Registrations, at: ServicePos) {
        let registration = &registrations[at.index()];
        let hash = self.hash(&registration.id);
        if let Ok(entry) = self.ids.find_entry(hash, |&known| known == at) {
            entry.remove();
        }
        if let Ok(entry) = self.tokens.find_entry(registration.as_token.spread(), |&known| known == at) {
            entry.remove();
        }
    }
}
