//! The order in which Synapse checks what is asked.

use crate::homeserver::{AliasCheck, Checks, UserCheck};

pub(super) const CHECKS: Checks = Checks {
    // `RegistrationHandler.check_username`, which `RegisterRestServlet` hands the name in lower case,
    person: &[
        UserCheck::Characters,
        UserCheck::NotEmpty,
        UserCheck::NoUnderscore,
        UserCheck::NotReserved,
        UserCheck::Length,
        UserCheck::NotDigits,
    ],
    // and `UsernameAvailabilityRestServlet` as it was typed.
    availability: &[
        UserCheck::Ascii,
        UserCheck::Characters,
        UserCheck::NotEmpty,
        UserCheck::NoUnderscore,
        UserCheck::NotReserved,
        UserCheck::Length,
        UserCheck::NotDigits,
    ],
    // `RegistrationHandler.appservice_register`.
    service: &[UserCheck::OwnNamespace, UserCheck::NotReserved],
    // `ClientDirectoryServer.on_PUT`, then `DirectoryHandler.create_association`.
    alias_of_person: &[
        AliasCheck::Valid,
        AliasCheck::Length,
        AliasCheck::NotReserved,
        AliasCheck::NoWhiteSpace,
        AliasCheck::Local,
    ],
    alias_of_service: &[
        AliasCheck::Valid,
        AliasCheck::ActsAsOwnUser,
        AliasCheck::Length,
        AliasCheck::OwnNamespace,
        AliasCheck::NoWhiteSpace,
        AliasCheck::Local,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The row says in what order; what each check does is `ruling`'s, and what comes of all is recorded from Synapse
    /// (tests/it/ruling.rs).
    #[test]
    fn each_check_is_made_once_and_what_frees_a_name_is_made_at_all() {
        for checks in [CHECKS.person, CHECKS.availability, CHECKS.service] {
            let all = (0..checks.len()).all(|at| !checks[..at].contains(&checks[at]));
            assert!(all && checks.contains(&UserCheck::NotReserved), "{checks:?}");
        }
        assert!(CHECKS.service.contains(&UserCheck::OwnNamespace) && !CHECKS.person.contains(&UserCheck::OwnNamespace));
        assert!(CHECKS.alias_of_person.contains(&AliasCheck::NotReserved));
    }

    #[test]
    fn a_person_is_told_of_a_reserved_name_before_its_length() {
        let at = |check| CHECKS.person.iter().position(|one| *one == check);
        assert!(at(UserCheck::NoUnderscore) < at(UserCheck::NotReserved));
        assert!(at(UserCheck::NotReserved) < at(UserCheck::Length) && at(UserCheck::Length) < at(UserCheck::NotDigits));
    }
}
