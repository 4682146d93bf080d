//! What is left to be checked when the prefix of a path is there.

use std::cell::RefCell;
use std::collections::HashMap;

use regex_syntax::hir::Hir;

use super::residual::Residual;
use python_re::Path;
use python_re::fingerprint;
use python_re::{Matcher, Outcome, Pattern, Scratch, regular};

/// So many residuals get a table, the most used first; the others a smaller and slower automaton.
const MAX_TABLES: usize = 1_024;

/// All checks of an index, each kept once however many paths need it.
#[derive(Debug, Default)]
pub(super) struct Checks {
    checks: Vec<Check>,
    residuals: Vec<Residual>,
    matchers: Vec<Matcher>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Limits the steps of all lookups on this thread together, for as long as it lives.
#[derive(Debug)]
#[must_use]
pub struct StepBudget(());

impl StepBudget {
    /// Begins to count.
    pub fn of(steps: u64) -> Self {
        SCRATCH.set(Scratch::with_steps(steps));
        Self(())
    }
}

impl Drop for StepBudget {
    fn drop(&mut self) {
        SCRATCH.set(Scratch::new());
    }
}

/// What must hold behind a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Check {
    conditions: Box<[Condition]>,
    test: Test,
}

/// A residual that must, or must not, match some bytes before the end of the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Condition {
    back: u32,
    negated: bool,
    residual: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Test {
    /// This follows the prefix.
    Residual(u32),
    /// The whole pattern matches, tried from the start of the text.
    Whole(u32),
}

impl Checks {
    /// What a check says of a text that begins with a prefix of so many bytes.
    pub(super) fn run(&self, check: u32, text: &str, prefix: usize) -> Outcome {
        let Check { conditions, test } = &self.checks[check as usize];
        let holds = |residual: u32, at: usize| self.residuals[residual as usize].matches(text, at);
        let matches = match *test {
            Test::Whole(at) => return SCRATCH.with_borrow_mut(|scratch| self.matchers[at as usize].run(scratch, text)),
            Test::Residual(residual) => holds(residual, prefix),
        };
        let fulfilled =
            |condition: &Condition| holds(condition.residual, prefix - condition.back as usize) != condition.negated;
        if matches && conditions.iter().all(fulfilled) { Outcome::Match } else { Outcome::NoMatch }
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.checks.capacity() * size_of::<Check>()
            + self.residuals.iter().map(|residual| size_of::<Residual>() + residual.memory_usage()).sum::<usize>()
            + self.matchers.iter().map(|matcher| size_of::<Matcher>() + matcher.memory_usage()).sum::<usize>()
    }

    /// How many automata there are.
    pub(super) fn automata(&self) -> usize {
        self.residuals.len() + self.matchers.len()
    }
}

/// Collects checks.
#[derive(Default)]
pub(super) struct Interner {
    checks: Vec<Check>,
    known_checks: HashMap<Check, u32>,
    residuals: Vec<Pending>,
    known_residuals: HashMap<Vec<u8>, Option<u32>>,
    matchers: Vec<Matcher>,
}

/// A residual whose automaton is built when it is known how often it is used.
struct Pending {
    hir: Hir,
    uses: u32,
}

impl Interner {
    /// The check of a path, or of the whole pattern if the path says no more than how a match must begin. `whole` is
    /// the matcher of this pattern, once it has one. The expression is what an automaton for the rest would match.
    pub(super) fn check(&mut self, path: &Path, pattern: &Pattern, whole: &mut Option<u32>) -> u32 {
        let test = match self.exact(path) {
            Some(check) => return self.intern(check),
            None => Test::Whole(*whole.get_or_insert_with(|| {
                self.matchers.push(pattern.matcher());
                number(self.matchers.len() - 1)
            })),
        };
        self.intern(Check { conditions: Box::default(), test })
    }

    fn exact(&mut self, path: &Path) -> Option<Check> {
        let residual = self.residual(path.rest.as_ref()?)?;
        let conditions = path.conditions.iter().map(|condition| {
            Some(Condition {
                back: number(path.prefix.len() - condition.at),
                negated: condition.negated,
                residual: self.residual(&condition.body)?,
            })
        });
        Some(Check { conditions: conditions.collect::<Option<_>>()?, test: Test::Residual(residual) })
    }

    fn intern(&mut self, check: Check) -> u32 {
        if let Some(&known) = self.known_checks.get(&check) {
            return known;
        }
        self.checks.push(check.clone());
        let at = number(self.checks.len() - 1);
        self.known_checks.insert(check, at);
        at
    }

    fn residual(&mut self, ast: &python_re::Ast) -> Option<u32> {
        let key = fingerprint(ast)?;
        if let Some(&known) = self.known_residuals.get(&key) {
            if let Some(at) = known {
                self.residuals[at as usize].uses += 1;
            }
            return known;
        }
        // What an automaton cannot hold is tried without a table, to see whether it fits at all.
        let at = regular(ast).filter(|hir| Residual::new(hir, false).is_some()).map(|hir| {
            self.residuals.push(Pending { hir, uses: 1 });
            number(self.residuals.len() - 1)
        });
        self.known_residuals.insert(key, at);
        at
    }

    /// The expression that a check's automaton matches behind the prefix, if it has one.
    pub(super) fn expression(&self, check: u32) -> Option<&Hir> {
        match self.checks[check as usize].test {
            Test::Residual(residual) => Some(&self.residuals[residual as usize].hir),
            Test::Whole(_) => None,
        }
    }

    /// Builds the automata.
    pub(super) fn finish(self) -> Checks {
        let mut by_use: Vec<u32> = self.residuals.iter().map(|pending| pending.uses).collect();
        by_use.sort_unstable_by(|a, b| b.cmp(a));
        let least = by_use.get(MAX_TABLES).map_or(0, |uses| uses + 1);
        let build = |pending: &Pending| {
            // That it can be built has been seen.
            Residual::new(&pending.hir, pending.uses >= least).unwrap_or(Residual::Always)
        };
        Checks { checks: self.checks, residuals: self.residuals.iter().map(build).collect(), matchers: self.matchers }
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
