use super::position::ServicePos;
use crate::homeserver::Rank;

/// What one service has to do with an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hit {
    /// The service.
    pub service: ServicePos,
    /// What makes it interested: of what matches, that of the least rank.
    pub rank: Rank,
    /// Whether that counts as matching only because its step limit ran out, so that it could not be decided.
    pub undecided: bool,
}

/// Leaves of the hits of each service, in the order of services, the one that decides.
///
/// That is the one of the least rank. But if it is shared and only counts as matching, and a later one is exclusive, it is
/// the exclusive one: in truth the first may not match, and then the ID is held.
pub(super) fn deciding(hits: &mut Vec<Hit>) {
    if hits.len() < 2 {
        return;
    }
    hits.sort_unstable();
    hits.dedup_by(|later, kept| {
        let same = later.service == kept.service;
        if same && kept.undecided && !kept.rank.is_exclusive() && later.rank.is_exclusive() {
            *kept = *later;
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::homeserver::Precedence;

    fn hit(service: usize, position: usize, exclusive: bool, undecided: bool) -> Hit {
        let rank = Precedence::FileOrder.rank(position, exclusive);
        Hit { service: ServicePos::new(service), rank, undecided }
    }

    #[test]
    fn the_least_rank_of_each_service_decides() {
        let sender = Hit { service: ServicePos::new(0), rank: Rank::SENDER, undecided: false };
        let mut hits = vec![hit(1, 2, true, false), hit(0, 0, false, false), sender, hit(1, 1, false, false)];
        deciding(&mut hits);
        assert_eq!(hits, [sender, hit(1, 1, false, false)]);
    }

    #[test]
    fn what_matches_for_certain_comes_before_what_only_counts_as_matching() {
        let mut hits = vec![hit(0, 0, true, true), hit(0, 0, true, false)];
        deciding(&mut hits);
        assert_eq!(hits, [hit(0, 0, true, false)]);
    }

    #[test]
    fn a_shared_entry_that_could_not_be_decided_hides_no_exclusive_one() {
        for undecided in [false, true] {
            let mut hits = vec![
                hit(0, 3, true, false),
                hit(0, 2, false, false),
                hit(0, 0, false, true),
                hit(0, 1, true, undecided),
            ];
            deciding(&mut hits);
            assert_eq!(hits, [hit(0, 1, true, undecided)]);
        }
        let mut hits = vec![hit(0, 1, false, false), hit(0, 0, true, true)];
        deciding(&mut hits);
        assert_eq!(hits, [hit(0, 0, true, true)]);
    }
}
