//! May an alias be created.

use super::case::{Case, Checked, Refusal, Subject};
use super::reasons::{outside, reserved, unknown_service};
use super::{Asker, Decision, Reason, Services};
use crate::homeserver::AliasCheck;
use crate::index::{Scratch, ServicePos};
use crate::matrix::{ErrCode, MAX_ALIAS_CHARS, MatrixId, user_id};

/// Who asks, as far as the checks need it.
#[derive(Clone, Copy)]
struct Acting<'a> {
    /// The user, if one is named or follows from the service.
    user: Option<&'a str>,
    /// Whether that is a user of the service that asks.
    own_user: bool,
}

impl Services {
    /// May an alias be created, as the homeserver would decide it.
    ///
    /// `user` is the user who asks; a service that names none asks as its sender.
    #[must_use]
    pub fn may_create_alias(
        &self,
        alias: MatrixId<'_>,
        asker: Asker<'_>,
        user: Option<&str>,
        scratch: &mut Scratch,
    ) -> Decision<'_> {
        let claims = self.claims(alias, scratch);
        let case = Case::new(self, Subject::Alias(alias.as_str().to_owned()), asker, claims);
        let checks = self.homeserver().dialect.checks();
        match asker {
            Asker::Person | Asker::Availability => {
                let acting = Acting { user, own_user: false };
                case.decide(checks.alias_of_person, |case, check| checked(case, check, acting))
            }
            Asker::Service(position) => {
                let sender = user_id(&self.registration(position).sender_localpart, self.server_name().as_str());
                let user = user.unwrap_or(&sender);
                let acting = Acting { user: Some(user), own_user: self.is_own_user(position, user, scratch) };
                case.decide(checks.alias_of_service, |case, check| checked(case, check, acting))
            }
            Asker::Unknown(as_id) => case.refuse(unknown_service(as_id)),
        }
    }

    /// Whether a service may act as a user: its sender, or one that it is interested in.
    fn is_own_user(&self, position: ServicePos, user: &str, scratch: &mut Scratch) -> bool {
        MatrixId::of_any_length(user)
            .is_ok_and(|id| self.index().lookup(id, scratch).iter().any(|hit| hit.service == position))
    }
}

fn checked(case: &Case<'_>, check: AliasCheck, acting: Acting<'_>) -> Checked {
    let alias = case.subject.as_str();
    let server = case.services.server_name();
    let (localpart, domain) = alias.strip_prefix('#').unwrap_or(alias).split_once(':').unwrap_or((alias, ""));
    let invalid = |errcode, why: String| Err(Refusal::new(Reason::InvalidAlias, errcode, why));
    match check {
        AliasCheck::Valid if !case.services.homeserver().dialect.is_server_name(domain) => {
            invalid(ErrCode::InvalidParam, format!("an alias ends with a server, as in `#room:{server}`"))
        }
        AliasCheck::ActsAsOwnUser if !acting.own_user => Err(not_its_user(case, acting)),
        AliasCheck::Length if alias.chars().count() > MAX_ALIAS_CHARS => {
            invalid(ErrCode::InvalidParam, format!("an alias has at most {MAX_ALIAS_CHARS} characters"))
        }
        AliasCheck::OwnNamespace => own_namespace(case),
        AliasCheck::NotReserved => not_reserved(case, acting.user),
        AliasCheck::NoWhiteSpace if localpart.contains(is_white_space) => {
            invalid(ErrCode::Unknown, "an alias holds no white space".to_owned())
        }
        AliasCheck::Local if domain != server.as_str() => {
            let why = format!("`{alias}` is not an alias of `{server}`");
            Err(Refusal::new(Reason::RemoteId, ErrCode::Unknown, why))
        }
        AliasCheck::Valid
        | AliasCheck::ActsAsOwnUser
        | AliasCheck::Length
        | AliasCheck::NoWhiteSpace
        | AliasCheck::Local => Ok(None),
    }
}

/// What Python's `string.whitespace` holds.
fn is_white_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn not_its_user(case: &Case<'_>, acting: Acting<'_>) -> Refusal {
    let error = format!(
        "`{}` is in no user namespace of `{}`, which therefore may not act as this user",
        acting.user.unwrap_or_default(),
        case.as_id.as_deref().unwrap_or_default()
    );
    Refusal::new(Reason::OutsideOwnNamespace, ErrCode::Forbidden, error)
}

fn own_namespace(case: &Case<'_>) -> Checked {
    match case.own_claim() {
        Some(_) => Ok(Some(Reason::OwnNamespace)),
        None => Err(Refusal::new(Reason::OutsideOwnNamespace, ErrCode::Exclusive, outside(case))),
    }
}

/// The first interested service in load order decides whose own user asks, or which holds the alias exclusively.
fn not_reserved(case: &Case<'_>, user: Option<&str>) -> Checked {
    for claim in &case.claims {
        let service = case.services.position_of_id(claim.as_id).map(|position| case.services.registration(position));
        if service.zip(user).is_some_and(|(service, user)| case.services.is_sender(service, user)) {
            return Ok(Some(Reason::Sender));
        }
        if claim.exclusive {
            return Err(Refusal::new(Reason::Reserved, ErrCode::Exclusive, reserved(case, claim)));
        }
    }
    Ok(None)
}
