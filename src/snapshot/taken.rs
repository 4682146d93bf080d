use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::{Good, Unique};
use crate::homeserver::Dialect;
use crate::registration::{Registration, TokenDigest};

/// Whom a registration collides with, by position, and in what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Collision {
    pub(super) with: usize,
    pub(super) what: Unique,
}

/// Those that want something that another of them wants too and that only one can have.
pub(super) fn wanted_twice(goods: &[(usize, &Good)], dialect: Dialect) -> BTreeSet<usize> {
    let hasher = RandomState::new();
    let ids = || repeated(goods, Registration::id, |id| hasher.hash_one(id));
    let tokens = || {
        if dialect.shares_tokens() {
            return BTreeSet::new();
        }
        repeated(goods, Registration::as_token, TokenDigest::spread)
    };
    let (mut twice, tokens) = rayon::join(ids, tokens);
    twice.extend(tokens);
    overlapping(goods.iter().filter_map(|&(at, good)| Some((at, good.registration.proxy_prefix()?))), &mut twice);
    twice
}

/// Those that have the same as another. Of a million a table of all that they have would take some 50 MB, and one of where it stands takes 19.
fn repeated<'g, K: Eq>(
    goods: &[(usize, &'g Good)],
    key: impl Fn(&'g Registration) -> K,
    hash: impl Fn(&K) -> u64,
) -> BTreeSet<usize> {
    let key = |number: &usize| key(&goods[*number].1.registration);
    let (mut first, mut twice) = (HashTable::with_capacity(goods.len()), BTreeSet::new());
    for number in 0..goods.len() {
        let own = key(&number);
        match first.entry(hash(&own), |other| key(other) == own, |other| hash(&key(other))) {
            Entry::Vacant(place) => drop(place.insert(number)),
            Entry::Occupied(other) => twice.extend([goods[*other.get()].0, goods[number].0]),
        }
    }
    twice
}

/// Those whose prefix is a beginning of another's, or begins with it.
fn overlapping<'p>(wanted: impl Iterator<Item = (usize, &'p str)>, twice: &mut BTreeSet<usize>) {
    let mut sorted: Vec<(String, usize)> = wanted.map(|(at, prefix)| (slashed(prefix), at)).collect();
    sorted.sort_unstable();
    // In this order, what a prefix begins with stands before it, and between the two only what begins so, too.
    let mut beginnings: Vec<&(String, usize)> = Vec::new();
    for one in &sorted {
        while beginnings.pop_if(|beginning| !one.0.starts_with(&beginning.0)).is_some() {}
        if let Some(beginning) = beginnings.last() {
            twice.extend([beginning.1, one.1]);
        }
        beginnings.push(one);
    }
}

/// What may be in force only once, and by whom it is taken.
#[derive(Debug)]
pub(super) struct Taken<'f> {
    dialect: Dialect,
    ids: HashMap<&'f str, usize>,
    tokens: HashMap<TokenDigest, usize>,
    /// Prefixes with a final slash, so that "overlaps" is "one begins with the other". None begins with another.
    prefixes: BTreeMap<String, usize>,
}

impl<'f> Taken<'f> {
    pub(super) fn with_capacity(files: usize, dialect: Dialect) -> Self {
        let (ids, tokens) = (HashMap::with_capacity(files), HashMap::with_capacity(files));
        Self { dialect, ids, tokens, prefixes: BTreeMap::new() }
    }

    /// Takes what is free; what is taken already stays where it is.
    pub(super) fn take(&mut self, at: usize, good: &'f Good) {
        let registration = &good.registration;
        self.ids.entry(registration.id()).or_insert(at);
        if !self.dialect.shares_tokens() {
            self.tokens.entry(registration.as_token()).or_insert(at);
        }
        if let Some(prefix) = &registration.proxy_prefix()
            && self.prefix_holders(prefix).next().is_none()
        {
            self.prefixes.insert(slashed(prefix), at);
        }
    }

    pub(super) fn release(&mut self, at: usize, good: &Good) {
        let registration = &good.registration;
        if self.ids.get(registration.id()) == Some(&at) {
            self.ids.remove(registration.id());
        }
        if self.tokens.get(&registration.as_token()) == Some(&at) {
            self.tokens.remove(&registration.as_token());
        }
        if let Some(prefix) = &registration.proxy_prefix() {
            let prefix = slashed(prefix);
            if self.prefixes.get(&prefix) == Some(&at) {
                self.prefixes.remove(&prefix);
            }
        }
    }

    /// What others have taken of what a registration needs: the `id` first, then the token, then the prefixes.
    pub(super) fn in_the_way_of(&self, at: usize, registration: &Registration) -> Vec<Collision> {
        let other = |holder: Option<&usize>| holder.copied().filter(|&holder| holder != at);
        let id = other(self.ids.get(registration.id())).map(|with| (Unique::Id, with));
        let token = other(self.tokens.get(&registration.as_token())).map(|with| (Unique::Token, with));
        let prefixes = registration.proxy_prefix().into_iter().flat_map(|prefix| self.prefix_holders(prefix));
        let prefixes = prefixes.filter(|&with| with != at).map(|with| (Unique::ProxyPrefix, with));
        id.into_iter().chain(token).chain(prefixes).map(|(what, with)| Collision { with, what }).collect()
    }

    /// Who holds a prefix that overlaps. Several may: `/a` overlaps both `/a/b` and `/a/c`.
    fn prefix_holders(&self, prefix: &str) -> impl Iterator<Item = usize> + use<'_> {
        let prefix = slashed(prefix);
        let longer: Vec<usize> = self
            .prefixes
            .range(prefix.clone()..)
            .take_while(|(taken, _)| taken.starts_with(&prefix))
            .map(holder)
            .collect();
        // None of those taken begins with another, so that at most one is a beginning of this one: the last before it.
        let shorter =
            self.prefixes.range(..prefix.clone()).next_back().filter(|(taken, _)| prefix.starts_with(&**taken));
        longer.into_iter().chain(shorter.map(holder))
    }
}

fn holder((_, &at): (&String, &usize)) -> usize {
    at
}

fn slashed(prefix: &str) -> String {
    format!("{prefix}/")
}
