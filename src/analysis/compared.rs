//! Pairs of entries, held against each other by as many threads as there are.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::candidates::EntryAt;
use super::examiner::Examiner;
use super::limits::MAX_STEPS_OF_ONE;
use super::pair::{TooLate, collision};
use super::prepared::Prepared;
use super::{Deadline, Finding};
use crate::homeserver::Homeserver;
use crate::list::List;
use crate::registration::Registration;

/// What came of a pair of entries.
pub(super) type Compared = Result<Option<Arc<Finding>>, TooLate>;

/// So many registrations are remembered by each thread while their entries are compared. Chosen by reasoning; one that is
/// forgotten has to be taken apart again for the next pair that it is in.
const MAX_REMEMBERED: usize = 1_024;

/// Holds entries against each other, each as long as neither of the two registrations has cost too much.
pub(super) fn compare(
    homeserver: &Homeserver,
    registrations: &List<Registration>,
    pairs: &[(EntryAt, EntryAt)],
    deadline: &Deadline,
) -> Vec<Compared> {
    let services = pairs.iter().flat_map(|(a, b)| [a.service, b.service]);
    let spent: HashMap<usize, AtomicU64> = services.map(|service| (service, AtomicU64::new(0))).collect();
    let compare = |(examiner, seen): &mut (Examiner<'_>, Seen), &(a, b): &(EntryAt, EntryAt)| {
        let spent = [a, b].map(|entry| &spent[&entry.service]);
        if examiner.is_spent() || spent.iter().any(|spent| spent.load(Ordering::Relaxed) > MAX_STEPS_OF_ONE) {
            return Err(TooLate);
        }
        let before = examiner.steps();
        let [of_a, of_b] = [a, b].map(|entry| seen.prepared(examiner, entry.service, &registrations[entry.service]));
        let entries = (of_a.entry(a.kind, a.index), of_b.entry(b.kind, b.index));
        let (Some(first), Some(second)) = entries else { return Err(TooLate) };
        let collision = collision(examiner, first, second);
        let steps = examiner.steps() - before;
        for spent in spent {
            spent.fetch_add(steps, Ordering::Relaxed);
        }
        collision.map(|finding| finding.map(Arc::new))
    };
    let begin = || (Examiner::new(homeserver, deadline), Seen::default());
    pairs.par_iter().with_min_len(8).map_init(begin, compare).collect()
}

/// Registrations that have been taken apart.
#[derive(Default)]
pub(super) struct Seen(HashMap<usize, Arc<Prepared>>);

impl Seen {
    /// The registration at a place.
    pub(super) fn prepared(
        &mut self,
        examiner: &mut Examiner<'_>,
        place: usize,
        registration: &Registration,
    ) -> Arc<Prepared> {
        if self.0.len() >= MAX_REMEMBERED && !self.0.contains_key(&place) {
            self.0.clear();
        }
        let prepare = || Arc::new(Prepared::again(examiner, registration));
        Arc::clone(self.0.entry(place).or_insert_with(prepare))
    }
}
