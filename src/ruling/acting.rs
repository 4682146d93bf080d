//! May a service act as a user: `?user_id=`.

use super::case::{Case, Checked, Objection};
use super::reasons::{KNOWN, outside, unknown_service};
use super::{AccountRule, Asker, ClaimVia, Decision, Reason, Services};
use crate::homeserver::{Account, ActingCheck, Refuses};
use crate::index::Scratch;
use crate::matrix::{ErrCode, MAX_ID_BYTES, split_user_id};

impl Services {
    /// May a service act as a user, as the homeserver would decide it. Whether there is such an account only the homeserver
    /// knows; what it makes of one that is not there, the decision says.
    #[must_use]
    pub fn may_act(&self, asker: Asker<'_>, user_id: &str, scratch: &mut Scratch) -> Decision<'_> {
        self.by_each_reading(asker, |services, asker| services.may_act_by_one(asker, user_id, scratch))
    }

    /// The same by this reading alone.
    fn may_act_by_one(&self, asker: Asker<'_>, user_id: &str, scratch: &mut Scratch) -> Decision<'_> {
        let flow = self.homeserver().dialect.checks().acting;
        let case = self.user_case(asker, user_id.to_owned(), flow.source, scratch);
        let named = match asker {
            Asker::Service(_) => Ok(()),
            Asker::Unknown(as_id) => Err(as_id),
            // Nobody else can act as somebody else.
            Asker::Person | Asker::Availability | Asker::Administrator => Err(None),
        };
        if let Err(as_id) = named {
            return case.refuse(unknown_service(as_id).answered(KNOWN, flow.unknown));
        }
        let account = case.account_rule(flow.account);
        let is_remote = split_user_id(user_id).is_none_or(|(_, server)| server != self.server_name().as_str());
        let mut decision = case.decide(flow.steps, |case, check| checked(case, check, user_id));
        if decision.allowed && is_remote && account == AccountRule::Needed {
            let error =
                format!("`{user_id}` is of another server than `{}`, and so has no account here", self.server_name());
            let case = self.user_case(asker, user_id.to_owned(), flow.source, scratch);
            let refuses = Refuses { status: 403, errcode: ErrCode::Forbidden };
            decision = case.refuse(Objection::new(Reason::RemoteId, error).answered("account", refuses));
        }
        decision.account = decision.allowed.then_some(account);
        decision
    }
}

impl Case<'_> {
    /// What is made of a user who has no account; the service's own is another matter.
    pub(super) fn account_rule(&self, account: Account) -> AccountRule {
        let is_own = || self.own_claim().is_some_and(|claim| claim.via == ClaimVia::Sender);
        match account {
            Account::Needed if is_own() => AccountRule::NotNeeded,
            Account::Needed | Account::NeededOfAll => AccountRule::Needed,
            Account::NotNeeded => AccountRule::NotNeeded,
            Account::Made => AccountRule::Made,
        }
    }
}

fn checked(case: &Case<'_>, check: ActingCheck, user_id: &str) -> Checked {
    let server = case.services.server_name().as_str();
    match check {
        ActingCheck::Valid => match split_user_id(user_id) {
            Some((_, server))
                if user_id.len() <= MAX_ID_BYTES && case.services.homeserver().dialect.is_server_name(server) =>
            {
                Ok(None)
            }
            _ => Err(Objection::new(Reason::InvalidUserId, format!("`{user_id}` is not a user ID"))),
        },
        ActingCheck::Local => match split_user_id(user_id) {
            Some((_, of)) if of != server => {
                Err(Objection::new(Reason::RemoteId, format!("`{user_id}` is not a user ID of `{server}`")))
            }
            _ => Ok(None),
        },
        ActingCheck::OwnNamespace => {
            case.in_own_namespace().map(Some).ok_or_else(|| Objection::new(Reason::OutsideOwnNamespace, outside(case)))
        }
    }
}
