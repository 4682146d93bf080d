//! All entries of one kind.

use std::sync::Arc;

use rayon::prelude::*;

use super::check::{Checks, Interner};
use super::path::{Path, necessary_paths, paths, required_literals};
use super::scattered::{Candidate, Scattered};
use super::trie::Trie;
use crate::matrix::{Kind, ServerName, user_id};
use crate::pattern::{Anchor, Ast, Outcome, Pattern};
use crate::registration::Registration;

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
    prefix: Vec<u8>,
    target: Target,
    /// Which entry and which of its paths.
    origin: (usize, usize),
}

impl Table {
    pub(super) fn new(kind: Kind, server_name: &ServerName, registrations: &[Arc<Registration>]) -> Self {
        let parsed: Vec<Parsed> = registrations
            .par_iter()
            .enumerate()
            .with_min_len(256)
            .flat_map_iter(|(slot, registration)| parse(kind, server_name, number(slot), registration))
            .collect();
        let mut interner = Interner::default();
        let mut prefixed = Vec::with_capacity(parsed.len());
        for (at, entry) in parsed.iter().enumerate() {
            let mut whole = None;
            for (path_at, path) in entry.paths.iter().enumerate() {
                let check = interner.check(path, &entry.pattern, &mut whole);
                let target = Target { check, slot: entry.slot, rank: entry.rank };
                prefixed.push(Prefixed { prefix: path.prefix.clone(), target, origin: (at, path_at) });
            }
        }
        prefixed.par_sort_unstable_by(|a, b| (&a.prefix, a.target).cmp(&(&b.prefix, b.target)));
        let mut table = Self { entries: parsed.len(), ..Self::default() };
        let candidates = table.place(&prefixed, &parsed);
        table.scattered = Scattered::new(candidates, &interner);
        table.checks = interner.finish();
        table
    }

    /// Puts the paths, sorted by prefix, into the trie, and returns those that it is not good for.
    fn place(&mut self, prefixed: &[Prefixed], parsed: &[Parsed]) -> Vec<Candidate> {
        let mut keys: Vec<&[u8]> = Vec::new();
        let mut candidates = Vec::new();
        for group in prefixed.chunk_by(|a, b| a.prefix == b.prefix) {
            let prefix = &*group[0].prefix;
            let checks = group.chunk_by(|a, b| a.target.check == b.target.check).count();
            let most = if prefix.len() <= 1 { MAX_CHECKS_OF_ALL } else { MAX_CHECKS };
            if checks > most {
                candidates.extend(group.iter().map(|path| candidate(path, parsed)));
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

fn parse(kind: Kind, server_name: &ServerName, slot: u32, registration: &Registration) -> Vec<Parsed> {
    let mut parsed = Vec::new();
    if kind == Kind::User {
        let sender = user_id(&registration.sender_localpart, server_name.as_str());
        parsed.push(parsed_sender(&sender, slot));
    }
    for (position, entry) in (0..).zip(registration.namespaces.of(kind)) {
        // That it parses was seen when the file was loaded.
        if let Ok(pattern) = Pattern::parse(&entry.regex) {
            let paths = paths(pattern.ast());
            // What cannot be told from the rest alone is told by the whole, for all paths alike.
            let paths =
                if paths.iter().all(|path| path.rest.is_some()) { paths } else { necessary_paths(pattern.ast()) };
            parsed.push(Parsed { pattern, paths, slot, rank: position + 1 });
        }
    }
    parsed
}

/// The service's own user: the ID and nothing else.
fn parsed_sender(sender: &str, slot: u32) -> Parsed {
    let literal = sender.chars().map(Ast::Literal);
    let ast = Ast::Concat(literal.chain([Ast::Anchor(Anchor::End)]).collect());
    let paths = paths(&ast);
    Parsed { pattern: Pattern::of(ast), paths, slot, rank: SENDER }
}

fn candidate(path: &Prefixed, parsed: &[Parsed]) -> Candidate {
    let entry = &parsed[path.origin.0];
    let literals = match &entry.paths[path.origin.1].rest {
        Some(rest) => required_literals(rest),
        None => required_literals(entry.pattern.ast()),
    };
    Candidate { prefix: path.prefix.clone().into(), target: path.target, literals }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
