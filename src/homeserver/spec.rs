//! The specification, as of matrix-spec d0ba2aae (2026-07-21, v1.19): Application Service API.
//!
//! A regex is "a POSIX regular expression", and neither where in an ID it is looked for nor whether it must match all of it
//! is said, so that nobody can be right where the readings differ. Two are given: that of Synapse, from the start in
//! Python's syntax, and that of Dendrite, anywhere in RE2's. What a file must hold is read as Synapse reads it.

use super::checks::{AliasFlow, step};
use super::dialect::Row;
use super::synapse;
use super::{
    Account, ActingCheck, ActingFlow, AliasCheck, Anchor, Case, Checks, Consequence, Engine, First, Loader, Named,
    Precedence, Refuses, Scope, Sender, SenderRule, SetRules, Step, Syntax, UserCheck, UserFlow, ruma,
};
use crate::matrix::{ErrCode, PerKind};

const PERSONS: &str = "Appendices, User Identifiers; Application Service API, Registration";
const REGISTRATION: &str = "Application Service API, Registration; Server admin style permissions";

/// Client-Server API, "Using access tokens".
const UNKNOWN: Refuses = Refuses::with(401, ErrCode::UnknownToken);

/// Appendices, "User Identifiers".
const CHARACTERS: Step<UserCheck> = step(UserCheck::Characters, 400, ErrCode::InvalidUsername);
const NOT_EMPTY: Step<UserCheck> = step(UserCheck::NotEmpty, 400, ErrCode::InvalidUsername);
const BYTES: Step<UserCheck> = step(UserCheck::Bytes(255), 400, ErrCode::InvalidUsername);
/// "prevents humans and other application services from creating/deleting entities in that namespace".
const RESERVED: Step<UserCheck> = step(UserCheck::NotReserved, 400, ErrCode::Exclusive);
/// "Application services which attempt to create users or aliases outside of their defined namespaces, or log in as users
/// outside of their defined namespace will receive an error code `M_EXCLUSIVE`".
const OUTSIDE: Step<UserCheck> = step(UserCheck::OwnNamespace, 400, ErrCode::Exclusive);
const VALID: Step<AliasCheck> = step(AliasCheck::Valid, 400, ErrCode::InvalidParam);

/// A person who wants to give an alias, or to take it away.
const ALIAS_OF_PERSON: AliasFlow = AliasFlow {
    unknown: UNKNOWN,
    steps: &[VALID, step(AliasCheck::NotReservedByAny, 400, ErrCode::Exclusive)],
    source: REGISTRATION,
};

/// A service that wants to.
const ALIAS_OF_SERVICE: AliasFlow = AliasFlow {
    unknown: UNKNOWN,
    steps: &[
        VALID,
        step(AliasCheck::ActsAsOwnUser, 403, ErrCode::Forbidden),
        step(AliasCheck::OwnNamespace, 400, ErrCode::Exclusive),
        step(AliasCheck::NotReservedByOthers, 400, ErrCode::Exclusive),
    ],
    source: REGISTRATION,
};

/// The first reading.
pub(super) static ROW: Row = Row { other_reading: Some(&ANYWHERE), ..SPEC };

/// The second: a regex is looked for anywhere.
pub(super) static ANYWHERE: Row = Row {
    name: "spec-anywhere",
    syntax: Syntax { engine: Engine::GoRe2, anchor: Anchor::Anywhere, fold: PerKind::all(false) },
    ..SPEC
};

const SPEC: Row = Row {
    name: "spec",
    homeserver: "a homeserver by the specification",
    release: "Matrix v1.19 (matrix-spec d0ba2aae, 2026-07-21)",
    // Synapse's rules for an `id`, a `sender_localpart` and its own keys are its own.
    loader: Loader { booleans: &["receive_ephemeral"], sender: SenderRule::Any, ..synapse::ROW.loader },
    // "MUST be unique", and "the homeserver MUST enforce" it; how is not said, nor what becomes of other mistakes.
    set: SetRules {
        same_id: Consequence::Undefined,
        same_token: Consequence::Undefined,
        answers: First::Listed,
        broken: Consequence::Undefined,
        bad_regex: Consequence::Undefined,
        bad_sender: Consequence::Undefined,
    },
    syntax: Syntax::PYTHON,
    // Since 1.5 (MSC3905).
    scope: Scope::Local,
    sender: Sender::Exact,
    precedence: Precedence::ExclusiveFirst,
    join: None,
    is_server_name: ruma::is_server_name,
    checks: Checks {
        person: UserFlow {
            case: Case::Kept,
            named: Named::Localpart,
            unknown: UNKNOWN,
            steps: &[CHARACTERS, NOT_EMPTY, BYTES, RESERVED],
            account: None,
            source: PERSONS,
        },
        availability: UserFlow {
            case: Case::Kept,
            named: Named::Localpart,
            unknown: UNKNOWN,
            steps: &[CHARACTERS, NOT_EMPTY, BYTES, RESERVED],
            account: None,
            source: PERSONS,
        },
        administrator: UserFlow {
            case: Case::Kept,
            named: Named::Localpart,
            unknown: UNKNOWN,
            steps: &[CHARACTERS, NOT_EMPTY, BYTES, RESERVED],
            account: None,
            source: PERSONS,
        },
        service: UserFlow {
            case: Case::Kept,
            named: Named::Localpart,
            unknown: UNKNOWN,
            steps: &[OUTSIDE, RESERVED],
            account: None,
            source: REGISTRATION,
        },
        login: UserFlow {
            case: Case::Kept,
            named: Named::local(400, ErrCode::InvalidParam),
            unknown: UNKNOWN,
            steps: &[OUTSIDE],
            account: None,
            source: REGISTRATION,
        },
        password: UserFlow {
            case: Case::Kept,
            named: Named::local(400, ErrCode::InvalidParam),
            unknown: UNKNOWN,
            steps: &[],
            account: None,
            source: "Client-Server API, Login",
        },
        acting: ActingFlow {
            unknown: UNKNOWN,
            steps: &[step(ActingCheck::OwnNamespace, 403, ErrCode::Forbidden)],
            account: Account::Needed,
            source: "Application Service API, Identity assertion",
        },
        alias_of_person: ALIAS_OF_PERSON,
        alias_of_new_room: ALIAS_OF_PERSON,
        alias_of_service: ALIAS_OF_SERVICE,
        alias_deleted_by_person: ALIAS_OF_PERSON,
        alias_deleted_by_service: ALIAS_OF_SERVICE,
    },
    other_reading: None,
};
