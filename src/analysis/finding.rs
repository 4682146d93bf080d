use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::matrix::Kind;
use crate::registration::Registration;

/// Something about a set of registrations that no homeserver tells, proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// What it is; stable.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// What kind of namespace it is about; null when it is about a file.
    pub kind: Option<Kind>,
    /// How the entry of the first place lies to that of the second; null when there are not two.
    pub relation: Option<Relation>,
    /// A shortest ID that proves it; the service answers it accordingly.
    #[schema(value_type = Option<String>)]
    pub witness: Option<Box<str>>,
    /// What kind of ID the witness is.
    pub witness_is: Option<WitnessIs>,
    /// What is the matter, in one sentence.
    #[schema(value_type = String)]
    pub message: Cow<'static, str>,
    /// Where.
    #[schema(value_type = Vec<FindingPlace>)]
    pub places: Box<[FindingPlace]>,
}

/// An entry, or another place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FindingPlace {
    /// The `id` of the application service.
    #[schema(value_type = String)]
    pub as_id: Arc<str>,
    /// The file.
    #[schema(value_type = String)]
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The position of the entry in its list, from 0; null when it is not about an entry.
    pub index: Option<u32>,
    /// The regex of the entry.
    #[schema(value_type = Option<String>)]
    pub regex: Option<Arc<str>>,
}

impl FindingPlace {
    pub(super) fn entry(registration: &Registration, kind: Kind, index: u32) -> Self {
        let entry = &registration.namespaces.of(kind)[index as usize];
        Self {
            as_id: Arc::clone(&registration.id),
            file: Arc::clone(&registration.file),
            line: entry.place.line,
            column: entry.place.column,
            index: Some(index),
            regex: Some(entry.regex.shared()),
        }
    }

    pub(super) fn at(registration: &Registration, place: crate::registration::Place) -> Self {
        Self {
            as_id: Arc::clone(&registration.id),
            file: Arc::clone(&registration.file),
            line: place.line,
            column: place.column,
            index: None,
            regex: None,
        }
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work.
    Error,
    /// Something does not work as its author will have meant.
    Warning,
    /// Something to know.
    Note,
}

impl Severity {
    /// All severities, the gravest first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];

    /// The severity as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }

    /// One step less.
    pub(super) const fn less(self) -> Self {
        match self {
            Self::Error => Self::Warning,
            Self::Warning | Self::Note => Self::Note,
        }
    }
}

/// How the language of one entry lies to that of another, among the IDs of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Both claim the same.
    Equal,
    /// The first claims all that the second does, and more.
    Contains,
    /// The second claims all that the first does, and more.
    Contained,
    /// Each claims something that the other does not.
    Overlaps,
}

/// What kind of ID a witness is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WitnessIs {
    /// A local ID as they can be made today.
    Valid,
    /// A local ID of printable ASCII, as it may have been made in the past or by a service.
    Historical,
    /// An ID of another server.
    Remote,
}

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
        }
    };
}

codes! {
    /// Two services claim an ID exclusively.
    ExclusiveConflict = "exclusive-conflict",
    /// A service's own user is claimed exclusively by another, or is another's own user too.
    SenderConflict = "sender-conflict",
    /// An entry contains every local user or alias.
    ClaimsEveryone = "claims-everyone",
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
    /// Everybody on the machine can read the tokens.
    ReadableByAll = "readable-by-all",
    /// A dot of the server name matches any character.
    UnescapedDot = "unescaped-dot",
    /// The entry goes on behind this server's name, or names none.
    OpenEnd = "open-end",
    /// Not a regular language, or too large a one.
    Backtracking = "backtracking",
}

impl Code {
    /// The way out, in one sentence.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::ExclusiveConflict => {
                "give one of the two another prefix, or let one of them claim with `exclusive: false`"
            }
            Self::SenderConflict => "give the service's own user a name outside of the other's namespace",
            Self::ClaimsEveryone => {
                "name the prefix of the service's users, or say `exclusive: false` if it only needs to see them"
            }
            Self::UnjoinableRegex => "write the regex without flags for the whole, group names and references",
            Self::BlockedByExclusive => {
                "nothing needs to change if the service only looks on; else give it a prefix of its own"
            }
            Self::ShadowedEntry => "put the narrower entry first, or remove one of the two",
            Self::DeadEntry => "make the regex match whole IDs of this server, sigil first, or remove the entry",
            Self::LooksLikeGlob => "in a regex any text is `.*`, not `*`",
            Self::DuplicateKey => "remove one of the two; the last one counts",
            Self::WeakToken => "generate tokens of at least 32 random characters, one for each direction",
            Self::ReadableByAll => "chmod o-r, and let the homeserver's group read it",
            Self::UnescapedDot => "write `\\.` for a dot of the server name",
            Self::OpenEnd => "end the regex with the server's name, dots escaped, and `$`",
            Self::Backtracking => "write the regex without references, look-behind and atomic groups if it can be done",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
