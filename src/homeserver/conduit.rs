//! Conduit, as read at d058dab7 (2026-02-12, 0.11.0-alpha).
//!
//! Its libraries were run: `serde_yaml` 0.9.34, `regex` 1.11.1, ruma's types. Its decisions were read; nothing of them can be
//! run without the whole server. Registrations come by the admin room and live in its database alone.

use super::checks::step;
use super::dialect::Row;
use super::ruma;
use super::{
    Account, Anchor, Case, Checks, Consequence, Engine, First, Library, Loader, Precedence, RustRelease, Scope, Sender,
    SenderRule, SetRules, Syntax, UserCheck, UserFlow,
};
use crate::matrix::{ErrCode, PerKind};

const ALIASES: &str = "api/client_server/alias.rs";

/// Conduit's parameters.
pub(super) static ROW: Row = Row {
    name: "conduit",
    homeserver: "Conduit",
    release: "Conduit 0.11.0-alpha (d058dab7, 2026-02-12)",
    loader: Loader {
        // service/admin/mod.rs:570-594.
        library: Library::SerdeYaml,
        url: true,
        empty: true,
        booleans: &["receive_ephemeral"],
        // Looked at whenever the service asks, and not before.
        sender: SenderRule::Any,
        toml: None,
    },
    set: SetRules {
        same_id: Consequence::Replaces,
        // service/appservice/mod.rs:188: a map by id, of which the first counts.
        same_token: Consequence::LoadsBoth,
        answers: First::ById,
        broken: Consequence::RefusesThatOne,
        // It is compiled before it is stored.
        bad_regex: Consequence::RefusesThatOne,
        // It is looked at whenever the service asks, and not before.
        bad_sender: Consequence::RefusesThatOne,
    },
    syntax: Syntax { engine: Engine::Rust(RustRelease::V1_11), anchor: Anchor::Anywhere, fold: PerKind::all(false) },
    scope: Scope::Any,
    sender: Sender::AnyServer,
    precedence: Precedence::ExclusiveFirst,
    join: None,
    is_server_name: ruma::is_server_name,
    checks: Checks {
        person: ruma::unless_reserved(Case::Lowered).at("api/client_server/account.rs:78-142"),
        // The namespaces are left for later.
        availability: ruma::by_grammar(Case::Lowered).at("api/client_server/account.rs:59"),
        // Not checked.
        administrator: ruma::by_grammar(Case::Lowered).at("service/admin/mod.rs:839-913"),
        service: ruma::of_service(Case::Lowered, ruma::UNKNOWN_TOKEN).at("api/client_server/account.rs:78-142"),
        login: ruma::login(Case::Lowered, &ruma::LOGIN_OUTSIDE).at("api/client_server/session.rs"),
        // An account in an exclusive namespace has no password.
        password: UserFlow {
            case: Case::Lowered,
            named: ruma::OF_ANY_SERVER,
            unknown: ruma::UNKNOWN_TOKEN,
            steps: &[step(UserCheck::NotReserved, 400, ErrCode::Exclusive)],
            account: None,
            source: "api/client_server/session.rs:70, 118",
        },
        acting: ruma::acting(Account::NeededOfAll).at("api/ruma_wrapper/axum.rs"),
        alias_of_person: ruma::ALIAS_OF_PERSON.at(ALIASES),
        alias_of_new_room: ruma::ALIAS_OF_NEW_ROOM.at("api/client_server/room.rs"),
        alias_of_service: ruma::ALIAS_OF_SERVICE.at(ALIASES),
        alias_deleted_by_person: ruma::ALIAS_OF_PERSON.at(ALIASES),
        alias_deleted_by_service: ruma::ALIAS_OF_SERVICE.at(ALIASES),
    },
    other_reading: None,
};
