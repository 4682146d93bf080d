use pyyaml::{Place, YamlError};

/// What a library makes of a file: what a homeserver then looks at.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) id: At,
    pub(crate) url: Option<String>,
    pub(crate) as_token: At,
    pub(crate) hs_token: At,
    pub(crate) sender_localpart: At,
    pub(crate) users: Vec<SaidEntry>,
    pub(crate) aliases: Vec<SaidEntry>,
    pub(crate) rooms: Vec<SaidEntry>,
    /// Regexes that mean nothing, but must compile.
    pub(crate) others: Vec<At>,
    pub(crate) protocols: Vec<String>,
    pub(crate) rate_limited: Option<bool>,
}

/// A text, and where it stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct At {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// An entry of a list of namespaces.
#[derive(Clone, Debug, Default)]
pub(crate) struct SaidEntry {
    pub(crate) regex: At,
    pub(crate) exclusive: bool,
    pub(crate) group_id: Option<At>,
}

/// Why a library makes nothing of a file. Holds no value of the file, which may be a token.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// It is not YAML as the library reads it.
    Syntax(YamlError),
    /// It is empty.
    Empty,
    /// A key is missing.
    Missing {
        /// The key.
        key: &'static str,
        /// Where it is missed.
        place: Place,
    },
    /// A key stands twice.
    Twice {
        /// The key.
        key: &'static str,
        /// The second time.
        place: Place,
    },
    /// Something is of another kind than it should be.
    Kind {
        /// What, as a key.
        what: &'static str,
        /// What it is.
        is: &'static str,
        /// What is needed.
        needs: &'static str,
        /// Where.
        place: Place,
    },
    /// The library refuses something else.
    Other {
        /// What, as a sentence without an end.
        message: &'static str,
        /// Where, if that is known.
        place: Option<Place>,
    },
}

/// What a homeserver asks of the keys that are not the same for all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    /// Whether `url` must be there, be it null.
    pub(crate) url: bool,
    /// Keys that hold a boolean, if they are there.
    pub(crate) booleans: &'static [&'static str],
}

/// How much text of a file may still be taken in, aliases followed: an alias of three bytes may stand for a regex of a hundred
/// thousand, and forty thousand of them for four gigabytes. No library bounds that below a gigabyte; what has no aliases is
/// never near it, since an escape of two bytes makes three at most.
#[derive(Debug)]
pub(super) struct Room(usize);

impl Room {
    /// What a file of any size may come to: who writes a dozen aliases by hand is never told that they are too many.
    const LEAST: usize = 64 << 10;
    /// What is said when there is none left.
    pub(super) const FULL: &str = "the aliases of the file make more text of it than is read here";

    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Self::LEAST.max(2 * bytes.len()))
    }

    /// Whether there is room for this text; if so, it is taken.
    pub(super) const fn take(&mut self, text: &str) -> bool {
        match self.0.checked_sub(text.len()) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}

/// What is needed, in messages.
pub(super) const TEXT: &str = "a text";
pub(super) const TRUE_OR_FALSE: &str = "true or false (without quotes)";
pub(super) const LIST: &str = "a list";
pub(super) const MAPPING: &str = "a mapping";
