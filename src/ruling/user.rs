//! May a user be registered, or be logged in.

use super::case::{Case, Checked, Objection, Subject};
use super::reasons::{KNOWN, outside, reserved, unknown_service};
use super::{Decision, Reason, Services};
use crate::homeserver::{Case as Letters, Named as Names, Refuses, UserCheck, UserFlow};
use crate::index::{Scratch, ServicePos};
use crate::matrix::{
    ErrCode, MAX_ID_BYTES, MAX_USER_ID_CHARS, MatrixId, registrable_localpart, split_user_id, user_id,
};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker<'a> {
    /// Somebody at a registration form.
    Person,
    /// Somebody who asks whether a name is free, as typed.
    Availability,
    /// An administrator, for somebody else.
    Administrator,
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

/// A user, as a flow takes the name.
#[derive(Clone, Copy, Debug)]
enum Named<'a> {
    /// Of this server.
    Local(&'a str),
    /// Of another.
    OfServer(&'a str, &'a str),
    /// By what is looked at as it stands, be it an ID or none.
    AsItStands(&'a str),
}

impl Services {
    /// May a user be registered, as the homeserver would decide it. A person is registered under the lower-cased localpart.
    #[must_use]
    pub fn may_register(&self, asker: Asker<'_>, name: UserName<'_>, scratch: &mut Scratch) -> Decision<'_> {
        self.by_each_reading(asker, |services, asker| {
            let checks = services.homeserver().dialect.checks();
            let flow = match asker {
                Asker::Person => checks.person,
                Asker::Availability => checks.availability,
                Asker::Administrator => checks.administrator,
                Asker::Service(_) | Asker::Unknown(_) => checks.service,
            };
            services.may(flow, asker, name, scratch)
        })
    }

    /// May a user be logged in: by a service, or by a person who knows the password. Whether there is such an account is
    /// not asked.
    #[must_use]
    pub fn may_log_in(&self, asker: Asker<'_>, name: UserName<'_>, scratch: &mut Scratch) -> Decision<'_> {
        self.by_each_reading(asker, |services, asker| {
            let checks = services.homeserver().dialect.checks();
            let flow = match asker {
                Asker::Person | Asker::Availability | Asker::Administrator => checks.password,
                Asker::Service(_) | Asker::Unknown(_) => checks.login,
            };
            services.may(flow, asker, name, scratch)
        })
    }

    fn may(&self, flow: UserFlow, asker: Asker<'_>, name: UserName<'_>, scratch: &mut Scratch) -> Decision<'_> {
        let named = match self.named(flow, name) {
            Ok(named) => named,
            Err(whole) => return self.remote(flow, asker, whole, scratch),
        };
        let for_irc = flow.case == Letters::LoweredButForIrc && self.is_irc(asker);
        let lowered = |text: &'_ str| match flow.case {
            Letters::Kept => text.to_owned(),
            _ if for_irc => text.to_owned(),
            Letters::LoweredByCharacter => text.chars().filter_map(|c| c.to_lowercase().next()).collect(),
            Letters::Lowered | Letters::LoweredButForIrc => text.to_lowercase(),
        };
        let (localpart, id) = match named {
            Named::Local(localpart) => {
                let localpart = lowered(localpart);
                let id = user_id(&localpart, self.server_name().as_str());
                (localpart, id)
            }
            Named::OfServer(localpart, server) => {
                let localpart = lowered(localpart);
                let id = user_id(&localpart, &lowered(server));
                (localpart, id)
            }
            Named::AsItStands(whole) => (lowered(whole), whole.to_owned()),
        };
        let case = self.user_case(asker, id, flow.source, scratch);
        if let Asker::Unknown(as_id) = asker {
            return case.refuse(unknown_service(as_id).answered(KNOWN, flow.unknown));
        }
        let account = flow.account.map(|account| case.account_rule(account));
        let mut decision = case.decide(flow.steps, |case, check| {
            if for_irc && check.is_grammar() { Ok(None) } else { checked(case, check, &localpart) }
        });
        decision.account = account.filter(|_| decision.allowed);
        decision
    }

    /// Who is named, or what names nobody who is decided on.
    fn named<'a>(&self, flow: UserFlow, name: UserName<'a>) -> Result<Named<'a>, &'a str> {
        let text = match name {
            UserName::Localpart(text) if flow.named == Names::Localpart || !text.starts_with('@') => {
                return Ok(Named::Local(text));
            }
            UserName::UserId(text) | UserName::Localpart(text) => text,
        };
        let dialect = self.homeserver().dialect;
        match (split_user_id(text), flow.named) {
            (Some((localpart, server)), _) if server == self.server_name().as_str() => Ok(Named::Local(localpart)),
            (Some((localpart, server)), Names::OfAnyServer { .. })
                if dialect.is_server_name(server) && text.len() <= MAX_ID_BYTES =>
            {
                Ok(Named::OfServer(localpart, server))
            }
            (_, Names::Anywhere) => Ok(Named::AsItStands(text)),
            (_, Names::LocalpartOrWhole) if name == UserName::Localpart(text) => Ok(Named::Local(text)),
            _ => Err(text),
        }
    }

    /// Whether a bridge to IRC asks, as Tuwunel recognises one.
    fn is_irc(&self, asker: Asker<'_>) -> bool {
        let Asker::Service(position) = asker else { return false };
        let id = self.registration(position).id();
        id == "irc" || id.contains("matrix-appservice-irc") || id.contains("matrix_appservice_irc")
    }

    fn remote(&self, flow: UserFlow, asker: Asker<'_>, text: &str, scratch: &mut Scratch) -> Decision<'_> {
        let refuses = match flow.named {
            Names::Local { elsewhere, .. } if split_user_id(text).is_some() => elsewhere,
            Names::Local { malformed, .. } | Names::OfAnyServer { malformed } => malformed,
            Names::Localpart | Names::LocalpartOrWhole | Names::Anywhere => {
                Refuses { status: 400, errcode: ErrCode::InvalidParam }
            }
        };
        let error = format!("`{text}` is not a user ID of `{}`", self.server_name());
        let case = self.user_case(asker, text.to_owned(), flow.source, scratch);
        case.refuse(Objection::new(Reason::RemoteId, error).answered("local", refuses))
    }

    /// A user ID that may be longer than any valid one: length is decided on, after the claims.
    pub(super) fn user_case(
        &self,
        asker: Asker<'_>,
        user_id: String,
        source: &'static str,
        scratch: &mut Scratch,
    ) -> Case<'_> {
        let claims = MatrixId::of_any_length(&user_id).map(|id| self.claims(id, scratch)).unwrap_or_default();
        Case::new(self, Subject::User(user_id), asker, claims, source)
    }
}

fn checked(case: &Case<'_>, check: UserCheck, localpart: &str) -> Checked {
    let invalid = |why: &str| Err(Objection::new(Reason::InvalidUserId, why));
    match check {
        UserCheck::Ascii if !localpart.is_ascii() => invalid("a name in a query consists of ASCII characters"),
        UserCheck::Characters if !registrable_localpart(localpart) => {
            invalid("a localpart consists of the characters a-z, 0-9 and `._=-/+`")
        }
        UserCheck::NotEmpty if localpart.is_empty() => invalid("a localpart must not be empty"),
        UserCheck::NoUnderscore if localpart.starts_with('_') => {
            invalid("a person's localpart must not begin with `_`")
        }
        UserCheck::NotReserved => not_reserved(case),
        UserCheck::NotReservedTwice => not_reserved_twice(case),
        UserCheck::OwnNamespace => own_namespace(case),
        UserCheck::Length if case.subject.as_str().chars().count() > MAX_USER_ID_CHARS => {
            invalid("a user ID has at most 255 characters")
        }
        UserCheck::Bytes(most) if case.subject.as_str().len() > usize::from(most) => {
            invalid(&format!("a user ID has at most {most} bytes"))
        }
        UserCheck::NotDigits if localpart.bytes().all(|byte| byte.is_ascii_digit()) => {
            invalid("a localpart of digits alone is reserved for guests")
        }
        UserCheck::NotNumeric if localpart.parse::<i64>().is_ok() => {
            invalid("a localpart that is a number, with a sign or without, is reserved for guests")
        }
        UserCheck::Local if !is_local(case) => {
            let server = case.services.server_name();
            let error = format!("`{}` is not a user ID of `{server}`", case.subject.as_str());
            Err(Objection::new(Reason::RemoteId, error))
        }
        UserCheck::Local
        | UserCheck::Ascii
        | UserCheck::Characters
        | UserCheck::NotEmpty
        | UserCheck::NoUnderscore
        | UserCheck::Length
        | UserCheck::Bytes(_)
        | UserCheck::NotDigits
        | UserCheck::NotNumeric => Ok(None),
    }
}

fn is_local(case: &Case<'_>) -> bool {
    split_user_id(case.subject.as_str()).is_some_and(|(_, server)| server == case.services.server_name().as_str())
}

fn not_reserved(case: &Case<'_>) -> Checked {
    let asking = case.service.map(|position| case.services.registration(position).id());
    match case.claims.iter().find(|claim| claim.exclusive && Some(claim.as_id) != asking) {
        Some(holder) => Err(Objection::new(Reason::Reserved, reserved(case, holder))),
        None => Ok(None),
    }
}

/// One exclusive claim is taken for that of the service that asks.
fn not_reserved_twice(case: &Case<'_>) -> Checked {
    let asking = case.service.map(|position| case.services.registration(position).id());
    let exclusive = || case.claims.iter().filter(|claim| claim.exclusive);
    if exclusive().count() < 2 {
        return Ok(None);
    }
    match exclusive().find(|claim| Some(claim.as_id) != asking) {
        Some(holder) => Err(Objection::new(Reason::Reserved, reserved(case, holder))),
        None => Ok(None),
    }
}

/// A person has no namespace to be outside of; a check of services that a dialect makes of persons refuses them.
fn own_namespace(case: &Case<'_>) -> Checked {
    case.in_own_namespace().map(Some).ok_or_else(|| Objection::new(Reason::OutsideOwnNamespace, outside(case)))
}
