use super::decision::{Case, Subject, unhindered};
use super::{Claim, ClaimVia, Decision, Reason, Services};
use crate::matrix::{ErrCode, MAX_USER_ID_CHARS, MatrixId, registrable_localpart, split_user_id, user_id};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker<'a> {
    /// Somebody at a registration form.
    Person,
    /// The service at a position.
    Service(u32),
    /// Someone who named a service that is not loaded: by this id, or by a token that nobody has.
    Unknown(Option<&'a str>),
}

/// How the user is named in the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserName<'a> {
    /// By a whole user ID.
    UserId(&'a str),
    /// By a localpart on this server.
    Localpart(&'a str),
}

impl Services {
    /// May a user be registered, as Synapse would decide it.
    ///
    /// Source: `RegistrationHandler.appservice_register` for a service, `RegistrationHandler.check_username` for a
    /// person, who is registered under the lower-cased localpart.
    #[must_use]
    pub fn may_register(&self, asker: Asker<'_>, name: UserName<'_>) -> Decision<'_> {
        let Some(localpart) = self.local(name) else {
            return self.remote(asker, name);
        };
        match asker {
            Asker::Person => self.person_may_register(localpart),
            Asker::Service(position) => self.service_may_register(position, localpart),
            Asker::Unknown(as_id) => {
                let case = self.case(user_id(localpart, self.server_name().as_str()), as_id);
                unknown_service(case)
            }
        }
    }

    /// The localpart of a user of this server.
    fn local<'a>(&self, name: UserName<'a>) -> Option<&'a str> {
        match name {
            UserName::Localpart(localpart) => Some(localpart),
            UserName::UserId(user_id) => split_user_id(user_id)
                .and_then(|(localpart, server)| (server == self.server_name().as_str()).then_some(localpart)),
        }
    }

    fn remote(&self, asker: Asker<'_>, name: UserName<'_>) -> Decision<'_> {
        let (UserName::UserId(text) | UserName::Localpart(text)) = name;
        let as_id = match asker {
            Asker::Person => None,
            Asker::Service(position) => Some(&*self.registration(position).id),
            Asker::Unknown(as_id) => as_id,
        };
        let error = format!("`{text}` is not a user ID of `{}`", self.server_name());
        self.case(text.to_owned(), as_id).refuse(Reason::RemoteId, ErrCode::InvalidParam, error)
    }

    fn person_may_register(&self, localpart: &str) -> Decision<'_> {
        let localpart = localpart.to_lowercase();
        let case = self.case(user_id(&localpart, self.server_name().as_str()), None);
        if let Some(problem) = problem_before_claims(&localpart) {
            return case.refuse(Reason::InvalidUserId, ErrCode::InvalidUsername, problem.to_owned());
        }
        if let Some(holder) = case.claims.iter().find(|claim| claim.exclusive) {
            let error = reserved(&case, holder);
            return case.refuse(Reason::Reserved, ErrCode::Exclusive, error);
        }
        if let Some(problem) = self.problem_after_claims(&localpart) {
            return case.refuse(Reason::InvalidUserId, ErrCode::InvalidUsername, problem.to_owned());
        }
        let reason = unhindered(&case.claims);
        case.allow(reason)
    }

    fn service_may_register(&self, position: u32, localpart: &str) -> Decision<'_> {
        let as_id = &*self.registration(position).id;
        let case = self.case(user_id(localpart, self.server_name().as_str()), Some(as_id));
        let Some(own) = case.claims.iter().find(|claim| claim.as_id == as_id) else {
            let error = outside(&case, as_id);
            return case.refuse(Reason::OutsideOwnNamespace, ErrCode::Exclusive, error);
        };
        let reason = if own.via == ClaimVia::Sender { Reason::Sender } else { Reason::OwnNamespace };
        if let Some(holder) = case.claims.iter().find(|claim| claim.exclusive && claim.as_id != as_id) {
            let error = reserved(&case, holder);
            return case.refuse(Reason::Reserved, ErrCode::Exclusive, error);
        }
        case.allow(reason)
    }

    /// A user ID that may be longer than any valid one: length is decided on, after the claims.
    fn case(&self, user_id: String, as_id: Option<&str>) -> Case<'_> {
        let claims = MatrixId::of_any_length(&user_id).map(|id| self.claims(id)).unwrap_or_default();
        Case { subject: Subject::User(user_id), as_id: as_id.map(str::to_owned), claims }
    }

    fn problem_after_claims(&self, localpart: &str) -> Option<&'static str> {
        let characters = 1 + localpart.len() + 1 + self.server_name().as_str().len();
        if characters > MAX_USER_ID_CHARS {
            Some("a user ID has at most 255 characters")
        } else if localpart.bytes().all(|byte| byte.is_ascii_digit()) {
            Some("a localpart of digits alone is reserved for guests")
        } else {
            None
        }
    }
}

/// What Synapse checks before it looks at any namespace.
fn problem_before_claims(localpart: &str) -> Option<&'static str> {
    if !registrable_localpart(localpart) {
        Some("a localpart consists of the characters a-z, 0-9 and `._=-/+`")
    } else if localpart.is_empty() {
        Some("a localpart must not be empty")
    } else if localpart.starts_with('_') {
        Some("a person's localpart must not begin with `_`")
    } else {
        None
    }
}

pub(super) fn unknown_service(case: Case<'_>) -> Decision<'_> {
    let error = match &case.as_id {
        Some(as_id) => format!("no application service with the id `{as_id}` is loaded"),
        None => "no application service with this token is loaded".to_owned(),
    };
    case.refuse(Reason::UnknownAs, ErrCode::UnknownToken, error)
}

/// Names the service in the way, and by which entry of which file it is.
pub(super) fn reserved(case: &Case<'_>, holder: &Claim<'_>) -> String {
    let (Subject::User(id) | Subject::Alias(id)) = &case.subject;
    let Claim { as_id, file, line, .. } = holder;
    match holder.regex {
        Some(regex) => format!("`{id}` is held exclusively by `{as_id}`, with `{regex}` in {file}:{line}"),
        None => format!("`{id}` is the sender of `{as_id}`, see {file}:{line}"),
    }
}

fn outside(case: &Case<'_>, as_id: &str) -> String {
    let (Subject::User(id) | Subject::Alias(id)) = &case.subject;
    match case.claims.iter().find(|claim| claim.exclusive) {
        None => format!("`{id}` is in no namespace of `{as_id}`"),
        Some(holder) => format!("`{id}` is in no namespace of `{as_id}`, and `{}` holds it exclusively", holder.as_id),
    }
}
