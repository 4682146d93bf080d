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
//! all pairs: sorting, and then one step for each pair. Where few registrations are new, each of theirs is looked for instead.
//! The prefixes of one service that are equal form one [`Group`], so that a service with thousands of entries behind `@` is one
//! step for each other and not thousands.
//!
//! How many pairs one registration gives rise to is limited ([`super::limits`]): a stranger may send one whose entries
//! meet all others and each other. What is beyond is counted and said.

use std::collections::{HashMap, HashSet};

use super::beginnings::Row;
use super::limits::{MAX_PAIRS_BETWEEN, MAX_PAIRS_OF_ONE, MORE_PAIRS_FOR_EACH};
use super::sorted::Sorted;
use crate::matrix::Kind;

/// An entry of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct EntryAt {
    /// The place of its registration in load order.
    pub(super) service: usize,
    pub(super) kind: Kind,
    pub(super) index: u32,
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
struct Group<'r> {
    prefix: &'r [u8],
    service: usize,
    entries: Vec<Member>,
}

#[derive(Clone, Copy)]
struct Member {
    index: u32,
    exclusive: bool,
}

impl Group<'_> {
    fn shared(&self) -> u64 {
        self.entries.iter().filter(|entry| !entry.exclusive).count() as u64
    }
}

/// The pairs so far, and how many there are of each.
pub(super) struct Candidates {
    kind: Kind,
    found: HashSet<(EntryAt, EntryAt)>,
    between: HashMap<ServicePair, u64>,
    of_one: HashMap<usize, u64>,
    most_of_one: u64,
    left: HashMap<ServicePair, u64>,
}

impl Candidates {
    /// None yet, in a set of so many services.
    pub(super) fn new(services: usize) -> Self {
        Self {
            kind: Kind::User,
            found: HashSet::new(),
            between: HashMap::new(),
            of_one: HashMap::new(),
            most_of_one: MAX_PAIRS_OF_ONE + MORE_PAIRS_FOR_EACH * services as u64,
            left: HashMap::new(),
        }
    }

    /// Takes all pairs of entries of a kind that are to be compared: one prefix begins the other, at least one entry is exclusive,
    /// they are of different services, and `wanted` says that this pair of services is of interest.
    pub(super) fn all(
        &mut self,
        kind: Kind,
        rows: &Sorted<Row>,
        place: impl Fn(&Row) -> usize,
        wanted: impl Fn(usize, usize) -> bool,
    ) {
        self.kind = kind;
        let mut stack: Vec<Group<'_>> = Vec::new();
        for group in Groups::of(rows.iter().filter(|row| row.is_compared()), place) {
            while stack.last().is_some_and(|shorter| !group.prefix.starts_with(shorter.prefix)) {
                stack.pop();
            }
            for other in &stack {
                if other.service != group.service && wanted(other.service, group.service) {
                    self.take(other, &group);
                }
            }
            stack.push(group);
        }
    }

    /// The same of the entries of one service with those of some others.
    pub(super) fn of_one(
        &mut self,
        kind: Kind,
        (own, own_place): (&[Row], usize),
        rows: &Sorted<Row>,
        place: impl Fn(&Row) -> Option<usize>,
    ) {
        self.kind = kind;
        for own in Groups::of(own.iter().filter(|row| row.is_compared()), |_| own_place) {
            let others = rows.related(own.prefix).filter(|row| row.is_compared());
            for other in Groups::of_placed(others.filter_map(|row| Some((row, place(row)?)))) {
                if other.service != own_place {
                    self.take(&own, &other);
                }
            }
        }
    }

    pub(super) fn done(self) -> Pairs {
        let mut found: Vec<_> = self.found.into_iter().collect();
        found.sort_unstable();
        Pairs { found, left: self.left }
    }

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
            *self.of_one.entry(group.service).or_default() += new;
        }
        if seen < all {
            *self.left.entry(services).or_default() += all - seen;
        }
    }

    /// How many more pairs there may be of two services.
    fn room(&self, services: ServicePair) -> u64 {
        let between = self.between.get(&services).copied().unwrap_or_default();
        let of = |service| self.of_one.get(service).copied().unwrap_or_default();
        let of_one = of(&services.0).max(of(&services.1));
        MAX_PAIRS_BETWEEN.saturating_sub(between).min(self.most_of_one.saturating_sub(of_one))
    }

    /// Takes pairs until so many are new; returns how many were looked at, and how many were new.
    fn take_at_most(&mut self, room: u64, a: &Group<'_>, b: &Group<'_>) -> (u64, u64) {
        let (mut seen, mut new) = (0, 0);
        let kind = self.kind;
        for of_a in &a.entries {
            for of_b in &b.entries {
                if !of_a.exclusive && !of_b.exclusive {
                    continue;
                }
                if new == room {
                    return (seen, new);
                }
                seen += 1;
                let one = EntryAt { service: a.service, kind, index: of_a.index };
                let other = EntryAt { service: b.service, kind, index: of_b.index };
                new += u64::from(self.found.insert((one.min(other), one.max(other))));
            }
        }
        (seen, new)
    }
}

/// Rows that are side by side, as groups.
struct Groups<'r, R: Iterator<Item = (&'r Row, usize)>>(std::iter::Peekable<R>);

impl<'r> Groups<'r, std::iter::Empty<(&'r Row, usize)>> {
    fn of<R: Iterator<Item = &'r Row>>(
        rows: R,
        place: impl Fn(&Row) -> usize,
    ) -> Groups<'r, impl Iterator<Item = (&'r Row, usize)>> {
        Groups(rows.map(move |row| (row, place(row))).peekable())
    }

    fn of_placed<R: Iterator<Item = (&'r Row, usize)>>(rows: R) -> Groups<'r, R> {
        Groups(rows.peekable())
    }
}

impl<'r, R: Iterator<Item = (&'r Row, usize)>> Iterator for Groups<'r, R> {
    type Item = Group<'r>;

    fn next(&mut self) -> Option<Group<'r>> {
        let (first, service) = self.0.next()?;
        let member = |row: &Row| Member { index: row.index(), exclusive: row.is_exclusive() };
        let mut entries = vec![member(first)];
        let belongs = |(row, _): &(&Row, usize)| row.slot == first.slot && row.text == first.text;
        while let Some((row, _)) = self.0.next_if(belongs) {
            entries.push(member(row));
        }
        Some(Group { prefix: first.text.as_bytes(), service, entries })
    }
}
