//! Tuwunel, as read at matrix-construct/tuwunel 5b366914 (2026-08-18, 1.9.0).
//!
//! Its libraries were run: `serde_yaml` 0.9.34 with the types of matrix-construct/ruma, `regex` 1.13.1. Its decisions were
//! read; nothing of them can be run without the whole server, whose files and lines stand beside each.

use super::dialect::Row;
use super::ruma;
use super::{
    Account, Anchor, Case, Checks, Consequence, Engine, Library, Loader, Precedence, RustRelease, Scope, Sender,
    SenderRule, SetRules, Syntax,
};
use crate::matrix::{Kind, PerKind};

/// Tuwunel's parameters.
pub(super) static ROW: Row = Row {
    name: "tuwunel",
    homeserver: "Tuwunel",
    release: "Tuwunel 1.9.0 (5b366914, 2026-08-18)",
    loader: Loader {
        // service/appservice/mod.rs:84, `serde_yaml::from_slice`.
        library: Library::SerdeYaml,
        url: true,
        empty: true,
        // matrix-construct/ruma, crates/ruma-appservice-api/src/lib.rs.
        booleans: &["receive_ephemeral", "io.element.msc4190", "org.matrix.msc3202"],
        // registration_info.rs:22, `OwnedUserId::from_parts`.
        sender: SenderRule::Localpart,
    },
    // service/appservice/mod.rs:67-132; the worker ends at the first error, and router/run.rs:56-58 goes on.
    set: SetRules {
        same_id: Consequence::StopsHere,
        same_token: Consequence::StopsHere,
        broken: Consequence::StopsHere,
        bad_regex: Consequence::StopsHere,
    },
    // `RegexSetBuilder`; registration_info.rs:19-21, since 2026-04-27 (#435).
    syntax: Syntax {
        engine: Engine::Rust(RustRelease::V1_13),
        anchor: Anchor::Anywhere,
        fold: PerKind::all(true).with(Kind::Room, false),
    },
    // MSC3905, since 2026-05-03.
    scope: Scope::Local,
    sender: Sender::Exact,
    // Two sets: an exclusive entry that matches is enough.
    precedence: Precedence::ExclusiveFirst,
    join: None,
    is_server_name: ruma::is_server_name,
    checks: Checks {
        // api/client/register/register.rs:43-273.
        person: ruma::unless_reserved(Case::Lowered),
        // api/client/register/available.rs.
        availability: ruma::unless_reserved(Case::Lowered),
        // `!admin users create`, `/_synapse/admin/v1/register`: not checked.
        administrator: ruma::by_grammar(Case::Lowered),
        // register/mod.rs:14 for the bridges to IRC. Whether another service holds the name is not asked.
        service: ruma::of_service(Case::LoweredButForIrc, ruma::UNKNOWN_TOKEN),
        // api/client/session/appservice.rs.
        login: ruma::login(Case::Kept, &ruma::LOGIN_OUTSIDE),
        password: ruma::NO_CHECK,
        // api/router/auth.rs: a user who has no account will do.
        acting: ruma::acting(Account::NotNeeded),
        // api/client/alias.rs, `appservice_checks`.
        alias_of_person: ruma::ALIAS_OF_PERSON,
        // api/client/room/create.rs, behind M_ROOM_IN_USE.
        alias_of_new_room: ruma::ALIAS_OF_NEW_ROOM,
        alias_of_service: ruma::ALIAS_OF_SERVICE,
        // The same checks as for creating, and then the rights in the room.
        alias_deleted_by_person: ruma::ALIAS_OF_PERSON,
        alias_deleted_by_service: ruma::ALIAS_OF_SERVICE,
    },
    other_reading: None,
};
