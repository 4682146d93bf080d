use super::{Asker, Claim, Claims, Decision, Reason, Services};
use crate::index::ServicePos;
use crate::matrix::{ErrCode, Kind};

/// What is being decided on.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    User(String),
    Alias(String),
}

impl Subject {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::User(_) => Kind::User,
            Self::Alias(_) => Kind::Alias,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        let (Self::User(id) | Self::Alias(id)) = self;
        id
    }

    fn split(self) -> (Option<String>, Option<String>) {
        match self {
            Self::User(user_id) => (Some(user_id), None),
            Self::Alias(alias) => (None, Some(alias)),
        }
    }
}

/// A decision in the making: everything but the verdict.
pub(super) struct Case<'s> {
    pub(super) services: &'s Services,
    pub(super) subject: Subject,
    /// The service that asks, if one does that is loaded.
    pub(super) service: Option<ServicePos>,
    /// The id that was named, also if no such service is loaded.
    pub(super) as_id: Option<String>,
    pub(super) claims: Claims<'s>,
}

/// What a check comes to: passed, perhaps for a reason worth telling; or the reason why not.
pub(super) type Checked = Result<Option<Reason>, Refusal>;

/// Why something may not be done.
pub(super) struct Refusal {
    pub(super) reason: Reason,
    pub(super) errcode: ErrCode,
    pub(super) error: String,
}

impl Refusal {
    pub(super) fn new(reason: Reason, errcode: ErrCode, error: impl Into<String>) -> Self {
        Self { reason, errcode, error: error.into() }
    }
}

impl<'s> Case<'s> {
    pub(super) fn new(services: &'s Services, subject: Subject, asker: Asker<'_>, claims: Claims<'s>) -> Self {
        let (service, as_id) = match asker {
            Asker::Person | Asker::Availability => (None, None),
            Asker::Service(position) => (Some(position), Some(services.registration(position).id.to_string())),
            Asker::Unknown(as_id) => (None, as_id.map(str::to_owned)),
        };
        Self { services, subject, service, as_id, claims }
    }

    /// The claim of the service that asks.
    pub(super) fn own_claim(&self) -> Option<&Claim<'s>> {
        let asking = &*self.services.registration(self.service?).id;
        self.claims.iter().find(|claim| claim.as_id == asking)
    }

    /// Makes the checks in their order. The first that fails decides; if none does, the last reason that one of them gave
    /// is told, or else whether anybody claims the ID at all.
    pub(super) fn decide<C: Copy>(self, checks: &[C], check: impl Fn(&Self, C) -> Checked) -> Decision<'s> {
        let mut reason = if self.claims.is_empty() { Reason::Unclaimed } else { Reason::Shared };
        for &one in checks {
            match check(&self, one) {
                Ok(None) => {}
                Ok(Some(told)) => reason = told,
                Err(refusal) => return self.refuse(refusal),
            }
        }
        self.conclude(true, reason, None, None)
    }

    pub(super) fn refuse(self, refusal: Refusal) -> Decision<'s> {
        let Refusal { reason, errcode, error } = refusal;
        self.conclude(false, reason, Some(errcode), Some(error))
    }

    fn conclude(self, allowed: bool, reason: Reason, errcode: Option<ErrCode>, error: Option<String>) -> Decision<'s> {
        let Self { subject, as_id, claims, .. } = self;
        let (user_id, alias) = subject.split();
        Decision { allowed, user_id, alias, as_id, reason, errcode, error, claims }
    }
}
