//! Dendrite, as read at element-hq/dendrite 08cac1cc (2026-05-20, 0.15.2).
//!
//! Its libraries were run: Go 1.25.5's `regexp`, gopkg.in/yaml.v2 2.4.0. Its decisions were read; nothing of them can be run
//! without the whole server.

use super::checks::step;
use super::dialect::Row;
use super::ruma;
use super::{
    Account, ActingCheck, ActingFlow, AliasCheck, AliasFlow, Anchor, Case, Checks, Consequence, Engine, First, Join,
    Library, Loader, Named, Precedence, Refuses, Scope, Sender, SenderRule, SetRules, Step, Syntax, UserCheck,
    UserFlow,
};
use crate::matrix::{ErrCode, Kind, PerKind};

/// userapi/internal: a token that is no device's and no service's.
const UNKNOWN: Refuses = Refuses::with(401, ErrCode::UnknownToken);

/// clientapi/routing/register.go: `strconv.ParseInt` succeeds, also of `+1` and `-5`.
const NOT_NUMERIC: Step<UserCheck> = step(UserCheck::NotNumeric, 400, ErrCode::InvalidUsername);
/// internal/validate.go: an ID of more than 254 bytes,
const BYTES: Step<UserCheck> = step(UserCheck::Bytes(254), 400, ErrCode::BadJson);
/// `^[0-9a-z_\-+=./]+$`,
const CHARACTERS: Step<UserCheck> = step(UserCheck::Characters, 400, ErrCode::InvalidUsername);
const NOT_EMPTY: Step<UserCheck> = step(UserCheck::NotEmpty, 400, ErrCode::InvalidUsername);
/// and, but for services, no `_` in front.
const NO_UNDERSCORE: Step<UserCheck> = step(UserCheck::NoUnderscore, 400, ErrCode::InvalidUsername);
/// internal/validate.go:153-167.
const OUTSIDE: Step<UserCheck> = step(UserCheck::OwnNamespace, 400, ErrCode::Exclusive);
/// The same: refused only where two services or more are exclusive, of whom the one that asks may be one.
const TWICE: Step<UserCheck> = step(UserCheck::NotReservedTwice, 400, ErrCode::Exclusive);

/// `SplitID`, `IsLocalServerName`.
const VALID: Step<AliasCheck> = step(AliasCheck::Valid, 400, ErrCode::InvalidParam);
const LOCAL: Step<AliasCheck> = step(AliasCheck::Local, 403, ErrCode::Forbidden);
/// Only the localpart of a service's own user is let pass.
const RESERVED: Step<AliasCheck> = step(AliasCheck::NotReservedButForSender, 400, ErrCode::Exclusive);

const DIRECTORY: &str = "clientapi/routing/directory.go";
const ALIASES: &str = "clientapi/routing/directory.go:152-167";

const UNJOINED: &str = "Dendrite would not start: it joins the exclusive regexes of all files into one pattern for users and one \
                        for aliases, and this one breaks it";

fn joined(regexes: &[&str]) -> Result<(), String> {
    let groups: Vec<String> = regexes.iter().map(|regex| format!("({regex})")).collect();
    go_re2::parse(&groups.join("|")).map(drop).map_err(|error| error.to_string())
}

/// Dendrite's parameters.
pub(super) static ROW: Row = Row {
    name: "dendrite",
    homeserver: "Dendrite",
    release: "Dendrite 0.15.2 (08cac1cc, 2026-05-20)",
    loader: Loader {
        // setup/config/config_appservice.go:189-239.
        library: Library::GoYaml,
        url: false,
        // config_appservice.go:336-348.
        empty: false,
        booleans: &[],
        sender: SenderRule::Any,
        toml: None,
    },
    // config_appservice.go:355, 361: an error there is one of the configuration.
    set: SetRules {
        same_id: Consequence::RefusesToStart,
        same_token: Consequence::RefusesToStart,
        answers: First::Listed,
        broken: Consequence::RefusesToStart,
        bad_regex: Consequence::RefusesToStart,
        bad_sender: Consequence::RefusesToStart,
    },
    // `regexp.Compile`, `MatchString`.
    syntax: Syntax { engine: Engine::GoRe2, anchor: Anchor::Anywhere, fold: PerKind::all(false) },
    // Registration and login ask about this server's users alone; who is interested in an event is asked of any.
    scope: Scope::Any,
    // `QuoteMeta("@sender:server")`, appended to the users as exclusive.
    sender: Sender::Quoted,
    precedence: Precedence::ExclusiveFirst,
    // setup/config/config_appservice.go:224-282: `(first)|(second)|…`, users and aliases. Each loads alone; what quotes to its
    // end quotes the parenthesis, too.
    join: Some(Join {
        kinds: &[Kind::User, Kind::Alias],
        compile: joined,
        depends_on_others: |regex| regex.contains(r"\Q"),
        // What is quoted and not closed goes on into all that follow.
        reach: |_| usize::MAX,
        consequence: UNJOINED,
    }),
    is_server_name: ruma::is_server_name,
    checks: Checks {
        person: UserFlow {
            case: Case::LoweredByCharacter,
            named: Named::Localpart,
            unknown: UNKNOWN,
            steps: &[
                NOT_NUMERIC,
                BYTES,
                CHARACTERS,
                NOT_EMPTY,
                NO_UNDERSCORE,
                step(UserCheck::NotReserved, 400, ErrCode::Exclusive),
            ],
            account: None,
            source: "clientapi/routing/register.go:458-749",
        },
        // Of a reserved name it says that it is taken.
        availability: UserFlow {
            case: Case::LoweredByCharacter,
            // `SplitLocalID`; what it does not split is looked at as it stands.
            named: Named::LocalpartOrWhole,
            unknown: UNKNOWN,
            steps: &[
                BYTES,
                CHARACTERS,
                NOT_EMPTY,
                NO_UNDERSCORE,
                step(UserCheck::NotReserved, 400, ErrCode::UserInUse),
            ],
            account: None,
            source: "clientapi/routing/register.go:994-1036",
        },
        // By the shared secret: no namespace is looked at.
        administrator: UserFlow {
            case: Case::LoweredByCharacter,
            named: Named::Localpart,
            unknown: UNKNOWN,
            steps: &[BYTES, CHARACTERS, NOT_EMPTY, NO_UNDERSCORE],
            account: None,
            source: "clientapi/routing/register.go:1064-1098",
        },
        service: UserFlow {
            case: Case::LoweredByCharacter,
            named: Named::Localpart,
            unknown: UNKNOWN,
            steps: &[NOT_NUMERIC, BYTES, CHARACTERS, NOT_EMPTY, OUTSIDE, TWICE],
            account: None,
            source: "clientapi/routing/register.go, internal/validate.go:153-167",
        },
        // The same function as for registering, which looks at the grammar last.
        login: UserFlow {
            case: Case::Kept,
            // `ParseUsernameParam`, before the token is looked at.
            named: Named::local(401, ErrCode::InvalidUsername),
            unknown: UNKNOWN,
            steps: &[OUTSIDE, TWICE, BYTES, CHARACTERS, NOT_EMPTY],
            account: None,
            source: "internal/validate.go:176-240, clientapi/userutil/userutil.go:22-37",
        },
        password: UserFlow {
            case: Case::Kept,
            named: Named::local(400, ErrCode::InvalidParam),
            unknown: UNKNOWN,
            steps: &[],
            account: None,
            source: "clientapi/routing/login.go",
        },
        // An account that the service itself has made would do as well.
        acting: ActingFlow {
            unknown: UNKNOWN,
            steps: &[
                step(ActingCheck::Local, 401, ErrCode::UnknownToken),
                step(ActingCheck::OwnNamespace, 403, ErrCode::Forbidden),
            ],
            account: Account::NeededOfAll,
            source: "userapi/internal/user_api.go:627-637",
        },
        alias_of_person: AliasFlow { unknown: UNKNOWN, steps: &[VALID, LOCAL, RESERVED], source: ALIASES },
        // The namespaces are not looked at.
        alias_of_new_room: AliasFlow {
            unknown: UNKNOWN,
            steps: &[step(AliasCheck::NoWhiteSpace, 400, ErrCode::BadJson), VALID],
            source: "clientapi/routing/createroom.go:46-52",
        },
        alias_of_service: AliasFlow {
            unknown: UNKNOWN,
            steps: &[step(AliasCheck::ActsAsOwnUser, 403, ErrCode::Forbidden), VALID, LOCAL, RESERVED],
            source: ALIASES,
        },
        // The rights in the room alone.
        alias_deleted_by_person: AliasFlow { unknown: UNKNOWN, steps: &[VALID], source: DIRECTORY },
        alias_deleted_by_service: AliasFlow { unknown: UNKNOWN, steps: &[VALID], source: DIRECTORY },
    },
    other_reading: None,
};
