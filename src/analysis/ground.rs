//! What is kept of a set so that the next one need not be looked at anew: of a registration that stays some hundred bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Finding;
use super::across::{ClaimsEveryone, Counts};
use super::beginnings::{Owners, Row};
use super::limits::Unseen;
use super::slots::{Has, Slot};
use super::sorted::Sorted;
use crate::list::List;
use crate::matrix::PerKind;
use crate::registration::Registration;

#[derive(Clone, Debug, Default)]
pub(super) struct Ground {
    /// The set.
    pub(super) registrations: List<Registration>,
    /// The slots in load order.
    pub(super) order: Vec<Slot>,
    /// What the IDs of a kind begin with that entries claim.
    pub(super) beginnings: PerKind<Sorted<Row>>,
    pub(super) owners: Owners,
    /// Those whose own user no beginning tells of (`claimed::holds_sigil_twice`).
    pub(super) odd_owners: BTreeSet<Slot>,
    /// Those with entries that may break the whole that a homeserver makes of all (`join`).
    pub(super) may_break: BTreeSet<Slot>,
    /// How many entries claim something.
    pub(super) counts: Counts,
    pub(super) everyone: BTreeMap<Slot, ClaimsEveryone>,
    /// What was not looked at in registrations by themselves.
    pub(super) unseen: BTreeMap<Slot, Unseen>,
    /// What it took long to find in registrations by themselves.
    pub(super) costly: BTreeMap<Slot, Vec<Arc<Finding>>>,
    pub(super) exposed: Slotted,
    /// What has come of pairs of registrations of which something has, the lesser slot first.
    pub(super) pairs: HashMap<(Slot, Slot), Pair>,
    /// What there is to say of those that hold a registration's own user.
    pub(super) held: HashMap<Slot, Vec<Arc<Finding>>>,
    /// What is said of tokens and addresses that several have.
    pub(super) shared: HashMap<Has, Vec<Arc<Finding>>>,
    /// What is said anew of every set.
    pub(super) always: Vec<Arc<Finding>>,
}

/// What has come of two registrations.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    /// Which of the two was earlier in load order.
    pub(super) first: Slot,
    pub(super) findings: Vec<Arc<Finding>>,
    /// How many pairs of entries were not compared, and of which of the two that is said.
    pub(super) left: u64,
    pub(super) told: Slot,
}

/// Some slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Slotted(Vec<u64>);

impl Slotted {
    pub(super) fn put(&mut self, slot: Slot) {
        let at = slot as usize / 64;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (slot % 64);
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        self.0.get(slot as usize / 64).is_some_and(|bits| bits >> (slot % 64) & 1 == 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Slot> {
        let words = (0..).step_by(64).zip(&self.0);
        words.flat_map(|(first, bits)| (0..64).filter(move |at| bits >> at & 1 == 1).map(move |at| first + at))
    }
}

impl FromIterator<Slot> for Slotted {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut all = Self::default();
        slots.into_iter().for_each(|slot| all.put(slot));
        all
    }
}
