use super::position::{CheckId, Slot};
use crate::homeserver::Rank;

/// Where a path leads: what must hold behind its prefix, and whose entry then matches.
///
/// The order keeps those of one check together, so that it is run once for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) check: CheckId,
    pub(super) slot: Slot,
    pub(super) rank: Rank,
}
