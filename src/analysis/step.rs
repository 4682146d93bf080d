//! From what is known of one set to what is known of the next.
//!
//! Everything here costs what differs, but for a few walks through memory that lies side by side: which registrations differ
//! (`slots`), whose rows are to be taken out (`sorted`), who else has a token. One change of
//! 100,000 takes 33 ms by itself, and one of 1,000,000 takes 365 (two cores, busy otherwise; it was 377 ms at 100,000).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::across::{self, Holder};
use super::beginnings::{Owners, Row};
use super::candidates::{Candidates, Pairs};
use super::compared::compare;
use super::findings::{Findings, Note, Writer};
use super::ground::{Ground, Pair, Slotted};
use super::join::unjoinable;
use super::limits::Unseen;
use super::looked::{Looked, look};
use super::pair::TooLate;
use super::prepared::Standing;
use super::slots::{Difference, Has, Shared, Slot, difference};
use super::sorted::merged;
use super::{Analysis, Code, Deadline, Finding, Set, Severity, names, order};
use crate::homeserver::Homeserver;
use crate::index::Scratch;
use crate::list::List;
use crate::matrix::{Kind, PerKind};
use crate::registration::Registration;

/// Where more than this part of a set has come, all of it is walked through once, instead of a look at what is related to each.
/// Chosen by reasoning: a look goes down some twenty blocks, and a walk steps over each row once.
const WALK_SHARE: usize = 16;

/// A set while it is looked at, and what is known of the one before and becomes that of this one.
pub(super) struct Step<'s> {
    set: &'s Set<'s>,
    deadline: &'s Deadline,
    ground: Ground,
    findings: Findings,
    /// In this set's load order by slot.
    places: Vec<u32>,
    /// Those that have come, and those of which the pairs are to be compared once more.
    come: Slotted,
    fresh: BTreeSet<Slot>,
    gone: Slotted,
    /// Whether some stand otherwise among the others than before.
    is_moved: bool,
    /// Own users of which it is to be told anew who holds them.
    to_be_told: BTreeSet<Slot>,
    dropped: HashSet<usize>,
    added: Vec<Arc<Finding>>,
}

impl Analysis {
    /// Analyses a set; what is the very same as in `previous` is not analysed again. What is not decided at the deadline
    /// is said to be undecided.
    pub(super) fn new(set: &Set<'_>, previous: &Self, deadline: &Deadline) -> Self {
        let mut step = Step::new(set, previous, deadline);
        let looked = step.take_in(previous);
        let own = step.rearrange(looked);
        step.own_users();
        step.compare(&own);
        step.shared(previous);
        step.always();
        step.done()
    }
}

impl<'s> Step<'s> {
    fn new(set: &'s Set<'s>, previous: &Analysis, deadline: &'s Deadline) -> Self {
        let mut findings = previous.findings.unaltered();
        findings.homeserver = Some(set.services().homeserver().clone());
        Self {
            set,
            deadline,
            ground: previous.ground.clone(),
            findings,
            places: Vec::new(),
            come: Slotted::default(),
            fresh: BTreeSet::new(),
            gone: Slotted::default(),
            is_moved: false,
            to_be_told: BTreeSet::new(),
            dropped: HashSet::new(),
            added: Vec::new(),
        }
    }

    fn homeserver(&self) -> &'s Homeserver {
        self.set.services().homeserver()
    }

    fn registrations(&self) -> &'s List<Registration> {
        self.set.services().registrations()
    }

    fn place(&self, slot: Slot) -> usize {
        self.places[slot as usize] as usize
    }

    /// Finds out what differs, and looks at what has come.
    fn take_in(&mut self, previous: &Analysis) -> Looked {
        let (registrations, order) = (self.registrations(), &previous.ground.order);
        let differs = difference(&previous.ground.registrations, registrations);
        self.gone = differs.gone.iter().map(|&at| order[at]).collect();
        let come: Vec<(Slot, &Registration)> = (differs.come.iter())
            .map(|&place| (self.findings.slots.put(&registrations[place]), &registrations[place]))
            .collect();
        self.come = come.iter().map(|(slot, _)| *slot).collect();
        self.fresh = come.iter().map(|(slot, _)| *slot).collect();
        self.is_moved = !differs.moved.is_empty();
        self.ground.registrations = registrations.clone();
        self.ground.order = reordered(order, &differs, come.iter().map(|(slot, _)| *slot));
        self.places = vec![u32::MAX; self.findings.slots.len()];
        for (place, slot) in (0..).zip(&self.ground.order) {
            self.places[*slot as usize] = place;
        }
        look(self.homeserver(), &come, self.deadline)
    }

    /// Takes out what was known of what is gone, and puts in what is known of what has come. Returns the rows of the latter, each
    /// one's by itself.
    fn rearrange(&mut self, mut looked: Looked) -> HashMap<Slot, PerKind<Vec<Row>>> {
        let homeserver = self.homeserver();
        let any_gone = !self.gone.is_empty();
        let walks = self.walks();
        let mut own: HashMap<Slot, PerKind<Vec<Row>>> = HashMap::new();
        for kind in Kind::ALL {
            let mut rows = std::mem::take(&mut looked.rows[kind]);
            rows.par_sort_unstable_by(Row::order);
            if !walks {
                for row in &rows {
                    own.entry(row.slot).or_default()[kind].push(row.clone());
                }
            }
            self.owners_below(kind, &rows);
            let is_gone = |row: &Row| self.gone.has(row.slot);
            let lost = self.ground.beginnings[kind].change(any_gone.then_some(&is_gone), rows, Row::order);
            self.owners_below(kind, &lost);
            self.uncount(kind, &lost);
        }
        self.ground.counts = self.ground.counts.plus(looked.counts);
        self.own_names(homeserver, looked.odd_owners);
        self.notes(looked.notes);
        self.forget();
        self.ground.everyone.append(&mut looked.everyone);
        self.ground.may_break.extend(looked.may_break);
        self.ground.unseen.append(&mut looked.unseen);
        self.added.extend(looked.costly.values().flatten().cloned());
        self.ground.costly.append(&mut looked.costly);
        own
    }

    /// Whether so much has come that all is walked through.
    fn walks(&self) -> bool {
        self.fresh.len() > self.registrations().len() / WALK_SHARE
    }

    /// Notes those whose own user may be held by one of some rows.
    fn owners_below(&mut self, kind: Kind, rows: &[Row]) {
        if kind != Kind::User || self.walks() {
            return;
        }
        let holds = |row: &&Row| row.is_exclusive() && row.standing() != Standing::Everyone;
        for row in rows.iter().filter(holds) {
            let below = self.ground.owners.below(self.homeserver(), &self.findings.slots, row.text.as_bytes());
            self.to_be_told.extend(below);
        }
    }

    fn uncount(&mut self, kind: Kind, lost: &[Row]) {
        let claims = lost.iter().filter(|row| row.standing() != Standing::LeftOut);
        // An entry may begin in several ways.
        let entries: HashSet<(Slot, u32, bool)> =
            claims.map(|row| (row.slot, row.index(), row.is_exclusive())).collect();
        let mut counts = super::across::Counts::default();
        for (_, _, exclusive) in &entries {
            counts.add(kind, *exclusive);
        }
        self.ground.counts = self.ground.counts.minus(counts);
    }

    /// Puts the names of own users in order.
    fn own_names(&mut self, homeserver: &Homeserver, odd: Vec<Slot>) {
        let (slots, walks) = (&self.findings.slots, self.walks());
        if walks {
            self.to_be_told.extend(&self.ground.order);
        }
        for slot in self.gone.iter().chain(self.come.iter()).filter(|_| !walks) {
            // Who has the same is a holder, too.
            let name = Owners::name(homeserver, slots.get(slot));
            self.to_be_told.extend(self.ground.owners.below(homeserver, slots, name.as_bytes()));
        }
        let mut come: Vec<Slot> = self.come.iter().collect();
        Owners::sort(homeserver, slots, &mut come);
        let is_gone = |slot: &Slot| self.gone.has(*slot);
        self.ground.owners.change(homeserver, slots, (!self.gone.is_empty()).then_some(&is_gone), come);
        self.ground.odd_owners.retain(|slot| !self.gone.has(*slot));
        self.ground.odd_owners.extend(odd);
        self.to_be_told.extend(&self.ground.odd_owners);
        self.to_be_told.extend(self.come.iter());
        self.to_be_told.retain(|slot| !self.gone.has(*slot));
    }

    /// Puts the notes in order, those about the permissions of files too.
    fn notes(&mut self, mut added: BTreeMap<(Severity, Code), Vec<Note>>) {
        let exposed = self.exposed();
        let before = std::mem::replace(&mut self.ground.exposed, exposed);
        let exposed = &self.ground.exposed;
        let comes = |slot: &Slot| !before.has(*slot);
        let newly: Vec<Note> = exposed.iter().filter(comes).map(Note::exposed).collect();
        if !newly.is_empty() {
            added.insert(Note::CLASS_OF_EXPOSED, newly);
        }
        let any_gone = !self.gone.is_empty() || before.iter().any(|slot| !exposed.has(slot));
        let is_gone = |note: &Note| self.gone.has(note.slot) || note.is_exposed() && !exposed.has(note.slot);
        let writer = Writer { homeserver: self.set.services().homeserver(), slots: &self.findings.slots };
        self.findings.notes.change(&writer, any_gone.then_some(&is_gone), added);
    }

    fn exposed(&self) -> Slotted {
        let mut exposed = Slotted::default();
        if self.set.exposed().is_empty() {
            return exposed;
        }
        let mut of_set = self.set.exposed().iter().peekable();
        for (registration, slot) in self.registrations().iter().zip(&self.ground.order) {
            if of_set.next_if(|exposed| Registration::ptr_eq(exposed, registration)).is_some() {
                exposed.put(*slot);
            }
        }
        exposed
    }

    /// Forgets what is gone, and pairs that do not stand to each other as they did.
    fn forget(&mut self) {
        let ground = &mut self.ground;
        for slot in self.gone.iter() {
            ground.everyone.remove(&slot);
            ground.unseen.remove(&slot);
            ground.may_break.remove(&slot);
            let costly = ground.costly.remove(&slot);
            let held = ground.held.remove(&slot);
            let dropped = costly.into_iter().chain(held).flatten();
            self.dropped.extend(dropped.map(|finding| Arc::as_ptr(&finding) as usize));
        }
        if self.is_moved {
            let turned = ground.pairs.iter().filter(|((a, b), pair)| {
                let is_there = [a, b].iter().all(|slot| !self.gone.has(**slot));
                let other = if pair.first == *a { *b } else { *a };
                is_there && self.places[pair.first as usize] > self.places[other as usize]
            });
            self.fresh.extend(turned.map(|((a, _), _)| *a));
        }
        let is_known = |slot: &Slot| !self.gone.has(*slot) && !self.fresh.contains(slot);
        ground.pairs.retain(|(a, b), pair| {
            let stays = is_known(a) && is_known(b);
            if !stays {
                self.dropped.extend(pair.findings.iter().map(|finding| Arc::as_ptr(finding) as usize));
            }
            stays
        });
        self.gone.iter().for_each(|slot| self.findings.slots.free(slot));
    }

    /// Tells who holds own users.
    fn own_users(&mut self) {
        let to_be_told: Vec<Slot> = std::mem::take(&mut self.to_be_told).into_iter().collect();
        let of_one = |scratch: &mut Scratch, slot: &Slot| (*slot, self.held(*slot, scratch));
        let held: Vec<(Slot, Vec<Arc<Finding>>)> = to_be_told
            .par_iter()
            .with_min_len(256)
            .map_init(Scratch::new, of_one)
            .filter(|(slot, held)| !held.is_empty() || self.ground.held.contains_key(slot))
            .collect();
        for (slot, held) in held {
            self.added.extend(held.iter().cloned());
            let before = self.ground.held.remove(&slot).into_iter().flatten();
            self.dropped.extend(before.map(|finding| Arc::as_ptr(&finding) as usize));
            if !held.is_empty() {
                self.ground.held.insert(slot, held);
            }
        }
    }

    fn held(&self, slot: Slot, scratch: &mut Scratch) -> Vec<Arc<Finding>> {
        let services = self.set.services();
        let registration = self.findings.slots.get(slot);
        let told = |Holder { service, by }| {
            let holder = (&services.registrations()[service], self.ground.everyone.get(&self.ground.order[service]));
            across::sender_held(services.homeserver(), registration, holder, by).map(Arc::new)
        };
        across::holders_of_sender(services, registration, scratch).into_iter().filter_map(told).collect()
    }

    /// Compares the entries of what is fresh with all others that they may meet.
    fn compare(&mut self, own: &HashMap<Slot, PerKind<Vec<Row>>>) {
        if self.fresh.is_empty() {
            return;
        }
        let pairs = self.pairs(own);
        let registrations = self.registrations();
        let compared = compare(self.homeserver(), registrations, &pairs.found, self.deadline);
        let left = pairs.left.into_iter().map(|(pair, left)| (pair, (Vec::new(), left)));
        let mut new: HashMap<(usize, usize), (Vec<Arc<Finding>>, _)> = left.collect();
        for ((a, b), finding) in pairs.found.into_iter().zip(compared) {
            match finding {
                Ok(None) => {}
                Ok(Some(finding)) => new.entry((a.service, b.service)).or_default().0.push(finding),
                Err(TooLate) => new.entry((a.service, b.service)).or_default().1 += 1,
            }
        }
        for ((a, b), (findings, left)) in new {
            self.added.extend(findings.iter().cloned());
            let [first, other] = [a, b].map(|place| self.ground.order[place]);
            // Whoever is new is told, or else whoever has more entries.
            let weight = |slot: Slot| (self.come.has(slot), entries(self.findings.slots.get(slot)));
            let told = if weight(other) > weight(first) { other } else { first };
            let pair = Pair { first, findings, left, told };
            self.ground.pairs.insert((first.min(other), first.max(other)), pair);
        }
    }

    /// The pairs of which one at least is fresh.
    fn pairs(&self, own: &HashMap<Slot, PerKind<Vec<Row>>>) -> Pairs {
        let mut candidates = Candidates::new(self.registrations().len());
        let beginnings = &self.ground.beginnings;
        if self.walks() {
            let fresh: Slotted = self.fresh.iter().map(|slot| self.places[*slot as usize]).collect();
            let is_fresh = |place: usize| u32::try_from(place).is_ok_and(|place| fresh.has(place));
            for kind in Kind::ALL {
                let wanted = |a, b| is_fresh(a) || is_fresh(b);
                candidates.all(kind, &beginnings[kind], |row| self.place(row.slot), wanted);
            }
            return candidates.done();
        }
        let moved: HashSet<Slot> = self.fresh.iter().copied().filter(|slot| !self.come.has(*slot)).collect();
        let of_moved = self.rows_of(&moved);
        for (slot, rows) in own.iter().chain(&of_moved) {
            for kind in Kind::ALL {
                // Of two that are fresh one is enough.
                let other =
                    |row: &Row| (!self.fresh.contains(&row.slot) || row.slot > *slot).then(|| self.place(row.slot));
                candidates.of_one(kind, (&rows[kind], self.place(*slot)), &beginnings[kind], other);
            }
        }
        candidates.done()
    }

    /// The rows of some that have been there before.
    fn rows_of(&self, some: &HashSet<Slot>) -> HashMap<Slot, PerKind<Vec<Row>>> {
        let mut rows: HashMap<Slot, PerKind<Vec<Row>>> = HashMap::new();
        for kind in Kind::ALL.into_iter().filter(|_| !some.is_empty()) {
            for row in self.ground.beginnings[kind].iter().filter(|row| some.contains(&row.slot)) {
                rows.entry(row.slot).or_default()[kind].push(row.clone());
            }
        }
        rows
    }

    /// Tells which tokens and addresses several have.
    fn shared(&mut self, previous: &Analysis) {
        let gone = self.gone.iter().map(|slot| previous.findings.slots.get(slot));
        let come = self.come.iter().map(|slot| self.findings.slots.get(slot));
        let mut concerned: HashSet<Has> = HashSet::new();
        let walks = self.walks();
        if walks {
            concerned.extend(self.twice());
            concerned.extend(self.ground.shared.keys().cloned());
        } else {
            concerned.extend(gone.chain(come).flat_map(Has::of));
            concerned.extend(self.ground.shared.keys().filter(|_| self.is_moved).cloned());
        }
        let mut holders: HashMap<Has, Vec<Slot>> = HashMap::new();
        let prints: HashSet<(Shared, u32)> = concerned.iter().map(Has::print).collect();
        if !prints.is_empty() {
            for (what, slot) in self.findings.slots.with_prints(&prints) {
                let has = Has::of_sort(self.findings.slots.get(slot), what);
                if let Some(has) = has.filter(|has| concerned.contains(has)) {
                    holders.entry(has).or_default().push(slot);
                }
            }
        }
        for has in concerned {
            let before = self.ground.shared.remove(&has).into_iter().flatten();
            self.dropped.extend(before.map(|finding| Arc::as_ptr(&finding) as usize));
            let mut holders = holders.remove(&has).unwrap_or_default();
            holders.sort_unstable_by_key(|slot| self.place(*slot));
            let holders = holders.iter().map(|slot| self.findings.slots.get(*slot));
            let found: Vec<Arc<Finding>> = across::shared(&has, holders).into_iter().map(Arc::new).collect();
            if !found.is_empty() {
                self.added.extend(found.iter().cloned());
                self.ground.shared.insert(has, found);
            }
        }
    }

    /// What may be there twice in the whole set.
    fn twice(&self) -> Vec<Has> {
        let slots = &self.findings.slots;
        let mut prints: Vec<(Shared, u32)> = slots.prints().collect();
        prints.par_sort_unstable();
        let twice: HashSet<(Shared, u32)> =
            prints.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
        if twice.is_empty() {
            return Vec::new();
        }
        let found = slots.with_prints(&twice);
        found.into_iter().filter_map(|(what, slot)| Has::of_sort(slots.get(slot), what)).collect()
    }

    /// What is said anew of every set.
    fn always(&mut self) {
        let homeserver = self.homeserver();
        let slots = &self.findings.slots;
        let mut always: Vec<Finding> = Vec::new();
        for (slot, everyone) in &self.ground.everyone {
            always.extend(everyone.findings(homeserver.dialect, slots.get(*slot), self.ground.counts));
        }
        // What is in force is joined, however large it is.
        if !self.ground.may_break.is_empty() {
            let unjoinable = unjoinable(homeserver, self.registrations(), self.deadline, usize::MAX);
            always.extend(unjoinable.unwrap_or_default());
        }
        let mut unseen: BTreeMap<Slot, Unseen> = self.ground.unseen.clone();
        for pair in self.ground.pairs.values().filter(|pair| pair.left > 0) {
            unseen.entry(pair.told).or_default().pairs += pair.left;
        }
        always.extend(unseen.into_iter().filter_map(|(slot, unseen)| unseen.finding(slots.get(slot))));
        let always: Vec<Arc<Finding>> = always.into_iter().map(Arc::new).collect();
        self.added.extend(always.iter().cloned());
        let before = std::mem::replace(&mut self.ground.always, always);
        self.dropped.extend(before.iter().map(|finding| Arc::as_ptr(finding) as usize));
    }

    fn done(mut self) -> Analysis {
        if !self.dropped.is_empty() || !self.added.is_empty() {
            self.added.par_sort_by(|a, b| order(a, b));
            let stays = |finding: &&Arc<Finding>| !self.dropped.contains(&(Arc::as_ptr(finding) as usize));
            let kept: Vec<Arc<Finding>> = self.findings.told.iter().filter(stays).cloned().collect();
            self.findings.told = Arc::new(merged(kept, self.added, |a, b| order(a, b)));
        }
        Analysis { findings: self.findings, ground: self.ground, names: names::Names::default() }
    }
}

/// The slots in the new order.
fn reordered(order: &[Slot], differs: &Difference, come: impl Iterator<Item = Slot>) -> Vec<Slot> {
    let Difference { gone, come: places, moved } = differs;
    let from: HashSet<usize> = moved.iter().map(|(at, _)| *at).collect();
    let mut gone = gone.iter().peekable();
    let stays = |at: &usize| gone.next_if_eq(&at).is_none() && !from.contains(at);
    let mut stay = (0..order.len()).filter(stays).map(|at| order[at]).collect::<Vec<_>>().into_iter();
    let mut put: Vec<(usize, Slot)> = places.iter().copied().zip(come).collect();
    put.extend(moved.iter().map(|(at, place)| (*place, order[*at])));
    put.sort_unstable();
    let mut new = Vec::with_capacity(stay.len() + put.len());
    for (place, slot) in put {
        new.extend(stay.by_ref().take(place - new.len()));
        new.push(slot);
    }
    new.extend(stay);
    new
}

/// How many entries a registration has.
pub(super) fn entries(one: &Registration) -> usize {
    Kind::ALL.into_iter().map(|kind| one.entries(kind).len()).sum()
}
