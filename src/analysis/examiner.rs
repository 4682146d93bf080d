//! What looks at entries, and remembers what it has found out about shapes that they share.

use std::collections::HashMap;

use super::Deadline;
use super::claimed;
use super::finding::{Witness, WitnessIs};
use super::id_space;
use super::language::language;
use super::limits::MAX_SOURCE;
use super::name::{Ids, Name};
use super::prepared::{EntryOf, can_meet};
use super::reach::{Reach, Shape};
use super::search::{LimitReached, shortest};
use super::term::{Arena, Recalled, Term, Terms};
use crate::homeserver::Homeserver;
use crate::matrix::Kind;
use crate::registration::Regex;

/// An arena of more bytes than this is begun afresh before the next pass. All terms of 75 real files, compared with each
/// other, take 1.7 MB.
const MAX_WEIGHT: usize = 8 << 20;
/// And the searches of one pass may add so many bytes together, nearly fifty times what the largest search among those
/// files makes (355 KB).
const MAX_MADE: usize = 16 << 20;
/// Beyond that a search may go by what one derivative makes. The worst of the bodies in `tests/data/check_worst` adds 1 MiB.
const SLACK: usize = 8 << 20;

/// Looks at entries, one thread's worth of it.
pub(super) struct Examiner<'h> {
    homeserver: &'h Homeserver,
    arena: Arena,
    shapes: HashMap<Shape, Reach>,
    /// How many steps may have been done when the registration at hand is done.
    allowed: u64,
}

/// One look at something, with the terms that it takes. The arena is not begun afresh before it is over.
pub(super) struct Pass<'a> {
    pub(super) terms: Terms<'a>,
    pub(super) homeserver: &'a Homeserver,
    pub(super) shapes: &'a mut HashMap<Shape, Reach>,
}

impl<'h> Examiner<'h> {
    pub(super) fn new(homeserver: &'h Homeserver, deadline: &Deadline) -> Self {
        let arena = with_ids(Arena::new(deadline.clone()), homeserver);
        Self { homeserver, arena, shapes: HashMap::new(), allowed: u64::MAX }
    }

    /// Whose IDs it looks at.
    pub(super) const fn homeserver(&self) -> &'h Homeserver {
        self.homeserver
    }

    /// Begins a pass, with a fresh arena when too much has piled up.
    pub(super) fn pass(&mut self) -> Pass<'_> {
        debug_assert!(self.arena.weight() <= MAX_WEIGHT + MAX_MADE + SLACK, "{} bytes", self.arena.weight());
        if self.arena.weight() > MAX_WEIGHT {
            self.arena = with_ids(self.arena.afresh(), self.homeserver);
        }
        self.arena.allow(MAX_MADE);
        Pass { terms: self.arena.terms(), homeserver: self.homeserver, shapes: &mut self.shapes }
    }

    /// Allows so many steps from now on.
    pub(super) const fn allow(&mut self, steps: u64) {
        self.allowed = self.arena.steps().saturating_add(steps);
    }

    /// Whether there is no time left, or as much has been done as is allowed.
    pub(super) fn is_spent(&mut self) -> bool {
        self.arena.step(1);
        self.arena.steps() > self.allowed || self.arena.is_late()
    }

    /// Whether there is no time left.
    pub(super) fn is_late(&mut self) -> bool {
        self.arena.is_late()
    }

    /// How much has been done so far.
    pub(super) const fn steps(&self) -> u64 {
        self.arena.steps()
    }

    /// Counts what is done elsewhere.
    pub(super) const fn step(&mut self, steps: u64) {
        self.arena.step(steps);
    }
}

fn with_ids(mut arena: Arena, homeserver: &Homeserver) -> Arena {
    for kind in Kind::ALL {
        id_space::define(&mut arena.terms(), kind, homeserver);
    }
    arena
}

impl<'a> Pass<'a> {
    /// The IDs of a kind, or some of them.
    pub(super) fn ids(&self, kind: Kind, which: Ids) -> Term<'a> {
        let known = self.terms.recall(Name::Ids(kind, which)).and_then(|Recalled(term)| term);
        known.expect("the IDs of every kind are defined when an arena is begun")
    }

    /// A shortest ID in a language: of this server as it can be made today, if there is one, else of printable ASCII,
    /// else of another server.
    pub(super) fn witness(&mut self, kind: Kind, language: Term<'a>) -> Result<Option<Witness>, LimitReached> {
        for (which, is) in
            [(Ids::Valid, WitnessIs::Valid), (Ids::Historical, WitnessIs::Historical), (Ids::Remote, WitnessIs::Remote)]
        {
            let within = self.ids(kind, which);
            let here = self.terms.and([language, within]);
            if let Some(id) = shortest(&mut self.terms, here)? {
                return Ok(Some(Witness { id: id.into(), is }));
            }
        }
        Ok(None)
    }

    /// All that a regex matches; `None` if its language is not known.
    pub(super) fn language_of_regex(&mut self, kind: Kind, regex: Regex<'_>) -> Option<Term<'a>> {
        self.language_of_regex_in(self.homeserver, kind, regex)
    }

    /// The same on another homeserver.
    pub(super) fn language_of_regex_in(
        &mut self,
        homeserver: &Homeserver,
        kind: Kind,
        regex: Regex<'_>,
    ) -> Option<Term<'a>> {
        self.terms.step(regex.len() as u64);
        if regex.len() > MAX_SOURCE {
            return None;
        }
        let pattern = claimed::pattern(homeserver, kind, regex);
        language(&mut self.terms, pattern.ast())
    }

    /// All that an entry matches; remembered. `None` if its language is not known.
    pub(super) fn matched(&mut self, entry: EntryOf<'_>) -> Option<Term<'a>> {
        let name = Name::Matched(entry.name());
        if let Some(Recalled(known)) = self.terms.recall(name) {
            return known;
        }
        let matched = self.language_of_regex(entry.kind(), entry.regex());
        self.terms.remember(name, matched);
        matched
    }

    /// What those entries of its file leave of an entry that come before it in the homeserver's precedence; remembered.
    /// `None` if that is not known, since one of the languages is not: then nothing is said.
    pub(super) fn effective(&mut self, entry: EntryOf<'_>) -> Result<Option<Term<'a>>, LimitReached> {
        let name = Name::Effective(entry.name());
        if let Some(Recalled(known)) = self.terms.recall(name) {
            return Ok(known);
        }
        let effective = match self.matched(entry) {
            Some(matched) => self.left_of(matched, entry)?,
            None => None,
        };
        self.terms.remember(name, effective);
        Ok(effective)
    }

    fn left_of(&mut self, matched: Term<'a>, entry: EntryOf<'_>) -> Result<Option<Term<'a>>, LimitReached> {
        let mut parts = vec![matched];
        for before in entry.before() {
            self.terms.step(1 + before.this().prefixes.len() as u64);
            if self.terms.is_late() {
                return Err(LimitReached);
            }
            if can_meet(before.this(), entry.this()) {
                let Some(before) = self.matched(before) else { return Ok(None) };
                parts.push(self.terms.not(before));
            }
        }
        Ok(Some(self.terms.and(parts)))
    }
}
