//! Paths that no prefix leads to.

use std::cell::RefCell;
use std::collections::HashMap;

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use regex_syntax::hir::Hir;

use super::check::{Checks, Interner};
use super::multi::Multi;
use super::table::Target;
use python_re::Outcome;

/// A literal that more paths than this hold tells too little.
const MAX_SHARED: u32 = 16;

/// A path that is found by a literal within it, by an automaton for many, or by being tried.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) prefix: Box<[u8]>,
    pub(super) target: Target,
    /// Literals of which every text that matches contains each.
    pub(super) literals: Vec<String>,
}

/// Paths whose prefix says nothing, or the same as that of too many others.
#[derive(Debug, Default)]
pub(super) struct Scattered {
    /// Those with a literal, by literal.
    by_literal: Vec<Lead>,
    /// Where in `by_literal` the paths of each literal begin; one more than there are literals.
    starts: Vec<u32>,
    literals: Option<AhoCorasick>,
    /// Those that one automaton finds.
    by_automaton: Vec<Lead>,
    automaton: Option<Multi>,
    /// Those that are left.
    others: Vec<Lead>,
}

#[derive(Debug)]
struct Lead {
    prefix: Box<[u8]>,
    target: Target,
}

thread_local! {
    /// The literals that the text at hand has been seen to contain.
    static SEEN: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

impl Scattered {
    pub(super) fn new(candidates: Vec<Candidate>, interner: &Interner) -> Self {
        let mut scattered = Self::default();
        let chosen = choose(&candidates);
        let mut by_literal = Vec::new();
        let mut expressions = Vec::new();
        for (candidate, literal) in candidates.into_iter().zip(chosen) {
            let Candidate { prefix, target, .. } = candidate;
            let expression = interner.expression(target.check);
            let lead = Lead { prefix, target };
            match (literal, expression) {
                (Some(literal), _) => by_literal.push((literal, lead)),
                (None, Some(expression)) => {
                    let prefix = Hir::literal(lead.prefix.clone());
                    expressions.push(Hir::concat(vec![prefix, expression.clone()]));
                    scattered.by_automaton.push(lead);
                }
                (None, None) => scattered.others.push(lead),
            }
        }
        scattered.index_literals(by_literal);
        scattered.automaton = if expressions.is_empty() { None } else { Multi::new(&expressions) };
        if scattered.automaton.is_none() {
            scattered.others.append(&mut scattered.by_automaton);
        }
        scattered
    }

    fn index_literals(&mut self, mut leads: Vec<(String, Lead)>) {
        leads.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut literals: Vec<String> = Vec::new();
        for (at, (literal, lead)) in (0..).zip(leads) {
            if literals.last() != Some(&literal) {
                literals.push(literal);
                self.starts.push(at);
            }
            self.by_literal.push(lead);
        }
        self.starts.push(u32::try_from(self.by_literal.len()).unwrap_or(u32::MAX));
        if literals.is_empty() {
            return;
        }
        let built =
            AhoCorasick::builder().match_kind(MatchKind::Standard).start_kind(StartKind::Unanchored).build(&literals);
        match built {
            Ok(built) => self.literals = Some(built),
            // Too many literals for its numbers: all are tried.
            Err(_) => self.others.append(&mut self.by_literal),
        }
    }

    /// Visits each path that matches.
    pub(super) fn lookup(&self, checks: &Checks, text: &str, mut visit: impl FnMut(Target, Outcome)) {
        let mut try_lead = |lead: &Lead| {
            if text.as_bytes().starts_with(&lead.prefix) {
                let outcome = checks.run(lead.target.check, text, lead.prefix.len());
                if outcome != Outcome::NoMatch {
                    visit(lead.target, outcome);
                }
            }
        };
        if let Some(literals) = &self.literals {
            self.each_contained(literals, text, |range| self.by_literal[range].iter().for_each(&mut try_lead));
        }
        if let Some(automaton) = &self.automaton {
            automaton.matches(text, |at| try_lead(&self.by_automaton[at]));
        }
        self.others.iter().for_each(&mut try_lead);
    }

    /// Visits, for each literal that the text contains, the paths that hold it.
    fn each_contained(&self, literals: &AhoCorasick, text: &str, mut visit: impl FnMut(std::ops::Range<usize>)) {
        SEEN.with_borrow_mut(|seen| {
            seen.clear();
            let input = Input::new(text).anchored(Anchored::No);
            let Ok(found) = literals.try_find_overlapping_iter(input) else { return };
            for literal in found.map(|found| found.pattern().as_u32()) {
                if !seen.contains(&literal) {
                    seen.push(literal);
                    let at = literal as usize;
                    visit(self.starts[at] as usize..self.starts[at + 1] as usize);
                }
            }
        });
    }

    pub(super) fn memory_usage(&self) -> usize {
        let leads = self.by_literal.iter().chain(&self.by_automaton).chain(&self.others);
        leads.map(|lead| size_of::<Lead>() + lead.prefix.len()).sum::<usize>()
            + self.starts.capacity() * size_of::<u32>()
            + self.literals.as_ref().map_or(0, AhoCorasick::memory_usage)
            + self.automaton.as_ref().map_or(0, Multi::memory_usage)
    }
}

/// For each path the literal that the fewest paths hold, the longest of these; `None` if that are too many.
fn choose(candidates: &[Candidate]) -> Vec<Option<String>> {
    let mut holders: HashMap<&str, u32> = HashMap::new();
    for literal in candidates.iter().flat_map(|candidate| &candidate.literals) {
        *holders.entry(literal).or_default() += 1;
    }
    let few = |literal: &&String| holders[literal.as_str()] <= MAX_SHARED && literal.len() >= 2;
    let rank = |literal: &&String| (std::cmp::Reverse(holders[literal.as_str()]), literal.len());
    candidates.iter().map(|candidate| candidate.literals.iter().filter(few).max_by_key(rank).cloned()).collect()
}
