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

    /// The difference between two sets. What both have in common at either end costs one comparison each, so that a
    /// single change among a hundred thousand services is found without hashing them.
    pub(super) fn between(before: &Services, after: &Services) -> Self {
        let (old, new) = differing(before.registrations(), after.registrations());
        let mut changes = Self::default();
        for registration in new {
            match before.position_of_id(&registration.id) {
                None => changes.added.push(Arc::clone(&registration.id)),
                Some(at) if Arc::ptr_eq(&before.registrations()[at as usize], registration) => {}
                Some(_) => changes.changed.push(Arc::clone(&registration.id)),
            }
        }
        for registration in old {
            if after.position_of_id(&registration.id).is_none() {
                changes.removed.push(Arc::clone(&registration.id));
            }
        }
        changes
    }
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
