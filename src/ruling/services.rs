use std::collections::HashMap;
use std::sync::Arc;

use crate::index::Index;
use crate::matrix::ServerName;
use crate::registration::{Registration, TokenDigest};

/// The loaded application services in load order, with everything that questions about them need. Immutable.
#[derive(Debug)]
pub struct Services {
    server_name: ServerName,
    registrations: Vec<Arc<Registration>>,
    index: Index,
    by_id: HashMap<Arc<str>, u32>,
    by_token: HashMap<TokenDigest, u32>,
}

impl Services {
    /// Takes registrations in load order, whose ids and tokens are known to be distinct.
    #[must_use]
    pub fn new(server_name: ServerName, registrations: Vec<Arc<Registration>>) -> Self {
        let index = Index::build(&server_name, &registrations);
        Self::with_index(server_name, registrations, index)
    }

    /// The same for a changed set: what is the same `Arc` in both is not built again.
    #[must_use]
    pub fn changed(&self, registrations: Vec<Arc<Registration>>) -> Self {
        let index = self.index.changed(&self.server_name, &registrations);
        Self::with_index(self.server_name.clone(), registrations, index)
    }

    fn with_index(server_name: ServerName, registrations: Vec<Arc<Registration>>, index: Index) -> Self {
        let by_id = (0..).zip(&registrations).map(|(at, r)| (Arc::clone(&r.id), at)).collect();
        let by_token = (0..).zip(&registrations).map(|(at, r)| (r.as_token, at)).collect();
        Self { server_name, registrations, index, by_id, by_token }
    }

    /// The homeserver whose namespace this is.
    #[must_use]
    pub const fn server_name(&self) -> &ServerName {
        &self.server_name
    }

    /// The registrations in load order.
    #[must_use]
    pub fn registrations(&self) -> &[Arc<Registration>] {
        &self.registrations
    }

    /// The index over all of them.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// The position of the service with an id.
    #[must_use]
    pub fn position_of_id(&self, as_id: &str) -> Option<u32> {
        self.by_id.get(as_id).copied()
    }

    /// The position of the service with a token.
    #[must_use]
    pub fn position_of_token(&self, as_token: &TokenDigest) -> Option<u32> {
        self.by_token.get(as_token).copied()
    }

    pub(super) fn registration(&self, position: u32) -> &Registration {
        &self.registrations[position as usize]
    }

    /// Whether a user ID is the sender of a service.
    pub(super) fn is_sender(&self, registration: &Registration, user_id: &str) -> bool {
        user_id
            .strip_prefix('@')
            .and_then(|rest| rest.strip_prefix(&*registration.sender_localpart))
            .and_then(|rest| rest.strip_prefix(':'))
            .is_some_and(|server| server == self.server_name.as_str())
    }
}
