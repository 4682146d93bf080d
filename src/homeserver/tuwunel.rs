//! Tuwunel, as read at matrix-construct/tuwunel 5b366914 (2026-08-18, 1.9.0).
//!
//! Its libraries were run: `serde_yaml` 0.9.34 with the types of matrix-construct/ruma, `regex` 1.13.1. Its decisions were
//! read; nothing of them can be run without the whole server, whose files and lines stand beside each.

use super::dialect::Row;
use super::ruma;
use super::{
    Account, Anchor, Case, Checks, Consequence, Engine, First, Library, Loader, Precedence, RustRelease, Scope, Sender,
    SenderRule, SetRules, Syntax, Toml, UserFlow,
};
use crate::matrix::{Kind, PerKind};

/// Paths are those below `src`.
const ALIASES: &str = "api/client/alias/directory_room.rs:23, 64, service/rooms/alias/mod.rs:288-312";
const LOGIN: &str = "api/client/session/appservice.rs:13-58";

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
        // core/config/mod.rs:5018-5125 and 4862-4987; appservice/mod.rs:67-80, before the files.
        toml: Some(Toml::Tables { broken: Consequence::RefusesToStart }),
    },
    // service/appservice/mod.rs:67-132; the worker ends at the first error, and router/run.rs:56-58 goes on.
    set: SetRules {
        same_id: Consequence::StopsHere,
        same_token: Consequence::StopsHere,
        answers: First::Listed,
        broken: Consequence::StopsHere,
        bad_regex: Consequence::StopsHere,
        bad_sender: Consequence::StopsHere,
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
        person: ruma::PERSON_LOOKED_AT_LAST.at("api/client/register/register.rs:43-273, service/users/register.rs:50"),
        availability: ruma::AVAILABLE_ANYWHERE.at("api/client/register/available.rs:20-86"),
        // Not checked.
        administrator: ruma::by_grammar(Case::Lowered).at("`!admin users create`, /_synapse/admin/v1/register"),
        // Whether another service holds the name is not asked.
        service: UserFlow {
            named: ruma::OF_ANY_SERVER,
            ..ruma::of_service(Case::LoweredButForIrc, ruma::UNKNOWN_TOKEN)
                .at("api/client/register/register.rs:43-273, register/mod.rs:14 for the bridges to IRC")
        },
        login: ruma::login_here(&ruma::LOGIN_OUTSIDE).at(LOGIN),
        password: ruma::NO_CHECK.at("api/client/session/password.rs:14-62"),
        // A user who has no account will do.
        acting: ruma::acting(Account::NotNeeded).at("api/router/auth/appservice.rs:7-41"),
        alias_of_person: ruma::ALIAS_OF_PERSON.at(ALIASES),
        // Behind M_ROOM_IN_USE.
        alias_of_new_room: ruma::ALIAS_OF_NEW_ROOM_IN_ONE_WORD.at("api/client/room/create.rs"),
        alias_of_service: ruma::ALIAS_OF_SERVICE.at(ALIASES),
        // The same checks as for creating, and then the rights in the room.
        alias_deleted_by_person: ruma::ALIAS_OF_PERSON.at(ALIASES),
        alias_deleted_by_service: ruma::ALIAS_OF_SERVICE.at(ALIASES),
    },
    other_reading: None,
};
