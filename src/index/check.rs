//! What is left to be checked when the prefix of a path is there.

use std::collections::HashMap;

use regex_syntax::hir::Hir;

use super::position::{CheckId, MatcherId, ResidualId};
use super::residual::{Residual, Table};
use super::scratch::CheckScratch;
use python_re::{Ast, Matcher, Outcome, Path, Pattern, fingerprint, regular};

/// So many residuals get a table, the most used first; the others are matched backwards, in less memory and more time.
/// Measured: see [`super`].
const MAX_TABLES: usize = 1_024;
/// When so many tables have come out too large, no more are tried: 800 regexes like `@.*a.{60}` took some twenty milliseconds
/// each to fail.
const MAX_FAILURES: usize = 8;

/// All checks of an index, each kept once however many paths need it.
#[derive(Debug, Default)]
pub(super) struct Checks {
    checks: Vec<Check>,
    residuals: Vec<Residual>,
    matchers: Vec<Matcher>,
    /// The tables among the residuals by what they were built of, and what came out too large: see [`Interner::finish`].
    tables: HashMap<Vec<u8>, Option<Table>>,
}

/// What must hold behind a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Check {
    /// Whether the prefix may stand elsewhere than at the start of the text.
    anywhere: bool,
    conditions: Box<[Condition]>,
    test: Test,
}

/// A residual that must, or must not, match so many bytes before the end of the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Condition {
    back: usize,
    negated: bool,
    residual: ResidualId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Test {
    /// This follows the prefix.
    Residual(ResidualId),
    /// The whole pattern matches, tried from the start of the text.
    Whole(MatcherId),
}

impl Checks {
    /// What a check says of a text in which its prefix stands from one place to another, in bytes.
    pub(super) fn run(
        &self,
        check: CheckId,
        text: &str,
        (start, prefix): (usize, usize),
        scratch: &mut CheckScratch,
    ) -> Outcome {
        let Check { anywhere, conditions, test } = &self.checks[check.index()];
        if start > 0 && !anywhere {
            return Outcome::NoMatch;
        }
        let mut outcome = match *test {
            Test::Whole(id) => self.matchers[id.index()].run(&mut scratch.matching, text),
            Test::Residual(id) => self.residuals[id.index()].matches(text, prefix, &mut scratch.matching),
        };
        for condition in conditions {
            if outcome == Outcome::NoMatch {
                break;
            }
            outcome = match self.fulfilled(condition, text, prefix, scratch) {
                Outcome::Match => outcome,
                other => other,
            };
        }
        outcome
    }

    fn fulfilled(&self, condition: &Condition, text: &str, prefix: usize, scratch: &mut CheckScratch) -> Outcome {
        let Condition { back, negated, residual } = *condition;
        match (self.residuals[residual.index()].matches(text, prefix - back, &mut scratch.matching), negated) {
            (Outcome::Match, true) => Outcome::NoMatch,
            (Outcome::NoMatch, true) => Outcome::Match,
            (outcome, _) => outcome,
        }
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.checks.iter().map(|check| size_of::<Check>() + size_of_val(&*check.conditions)).sum::<usize>()
            + self.residuals.iter().map(|residual| size_of::<Residual>() + residual.memory_usage()).sum::<usize>()
            + self.matchers.iter().map(|matcher| size_of::<Matcher>() + matcher.memory_usage()).sum::<usize>()
            + self.tables.keys().map(|key| size_of::<(Vec<u8>, Option<Table>)>() + key.len()).sum::<usize>()
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
    known_checks: HashMap<Check, CheckId>,
    residuals: Vec<Pending>,
    known_residuals: HashMap<Vec<u8>, Option<ResidualId>>,
    matchers: Vec<Matcher>,
}

/// The check that says all of a path, if each of its parts has an automaton.
fn exact(path: &Path, anywhere: bool, mut residual: impl FnMut(&Ast) -> Option<ResidualId>) -> Option<Check> {
    let tested = residual(path.rest.as_ref()?)?;
    let conditions = path.conditions.iter().map(|condition| {
        Some(Condition {
            back: path.prefix.len() - condition.at,
            negated: condition.negated,
            residual: residual(&condition.body)?,
        })
    });
    Some(Check { anywhere, conditions: conditions.collect::<Option<_>>()?, test: Test::Residual(tested) })
}

/// A residual that gets a table, or none, when it is known how often it is used.
struct Pending {
    /// What automata take for it, if they do.
    expression: Option<Hir>,
    residual: Residual,
    uses: u32,
}

impl Interner {
    /// The check of a path, or of the whole pattern if the path says no more than how a match must begin. `whole` is
    /// the matcher of this pattern, once it has one.
    pub(super) fn check(
        &mut self,
        (path, anywhere): (&Path, bool),
        pattern: &Pattern,
        whole: &mut Option<MatcherId>,
    ) -> CheckId {
        let check = self.exact(path, anywhere).unwrap_or_else(|| {
            let id = *whole.get_or_insert_with(|| {
                self.matchers.push(pattern.matcher());
                MatcherId::new(self.matchers.len() - 1)
            });
            Check { anywhere, conditions: Box::default(), test: Test::Whole(id) }
        });
        self.intern(check)
    }

    fn exact(&mut self, path: &Path, anywhere: bool) -> Option<Check> {
        exact(path, anywhere, |ast| self.residual(ast))
    }

    /// The check of a path if it says all and has been seen before, as nearly all have: shapes are few. Whoever takes it says so
    /// ([`Interner::used`]).
    pub(super) fn known(&self, path: &Path, anywhere: bool) -> Option<CheckId> {
        let check = exact(path, anywhere, |ast| self.known_residuals.get(&fingerprint(ast)?).copied().flatten())?;
        self.known_checks.get(&check).copied()
    }

    /// Counts that a known check is used once more.
    pub(super) fn used(&mut self, check: CheckId) {
        let Check { conditions, test, .. } = &self.checks[check.index()];
        let tested = match *test {
            Test::Residual(id) => Some(id),
            Test::Whole(_) => None,
        };
        for id in tested.into_iter().chain(conditions.iter().map(|condition| condition.residual)) {
            self.residuals[id.index()].uses += 1;
        }
    }

    fn intern(&mut self, check: Check) -> CheckId {
        if let Some(&known) = self.known_checks.get(&check) {
            return known;
        }
        self.checks.push(check.clone());
        let id = CheckId::new(self.checks.len() - 1);
        self.known_checks.insert(check, id);
        id
    }

    /// The automaton for a tree; `None` if there is none, since what a group has captured bears on it.
    fn residual(&mut self, ast: &Ast) -> Option<ResidualId> {
        let key = fingerprint(ast)?;
        if let Some(&known) = self.known_residuals.get(&key) {
            if let Some(id) = known {
                self.residuals[id.index()].uses += 1;
            }
            return known;
        }
        let expression = regular(ast);
        let residual = Residual::new(ast, expression.as_ref());
        let built = residual.map(|residual| Pending { expression, residual, uses: 1 });
        let id = built.map(|pending| {
            self.residuals.push(pending);
            ResidualId::new(self.residuals.len() - 1)
        });
        self.known_residuals.insert(key, id);
        id
    }

    /// The expression that a check's automaton matches behind the prefix, if it has one. Its conditions are left out:
    /// the automaton finds all that may match.
    pub(super) fn expression(&self, check: CheckId) -> Option<&Hir> {
        match self.checks[check.index()].test {
            Test::Residual(id) => self.residuals[id.index()].expression.as_ref(),
            Test::Whole(_) => None,
        }
    }

    /// Gives tables to the residuals that are used most. What was built for one of the layers before this one is not built again:
    /// a small layer is built for each change, and the shapes of what it holds are those of all others as a rule.
    pub(super) fn finish(self, known: &[&Checks]) -> Checks {
        let mut by_use: Vec<u32> = self.residuals.iter().map(|pending| pending.uses).collect();
        by_use.sort_unstable_by(|a, b| b.cmp(a));
        let least = by_use.get(MAX_TABLES).map_or(0, |uses| uses + 1);
        let mut keys: Vec<Vec<u8>> = vec![Vec::new(); self.residuals.len()];
        for (key, id) in self.known_residuals.into_iter().filter_map(|(key, id)| Some((key, id?))) {
            keys[id.index()] = key;
        }
        let mut tables: HashMap<Vec<u8>, Option<Table>> = HashMap::new();
        let mut failures = 0;
        let mut residuals = Vec::with_capacity(keys.len());
        for (Pending { expression, residual, uses }, key) in self.residuals.into_iter().zip(keys) {
            let expression = expression.filter(|_| uses >= least && failures < MAX_FAILURES && residual.wants_table());
            let Some(expression) = expression else {
                residuals.push(residual);
                continue;
            };
            let built = known.iter().find_map(|checks| checks.tables.get(&key)).cloned();
            let table = built.unwrap_or_else(|| Residual::table(&expression));
            failures += usize::from(table.is_none());
            residuals.push(table.clone().map_or(residual, Residual::Dense));
            tables.insert(key, table);
        }
        Checks { residuals, checks: self.checks, matchers: self.matchers, tables }
    }
}
