use std::sync::Arc;

use super::names::Names;
use super::readings;
use crate::homeserver::Homeserver;
use crate::index::{Common, Index, ServicePos};
use crate::list::List;
use crate::matrix::{Kind, PerKind, ServerName};
use crate::registration::{Registration, TokenDigest};

/// The loaded application services in load order, with everything that questions about them need. Immutable.
#[derive(Debug)]
pub struct Services {
    homeserver: Homeserver,
    registrations: List<Registration>,
    index: Index,
    names: Names,
    /// How many entries there are of each kind.
    entries: PerKind<usize>,
    /// The same by the other reading of what is left open, where there is one.
    otherwise: Option<Arc<Self>>,
}

impl Services {
    /// Takes registrations in load order, whose ids and tokens are known to be distinct.
    #[must_use]
    pub fn new(homeserver: Homeserver, registrations: List<Registration>) -> Self {
        // The index takes all cores but where it has one order to keep: there is room for the rest beside it.
        let (index, ((names, entries), otherwise)) = rayon::join(
            || Index::build(&homeserver, &registrations),
            || {
                let names = || (Names::new(&registrations), count(registrations.iter()));
                rayon::join(names, || readings::otherwise(&homeserver, &registrations))
            },
        );
        Self { homeserver, registrations, index, names, entries, otherwise }
    }

    /// The same for a changed set: what is the very same in both is not built again.
    #[must_use]
    pub fn updated(&self, registrations: List<Registration>) -> Self {
        let common = Common::of(&self.registrations, &registrations);
        let index = self.index.updated(&registrations, common);
        let names = self.names.updated(&self.registrations, &registrations, common);
        let entries = self.recounted(&registrations, common);
        let otherwise = self.otherwise.as_ref();
        let otherwise = otherwise.map(|other| readings::updated(other, &self.registrations, &registrations));
        Self { homeserver: self.homeserver.clone(), registrations, index, names, entries, otherwise }
    }

    /// How many entries another set has: with a look only at what differs.
    fn recounted(&self, registrations: &List<Registration>, common: Common) -> PerKind<usize> {
        let gone = count(self.registrations.range(common.gone()));
        let come = count(registrations.range(common.come()));
        PerKind::new(|kind| self.entries[kind] - gone[kind] + come[kind])
    }

    /// The same services by the other reading of what the homeserver leaves open, if it leaves anything open.
    pub(super) fn otherwise(&self) -> Option<&Self> {
        self.otherwise.as_deref()
    }

    /// The homeserver whose namespace this is.
    #[must_use]
    pub const fn homeserver(&self) -> &Homeserver {
        &self.homeserver
    }

    /// Its name.
    #[must_use]
    pub const fn server_name(&self) -> &ServerName {
        &self.homeserver.name
    }

    /// The registrations in load order.
    #[must_use]
    pub const fn registrations(&self) -> &List<Registration> {
        &self.registrations
    }

    /// The index over all of them.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// How many entries there are of each kind, counted when the set was put together: in a hundred thousand registrations
    /// that takes longer than a question may.
    #[must_use]
    pub const fn entries(&self) -> &PerKind<usize> {
        &self.entries
    }

    /// The position of the service with an id.
    #[must_use]
    pub fn position_of_id(&self, as_id: &str) -> Option<ServicePos> {
        self.names.of_id(&self.registrations, as_id)
    }

    /// The position of the service with a token.
    #[must_use]
    pub fn position_of_token(&self, as_token: &TokenDigest) -> Option<ServicePos> {
        self.names.of_token(&self.registrations, as_token, self.homeserver.dialect.set().answers)
    }

    /// The registration at a position.
    #[must_use]
    pub fn registration(&self, position: ServicePos) -> &Registration {
        &self.registrations[position.index()]
    }

    /// Whether a user ID is the sender of a service.
    pub(super) fn is_sender(&self, registration: &Registration, user_id: &str) -> bool {
        user_id
            .strip_prefix('@')
            .and_then(|rest| rest.strip_prefix(registration.sender_localpart()))
            .and_then(|rest| rest.strip_prefix(':'))
            .is_some_and(|server| server == self.server_name().as_str())
    }
}

fn count<'r>(registrations: impl Iterator<Item = &'r Registration>) -> PerKind<usize> {
    let mut entries = PerKind::default();
    for registration in registrations {
        for kind in Kind::ALL {
            entries[kind] += registration.entries(kind).len();
        }
    }
    entries
}
