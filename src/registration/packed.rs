//! How a registration lies in memory.
//!
//! There may be a million, of which each has one entry and ten strings, most of them shorter than what the allocator and two
//! counts of an `Arc<str>` take for each. So all that is text lies in one piece, one behind the other, and what is a number
//! or a digest in another:
//!
//! ```text
//!   Registration ── file (shared with what is known of it), digests, places, ends of the texts
//!        │    └──── one entry: where its regex lies in the text, where it stands in the file
//!        │          (several: a list of these, and of the group_ids that any of them has)
//!        ├──── text: id │ url │ sender_localpart │ extra, as JSON │ regexes and group_ids
//!        └──── rare: protocols, warnings, …, if there are any
//! ```
//!
//! A text that YAML's aliases repeat thousands of times lies there once, as it did in the file.

use std::collections::HashMap;
use std::sync::Arc;

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

/// The entries of a registration, of all kinds one behind the other.
#[derive(Clone, Debug, Default)]
pub(super) enum Table {
    #[default]
    None,
    /// One, without a `group_id`: as a registration of one user of a bridge is.
    One(Kind, PackedEntry),
    Many(Box<Many>),
}

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
    entries: &'r [PackedEntry],
    groups: &'r [(u32, Range)],
    /// How many entries of other kinds stand before them.
    before: u32,
}

impl<'r> Entries<'r> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The one at a position.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<Entry<'r>> {
        let entry = self.entries.get(position)?;
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

impl Table {
    /// The entries of a kind, whose texts lie in that of the registration.
    pub(super) fn of<'r>(&'r self, kind: Kind, text: &'r str) -> Entries<'r> {
        match self {
            Self::One(of, entry) if *of == kind => {
                Entries { text, entries: std::slice::from_ref(entry), groups: &[], before: 0 }
            }
            Self::None | Self::One(..) => Entries::default(),
            Self::Many(many) => {
                let before = (kind as usize).checked_sub(1).map_or(0, |last| many.ends[last]);
                let entries = &many.entries[before as usize..many.ends[kind as usize] as usize];
                Entries { text, entries, groups: &many.groups, before }
            }
        }
    }

    /// The same entries, each by itself. A text that lies here once is one again.
    pub(super) fn unpacked(&self, text: &str) -> OwnedNamespaces {
        let mut texts: HashMap<*const u8, Arc<str>> = HashMap::new();
        // What lies at different places is different, and nothing lies at a place but one text or none at all.
        let mut shared = |text: &str| {
            if text.is_empty() {
                "".into()
            } else {
                Arc::clone(texts.entry(text.as_ptr()).or_insert_with(|| text.into()))
            }
        };
        let mut list = |kind| {
            let owned = |entry: Entry<'_>| OwnedEntry {
                regex: ValidRegex::read_before(shared(entry.regex.as_str())),
                exclusive: entry.exclusive,
                group_id: entry.group_id.map(&mut shared),
                place: entry.place,
            };
            self.of(kind, text).iter().map(owned).collect()
        };
        OwnedNamespaces { users: list(Kind::User), aliases: list(Kind::Alias), rooms: list(Kind::Room) }
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

    /// Puts a text behind the others, unless it is there.
    fn share(&mut self, text: &Arc<str>, many: bool) -> Range {
        let put = |whole: &mut String| {
            let start = position(whole.len());
            whole.push_str(text);
            Range { start, length: position(text.len()) }
        };
        if many {
            *self.shared.entry(text.as_ptr()).or_insert_with(|| put(&mut self.text))
        } else {
            put(&mut self.text)
        }
    }

    /// Puts the entries' texts behind the others, and says where they are.
    pub(super) fn entries(&mut self, namespaces: &OwnedNamespaces) -> Table {
        let lists = Kind::ALL.map(|kind| namespaces.of(kind));
        let count = lists.iter().map(|list| list.len()).sum::<usize>();
        let all =
            || Kind::ALL.into_iter().zip(lists).flat_map(|(kind, list)| list.iter().map(move |entry| (kind, entry)));
        let mut groups = Vec::new();
        let mut packed = Vec::with_capacity(count);
        for (at, (_, entry)) in all().enumerate() {
            let regex = self.share(&entry.regex.shared(), count > 1);
            if let Some(group) = &entry.group_id {
                groups.push((position(at), self.share(group, count > 1)));
            }
            let exclusive = if entry.exclusive { EXCLUSIVE } else { 0 };
            let Place { line, column } = entry.place;
            packed.push(PackedEntry { regex, line, column: column & !EXCLUSIVE | exclusive });
        }
        match (all().next(), &packed[..]) {
            (None, _) => Table::None,
            (Some((kind, _)), &[entry]) if groups.is_empty() => Table::One(kind, entry),
            _ => {
                let mut end = 0;
                let ends = lists.map(|list| {
                    end += list.len();
                    position(end)
                });
                Table::Many(Box::new(Many { entries: packed.into(), ends, groups: groups.into() }))
            }
        }
    }

    pub(super) fn done(self) -> Box<str> {
        self.text.into()
    }
}

/// A position in the text or among the entries of a registration: of 16 MiB, which is the most that is read, and nothing in it
/// is put down twice.
fn position(position: usize) -> u32 {
    u32::try_from(position).expect("a registration of less than 4 GiB")
}
