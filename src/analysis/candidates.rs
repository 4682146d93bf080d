//! Which entries can meet at all.
//!
//! A hundred thousand entries make five billion pairs, of which hardly any can have an ID in common: every ID that an
//! entry claims begins with one of its literal prefixes, so two entries can only meet if a prefix of the one begins a
//! prefix of the other. Sorted, all that a prefix begins follows right behind it:
//!
//! ```text
//! sorted prefixes     the stack when it is reached
//! @                   -
//! @irc_               @
//! @irc_bot            @, @irc_
//! @tg_                @             (neither @irc_ nor @irc_bot begins it: both have been left)
//! ```
//!
//! So one walk with a stack of the prefixes that begin the one at hand (the way down a trie that is never built) finds
//! all pairs: sorting, and then one step for each pair. The prefixes of one service that are equal form one [`Group`], so
//! that a service with thousands of entries behind `@` is one step for each other and not thousands.
//!
//! How many pairs one registration gives rise to is limited ([`super::limits`]): a stranger may send one whose entries
//! meet all others and each other. What is beyond is counted and said.

use std::collections::{HashMap, HashSet};

use super::limits::{MAX_PAIRS_BETWEEN, MAX_PAIRS_OF_ONE, MORE_PAIRS_FOR_EACH};
use super::prepared::{Prepared, Standing};
use crate::matrix::Kind;

/// An entry of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct EntryAt {
    /// The position of its registration.
    pub(super) service: usize,
    /// Its position among that registration's prepared entries.
    pub(super) at: usize,
}

/// Two services, the one earlier in load order first.
pub(super) type ServicePair = (usize, usize);

/// What is to be compared.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Pairs of entries; that of the service earlier in load order is first.
    pub(super) found: Vec<(EntryAt, EntryAt)>,
    /// How many pairs there are beyond the limits, at most.
    pub(super) left: HashMap<ServicePair, u64>,
}

/// The entries of one service that have a prefix in common.
struct Group<'p> {
    prefix: &'p [u8],
    service: usize,
    entries: Vec<Member>,
}

#[derive(Clone, Copy)]
struct Member {
    at: usize,
    exclusive: bool,
}

impl Group<'_> {
    fn shared(&self) -> u64 {
        self.entries.iter().filter(|entry| !entry.exclusive).count() as u64
    }
}

/// All pairs of entries of different services that are to be compared: one prefix begins the other, at least one entry
/// is exclusive, and `wanted` says that the pair of services is of interest.
pub(super) fn pairs(prepared: &[impl AsRef<Prepared>], wanted: impl Fn(usize, usize) -> bool) -> Pairs {
    let mut chosen = Chosen {
        found: HashSet::new(),
        between: HashMap::new(),
        of_one: vec![0; prepared.len()],
        most_of_one: MAX_PAIRS_OF_ONE + MORE_PAIRS_FOR_EACH * prepared.len() as u64,
        left: HashMap::new(),
    };
    for kind in Kind::ALL {
        let groups = groups(prepared, kind);
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
    for (service, one) in prepared.iter().enumerate() {
        for (at, entry) in one.as_ref().entries.iter().enumerate() {
            if entry.kind == kind && entry.standing == Standing::Compared {
                let entry_at = EntryAt { service, at };
                prefixes.extend(entry.prefixes.iter().map(|prefix| (&**prefix, entry_at, entry.exclusive)));
            }
        }
    }
    prefixes.sort_unstable();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (prefix, EntryAt { service, at }, exclusive) in prefixes {
        let member = Member { at, exclusive };
        match groups.last_mut().filter(|group| group.prefix == prefix && group.service == service) {
            Some(group) => group.entries.push(member),
            None => groups.push(Group { prefix, service, entries: vec![member] }),
        }
    }
    groups
}

/// The pairs so far, and how many there are of each.
struct Chosen {
    found: HashSet<(EntryAt, EntryAt)>,
    between: HashMap<ServicePair, u64>,
    of_one: Vec<u64>,
    most_of_one: u64,
    left: HashMap<ServicePair, u64>,
}

impl Chosen {
    /// Takes the pairs of two groups, as many as there is room for.
    fn take(&mut self, a: &Group<'_>, b: &Group<'_>) {
        let all = a.entries.len() as u64 * b.entries.len() as u64 - a.shared() * b.shared();
        if all == 0 {
            return;
        }
        let services = (a.service.min(b.service), a.service.max(b.service));
        let (seen, new) = self.take_at_most(self.room(services), a, b);
        *self.between.entry(services).or_default() += new;
        for group in [a, b] {
            self.of_one[group.service] += new;
        }
        if seen < all {
            *self.left.entry(services).or_default() += all - seen;
        }
    }

    /// How many more pairs there may be of two services.
    fn room(&self, services: ServicePair) -> u64 {
        let between = self.between.get(&services).copied().unwrap_or_default();
        let of_one = self.of_one[services.0].max(self.of_one[services.1]);
        MAX_PAIRS_BETWEEN.saturating_sub(between).min(self.most_of_one.saturating_sub(of_one))
    }

    /// Takes pairs until so many are new; returns how many were looked at, and how many were new.
    fn take_at_most(&mut self, room: u64, a: &Group<'_>, b: &Group<'_>) -> (u64, u64) {
        let (mut seen, mut new) = (0, 0);
        for of_a in &a.entries {
            for of_b in &b.entries {
                if !of_a.exclusive && !of_b.exclusive {
                    continue;
                }
                if new == room {
                    return (seen, new);
                }
                seen += 1;
                let (one, other) =
                    (EntryAt { service: a.service, at: of_a.at }, EntryAt { service: b.service, at: of_b.at });
                new += u64::from(self.found.insert((one.min(other), one.max(other))));
            }
        }
        (seen, new)
    }
}
