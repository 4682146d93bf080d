//! What the IDs that entries claim begin with, and the names of the services' own users, in order.
//!
//! Every ID that an entry claims begins with one of its literal prefixes. In order, all that a text begins stand side by side, so
//! that what may meet an entry is a few looks away, however many there are: one for each shorter beginning of its prefix, and
//! then all that begin with it.

use std::borrow::Cow;
use std::cmp::Ordering;

use rayon::slice::ParallelSliceMut;

use super::claimed;
use super::prepared::{PreparedEntry, Standing};
use super::slots::{Slot, Slots};
use super::sorted::Sorted;
use super::text::Text;
use crate::homeserver::Homeserver;
use crate::matrix::Kind;
use crate::registration::Registration;

/// What an entry's IDs may begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) text: Text,
    /// Whose entry it is.
    pub(super) slot: Slot,
    entry: u32,
}

/// What of an entry's number says of it what else there is to know.
const EXCLUSIVE: u32 = 1;
const STANDING: u32 = 1;

impl Row {
    /// The rows of an entry.
    pub(super) fn of(slot: Slot, entry: &PreparedEntry) -> impl Iterator<Item = Self> {
        let standing = match entry.standing {
            Standing::Compared => 0,
            Standing::Everyone => 1,
            Standing::LeftOut => 2,
        };
        let number = entry.index << (STANDING + 2) | standing << STANDING | u32::from(entry.exclusive);
        entry.prefixes.iter().map(move |prefix| Self { text: Text::from(&**prefix), slot, entry: number })
    }

    /// The position of the entry in its list.
    pub(super) const fn index(&self) -> u32 {
        self.entry >> (STANDING + 2)
    }

    pub(super) const fn is_exclusive(&self) -> bool {
        self.entry & EXCLUSIVE != 0
    }

    pub(super) const fn standing(&self) -> Standing {
        match self.entry >> STANDING & 3 {
            0 => Standing::Compared,
            1 => Standing::Everyone,
            _ => Standing::LeftOut,
        }
    }

    pub(super) const fn is_compared(&self) -> bool {
        matches!(self.standing(), Standing::Compared)
    }

    pub(super) fn order(&self, other: &Self) -> Ordering {
        let number = |row: &Self| (row.slot, row.entry);
        self.text.as_bytes().cmp(other.text.as_bytes()).then_with(|| number(self).cmp(&number(other)))
    }
}

impl Sorted<Row> {
    /// The rows of which the text begins a text, or that a text begins, in the order of their texts.
    pub(super) fn related(&self, text: &[u8]) -> impl Iterator<Item = &Row> {
        let shorter = (0..text.len()).flat_map(|end| {
            let text = &text[..end];
            self.from(move |row| row.text.as_bytes() < text).take_while(move |row| row.text.as_bytes() == text)
        });
        let text = text.to_vec();
        let first = text.clone();
        let longer = self.from(move |row| *row.text.as_bytes() < *first);
        shorter.chain(longer.take_while(move |row| row.text.as_bytes().starts_with(&text)))
    }
}

/// The services' own users, by what their IDs have between the sigil and the first colon, that one included.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners(Sorted<Slot>);

impl Owners {
    pub(super) fn change(
        &mut self,
        homeserver: &Homeserver,
        slots: &Slots,
        is_gone: Option<&impl Fn(&Slot) -> bool>,
        added: Vec<Slot>,
    ) {
        // Those that are gone stand there still while the others are put among them.
        let name = |slot: &Slot| name(homeserver, slots.get(*slot));
        self.0.change(is_gone, added, |a, b| compared(&name(a), &name(b)).then_with(|| a.cmp(b)));
    }

    /// In the order in which they are kept.
    pub(super) fn sort(homeserver: &Homeserver, slots: &Slots, owners: &mut [Slot]) {
        let name = |slot: &Slot| name(homeserver, slots.get(*slot));
        owners.par_sort_unstable_by(|a, b| compared(&name(a), &name(b)).then_with(|| a.cmp(b)));
    }

    /// All whose ID begins with a text, and perhaps some besides.
    pub(super) fn below(&self, homeserver: &Homeserver, slots: &Slots, text: &[u8]) -> Vec<Slot> {
        let Some(text) = text.strip_prefix(b"@").or_else(|| text.is_empty().then_some(text)) else { return Vec::new() };
        let end = text.iter().position(|&byte| byte == b':').map_or(text.len(), |colon| colon + 1);
        let text = &text[..end];
        let name = |slot: &Slot| name(homeserver, slots.get(*slot));
        let bytes = |name: &str| [name.as_bytes(), b":"].concat();
        let from = self.0.from(|slot| compared_with(&name(slot), text).is_lt());
        from.take_while(|slot| bytes(&name(slot)).starts_with(text)).copied().collect()
    }

    /// The beginning of the ID of a registration's own user, which others may have too.
    pub(super) fn name(homeserver: &Homeserver, registration: &Registration) -> String {
        format!("@{}:", name(homeserver, registration))
    }
}

/// What the ID of a service's own user has between the sigil and the first colon.
fn name<'r>(homeserver: &Homeserver, registration: &'r Registration) -> Cow<'r, str> {
    let localpart = registration.sender_localpart();
    let localpart = localpart.split(':').next().unwrap_or(localpart);
    claimed::key_of_text(homeserver, Kind::User, localpart)
}

fn compared(a: &str, b: &str) -> Ordering {
    a.bytes().chain([b':']).cmp(b.bytes().chain([b':']))
}

fn compared_with(a: &str, text: &[u8]) -> Ordering {
    a.bytes().chain([b':']).cmp(text.iter().copied())
}
