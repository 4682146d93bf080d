//! All entries of one kind.

use std::collections::HashSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::check::{Checks, Interner};
use super::fallback::{Fallback, Unplaced};
use super::grouped::Grouped;
use super::position::Slot;
use super::scratch::Engines;
use super::target::Target;
use super::trie::Trie;
use crate::homeserver::{Homeserver, Rank, Sender};
use crate::matrix::{Kind, user_id};
use crate::registration::{Entry, Registration};
use python_re::{Anchor, Ast, Outcome, Path, Pattern, required_literals};

/// At most so many different checks are run behind one prefix; where there are more, the paths are found another way.
/// Measured: see [`super`].
const MAX_CHECKS: usize = 12;
/// The same behind a prefix that every ID has.
const MAX_CHECKS_OF_ALL: usize = 3;

/// The entries of one kind, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Table {
    trie: Trie,
    /// Where those paths lead that begin with each prefix in the trie.
    targets: Grouped<Target>,
    fallback: Fallback,
    checks: Checks,
    entries: usize,
}

/// An entry taken apart.
pub(super) struct Parsed {
    pattern: Pattern,
    pub(super) paths: Vec<Path>,
    slot: Slot,
    rank: Rank,
}

/// A path that begins with a prefix.
struct Prefixed {
    prefix: Box<[u8]>,
    target: Target,
    /// Which of the entry's paths it is.
    path: usize,
}

/// So many registrations are taken apart at a time: syntax trees are many times as large as what is kept of them.
const AT_A_TIME: usize = 4_096;

/// What a table is built from.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) kind: Kind,
    pub(super) homeserver: &'s Homeserver,
    pub(super) registrations: &'s [Arc<Registration>],
}

impl Table {
    pub(super) fn new(kind: Kind, homeserver: &Homeserver, registrations: &[Arc<Registration>]) -> Self {
        let source = Source { kind, homeserver, registrations };
        let mut interner = Interner::default();
        let mut prefixed = Vec::with_capacity(registrations.len());
        let mut entries = 0;
        for start in (0..registrations.len()).step_by(AT_A_TIME) {
            let slots = start..registrations.len().min(start + AT_A_TIME);
            let parsed: Vec<Parsed> =
                slots.into_par_iter().with_min_len(256).flat_map_iter(|at| source.parse(Slot::new(at))).collect();
            entries += parsed.len();
            for entry in parsed {
                intern(entry, &mut interner, &mut prefixed);
            }
        }
        prefixed.par_sort_unstable_by(|a, b| (&a.prefix, a.target).cmp(&(&b.prefix, b.target)));
        let mut table = Self { entries, ..Self::default() };
        let unplaced = table.place(&prefixed, |path| source.unplaced(path));
        table.fallback = Fallback::new(unplaced, &interner);
        table.checks = interner.finish();
        table
    }

    /// Puts the paths, sorted by prefix, into the trie, and returns those that it is not good for.
    fn place(&mut self, prefixed: &[Prefixed], unplaced: impl Fn(&Prefixed) -> Unplaced) -> Vec<Unplaced> {
        let mut keys: Vec<&[u8]> = Vec::new();
        let mut others = Vec::new();
        for group in prefixed.chunk_by(|a, b| a.prefix == b.prefix) {
            let prefix = &*group[0].prefix;
            let checks = group.chunk_by(|a, b| a.target.check == b.target.check).count();
            let most = if prefix.len() <= 1 { MAX_CHECKS_OF_ALL } else { MAX_CHECKS };
            if checks > most {
                others.extend(group.iter().map(&unplaced));
                continue;
            }
            keys.push(prefix);
            self.targets.push(group.iter().map(|path| path.target));
        }
        self.targets.shrink_to_fit();
        self.trie = Trie::new(&keys);
        others
    }

    /// Visits the slot and rank of each entry that matches, in no order and perhaps several times, and whether it counts
    /// as matching only because that could not be decided.
    pub(super) fn lookup(&self, text: &str, engines: &mut Engines, mut visit: impl FnMut(Slot, Rank, bool)) {
        let mut found = |target: Target, outcome| match outcome {
            Outcome::Match => visit(target.slot, target.rank, false),
            Outcome::StepLimit => visit(target.slot, target.rank, true),
            Outcome::NoMatch => {}
        };
        self.trie.prefixes(text.as_bytes(), |length, key| {
            let mut last = None;
            for &target in self.targets.list(key.index()) {
                // Neighbours share their check.
                let outcome = match last {
                    Some((check, outcome)) if check == target.check => outcome,
                    _ => self.checks.run(target.check, text, length, &mut engines.checks),
                };
                last = Some((target.check, outcome));
                found(target, outcome);
            }
        });
        self.fallback.lookup(&self.checks, text, engines, found);
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.trie.memory_usage()
            + self.targets.memory_usage()
            + self.fallback.memory_usage()
            + self.checks.memory_usage()
    }

    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn automata(&self) -> usize {
        self.checks.automata()
    }
}

impl Source<'_> {
    /// What makes the service in a slot interested in IDs of this kind, taken apart.
    fn parse(&self, slot: Slot) -> Vec<Parsed> {
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
            let (pattern, paths) = self.read(entry);
            parsed.push(Parsed { pattern, paths, slot, rank });
        }
        parsed
    }

    /// The service's own user, as the homeserver recognises it.
    fn sender(&self, registration: &Registration, slot: Slot) -> Parsed {
        let localpart = &*registration.sender_localpart;
        let id = user_id(localpart, self.homeserver.name.as_str());
        match self.homeserver.dialect.sender() {
            Sender::Exact => parsed_sender(id, Ast::Anchor(Anchor::End), slot),
            Sender::AnyServer => parsed_sender(format!("@{localpart}:"), Ast::Empty, slot),
            Sender::Quoted => {
                let pattern = Pattern::of(Ast::Concat(id.chars().map(Ast::Literal).collect())).anywhere();
                let paths = pattern.paths();
                Parsed { pattern, paths, slot, rank: Rank::SENDER }
            }
        }
    }

    /// The entries that can decide: what two of the same regex match is decided by the one of the lesser rank.
    fn deciding<'r>(&self, registration: &'r Registration) -> Vec<(Rank, &'r Entry)> {
        let precedence = self.homeserver.dialect.precedence();
        let entries = registration.namespaces.of(self.kind).iter().enumerate();
        let mut ranked: Vec<_> = entries.map(|(at, entry)| (precedence.rank(at, entry.exclusive), entry)).collect();
        if ranked.len() > 1 {
            ranked.sort_unstable_by_key(|(rank, _)| *rank);
            let mut seen = HashSet::with_capacity(ranked.len());
            ranked.retain(|(_, entry)| seen.insert(&*entry.regex));
        }
        ranked
    }

    /// A pattern and its paths.
    fn read(&self, entry: &Entry) -> (Pattern, Vec<Path>) {
        let pattern = entry.regex.pattern(self.homeserver.dialect, self.kind);
        let paths = pattern.paths();
        (pattern, paths)
    }

    /// The path with the literals that it holds. Its pattern is read a second time: few come here, and syntax trees are
    /// too large to be kept for those that do.
    fn unplaced(&self, path: &Prefixed) -> Unplaced {
        let target = path.target;
        let registration = &self.registrations[target.slot.index()];
        let sender = || match self.homeserver.dialect.sender() {
            Sender::Quoted => vec![user_id(&registration.sender_localpart, self.homeserver.name.as_str())],
            Sender::Exact | Sender::AnyServer => Vec::new(),
        };
        let literals = target.rank.position().map_or_else(sender, |position| {
            let (pattern, mut paths) = self.read(&registration.namespaces.of(self.kind)[position as usize]);
            match paths.swap_remove(path.path).rest {
                Some(rest) => required_literals(&rest),
                None => required_literals(pattern.ast()),
            }
        });
        Unplaced { prefix: path.prefix.clone(), target, literals }
    }
}

/// The service's own user: what begins so, and what may follow.
fn parsed_sender(prefix: String, rest: Ast, slot: Slot) -> Parsed {
    let path = Path { prefix: prefix.into_bytes(), conditions: Vec::new(), rest: Some(rest.clone()) };
    Parsed { pattern: Pattern::of(rest), paths: vec![path], slot, rank: Rank::SENDER }
}

fn intern(entry: Parsed, interner: &mut Interner, prefixed: &mut Vec<Prefixed>) {
    let Parsed { pattern, paths, slot, rank } = entry;
    let mut whole = None;
    for (at, path) in paths.into_iter().enumerate() {
        let check = interner.check(&path, &pattern, &mut whole);
        prefixed.push(Prefixed { prefix: path.prefix.into(), target: Target { check, slot, rank }, path: at });
    }
}
