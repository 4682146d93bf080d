use std::sync::Arc;

use serde_json::{Map, Value};

use super::{ContentHash, Fault, OwnedNamespaces, Place, SourceDigest, TokenDigest, Warning};

/// What a registration says, each part by itself: for those who read one from a file or make another of it. What is in force
/// is kept as a [`super::Registration`], which takes a fifth of the memory.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The file it came from, as it is shown.
    pub file: Arc<str>,
    /// The bytes it was read from; `None` where no file was.
    pub source: Option<SourceDigest>,
    /// Recognizes these bytes.
    pub content: ContentHash,
    /// The `id`, unique among the loaded registrations.
    pub id: Box<str>,
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
    pub namespaces: OwnedNamespaces,
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

/// What comes of a file that is being read: the parts of a registration, or all that is wrong with it.
pub(super) type Read = Result<Parts, Vec<Fault>>;
