//! Which entries can meet at all.

use std::collections::{HashMap, HashSet};

use super::budget::{MAX_PAIRS_BETWEEN, MAX_PAIRS_OF_ONE, MORE_PAIRS_FOR_EACH};
use super::prepared::Prepared;
use crate::matrix::Kind;

/// An entry: the position of its registration, and its position among that registration's prepared entries.
pub(super) type EntryAt = (u32, u32);

/// What is to be compared.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Pairs of entries; the one of the service earlier in load order is first.
    pub(super) found: Vec<(EntryAt, EntryAt)>,
    /// How many pairs there are beyond the limits, at most, by services.
    pub(super) left: HashMap<(u32, u32), u64>,
}

/// The entries of one service that have a prefix in common.
struct Group<'p> {
    prefix: &'p [u8],
    service: u32,
    /// The entries, and whether they are exclusive.
    entries: Vec<(u32, bool)>,
}

impl Group<'_> {
    fn exclusive(&self) -> u64 {
        self.entries.iter().filter(|(_, exclusive)| *exclusive).count() as u64
    }
}

/// All pairs of entries of different services that are to be compared: one prefix is a prefix of the other, at least one
/// is exclusive, and `wanted` says that the pair of services is of interest.
pub(super) fn pairs(prepared: &[impl AsRef<Prepared>], wanted: impl Fn(u32, u32) -> bool) -> Pairs {
    let mut chosen = Chosen {
        found: HashSet::new(),
        between: HashMap::new(),
        of_one: vec![0; prepared.len()],
        most_of_one: MAX_PAIRS_OF_ONE + MORE_PAIRS_FOR_EACH * prepared.len() as u64,
        left: HashMap::new(),
    };
    for kind in Kind::ALL {
        let groups = groups(prepared, kind);
        // In their order all that a prefix begins follows it; the stack holds the prefixes of the one at hand.
        let mut stack: Vec<&Group<'_>> = Vec::new();
        for group in &groups {
            while stack.last().is_some_and(|shorter| !group.prefix.starts_with(shorter.prefix)) {
                stack.pop();
            }
            for other in &stack {
                if other.service != group.service && wanted(other.service, group.service) {
                    chosen.take(other, group);
                }
            }
            stack.push(group);
        }
    }
    let mut found: Vec<_> = chosen.found.into_iter().collect();
    found.sort_unstable();
    Pairs { found, left: chosen.left }
}

/// In the order of prefixes.
fn groups(prepared: &[impl AsRef<Prepared>], kind: Kind) -> Vec<Group<'_>> {
    let mut prefixes: Vec<(&[u8], EntryAt, bool)> = Vec::new();
    for (service, one) in (0..).zip(prepared) {
        for (at, entry) in (0..).zip(&one.as_ref().entries) {
            if entry.kind == kind && entry.compared {
                prefixes.extend(entry.prefixes.iter().map(|prefix| (&**prefix, (service, at), entry.exclusive)));
            }
        }
    }
    prefixes.sort_unstable();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (prefix, (service, at), exclusive) in prefixes {
        match groups.last_mut().filter(|group| group.prefix == prefix && group.service == service) {
            Some(group) => group.entries.push((at, exclusive)),
            None => groups.push(Group { prefix, service, entries: vec![(at, exclusive)] }),
        }
    }
    groups
}

/// The pairs so far, and how many there are of each.
struct Chosen {
    found: HashSet<(EntryAt, EntryAt)>,
    between: HashMap<(u32, u32), u64>,
    of_one: Vec<u64>,
    most_of_one: u64,
    left: HashMap<(u32, u32), u64>,
}

impl Chosen {
    fn take(&mut self, a: &Group<'_>, b: &Group<'_>) {
        let services = (a.service.min(b.service), a.service.max(b.service));
        let (count_a, count_b) = (a.entries.len() as u64, b.entries.len() as u64);
        let all = count_a * count_b - (count_a - a.exclusive()) * (count_b - b.exclusive());
        if all == 0 {
            return;
        }
        let between = self.between.entry(services).or_default();
        let [of_a, of_b] = [a, b].map(|group| self.of_one[group.service as usize]);
        let room = (MAX_PAIRS_BETWEEN - *between).min(self.most_of_one.saturating_sub(of_a.max(of_b)));
        let (mut seen, mut new) = (0, 0);
        'all: for &(at_a, exclusive_a) in &a.entries {
            for &(at_b, exclusive_b) in &b.entries {
                if !exclusive_a && !exclusive_b {
                    continue;
                }
                if new == room {
                    break 'all;
                }
                seen += 1;
                let (one, other) = ((a.service, at_a), (b.service, at_b));
                new += u64::from(self.found.insert((one.min(other), one.max(other))));
            }
        }
        *between += new;
        for group in [a, b] {
            self.of_one[group.service as usize] += new;
        }
        if seen < all {
            *self.left.entry(services).or_default() += all - seen;
        }
    }
}
