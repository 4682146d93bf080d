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
    /// In force before and now, from other bytes or from another file.
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
                ServiceChange::Added(after) => changes.added.push(Arc::clone(&after.id)),
                ServiceChange::Changed { after, .. } => changes.changed.push(Arc::clone(&after.id)),
                ServiceChange::Removed(before) => changes.removed.push(Arc::clone(&before.id)),
            }
        }
        changes
    }
}

/// What became of one service, with what it said: enough to tell whose names are touched.
#[derive(Clone, Debug)]
pub enum ServiceChange {
    /// In force now and not before.
    Added(Arc<Registration>),
    /// In force before and now, from other bytes or from another file.
    Changed {
        /// What it said.
        before: Arc<Registration>,
        /// What it says.
        after: Arc<Registration>,
    },
    /// In force before and not now.
    Removed(Arc<Registration>),
}

/// The services that differ between two sets: those of the new one in load order, then those that are gone. What both
/// have in common at either end costs one comparison each, so that a single change among a hundred thousand services is
/// found without hashing them.
pub(super) fn between(before: &Services, after: &Services) -> Vec<ServiceChange> {
    let (old, new) = differing(before.registrations(), after.registrations());
    let mut touched = Vec::new();
    for registration in new {
        match before.position_of_id(&registration.id).map(|at| before.registration(at)) {
            None => touched.push(ServiceChange::Added(Arc::clone(registration))),
            Some(same) if Arc::ptr_eq(same, registration) => {}
            Some(other) => {
                let (before, after) = (Arc::clone(other), Arc::clone(registration));
                touched.push(ServiceChange::Changed { before, after });
            }
        }
    }
    let gone = old.iter().filter(|registration| after.position_of_id(&registration.id).is_none());
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
