use serde::Serialize;

use super::Claim;
use crate::matrix::ErrCode;

/// Whether something may be registered or created, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Decision<'s> {
    /// Whether the homeserver would allow it.
    pub allowed: bool,
    /// The user ID that was decided on: for a person with its localpart in lower case, as it is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The alias that was decided on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The service that asks; null when a person asks or no service has the token.
    pub as_id: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The Matrix error code that the homeserver would answer with; null when it is allowed.
    #[schema(value_type = Option<String>, example = "M_EXCLUSIVE")]
    pub errcode: Option<ErrCode>,
    /// The status that the homeserver would answer with, where it is not Synapse that is asked about; left out when it is
    /// allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// One sentence that names the service in the way; null when it is allowed.
    pub error: Option<String>,
    /// What the homeserver makes of a user who has no account, where a service would act as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountRule>,
    /// Which check decided, and where the homeserver says that it makes it.
    pub because: Because,
    /// What is decided by the other reading of what the specification leaves open, where that is something else: then nobody
    /// can say which of the two is right. Of the two, one that refuses is told first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub undefined: Option<Box<Self>>,
    /// All claims on the ID, in load order.
    pub claims: Vec<Claim<'s>>,
}

/// Which check decided, and where the homeserver says that it makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Because {
    /// The check that failed; null when all passed.
    #[schema(example = "not_reserved")]
    pub check: Option<&'static str>,
    /// Where the homeserver's checks were read: functions, or files and lines, of the release that is answered for.
    #[schema(example = "RegisterRestServlet, RegistrationHandler.check_username")]
    pub source: &'static str,
}

impl Decision<'_> {
    /// The same when the claims of some registration are not known and what it may claim must not be given away: what is
    /// allowed because nobody known holds it exclusively is refused. A service's own names stay its own.
    #[must_use]
    pub fn when_claims_are_missing(mut self) -> Self {
        self.undefined = self.undefined.map(|other| Box::new(other.when_claims_are_missing()));
        if !matches!(self.reason, Reason::Unclaimed | Reason::Shared) {
            return self;
        }
        let error = "some registration has never loaded, so that it is not known what it claims: nothing is given away \
                     meanwhile (--when-incomplete refuse); `GET /v1/registrations` shows which is quarantined and why, and \
                     `missing` of `GET /v1/status` of which the last copy is damaged";
        let (errcode, error) = (Some(ErrCode::Unknown), Some(error.to_owned()));
        Self { allowed: false, reason: Reason::Incomplete, errcode, error, ..self }
    }
}

/// What a homeserver makes of a user who has no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountRule {
    /// It refuses, so that what is allowed here is so only if the account is there.
    Needed,
    /// It does not matter.
    NotNeeded,
    /// It makes one.
    Made,
}

/// Why a decision fell as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Allowed: nobody claims it.
    Unclaimed,
    /// Allowed: it is claimed, but by nobody exclusively.
    Shared,
    /// Allowed: it is in the asking service's own namespace, and nobody else holds it exclusively.
    OwnNamespace,
    /// Allowed: the asking service's own user, or asked by it.
    Sender,
    /// Refused: the asking service does not claim it.
    OutsideOwnNamespace,
    /// Refused: a service (another one, when a service asks) holds it exclusively.
    Reserved,
    /// Refused: no such service is loaded.
    UnknownAs,
    /// Refused: a person may not register such a localpart.
    InvalidUserId,
    /// Refused: not a user ID, or not an alias, of this server.
    RemoteId,
    /// Refused: nobody may create such an alias.
    InvalidAlias,
    /// Refused: nobody known holds it exclusively, but some registration has never loaded, and the service was started
    /// with `--when-incomplete refuse`.
    Incomplete,
}

impl Reason {
    /// All reasons, for the metric that counts them.
    pub const ALL: [Self; 11] = [
        Self::Unclaimed,
        Self::Shared,
        Self::OwnNamespace,
        Self::Sender,
        Self::OutsideOwnNamespace,
        Self::Reserved,
        Self::UnknownAs,
        Self::InvalidUserId,
        Self::RemoteId,
        Self::InvalidAlias,
        Self::Incomplete,
    ];

    /// The reason as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unclaimed => "unclaimed",
            Self::Shared => "shared",
            Self::OwnNamespace => "own_namespace",
            Self::Sender => "sender",
            Self::OutsideOwnNamespace => "outside_own_namespace",
            Self::Reserved => "reserved",
            Self::UnknownAs => "unknown_as",
            Self::InvalidUserId => "invalid_user_id",
            Self::RemoteId => "remote_id",
            Self::InvalidAlias => "invalid_alias",
            Self::Incomplete => "incomplete",
        }
    }
}
