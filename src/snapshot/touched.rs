//! Which IDs a change touches.
//!
//! Somebody who keeps answers must learn which of them are no longer right. That is told per service, as what the IDs begin
//! with ([`Beginning`]): every ID whose answer differs begins so, and some whose answer is the same do, too.
//!
//! An *answer* is all that is said of an ID: who claims it, by which entry, at which file, line and column, in which
//! order; and what follows from that for whoever asks whether it may be registered. It is about the ID that it names, which
//! is not the one that was asked about when a person types capitals. What is said of an ID to a service
//! that asks in its own name depends on that service besides, so that a change to it touches all of those.
//!
//! The service of an unchanged file is not touched: it says of every ID what it said, and the order of two such services
//! is what it was, or one of them has *moved*. Of a changed one, an entry that stands as it stood at its place of the list
//! decides for the same IDs as before, unless one before it decides now or did then, and that one has changed. So what is
//! touched is what the entries match that differ, before and after. Where the specification is read in two ways, one regex
//! may keep the whole registration out of one of them, and then all of it is touched.

use std::collections::hash_map::{Entry as Slot, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::ServiceChange;
use crate::homeserver::{Homeserver, Rank};
use crate::index::Beginning;
use crate::matrix::{Kind, PerKind};
use crate::registration::Registration;
use crate::ruling::read_otherwise;

/// A service that differs between two sets, and the IDs whose answers may differ for it.
#[derive(Clone, Debug)]
pub struct Touched {
    /// The `id` of the service.
    pub as_id: Arc<str>,
    /// What became of it.
    pub change: What,
    /// What the IDs begin with, by kind.
    pub ids: PerKind<Arc<[Beginning]>>,
}

/// What became of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ServiceChangeKind)]
pub enum What {
    /// In force now and not before.
    Added,
    /// In force before and now, and something about it is different.
    Changed,
    /// In force before and not now.
    Removed,
}

/// What is touched, in bytes of memory, which is about what it takes in an answer: whoever is told of more is told to
/// start anew. 64 KiB are some 360 services (180 bytes each, the mean of 75 real files), more than an operator deploys at once and
/// less than is worth telling; and a thousand who wait can be told so much at the same time within the memory that answers may take.
pub(super) const MOST_BYTES: usize = 64 << 10;

/// What services touch that differ between two sets; `None` when that is too much to be told.
pub(super) fn touched(homeserver: &Homeserver, changes: &[ServiceChange]) -> Option<Arc<[Touched]>> {
    let mut bytes = 0;
    let touched = changes.iter().map(|change| {
        let touched = Touched::by(homeserver, change);
        bytes += touched.bytes();
        (bytes <= MOST_BYTES).then_some(touched)
    });
    touched.collect()
}

/// What is touched by several changes, one after the other; `None` when that is too much to be told.
#[must_use]
pub fn merged<'t>(all: impl IntoIterator<Item = &'t Touched>) -> Option<Vec<Touched>> {
    let mut merged: Vec<Touched> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for next in all {
        match places.entry(&*next.as_id) {
            Slot::Vacant(place) => {
                place.insert(merged.len());
                merged.push(next.clone());
            }
            Slot::Occupied(place) => merged[*place.get()].is_followed_by(next),
        }
    }
    let bytes: usize = merged.iter().map(Touched::bytes).sum();
    (bytes <= MOST_BYTES).then_some(merged)
}

impl Touched {
    fn by(homeserver: &Homeserver, change: &ServiceChange) -> Self {
        let all = |registration| claimed(homeserver, registration, |_, _| true);
        let (registration, change, ids) = match change {
            ServiceChange::Added(after) => (after, What::Added, all(after)),
            ServiceChange::Removed(before) => (before, What::Removed, all(before)),
            ServiceChange::Changed { before, after, moved } => {
                let as_a_whole = *moved || differ_as_a_whole(homeserver, before, after);
                let of = |one: &Registration, other: &Registration| {
                    claimed(homeserver, one, |kind, rank| as_a_whole || differs(kind, rank, one, other))
                };
                (after, What::Changed, both(&of(before, after), &of(after, before)))
            }
        };
        Self { as_id: registration.id().into(), change, ids }
    }

    /// What it comes to when another change to the same service follows.
    fn is_followed_by(&mut self, next: &Self) {
        self.ids = both(&self.ids, &next.ids);
        self.change = match (self.change, next.change) {
            (What::Added, What::Changed) => What::Added,
            (What::Removed, What::Added) => What::Changed,
            (_, last) => last,
        };
    }

    /// Whether the answer about an ID may differ.
    #[must_use]
    pub fn covers(&self, kind: Kind, id: &str) -> bool {
        self.ids[kind].iter().any(|beginning| beginning.covers(id))
    }

    /// The memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let texts = self.ids.values().flat_map(|of_kind| of_kind.iter());
        texts.map(|text| text.text().len() + size_of::<Beginning>()).sum::<usize>() + size_of::<Self>()
    }
}

/// What the IDs begin with that a service claims by its entries of some ranks, or its own user, by either reading.
fn claimed(
    homeserver: &Homeserver,
    registration: &Registration,
    wanted: impl Fn(Kind, Rank) -> bool,
) -> PerKind<Arc<[Beginning]>> {
    let otherwise = read_otherwise(homeserver, registration);
    PerKind::new(|kind| {
        let readings = [Some(homeserver), otherwise.as_ref()].into_iter().flatten();
        let of_each = readings.flat_map(|one| Beginning::of(one, kind, registration, |rank| wanted(kind, rank)));
        Beginning::fewest(of_each.collect()).into()
    })
}

fn both(a: &PerKind<Arc<[Beginning]>>, b: &PerKind<Arc<[Beginning]>>) -> PerKind<Arc<[Beginning]>> {
    PerKind::new(|kind| Beginning::fewest([&*a[kind], &*b[kind]].concat()).into())
}

/// Whether something about a service differs that is told with each of its claims, or asked with them: its file, who its
/// own user is, and whether the other reading knows it at all.
fn differ_as_a_whole(homeserver: &Homeserver, a: &Registration, b: &Registration) -> bool {
    let is_read_otherwise = |one| read_otherwise(homeserver, one).is_some();
    a.file() != b.file() || a.sender_localpart() != b.sender_localpart() || is_read_otherwise(a) != is_read_otherwise(b)
}

/// Whether what has a rank in one list is something else in another.
fn differs(kind: Kind, rank: Rank, one: &Registration, other: &Registration) -> bool {
    let Some(position) = rank.position() else { return one.sender_place() != other.sender_place() };
    one.entries(kind).get(position as usize) != other.entries(kind).get(position as usize)
}

#[cfg(test)]
mod tests;
