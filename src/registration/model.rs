use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::packed::{Entries, Packing, Table};
use super::{ContentHash, Fault, Parts, Place, SourceDigest, TokenDigest, Warning};
use crate::matrix::Kind;

/// An application service as its file describes it, without its secrets. Never changed: who wants another makes it of
/// [`Registration::parts`].
///
/// There may be a million of these, so it holds only what is asked for again, in as few pieces of memory as possible: see
/// `packed`.
#[derive(Clone)]
pub struct Registration {
    file: Arc<str>,
    text: Box<str>,
    /// Where the `id`, the `url`, the sender and what else there is end in the text.
    ends: [u32; 4],
    table: Table,
    sender_place: Place,
    url_place: Place,
    hs_token_place: Place,
    source: Option<SourceDigest>,
    content: ContentHash,
    as_token: TokenDigest,
    hs_token: TokenDigest,
    has_url: bool,
    sender_is_whole: bool,
    rate_limited: bool,
    rare: Option<Box<Rare>>,
}

/// What few registrations have.
#[derive(Clone, Debug, Default)]
struct Rare {
    protocols: Box<[Box<str>]>,
    proxy_prefix: Option<Box<str>>,
    warnings: Box<[Warning]>,
    /// All other keys, where they would not be the same if they were read from text.
    extra: Option<Box<Map<String, Value>>>,
}

/// Which of the texts.
#[derive(Clone, Copy)]
enum Text {
    Id,
    Url,
    Sender,
    Extra,
}

impl From<Parts> for Registration {
    fn from(parts: Parts) -> Self {
        let mut packing = Packing::default();
        let extra = parts.extra.as_deref().filter(|extra| extra.values().all(is_text_again));
        let extra_text = extra.map(|extra| Value::Object(extra.clone()).to_string());
        let texts = [&*parts.id, parts.url.as_deref().unwrap_or_default(), &*parts.sender_localpart];
        let [id, url, sender] = texts.map(|text| packing.put(text));
        let ends = [id, url, sender, packing.put(extra_text.as_deref().unwrap_or_default())];
        let table = packing.entries(&parts.namespaces);
        let extra = parts.extra.filter(|_| extra_text.is_none());
        let rare =
            Rare { protocols: parts.protocols, proxy_prefix: parts.proxy_prefix, warnings: parts.warnings, extra };
        let is_common = rare.protocols.is_empty()
            && rare.proxy_prefix.is_none()
            && rare.warnings.is_empty()
            && rare.extra.is_none();
        Self {
            file: parts.file,
            text: packing.done(),
            ends,
            table,
            sender_place: parts.sender_place,
            url_place: parts.url_place,
            hs_token_place: parts.hs_token_place,
            source: parts.source,
            content: parts.content,
            as_token: parts.as_token,
            hs_token: parts.hs_token,
            has_url: parts.url.is_some(),
            sender_is_whole: parts.sender_is_whole,
            rate_limited: parts.rate_limited,
            rare: (!is_common).then(|| Box::new(rare)),
        }
    }
}

/// Whether a value is the same when it is written as JSON and read again: what is read of a fraction may differ in its last
/// digit.
fn is_text_again(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(values) => values.iter().all(is_text_again),
        Value::Object(map) => map.values().all(is_text_again),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

impl Registration {
    /// The parts of it, to make another of.
    #[must_use]
    pub fn parts(&self) -> Parts {
        let rare = self.rare.as_deref().cloned().unwrap_or_default();
        Parts {
            file: Arc::clone(&self.file),
            source: self.source,
            content: self.content,
            id: self.id().into(),
            url: self.url().map(Into::into),
            sender_localpart: self.sender_localpart().into(),
            sender_is_whole: self.sender_is_whole,
            sender_place: self.sender_place,
            url_place: self.url_place,
            hs_token_place: self.hs_token_place,
            as_token: self.as_token,
            hs_token: self.hs_token,
            namespaces: self.table.unpacked(&self.text),
            protocols: rare.protocols,
            rate_limited: self.rate_limited,
            proxy_prefix: rare.proxy_prefix,
            extra: self.extra().map(Box::new),
            warnings: rare.warnings,
        }
    }

    /// The same, read from these bytes.
    pub(crate) fn read_from(self, source: SourceDigest, content: ContentHash) -> Self {
        Self { source: Some(source), content, ..self }
    }

    fn text(&self, which: Text) -> &str {
        let start = (which as usize).checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[which as usize] as usize]
    }

    /// The file it came from, as it is shown.
    #[must_use]
    pub const fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// The bytes it was read from; `None` where no file was.
    #[must_use]
    pub const fn source(&self) -> Option<SourceDigest> {
        self.source
    }

    /// Recognizes the bytes that it was read from.
    #[must_use]
    pub const fn content(&self) -> ContentHash {
        self.content
    }

    /// The `id`, unique among the loaded registrations.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text(Text::Id)
    }

    /// Where the homeserver reaches the service, without user info; `None` for an explicit null.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.has_url.then(|| self.text(Text::Url))
    }

    /// The localpart of the service's own user.
    #[must_use]
    pub fn sender_localpart(&self) -> &str {
        self.text(Text::Sender)
    }

    /// Whether `sender_localpart` was written as a whole ID, where a homeserver makes that account and does not know it for the
    /// service's own any more.
    #[must_use]
    pub const fn sender_is_whole(&self) -> bool {
        self.sender_is_whole
    }

    /// Where the value of `sender_localpart` begins.
    #[must_use]
    pub const fn sender_place(&self) -> Place {
        self.sender_place
    }

    /// Where the value of `url` begins, where that is known.
    #[must_use]
    pub const fn url_place(&self) -> Place {
        self.url_place
    }

    /// Where the value of `hs_token` begins.
    #[must_use]
    pub const fn hs_token_place(&self) -> Place {
        self.hs_token_place
    }

    /// Recognizes the `as_token`.
    #[must_use]
    pub const fn as_token(&self) -> TokenDigest {
        self.as_token
    }

    /// Recognizes the `hs_token`, so that two files with the same can be told.
    #[must_use]
    pub const fn hs_token(&self) -> TokenDigest {
        self.hs_token
    }

    /// What the service claims of a kind, in file order.
    #[must_use]
    pub fn entries(&self, kind: Kind) -> Entries<'_> {
        self.table.of(kind, &self.text)
    }

    /// The `protocols`.
    #[must_use]
    pub fn protocols(&self) -> &[Box<str>] {
        self.rare.as_ref().map_or(&[], |rare| &rare.protocols)
    }

    /// Whether the service's users are rate limited: true unless the file says false.
    #[must_use]
    pub const fn rate_limited(&self) -> bool {
        self.rate_limited
    }

    /// The proxy prefix of MSC4512 without trailing slashes, for the comparison with other files.
    #[must_use]
    pub fn proxy_prefix(&self) -> Option<&str> {
        self.rare.as_ref()?.proxy_prefix.as_deref()
    }

    /// All other keys, as they are shown: secrets redacted.
    #[must_use]
    pub fn extra(&self) -> Option<Map<String, Value>> {
        match self.text(Text::Extra) {
            "" => self.rare.as_ref()?.extra.as_deref().cloned(),
            // It was written by the same library, so that it can be read.
            text => serde_json::from_str(text).ok(),
        }
    }

    /// What is not wrong enough to refuse the file.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.rare.as_ref().map_or(&[], |rare| &rare.warnings)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.parts(), f)
    }
}

/// What came of a file: a registration, or all that is wrong with it.
pub type Loaded = Result<Registration, Vec<Fault>>;
