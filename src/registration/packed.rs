//! How a registration lies in memory.
//!
//! There may be a million, of which each has one entry and ten strings, most of them shorter than what the allocator and two
//! counts of an `Arc<str>` take for each. So all of it lies in one piece, and whoever holds a registration holds a pointer to that:
//!
//! ```text
//!   Registration ──► count │ digests, ends of texts, flags │ file │ id │ numbers │ url │ sender │ extra, as JSON │ regexes, group_ids
//!                                └──── rare: several entries, protocols, warnings, …, if there are any
//! ```
//!
//! The numbers (places in the file, lengths of texts) are small as a rule, a line of one, and are [written](numbers) as text, a
//! character or two each. Those of an entry come first, since who asks for a claim asks for them.
//!
//! Where there are several entries, a list has what is a number of them. A text that YAML's aliases repeat thousands of
//! times lies there once, as it did in the file.
//!
//! Of the registrations of `tests/store/workload.py` each takes 256 or 272 bytes, by glibc's count; as a struct with a boxed text and a shared name they were 368.

use std::collections::HashMap;
use std::sync::Arc;

use super::numbers;
use super::{Entry, OwnedEntry, OwnedNamespaces, Place, Regex, ValidRegex};
use crate::matrix::Kind;

/// A part of a registration's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Range {
    start: u32,
    length: u32,
}

impl Range {
    fn of(self, text: &str) -> &str {
        &text[self.start as usize..][..self.length as usize]
    }
}

/// Several entries of a registration, of all kinds one behind the other; or one with a `group_id`.
#[derive(Clone, Debug)]
pub(super) struct Many {
    entries: Box<[PackedEntry]>,
    /// Where each list ends.
    ends: [u32; Kind::ALL.len()],
    /// The `group_id`s, with the positions of those that have one, in order.
    groups: Box<[(u32, Range)]>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PackedEntry {
    regex: Range,
    line: u32,
    /// The column, and whether it is exclusive, in the highest bit: a file has fewer columns than that.
    column: u32,
}

const EXCLUSIVE: u32 = 1 << 31;

/// The entries of one kind, in file order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entries<'r> {
    text: &'r str,
    entries: Listed<'r>,
    groups: &'r [(u32, Range)],
    /// How many entries of other kinds stand before them.
    before: u32,
}

#[derive(Clone, Copy, Debug)]
enum Listed<'r> {
    One(PackedEntry),
    Several(&'r [PackedEntry]),
}

impl Default for Listed<'_> {
    fn default() -> Self {
        Self::Several(&[])
    }
}

impl Listed<'_> {
    const fn all(&self) -> &[PackedEntry] {
        match self {
            Self::One(entry) => std::slice::from_ref(entry),
            Self::Several(entries) => entries,
        }
    }
}

impl<'r> Entries<'r> {
    /// The only one, whose regex is the end of a text.
    pub(super) fn one(text: &'r str, start: u32, exclusive: bool, place: Place) -> Self {
        let regex = Range { start, length: position(text.len()) - start };
        Self { text, entries: Listed::One(PackedEntry::new(regex, exclusive, place)), groups: &[], before: 0 }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.all().len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.all().is_empty()
    }

    /// The one at a position.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<Entry<'r>> {
        let entry = self.entries.all().get(position)?;
        Some(Entry {
            regex: Regex::read_before(entry.regex.of(self.text)),
            exclusive: entry.column & EXCLUSIVE != 0,
            group_id: self.group_id(position),
            place: Place { line: entry.line, column: entry.column & !EXCLUSIVE },
        })
    }

    /// The one at a position that is known to be there.
    ///
    /// # Panics
    ///
    /// If it is not.
    #[must_use]
    pub fn at(&self, position: usize) -> Entry<'r> {
        self.get(position).expect("an entry at the position")
    }

    /// All of them.
    #[must_use]
    pub fn iter(&self) -> EntriesIter<'r> {
        EntriesIter { entries: *self, left: 0..self.len() }
    }

    fn group_id(&self, position: usize) -> Option<&'r str> {
        if self.groups.is_empty() {
            return None;
        }
        let at = self.before as usize + position;
        let found = self.groups.binary_search_by_key(&at, |(of, _)| *of as usize).ok()?;
        Some(self.groups[found].1.of(self.text))
    }
}

/// Goes through the entries of one kind.
#[derive(Clone, Debug)]
pub struct EntriesIter<'r> {
    entries: Entries<'r>,
    left: std::ops::Range<usize>,
}

impl<'r> Iterator for EntriesIter<'r> {
    type Item = Entry<'r>;

    fn next(&mut self) -> Option<Entry<'r>> {
        self.entries.get(self.left.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl DoubleEndedIterator for EntriesIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.get(self.left.next_back()?)
    }
}

impl ExactSizeIterator for EntriesIter<'_> {}

impl<'r> IntoIterator for Entries<'r> {
    type Item = Entry<'r>;
    type IntoIter = EntriesIter<'r>;

    fn into_iter(self) -> EntriesIter<'r> {
        self.iter()
    }
}

impl<'r> IntoIterator for &Entries<'r> {
    type Item = Entry<'r>;
    type IntoIter = EntriesIter<'r>;

    fn into_iter(self) -> EntriesIter<'r> {
        self.iter()
    }
}

impl PackedEntry {
    const fn new(regex: Range, exclusive: bool, Place { line, column }: Place) -> Self {
        Self { regex, line, column: column & !EXCLUSIVE | if exclusive { EXCLUSIVE } else { 0 } }
    }
}

impl Many {
    /// The entries of a kind, whose texts lie in that of the registration.
    pub(super) fn of<'r>(&'r self, kind: Kind, text: &'r str) -> Entries<'r> {
        let before = (kind as usize).checked_sub(1).map_or(0, |last| self.ends[last]);
        let entries = Listed::Several(&self.entries[before as usize..self.ends[kind as usize] as usize]);
        Entries { text, entries, groups: &self.groups, before }
    }
}

/// The same entries, each by itself. A text that lies once in that of the registration is one again.
pub(super) fn unpacked<'r>(entries: impl Fn(Kind) -> Entries<'r>) -> OwnedNamespaces {
    let mut texts: HashMap<*const u8, Arc<str>> = HashMap::new();
    // What lies at different places is different, and nothing lies at a place but one text or none at all.
    let mut shared = |text: &str| {
        if text.is_empty() { "".into() } else { Arc::clone(texts.entry(text.as_ptr()).or_insert_with(|| text.into())) }
    };
    let mut list = |kind| {
        let owned = |entry: Entry<'_>| OwnedEntry {
            regex: ValidRegex::read_before(shared(entry.regex.as_str())),
            exclusive: entry.exclusive,
            group_id: entry.group_id.map(&mut shared),
            place: entry.place,
        };
        entries(kind).iter().map(owned).collect()
    };
    OwnedNamespaces { users: list(Kind::User), aliases: list(Kind::Alias), rooms: list(Kind::Room) }
}

/// The only entry of a registration, if it has one, and that without a `group_id`: as a registration of one user of a bridge is.
pub(super) fn only(namespaces: &OwnedNamespaces) -> Option<(Kind, &OwnedEntry)> {
    let mut all = Kind::ALL.into_iter().flat_map(|kind| namespaces.of(kind).iter().map(move |entry| (kind, entry)));
    match (all.next(), all.next()) {
        (Some((kind, entry)), None) if entry.group_id.is_none() => Some((kind, entry)),
        _ => None,
    }
}

/// A registration's text while it is put together.
#[derive(Default)]
pub(super) struct Packing {
    text: String,
    /// Where those texts lie that several entries may share, by where they lay before.
    shared: HashMap<*const u8, Range>,
}

impl Packing {
    /// Puts a text behind the others; where it ends.
    pub(super) fn put(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        position(self.text.len())
    }

    /// Puts numbers behind what is there.
    pub(super) fn numbers(&mut self, numbers: impl IntoIterator<Item = u32>) {
        numbers::put(&mut self.text, numbers);
    }

    /// Puts a text behind the others, unless it is there.
    fn share(&mut self, text: &Arc<str>) -> Range {
        let whole = &mut self.text;
        *self.shared.entry(text.as_ptr()).or_insert_with(|| {
            let start = position(whole.len());
            whole.push_str(text);
            Range { start, length: position(text.len()) }
        })
    }

    /// Puts the entries' texts behind the others, and says where they are; nothing, if there are none.
    pub(super) fn entries(&mut self, namespaces: &OwnedNamespaces) -> Option<Many> {
        let (mut groups, mut entries) = (Vec::new(), Vec::new());
        let ends = Kind::ALL.map(|kind| {
            for OwnedEntry { regex, exclusive, group_id, place } in namespaces.of(kind) {
                let regex = self.share(&regex.shared());
                if let Some(group) = group_id {
                    groups.push((position(entries.len()), self.share(group)));
                }
                entries.push(PackedEntry::new(regex, *exclusive, *place));
            }
            position(entries.len())
        });
        (!entries.is_empty()).then(|| Many { entries: entries.into(), ends, groups: groups.into() })
    }

    /// All of it.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

/// A position in the text or among the entries of a registration: of 16 MiB, which is the most that is read, and nothing in it
/// is put down twice.
pub(super) fn position(position: usize) -> u32 {
    u32::try_from(position).expect("a registration of less than 4 GiB")
}
