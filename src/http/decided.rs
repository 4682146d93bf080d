//! A decision as it is answered, in public words for whoever may not know more.
//!
//! Two people read a refusal: the operator, who wants to know which entry of which file is in the way (`error` and
//! `claims`), and whoever picked the name, whom the services, regexes and paths of the server are no business of
//! (`message`). A caller with the role `register`, a proxy or a registration form, is told what it may pass on and nothing
//! else; what it does not get it cannot leak.

use serde::Serialize;

use super::{Caller, Role};
use crate::matrix::ErrCode;
use crate::ruling::{AccountRule, Claim, Decision, Reason};

/// Whether something may be registered or created, and why.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Decision)]
pub(super) struct Decided<'s> {
    /// Whether Synapse would allow it.
    allowed: bool,
    /// The user ID that was decided on: for a person with its localpart in lower case, as Synapse registers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The alias that was decided on.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    /// The service that asks; null when a person asks or no service has the token.
    as_id: Option<String>,
    /// Why.
    reason: Reason,
    /// The Matrix error code that Synapse would answer with; null when it is allowed.
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
}

impl<'s> Decided<'s> {
    /// What a caller is told.
    pub(super) fn told(caller: Caller, decision: Decision<'s>) -> Self {
        let message = message(&decision);
        let Decision { allowed, user_id, alias, as_id, reason, errcode, status, error, account, claims } = decision;
        let (error, claims) = if caller.role >= Role::Read { (Some(error), Some(claims)) } else { (None, None) };
        Self { allowed, user_id, alias, as_id, reason, errcode, status, message, error, account, claims }
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
