//! Paths that no prefix leads to.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, PatternID, StartKind};
use regex_syntax::hir::{Class, Dot, Hir, Repetition};

use super::check::{Checks, Interner};
use super::grouped::Grouped;
use super::lazy::LazyDfaSet;
use super::scratch::{CheckScratch, Engines};
use super::source::{Place, Unplaced};
use super::subject::Subject;
use super::target::Target;
use python_re::{Outcome, cases};

/// A literal that more paths than this hold tells too little. Measured: see [`super`].
const MAX_SHARED: u32 = 16;

/// Finds paths whose prefix says nothing, or the same as that of too many others: by a literal within them, by an
/// automaton for many, or by trying them.
#[derive(Debug, Default)]
pub(super) struct Fallback {
    /// Those with a literal, by literal.
    by_literal: Grouped<Candidate>,
    literals: Option<AhoCorasick>,
    /// Those that one automaton finds.
    by_automaton: Vec<Candidate>,
    automaton: Option<LazyDfaSet>,
    /// Those that are left.
    others: Vec<Candidate>,
}

/// A path that may match, once it has been found.
#[derive(Debug)]
struct Candidate {
    place: Place,
    prefix: Box<[u8]>,
    target: Target,
}

impl Candidate {
    /// Runs its check wherever its prefix stands.
    fn attempt(
        &self,
        subject: Subject<'_>,
        checks: &Checks,
        scratch: &mut CheckScratch,
        visit: &mut impl FnMut(Target, Outcome),
    ) {
        let key = if self.place == Place::Written { subject.text } else { subject.key() };
        let mut at = |from: usize| {
            if key.as_bytes()[from..].starts_with(&self.prefix) {
                let end = from + self.prefix.len();
                let end = if self.place == Place::Written { end } else { subject.place(end) };
                let outcome = checks.run(self.target.check, subject.text, (from, end), scratch);
                if outcome != Outcome::NoMatch {
                    visit(self.target, outcome);
                }
            }
        };
        match self.place {
            Place::Written | Place::Start => at(0),
            Place::AnySigil => {
                at(0);
                subject.further_sigils().for_each(at);
            }
        }
    }

    /// What automata take for the prefix and what follows it, tried from the start of the text.
    fn expression(&self, rest: &Hir, folds: bool) -> Hir {
        let prefix = match std::str::from_utf8(&self.prefix) {
            Ok(prefix) if folds && self.place != Place::Written => {
                Hir::concat(prefix.chars().map(|c| Hir::class(Class::Unicode(cases(c)))).collect())
            }
            _ => Hir::literal(self.prefix.clone()),
        };
        let whatever = match self.place {
            Place::Written | Place::Start => Hir::empty(),
            Place::AnySigil => {
                let sub = Box::new(Hir::dot(Dot::AnyChar));
                Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub })
            }
        };
        Hir::concat(vec![whatever, prefix, rest.clone()])
    }
}

impl Fallback {
    pub(super) fn new(unplaced: Vec<Unplaced>, interner: &Interner, folds: bool) -> Self {
        let mut fallback = Self::default();
        let chosen = choose(&unplaced);
        let mut by_literal = Vec::new();
        let mut expressions = Vec::new();
        for (Unplaced { place, prefix, target, .. }, literal) in unplaced.into_iter().zip(chosen) {
            let candidate = Candidate { place, prefix, target };
            match (literal, interner.expression(target.check)) {
                (Some(literal), _) => by_literal.push((literal, candidate)),
                (None, Some(expression)) => {
                    expressions.push(candidate.expression(expression, folds));
                    fallback.by_automaton.push(candidate);
                }
                (None, None) => fallback.others.push(candidate),
            }
        }
        fallback.index_literals(by_literal);
        fallback.automaton = if expressions.is_empty() { None } else { LazyDfaSet::new(&expressions) };
        if fallback.automaton.is_none() {
            fallback.others.append(&mut fallback.by_automaton);
        }
        fallback
    }

    fn index_literals(&mut self, mut candidates: Vec<(String, Candidate)>) {
        if candidates.is_empty() {
            return;
        }
        candidates.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut literals: Vec<String> = Vec::new();
        let mut candidates = candidates.into_iter().peekable();
        while let Some((literal, first)) = candidates.next() {
            let mut sharing = vec![first];
            while let Some((_, candidate)) = candidates.next_if(|(next, _)| *next == literal) {
                sharing.push(candidate);
            }
            self.by_literal.push(sharing);
            literals.push(literal);
        }
        let built =
            AhoCorasick::builder().match_kind(MatchKind::Standard).start_kind(StartKind::Unanchored).build(&literals);
        match built {
            Ok(built) => self.literals = Some(built),
            // Too many literals for its numbers: all are tried.
            Err(_) => self.others.extend(std::mem::take(&mut self.by_literal).into_items()),
        }
    }

    /// Visits each path that matches.
    pub(super) fn lookup(
        &self,
        checks: &Checks,
        text: &str,
        folds: bool,
        engines: &mut Engines,
        mut visit: impl FnMut(Target, Outcome),
    ) {
        let Engines { folded, seen, lazy, checks: scratch } = engines;
        let subject = Subject::new(text, folds.then_some(&*folded));
        let mut attempt = |candidate: &Candidate| candidate.attempt(subject, checks, scratch, &mut visit);
        if let Some(literals) = &self.literals {
            self.each_contained(literals, subject.key(), seen, &mut attempt);
        }
        if let Some(automaton) = &self.automaton {
            automaton.matches(text, lazy, |at| attempt(&self.by_automaton[at]));
        }
        self.others.iter().for_each(&mut attempt);
    }

    /// Visits, for each literal that the text contains, the paths that hold it.
    fn each_contained(
        &self,
        literals: &AhoCorasick,
        text: &str,
        seen: &mut Vec<PatternID>,
        visit: &mut impl FnMut(&Candidate),
    ) {
        seen.clear();
        let Ok(found) = literals.try_find_overlapping_iter(Input::new(text).anchored(Anchored::No)) else {
            // It takes such an input as it was built; if it did not, each must be tried (see `undecided`).
            return self.by_literal.items().iter().for_each(visit);
        };
        for literal in found.map(|found| found.pattern()) {
            if !seen.contains(&literal) {
                seen.push(literal);
                self.by_literal.list(literal.as_usize()).iter().for_each(&mut *visit);
            }
        }
    }

    pub(super) fn memory_usage(&self) -> usize {
        let owned = |candidates: &[Candidate]| candidates.iter().map(|one| one.prefix.len()).sum::<usize>();
        self.by_literal.memory_usage()
            + (self.by_automaton.capacity() + self.others.capacity()) * size_of::<Candidate>()
            + owned(self.by_literal.items())
            + owned(&self.by_automaton)
            + owned(&self.others)
            + self.literals.as_ref().map_or(0, AhoCorasick::memory_usage)
            + self.automaton.as_ref().map_or(0, LazyDfaSet::memory_usage)
    }
}

/// For each path the literal that the fewest paths hold, the longest of these; `None` if that are too many.
fn choose(unplaced: &[Unplaced]) -> Vec<Option<String>> {
    let mut holders: HashMap<&str, u32> = HashMap::new();
    for literal in unplaced.iter().flat_map(|path| &path.literals) {
        *holders.entry(literal).or_default() += 1;
    }
    let few = |literal: &&String| holders[literal.as_str()] <= MAX_SHARED && literal.len() >= 2;
    let preference = |literal: &&String| (std::cmp::Reverse(holders[literal.as_str()]), literal.len());
    unplaced.iter().map(|path| path.literals.iter().filter(few).max_by_key(preference).cloned()).collect()
}
