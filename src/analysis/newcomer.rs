//! What a registration would do to a set, and the set to it, without a set in which it takes part.
//!
//! A stranger sends the registration, so nothing is built from it that grows with what its regexes mean: no index, no
//! automaton. What an index is asked in an analysis, who holds a service's own user, is found out here by the index of the
//! set as it is and, for the newcomer's entries, by their terms.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::across::{self, By, Counts, Holder};
use super::candidates::{self, EntryAt, Pairs};
use super::claimed;
use super::examiner::{Examiner, Pass};
use super::join::unjoinable;
use super::limits::{MAX_SOURCE, MAX_STEPS_OF_ONE, Unseen, listed};
use super::order;
use super::pair::{TooLate, collision};
use super::prepared::{EntryOf, Prepared};
use super::search::LimitReached;
use super::{Deadline, Finding, Key, key};
use crate::homeserver::Homeserver;
use crate::index;
use crate::matrix::{Kind, MAX_ID_BYTES, user_id};
use crate::registration::Registration;
use crate::ruling::Services;
use python_re::{Outcome, Scratch};

/// More bytes of exclusive regexes that matter to each other than this are not joined for a question: their tree takes a hundred
/// times as much.
const MAX_JOINED: usize = 512 << 10;

/// What trying a pattern on an ID counts as, in steps: up to half a millisecond's worth, which its own limit is.
const STEPS_OF_A_TRY: u64 = 10_000;

/// The findings in which a newcomer would have a part, in a set that would then be in force; `services` is what is in
/// force, and `known` what is known of it. They are listed as one of so many answers. Also says how many steps that took.
pub(super) fn findings(
    services: &Services,
    known: &HashMap<Key, &Arc<Prepared>>,
    (new, set): (&Arc<Registration>, &[Arc<Registration>]),
    answers: usize,
    deadline: &Deadline,
) -> (Vec<Arc<Finding>>, u64) {
    let mut examiner = Examiner::new(services.homeserver(), deadline);
    let newcomer = Arc::new(Prepared::new(&mut examiner, new));
    let mut unseen = newcomer.unseen;
    let prepare = |registration: &Arc<Registration>| {
        if Arc::ptr_eq(registration, new) {
            return Arc::clone(&newcomer);
        }
        if let Some(&known) = known.get(&key(registration)) {
            return Arc::clone(known);
        }
        let other = Prepared::new(&mut examiner, registration);
        // What is not known of others is not compared with the newcomer either.
        unseen.pairs += other.unseen.entries * newcomer.entries.len() as u64;
        Arc::new(other)
    };
    let prepared: Vec<Arc<Prepared>> = set.iter().map(prepare).collect();
    let place = set.iter().position(|registration| Arc::ptr_eq(registration, new));
    let Some(place) = place else { return (newcomer.findings.to_vec(), examiner.steps()) };
    let mut joining = Joining { examiner, services, set, prepared, place, unseen, findings: Vec::new(), answers };
    joining.collisions();
    joining.everyone();
    joining.own_user();
    joining.own_users_of_others();
    joining.shared();
    joining.joined(deadline);
    joining.done()
}

/// A set with a newcomer, while it is looked at.
struct Joining<'s> {
    examiner: Examiner<'s>,
    services: &'s Services,
    set: &'s [Arc<Registration>],
    prepared: Vec<Arc<Prepared>>,
    place: usize,
    unseen: Unseen,
    findings: Vec<Finding>,
    answers: usize,
}

impl Joining<'_> {
    fn newcomer(&self) -> Arc<Prepared> {
        Arc::clone(&self.prepared[self.place])
    }

    fn collisions(&mut self) {
        let place = self.place;
        let Pairs { found, left } = candidates::pairs(&self.prepared, |a, b| a == place || b == place);
        self.unseen.pairs += left.values().sum::<u64>();
        self.examiner.allow(MAX_STEPS_OF_ONE);
        for (a, b) in found {
            let [a, b] = [a, b].map(|EntryAt { service, at }| self.prepared[service].entry(at));
            let compared = if self.examiner.is_spent() { Err(TooLate) } else { collision(&mut self.examiner, a, b) };
            match compared {
                Ok(finding) => self.findings.extend(finding),
                Err(TooLate) => self.unseen.pairs += 1,
            }
        }
    }

    fn everyone(&mut self) {
        let newcomer = self.newcomer();
        let all = self.prepared.iter().map(|one| Counts::of(one)).fold(Counts::default(), Counts::plus);
        self.findings.extend(across::claims_everyone(self.services.homeserver().dialect, &newcomer, all));
    }

    /// Who holds the newcomer's own user.
    fn own_user(&mut self) {
        let newcomer = self.newcomer();
        let own = sender_of(self.services.homeserver(), &newcomer.registration);
        let held: HashMap<&str, By> =
            across::holders_of_sender(self.services, &newcomer.registration, &mut index::Scratch::new())
                .into_iter()
                .map(|Holder { service, by }| (self.services.registrations()[service].id(), by))
                .collect();
        for at in 0..self.prepared.len() {
            let other = Arc::clone(&self.prepared[at]);
            let by = if at == self.place {
                continue;
            } else if self.is_in_force(&other.registration) {
                held.get(other.registration.id()).copied()
            } else {
                self.holding_of(&other, &own)
            };
            self.held(&newcomer.registration, &other, by);
        }
    }

    /// Whose own user the newcomer would hold.
    fn own_users_of_others(&mut self) {
        let newcomer = self.newcomer();
        for at in 0..self.prepared.len() {
            if at == self.place {
                continue;
            }
            let other = Arc::clone(&self.prepared[at].registration);
            let sender = sender_of(self.services.homeserver(), &other);
            let by = self.holding_of(&newcomer, &sender);
            self.held(&other, &newcomer, by);
        }
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

    fn held(&mut self, registration: &Registration, holder: &Prepared, by: Option<By>) {
        let homeserver = self.services.homeserver();
        self.findings.extend(by.and_then(|by| across::sender_held(homeserver, registration, holder, by)));
    }

    /// Whether the index knows a registration.
    fn is_in_force(&self, registration: &Arc<Registration>) -> bool {
        let position = self.services.position_of_id(registration.id());
        position.is_some_and(|at| Arc::ptr_eq(self.services.registration(at), registration))
    }

    fn shared(&mut self) {
        let shared = across::shared(self.set);
        self.findings.extend(shared.into_iter().filter(|finding| concerns(finding, &self.set[self.place])));
    }

    fn joined(&mut self, deadline: &Deadline) {
        let joined = || unjoinable(self.services.homeserver(), self.set, deadline, MAX_JOINED);
        let Some(Ok(broken)) = (!deadline.is_over()).then(joined) else {
            self.unseen.entries += self.newcomer().entries.len() as u64;
            return;
        };
        self.findings.extend(broken.into_iter().filter(|finding| concerns(finding, &self.set[self.place])));
    }

    fn done(mut self) -> (Vec<Arc<Finding>>, u64) {
        let newcomer = self.newcomer();
        let mut findings: Vec<Arc<Finding>> = newcomer.findings.to_vec();
        findings.extend(std::mem::take(&mut self.findings).into_iter().map(Arc::new));
        findings.sort_by(|a, b| order(a, b));
        self.unseen.unlisted += listed(&mut findings, self.answers);
        findings.extend(self.unseen.finding(&newcomer.registration).map(Arc::new));
        findings.sort_by(|a, b| order(a, b));
        (findings, self.examiner.steps())
    }
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
        for entry in fitting.into_iter().map(|at| of.entry(at)) {
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
