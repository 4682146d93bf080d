//! The codes of findings, in one list: what they are called, and the way out.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What a finding is; each has a page under `docs/findings/`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// All codes, in the order in which findings are listed.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it stands in an answer.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The page that explains it, in Markdown.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings/", $name, ".md")),)*
                }
            }

            /// The page that lists them, in Markdown.
            pub const TABLE: &'static str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings/README.md"));
        }
    };
}

codes! {
    /// There is no registration where one was looked for.
    NothingFound = "nothing-found",
    /// Two services claim an ID exclusively.
    ExclusiveConflict = "exclusive-conflict",
    /// A service's own user is claimed exclusively by another, or is another's own user too.
    SenderConflict = "sender-conflict",
    /// An entry contains every local user or alias.
    ClaimsEveryone = "claims-everyone",
    /// Homeservers read a file, an entry or a claim otherwise.
    Portability = "portability",
    /// Synapse's joined pattern of all exclusive user regexes does not compile.
    UnjoinableRegex = "unjoinable-regex",
    /// A service sees users that it cannot register.
    BlockedByExclusive = "blocked-by-exclusive",
    /// An earlier entry of the file decides for IDs of a later one.
    ShadowedEntry = "shadowed-entry",
    /// No local ID can match.
    DeadEntry = "dead-entry",
    /// A glob written as a regex.
    LooksLikeGlob = "looks-like-glob",
    /// A key stands twice in a mapping.
    DuplicateKey = "duplicate-key",
    /// A token is empty, short, or equal to the other.
    WeakToken = "weak-token",
    /// A key that Synapse passes over, near to one that it reads.
    UnknownKey = "unknown-key",
    /// A `url` at which Synapse reaches nobody.
    UnusableUrl = "unusable-url",
    /// A value that was to be replaced before Synapse reads it.
    Placeholder = "placeholder",
    /// A switch that holds something else than a boolean.
    NotABoolean = "not-a-boolean",
    /// Lists of merge keys, which releases of PyYAML read differently.
    MergeOrder = "merge-order",
    /// Two services have the same `hs_token`.
    SharedToken = "shared-token",
    /// Two services have the same `url`.
    SharedUrl = "shared-url",
    /// Everybody on the machine can read the tokens.
    ReadableByAll = "readable-by-all",
    /// No registration is the bridge's whose configuration it is.
    BridgeUnregistered = "bridge-unregistered",
    /// A bridge and its registration have different tokens.
    BridgeToken = "bridge-token",
    /// A bridge takes the homeserver for another.
    BridgeDomain = "bridge-domain",
    /// A bridge and its registration have different ids.
    BridgeId = "bridge-id",
    /// A bridge acts as a user that its registration does not claim.
    BridgeBot = "bridge-bot",
    /// A bridge gives names that its registration does not claim.
    BridgeNamespace = "bridge-namespace",
    /// A bridge listens elsewhere than where the homeserver sends.
    BridgeAddress = "bridge-address",
    /// A dot of the server name matches any character.
    UnescapedDot = "unescaped-dot",
    /// The entry goes on behind this server's name, or names none.
    OpenEnd = "open-end",
    /// The specification leaves open what an entry claims.
    Undefined = "undefined",
    /// Not a regular language, so that it is not compared.
    Backtracking = "backtracking",
    /// Too large, or too many, to be compared within the limits.
    NotCompared = "not-compared",
}

impl Code {
    /// The way out, in one sentence.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::NothingFound => {
                "give the directory or the files that hold the registrations; where there are none yet, `--allow nothing-found`"
            }
            Self::ExclusiveConflict => {
                "give one of the two another prefix, or let one of them claim with `exclusive: false`"
            }
            Self::SenderConflict => "give the service's own user a name outside of the other's namespace",
            Self::ClaimsEveryone => {
                "name the prefix of the service's users, or say `exclusive: false` if it only needs to see them"
            }
            Self::Portability => {
                "write what all read alike (sigil first, server last, small letters, plain YAML); where their rules differ no spelling helps: check for the one that it is for"
            }
            Self::UnjoinableRegex => "write the regex without flags for the whole, group names and references",
            Self::BlockedByExclusive => {
                "nothing needs to change if the service only looks on; else give it a prefix of its own"
            }
            Self::ShadowedEntry => "put the narrower entry first, or remove one of the two",
            Self::DeadEntry => "make the regex match whole IDs of this server, sigil first, or remove the entry",
            Self::LooksLikeGlob => "in a regex any text is `.*`, not `*`",
            Self::DuplicateKey => "join the two, or remove the one that is not meant; the last one counts",
            Self::WeakToken => "generate tokens of at least 32 random characters, one for each direction",
            Self::UnknownKey => "write the key as the specification has it, and where it belongs",
            Self::UnusableUrl => "write `http://` or `https://`, a host and a port, or `url: null` for none",
            Self::Placeholder => {
                "render the template or decrypt the value before the file is deployed; `openssl rand -hex 32` makes a token"
            }
            Self::NotABoolean => "write true or false, without quotes",
            Self::MergeOrder => "write the keys out, or merge one mapping alone",
            Self::SharedToken => "generate an `hs_token` for each, and put it into the configuration of each bridge",
            Self::SharedUrl => "give each service the address at which it listens itself",
            Self::ReadableByAll => "chmod o-r, and let the homeserver's group read it",
            Self::BridgeUnregistered => "give the registration that the bridge has written, as the homeserver has it",
            Self::BridgeToken => {
                "copy the token from the one to the other, or let the bridge write its registration anew; then restart both"
            }
            Self::BridgeDomain => {
                "write the homeserver's `server_name`, and let the bridge write its registration anew"
            }
            Self::BridgeId => "write the same `id` in both, and restart both",
            Self::BridgeBot => {
                "add the user to the registration's `users`, or let the bridge write its registration anew"
            }
            Self::BridgeNamespace => {
                "let the bridge write its registration anew, and give that to the homeserver; or change the one or the other by hand"
            }
            Self::BridgeAddress => {
                "write where the bridge listens, as the homeserver reaches it; a proxy between the two is the reason if there is one"
            }
            Self::UnescapedDot => "write `\\.` for a dot of the server name",
            Self::OpenEnd => "end the regex with the server's name, dots escaped, and `$`",
            Self::Undefined => "begin the regex with `^` and the sigil, and write what every syntax reads alike",
            Self::Backtracking => "write the regex without references, look-behind and atomic groups if it can be done",
            Self::NotCompared => "divide what is too large, and join entries that differ little: `@irc_(?:a|b|c)_.*`",
        }
    }
}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(UnknownCode)
    }
}

/// There is no finding of this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such code of a finding; there are {}", Code::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownCode;

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
