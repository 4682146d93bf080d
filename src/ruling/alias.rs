use super::decision::{Case, Subject, unhindered};
use super::register::{reserved, unknown_service};
use super::{Asker, Decision, Reason, Services};
use crate::matrix::{ErrCode, MatrixId, user_id};

impl Services {
    /// May an alias be created, as Synapse's `DirectoryHandler.can_modify_alias` decides it: the interested services
    /// are walked in load order, and the first whose sender asks, or which holds the alias exclusively, decides.
    ///
    /// `user_id` is the user who asks. A service that asks without naming a user asks as its sender.
    #[must_use]
    pub fn may_create_alias(&self, alias: MatrixId<'_>, asker: Asker<'_>, user: Option<&str>) -> Decision<'_> {
        let as_id = match asker {
            Asker::Person => None,
            Asker::Service(position) => Some(self.registration(position)),
            Asker::Unknown(as_id) => {
                return unknown_service(self.alias_case(alias, as_id));
            }
        };
        let sender = as_id.map(|service| user_id(&service.sender_localpart, self.server_name().as_str()));
        let user = user.or(sender.as_deref());
        let case = self.alias_case(alias, as_id.map(|service| &*service.id));
        for claim in &case.claims {
            let service = self.position_of_id(claim.as_id).map(|position| self.registration(position));
            if let (Some(user), Some(service)) = (user, service)
                && self.is_sender(service, user)
            {
                return case.allow(Reason::Sender);
            }
            if claim.exclusive {
                let error = reserved(&case, claim);
                return case.refuse(Reason::Reserved, ErrCode::Exclusive, error);
            }
        }
        let reason = unhindered(&case.claims);
        case.allow(reason)
    }

    fn alias_case(&self, alias: MatrixId<'_>, as_id: Option<&str>) -> Case<'_> {
        let subject = Subject::Alias(alias.as_str().to_owned());
        Case { subject, as_id: as_id.map(str::to_owned), claims: self.claims(alias) }
    }
}
