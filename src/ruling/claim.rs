use serde::Serialize;

use super::Services;
use crate::homeserver::Scope;
use crate::index::{Hit, Scratch, ServicePos};
use crate::matrix::{Kind, MatrixId};

/// What one interested service claims: the entry that decides, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Claim<'s> {
    /// The `id` of the application service.
    pub as_id: &'s str,
    /// Whether it claims the ID for itself alone.
    pub exclusive: bool,
    /// What makes it interested.
    pub via: ClaimVia,
    /// The regex of the entry; null when the ID is the service's sender.
    pub regex: Option<&'s str>,
    /// The position of the entry in its list, from 0; null when the ID is the service's sender.
    pub index: Option<u32>,
    /// The `group_id` of the entry, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<&'s str>,
    /// True when the regex ran out of steps on this ID, which therefore counts as claimed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub step_limit: bool,
    /// The file.
    pub file: &'s str,
    /// The line of the regex, or of `sender_localpart`, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// What makes a service interested in an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClaimVia {
    /// An entry of its namespaces matches.
    Namespace,
    /// The ID is its own user.
    Sender,
}

/// The claims on one ID, one for each interested service, in load order.
pub type Claims<'s> = Vec<Claim<'s>>;

impl Services {
    /// Who claims an ID. Allocates nothing if nobody does.
    #[must_use]
    pub fn claims(&self, id: MatrixId<'_>, scratch: &mut Scratch) -> Claims<'_> {
        self.hits(id, scratch).map(|hit| self.claim(id, hit)).collect()
    }

    /// One hit for each interested service, in load order. Where an entry binds this server's users alone, what it matches
    /// elsewhere is nobody's.
    pub(super) fn hits<'h>(&self, id: MatrixId<'_>, scratch: &'h mut Scratch) -> impl Iterator<Item = Hit> + use<'h> {
        let foreign = self.homeserver().dialect.scope() == Scope::Local
            && id.kind() == Kind::User
            && id.server_part() != Some(self.server_name().as_str());
        let hits = self.index().lookup(id, scratch).iter().copied();
        hits.filter(move |hit| !foreign || hit.rank.position().is_none())
    }

    fn claim(&self, id: MatrixId<'_>, hit: Hit) -> Claim<'_> {
        Claim { step_limit: hit.undecided, ..self.claim_of(hit.service, id.kind(), hit.rank.position()) }
    }

    /// What an entry of a service claims, by its position in the list of a kind, or the service's own user.
    #[must_use]
    pub fn claim_of(&self, service: ServicePos, kind: Kind, entry: Option<u32>) -> Claim<'_> {
        let registration = self.registration(service);
        let (as_id, file) = (registration.id(), registration.file());
        match entry {
            None => Claim {
                as_id,
                exclusive: true,
                via: ClaimVia::Sender,
                regex: None,
                index: None,
                group_id: None,
                step_limit: false,
                file,
                line: registration.sender_place().line,
                column: registration.sender_place().column,
            },
            Some(position) => {
                let entry = registration.entries(kind).at(position as usize);
                Claim {
                    as_id,
                    exclusive: entry.exclusive,
                    via: ClaimVia::Namespace,
                    regex: Some(entry.regex.as_str()),
                    index: Some(position),
                    group_id: entry.group_id,
                    step_limit: false,
                    file,
                    line: entry.place.line,
                    column: entry.place.column,
                }
            }
        }
    }
}
