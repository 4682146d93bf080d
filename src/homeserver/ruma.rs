//! What Tuwunel, Continuwuity, Conduit and Palpo have in common: the types and IDs of ruma, and the `NamespaceRegex` of their
//! ancestor, two `RegexSet`s a list, of what is exclusive and of what is shared.

use super::checks::step;
use super::{Account, ActingCheck, ActingFlow, AliasCheck, AliasFlow, Case, Named, Refuses, Step, UserCheck, UserFlow};
use crate::matrix::{ErrCode, ServerName};

/// What a token that nobody has is answered wherever it is not a registration that is asked for.
pub(super) const UNKNOWN_TOKEN: Refuses = Refuses::with(401, ErrCode::UnknownToken);

/// Each of the four says so in a place of its own, which its row names (`UserFlow::at`).
const SAID_BY_EACH: &str = "";

/// `ServerName::parse`.
pub(super) fn is_server_name(name: &str) -> bool {
    name.parse::<ServerName>().is_ok()
}

/// A strict user ID, as `UserId::validate_strict` has it: the characters,
const CHARACTERS: Step<UserCheck> = step(UserCheck::Characters, 400, ErrCode::InvalidUsername);
/// at least one of them,
const NOT_EMPTY: Step<UserCheck> = step(UserCheck::NotEmpty, 400, ErrCode::InvalidUsername);
/// and the length of the whole.
const BYTES: Step<UserCheck> = step(UserCheck::Bytes(255), 400, ErrCode::InvalidUsername);
const RESERVED: Step<UserCheck> = step(UserCheck::NotReserved, 400, ErrCode::Exclusive);
const OUTSIDE: Step<UserCheck> = step(UserCheck::OwnNamespace, 400, ErrCode::Exclusive);

/// A name by its grammar alone: no namespace is looked at.
pub(super) const fn by_grammar(case: Case) -> UserFlow {
    UserFlow {
        case,
        // `user_id.server_name() == server_name`, else as for what is no ID at all.
        named: Named::local(400, ErrCode::InvalidUsername),
        unknown: UNKNOWN_TOKEN,
        steps: &[CHARACTERS, NOT_EMPTY, BYTES],
        account: None,
        source: SAID_BY_EACH,
    }
}

/// A name by its grammar, and then whether some service holds it exclusively.
pub(super) const fn unless_reserved(case: Case) -> UserFlow {
    UserFlow { steps: &[CHARACTERS, NOT_EMPTY, BYTES, RESERVED], ..by_grammar(case) }
}

/// A service registers a name: the grammar, and then whether it is in its own namespace, whoever else holds it.
pub(super) const fn of_service(case: Case, unknown: Refuses) -> UserFlow {
    UserFlow { unknown, steps: &[CHARACTERS, NOT_EMPTY, BYTES, OUTSIDE], ..by_grammar(case) }
}

/// `UserId::parse_with_server_name`, and no look at whose server it is.
pub(super) const OF_ANY_SERVER: Named = Named::OfAnyServer { malformed: Refuses::with(400, ErrCode::InvalidUsername) };

/// A service logs a user in, whose ID is looked at as it stands.
pub(super) const fn login(case: Case, steps: &'static [Step<UserCheck>]) -> UserFlow {
    UserFlow { steps, named: OF_ANY_SERVER, ..by_grammar(case) }
}

/// The same where the server is looked at by itself: Tuwunel and Continuwuity.
pub(super) const fn login_here(steps: &'static [Step<UserCheck>]) -> UserFlow {
    let malformed = Refuses::with(400, ErrCode::InvalidUsername);
    let named = Named::Local { elsewhere: Refuses::with(400, ErrCode::Unknown), malformed };
    UserFlow { named, ..login(Case::Kept, steps) }
}

/// A name by its grammar, of whatever server, and then whether some service holds it exclusively.
pub(super) const AVAILABLE_ANYWHERE: UserFlow = UserFlow { named: OF_ANY_SERVER, ..unless_reserved(Case::Lowered) };

/// The same for a person: whose server it is is looked at last, where the account is to be made.
pub(super) const PERSON_LOOKED_AT_LAST: UserFlow = UserFlow {
    steps: &[CHARACTERS, NOT_EMPTY, BYTES, RESERVED, step(UserCheck::Local, 500, ErrCode::Unknown)],
    ..AVAILABLE_ANYWHERE
};

/// The user must be in the service's namespace.
pub(super) const LOGIN_OUTSIDE: [Step<UserCheck>; 1] = [OUTSIDE];

/// Nothing is looked at, but whose server it is.
pub(super) const NO_CHECK: UserFlow = login_here(&[]);

const ACTS_AS_AN_ID: Step<ActingCheck> = step(ActingCheck::Valid, 400, ErrCode::InvalidUsername);
const ACTS_IN_ITS_NAMESPACE: Step<ActingCheck> = step(ActingCheck::OwnNamespace, 400, ErrCode::Exclusive);

/// A service acts as a user, who is in its namespace.
pub(super) const fn acting(account: Account) -> ActingFlow {
    ActingFlow { unknown: UNKNOWN_TOKEN, steps: &[ACTS_AS_AN_ID, ACTS_IN_ITS_NAMESPACE], account, source: SAID_BY_EACH }
}

/// `RoomAliasId::parse`, by which the request is read.
pub(super) const VALID: Step<AliasCheck> = step(AliasCheck::Valid, 400, ErrCode::InvalidParam);
/// The same.
pub(super) const SHORT: Step<AliasCheck> = step(AliasCheck::Bytes(255), 400, ErrCode::InvalidParam);
/// `server_name != services.globals.server_name()`.
pub(super) const LOCAL: Step<AliasCheck> = step(AliasCheck::Local, 400, ErrCode::InvalidParam);

const NOT_RESERVED: Step<AliasCheck> = step(AliasCheck::NotReservedByAny, 400, ErrCode::Exclusive);

/// An alias that a person wants to give or to take away.
pub(super) const ALIAS_OF_PERSON: AliasFlow =
    AliasFlow { unknown: UNKNOWN_TOKEN, steps: &[VALID, SHORT, LOCAL, NOT_RESERVED], source: SAID_BY_EACH };

/// An alias of a room that a person makes: it is put together from a localpart.
pub(super) const ALIAS_OF_NEW_ROOM: AliasFlow =
    AliasFlow { unknown: UNKNOWN_TOKEN, steps: &[VALID, NOT_RESERVED], source: SAID_BY_EACH };

/// The same where white space is refused in it.
pub(super) const ALIAS_OF_NEW_ROOM_IN_ONE_WORD: AliasFlow = AliasFlow {
    steps: &[step(AliasCheck::NoWhiteSpace, 400, ErrCode::InvalidParam), VALID, NOT_RESERVED],
    ..ALIAS_OF_NEW_ROOM
};

/// An alias that a service wants to give or to take away: it must be in its namespace, whoever else holds it.
pub(super) const ALIAS_OF_SERVICE: AliasFlow = AliasFlow {
    unknown: UNKNOWN_TOKEN,
    steps: &[
        VALID,
        SHORT,
        step(AliasCheck::ActsAsOwnUser, 400, ErrCode::Exclusive),
        LOCAL,
        step(AliasCheck::OwnNamespace, 400, ErrCode::Exclusive),
    ],
    source: SAID_BY_EACH,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_frees_a_name_is_where_its_name_says() {
        let has = |flow: UserFlow, check| flow.steps.iter().any(|step| step.check == check);
        assert!(!has(by_grammar(Case::Kept), UserCheck::NotReserved));
        assert!(has(unless_reserved(Case::Kept), UserCheck::NotReserved));
        assert!(has(of_service(Case::Kept, UNKNOWN_TOKEN), UserCheck::OwnNamespace));
        assert!(!has(of_service(Case::Kept, UNKNOWN_TOKEN), UserCheck::NotReserved));
    }
}
