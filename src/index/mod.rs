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
mod fallback;
mod grouped;
mod hit;
mod layer;
mod lazy;
mod position;
mod residual;
mod scratch;
mod stratum;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod trie;
mod undecided;

use std::sync::Arc;

pub use hit::Hit;
pub use position::ServicePos;
pub use scratch::Scratch;

use stratum::{Moved, Stratum};

use crate::homeserver::Homeserver;
use crate::matrix::MatrixId;
use crate::registration::Registration;

/// From an ID to the services that are interested in it. Immutable.
#[derive(Clone, Debug)]
pub struct Index {
    homeserver: Homeserver,
    /// The large layer.
    base: Stratum,
    /// The small one over it: what has been added or changed since the large one was built.
    overlay: Option<Stratum>,
}

/// The overlay may hold so many services whatever the base holds.
const MAX_OVERLAY: usize = 256;
/// And, with what has gone from the base, this part of the base.
const OVERLAY_SHARE: usize = 32;

/// Figures for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes that the index takes, without the registrations and without what threads keep in their scratch memory.
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
        let all = (0..registrations.len()).map(ServicePos::new);
        let base = Stratum::new(homeserver, registrations, all);
        Self { homeserver: homeserver.clone(), base, overlay: None }
    }

    /// The index of a changed set. A registration that is the same `Arc` as before is not built again.
    #[must_use]
    pub fn updated(&self, registrations: &[Arc<Registration>]) -> Self {
        let mut moved = self.moved(registrations);
        let base = self.base.under(registrations, &mut moved);
        let overlay = self.overlay.as_ref().map(|overlay| overlay.under(registrations, &mut moved));
        let in_base = base.slots() - base.gone();
        let not_in_base = registrations.len() - in_base;
        if not_in_base + base.gone() > MAX_OVERLAY.max(base.slots() / OVERLAY_SHARE) {
            return Self::build(&self.homeserver, registrations);
        }
        let new = moved;
        let overlay = match overlay {
            Some(overlay) if new.is_empty() && overlay.gone() == 0 => Some(overlay),
            overlay => {
                let kept = overlay.iter().flat_map(Stratum::positions);
                let mut positions: Vec<ServicePos> = kept.chain(new.into_values()).collect();
                positions.sort_unstable();
                (!positions.is_empty()).then(|| Stratum::new(&self.homeserver, registrations, positions.into_iter()))
            }
        };
        Self { homeserver: self.homeserver.clone(), base, overlay }
    }

    /// The registrations that do not stand where they stood before, and where they stand now.
    fn moved(&self, registrations: &[Arc<Registration>]) -> Moved {
        let mut stayed = vec![false; registrations.len()];
        for at in self.strata().flat_map(|stratum| stratum.unmoved(registrations)) {
            stayed[at.index()] = true;
        }
        let moved = registrations.iter().enumerate().filter(|(at, _)| !stayed[*at]);
        moved.map(|(at, registration)| (Arc::as_ptr(registration), ServicePos::new(at))).collect()
    }

    /// One hit for each interested service, in load order: what decides about its claim. Allocates only as the scratch
    /// memory grows.
    pub fn lookup<'s>(&self, id: MatrixId<'_>, scratch: &'s mut Scratch) -> &'s [Hit] {
        let Scratch { hits, engines } = scratch;
        hits.clear();
        for stratum in self.strata() {
            stratum.lookup(id, engines, hits);
        }
        hit::deciding(hits);
        hits
    }

    fn strata(&self) -> impl Iterator<Item = &Stratum> {
        [&self.base].into_iter().chain(&self.overlay)
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> Size {
        self.strata().map(Stratum::size).fold(Size::default(), Size::plus)
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
