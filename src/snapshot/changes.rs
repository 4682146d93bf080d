use std::sync::Arc;

use serde::Serialize;

use crate::registration::Registration;
use crate::ruling::Services;

/// What one snapshot changed against the one before it: services by `id`, each list in load order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Changes {
    /// In force now and not before.
    #[schema(value_type = Vec<String>)]
    pub added: Vec<Arc<str>>,
    /// In force before and now, from other bytes or another file, or at another place in the load order.
    #[schema(value_type = Vec<String>)]
    pub changed: Vec<Arc<str>>,
    /// In force before and not now.
    #[schema(value_type = Vec<String>)]
    pub removed: Vec<Arc<str>>,
}

impl Changes {
    /// Whether no service was touched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// The names of the services that were touched.
    pub(super) fn naming(touched: &[ServiceChange]) -> Self {
        let mut changes = Self::default();
        for service in touched {
            match service {
                ServiceChange::Added(after) => changes.added.push(after.id().into()),
                ServiceChange::Changed { after, .. } => changes.changed.push(after.id().into()),
                ServiceChange::Removed(before) => changes.removed.push(before.id().into()),
            }
        }
        changes
    }
}

/// What became of one service, with what it said: enough to tell which IDs are touched.
#[derive(Clone, Debug)]
pub(super) enum ServiceChange {
    /// In force now and not before.
    Added(Arc<Registration>),
    /// In force before and now, from other bytes or another file, or at another place in the load order.
    Changed {
        /// What it said.
        before: Arc<Registration>,
        /// What it says.
        after: Arc<Registration>,
        /// Whether it has changed places with another: the order of claims on an ID is that of the services.
        moved: bool,
    },
    /// In force before and not now.
    Removed(Arc<Registration>),
}

/// The services that differ between two sets: those of the new one in load order, then those that are gone. What both
/// have in common at either end costs one comparison each, so that a single change among a hundred thousand services is
/// found without hashing them.
pub(super) fn between(before: &Services, after: &Services) -> Vec<ServiceChange> {
    let (old, new) = differing(before.registrations(), after.registrations());
    let places: Vec<_> = new.iter().map(|registration| before.position_of_id(registration.id())).collect();
    // Whether it is the same service that is at a place now.
    let stays = |at, registration| Arc::ptr_eq(before.registration(at), registration);
    let mut first_behind: Vec<_> = places
        .iter()
        .rev()
        .scan(None, |first, at| Some(std::mem::replace(first, [*first, *at].into_iter().flatten().min())))
        .collect();
    first_behind.reverse();
    let (mut last_ahead, mut last_unchanged_ahead) = (None, None);
    let mut touched = Vec::new();
    for ((registration, at), first_behind) in new.iter().zip(places).zip(first_behind) {
        let Some(at) = at else {
            touched.push(ServiceChange::Added(Arc::clone(registration)));
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
            let (before, after) = (Arc::clone(before.registration(at)), Arc::clone(registration));
            touched.push(ServiceChange::Changed { before, after, moved });
        }
    }
    let gone = old.iter().filter(|registration| after.position_of_id(registration.id()).is_none());
    touched.extend(gone.map(|registration| ServiceChange::Removed(Arc::clone(registration))));
    touched
}

type Registrations = [Arc<Registration>];

/// Both lists without what they have in common at the beginning and at the end.
fn differing<'a>(mut old: &'a Registrations, mut new: &'a Registrations) -> (&'a Registrations, &'a Registrations) {
    while let ([a, old_rest @ ..], [b, new_rest @ ..]) = (old, new)
        && Arc::ptr_eq(a, b)
    {
        (old, new) = (old_rest, new_rest);
    }
    while let ([old_rest @ .., a], [new_rest @ .., b]) = (old, new)
        && Arc::ptr_eq(a, b)
    {
        (old, new) = (old_rest, new_rest);
    }
    (old, new)
}
