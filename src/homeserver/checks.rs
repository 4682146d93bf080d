use crate::matrix::ErrCode;

/// What is checked when somebody wants something, in the homeserver's order: the first check that fails decides.
///
/// What only the homeserver can know is left out: whether registration is switched on, whether the account exists, what
/// rights a member has in a room. An answer is about the name, and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// A person at a registration form.
    pub person: UserFlow,
    /// Somebody who asks whether a name is free.
    pub availability: UserFlow,
    /// An administrator who makes an account for somebody.
    pub administrator: UserFlow,
    /// A service that registers one of its users.
    pub service: UserFlow,
    /// A service that logs one of its users in.
    pub login: UserFlow,
    /// A person who logs in with a password.
    pub password: UserFlow,
    /// A service that acts as one of its users.
    pub acting: ActingFlow,
    /// A person who gives an alias to a room.
    pub alias_of_person: AliasFlow,
    /// A person who makes a room with an alias.
    pub alias_of_new_room: AliasFlow,
    /// A service that creates an alias, as itself or as one of its users.
    pub alias_of_service: AliasFlow,
    /// A person who takes an alias away.
    pub alias_deleted_by_person: AliasFlow,
    /// A service that takes an alias away.
    pub alias_deleted_by_service: AliasFlow,
}

/// What becomes of the name of a user, and what is then checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserFlow {
    /// In which letters the name is taken.
    pub case: Case,
    /// What a name may be.
    pub named: Named,
    /// What is answered to a token, or an id, that no service has.
    pub unknown: Refuses,
    /// The checks.
    pub steps: &'static [Step<UserCheck>],
    /// What the homeserver makes of a user who has no account, where that is known.
    pub account: Option<Account>,
    /// Where the homeserver says so: a function, or a file and its lines.
    pub source: &'static str,
}

/// What is checked of an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AliasFlow {
    /// What is answered to a token, or an id, that no service has.
    pub unknown: Refuses,
    /// The checks.
    pub steps: &'static [Step<AliasCheck>],
    /// Where the homeserver says so.
    pub source: &'static str,
}

/// What is checked when a service acts as a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActingFlow {
    /// What is answered to a token, or an id, that no service has.
    pub unknown: Refuses,
    /// The checks.
    pub steps: &'static [Step<ActingCheck>],
    /// What the homeserver makes of a user who has no account.
    pub account: Account,
    /// Where the homeserver says so.
    pub source: &'static str,
}

/// What the name of a user may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A localpart, whatever it begins with.
    Localpart,
    /// The same, but a whole ID of this server is the user's, too.
    LocalpartOrWhole,
    /// The same, but what begins with `@` is a whole ID, which must be of this server.
    Local {
        /// What is answered to one of another server,
        elsewhere: Refuses,
        /// and to what is no ID.
        malformed: Refuses,
    },
    /// The same, but it may be of any server.
    OfAnyServer {
        /// What is answered to what is no ID.
        malformed: Refuses,
    },
    /// The same, but what begins with `@` is looked at as it is, be it of another server, or no ID at all.
    Anywhere,
}

impl Named {
    /// A whole ID of this server; all else is answered alike.
    pub(super) const fn local(status: u16, errcode: ErrCode) -> Self {
        let refuses = Refuses::with(status, errcode);
        Self::Local { elsewhere: refuses, malformed: refuses }
    }
}

/// Checks that several homeservers make alike, each of which says so in a place of its own.
macro_rules! said_at {
    ($($flow:ident),+) => {
        $(impl $flow {
            /// The same, as this place says.
            pub(super) const fn at(self, source: &'static str) -> Self {
                Self { source, ..self }
            }
        })+
    };
}
said_at!(UserFlow, AliasFlow, ActingFlow);

/// In which letters a name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// As it is given.
    Kept,
    /// In small letters.
    Lowered,
    /// Each character for itself in one small letter, as Go's `strings.ToLower` does: `İ` becomes `i`, and not two.
    LoweredByCharacter,
    /// In small letters, unless the service is an IRC bridge by its `id`: `irc`, or one that holds
    /// `matrix-appservice-irc` or `matrix_appservice_irc`. Such a one may also register what the grammar forbids.
    LoweredButForIrc,
}

/// What a homeserver makes of a user who has no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// The account must be there, but for the service's own user.
    Needed,
    /// The account must be there, that of the service's own user as well.
    NeededOfAll,
    /// It does not matter.
    NotNeeded,
    /// It is made, also for a user of another server.
    Made,
}

/// A check, and what is answered where it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<C> {
    /// What is checked.
    pub check: C,
    /// What is answered.
    pub refuses: Refuses,
}

/// A refusal as a client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refuses {
    /// The status of HTTP.
    pub status: u16,
    /// The code of Matrix.
    pub errcode: ErrCode,
}

impl Refuses {
    pub(super) const fn with(status: u16, errcode: ErrCode) -> Self {
        Self { status, errcode }
    }
}

/// A step of a list.
pub(super) const fn step<C: Copy>(check: C, status: u16, errcode: ErrCode) -> Step<C> {
    Step { check, refuses: Refuses { status, errcode } }
}

/// A check, as a step makes it.
pub trait Check: Copy {
    /// The check as it is named in an answer.
    fn as_str(self) -> &'static str;
}

/// A check on a user who is to be registered. Each passes or says why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCheck {
    /// The localpart is ASCII, as a parameter of a query must be.
    Ascii,
    /// The localpart holds only the characters of today's grammar.
    Characters,
    /// The localpart is not empty.
    NotEmpty,
    /// The localpart does not begin with `_`.
    NoUnderscore,
    /// No service other than the one that asks holds the ID exclusively.
    NotReserved,
    /// Not two services or more hold the ID exclusively, the one that asks among them or not.
    NotReservedTwice,
    /// The service that asks is interested in the ID.
    OwnNamespace,
    /// The whole ID has at most 255 characters.
    Length,
    /// The whole ID has at most so many bytes.
    Bytes(u16),
    /// The localpart is not of digits alone.
    NotDigits,
    /// The localpart is no number of 64 bits, with a sign or without.
    NotNumeric,
    /// It is a user of this server.
    Local,
}

/// A check on an alias that is to be created. Each passes or says why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasCheck {
    /// It has a server part that is a server name.
    Valid,
    /// The user whom the service names is one of its own.
    ActsAsOwnUser,
    /// It has at most 255 characters.
    Length,
    /// It has at most so many bytes.
    Bytes(u16),
    /// It is in the asking service's own alias entries, whoever else holds it.
    OwnNamespace,
    /// Of the interested services in load order, none holds it exclusively before one whose own user asks.
    NotReserved,
    /// No service holds it exclusively.
    NotReservedByAny,
    /// No service other than the one that asks holds it exclusively.
    NotReservedByOthers,
    /// No service holds it exclusively whose own user's localpart is not that of the user who asks.
    NotReservedButForSender,
    /// Its localpart holds no white space.
    NoWhiteSpace,
    /// It is an alias of this server.
    Local,
}

/// A check on a user as whom a service acts. Each passes or says why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActingCheck {
    /// It is a user ID: `@`, a localpart, a server.
    Valid,
    /// It is a user of this server.
    Local,
    /// The service is interested in the ID.
    OwnNamespace,
}

impl Check for UserCheck {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Characters => "characters",
            Self::NotEmpty => "not_empty",
            Self::NoUnderscore => "no_underscore",
            Self::NotReserved => "not_reserved",
            Self::NotReservedTwice => "not_reserved_twice",
            Self::OwnNamespace => "own_namespace",
            Self::Length | Self::Bytes(_) => "length",
            Self::NotDigits => "not_digits",
            Self::NotNumeric => "not_numeric",
            Self::Local => "local",
        }
    }
}

impl Check for AliasCheck {
    fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::ActsAsOwnUser => "acts_as_own_user",
            Self::Length | Self::Bytes(_) => "length",
            Self::OwnNamespace => "own_namespace",
            Self::NotReserved => "not_reserved",
            Self::NotReservedByAny => "not_reserved_by_any",
            Self::NotReservedByOthers => "not_reserved_by_others",
            Self::NotReservedButForSender => "not_reserved_but_for_sender",
            Self::NoWhiteSpace => "no_white_space",
            Self::Local => "local",
        }
    }
}

impl Check for ActingCheck {
    fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Local => "local",
            Self::OwnNamespace => "own_namespace",
        }
    }
}

impl UserCheck {
    /// Whether it looks at the name alone, and not at who holds it.
    #[must_use]
    pub const fn is_grammar(self) -> bool {
        !matches!(self, Self::NotReserved | Self::NotReservedTwice | Self::OwnNamespace)
    }
}
