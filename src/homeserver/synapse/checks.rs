//! The order in which Synapse checks what is asked.

use crate::homeserver::checks::{AliasFlow, UserFlow, step};
use crate::homeserver::{Account, ActingCheck, ActingFlow, AliasCheck, Case, Checks, Named, Refuses, UserCheck};
use crate::matrix::ErrCode;

/// `get_appservice_by_req`.
const UNKNOWN: Refuses = Refuses::with(401, ErrCode::UnknownToken);

pub(in crate::homeserver) const CHECKS: Checks = Checks {
    // `RegistrationHandler.check_username`, which `RegisterRestServlet` hands the name in lower case,
    person: UserFlow {
        case: Case::Lowered,
        named: Named::Localpart,
        unknown: UNKNOWN,
        steps: &[
            step(UserCheck::Characters, 400, ErrCode::InvalidUsername),
            step(UserCheck::NotEmpty, 400, ErrCode::InvalidUsername),
            step(UserCheck::NoUnderscore, 400, ErrCode::InvalidUsername),
            step(UserCheck::NotReserved, 400, ErrCode::Exclusive),
            step(UserCheck::Length, 400, ErrCode::InvalidUsername),
            step(UserCheck::NotDigits, 400, ErrCode::InvalidUsername),
        ],
        account: None,
        source: "RegisterRestServlet, RegistrationHandler.check_username",
    },
    // `UsernameAvailabilityRestServlet` as it was typed,
    availability: UserFlow {
        case: Case::Kept,
        named: Named::Localpart,
        unknown: UNKNOWN,
        steps: &[
            step(UserCheck::Ascii, 400, ErrCode::Unknown),
            step(UserCheck::Characters, 400, ErrCode::InvalidUsername),
            step(UserCheck::NotEmpty, 400, ErrCode::InvalidUsername),
            step(UserCheck::NoUnderscore, 400, ErrCode::InvalidUsername),
            step(UserCheck::NotReserved, 400, ErrCode::Exclusive),
            step(UserCheck::Length, 400, ErrCode::InvalidUsername),
            step(UserCheck::NotDigits, 400, ErrCode::InvalidUsername),
        ],
        account: None,
        source: "UsernameAvailabilityRestServlet, RegistrationHandler.check_username",
    },
    // and `UserRestServletV2.on_PUT`, by way of `register_user`.
    administrator: UserFlow {
        case: Case::Kept,
        named: Named::Local {
            elsewhere: Refuses::with(400, ErrCode::Unknown),
            malformed: Refuses::with(400, ErrCode::InvalidParam),
        },
        unknown: UNKNOWN,
        steps: &[
            step(UserCheck::Characters, 400, ErrCode::InvalidUsername),
            step(UserCheck::NotEmpty, 400, ErrCode::InvalidUsername),
            step(UserCheck::NoUnderscore, 400, ErrCode::InvalidUsername),
            step(UserCheck::NotReserved, 400, ErrCode::Exclusive),
            step(UserCheck::Length, 400, ErrCode::InvalidUsername),
            step(UserCheck::NotDigits, 400, ErrCode::InvalidUsername),
        ],
        account: None,
        source: "UserRestServletV2.on_PUT, RegistrationHandler.register_user",
    },
    // `RegistrationHandler.appservice_register`.
    service: UserFlow {
        case: Case::Kept,
        named: Named::Localpart,
        unknown: UNKNOWN,
        steps: &[
            step(UserCheck::OwnNamespace, 400, ErrCode::Exclusive),
            step(UserCheck::NotReserved, 400, ErrCode::Exclusive),
        ],
        account: None,
        source: "RegistrationHandler.appservice_register",
    },
    // `LoginRestServlet._do_appservice_login`.
    login: UserFlow {
        case: Case::Kept,
        named: Named::Anywhere,
        unknown: UNKNOWN,
        steps: &[step(UserCheck::OwnNamespace, 403, ErrCode::Forbidden)],
        account: Some(Account::Needed),
        source: "LoginRestServlet._do_appservice_login",
    },
    password: UserFlow {
        case: Case::Kept,
        named: Named::local(400, ErrCode::InvalidParam),
        unknown: UNKNOWN,
        steps: &[],
        account: None,
        source: "LoginRestServlet._do_other_login",
    },
    // `Auth.get_user_by_req`, by way of `validate_appservice_can_control_user_id`.
    acting: ActingFlow {
        unknown: UNKNOWN,
        steps: &[step(ActingCheck::OwnNamespace, 403, ErrCode::Forbidden)],
        account: Account::Needed,
        source: "Auth.get_user_by_req, validate_appservice_can_control_user_id",
    },
    // `ClientDirectoryServer.on_PUT`, then `DirectoryHandler.create_association`.
    alias_of_person: AliasFlow {
        unknown: UNKNOWN,
        steps: &[
            step(AliasCheck::Valid, 400, ErrCode::InvalidParam),
            step(AliasCheck::Length, 400, ErrCode::InvalidParam),
            step(AliasCheck::NotReserved, 400, ErrCode::Exclusive),
            step(AliasCheck::NoWhiteSpace, 400, ErrCode::Unknown),
            step(AliasCheck::Local, 400, ErrCode::Unknown),
        ],
        source: "ClientDirectoryServer.on_PUT, DirectoryHandler.create_association",
    },
    // `RoomCreationHandler.create_room`, then the same.
    alias_of_new_room: AliasFlow {
        unknown: UNKNOWN,
        steps: &[
            step(AliasCheck::NoWhiteSpace, 400, ErrCode::Unknown),
            step(AliasCheck::Length, 400, ErrCode::InvalidParam),
            step(AliasCheck::NotReserved, 400, ErrCode::Exclusive),
            step(AliasCheck::Local, 400, ErrCode::Unknown),
        ],
        source: "RoomCreationHandler.create_room, DirectoryHandler.create_association",
    },
    alias_of_service: AliasFlow {
        unknown: UNKNOWN,
        steps: &[
            step(AliasCheck::Valid, 400, ErrCode::InvalidParam),
            step(AliasCheck::ActsAsOwnUser, 403, ErrCode::Forbidden),
            step(AliasCheck::Length, 400, ErrCode::InvalidParam),
            step(AliasCheck::OwnNamespace, 400, ErrCode::Exclusive),
            step(AliasCheck::NoWhiteSpace, 400, ErrCode::Unknown),
            step(AliasCheck::Local, 400, ErrCode::Unknown),
        ],
        source: "ClientDirectoryServer.on_PUT, DirectoryHandler.create_association",
    },
    // `DirectoryHandler.delete_association`, behind the rights in the room,
    alias_deleted_by_person: AliasFlow {
        unknown: UNKNOWN,
        steps: &[
            step(AliasCheck::Valid, 400, ErrCode::InvalidParam),
            step(AliasCheck::NotReserved, 400, ErrCode::Exclusive),
        ],
        source: "DirectoryHandler.delete_association",
    },
    // and `delete_appservice_association`.
    alias_deleted_by_service: AliasFlow {
        unknown: UNKNOWN,
        steps: &[
            step(AliasCheck::Valid, 400, ErrCode::InvalidParam),
            step(AliasCheck::OwnNamespace, 400, ErrCode::Exclusive),
        ],
        source: "DirectoryHandler.delete_appservice_association",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(flow: UserFlow) -> Vec<UserCheck> {
        flow.steps.iter().map(|step| step.check).collect()
    }

    /// The row says in what order; what each check does is `ruling`'s, and what comes of all is recorded from Synapse
    /// (tests/it/ruling.rs).
    #[test]
    fn each_check_is_made_once_and_what_frees_a_name_is_made_at_all() {
        for flow in [CHECKS.person, CHECKS.availability, CHECKS.administrator, CHECKS.service] {
            let checks = checks(flow);
            let all = (0..checks.len()).all(|at| !checks[..at].contains(&checks[at]));
            assert!(all && checks.contains(&UserCheck::NotReserved), "{checks:?}");
        }
        assert!(checks(CHECKS.service).contains(&UserCheck::OwnNamespace));
        assert!(!checks(CHECKS.person).contains(&UserCheck::OwnNamespace));
        assert!(CHECKS.alias_of_person.steps.iter().any(|step| step.check == AliasCheck::NotReserved));
    }

    #[test]
    fn a_person_is_told_of_a_reserved_name_before_its_length() {
        let all = checks(CHECKS.person);
        let at = |check| all.iter().position(|one| *one == check);
        assert!(at(UserCheck::NoUnderscore) < at(UserCheck::NotReserved));
        assert!(at(UserCheck::NotReserved) < at(UserCheck::Length) && at(UserCheck::Length) < at(UserCheck::NotDigits));
    }
}
