/// What is checked when somebody wants to register a user or create an alias, in the homeserver's order: the first check
/// that fails decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// A person at a registration form, under the lower-cased localpart.
    pub person: &'static [UserCheck],
    /// Somebody who asks whether a name is free, as typed: no letter is lower-cased.
    pub availability: &'static [UserCheck],
    /// A service that registers one of its users.
    pub service: &'static [UserCheck],
    /// A person who creates an alias.
    pub alias_of_person: &'static [AliasCheck],
    /// A service that creates an alias, as itself or as one of its users.
    pub alias_of_service: &'static [AliasCheck],
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
    /// The service that asks is interested in the ID.
    OwnNamespace,
    /// The whole ID has at most 255 characters.
    Length,
    /// The localpart is not of digits alone.
    NotDigits,
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
    /// It is in the asking service's own alias entries, whoever else holds it.
    OwnNamespace,
    /// Of the interested services in load order, none holds it exclusively before one whose own user asks.
    NotReserved,
    /// Its localpart holds no white space.
    NoWhiteSpace,
    /// It is an alias of this server.
    Local,
}
