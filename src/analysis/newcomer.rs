//! What a registration would do to a set, and the set to it, without a set in which it takes part.
//!
//! A stranger sends the registration, so nothing is built from it that grows with what its regexes mean: no index, no
//! automaton. What an index is asked in an analysis, who holds a service's own user, is found out here by the index of the
//! set as it is and, for the newcomer's entries, by their terms.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::across::{self, By, ClaimsEveryone, Counts, Holder};
use super::beginnings::{Owners, Row};
use super::candidates::{Candidates, Pairs};
use super::claimed;
use super::compared::Seen;
use super::examiner::{Examiner, Pass};
use super::ground::Slotted;
use super::join::{may_break, unjoinable_with};
use super::limits::{MAX_SOURCE, MAX_STEPS_OF_ONE, Unseen, listed};
use super::order;
use super::pair::{TooLate, collision};
use super::prepared::{EntryOf, Prepared, Standing};
use super::search::LimitReached;
use super::slots::{Has, Slot, difference};
use super::sorted::Sorted;
use super::{Analysis, Deadline, Finding};
use crate::homeserver::Homeserver;
use crate::index;
use crate::list::List;
use crate::matrix::{Kind, MAX_ID_BYTES, PerKind, user_id};
use crate::registration::Registration;
use crate::ruling::Services;
use python_re::{Outcome, Scratch};

/// More bytes of exclusive regexes that matter to each other than this are not joined for a question: their tree takes a hundred
/// times as much.
const MAX_JOINED: usize = 512 << 10;

/// What trying a pattern on an ID counts as, in steps: up to half a millisecond's worth, which its own limit is.
const STEPS_OF_A_TRY: u64 = 10_000;

/// The findings in which a newcomer would have a part, and what it would break, in a set that would then be in force; `services` is what is in
/// force, and `known` what is known of it. They are listed as one of so many answers. Also says how many steps that took.
pub(super) fn findings(
    services: &Services,
    known: &Analysis,
    (new, set): (&Registration, &List<Registration>),
    answers: usize,
    deadline: &Deadline,
) -> (Vec<Arc<Finding>>, u64) {
    let mut examiner = Examiner::new(services.homeserver(), deadline);
    let newcomer = Arc::new(Prepared::new(&mut examiner, new));
    let Some(place) = place_of(services, new, set) else { return (newcomer.findings.to_vec(), examiner.steps()) };
    let differs = difference(&known.ground.registrations, set);
    let mut gone: Vec<usize> = differs.gone;
    if !differs.come.contains(&place) {
        // It is known, since it is the very one that is there. What is known of it would be held against it as if it were another's.
        gone.extend(known.ground.registrations.iter().position(|one| Registration::ptr_eq(one, new)));
    }
    let gone = gone.into_iter().map(|at| known.ground.order[at]).collect();
    let mut unseen = newcomer.unseen;
    let mut strangers = Vec::new();
    for other in differs.come.into_iter().filter(|&other| other != place) {
        let prepared = Prepared::new(&mut examiner, &set[other]);
        // What is not known of others is not compared with the newcomer either.
        unseen.pairs += prepared.unseen.entries * newcomer.entries.len() as u64;
        strangers.push((other, Arc::new(prepared)));
    }
    let mut joining = Joining {
        examiner,
        services,
        known,
        set,
        newcomer,
        place,
        strangers,
        gone,
        seen: Seen::default(),
        places: OnceCell::new(),
        unseen,
        findings: Vec::new(),
        answers,
    };
    joining.collisions();
    joining.everyone();
    joining.own_user();
    joining.own_users_of_others();
    joining.shared();
    joining.joined(deadline);
    joining.done()
}

/// Where in a set a registration is: where its service stands in force, or behind all others, as a rule.
fn place_of(services: &Services, one: &Registration, set: &List<Registration>) -> Option<usize> {
    let is_there = |at: &usize| set.get(*at).is_some_and(|other| Registration::ptr_eq(other, one));
    let in_force = services.position_of_id(one.id()).map(index::ServicePos::index).filter(is_there);
    let last = set.len().checked_sub(1).filter(is_there);
    in_force.or(last).or_else(|| set.iter().position(|other| Registration::ptr_eq(other, one)))
}

/// A set with a newcomer, while it is looked at.
struct Joining<'s> {
    examiner: Examiner<'s>,
    services: &'s Services,
    known: &'s Analysis,
    set: &'s List<Registration>,
    newcomer: Arc<Prepared>,
    place: usize,
    /// Those of which nothing is known, by their places in ascending order.
    strangers: Vec<(usize, Arc<Prepared>)>,
    /// Those that are known and not in the set.
    gone: Slotted,
    seen: Seen,
    /// Where in the set each registration is, once somebody stands elsewhere than in force.
    places: OnceCell<HashMap<*const (), usize>>,
    unseen: Unseen,
    findings: Vec<Finding>,
    answers: usize,
}

impl Joining<'_> {
    /// Where in the set a registration is, if it is there.
    fn place_of(&self, registration: &Registration) -> Option<usize> {
        let is_there = |at: &usize| self.set.get(*at).is_some_and(|one| Registration::ptr_eq(one, registration));
        let in_force = self.services.position_of_id(registration.id()).map(index::ServicePos::index);
        if let Some(at) = in_force.filter(is_there) {
            return Some(at);
        }
        let all = || self.set.iter().enumerate().map(|(at, one)| (Registration::as_ptr(one), at)).collect();
        self.places.get_or_init(all).get(&Registration::as_ptr(registration)).copied()
    }

    /// The place of what is known in a slot, if it is in the set.
    fn place_of_slot(&self, slot: Slot) -> Option<usize> {
        if self.gone.has(slot) { None } else { self.place_of(self.known.findings.slots.get(slot)) }
    }

    /// The registration at a place, taken apart.
    fn prepared(&mut self, place: usize) -> Arc<Prepared> {
        if place == self.place {
            return Arc::clone(&self.newcomer);
        }
        if let Ok(at) = self.strangers.binary_search_by_key(&place, |(stranger, _)| *stranger) {
            return Arc::clone(&self.strangers[at].1);
        }
        self.seen.prepared(&mut self.examiner, place, &self.set[place])
    }

    fn collisions(&mut self) {
        let Pairs { found, left } = self.pairs();
        self.unseen.pairs += left.values().sum::<u64>();
        self.examiner.allow(MAX_STEPS_OF_ONE);
        for (a, b) in found {
            let [of_a, of_b] = [a, b].map(|entry| self.prepared(entry.service));
            let compared = match (of_a.entry(a.kind, a.index), of_b.entry(b.kind, b.index)) {
                (Some(a), Some(b)) if !self.examiner.is_spent() => collision(&mut self.examiner, a, b),
                _ => Err(TooLate),
            };
            match compared {
                Ok(finding) => self.findings.extend(finding),
                Err(TooLate) => self.unseen.pairs += 1,
            }
        }
    }

    /// The pairs of the newcomer's entries and others.
    fn pairs(&self) -> Pairs {
        let own = rows([(Slot::MAX, &*self.newcomer)]);
        let strangers = rows((0..).zip(&self.strangers).map(|(slot, (_, prepared))| (slot, &**prepared)));
        let mut candidates = Candidates::new(self.set.len());
        for kind in Kind::ALL {
            let own = (&*own[kind], self.place);
            let known = &self.known.ground.beginnings[kind];
            candidates.of_one(kind, own, known, |row| self.place_of_slot(row.slot));
            let mut unknown = Sorted::default();
            unknown.change(None::<&fn(&Row) -> bool>, strangers[kind].clone(), Row::order);
            candidates.of_one(kind, own, &unknown, |row| Some(self.strangers[row.slot as usize].0));
        }
        candidates.done()
    }

    fn everyone(&mut self) {
        let Some(everyone) = ClaimsEveryone::of(&self.newcomer) else { return };
        let mut all = self.known.ground.counts.plus(Counts::of(&self.newcomer));
        for (_, stranger) in &self.strangers {
            all = all.plus(Counts::of(stranger));
        }
        for slot in self.gone.iter() {
            let gone = Prepared::new(&mut self.examiner, self.known.findings.slots.get(slot));
            all = all.minus(Counts::of(&gone));
        }
        let dialect = self.services.homeserver().dialect;
        self.findings.extend(everyone.findings(dialect, &self.newcomer.registration, all));
    }

    /// Who holds the newcomer's own user.
    fn own_user(&mut self) {
        let new = self.newcomer.registration.clone();
        let own = sender_of(self.services.homeserver(), &new);
        for Holder { service, by } in across::holders_of_sender(self.services, &new, &mut index::Scratch::new()) {
            if let Some(place) = self.place_of(&self.services.registrations()[service]) {
                self.held(&new, place, Some(by));
            }
        }
        // Those that are not in force are not in the index.
        for place in difference(self.services.registrations(), self.set).come {
            if place != self.place {
                let other = self.prepared(place);
                let by = self.holding_of(&other, &own);
                self.held(&new, place, by);
            }
        }
    }

    /// Whose own user the newcomer would hold.
    fn own_users_of_others(&mut self) {
        let newcomer = Arc::clone(&self.newcomer);
        for place in self.owners_below() {
            let other = self.set[place].clone();
            let sender = sender_of(self.services.homeserver(), &other);
            let by = self.holding_of(&newcomer, &sender);
            self.held(&other, self.place, by);
        }
    }

    /// Those whose own user the newcomer may hold.
    fn owners_below(&self) -> BTreeSet<usize> {
        let (homeserver, ground) = (self.services.homeserver(), &self.known.ground);
        let name = Owners::name(homeserver, &self.newcomer.registration);
        let holds = self
            .newcomer
            .entries
            .iter()
            .filter(|entry| entry.kind == Kind::User && entry.exclusive && entry.standing != Standing::Everyone);
        let beginnings = holds.flat_map(|entry| entry.prefixes.iter().map(|prefix| &**prefix)).chain([name.as_bytes()]);
        let known = beginnings.flat_map(|text| ground.owners.below(homeserver, &self.known.findings.slots, text));
        let known = known.chain(ground.odd_owners.iter().copied()).filter_map(|slot| self.place_of_slot(slot));
        known.chain(self.strangers.iter().map(|(place, _)| *place)).collect()
    }

    /// By what a registration holds a user ID exclusively, if it does.
    fn holding_of(&mut self, prepared: &Prepared, id: &str) -> Option<By> {
        if id.len() > MAX_ID_BYTES {
            return None;
        }
        self.examiner.step(prepared.entries.len() as u64);
        if self.examiner.is_spent() {
            self.unseen.pairs += prepared.entries.len() as u64;
            return None;
        }
        if sender_of(self.services.homeserver(), &prepared.registration) == id {
            return Some(By::Sender);
        }
        match self.examiner.pass().exclusive_entry(prepared, id) {
            Ok(index) => index.map(By::Entry),
            Err(LimitReached) => {
                self.unseen.pairs += prepared.entries.len() as u64;
                None
            }
        }
    }

    /// That the one at a place holds a registration's own user.
    fn held(&mut self, registration: &Registration, place: usize, by: Option<By>) {
        let Some(by) = by else { return };
        let holder = self.set[place].clone();
        let everyone = match self.slot_of(&holder) {
            Some(slot) => self.known.ground.everyone.get(&slot).cloned(),
            None => ClaimsEveryone::of(&self.prepared(place)),
        };
        let holder = (&holder, everyone.as_ref());
        self.findings.extend(across::sender_held(self.services.homeserver(), registration, holder, by));
    }

    /// In which slot a registration is known, if it is.
    fn slot_of(&self, registration: &Registration) -> Option<Slot> {
        let place = self.place_of(registration)?;
        if place == self.place || self.strangers.binary_search_by_key(&place, |(stranger, _)| *stranger).is_ok() {
            return None;
        }
        let slots = &self.known.findings.slots;
        let is_it = |slot: &&Slot| Registration::ptr_eq(slots.get(**slot), registration);
        let in_force = self.services.position_of_id(registration.id()).map(index::ServicePos::index);
        let at = in_force.and_then(|at| self.known.ground.order.get(at)).filter(is_it);
        at.or_else(|| self.known.ground.order.iter().find(is_it)).copied()
    }

    fn shared(&mut self) {
        let new = &self.newcomer.registration;
        let slots = &self.known.findings.slots;
        let own: Vec<Has> = Has::of(new).collect();
        let known = slots.with_prints(&own.iter().map(Has::print).collect());
        for has in &own {
            let (what, _) = has.print();
            let fits = |registration: &Registration| Has::of_sort(registration, what).as_ref() == Some(has);
            let known = known.iter().filter(|(of, slot)| *of == what && fits(slots.get(*slot)));
            let known = known.filter_map(|(_, slot)| self.place_of_slot(*slot));
            let strangers = self.strangers.iter().map(|(place, _)| *place).filter(|&place| fits(&self.set[place]));
            let holders: BTreeSet<usize> = known.chain(strangers).chain([self.place]).collect();
            let found = across::shared(has, holders.into_iter().map(|place| &self.set[place]));
            self.findings.extend(found.into_iter().filter(|finding| concerns(finding, new)));
        }
    }

    fn joined(&mut self, deadline: &Deadline) {
        if !self.may_break() {
            return;
        }
        let sets = (self.services.homeserver(), self.services.registrations(), self.set);
        let joined = || unjoinable_with(&self.newcomer.registration, sets, deadline, MAX_JOINED);
        let Some(Ok(broken)) = (!deadline.is_over()).then(joined) else {
            self.unseen.entries += self.newcomer.entries.len() as u64;
            return;
        };
        self.findings.extend(broken);
    }

    /// Whether one of the set has entries that may break the whole.
    fn may_break(&self) -> bool {
        let known = self.known.ground.may_break.iter().any(|slot| self.place_of_slot(*slot).is_some());
        let strangers = self.strangers.iter().map(|(_, stranger)| &**stranger);
        let mut unknown = strangers.chain([&*self.newcomer]);
        known || unknown.any(|one| may_break(self.services.homeserver(), &one.registration))
    }

    fn done(mut self) -> (Vec<Arc<Finding>>, u64) {
        let newcomer = Arc::clone(&self.newcomer);
        let mut findings: Vec<Arc<Finding>> = newcomer.findings.to_vec();
        findings.extend(std::mem::take(&mut self.findings).into_iter().map(Arc::new));
        findings.sort_by(|a, b| order(a, b));
        self.unseen.unlisted += listed(&mut findings, self.answers);
        findings.extend(self.unseen.finding(&newcomer.registration).map(Arc::new));
        findings.sort_by(|a, b| order(a, b));
        (findings, self.examiner.steps())
    }
}

/// What the entries of some registrations begin with, in order.
fn rows<'p>(of: impl IntoIterator<Item = (Slot, &'p Prepared)>) -> PerKind<Vec<Row>> {
    let mut rows: PerKind<Vec<Row>> = PerKind::default();
    for (slot, prepared) in of {
        for entry in &prepared.entries {
            rows[entry.kind].extend(Row::of(slot, entry));
        }
    }
    for kind in Kind::ALL {
        rows[kind].sort_unstable_by(Row::order);
    }
    rows
}

fn concerns(finding: &Finding, newcomer: &Registration) -> bool {
    finding.places.iter().any(|place| &*place.as_id == newcomer.id())
}

fn sender_of(homeserver: &Homeserver, registration: &Registration) -> String {
    user_id(registration.sender_localpart(), homeserver.name.as_str())
}

impl Pass<'_> {
    /// The entry that decides for a user ID, if it is an exclusive one.
    fn exclusive_entry(&mut self, of: &Prepared, id: &str) -> Result<Option<u32>, LimitReached> {
        let key = claimed::key(self.homeserver, Kind::User, id);
        let twice = claimed::holds_sigil_twice(self.homeserver, Kind::User, id);
        let fits = |at: &usize| {
            let entry = &of.entries[*at];
            let begins = || entry.prefixes.iter().any(|prefix| key.as_bytes().starts_with(prefix));
            entry.kind == Kind::User && (twice || begins())
        };
        let mut fitting: Vec<usize> = (0..of.entries.len()).filter(fits).collect();
        fitting.sort_by_key(|&at| of.entries[at].rank);
        // What the same regex says further down is not asked: the first decides.
        let mut asked = HashSet::new();
        for entry in fitting.into_iter().map(|at| of.entry_at(at)) {
            if asked.insert(entry.regex().as_str().as_ptr()) && self.matches(entry, id)? {
                return Ok(entry.this().exclusive.then(|| entry.index()));
            }
        }
        Ok(None)
    }

    /// Whether an entry matches an ID.
    fn matches(&mut self, entry: EntryOf<'_>, id: &str) -> Result<bool, LimitReached> {
        // What is not even parsed to be compared is not parsed to be tried.
        if self.terms.is_late() || entry.regex().len() > MAX_SOURCE {
            return Err(LimitReached);
        }
        if claimed::holds_sigil_twice(self.homeserver, entry.kind(), id) {
            return Ok(self.matches_by_trying(entry, id));
        }
        let Some(mut left) = self.matched(entry) else { return Ok(self.matches_by_trying(entry, id)) };
        for c in id.chars() {
            left = self.terms.derivative(left, c);
        }
        Ok(self.terms.is_nullable(left))
    }

    /// The same for an entry whose language is not known.
    fn matches_by_trying(&mut self, entry: EntryOf<'_>, id: &str) -> bool {
        self.terms.step(STEPS_OF_A_TRY + entry.regex().len() as u64);
        let pattern = entry.regex().pattern(self.homeserver.dialect, entry.kind());
        pattern.matcher().run(&mut Scratch::new(), id) != Outcome::NoMatch
    }
}
