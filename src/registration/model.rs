use std::fmt;

use serde_json::{Map, Value};
use triomphe::HeaderSlice;

use super::numbers::Numbers;
use super::packed::{Entries, Many, Packing, only, position, unpacked};
use super::{ContentHash, Fault, Parts, Place, SourceDigest, TokenDigest, Warning};
use crate::matrix::Kind;

/// An application service as its file describes it, without its secrets. Never changed: who wants another makes it of
/// [`Registration::parts`]. A clone is the same registration, in the same memory.
///
/// There may be a million of these, so it holds only what is asked for again, in one piece of memory: see
/// `packed`.
#[derive(Clone)]
pub struct Registration(triomphe::Arc<HeaderSlice<Header, str>>);

/// What all have and is no text.
struct Header {
    content: ContentHash,
    source: Option<SourceDigest>,
    as_token: TokenDigest,
    hs_token: TokenDigest,
    rate_limited: bool,
    /// The kind of its only entry, and whether that is exclusive, where it has one and that no `group_id`.
    only: Option<(Kind, bool)>,
    /// Where the name of the file ends in the text, the `id`, and all that comes before the texts of entries.
    ends: [u32; 3],
    rare: Option<Box<Rare>>,
}

// Each word is 8 MB of a million.
const _: () = assert!(size_of::<Header>() == 120);

/// What few registrations have.
#[derive(Clone, Debug, Default)]
struct Rare {
    /// The entries, if they are not one.
    entries: Option<Many>,
    protocols: Box<[Box<str>]>,
    proxy_prefix: Option<Box<str>>,
    warnings: Box<[Warning]>,
    /// All other keys, where they would not be the same if they were read from text.
    extra: Option<Box<Map<String, Value>>>,
    sender_is_whole: bool,
}

/// Which part of the text, up to which of the ends.
#[derive(Clone, Copy)]
enum Text {
    File,
    Id,
    Middle,
}

/// What is between the `id` and the texts of entries.
struct Middle<'r> {
    sender_place: Place,
    url_place: Place,
    hs_token_place: Place,
    url: Option<&'r str>,
    sender: &'r str,
    /// All other keys, as JSON.
    extra: &'r str,
}

impl From<Parts> for Registration {
    fn from(parts: Parts) -> Self {
        let mut packing = Packing::default();
        let extra = parts.extra.as_deref().filter(|extra| extra.values().all(is_text_again));
        let extra_text = extra.map(|extra| Value::Object(extra.clone()).to_string());
        let [file, id] = [&*parts.file, &*parts.id].map(|text| packing.put(text));
        let only = only(&parts.namespaces);
        if let Some((_, entry)) = only {
            packing.numbers([entry.place.line, entry.place.column]);
        }
        for Place { line, column } in [parts.sender_place, parts.url_place, parts.hs_token_place] {
            packing.numbers([line, column]);
        }
        let url = parts.url.as_deref().map_or(0, |url| position(url.len()) + 1);
        packing.numbers([url, position(parts.sender_localpart.len())]);
        packing.put(parts.url.as_deref().unwrap_or_default());
        packing.put(&parts.sender_localpart);
        let middle = packing.put(extra_text.as_deref().unwrap_or_default());
        let entries = match only {
            Some((_, entry)) => {
                packing.put(entry.regex.as_str());
                None
            }
            None => packing.entries(&parts.namespaces),
        };
        let header = Header {
            content: parts.content,
            source: parts.source,
            as_token: parts.as_token,
            hs_token: parts.hs_token,
            rate_limited: parts.rate_limited,
            only: only.map(|(kind, entry)| (kind, entry.exclusive)),
            ends: [file, id, middle],
            rare: Rare {
                entries,
                protocols: parts.protocols,
                proxy_prefix: parts.proxy_prefix,
                warnings: parts.warnings,
                extra: parts.extra.filter(|_| extra_text.is_none()),
                sender_is_whole: parts.sender_is_whole,
            }
            .any(),
        };
        Self(triomphe::Arc::from_header_and_str(header, packing.as_str()))
    }
}

impl Rare {
    fn any(self) -> Option<Box<Self>> {
        let Self { entries, protocols, proxy_prefix, warnings, extra, sender_is_whole } = &self;
        let is_common = entries.is_none()
            && protocols.is_empty()
            && proxy_prefix.is_none()
            && warnings.is_empty()
            && extra.is_none()
            && !sender_is_whole;
        (!is_common).then(|| Box::new(self))
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
        let rare = self.rare().cloned().unwrap_or_default();
        let Middle { sender_place, url_place, hs_token_place, url, sender, .. } = self.middle();
        Parts {
            file: self.file().into(),
            source: self.source(),
            content: self.content(),
            id: self.id().into(),
            url: url.map(Into::into),
            sender_localpart: sender.into(),
            sender_is_whole: rare.sender_is_whole,
            sender_place,
            url_place,
            hs_token_place,
            as_token: self.as_token(),
            hs_token: self.hs_token(),
            namespaces: unpacked(|kind| self.entries(kind)),
            protocols: rare.protocols,
            rate_limited: self.rate_limited(),
            proxy_prefix: rare.proxy_prefix,
            extra: self.extra().map(Box::new),
            warnings: rare.warnings,
        }
    }

    /// Whether both are one and the same, and not only alike.
    #[must_use]
    pub fn ptr_eq(a: &Self, b: &Self) -> bool {
        triomphe::Arc::ptr_eq(&a.0, &b.0)
    }

    /// Where it lies: another for each that there is at one time.
    #[must_use]
    pub fn as_ptr(this: &Self) -> *const () {
        triomphe::Arc::as_ptr(&this.0).cast()
    }

    /// The same, read from these bytes.
    pub(crate) fn read_from(mut self, source: SourceDigest, content: ContentHash) -> Self {
        match triomphe::Arc::get_mut(&mut self.0) {
            Some(own) => {
                own.header.source = Some(source);
                own.header.content = content;
                self
            }
            None => Parts { source: Some(source), content, ..self.parts() }.into(),
        }
    }

    fn rare(&self) -> Option<&Rare> {
        self.0.header.rare.as_deref()
    }

    fn text(&self, which: Text) -> &str {
        let ends = &self.0.header.ends;
        let start = (which as usize).checked_sub(1).map_or(0, |before| ends[before]);
        &self.0.slice[start as usize..ends[which as usize] as usize]
    }

    fn middle(&self) -> Middle<'_> {
        let text = self.text(Text::Middle);
        let mut numbers = Numbers::of(text);
        // Where its only entry stands comes first.
        let _ = self.0.header.only.map(|_| numbers.place());
        let [sender_place, url_place, hs_token_place] = [(); 3].map(|()| numbers.place());
        let [url, sender] = [(); 2].map(|()| numbers.number() as usize);
        let texts = &text[numbers.end()..];
        let (url_text, texts) = texts.split_at(url.saturating_sub(1));
        let (sender, extra) = texts.split_at(sender);
        Middle { sender_place, url_place, hs_token_place, url: (url > 0).then_some(url_text), sender, extra }
    }

    /// The file it came from, as it is shown.
    #[must_use]
    pub fn file(&self) -> &str {
        self.text(Text::File)
    }

    /// The bytes it was read from; `None` where no file was.
    #[must_use]
    pub fn source(&self) -> Option<SourceDigest> {
        self.0.header.source
    }

    /// Recognizes the bytes that it was read from.
    #[must_use]
    pub fn content(&self) -> ContentHash {
        self.0.header.content
    }

    /// The `id`, unique among the loaded registrations.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text(Text::Id)
    }

    /// Where the homeserver reaches the service, without user info; `None` for an explicit null.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.middle().url
    }

    /// The localpart of the service's own user.
    #[must_use]
    pub fn sender_localpart(&self) -> &str {
        self.middle().sender
    }

    /// Whether `sender_localpart` was written as a whole ID, where a homeserver makes that account and does not know it for the
    /// service's own any more.
    #[must_use]
    pub fn sender_is_whole(&self) -> bool {
        self.rare().is_some_and(|rare| rare.sender_is_whole)
    }

    /// Where the value of `sender_localpart` begins.
    #[must_use]
    pub fn sender_place(&self) -> Place {
        self.middle().sender_place
    }

    /// Where the value of `url` begins, where that is known.
    #[must_use]
    pub fn url_place(&self) -> Place {
        self.middle().url_place
    }

    /// Where the value of `hs_token` begins.
    #[must_use]
    pub fn hs_token_place(&self) -> Place {
        self.middle().hs_token_place
    }

    /// Recognizes the `as_token`.
    #[must_use]
    pub fn as_token(&self) -> TokenDigest {
        self.0.header.as_token
    }

    /// Recognizes the `hs_token`, so that two files with the same can be told.
    #[must_use]
    pub fn hs_token(&self) -> TokenDigest {
        self.0.header.hs_token
    }

    /// What the service claims of a kind, in file order.
    #[must_use]
    pub fn entries(&self, kind: Kind) -> Entries<'_> {
        let Header { only, ends: [.., middle], .. } = self.0.header;
        match only {
            Some((of, exclusive)) if of == kind => {
                let place = Numbers::of(self.text(Text::Middle)).place();
                Entries::one(&self.0.slice, middle, exclusive, place)
            }
            Some(_) => Entries::default(),
            None => {
                let entries = self.rare().and_then(|rare| rare.entries.as_ref());
                entries.map_or_else(Entries::default, |entries| entries.of(kind, &self.0.slice))
            }
        }
    }

    /// The `protocols`.
    #[must_use]
    pub fn protocols(&self) -> &[Box<str>] {
        self.rare().map_or(&[], |rare| &rare.protocols)
    }

    /// Whether the service's users are rate limited: true unless the file says false.
    #[must_use]
    pub fn rate_limited(&self) -> bool {
        self.0.header.rate_limited
    }

    /// The proxy prefix of MSC4512 without trailing slashes, for the comparison with other files.
    #[must_use]
    pub fn proxy_prefix(&self) -> Option<&str> {
        self.rare()?.proxy_prefix.as_deref()
    }

    /// All other keys, as they are shown: secrets redacted.
    #[must_use]
    pub fn extra(&self) -> Option<Map<String, Value>> {
        match self.middle().extra {
            "" => self.rare()?.extra.as_deref().cloned(),
            // It was written by the same library, so that it can be read.
            text => serde_json::from_str(text).ok(),
        }
    }

    /// What is not wrong enough to refuse the file.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.rare().map_or(&[], |rare| &rare.warnings)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.parts(), f)
    }
}

/// What came of a file: a registration, or all that is wrong with it.
pub type Loaded = Result<Registration, Vec<Fault>>;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::registration::{OwnedEntry, TokenHasher, ValidRegex, load};

    type Said = (u8, u8, bool, Option<u8>, (u32, u32));

    fn parts_of(
        texts: &[String],
        (file, id, url, sender): (u8, u8, Option<u8>, u8),
        places: [(u32, u32); 3],
        entries: &[Said],
    ) -> Parts {
        let source = "id: irc\nurl: null\nas_token: as-token-of-irc\nhs_token: hs-token-of-irc\nsender_localpart: irc\nnamespaces: {}\n";
        let mut parts = load(&"a.yaml".into(), source.as_bytes(), &TokenHasher::new()).expect("it loads").parts();
        let shared: Vec<Arc<str>> = texts.iter().map(|text| text.as_str().into()).collect();
        let text = |at: u8| Arc::clone(&shared[at as usize % shared.len()]);
        let [sender_place, url_place, hs_token_place] = places.map(|(line, column)| Place { line, column });
        parts.file = text(file);
        parts.id = (&*text(id)).into();
        parts.url = url.map(|url| (&*text(url)).into());
        parts.sender_localpart = (&*text(sender)).into();
        (parts.sender_place, parts.url_place, parts.hs_token_place) = (sender_place, url_place, hs_token_place);
        for kind in Kind::ALL {
            let of = entries.iter().filter(|(of, ..)| Kind::ALL[*of as usize % 3] == kind);
            let entry = |&(_, regex, exclusive, group, (line, column)): &Said| OwnedEntry {
                regex: ValidRegex::checked(text(regex), |_| Ok::<(), ()>(())).expect("nothing is checked"),
                exclusive,
                group_id: group.map(text),
                // Of several, the highest bit is not the column's.
                place: Place { line, column: column >> 1 },
            };
            *parts.namespaces.of_mut(kind) = of.map(entry).collect();
        }
        parts
    }

    proptest! {
        /// Whatever it says, in whatever form it lies in memory.
        #[test]
        fn it_says_what_its_parts_said(
            texts in prop::collection::vec(".{0,6}", 1..5),
            who in any::<(u8, u8, Option<u8>, u8)>(),
            places in any::<[(u32, u32); 3]>(),
            entries in prop_oneof![prop::collection::vec(any::<Said>(), 0..2), prop::collection::vec(any::<Said>(), 0..9)],
            (is_whole, rate_limited, extra, prefix) in any::<(bool, bool, Option<Option<i64>>, Option<String>)>(),
            fraction in any::<bool>(),
        ) {
            let mut parts = parts_of(&texts, who, places, &entries);
            (parts.sender_is_whole, parts.rate_limited, parts.proxy_prefix) = (is_whole, rate_limited, prefix.map(Into::into));
            parts.extra = extra.map(|value| {
                let value = value.map_or(Value::Null, |value| if fraction { serde_json::json!([0.1, value]) } else { value.into() });
                Box::new(Map::from_iter(Some((texts[0].clone(), value)).filter(|_| rate_limited)))
            });
            let said = format!("{parts:?}");
            let registration = Registration::from(parts);
            prop_assert_eq!(&format!("{:?}", registration.parts()), &said);
            prop_assert_eq!(&format!("{:?}", Registration::from(registration.parts()).parts()), &said);
        }
    }
}
