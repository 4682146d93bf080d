use super::{Asker, Because, Claim, ClaimVia, Claims, Decision, Reason, Services};
use crate::homeserver::{Check, Dialect, Refuses, Step};
use crate::index::ServicePos;
use crate::matrix::Kind;
use crate::registration::{Entry, Registration};
use python_re::{Outcome, Scratch};

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
    /// Where the homeserver says what it checks.
    pub(super) source: &'static str,
}

/// What a check comes to: passed, perhaps for a reason worth telling; or why not.
pub(super) type Checked = Result<Option<Reason>, Objection>;

/// Why a check fails. What is answered then is the homeserver's.
pub(super) struct Objection {
    pub(super) reason: Reason,
    pub(super) error: String,
}

impl Objection {
    pub(super) fn new(reason: Reason, error: impl Into<String>) -> Self {
        Self { reason, error: error.into() }
    }

    /// With what is answered when a check fails for this reason.
    pub(super) fn answered(self, check: &'static str, refuses: Refuses) -> Refusal {
        Refusal { objection: self, check, refuses }
    }
}

/// Why something may not be done, and what is answered.
pub(super) struct Refusal {
    objection: Objection,
    check: &'static str,
    refuses: Refuses,
}

impl<'s> Case<'s> {
    pub(super) fn new(
        services: &'s Services,
        subject: Subject,
        asker: Asker<'_>,
        claims: Claims<'s>,
        source: &'static str,
    ) -> Self {
        let (service, as_id) = match asker {
            Asker::Person | Asker::Availability | Asker::Administrator => (None, None),
            Asker::Service(position) => (Some(position), Some(services.registration(position).id().to_string())),
            Asker::Unknown(as_id) => (None, as_id.map(str::to_owned)),
        };
        Self { services, subject, service, as_id, claims, source }
    }

    /// The claim of the service that asks.
    pub(super) fn own_claim(&self) -> Option<&Claim<'s>> {
        let asking = self.services.registration(self.service?).id();
        self.claims.iter().find(|claim| claim.as_id == asking)
    }

    /// By what the ID is in the namespace of the service that asks, if it is.
    pub(super) fn in_own_namespace(&self) -> Option<Reason> {
        let registration = self.services.registration(self.service?);
        match self.own_claim()?.via {
            ClaimVia::Namespace => Some(Reason::OwnNamespace),
            ClaimVia::Sender if !registration.sender_is_whole() => Some(Reason::Sender),
            // The account is there, so that nobody else may have the name; but the homeserver compares the localpart with the
            // whole ID that was written, and lets the service have it by its entries alone.
            ClaimVia::Sender => self.matches_entry(registration).then_some(Reason::OwnNamespace),
        }
    }

    fn matches_entry(&self, registration: &Registration) -> bool {
        let (dialect, kind, id) = (self.services.homeserver().dialect, self.subject.kind(), self.subject.as_str());
        let matches = |entry: Entry<'_>| {
            let pattern = entry.regex.pattern(dialect, kind);
            pattern.matcher().run(&mut Scratch::new(), id) == Outcome::Match
        };
        registration.entries(kind).iter().any(matches)
    }

    /// Makes the checks in their order. The first that fails decides; if none does, the last reason that one of them gave
    /// is told, or else whether anybody claims the ID at all.
    pub(super) fn decide<C: Check>(self, steps: &[Step<C>], check: impl Fn(&Self, C) -> Checked) -> Decision<'s> {
        let mut reason = if self.claims.is_empty() { Reason::Unclaimed } else { Reason::Shared };
        for step in steps {
            match check(&self, step.check) {
                Ok(None) => {}
                Ok(Some(told)) => reason = told,
                Err(objection) => return self.refuse(objection.answered(step.check.as_str(), step.refuses)),
            }
        }
        self.conclude(reason, None)
    }

    pub(super) fn refuse(self, refusal: Refusal) -> Decision<'s> {
        let Refusal { objection: Objection { reason, error }, check, refuses } = refusal;
        self.conclude(reason, Some((check, refuses, error)))
    }

    fn conclude(self, reason: Reason, refused: Option<(&'static str, Refuses, String)>) -> Decision<'s> {
        let Self { services, subject, as_id, claims, source, .. } = self;
        let (user_id, alias) = subject.split();
        let allowed = refused.is_none();
        let because = Because { check: refused.as_ref().map(|(check, ..)| *check), source };
        let (answered, error) = refused.map(|(_, refuses, error)| (refuses, error)).unzip();
        let errcode = answered.map(|refuses: Refuses| refuses.errcode);
        // Which it is on Synapse is said in its documentation, and every answer would be a word longer.
        let told = services.homeserver().dialect != Dialect::default();
        let status = answered.map(|refuses| refuses.status).filter(|_| told);
        Decision {
            allowed,
            user_id,
            alias,
            as_id,
            reason,
            errcode,
            status,
            error,
            account: None,
            because,
            undefined: None,
            claims,
        }
    }
}
