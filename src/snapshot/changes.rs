use std::fmt;

use serde::{Serialize, Serializer};

use crate::index::Common;
use crate::list::List;
use crate::registration::Registration;
use crate::ruling::Services;

/// What one snapshot changed against the one before it: services by `id`, each list in load order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Changes {
    /// In force now and not before.
    #[schema(value_type = Vec<String>)]
    pub added: Ids,
    /// In force before and now, from other bytes or another file, or at another place in the load order.
    #[schema(value_type = Vec<String>)]
    pub changed: Ids,
    /// In force before and not now.
    #[schema(value_type = Vec<String>)]
    pub removed: Ids,
}

/// The ids of some services, which the first snapshot has a million of: kept as the registrations that say them, whose list is then
/// that of all that are in force.
#[derive(Clone, Default)]
pub struct Ids(List<Registration>);

impl Ids {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(Registration::id)
    }
}

impl FromIterator<Registration> for Ids {
    fn from_iter<T: IntoIterator<Item = Registration>>(registrations: T) -> Self {
        Self(registrations.into_iter().collect())
    }
}

impl PartialEq for Ids {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Ids {}

impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Changes {
    /// Whether no service was touched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// The names of the services that were touched.
    pub(super) fn naming(touched: &[ServiceChange]) -> Self {
        let (mut added, mut changed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for service in touched {
            match service {
                ServiceChange::Added(after) => added.push(after),
                ServiceChange::Changed { after, .. } => changed.push(after),
                ServiceChange::Removed(before) => removed.push(before),
            }
        }
        let ids = |of: Vec<&Registration>| of.into_iter().cloned().collect();
        Self { added: ids(added), changed: ids(changed), removed: ids(removed) }
    }

    /// All that a set has, where there was none before.
    pub(super) fn from_nothing(to: &Services) -> Self {
        Self { added: Ids(to.registrations().clone()), ..Self::default() }
    }
}

/// What became of one service, with what it said: enough to tell which IDs are touched.
#[derive(Clone, Debug)]
pub(super) enum ServiceChange {
    /// In force now and not before.
    Added(Registration),
    /// In force before and now, from other bytes or another file, or at another place in the load order.
    Changed {
        /// What it said.
        before: Registration,
        /// What it says.
        after: Registration,
        /// Whether it has changed places with another: the order of claims on an ID is that of the services.
        moved: bool,
    },
    /// In force before and not now.
    Removed(Registration),
}

/// The services that differ between two sets: those of the new one in load order, then those that are gone. What both
/// have in common at either end costs one comparison each, so that a single change among a hundred thousand services is
/// found without hashing them.
pub(super) fn between(before: &Services, after: &Services) -> Vec<ServiceChange> {
    let common = Common::of(before.registrations(), after.registrations());
    let (old, new) = (before.registrations().range(common.gone()), after.registrations().range(common.come()));
    let places: Vec<_> = new.clone().map(|registration| before.position_of_id(registration.id())).collect();
    // Whether it is the same service that is at a place now.
    let stays = |at, registration| Registration::ptr_eq(before.registration(at), registration);
    let mut first_behind: Vec<_> = places
        .iter()
        .rev()
        .scan(None, |first, at| Some(std::mem::replace(first, [*first, *at].into_iter().flatten().min())))
        .collect();
    first_behind.reverse();
    let (mut last_ahead, mut last_unchanged_ahead) = (None, None);
    let mut touched = Vec::new();
    for ((registration, at), first_behind) in new.zip(places).zip(first_behind) {
        let Some(at) = at else {
            touched.push(ServiceChange::Added(registration.clone()));
            continue;
        };
        // Of two that have changed places, the one that has changed besides is told, and of unchanged ones the second.
        let moved = if stays(at, registration) {
            let moved = last_unchanged_ahead > Some(at);
            last_unchanged_ahead = last_unchanged_ahead.max(Some(at));
            moved
        } else {
            last_ahead > Some(at) || first_behind.is_some_and(|first| first < at)
        };
        last_ahead = last_ahead.max(Some(at));
        if moved || !stays(at, registration) {
            let (before, after) = (before.registration(at).clone(), registration.clone());
            touched.push(ServiceChange::Changed { before, after, moved });
        }
    }
    let gone = old.filter(|registration| after.position_of_id(registration.id()).is_none());
    touched.extend(gone.map(|registration| ServiceChange::Removed(registration.clone())));
    touched
}
