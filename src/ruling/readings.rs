//! Both readings of what the specification leaves open.
//!
//! "A POSIX regular expression" says neither where in an ID it is looked for nor whether it must match all of it. A service
//! that answers by the specification therefore holds two sets, one for each reading ([`Dialect::other_reading`]), asks both,
//! and says `undefined` where they differ. It costs a second index, and is paid by nobody else.
//!
//! A decision on which they differ is told as the one that refuses: what either reading holds is not given away.
//!
//! [`Dialect::other_reading`]: crate::homeserver::Dialect::other_reading

use std::collections::HashSet;
use std::sync::Arc;

use super::{Asker, Decision, Services};
use crate::homeserver::{Dialect, Homeserver};
use crate::list::List;
use crate::matrix::Kind;
use crate::registration::Registration;

type Registrations = List<Registration>;

/// The same registrations by the other reading, if there is one.
pub(super) fn otherwise(homeserver: &Homeserver, registrations: &Registrations) -> Option<Arc<Services>> {
    let dialect = homeserver.dialect.other_reading()?;
    let homeserver = Homeserver::new(homeserver.name.clone(), dialect);
    let loaded = registrations.iter().filter(|one| loads(one, dialect)).cloned();
    Some(Arc::new(Services::new(homeserver, loaded.collect())))
}

/// The same for a changed set, of which only what is new is looked at.
pub(super) fn updated(other: &Services, before: &Registrations, after: &Registrations) -> Arc<Services> {
    let of = |registrations: &Registrations| registrations.iter().map(Registration::as_ptr).collect::<HashSet<_>>();
    let (judged, loaded) = (of(before), of(other.registrations()));
    let dialect = other.homeserver().dialect;
    let loads = |one: &&Registration| {
        let known = Registration::as_ptr(one);
        if judged.contains(&known) { loaded.contains(&known) } else { loads(one, dialect) }
    };
    let after = after.iter().filter(loads).cloned();
    Arc::new(other.updated(List::following(other.registrations(), after, Registration::ptr_eq)))
}

/// Whether every regex of a registration is one in the other syntax, too: one that is not would keep all of it out.
fn loads(registration: &Registration, dialect: Dialect) -> bool {
    let is_regex = |kind: Kind| {
        let mut entries = registration.entries(kind).iter();
        entries.all(|entry| dialect.syntax().check(kind, &entry.regex).is_ok())
    };
    Kind::ALL.into_iter().all(is_regex)
}

/// The homeserver by the other reading, if there is one that a registration is loaded by.
#[must_use]
pub fn read_otherwise(homeserver: &Homeserver, registration: &Registration) -> Option<Homeserver> {
    let dialect = homeserver.dialect.other_reading()?;
    loads(registration, dialect).then(|| Homeserver::new(homeserver.name.clone(), dialect))
}

impl Services {
    /// Decides, and says what the other reading comes to where that is something else.
    pub(super) fn by_each_reading<'s>(
        &'s self,
        asker: Asker<'_>,
        mut decide: impl FnMut(&'s Self, Asker<'_>) -> Decision<'s>,
    ) -> Decision<'s> {
        let decision = decide(self, asker);
        let Some(otherwise) = self.otherwise() else { return decision };
        let other = decide(otherwise, self.elsewhere(otherwise, asker));
        let comes_to = |decision: &Decision<'_>| (decision.allowed, decision.reason, decision.errcode);
        if comes_to(&decision) == comes_to(&other) {
            return decision;
        }
        let (first, second) = if decision.allowed && !other.allowed { (other, decision) } else { (decision, other) };
        Decision { undefined: Some(Box::new(second)), ..first }
    }

    /// The same who asks, where the services stand elsewhere.
    fn elsewhere<'a>(&'a self, otherwise: &Self, asker: Asker<'a>) -> Asker<'a> {
        match asker {
            Asker::Service(position) => {
                let id = self.registration(position).id();
                otherwise.position_of_id(id).map_or(Asker::Unknown(Some(id)), Asker::Service)
            }
            Asker::Person | Asker::Availability | Asker::Administrator | Asker::Unknown(_) => asker,
        }
    }
}
