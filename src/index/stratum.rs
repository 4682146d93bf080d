use std::collections::HashMap;
use std::sync::Arc;

use super::common::Common;

use super::layer::Layer;
use super::position::ServicePos;
use super::scratch::Engines;
use super::{Hit, Size};
use crate::homeserver::Homeserver;
use crate::list::List;
use crate::matrix::MatrixId;
use crate::registration::Registration;

/// A layer, and where its services stand now.
#[derive(Clone, Debug)]
pub(super) struct Stratum {
    layer: Arc<Layer>,
    /// For each slot of the layer the position of its service, or `None` if that is no longer there. Shared with the set before
    /// where all stand as they stood.
    positions: Arc<[Option<ServicePos>]>,
    /// How many slots have lost their service.
    gone: usize,
}

/// The registrations between what two sets have in common, by where they are in memory, and where they stand now.
pub(super) type Moved = HashMap<*const (), ServicePos>;

impl Stratum {
    /// Builds a layer of the registrations at these positions; what layers before it have built is taken from there.
    pub(super) fn new<'s>(
        homeserver: &Homeserver,
        registrations: &List<Registration>,
        positions: impl Iterator<Item = ServicePos>,
        known: impl Iterator<Item = &'s Self>,
    ) -> Self {
        let positions: Arc<[_]> = positions.map(Some).collect();
        let is_in_place = |(slot, at): (usize, &Option<ServicePos>)| at.is_some_and(|at| at.index() == slot);
        let own = if positions.len() == registrations.len() && positions.iter().enumerate().all(is_in_place) {
            // Of all that there are it is their own list, and takes no memory besides.
            registrations.clone()
        } else {
            positions.iter().flatten().map(|at| registrations[at.index()].clone()).collect()
        };
        let known: Vec<&Layer> = known.map(|stratum| &*stratum.layer).collect();
        Self { layer: Arc::new(Layer::new(homeserver, own, &known)), positions, gone: 0 }
    }

    /// The same layer under a changed set. Who is found in `moved` is taken out of it.
    pub(super) fn under(&self, common: Common, moved: &mut Moved) -> Self {
        if common.is_all_in_place() {
            return self.clone();
        }
        let mut gone = 0;
        let now = |(slot, at): (usize, &Option<ServicePos>)| {
            let stays = at.and_then(|at| common.now(at));
            let now = stays.or_else(|| moved.remove(&Registration::as_ptr(&self.layer.registrations()[slot])));
            gone += usize::from(now.is_none());
            now
        };
        let positions = self.positions.iter().enumerate().map(now).collect();
        Self { layer: Arc::clone(&self.layer), positions, gone }
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> usize {
        self.positions.len()
    }

    /// How many of them have lost their service.
    pub(super) const fn gone(&self) -> usize {
        self.gone
    }

    /// How many have one.
    pub(super) fn services(&self) -> usize {
        self.slots() - self.gone
    }

    /// The positions of its services.
    pub(super) fn positions(&self) -> impl Iterator<Item = ServicePos> {
        self.positions.iter().flatten().copied()
    }

    pub(super) fn lookup(&self, id: MatrixId<'_>, engines: &mut Engines, hits: &mut Vec<Hit>) {
        self.layer.table(id.kind()).lookup(id.as_str(), engines, |slot, rank, undecided| {
            if let Some(service) = self.positions[slot.index()] {
                hits.push(Hit { service, rank, undecided });
            }
        });
    }

    pub(super) fn size(&self) -> Size {
        let size = self.layer.size();
        Size { bytes: size.bytes + self.positions.len() * size_of::<Option<ServicePos>>(), ..size }
    }
}
