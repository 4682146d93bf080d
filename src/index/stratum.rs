use std::collections::HashMap;
use std::sync::Arc;

use super::layer::Layer;
use super::position::ServicePos;
use super::scratch::Engines;
use super::{Hit, Size};
use crate::homeserver::Homeserver;
use crate::matrix::MatrixId;
use crate::registration::Registration;

/// A layer, and where its services stand now.
#[derive(Clone, Debug)]
pub(super) struct Stratum {
    layer: Arc<Layer>,
    /// For each slot of the layer the position of its service, or `None` if that is no longer there.
    positions: Vec<Option<ServicePos>>,
}

/// The registrations that do not stand where they stood before, by where they are in memory, and where they stand now.
pub(super) type Moved = HashMap<*const Registration, ServicePos>;

impl Stratum {
    /// Builds a layer of the registrations at these positions.
    pub(super) fn new(
        homeserver: &Homeserver,
        registrations: &[Arc<Registration>],
        positions: impl Iterator<Item = ServicePos>,
    ) -> Self {
        let positions: Vec<_> = positions.map(Some).collect();
        let own = positions.iter().flatten().map(|at| Arc::clone(&registrations[at.index()])).collect();
        Self { layer: Arc::new(Layer::new(homeserver, own)), positions }
    }

    /// The same layer under a changed set. Who is found in `moved` is taken out of it.
    pub(super) fn under(&self, registrations: &[Arc<Registration>], moved: &mut Moved) -> Self {
        let now = |(registration, at): (&Arc<Registration>, &Option<ServicePos>)| {
            at.filter(|at| stands(registration, *at, registrations))
                .or_else(|| moved.remove(&Arc::as_ptr(registration)))
        };
        let positions = self.layer.registrations().iter().zip(&self.positions).map(now).collect();
        Self { layer: Arc::clone(&self.layer), positions }
    }

    /// The positions whose registrations stand there now as they did before.
    pub(super) fn unmoved<'s>(
        &'s self,
        registrations: &'s [Arc<Registration>],
    ) -> impl Iterator<Item = ServicePos> + 's {
        let slots = self.layer.registrations().iter().zip(&self.positions);
        slots.filter_map(|(registration, at)| at.filter(|at| stands(registration, *at, registrations)))
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> usize {
        self.positions.len()
    }

    /// How many of them have lost their service.
    pub(super) fn gone(&self) -> usize {
        self.positions.iter().filter(|at| at.is_none()).count()
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
        Size { bytes: size.bytes + self.positions.capacity() * size_of::<Option<ServicePos>>(), ..size }
    }
}

/// Whether a registration stands at a position.
fn stands(registration: &Arc<Registration>, at: ServicePos, registrations: &[Arc<Registration>]) -> bool {
    registrations.get(at.index()).is_some_and(|now| Arc::ptr_eq(now, registration))
}
