//! All entries of one kind.

use std::collections::HashSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::check::{Checks, Interner};
use super::scattered::{Candidate, Scattered};
use super::trie::Trie;
use crate::homeserver::Homeserver;
use crate::matrix::{Kind, user_id};
use crate::registration::Registration;
use python_re::{Anchor, Ast, Outcome, Pattern};
use python_re::{Path, necessary_paths, paths, required_literals};

/// What makes a service interested, as the index keeps it: its sender, or one more than the position of an entry.
pub(super) const SENDER: u32 = 0;

/// At most so many different checks are run behind one prefix; where there are more, the paths are found another way.
const MAX_CHECKS: usize = 12;
/// The same behind a prefix that every ID has.
const MAX_CHECKS_OF_ALL: usize = 3;

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) check: u32,
    pub(super) slot: u32,
    pub(super) rank: u32,
}

/// The entries of one kind, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Table {
    trie: Trie,
    /// Where in `targets` those of each prefix begin; one more than there are prefixes.
    starts: Vec<u32>,
    targets: Vec<Target>,
    scattered: Scattered,
    checks: Checks,
    entries: usize,
}

/// An entry taken apart.
struct Parsed {
    pattern: Pattern,
    paths: Vec<Path>,
    slot: u32,
    rank: u32,
}

/// A path that begins with a prefix.
struct Prefixed {
    prefix: Box<[u8]>,
    target: Target,
    /// Which of the entry's paths it is.
    path: u32,
}

/// So many registrations are taken apart at a time: syntax trees are many times as large as what is kept of them.
const AT_A_TIME: usize = 4_096;

impl Table {
    pub(super) fn new(kind: Kind, homeserver: &Homeserver, registrations: &[Arc<Registration>]) -> Self {
        let mut interner = Interner::default();
        let mut prefixed = Vec::with_capacity(registrations.len());
        let mut entries = 0;
        for (at, chunk) in registrations.chunks(AT_A_TIME).enumerate() {
            let parsed: Vec<Parsed> = chunk
                .par_iter()
                .enumerate()
                .with_min_len(256)
                .flat_map_iter(|(slot, registration)| {
                    parse(kind, homeserver, number(at * AT_A_TIME + slot), registration)
                })
                .collect();
            entries += parsed.len();
            for entry in parsed {
                intern(entry, &mut interner, &mut prefixed);
            }
        }
        prefixed.par_sort_unstable_by(|a, b| (&a.prefix, a.target).cmp(&(&b.prefix, b.target)));
        let mut table = Self { entries, ..Self::default() };
        let candidates = table.place(&prefixed, |path| candidate(path, kind, homeserver, registrations));
        table.scattered = Scattered::new(candidates, &interner);
        table.checks = interner.finish();
        table
    }

    /// Puts the paths, sorted by prefix, into the trie, and returns those that it is not good for.
    fn place(&mut self, prefixed: &[Prefixed], candidate: impl Fn(&Prefixed) -> Candidate) -> Vec<Candidate> {
        let mut keys: Vec<&[u8]> = Vec::new();
        let mut candidates = Vec::new();
        for group in prefixed.chunk_by(|a, b| a.prefix == b.prefix) {
            let prefix = &*group[0].prefix;
            let checks = group.chunk_by(|a, b| a.target.check == b.target.check).count();
            let most = if prefix.len() <= 1 { MAX_CHECKS_OF_ALL } else { MAX_CHECKS };
            if checks > most {
                candidates.extend(group.iter().map(&candidate));
                continue;
            }
            keys.push(prefix);
            self.starts.push(number(self.targets.len()));
            self.targets.extend(group.iter().map(|path| path.target));
        }
        self.starts.push(number(self.targets.len()));
        self.targets.shrink_to_fit();
        self.trie = Trie::new(&keys);
        candidates
    }

    /// Visits the slot and rank of each entry that matches, in no order and perhaps several times, and whether it does
    /// only because its step limit ran out.
    pub(super) fn lookup(&self, text: &str, mut visit: impl FnMut(u32, u32, bool)) {
        self.trie.prefixes(text.as_bytes(), |length, key| {
            let range = self.starts[key as usize] as usize..self.starts[key as usize + 1] as usize;
            let mut last = None;
            for target in &self.targets[range] {
                // Neighbours share their check.
                let outcome = match last {
                    Some((check, outcome)) if check == target.check => outcome,
                    _ => self.checks.run(target.check, text, length),
                };
                last = Some((target.check, outcome));
                if outcome != Outcome::NoMatch {
                    visit(target.slot, target.rank, outcome == Outcome::StepLimit);
                }
            }
        });
        self.scattered.lookup(&self.checks, text, |target, outcome| {
            visit(target.slot, target.rank, outcome == Outcome::StepLimit);
        });
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.trie.memory_usage()
            + self.starts.capacity() * size_of::<u32>()
            + self.targets.capacity() * size_of::<Target>()
            + self.scattered.memory_usage()
            + self.checks.memory_usage()
    }

    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn automata(&self) -> usize {
        self.checks.automata()
    }
}

fn parse(kind: Kind, homeserver: &Homeserver, slot: u32, registration: &Registration) -> Vec<Parsed> {
    let mut parsed = Vec::new();
    if kind == Kind::User {
        let sender = user_id(&registration.sender_localpart, homeserver.name.as_str());
        parsed.push(parsed_sender(&sender, slot));
    }
    let entries = registration.namespaces.of(kind);
    let mut seen = HashSet::new();
    for (position, entry) in (0..).zip(entries) {
        // What the same regex matches further down in the list is decided by the first.
        if entries.len() > 1 && !seen.insert(&*entry.regex) {
            continue;
        }
        // That it parses was seen when the file was loaded.
        if let Ok(pattern) = homeserver.dialect.parse(kind, &entry.regex) {
            let paths = paths_of(&pattern);
            parsed.push(Parsed { pattern, paths, slot, rank: position + 1 });
        }
    }
    parsed
}

/// The service's own user: the ID and nothing else.
fn parsed_sender(sender: &str, slot: u32) -> Parsed {
    let end = Ast::Anchor(Anchor::End);
    let path = Path { prefix: sender.as_bytes().to_vec(), conditions: Vec::new(), rest: Some(end.clone()) };
    Parsed { pattern: Pattern::of(end), paths: vec![path], slot, rank: SENDER }
}

fn intern(entry: Parsed, interner: &mut Interner, prefixed: &mut Vec<Prefixed>) {
    let Parsed { pattern, paths, slot, rank } = entry;
    let mut whole = None;
    for (path_at, path) in (0..).zip(paths) {
        let check = interner.check(&path, &pattern, &mut whole);
        prefixed.push(Prefixed { prefix: path.prefix.into(), target: Target { check, slot, rank }, path: path_at });
    }
}

/// The paths of a pattern; what cannot be told from a rest alone is told by the whole, for all paths alike.
fn paths_of(pattern: &Pattern) -> Vec<Path> {
    let exact = paths(pattern.ast());
    if exact.iter().all(|path| path.rest.is_some()) { exact } else { necessary_paths(pattern.ast()) }
}

fn candidate(path: &Prefixed, kind: Kind, homeserver: &Homeserver, registrations: &[Arc<Registration>]) -> Candidate {
    let target = path.target;
    let literals = target.rank.checked_sub(1).and_then(|position| {
        let entry = &registrations[target.slot as usize].namespaces.of(kind)[position as usize];
        let pattern = homeserver.dialect.parse(kind, &entry.regex).ok()?;
        let rest = paths_of(&pattern).swap_remove(path.path as usize).rest;
        Some(rest.map_or_else(|| required_literals(pattern.ast()), |rest| required_literals(&rest)))
    });
    Candidate { prefix: path.prefix.clone(), target, literals: literals.unwrap_or_default() }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
