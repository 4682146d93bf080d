//! Numbers for registrations that stay the same as long as they do, and what has changed from one set to another.
//!
//! A place in load order changes whenever something comes or goes before it, so what is kept from one set to the next speaks of
//! *slots*. They lie in pieces that a set shares with the one that comes of it.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::list::List;
use crate::registration::{Registration, TokenDigest};

/// The number of a registration.
pub(super) type Slot = u32;

/// So many slots are copied where one changes: 4 KiB, and of a million 4,000 pieces that are not.
const PIECE: usize = 256;

/// How many registrations are looked at for where two orders meet again: as many files as somebody may copy at once that come
/// side by side. Beyond that all that follow are looked up.
const WINDOW: usize = 32;

/// For at most so many prints the numbers of a piece are gone through once for each, several being compared at once; for more, each of its 512
/// numbers is looked up in a table. Reckoned: 256 comparisons take some 20 ns, and a look-up as long.
const FEW: usize = 64;

/// The registrations of a set, each in its slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    pieces: Vec<Arc<Piece>>,
    free: Vec<Slot>,
    len: usize,
}

/// Some slots that lie side by side: the registrations, and of what each should have for itself as much as tells most of them apart, so
/// that a look for another that has the same goes through numbers alone.
#[derive(Clone, Debug)]
struct Piece {
    registrations: [Option<Registration>; PIECE],
    tokens: [u32; PIECE],
    urls: [u32; PIECE],
}

impl Piece {
    const EMPTY: Self = Self { registrations: [const { None }; PIECE], tokens: [0; PIECE], urls: [0; PIECE] };

    fn put(&mut self, at: usize, registration: &Registration) {
        self.registrations[at] = Some(registration.clone());
        self.tokens[at] = print_of_token(registration);
        self.urls[at] = print_of_url(registration);
    }

    const fn prints(&self, what: Shared) -> &[u32; PIECE] {
        match what {
            Shared::Token => &self.tokens,
            Shared::Url => &self.urls,
        }
    }

    /// The slots of those that have one of some prints, this piece's first one being so.
    fn with_prints(&self, wanted: &HashSet<(Shared, u32)>, first: Slot, found: &mut Vec<(Shared, Slot)>) {
        let mut take = |what, has: &dyn Fn(u32) -> bool| {
            let all = (first..).zip(self.prints(what).iter().zip(&self.registrations));
            let those = all.filter(|(_, (print, registration))| has(**print) && registration.is_some());
            found.extend(those.map(|(slot, _)| (what, slot)));
        };
        if wanted.len() > FEW {
            let mut looked_up = |what| take(what, &|print| wanted.contains(&(what, print)));
            looked_up(Shared::Token);
            looked_up(Shared::Url);
            return;
        }
        for (what, print) in wanted {
            if self.prints(*what).contains(print) {
                take(*what, &|other| other == *print);
            }
        }
    }
}

impl Slots {
    pub(super) fn get(&self, slot: Slot) -> &Registration {
        let registration = self.pieces[slot as usize / PIECE].registrations[slot as usize % PIECE].as_ref();
        registration.expect("what is kept speaks of slots that are taken")
    }

    /// How many slots there are, taken or not.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn put(&mut self, registration: &Registration) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.len += 1;
            Slot::try_from(self.len - 1).expect("there are fewer registrations than four billion")
        });
        if slot as usize / PIECE == self.pieces.len() {
            self.pieces.push(Arc::new(Piece::EMPTY));
        }
        Arc::make_mut(&mut self.pieces[slot as usize / PIECE]).put(slot as usize % PIECE, registration);
        slot
    }

    pub(super) fn free(&mut self, slot: Slot) {
        Arc::make_mut(&mut self.pieces[slot as usize / PIECE]).registrations[slot as usize % PIECE] = None;
        self.free.push(slot);
    }

    /// Those that may have one of some tokens or addresses: all that do, and hardly any besides.
    pub(super) fn with_prints(&self, wanted: &HashSet<(Shared, u32)>) -> Vec<(Shared, Slot)> {
        let mut found = Vec::new();
        for (first, piece) in (0..).step_by(PIECE).zip(&self.pieces) {
            piece.with_prints(wanted, first, &mut found);
        }
        found
    }

    /// What tells apart the tokens and addresses of all.
    pub(super) fn prints(&self) -> impl Iterator<Item = (Shared, u32)> {
        self.pieces.iter().flat_map(|piece| {
            let taken = (0..PIECE).filter(|at| piece.registrations[*at].is_some());
            taken.flat_map(|at| [(Shared::Token, piece.tokens[at]), (Shared::Url, piece.urls[at])])
        })
    }
}

/// What each should have for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Shared {
    Token,
    Url,
}

/// What a registration has of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Has {
    Token(TokenDigest),
    Url(Box<str>),
}

impl Has {
    /// All that a registration has.
    pub(super) fn of(registration: &Registration) -> impl Iterator<Item = Self> {
        let url = url_of(registration).map(|url| Self::Url(url.into()));
        [Self::Token(registration.hs_token())].into_iter().chain(url)
    }

    /// What a registration has of a sort.
    pub(super) fn of_sort(registration: &Registration, what: Shared) -> Option<Self> {
        match what {
            Shared::Token => Some(Self::Token(registration.hs_token())),
            Shared::Url => url_of(registration).map(|url| Self::Url(url.into())),
        }
    }

    pub(super) fn print(&self) -> (Shared, u32) {
        match self {
            Self::Token(token) => (Shared::Token, low(token.spread())),
            Self::Url(url) => (Shared::Url, print_of(url)),
        }
    }
}

/// The address as it is compared; `None` if there is none.
fn url_of(registration: &Registration) -> Option<&str> {
    registration.url().map(|url| url.trim_end_matches('/')).filter(|url| !url.is_empty())
}

fn print_of_token(registration: &Registration) -> u32 {
    low(registration.hs_token().spread())
}

fn print_of_url(registration: &Registration) -> u32 {
    url_of(registration).map_or(0, print_of)
}

fn print_of(url: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    url.hash(&mut hasher);
    low(hasher.finish())
}

#[expect(clippy::cast_possible_truncation, reason = "half of it tells enough of them apart")]
const fn low(hash: u64) -> u32 {
    hash as u32
}

/// What differs between two sets in load order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// The places in the old set of those that are not in the new one, ascending.
    pub(super) gone: Vec<usize>,
    /// The places in the new set of those that are not in the old one, ascending.
    pub(super) come: Vec<usize>,
    /// Those that may not stand among the others as they did, as places in the old and the new set, ascending by the latter.
    pub(super) moved: Vec<(usize, usize)>,
}

/// What differs between two sets.
///
/// Between what they have in common at both ends they are walked through side by side, so that what comes or goes costs little however
/// far others are put off by it.
pub(super) fn difference(old: &List<Registration>, new: &List<Registration>) -> Difference {
    let (ahead, behind) = old.common_ends(new, Registration::ptr_eq);
    let (end, ends) = (old.len() - behind, new.len() - behind);
    let same = |at: usize, place: usize| at < end && place < ends && Registration::ptr_eq(&old[at], &new[place]);
    let (mut at, mut place) = (ahead, ahead);
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    while at < end || place < ends {
        if same(at, place) {
            (at, place) = (at + 1, place + 1);
            continue;
        }
        let (lost, found) = meet_again(at, place, &same).unwrap_or((end - at, ends - place));
        gone.extend(at..at + lost);
        come.extend(place..place + found);
        (at, place) = (at + lost, place + found);
    }
    let mut by_address: HashMap<*const (), usize> = HashMap::new();
    if !come.is_empty() {
        by_address.extend(gone.iter().map(|&at| (Registration::as_ptr(&old[at]), at)));
    }
    let mut moved = Vec::new();
    come.retain(|&place| {
        let before = by_address.remove(&Registration::as_ptr(&new[place]));
        moved.extend(before.map(|at| (at, place)));
        before.is_none()
    });
    if !moved.is_empty() {
        gone.retain(|at| by_address.contains_key(&Registration::as_ptr(&old[*at])));
    }
    Difference { gone, come, moved }
}

/// After how many of each the two go on alike; `None` if that is not soon.
fn meet_again(at: usize, place: usize, same: &impl Fn(usize, usize) -> bool) -> Option<(usize, usize)> {
    let one_of = |many: usize| {
        let come = same(at, place + many).then_some((0, many));
        let gone = same(at + many, place).then_some((many, 0));
        come.or(gone).or_else(|| same(at + many, place + many).then_some((many, many)))
    };
    (1..=WINDOW).find_map(one_of)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use proptest::prelude::*;

    use super::*;
    use crate::registration::{TokenHasher, load};

    fn registrations(count: usize) -> Vec<Registration> {
        let file = |at| {
            format!(
                "id: a{at}\nurl: http://a{at}/\nas_token: a\nhs_token: b{at}\nsender_localpart: a\nnamespaces: {{}}\n"
            )
        };
        let load = |at| load(&"a.yaml".into(), file(at).as_bytes(), &TokenHasher::new()).expect("it loads");
        (0..count).map(load).collect()
    }

    /// A set of some of so many, in an order that is nearly theirs.
    fn some(of: usize) -> impl Strategy<Value = Vec<usize>> {
        let all: Vec<usize> = (0..of).collect();
        let swaps = prop::collection::vec((0..of, 0..of), 0..3);
        (prop::sample::subsequence(all, 0..=of), swaps).prop_map(|(mut some, swaps)| {
            for (a, b) in swaps.into_iter().filter(|(a, b)| *a < some.len() && *b < some.len()).collect::<Vec<_>>() {
                some.swap(a, b);
            }
            some
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn what_differs_is_told(old in some(120), new in some(120)) {
            let all = registrations(120);
            let of = |some: &[usize]| some.iter().map(|&at| all[at].clone()).collect::<List<_>>();
            let (before, after) = (of(&old), of(&new));
            let found = difference(&before, &after);
            let [in_old, in_new] = [&old, &new].map(|set| set.iter().copied().collect::<HashSet<_>>());
            let gone: Vec<usize> = (0..old.len()).filter(|&at| !in_new.contains(&old[at])).collect();
            let come: Vec<usize> = (0..new.len()).filter(|&at| !in_old.contains(&new[at])).collect();
            prop_assert_eq!(&found.gone, &gone);
            prop_assert_eq!(&found.come, &come);
            for &(at, place) in &found.moved {
                prop_assert_eq!(old[at], new[place]);
            }
            // All others follow each other as they did.
            let (from, to): (BTreeSet<usize>, BTreeSet<usize>) = found.moved.iter().copied().unzip();
            let stayed = |set: &[usize], without: &[usize], moved: &BTreeSet<usize>| -> Vec<usize> {
                let stays = |at: &usize| !without.contains(at) && !moved.contains(at);
                (0..set.len()).filter(stays).map(|at| set[at]).collect()
            };
            prop_assert_eq!(stayed(&old, &gone, &from), stayed(&new, &come, &to));
        }
    }

    #[test]
    fn one_that_comes_first_puts_off_no_other() {
        let all = registrations(400);
        let without: List<_> = all[1..].iter().cloned().collect();
        let all = List::from(all);
        let found = difference(&without, &all);
        assert_eq!(found, Difference { come: vec![0], ..Difference::default() });
        let found = difference(&all, &without);
        assert_eq!(found, Difference { gone: vec![0], ..Difference::default() });
    }

    #[test]
    fn a_slot_is_taken_again_when_it_is_free() {
        let all = registrations(3);
        let mut slots = Slots::default();
        let taken: Vec<Slot> = all.iter().map(|one| slots.put(one)).collect();
        assert_eq!(taken, [0, 1, 2]);
        let before = slots.clone();
        slots.free(1);
        assert_eq!(slots.put(&all[0]), 1);
        assert!(Registration::ptr_eq(slots.get(1), &all[0]) && Registration::ptr_eq(before.get(1), &all[1]));
        let (what, print) = Has::of_sort(&all[2], Shared::Url).expect("an address").print();
        assert_eq!(slots.with_prints(&HashSet::from([(what, print)])), [(Shared::Url, 2)]);
        let of_nobody = (0..=u32::try_from(FEW).expect("few")).map(|print| (Shared::Token, print));
        let many = of_nobody.chain([(what, print)]).collect();
        assert_eq!(slots.with_prints(&many), [(Shared::Url, 2)]);
    }
}
