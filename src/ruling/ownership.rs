use serde::Serialize;

use super::{Claim, Claims, Services};
use crate::index::Scratch;
use crate::matrix::{Kind, MatrixId};

/// Who owns an ID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Ownership<'s> {
    /// The ID that was asked about.
    pub id: &'s str,
    /// What it names.
    pub kind: Kind,
    /// False when it is a user or an alias that is not of this server: it names another, or none at all, which is easily
    /// forgotten and rarely meant. Left out when it is of this server, and for a room.
    #[serde(skip_serializing_if = "Clone::clone")]
    #[schema(required = false)]
    pub local: bool,
    /// What the claims come to.
    pub status: Status,
    /// The one service that holds the ID exclusively; null when none does, or more than one.
    pub owner: Option<&'s str>,
    /// One for each interested service, in load order.
    pub claims: Vec<Claim<'s>>,
    /// What it is by the other reading of what the specification leaves open, where that makes a difference: then nobody can
    /// say which of the two is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub undefined: Option<Box<Self>>,
}

/// What the claims on an ID come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nobody claims it.
    Unclaimed,
    /// Somebody claims it, nobody exclusively.
    Shared,
    /// One service holds it exclusively.
    Exclusive,
    /// More than one service holds it exclusively, so that nobody can register it.
    Contested,
}

impl Services {
    /// Who owns an ID.
    #[must_use]
    pub fn ownership<'s>(&'s self, id: MatrixId<'s>, scratch: &mut Scratch) -> Ownership<'s> {
        let ownership = self.owned(id, scratch);
        let other = self.otherwise().map(|services| services.owned(id, scratch));
        let undefined = other.filter(|other| !other.comes_to_the_same(&ownership)).map(Box::new);
        Ownership { undefined, ..ownership }
    }

    /// Who owns an ID by this reading alone.
    fn owned<'s>(&'s self, id: MatrixId<'s>, scratch: &mut Scratch) -> Ownership<'s> {
        let claims = self.claims(id, scratch);
        let (status, owner) = status_of(&claims);
        let local = id.kind() == Kind::Room || id.server_part() == Some(self.server_name().as_str());
        Ownership { id: id.as_str(), kind: id.kind(), local, status, owner, claims, undefined: None }
    }
}

impl Ownership<'_> {
    /// Whether the same services are interested, and each as exclusively.
    fn comes_to_the_same(&self, other: &Self) -> bool {
        let held = |claims: &Claims<'_>| -> Vec<_> {
            claims.iter().map(|claim| (claim.as_id.to_owned(), claim.exclusive)).collect()
        };
        held(&self.claims) == held(&other.claims)
    }
}

impl Status {
    /// The status as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unclaimed => "unclaimed",
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
            Self::Contested => "contested",
        }
    }
}

fn status_of<'s>(claims: &Claims<'s>) -> (Status, Option<&'s str>) {
    let mut exclusive = claims.iter().filter(|claim| claim.exclusive);
    match (exclusive.next(), exclusive.next()) {
        (Some(only), None) => (Status::Exclusive, Some(only.as_id)),
        (Some(_), Some(_)) => (Status::Contested, None),
        (None, _) if claims.is_empty() => (Status::Unclaimed, None),
        (None, _) => (Status::Shared, None),
    }
}
