//! From an ID to the services that are interested in it.
//!
//! A pattern is taken apart into paths (`path`): a literal prefix, conditions, and what is left. The prefixes stand
//! in one trie, which yields all prefixes of an ID in one walk; what is left is run as an automaton, of which each
//! distinct one is kept once (`check`). Where a prefix says nothing, or the same for too many, a path is found by the
//! rarest literal that it holds, all literals in one Aho–Corasick pass; what holds none goes into one automaton that is
//! made deterministic as texts need it (`scattered`). So the cost of a question grows with the ID and with what claims
//! it, hardly with the set.
//!
//! Knows no HTTP, no files, no YAML.

mod check;
mod layer;
mod multi;
mod residual;
mod scattered;
mod table;
mod trie;

use std::collections::HashMap;
use std::sync::Arc;

pub use check::StepBudget;
use layer::Layer;

use crate::homeserver::Homeserver;
use crate::matrix::MatrixId;
use crate::registration::Registration;

/// What one service has to do with an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hit {
    /// The service, as its position among the registrations that the index was built from.
    pub service: u32,
    /// What makes it interested.
    pub via: Via,
}

/// What makes a service interested in an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// The ID is the service's own user; this outranks its entries.
    Sender,
    /// The first entry of the ID's kind, in file order, that matches.
    Entry {
        /// Its position in the list.
        position: u32,
        /// Whether it counts as matching only because its step limit ran out.
        step_limit: bool,
    },
}

/// From an ID to the services that are interested in it. Immutable.
///
/// After a change only what is new is built: a second, small layer over the large one, in which what has gone is left
/// out of the answers. When the second grows, both become one.
#[derive(Clone, Debug)]
pub struct Index {
    /// The large layer and the small one.
    layers: Vec<Arc<Layer>>,
    /// For each slot of each layer the position of its service now, or [`GONE`].
    positions: Vec<Vec<u32>>,
}

/// The position of a service that is no longer there.
const GONE: u32 = u32::MAX;

/// The second layer may hold so many services whatever the first holds.
const SMALL: usize = 256;
/// And, with what has gone from the first, this part of the first.
const PART: usize = 32;

/// Figures for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes that the index takes, without the registrations and without what threads cache.
    pub bytes: usize,
    /// Entries and senders in it.
    pub entries: usize,
    /// Distinct automata.
    pub automata: usize,
}

impl Index {
    /// Builds the index of registrations in load order.
    #[must_use]
    pub fn build(homeserver: &Homeserver, registrations: &[Arc<Registration>]) -> Self {
        let layer = Layer::new(homeserver, registrations.to_vec());
        Self { layers: vec![Arc::new(layer)], positions: vec![(0..positions(registrations.len())).collect()] }
    }

    /// The index of a changed set. A registration that is the same `Arc` as before is not built again.
    #[must_use]
    pub fn changed(&self, homeserver: &Homeserver, registrations: &[Arc<Registration>]) -> Self {
        let mut position_of = self.moved(registrations);
        let mut now = |layer: usize| -> Vec<u32> {
            let slots = self.layers[layer].registrations().iter().zip(&self.positions[layer]);
            slots.map(|(r, &at)| position_now(r, at, registrations, &mut position_of)).collect()
        };
        let large = &self.layers[0];
        let large_positions = now(0);
        let small_positions = (self.layers.len() > 1).then(|| now(1));
        let gone = large_positions.iter().filter(|&&at| at == GONE).count();
        let kept = large_positions.len() - gone;
        if registrations.len() - kept + gone > SMALL.max(large_positions.len() / PART) {
            return Self::build(homeserver, registrations);
        }
        let mut changed = Self { layers: vec![Arc::clone(large)], positions: vec![large_positions] };
        let unchanged = small_positions.as_ref().is_some_and(|small| !small.contains(&GONE)) && position_of.is_empty();
        match (self.layers.get(1), small_positions) {
            (Some(small), Some(positions)) if unchanged => changed.push(Arc::clone(small), positions),
            (_, small) => {
                let kept = small.into_iter().flatten().filter(|&at| at != GONE);
                let mut positions: Vec<u32> = kept.chain(position_of.into_values()).collect();
                positions.sort_unstable();
                if !positions.is_empty() {
                    let new = positions.iter().map(|&at| Arc::clone(&registrations[at as usize])).collect();
                    changed.push(Arc::new(Layer::new(homeserver, new)), positions);
                }
            }
        }
        changed
    }

    /// The registrations that do not stand where they stood before, and where they stand now.
    fn moved(&self, registrations: &[Arc<Registration>]) -> HashMap<*const Registration, u32> {
        let mut stayed = vec![false; registrations.len()];
        for (layer, positions) in self.layers.iter().zip(&self.positions) {
            for (registration, &at) in layer.registrations().iter().zip(positions) {
                if stands(registration, at, registrations) {
                    stayed[at as usize] = true;
                }
            }
        }
        let moved = (0..).zip(registrations).filter(|&(at, _)| !stayed[at as usize]);
        moved.map(|(at, registration)| (Arc::as_ptr(registration), at)).collect()
    }

    fn push(&mut self, layer: Arc<Layer>, positions: Vec<u32>) {
        self.layers.push(layer);
        self.positions.push(positions);
    }

    /// Appends one hit for each interested service, in load order. Allocates only as `hits` grows.
    pub fn lookup(&self, id: MatrixId<'_>, hits: &mut Vec<Hit>) {
        let start = hits.len();
        for (layer, positions) in self.layers.iter().zip(&self.positions) {
            layer.table(id.kind()).lookup(id.as_str(), |slot, rank, step_limit| {
                let service = positions[slot as usize];
                if service != GONE {
                    let via = match rank.checked_sub(1) {
                        None => Via::Sender,
                        Some(position) => Via::Entry { position, step_limit },
                    };
                    hits.push(Hit { service, via });
                }
            });
        }
        if hits.len() - start > 1 {
            first_of_each_service(hits, start);
        }
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> Size {
        let mut size = self.layers.iter().map(|layer| layer.size()).fold(Size::default(), Size::plus);
        size.bytes += self.positions.iter().map(|positions| positions.capacity() * size_of::<u32>()).sum::<usize>();
        size
    }
}

impl Size {
    const fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            entries: self.entries + other.entries,
            automata: self.automata + other.automata,
        }
    }
}

fn first_of_each_service(hits: &mut Vec<Hit>, start: usize) {
    hits[start..].sort_unstable();
    let mut last = None;
    let mut at = 0;
    hits.retain(|hit| {
        at += 1;
        at <= start || last.replace(hit.service) != Some(hit.service)
    });
}

/// Where a registration that stood at a position stands now, or [`GONE`]; what has moved is taken from the map.
fn position_now(
    registration: &Arc<Registration>,
    at: u32,
    registrations: &[Arc<Registration>],
    moved: &mut HashMap<*const Registration, u32>,
) -> u32 {
    if stands(registration, at, registrations) { at } else { moved.remove(&Arc::as_ptr(registration)).unwrap_or(GONE) }
}

/// Whether a registration stands at a position.
fn stands(registration: &Arc<Registration>, at: u32, registrations: &[Arc<Registration>]) -> bool {
    registrations.get(at as usize).is_some_and(|now| Arc::ptr_eq(now, registration))
}

fn positions(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(GONE)
}
