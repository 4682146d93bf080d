//! Backtracking, in the order in which CPython's `_sre` tries.
//!
//! For a pattern with back-references or conditionals it matters *which* way led to a place, so the ways have to be tried
//! one by one, in CPython's order, and what a group has captured has to be what CPython thinks it has captured. That is not
//! always what a textbook would say: `_sre` restores less than everything when it comes back to an earlier choice, and later
//! conditionals see what is left over. All of that is mirrored here. Each quirk below is shown by a pattern; `tests/quirks.rs`
//! tries them, and taking out the line that mirrors one makes the test of 40,000 small patterns fail (0 of 480,000 matches
//! are wrong as it is).
//!
//! | in `_sre` | here | without it | CPython 3.11 |
//! |---|---|---|---|
//! | going back lowers `lastmark` | [`trail::Saved::valid`] | `b*?((?(1)a\|b))a` on `bba` | match: the group that had been captured further on counts as not captured |
//! | a mark that is set clears those between it and `lastmark` | [`Run::mark`] | `((b(?(1)a\|b){2}\|a)*?\|)$` on `bbb` | match |
//! | the marks themselves are restored within a loop only | [`trail::Saved::marks`] | `((b)+?(?(1)a\|b))$` on `bbba` | match: the end of group 1 is left over from a way that had failed |
//! | the outermost lazy loop counts as outside of it | [`Run::until`] | the same | match |
//! | a group counts only if its start is not behind its end | [`Run::captured`] | `(a\|((?(2)a\|b)\|a{2})+)*$` on `babab` | match |
//! | a negated assertion whose body does not match leaves no trace | [`Run::look`] | `((?!(?(1)a\|b)+?bb))??a` on `bbaa` | no match |
//! | a round that began where the one before began is the last | [`Run::until`] | `(a*)*b` | would never end |
//! | the rounds that a possessive loop must make do not count for that | [`Run::possessive`] | `((?(1)a\|b)\|)++bb` on `abbab` | match: the round that takes nothing is followed by another |
//!
//! # The machine
//!
//! A pattern is a [`Program`], whose instructions stand in the order in which they are tried. Running goes on from
//! instruction to instruction; where there is a choice, the other way is put on the **trail**, together with every mark,
//! loop and counter that is changed, as it was before. A way that fails is taken back by unwinding the trail to the latest
//! choice. Bodies of assertions, atomic groups and possessive loops run by themselves, above a **floor** of the trail: when
//! they have matched, their choices are forgotten, their notes stay.
//!
//! # What has been tried
//!
//! `@(a+)+(?<!x)\1$` on `@aaaa…!` takes CPython twice as long for each `a`, because it comes to the same place of text and
//! program again and again, with the same captures, and fails each time. Here such a [`Situation`] is written down when every
//! way from it has failed, and whoever comes to it again turns back at once: 2,400 steps instead of 677,460 for sixteen `a`s.
//!
//! That is right only if the situation holds all that decides how it goes on, and if failing leaves nothing behind that
//! somebody might find, which, after the table above, is not a matter of course:
//!
//! * It holds instruction and place, what the groups that anybody asks about have captured, how many marks count, and the
//!   loops that have begun. Of a loop without limit no more rounds are counted than it must make, and of the place where the
//!   latest round began only whether it is this one, since places grow.
//! * It is used only if the latest choice restores the marks too ([`Run::failure_leaves_nothing`]), so that what is turned
//!   back from leaves as little as what is tried; and not in a negated assertion that leaves something.
//!
//! With memory from the first step on, 940,000 matches of small patterns (groups in loops, conditionals, possessive loops and
//! assertions, on texts of up to thirteen letters) and of the patterns of `oracle/cases.py` came out as CPython's.
//!
//! # What it costs
//!
//! A step takes some 20 to 50 ns, about ten times as long as in `_sre`, mostly for what is noted to be taken back, and up to
//! 0.8 µs where what ten groups have captured is remembered at each. Where every
//! situation is new (`(.+)(.+)(.+)(.+)\1\2\3\4$`), their number grows as it does for CPython, and [`MAX_STEPS`] ends it. Patterns
//! that do not look at captures never come here (see `backward`).

mod run;
mod situation;
mod trail;

use std::collections::HashSet;

use run::Run;
use situation::{REMEMBER_FROM, Situation};
use trail::{Entry, Loop};

use super::OutOfSteps;
use super::matcher::Outcome;
use super::program::Program;
use super::scratch::Scratch;
use crate::ast::Ast;

/// No match attempt takes more steps. One step is an instruction, or a way that is taken back.
///
/// On nine shapes of patterns that remember (`(.+)(.+)(.+)\1\2\3$`, `(a+)+(?<!x)\1$`, …) CPython took 1.7 to 6.8 ns for what is
/// a step here, 5.6 on the one of which memory is of no help: it would be at that for more than ten milliseconds.
const MAX_STEPS: u32 = 2_000_000;

/// Matches by backtracking, in the order in which CPython's `re` tries: where captures decide, the order does.
#[derive(Debug)]
pub struct Backtracker {
    program: Program,
}

impl Backtracker {
    pub(crate) fn new(ast: &Ast, groups: u32) -> Self {
        Self { program: Program::new(ast, groups) }
    }

    /// Tries the pattern at the start of `text`, as `re.match` does.
    #[must_use]
    pub fn run(&self, scratch: &mut Scratch, text: &str) -> Outcome {
        let allowed = scratch.allowance(MAX_STEPS);
        scratch.read(text);
        let memory = &mut scratch.backtrack;
        memory.begin(self.program.groups as usize * 2);
        let mut run = Run {
            program: &self.program,
            text: &scratch.text,
            memory,
            valid: 0,
            innermost: None,
            steps: allowed,
            remember_at: allowed.saturating_sub(REMEMBER_FROM),
            forgetful: 0,
        };
        let end = run.from(0, 0);
        let taken = if end.is_err() { allowed } else { allowed - run.steps };
        scratch.spend(taken);
        match end {
            Ok(Some(_)) => Outcome::Match,
            Ok(None) => Outcome::NoMatch,
            Err(OutOfSteps) => Outcome::StepLimit,
        }
    }

    /// The bytes that it takes on the heap, with its part of what others share.
    #[must_use]
    pub fn memory_usage(&self) -> usize {
        self.program.memory_usage()
    }
}

/// What an attempt writes to.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Where groups begin and end.
    marks: Vec<usize>,
    loops: Vec<Loop>,
    trail: Vec<Entry>,
    /// The marks that have been seen on a walk over the trail.
    seen: Vec<bool>,
    /// The situations from which every way has failed.
    failed: HashSet<Situation>,
}

impl Memory {
    fn begin(&mut self, marks: usize) {
        self.marks.clear();
        self.marks.resize(marks, NOWHERE);
        self.seen.clear();
        self.seen.resize(marks, false);
        self.loops.clear();
        self.trail.clear();
        self.failed.clear();
    }
}

/// The place of a mark that has not been set.
const NOWHERE: usize = usize::MAX;
