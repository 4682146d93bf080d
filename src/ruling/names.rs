use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::homeserver::First;
use crate::index::{Common, ServicePos};
use crate::list::List;
use crate::registration::{Registration, TokenDigest};

/// Where the service with an id or a token stands among the registrations.
///
/// Tables of positions: ids and tokens are compared where they are, in the registrations, so that a table of a hundred
/// thousand takes half a megabyte and is cheap to copy for the next set.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    ids: HashTable<ServicePos>,
    tokens: HashTable<ServicePos>,
    hasher: RandomState,
}

type Registrations = List<Arc<Registration>>;

/// When more than this part of a set has changed, its names are tabled afresh.
const AFRESH_SHARE: usize = 32;

impl Names {
    pub(super) fn new(registrations: &Registrations) -> Self {
        let mut names = Self {
            ids: HashTable::with_capacity(registrations.len()),
            tokens: HashTable::with_capacity(registrations.len()),
            hasher: RandomState::new(),
        };
        (0..registrations.len()).for_each(|at| names.insert(registrations, ServicePos::new(at)));
        names
    }

    /// The names of another set, of which most stands where it stood before, or all behind some place as far from there.
    pub(super) fn updated(&self, before: &Registrations, after: &Registrations, common: Common) -> Self {
        let (gone, come) = (common.gone(), common.come());
        // What stands between the two ends and is the same at the same place is left alone.
        let in_place = |at: &usize| gone.len() == come.len() && Arc::ptr_eq(&before[*at], &after[*at]);
        let those =
            |places: &Range<usize>| places.clone().filter(|at| !in_place(at)).map(ServicePos::new).collect::<Vec<_>>();
        let (gone, come) = (those(&gone), those(&come));
        if gone.len().max(come.len()) > after.len() / AFRESH_SHARE {
            return Self::new(after);
        }
        let mut names = self.clone();
        for at in gone {
            names.remove(before, at);
        }
        if !common.is_all_in_place() && before.len() != after.len() {
            let moved = |at: &mut ServicePos| *at = common.now(*at).unwrap_or(*at);
            names.ids.iter_mut().for_each(moved);
            names.tokens.iter_mut().for_each(moved);
        }
        for at in come {
            names.insert(after, at);
        }
        names
    }

    pub(super) fn of_id(&self, registrations: &Registrations, id: &str) -> Option<ServicePos> {
        self.ids.find(self.hash(id), |&at| *registrations[at.index()].id() == *id).copied()
    }

    /// Where services may have the same, the first answers to it.
    pub(super) fn of_token(
        &self,
        registrations: &Registrations,
        token: &TokenDigest,
        first: First,
    ) -> Option<ServicePos> {
        let same = self.tokens.iter_hash(token.spread()).copied();
        let same = same.filter(|at| registrations[at.index()].as_token() == *token);
        match first {
            First::Listed => same.min(),
            First::ById => same.min_by_key(|at| registrations[at.index()].id()),
        }
    }

    fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }

    fn insert(&mut self, registrations: &Registrations, at: ServicePos) {
        let registration = |at: ServicePos| &*registrations[at.index()];
        let hash = self.hash(registration(at).id());
        let hasher = &self.hasher;
        self.ids.insert_unique(hash, at, |&at| hasher.hash_one(registration(at).id()));
        self.tokens.insert_unique(registration(at).as_token().spread(), at, |&at| registration(at).as_token().spread());
    }

    fn remove(&mut self, registrations: &Registrations, at: ServicePos) {
        let registration = &registrations[at.index()];
        let hash = self.hash(registration.id());
        if let Ok(entry) = self.ids.find_entry(hash, |&known| known == at) {
            entry.remove();
        }
        if let Ok(entry) = self.tokens.find_entry(registration.as_token().spread(), |&known| known == at) {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::registration::{self, Token, TokenHasher};

    fn registration(hasher: &TokenHasher, id: usize, token: usize) -> Arc<Registration> {
        let file = json!({
            "id": format!("as{id}"), "as_token": format!("as-token-{token}"), "hs_token": "h", "sender_localpart": "s",
            "url": null, "namespaces": {},
        });
        let loaded = registration::load(&"test.yaml".into(), file.to_string().as_bytes(), hasher);
        Arc::new(loaded.expect("a registration that loads"))
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
            let listed = |set: &Vec<Arc<Registration>>| List::from(set.clone());
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
                names = names.updated(&before, &after, Common::of(&before, &after));
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
