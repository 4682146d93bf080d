use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::homeserver::First;
use crate::index::{Common, ServicePos};
use crate::list::List;
use crate::registration::{Registration, TokenDigest};

/// Where the service with an id or a token stands among the registrations.
///
/// Tables of positions: ids and tokens are compared where they are, in the registrations, so that a table of a hundred
/// thousand takes half a megabyte. Whatever a table says is compared with what stands at that place in the set that is asked about, so
/// that it may say more than is true: who has another id by now is not taken out, and is not found by the old one either. So the large
/// tables stay as they are from set to set, and beside them are small ones of what has come since.
#[derive(Clone, Debug)]
pub(super) struct Names {
    base: Arc<Tables>,
    recent: Tables,
    hasher: RandomState,
}

#[derive(Clone, Debug, Default)]
struct Tables {
    ids: HashTable<ServicePos>,
    tokens: HashTable<ServicePos>,
}

type Registrations = List<Registration>;

/// When more than this part of a set has changed, or of what the tables say is not true any more, its names are tabled afresh.
const AFRESH_SHARE: usize = 32;

/// So many may be in the small tables, whatever the set holds; and as many as the root of twice that: the small ones are copied for each
/// set, and the large ones whenever these are full, which is least there for both together (as for the layers of the index).
const RECENT: usize = 32;

impl Names {
    pub(super) fn new(registrations: &Registrations) -> Self {
        let size = registrations.len();
        let hasher = RandomState::new();
        let mut base = Tables { ids: HashTable::with_capacity(size), tokens: HashTable::with_capacity(size) };
        (0..size).for_each(|at| base.insert(&hasher, registrations, ServicePos::new(at)));
        Self { base: Arc::new(base), recent: Tables::default(), hasher }
    }

    /// The names of another set, of which most stands where it stood before, or all behind some place as far from there.
    pub(super) fn updated(&self, before: &Registrations, after: &Registrations, common: Common) -> Self {
        self.updated_within(RECENT.max((2 * after.len()).isqrt()), before, after, common)
    }

    fn updated_within(&self, most: usize, before: &Registrations, after: &Registrations, common: Common) -> Self {
        let (gone, come) = (common.gone(), common.come());
        // What stands between the two ends and is the same at the same place is left alone.
        let in_place = |at: &usize| gone.len() == come.len() && Registration::ptr_eq(&before[*at], &after[*at]);
        let come: Vec<ServicePos> = come.clone().filter(|at| !in_place(at)).map(ServicePos::new).collect();
        let afresh = after.len() / AFRESH_SHARE;
        if come.len() > afresh || gone.len() > come.len() + afresh {
            return Self::new(after);
        }
        let mut names = self.clone();
        if common.moves_some() {
            names.merge(before);
            Arc::make_mut(&mut names.base).move_all(before.len(), common);
        }
        for at in come {
            names.insert(after, at);
        }
        if names.recent.len() > most {
            names.merge(after);
        }
        if names.base.len() > after.len() + RECENT.max(afresh) { Self::new(after) } else { names }
    }

    fn insert(&mut self, registrations: &Registrations, at: ServicePos) {
        // An edit nearly always has the names that it had.
        let (has_id, has_token) = self.base.has(&self.hasher, registrations, at);
        if !has_id {
            self.recent.insert_id(&self.hasher, registrations, at);
        }
        if !has_token {
            self.recent.insert_token(registrations, at);
        }
    }

    /// Puts what is in the small tables into the large ones.
    fn merge(&mut self, registrations: &Registrations) {
        let recent = std::mem::take(&mut self.recent);
        let base = Arc::make_mut(&mut self.base);
        let is_there = |at: &&ServicePos| at.index() < registrations.len();
        recent.ids.iter().filter(is_there).for_each(|at| base.insert_id(&self.hasher, registrations, *at));
        recent.tokens.iter().filter(is_there).for_each(|at| base.insert_token(registrations, *at));
    }

    pub(super) fn of_id(&self, registrations: &Registrations, id: &str) -> Option<ServicePos> {
        let hash = self.hasher.hash_one(id);
        let is_it = |at: &ServicePos| registrations.get(at.index()).is_some_and(|one| *one.id() == *id);
        self.base.ids.find(hash, is_it).or_else(|| self.recent.ids.find(hash, is_it)).copied()
    }

    /// Where services may have the same, the first answers to it.
    pub(super) fn of_token(
        &self,
        registrations: &Registrations,
        token: &TokenDigest,
        first: First,
    ) -> Option<ServicePos> {
        let tables = [&*self.base, &self.recent];
        let same = tables.into_iter().flat_map(|tables| tables.tokens.iter_hash(token.spread()).copied());
        let is_its = |at: &ServicePos| registrations.get(at.index()).is_some_and(|one| one.as_token() == *token);
        let same = same.filter(is_its);
        match first {
            First::Listed => same.min(),
            First::ById => same.min_by_key(|at| registrations[at.index()].id()),
        }
    }
}

impl Tables {
    /// How many entries the larger has.
    fn len(&self) -> usize {
        self.ids.len().max(self.tokens.len())
    }

    fn insert(&mut self, hasher: &RandomState, registrations: &Registrations, at: ServicePos) {
        self.insert_id(hasher, registrations, at);
        self.insert_token(registrations, at);
    }

    /// Whether the one at a place is found by its id, and by its token.
    fn has(&self, hasher: &RandomState, registrations: &Registrations, at: ServicePos) -> (bool, bool) {
        let hash = |of: Hash<'_>| of(registrations, at);
        let is_it = |known: &ServicePos| *known == at;
        let id = self.ids.find(hash(&of_id(hasher)), is_it);
        (id.is_some(), self.tokens.find(hash(&of_token), is_it).is_some())
    }

    fn insert_id(&mut self, hasher: &RandomState, registrations: &Registrations, at: ServicePos) {
        put(&mut self.ids, &of_id(hasher), registrations, at);
    }

    fn insert_token(&mut self, registrations: &Registrations, at: ServicePos) {
        put(&mut self.tokens, &of_token, registrations, at);
    }

    /// Moves what stands behind what differs, in a set of so many before.
    fn move_all(&mut self, size: usize, common: Common) {
        let there = |at: ServicePos| (at.index() < size).then_some(at);
        let moved = |at: &mut ServicePos| *at = there(*at).and_then(|at| common.now(at)).unwrap_or(*at);
        self.ids.iter_mut().for_each(moved);
        self.tokens.iter_mut().for_each(moved);
    }
}

/// The hash of a name of the one at a place, whatever it is if there is none.
type Hash<'h> = &'h dyn Fn(&Registrations, ServicePos) -> u64;

fn of_id(hasher: &RandomState) -> impl Fn(&Registrations, ServicePos) -> u64 {
    |registrations, at| registrations.get(at.index()).map_or(0, |one| hasher.hash_one(one.id()))
}

fn of_token(registrations: &Registrations, at: ServicePos) -> u64 {
    registrations.get(at.index()).map_or(0, |one| one.as_token().spread())
}

/// Puts a place into a table, once.
fn put(table: &mut HashTable<ServicePos>, hash: Hash<'_>, registrations: &Registrations, at: ServicePos) {
    let entry = table.entry(hash(registrations, at), |known| *known == at, |&at| hash(registrations, at));
    entry.or_insert(at);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::registration::{self, Token, TokenHasher};

    fn registration(hasher: &TokenHasher, id: usize, token: usize) -> Registration {
        let file = json!({
            "id": format!("as{id}"), "as_token": format!("as-token-{token}"), "hs_token": "h", "sender_localpart": "s",
            "url": null, "namespaces": {},
        });
        let loaded = registration::load(&"test.yaml".into(), file.to_string().as_bytes(), hasher);
        loaded.expect("a registration that loads")
    }

    #[test]
    fn of_two_with_one_token_the_first_in_the_order_of_the_homeserver_answers() {
        let hasher = TokenHasher::new();
        // `as2` is listed first.
        let set = List::from(vec![registration(&hasher, 2, 0), registration(&hasher, 1, 0)]);
        let names = Names::new(&set);
        let answers = |first| names.of_token(&set, &set[0].as_token(), first);
        assert_eq!(answers(First::Listed), Some(ServicePos::new(0)));
        assert_eq!(answers(First::ById), Some(ServicePos::new(1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn updated_names_are_as_good_as_new_ones(
            size in 1..200_usize,
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize), 0..12),
        ) {
            let hasher = TokenHasher::new();
            let mut set: Vec<_> = (0..size).map(|at| registration(&hasher, at, at)).collect();
            let listed = |set: &Vec<Registration>| List::from(set.clone());
            let mut names = Names::new(&listed(&set));
            for (pick, what) in changes {
                let before = set.clone();
                match (pick.index(set.len() + 1), what) {
                    (at, 0) if at < set.len() => drop(set.swap_remove(at)),
                    (at, 3) if at < set.len() => drop(set.remove(at)),
                    // Two swap their ids, so that no name is new and none is free.
                    (at, 1) if at + 1 < set.len() => set.swap(at, at + 1),
                    (at, _) if at < set.len() => set[at] = registration(&hasher, 1_000 + at, 1_000 + at),
                    _ => set.push(registration(&hasher, 2_000 + set.len(), 2_000 + set.len())),
                }
                let distinct: std::collections::HashSet<_> = set.iter().map(|one| one.id().to_owned()).collect();
                if distinct.len() != set.len() {
                    set = before;
                    continue;
                }
                let (before, after) = (listed(&before), listed(&set));
                names = names.updated_within(2, &before, &after, Common::of(&before, &after));
                let fresh = Names::new(&after);
                for number in [0, 1_000, 2_000].into_iter().flat_map(|start| start..start + size + 12) {
                    let id = format!("as{number}");
                    let token = hasher.digest(&Token::new(format!("as-token-{number}")));
                    prop_assert_eq!(names.of_id(&after, &id), fresh.of_id(&after, &id), "{}", id);
                    for first in [First::Listed, First::ById] {
                        let of = |names: &Names| names.of_token(&after, &token, first);
                        prop_assert_eq!(of(&names), of(&fresh), "{}", id);
                    }
                }
            }
        }
    }
}
