//! From registrations to paths.

use std::collections::HashSet;
use std::ops::Index;

use super::position::Slot;
use super::prefixed::Prefixed;
use super::target::Target;
use crate::homeserver::{Homeserver, Rank, Sender};
use crate::matrix::{Kind, user_id};
use crate::registration::{Entry, Registration};
use python_re::{
    Anchor, Ast, Path, Pattern, asks_for_start, folded_literals, folded_paths, looked_for, required_literals,
};

/// What a table is built from.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) kind: Kind,
    pub(super) homeserver: &'s Homeserver,
    /// By their slots.
    pub(super) registrations: &'s (dyn Index<usize, Output = Registration> + Sync),
}

/// An entry, or a service's own user, taken apart.
pub(super) struct Parsed {
    pub(super) pattern: Pattern,
    pub(super) paths: Vec<Path>,
    pub(super) place: Place,
    pub(super) slot: Slot,
    pub(super) rank: Rank,
}

/// Where in a text a prefix may stand, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// At the start, as it is written whatever the others are.
    Written,
    /// At the start.
    Start,
    /// Wherever the text holds the sigil, which the prefix begins with.
    AnySigil,
}

/// A path that no trie is good for.
#[derive(Debug)]
pub(super) struct Unplaced {
    pub(super) place: Place,
    pub(super) prefix: Box<[u8]>,
    pub(super) target: Target,
    /// Literals of which every text that matches contains each.
    pub(super) literals: Vec<String>,
}

impl Source<'_> {
    /// Whether prefixes and literals are looked for without regard to case.
    pub(super) fn folds(&self) -> bool {
        self.homeserver.dialect.syntax().fold[self.kind]
    }

    /// What makes the service in a slot interested in IDs of this kind, taken apart.
    pub(super) fn parse(&self, slot: Slot) -> Vec<Parsed> {
        self.parse_some(slot, |_| true)
    }

    /// The same of what has some of the ranks.
    pub(super) fn parse_some(&self, slot: Slot, wanted: impl Fn(Rank) -> bool) -> Vec<Parsed> {
        let registration = &self.registrations[slot.index()];
        let mut parsed = Vec::new();
        if self.kind == Kind::User && wanted(Rank::SENDER) {
            parsed.push(self.sender(registration, slot));
        }
        for (rank, entry) in self.deciding(registration).into_iter().filter(|(rank, _)| wanted(*rank)) {
            let pattern = entry.regex.pattern(self.homeserver.dialect, self.kind);
            let (place, paths) = self.paths(&pattern);
            parsed.push(Parsed { pattern, paths, place, slot, rank });
        }
        parsed
    }

    /// The service's own user, as the homeserver recognises it.
    fn sender(&self, registration: &Registration, slot: Slot) -> Parsed {
        let localpart = registration.sender_localpart();
        let id = user_id(localpart, self.homeserver.name.as_str());
        let (place, prefix, rest) = match self.homeserver.dialect.sender() {
            Sender::Exact => (Place::Written, id, Ast::Anchor(Anchor::End)),
            Sender::AnyServer => (Place::Written, format!("@{localpart}:"), Ast::Empty),
            Sender::Quoted => (Place::AnySigil, id, Ast::Empty),
        };
        let path = Path { prefix: prefix.into_bytes(), conditions: Vec::new(), rest: Some(rest.clone()) };
        // The path says all, so that the pattern is never asked.
        Parsed { pattern: Pattern::of(rest), paths: vec![path], place, slot, rank: Rank::SENDER }
    }

    /// The entries that can decide: what two of the same regex match is decided by the one of the lesser rank.
    fn deciding<'r>(&self, registration: &'r Registration) -> Vec<(Rank, Entry<'r>)> {
        let precedence = self.homeserver.dialect.precedence();
        let entries = registration.entries(self.kind).iter().enumerate();
        let mut ranked: Vec<_> = entries.map(|(at, entry)| (precedence.rank(at, entry.exclusive), entry)).collect();
        if ranked.len() > 1 {
            ranked.sort_unstable_by_key(|(rank, _)| *rank);
            let mut seen = HashSet::with_capacity(ranked.len());
            ranked.retain(|(_, entry)| seen.insert(entry.regex));
        }
        ranked
    }

    /// The paths of a pattern, and where they begin.
    ///
    /// What is looked for anywhere is taken apart behind the *whatever* that it begins with if all its paths begin with the
    /// sigil then: each match begins where the text holds one. That is no more than the first place in nearly all IDs, and it is
    /// as true where an ID holds several.
    fn paths(&self, pattern: &Pattern) -> (Place, Vec<Path>) {
        let of = |ast: &Ast| if self.folds() { folded_paths(ast) } else { python_re::paths(ast) };
        let anywhere = looked_for(pattern.ast()).filter(|body| !asks_for_start(body)).map(of);
        let begins = |path: &Path| path.rest.is_some() && path.prefix.first().copied() == Some(self.sigil());
        match anywhere {
            Some(paths) if paths.iter().all(begins) => (Place::AnySigil, paths),
            _ if self.folds() => (Place::Start, of(pattern.ast())),
            _ => (Place::Start, pattern.paths()),
        }
    }

    fn sigil(&self) -> u8 {
        // Each is of ASCII.
        self.kind.sigil() as u8
    }

    /// The path with the literals that it holds. Its pattern is read a second time: few come here, and syntax trees are
    /// too large to be kept for those that do. Its prefix lies in the text of all.
    pub(super) fn unplaced(&self, path: &Prefixed, text: &[u8]) -> Unplaced {
        let literals_of = if self.folds() { folded_literals } else { required_literals };
        let target = path.target;
        let literals = target.rank.position().map_or_else(Vec::new, |position| {
            let registration = &self.registrations[target.slot.index()];
            let entry = &registration.entries(self.kind).at(position as usize);
            let pattern = entry.regex.pattern(self.homeserver.dialect, self.kind);
            match self.paths(&pattern).1.swap_remove(path.path as usize).rest {
                Some(rest) => literals_of(&rest),
                None => literals_of(pattern.ast()),
            }
        });
        Unplaced { place: path.place, prefix: path.prefix(text).into(), target, literals }
    }
}
