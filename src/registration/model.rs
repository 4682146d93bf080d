use std::sync::Arc;

use pyyaml::Located;
use serde_json::{Map, Value};

use super::{Fault, Namespaces, Place, SourceDigest, TokenDigest};

/// An application service as its file describes it, without its secrets.
///
/// There may be a hundred thousand of these, so it holds only what is asked for again: regexes as text, the token as
/// a digest.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The file it came from, as it is shown.
    pub file: Arc<str>,
    /// The bytes it was read from; `None` where no file was.
    pub source: Option<SourceDigest>,
    /// The `id`, unique among the loaded registrations.
    pub id: Arc<str>,
    /// Where the homeserver reaches the service, without user info; `None` for an explicit null.
    pub url: Option<Box<str>>,
    /// The localpart of the service's own user.
    pub sender_localpart: Box<str>,
    /// Whether `sender_localpart` was written as a whole ID, where a homeserver makes that account and does not know it for the
    /// service's own any more.
    pub sender_is_whole: bool,
    /// Where the value of `sender_localpart` begins.
    pub sender_place: Place,
    /// Where the value of `url` begins, where that is known.
    pub url_place: Place,
    /// Where the value of `hs_token` begins.
    pub hs_token_place: Place,
    /// Recognizes the `as_token`.
    pub as_token: TokenDigest,
    /// Recognizes the `hs_token`, so that two files with the same can be told.
    pub hs_token: TokenDigest,
    /// What the service claims.
    pub namespaces: Namespaces,
    /// The `protocols`.
    pub protocols: Box<[Box<str>]>,
    /// Whether the service's users are rate limited: true unless the file says false.
    pub rate_limited: bool,
    /// The proxy prefix of MSC4512 without trailing slashes, for the comparison with other files.
    pub proxy_prefix: Option<Box<str>>,
    /// All other keys, as they are shown: secrets redacted.
    pub extra: Option<Box<Map<String, Value>>>,
    /// What is not wrong enough to refuse the file.
    pub warnings: Box<[Warning]>,
}

/// Something about a file that Synapse accepts and its author should know; becomes a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is.
    pub code: WarningCode,
    /// What and why, and the way out; never a token.
    pub message: Box<str>,
    /// Where it begins.
    pub place: Place,
    /// Behind its last character, where that is known.
    pub end: Option<Place>,
}

impl Warning {
    /// A warning about what begins at a place.
    #[must_use]
    pub fn at(code: WarningCode, place: Place, message: impl Into<Box<str>>) -> Self {
        Self { code, message: message.into(), place, end: None }
    }

    /// A warning about a value.
    pub(super) fn over(code: WarningCode, found: Located<'_>, message: impl Into<Box<str>>) -> Self {
        Self {
            code,
            message: message.into(),
            place: found.place,
            end: Some(found.end).filter(|&end| end > found.place),
        }
    }
}

/// The stable codes of warnings; the findings of the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningCode {
    /// A mapping holds the same key twice; the last one wins.
    DuplicateKey,
    /// A token is empty, short, or both tokens are the same.
    WeakToken,
    /// A key that Synapse passes over, near to one that it reads.
    UnknownKey,
    /// A `url` at which Synapse reaches nobody.
    UnusableUrl,
    /// A value that was to be replaced before Synapse reads it.
    Placeholder,
    /// A switch that holds something else than a boolean.
    NotABoolean,
    /// Lists of merge keys, which releases of PyYAML read differently.
    MergeOrder,
}

impl WarningCode {
    /// All codes.
    pub const ALL: [Self; 7] = [
        Self::DuplicateKey,
        Self::WeakToken,
        Self::UnknownKey,
        Self::UnusableUrl,
        Self::Placeholder,
        Self::NotABoolean,
        Self::MergeOrder,
    ];
}

/// What came of a file: a registration, or all that is wrong with it.
pub type Loaded = Result<Registration, Vec<Fault>>;
