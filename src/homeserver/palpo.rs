//! Palpo, as read at feb2e29d (2026-08-20, 0.4.0), and with #421 (2026-09-05), which is known from its text alone.
//!
//! Its libraries were run: figment 0.10.19 over `serde_yaml` 0.9.34, `regex` 1.13.1. Its decisions were read; nothing of them
//! can be run without the whole server. Here it is the files of `appservice_registration_dir` that are meant: services that
//! come by the admin room are not in the list that authenticates a token.

use super::checks::step;
use super::dialect::Row;
use super::ruma;
use super::{
    Account, ActingCheck, ActingFlow, AliasCheck, AliasFlow, Anchor, Case, Checks, Consequence, Engine, First, Library,
    Loader, Precedence, Refuses, RustRelease, Scope, Sender, SenderRule, SetRules, Syntax, Toml, UserCheck, UserFlow,
};
use crate::matrix::{ErrCode, PerKind};

/// Palpo's parameters.
pub(super) static ROW: Row = PALPO;

/// Since #421 a regex is looked for at the start of an ID.
pub(super) static SINCE_421: Row = Row {
    name: "palpo-421",
    homeserver: "Palpo since #421",
    release: "Palpo with pull request 421 (2026-09-05)",
    syntax: Syntax { anchor: Anchor::Start, ..PALPO.syntax },
    ..PALPO
};

const PALPO: Row = Row {
    name: "palpo",
    homeserver: "Palpo",
    release: "Palpo 0.4.0 (feb2e29d, 2026-08-20)",
    loader: Loader {
        // server/src/global.rs:115-265.
        library: Library::Figment,
        // core/src/appservice.rs:74.
        url: false,
        empty: true,
        booleans: &["receive_ephemeral", "io.element.msc4190"],
        // global.rs:213-218, where what is none ends the process.
        sender: SenderRule::Localpart,
        // global.rs:157-172, in the same directory.
        toml: Some(Toml::Files),
    },
    set: SetRules {
        // global.rs:177.
        same_id: Consequence::Skips,
        // A list, of which the first counts.
        same_token: Consequence::LoadsBoth,
        answers: First::Listed,
        // global.rs:152-157.
        broken: Consequence::Skips,
        // Compiled at each request; appservice.rs:217-231.
        bad_regex: Consequence::IsDead,
        // global.rs:213-218: the process ends.
        bad_sender: Consequence::RefusesToStart,
    },
    syntax: Syntax { engine: Engine::Rust(RustRelease::V1_13), anchor: Anchor::Anywhere, fold: PerKind::all(false) },
    scope: Scope::Any,
    sender: Sender::AnyServer,
    precedence: Precedence::ExclusiveFirst,
    join: None,
    is_server_name: ruma::is_server_name,
    checks: Checks {
        person: ruma::unless_reserved(Case::Lowered).at("routing/client/register.rs:48-133"),
        availability: ruma::unless_reserved(Case::Lowered).at("routing/client/register.rs"),
        // Not checked.
        administrator: ruma::by_grammar(Case::Lowered).at("the console, and PUT v2/users"),
        service: ruma::of_service(Case::Lowered, Refuses::with(401, ErrCode::MissingToken))
            .at("routing/client/register.rs:48-133"),
        login: UserFlow {
            unknown: Refuses::with(403, ErrCode::Forbidden),
            account: Some(Account::NeededOfAll),
            source: "routing/client/session.rs:334-377",
            ..ruma::login(Case::Lowered, &[step(UserCheck::OwnNamespace, 403, ErrCode::Forbidden)])
        },
        // Whose server it is does not matter.
        password: ruma::login(Case::Kept, &[]).at("routing/client/session.rs"),
        // An account is made on the spot, of whatever server.
        acting: ActingFlow {
            unknown: ruma::UNKNOWN_TOKEN,
            steps: &[
                step(ActingCheck::Valid, 400, ErrCode::InvalidParam),
                step(ActingCheck::OwnNamespace, 403, ErrCode::Forbidden),
            ],
            account: Account::Made,
            source: "hoops/auth.rs",
        },
        alias_of_person: ALIAS_OF_PERSON,
        alias_of_new_room: AliasFlow {
            unknown: ruma::UNKNOWN_TOKEN,
            steps: &[ruma::VALID],
            source: "`is_exclusive_alias` has no caller",
        },
        alias_of_service: AliasFlow {
            unknown: ruma::UNKNOWN_TOKEN,
            steps: &[ruma::VALID, ruma::SHORT, step(AliasCheck::ActsAsOwnUser, 403, ErrCode::Forbidden), ruma::LOCAL],
            source: "hoops/auth.rs; `is_exclusive_alias` has no caller",
        },
        // The rights in the room alone.
        alias_deleted_by_person: ALIAS_OF_PERSON,
        alias_deleted_by_service: ALIAS_OF_PERSON,
    },
    other_reading: None,
};

const ALIAS_OF_PERSON: AliasFlow = AliasFlow {
    unknown: ruma::UNKNOWN_TOKEN,
    steps: &[ruma::VALID, ruma::SHORT, ruma::LOCAL],
    source: "`is_exclusive_alias` has no caller",
};
