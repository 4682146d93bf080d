//! Continuwuity, as read at 09073235 (2026-08-22, 26.8.0-alpha.1 and later).
//!
//! Its libraries were run: `serde-saphyr` 0.0.29, `regex` 1.13.1, ruma's types. Its decisions were read; nothing of them can
//! be run without the whole server. Registrations come by the admin room and live in its database alone.

use super::dialect::Row;
use super::ruma;
use super::{
    Account, Anchor, Case, Checks, Consequence, Engine, First, Library, Loader, Precedence, Refuses, RustRelease,
    Scope, Sender, SenderRule, SetRules, Syntax,
};
use crate::matrix::{ErrCode, PerKind};

const ACCOUNTS: &str = "api/client/account/register.rs:35-108, service/users/account.rs:294-394";
const ALIASES: &str = "api/client/alias.rs:23, 72, service/rooms/alias/mod.rs:294-322";

/// Continuwuity's parameters.
pub(super) static ROW: Row = Row {
    name: "continuwuity",
    homeserver: "Continuwuity",
    release: "Continuwuity 26.8.0-alpha.1 (09073235, 2026-08-22)",
    loader: Loader {
        // admin/appservice/commands.rs:5-32.
        library: Library::Saphyr,
        url: true,
        empty: true,
        booleans: &["receive_ephemeral"],
        // service/appservice/mod.rs:106, `parse_with_server_name`; a whole ID of another server fails an assertion.
        sender: SenderRule::LocalpartOrUserId,
        toml: None,
    },
    set: SetRules {
        same_id: Consequence::Replaces,
        // mod.rs:142-164 at the command, mod.rs:54-64 at the start.
        same_token: Consequence::RefusesThatOne,
        answers: First::Listed,
        broken: Consequence::RefusesThatOne,
        // It is written before it is compiled: mod.rs:166-171.
        bad_regex: Consequence::FailsAtLaterStarts,
        bad_sender: Consequence::FailsAtLaterStarts,
    },
    // `RegexSet::new`.
    syntax: Syntax { engine: Engine::Rust(RustRelease::V1_13), anchor: Anchor::Anywhere, fold: PerKind::all(false) },
    scope: Scope::Any,
    // registration_info.rs: `localpart == sender_localpart`.
    sender: Sender::AnyServer,
    precedence: Precedence::ExclusiveFirst,
    join: None,
    is_server_name: ruma::is_server_name,
    checks: Checks {
        // Capitals are refused, not lowered.
        person: ruma::unless_reserved(Case::Kept).at(ACCOUNTS),
        availability: ruma::unless_reserved(Case::Kept).at(ACCOUNTS),
        administrator: ruma::unless_reserved(Case::Kept).at(ACCOUNTS),
        service: ruma::of_service(Case::Kept, Refuses::with(401, ErrCode::Unauthorized)).at(ACCOUNTS),
        login: ruma::login_here(&ruma::LOGIN_OUTSIDE).at("api/client/session.rs:151-183"),
        password: ruma::NO_CHECK.at("api/client/session.rs"),
        acting: ruma::acting(Account::NotNeeded).at("api/router/auth.rs:211-226"),
        alias_of_person: ruma::ALIAS_OF_PERSON.at(ALIASES),
        alias_of_new_room: ruma::ALIAS_OF_NEW_ROOM_IN_ONE_WORD.at("api/client/room/create.rs"),
        alias_of_service: ruma::ALIAS_OF_SERVICE.at(ALIASES),
        alias_deleted_by_person: ruma::ALIAS_OF_PERSON.at(ALIASES),
        alias_deleted_by_service: ruma::ALIAS_OF_SERVICE.at(ALIASES),
    },
    other_reading: None,
};
