//! A decision as it is answered, in public words for whoever may not know more.
//!
//! Two people read a refusal: the operator, who wants to know which entry of which file is in the way (`error` and
//! `claims`), and whoever picked the name, whom the services, regexes and paths of the server are no business of
//! (`message`). A caller with the role `register`, a proxy or a registration form, is told what it may pass on and nothing
//! else; what it does not get it cannot leak.

use serde::Serialize;

use super::{Caller, Role};
use crate::homeserver::Dialect;
use crate::matrix::ErrCode;
use crate::ruling::{AccountRule, Because, Claim, Decision, Reason};

/// Whether something may be registered or created, and why.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Decision)]
pub(super) struct Decided<'s> {
    /// Whether the homeserver would allow it.
    allowed: bool,
    /// The user ID that was decided on: for a person with its localpart in lower case, where it is registered so.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The alias that was decided on.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    /// The service that asks; null when a person asks or no service has the token.
    as_id: Option<String>,
    /// Why.
    reason: Reason,
    /// The Matrix error code that the homeserver would answer with; null when it is allowed.
    #[schema(value_type = Option<String>, example = "M_EXCLUSIVE")]
    errcode: Option<ErrCode>,
    /// The status that the homeserver would answer with, where it is not Synapse that is asked about; left out when it is
    /// allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What to tell the person who picked the name: no service, regex or file is named. Null when it is allowed.
    #[schema(value_type = Option<String>, example = "this name is reserved")]
    message: Option<&'static str>,
    /// For operators: one sentence that names the service in the way; null when it is allowed. Left out for callers with
    /// the role `register`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    #[expect(clippy::option_option, reason = "left out, null, and a sentence are three things in JSON")]
    error: Option<Option<String>>,
    /// What the homeserver makes of a user who has no account, where a service would act as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountRule>,
    /// All claims on the ID, in load order. Left out for callers with the role `register`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Claim<'static>>, required = false)]
    claims: Option<Vec<Claim<'s>>>,
    /// Which check decided, and where the homeserver says that it makes it; where it is not Synapse alone that is asked
    /// about, whose checks are in the documentation. Left out for callers with the role `register`.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<Because>,
    /// What is decided by the other reading of what the specification leaves open, where that is something else: then nobody
    /// can say which of the two is right. Of the two, one that refuses is told first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    undefined: Option<Box<Self>>,
}

impl<'s> Decided<'s> {
    /// What a caller is told of what the homeserver decides that is answered for.
    pub(super) fn told(caller: Caller, dialect: Dialect, decision: Decision<'s>) -> Self {
        let told = Self::with_its_check(caller, decision);
        if dialect == Dialect::default() { Self { because: None, ..told } } else { told }
    }

    /// The same beside the claims themselves.
    pub(super) fn without_claims(self) -> Self {
        let undefined = self.undefined.map(|other| Box::new(other.without_claims()));
        Self { claims: None, undefined, ..self }
    }

    /// The same with the check that decided.
    pub(super) fn with_its_check(caller: Caller, decision: Decision<'s>) -> Self {
        let message = message(&decision);
        let Decision { allowed, user_id, alias, as_id, reason, errcode, status, error, account, .. } = decision;
        let undefined = decision.undefined.map(|other| Box::new(Self::with_its_check(caller, *other)));
        let reads = caller.role >= Role::Read;
        let error = reads.then_some(error);
        let claims = reads.then_some(decision.claims);
        let because = reads.then_some(decision.because);
        Self {
            allowed,
            user_id,
            alias,
            as_id,
            reason,
            errcode,
            status,
            message,
            error,
            account,
            claims,
            because,
            undefined,
        }
    }
}

/// A refusal in public words.
pub(super) fn message(decision: &Decision<'_>) -> Option<&'static str> {
    if decision.allowed {
        return None;
    }
    let is_alias = decision.alias.is_some();
    Some(match decision.reason {
        Reason::OutsideOwnNamespace => "the service that asks has not reserved this name",
        Reason::UnknownAs => "the service that asks is not known",
        Reason::RemoteId => "this name belongs to another server",
        Reason::InvalidUserId => {
            "a name consists of the letters a to z, digits and any of . _ = / + -, does not begin with _, is not digits \
             alone, and is not longer than 255 characters with the server's name"
        }
        Reason::InvalidAlias => {
            "an address has neither white space nor a colon before the server's name, and at most 255 characters"
        }
        Reason::Incomplete => "it cannot be told at present whether this is reserved",
        // An allowed one does not come here.
        Reason::Reserved | Reason::Unclaimed | Reason::Shared | Reason::OwnNamespace | Reason::Sender if is_alias => {
            "this address is reserved"
        }
        Reason::Reserved | Reason::Unclaimed | Reason::Shared | Reason::OwnNamespace | Reason::Sender => {
            "this name is reserved"
        }
    })
}
