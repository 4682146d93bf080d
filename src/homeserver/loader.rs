use std::fmt;

use serde::Serialize;

/// How a homeserver makes a registration of the bytes of a file, and what it wants of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loader {
    /// What reads the text.
    pub library: Library,
    /// Whether `url` must be there, be it null.
    pub url: bool,
    /// Whether id, tokens and sender may be empty.
    pub empty: bool,
    /// Keys of its own that hold a boolean, if they are there.
    pub booleans: &'static [&'static str],
    /// What it wants of `sender_localpart`.
    pub sender: SenderRule,
    /// What it reads of TOML besides.
    pub toml: Option<Toml>,
}

/// What a homeserver reads of TOML, by figment 0.10.19 with `toml` 0.8.23.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toml {
    /// A file `*.toml` beside the others is a registration like them.
    Files,
    /// Tables of its configuration are registrations of a shape of their own.
    Tables {
        /// What becomes of a configuration that cannot be read, or one of whose tables is none.
        broken: Consequence,
    },
}

impl Loader {
    /// Whether Synapse's own rules hold, which the specification has not: what an `id` and a `sender_localpart` may hold, and
    /// what stands under keys that are Synapse's.
    #[must_use]
    pub const fn is_synapses(self) -> bool {
        matches!((self.library, self.sender), (Library::PyYaml, SenderRule::Unquoted))
    }
}

impl Toml {
    /// What reads it, with its release.
    pub const LIBRARY: &'static str = "figment 0.10.19, toml 0.8.23";
}

/// What reads the text of a registration. The release is part of it: these libraries change their minds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// PyYAML's `safe_load`, and Synapse's checks of each key.
    PyYaml,
    /// gopkg.in/yaml.v2 2.4.0, into structs, not strict.
    GoYaml,
    /// `serde_yaml` 0.9.34, into structs.
    SerdeYaml,
    /// `serde-saphyr` 0.0.29, into structs.
    Saphyr,
    /// `serde_yaml` 0.9.34 into the values of figment 0.10.19, and those into structs.
    Figment,
}

/// What a homeserver wants of `sender_localpart`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderRule {
    /// `urllib.parse.quote` leaves it as it is.
    Unquoted,
    /// Anything.
    Any,
    /// With `@` before it and the server behind it, it is a user ID: no colon, no NUL, at most 255 bytes.
    Localpart,
    /// The same, or a whole user ID of this server.
    LocalpartOrUserId,
}

/// What becomes of a file, and of the others, when two cannot both load or one cannot at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetRules {
    /// Two files have the same `id`.
    pub same_id: Consequence,
    /// Two files have the same `as_token`.
    pub same_token: Consequence,
    /// Where both load, which of them answers to it.
    pub answers: First,
    /// A file does not load.
    pub broken: Consequence,
    /// A regex of a file does not compile.
    pub bad_regex: Consequence,
    /// A `sender_localpart` makes no user ID, where one is wanted.
    pub bad_sender: Consequence,
}

/// Who is the first of several services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// Whose file comes first.
    Listed,
    /// Whose `id` comes first, by its bytes.
    ById,
}

/// What a homeserver does about a file that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// It does not start.
    RefusesToStart,
    /// It loads no more: what comes later is missing, and it goes on running.
    StopsHere,
    /// The later one takes the place of the earlier.
    Replaces,
    /// That file is passed over, and the others load.
    Skips,
    /// Who wants to register it is told so, and nothing changes.
    RefusesThatOne,
    /// Who wants to register it is told that it failed, but it is kept, and every later start fails.
    FailsAtLaterStarts,
    /// It loads, and nothing that its service asks is answered.
    IsDead,
    /// Both load, and the first answers to the token.
    LoadsBoth,
    /// Nobody says.
    Undefined,
}

impl Library {
    /// What it is called, with its release.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PyYaml => "PyYAML",
            Self::GoYaml => "yaml.v2 2.4.0",
            Self::SerdeYaml => "serde_yaml 0.9.34",
            Self::Saphyr => "serde-saphyr 0.0.29",
            Self::Figment => "figment 0.10.19",
        }
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Consequence {
    /// What a homeserver does, as the end of a sentence that begins with its name.
    #[must_use]
    pub const fn would(self) -> &'static str {
        match self {
            Self::RefusesToStart => "would refuse to start",
            Self::StopsHere => "would stop loading there: later files are missing, and it goes on running",
            Self::Replaces => "would put the later one in the place of the earlier",
            Self::Skips => "would pass that file over and load the others",
            Self::RefusesThatOne => "would refuse to register that one",
            Self::FailsAtLaterStarts => "would call that a failure, keep it, and fail at every later start",
            Self::IsDead => "would load it and answer nothing that its service asks",
            Self::LoadsBoth => "would load both, and take the first for whoever comes with the token",
            Self::Undefined => "is not told what to do then",
        }
    }
}
