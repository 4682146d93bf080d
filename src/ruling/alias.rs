//! May an alias be created, or be taken away.

use super::case::{Case, Checked, Objection, Subject};
use super::reasons::{KNOWN, outside, reserved, unknown_service};
use super::{Asker, Claim, Decision, Reason, Services};
use crate::homeserver::{AliasCheck, AliasFlow};
use crate::index::{Scratch, ServicePos};
use crate::matrix::{MAX_ALIAS_CHARS, MatrixId, split_user_id, user_id};

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
        self.by_each_reading(asker, |services, asker| {
            let checks = services.homeserver().dialect.checks();
            let flows = (checks.alias_of_person, checks.alias_of_service);
            services.may_with_alias(flows, alias, asker, user, scratch)
        })
    }

    /// May a person make a room with an alias, as the homeserver would decide it.
    #[must_use]
    pub fn may_create_room(&self, alias: MatrixId<'_>, user: Option<&str>, scratch: &mut Scratch) -> Decision<'_> {
        self.by_each_reading(Asker::Person, |services, asker| {
            let flow = services.homeserver().dialect.checks().alias_of_new_room;
            services.may_with_alias((flow, flow), alias, asker, user, scratch)
        })
    }

    /// May an alias be taken away, as the homeserver would decide it; the rights in the room are another matter.
    #[must_use]
    pub fn may_delete_alias(
        &self,
        alias: MatrixId<'_>,
        asker: Asker<'_>,
        user: Option<&str>,
        scratch: &mut Scratch,
    ) -> Decision<'_> {
        self.by_each_reading(asker, |services, asker| {
            let checks = services.homeserver().dialect.checks();
            let flows = (checks.alias_deleted_by_person, checks.alias_deleted_by_service);
            services.may_with_alias(flows, alias, asker, user, scratch)
        })
    }

    /// By the checks of persons, or by those of services.
    fn may_with_alias(
        &self,
        (of_person, of_service): (AliasFlow, AliasFlow),
        alias: MatrixId<'_>,
        asker: Asker<'_>,
        user: Option<&str>,
        scratch: &mut Scratch,
    ) -> Decision<'_> {
        let claims = self.claims(alias, scratch);
        let source = match asker {
            Asker::Person | Asker::Availability | Asker::Administrator => of_person.source,
            Asker::Service(_) | Asker::Unknown(_) => of_service.source,
        };
        let case = Case::new(self, Subject::Alias(alias.as_str().to_owned()), asker, claims, source);
        match asker {
            Asker::Person | Asker::Availability | Asker::Administrator => {
                let acting = Acting { user, own_user: false };
                case.decide(of_person.steps, |case, check| checked(case, check, acting))
            }
            Asker::Service(position) => {
                let sender = user_id(self.registration(position).sender_localpart(), self.server_name().as_str());
                let user = user.unwrap_or(&sender);
                let acting = Acting { user: Some(user), own_user: self.is_own_user(position, user, scratch) };
                case.decide(of_service.steps, |case, check| checked(case, check, acting))
            }
            Asker::Unknown(as_id) => case.refuse(unknown_service(as_id).answered(KNOWN, of_service.unknown)),
        }
    }

    /// Whether a service may act as a user: its sender, or one that it is interested in.
    fn is_own_user(&self, position: ServicePos, user: &str, scratch: &mut Scratch) -> bool {
        MatrixId::of_any_length(user).is_ok_and(|id| self.hits(id, scratch).any(|hit| hit.service == position))
    }
}

fn checked(case: &Case<'_>, check: AliasCheck, acting: Acting<'_>) -> Checked {
    let alias = case.subject.as_str();
    let server = case.services.server_name();
    let (localpart, domain) = alias.strip_prefix('#').unwrap_or(alias).split_once(':').unwrap_or((alias, ""));
    let invalid = |why: String| Err(Objection::new(Reason::InvalidAlias, why));
    match check {
        AliasCheck::Valid if !case.services.homeserver().dialect.is_server_name(domain) => {
            invalid(format!("an alias ends with a server, as in `#room:{server}`"))
        }
        AliasCheck::ActsAsOwnUser if !acting.own_user => Err(not_its_user(case, acting)),
        AliasCheck::Length if alias.chars().count() > MAX_ALIAS_CHARS => {
            invalid(format!("an alias has at most {MAX_ALIAS_CHARS} characters"))
        }
        AliasCheck::Bytes(most) if alias.len() > usize::from(most) => {
            invalid(format!("an alias has at most {most} bytes"))
        }
        AliasCheck::OwnNamespace => own_namespace(case),
        AliasCheck::NotReserved => not_reserved(case, acting.user),
        AliasCheck::NotReservedByAny => not_held(case, |_| true),
        AliasCheck::NotReservedByOthers => not_held(case, |holder| case.as_id.as_deref() != Some(holder.as_id)),
        AliasCheck::NotReservedButForSender => not_held(case, |holder| !has_localpart_of_sender(case, holder, acting)),
        AliasCheck::NoWhiteSpace if localpart.contains(is_white_space) => {
            invalid("an alias holds no white space".to_owned())
        }
        AliasCheck::Local if domain != server.as_str() => {
            Err(Objection::new(Reason::RemoteId, format!("`{alias}` is not an alias of `{server}`")))
        }
        AliasCheck::Valid
        | AliasCheck::ActsAsOwnUser
        | AliasCheck::Length
        | AliasCheck::Bytes(_)
        | AliasCheck::NoWhiteSpace
        | AliasCheck::Local => Ok(None),
    }
}

/// None of those who are asked about holds it exclusively.
fn not_held(case: &Case<'_>, asked: impl Fn(&Claim<'_>) -> bool) -> Checked {
    match case.claims.iter().find(|claim| claim.exclusive && asked(claim)) {
        Some(holder) => Err(Objection::new(Reason::Reserved, reserved(case, holder))),
        None => Ok(None),
    }
}

/// Whether the user who asks has the localpart of a service's own user.
fn has_localpart_of_sender(case: &Case<'_>, holder: &Claim<'_>, acting: Acting<'_>) -> bool {
    let Some(position) = case.services.position_of_id(holder.as_id) else { return false };
    let localpart = acting.user.and_then(split_user_id).map(|(localpart, _)| localpart);
    localpart == Some(case.services.registration(position).sender_localpart())
}

/// What Python's `string.whitespace` holds.
fn is_white_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn not_its_user(case: &Case<'_>, acting: Acting<'_>) -> Objection {
    let error = format!(
        "`{}` is in no user namespace of `{}`, which therefore may not act as this user",
        acting.user.unwrap_or_default(),
        case.as_id.as_deref().unwrap_or_default()
    );
    Objection::new(Reason::OutsideOwnNamespace, error)
}

fn own_namespace(case: &Case<'_>) -> Checked {
    match case.own_claim() {
        Some(_) => Ok(Some(Reason::OwnNamespace)),
        None => Err(Objection::new(Reason::OutsideOwnNamespace, outside(case))),
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
            return Err(Objection::new(Reason::Reserved, reserved(case, claim)));
        }
    }
    Ok(None)
}
