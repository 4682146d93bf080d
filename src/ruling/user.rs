//! May a user be registered.

use super::case::{Case, Checked, Refusal, Subject};
use super::reasons::{outside, reserved, unknown_service};
use super::{ClaimVia, Decision, Reason, Services};
use crate::homeserver::UserCheck;
use crate::index::{Scratch, ServicePos};
use crate::matrix::{ErrCode, MAX_USER_ID_CHARS, MatrixId, registrable_localpart, split_user_id, user_id};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker<'a> {
    /// Somebody at a registration form.
    Person,
    /// Somebody who asks whether a name is free, as typed.
    Availability,
    /// The service at a position.
    Service(ServicePos),
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
    /// May a user be registered, as the homeserver would decide it. A person is registered under the lower-cased localpart.
    #[must_use]
    pub fn may_register(&self, asker: Asker<'_>, name: UserName<'_>, scratch: &mut Scratch) -> Decision<'_> {
        let Some(localpart) = self.local(name) else {
            return self.remote(asker, name, scratch);
        };
        let checks = self.homeserver().dialect.checks();
        let of_person;
        let (localpart, checks) = match asker {
            Asker::Person => {
                of_person = localpart.to_lowercase();
                (&*of_person, checks.person)
            }
            Asker::Availability => (localpart, checks.availability),
            Asker::Service(_) | Asker::Unknown(_) => (localpart, checks.service),
        };
        let case = self.user_case(asker, user_id(localpart, self.server_name().as_str()), scratch);
        match asker {
            Asker::Unknown(as_id) => case.refuse(unknown_service(as_id)),
            Asker::Person | Asker::Availability | Asker::Service(_) => {
                case.decide(checks, |case, check| checked(case, check, localpart))
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

    fn remote(&self, asker: Asker<'_>, name: UserName<'_>, scratch: &mut Scratch) -> Decision<'_> {
        let (UserName::UserId(text) | UserName::Localpart(text)) = name;
        let error = format!("`{text}` is not a user ID of `{}`", self.server_name());
        let case = self.user_case(asker, text.to_owned(), scratch);
        case.refuse(Refusal::new(Reason::RemoteId, ErrCode::InvalidParam, error))
    }

    /// A user ID that may be longer than any valid one: length is decided on, after the claims.
    fn user_case(&self, asker: Asker<'_>, user_id: String, scratch: &mut Scratch) -> Case<'_> {
        let claims = MatrixId::of_any_length(&user_id).map(|id| self.claims(id, scratch)).unwrap_or_default();
        Case::new(self, Subject::User(user_id), asker, claims)
    }
}

fn checked(case: &Case<'_>, check: UserCheck, localpart: &str) -> Checked {
    let invalid = |why: &str| Err(Refusal::new(Reason::InvalidUserId, ErrCode::InvalidUsername, why));
    match check {
        UserCheck::Ascii if !localpart.is_ascii() => {
            let why = "a name in a query consists of ASCII characters";
            Err(Refusal::new(Reason::InvalidUserId, ErrCode::Unknown, why))
        }
        UserCheck::Characters if !registrable_localpart(localpart) => {
            invalid("a localpart consists of the characters a-z, 0-9 and `._=-/+`")
        }
        UserCheck::NotEmpty if localpart.is_empty() => invalid("a localpart must not be empty"),
        UserCheck::NoUnderscore if localpart.starts_with('_') => {
            invalid("a person's localpart must not begin with `_`")
        }
        UserCheck::NotReserved => not_reserved(case),
        UserCheck::OwnNamespace => own_namespace(case),
        UserCheck::Length if case.subject.as_str().chars().count() > MAX_USER_ID_CHARS => {
            invalid("a user ID has at most 255 characters")
        }
        UserCheck::NotDigits if localpart.bytes().all(|byte| byte.is_ascii_digit()) => {
            invalid("a localpart of digits alone is reserved for guests")
        }
        UserCheck::Ascii
        | UserCheck::Characters
        | UserCheck::NotEmpty
        | UserCheck::NoUnderscore
        | UserCheck::Length
        | UserCheck::NotDigits => Ok(None),
    }
}

fn not_reserved(case: &Case<'_>) -> Checked {
    let asking = case.service.map(|position| &*case.services.registration(position).id);
    match case.claims.iter().find(|claim| claim.exclusive && Some(claim.as_id) != asking) {
        Some(holder) => Err(Refusal::new(Reason::Reserved, ErrCode::Exclusive, reserved(case, holder))),
        None => Ok(None),
    }
}

/// A person has no namespace to be outside of; a check of services that a dialect makes of persons refuses them.
fn own_namespace(case: &Case<'_>) -> Checked {
    match case.own_claim().map(|claim| claim.via) {
        Some(ClaimVia::Sender) => Ok(Some(Reason::Sender)),
        Some(ClaimVia::Namespace) => Ok(Some(Reason::OwnNamespace)),
        None => Err(Refusal::new(Reason::OutsideOwnNamespace, ErrCode::Exclusive, outside(case))),
    }
}
