//! The order in which Synapse checks what is asked.

use crate::homeserver::{AliasCheck, Checks, UserCheck};

pub(super) const CHECKS: Checks = Checks {
    // `RegistrationHandler.check_username`.
    person: &[
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
    alias_of_person: &[AliasCheck::NotReserved],
    alias_of_service: &[AliasCheck::NotReserved],
};
