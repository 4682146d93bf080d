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
//! | going back lowers `lastmark` | [`Saved::valid`] | `b*?((?(1)a\|b))a` on `bba` | match: the group that had been captured further on counts as not captured |
//! | a mark that is set clears those between it and `lastmark` | [`Run::mark`] | `((b(?(1)a\|b){2}\|a)*?\|)$` on `bbb` | match |
//! | the marks themselves are restored within a loop only | [`Saved::marks`] | `((b)+?(?(1)a\|b))$` on `bbba` | match: the end of group 1 is left over from a way that had failed |
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
//! A step takes some 20 to 50 ns, about ten times as long as in `_sre`, mostly for what is noted to be taken back. Where every
//! situation is new (`(.+)(.+)(.+)(.+)\1\2\3\4$`), their number grows as it does for CPython, and [`MAX_STEPS`] ends it. Patterns
//! that do not look at captures never come here (see `backward`).

use std::collections::HashSet;

use super::OutOfSteps;
use super::anchor::holds;
use super::matcher::Outcome;
use super::program::{Address, Instruction, Program, Times};
use super::scratch::Scratch;
use super::unit::Unit;
use crate::ast::{Ast, Case};
use crate::characters::lower;

/// No match attempt takes more steps. One step is an instruction, or a way that is taken back.
///
/// On nine shapes of patterns that remember (`(.+)(.+)(.+)\1\2\3$`, `(a+)+(?<!x)\1$`, …) CPython took 1.7 to 6.8 ns for what is
/// a step here, 5.6 on the one of which memory is of no help: it would be at that for more than ten milliseconds.
const MAX_STEPS: u32 = 2_000_000;
/// Nor does it note more than this to be taken back, which takes sixteen megabytes.
const MAX_TRAIL: usize = 1 << 18;
/// What has been tried is remembered from this step on: most attempts are over before, and need not pay for it.
const REMEMBER_FROM: u32 = 1_000;
/// At most so many situations are remembered, which takes some eight megabytes.
const MAX_REMEMBERED: usize = 100_000;
/// The latest choice is looked for no further down the trail than this.
const NEAR: usize = 16;

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

/// All that decides how a match goes on, as numbers: where in program and text, what groups have captured that anybody
/// asks about, and the loops that have begun.
type Situation = Box<[u32]>;

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

/// A loop that has begun.
#[derive(Clone, Copy, Debug)]
struct Loop {
    until: Address,
    /// How often the body has matched; `-1` before the loop looks for the first time.
    count: i64,
    /// Where the latest optional round began.
    last: usize,
    outer: Option<usize>,
}

/// What is taken back when a way fails, latest first.
#[derive(Debug)]
enum Entry {
    /// Another way to go on.
    Way(Way, Saved),
    Mark(usize, usize),
    Innermost(Option<usize>),
    Loop(usize, Loop),
    /// What has been noted since, was tried from here.
    Tried(Situation),
}

/// What CPython restores when it comes back to a way: always how many marks are valid; the marks themselves only
/// within a loop. A mark below that number may thus be left over from a way that has failed, and a conditional sees it.
#[derive(Clone, Copy, Debug)]
struct Saved {
    valid: usize,
    marks: bool,
    /// How many loops had begun.
    loops: usize,
}

/// A way to go on.
#[derive(Debug)]
enum Way {
    /// With the next alternative.
    Alternative { at: Address, next: usize, place: usize },
    /// With one character less of many, down to `least`.
    Fewer { at: Address, least: usize, place: usize },
    /// With one character more, up to `most` of them.
    More { at: Address, most: u32, place: usize },
    /// By leaving a loop.
    Leave { index: usize, place: usize },
    /// By one more round of a lazy loop.
    Round { index: usize, place: usize, count: i64 },
}

struct Run<'a> {
    program: &'a Program,
    text: &'a [char],
    memory: &'a mut Memory,
    /// Marks from here on count as not set.
    valid: usize,
    innermost: Option<usize>,
    steps: u32,
    /// With so many steps left, remembering begins.
    remember_at: u32,
    /// How many bodies are being run of which a failure leaves something behind.
    forgetful: u32,
}

/// Where to go on, and from which place; `None`: this way fails.
type Next = Option<(Address, usize)>;

impl Run<'_> {
    /// Runs up to [`Instruction::Succeed`] and returns the place reached. The ways that were not taken are gone then, but
    /// what was noted on the way can still be taken back.
    fn from(&mut self, at: Address, place: usize) -> Result<Option<usize>, OutOfSteps> {
        let floor = self.memory.trail.len();
        let innermost = self.innermost;
        let mut next = Some((at, place));
        loop {
            self.steps = self.steps.checked_sub(1).ok_or(OutOfSteps)?;
            if self.memory.trail.len() > MAX_TRAIL {
                return Err(OutOfSteps);
            }
            let Some((at, place)) = next else {
                match self.back(floor) {
                    Some(way) => next = self.resume(&way),
                    None => return Ok(None),
                }
                continue;
            };
            if matches!(self.program.instructions[at], Instruction::Succeed) {
                self.forget_ways(floor);
                self.set_innermost(innermost);
                return Ok(Some(place));
            }
            next = self.step(at, place)?;
        }
    }

    /// Goes back to the latest way above the floor. If there is none, all stays as it is, for whoever runs this body to
    /// take back.
    fn back(&mut self, floor: usize) -> Option<Way> {
        let above = self.memory.trail[floor..].iter().rposition(|entry| matches!(entry, Entry::Way(..)))?;
        let Some(&Entry::Way(_, saved)) = self.memory.trail.get(floor + above) else {
            self.give_up();
            return None;
        };
        self.take_back(floor + above + 1, saved);
        // What was noted and not taken back is still above the way: an earlier way may take it back.
        let way = match self.memory.trail.remove(floor + above) {
            Entry::Way(way, _) => Some(way),
            _ => None,
        };
        self.keep_oldest_marks(floor);
        way
    }

    /// Of the marks noted at the end of the trail, keeps the oldest note of each: it is what counts when all are taken back.
    fn keep_oldest_marks(&mut self, floor: usize) {
        let Memory { trail, seen, .. } = self.memory;
        let is_mark = |entry: &&Entry| matches!(entry, Entry::Mark(..));
        let from = trail.len() - trail[floor..].iter().rev().take_while(is_mark).count();
        if trail.len() - from < 2 {
            return;
        }
        let mut kept = from;
        for at in from..trail.len() {
            if let Entry::Mark(mark, _) = trail[at]
                && !std::mem::replace(&mut seen[mark], true)
            {
                trail.swap(kept, at);
                kept += 1;
            }
        }
        trail.truncate(kept);
        for entry in &trail[from..] {
            if let Entry::Mark(mark, _) = entry {
                seen[*mark] = false;
            }
        }
    }

    /// Takes back what was noted from a length of the trail on. Every way from what was tried there has failed.
    fn take_back(&mut self, from: usize, saved: Saved) {
        let mut kept = Vec::new();
        while self.memory.trail.len() > from {
            match self.memory.trail.pop() {
                Some(Entry::Mark(mark, place)) if saved.marks => self.memory.marks[mark] = place,
                Some(Entry::Mark(mark, place)) => kept.push(Entry::Mark(mark, place)),
                Some(Entry::Innermost(innermost)) => self.innermost = innermost,
                Some(Entry::Loop(index, was)) => self.memory.loops[index] = was,
                Some(Entry::Tried(situation)) if self.memory.failed.len() < MAX_REMEMBERED => {
                    self.memory.failed.insert(situation);
                }
                Some(Entry::Way(..) | Entry::Tried(_)) | None => {}
            }
        }
        self.memory.trail.extend(kept.into_iter().rev());
        self.memory.loops.truncate(saved.loops);
        self.valid = saved.valid;
    }

    fn forget_ways(&mut self, floor: usize) {
        let mut at = 0;
        self.memory.trail.retain(|entry| {
            at += 1;
            at <= floor || !matches!(entry, Entry::Way(..) | Entry::Tried(_))
        });
    }

    /// What is to be restored here.
    fn saved(&self) -> Saved {
        self.saved_with(self.innermost.is_some())
    }

    fn saved_with(&self, marks: bool) -> Saved {
        Saved { valid: self.valid, marks, loops: self.memory.loops.len() }
    }

    /// Remembers a way.
    fn or(&mut self, way: Way) {
        let saved = self.saved();
        self.memory.trail.push(Entry::Way(way, saved));
    }

    fn mark(&mut self, mark: usize, place: usize) {
        for skipped in self.valid..mark {
            self.memory.trail.push(Entry::Mark(skipped, self.memory.marks[skipped]));
            self.memory.marks[skipped] = NOWHERE;
        }
        self.valid = self.valid.max(mark + 1);
        self.memory.trail.push(Entry::Mark(mark, self.memory.marks[mark]));
        self.memory.marks[mark] = place;
    }

    fn set_innermost(&mut self, innermost: Option<usize>) {
        if self.innermost != innermost {
            self.memory.trail.push(Entry::Innermost(self.innermost));
            self.innermost = innermost;
        }
    }

    fn set_loop(&mut self, index: usize, change: impl FnOnce(&mut Loop)) {
        self.memory.trail.push(Entry::Loop(index, self.memory.loops[index]));
        change(&mut self.memory.loops[index]);
    }

    fn step(&mut self, at: Address, place: usize) -> Result<Next, OutOfSteps> {
        let program = self.program;
        Ok(match &program.instructions[at] {
            Instruction::One(unit) => self.fits(unit, place).then_some((at + 1, place + 1)),
            Instruction::Many { .. } | Instruction::Choice(_) | Instruction::Until { .. }
                if self.has_failed(at, place) =>
            {
                None
            }
            Instruction::Many { unit, times } => self.many(at, unit, *times, place),
            Instruction::Anchor(anchor) => holds(*anchor, self.text, place).then_some((at + 1, place)),
            Instruction::Reference { group, case } => self.reference(*group, *case, place).map(|place| (at + 1, place)),
            Instruction::Mark(mark) => {
                self.mark(*mark, place);
                Some((at + 1, place))
            }
            Instruction::Choice(_) => self.resume(&Way::Alternative { at, next: 0, place }),
            Instruction::Jump(to) => Some((*to, place)),
            Instruction::IfCaptured { group, otherwise } => {
                Some((if self.captured(*group).is_some() { at + 1 } else { *otherwise }, place))
            }
            Instruction::Repeat { until } => {
                let outer = self.innermost;
                self.memory.loops.push(Loop { until: *until, count: -1, last: NOWHERE, outer });
                self.set_innermost(Some(self.memory.loops.len() - 1));
                Some((*until, place))
            }
            Instruction::Until { body, times } => self.until(*body, *times, place),
            Instruction::Look { negated, behind, then } => {
                let found = match place.checked_sub(behind.unwrap_or(0) as usize) {
                    Some(start) => self.look(at + 1, start, *negated)?,
                    None => false,
                };
                (found != *negated).then_some((*then, place))
            }
            Instruction::Atomic { then } => self.from(at + 1, place)?.map(|place| (*then, place)),
            Instruction::Possessive { times, then } => {
                self.possessive(at + 1, *times, place)?.map(|place| (*then, place))
            }
            Instruction::Succeed => None,
        })
    }

    /// Whether every way from here is known to fail; if it is not, notes that they are about to be tried.
    fn has_failed(&mut self, at: Address, place: usize) -> bool {
        if self.steps > self.remember_at || self.forgetful > 0 || !self.failure_leaves_nothing() {
            return false;
        }
        let situation = self.situation(at, place);
        if self.memory.failed.contains(&situation) {
            return true;
        }
        self.memory.trail.push(Entry::Tried(situation));
        false
    }

    /// Whether all is as it was before when the latest choice is come back to.
    fn failure_leaves_nothing(&self) -> bool {
        let trail = &self.memory.trail;
        let latest = trail.iter().rev().take(NEAR).find_map(|entry| match entry {
            Entry::Way(_, saved) => Some(saved.marks),
            _ => None,
        });
        latest.unwrap_or(trail.len() <= NEAR)
    }

    fn situation(&self, at: Address, place: usize) -> Situation {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let mut situation = vec![number(at), number(place), number(self.valid)];
        let marks = self.program.asked.iter().flat_map(|group| [group * 2 - 2, group * 2 - 1]);
        situation.extend(marks.filter(|&mark| mark < self.valid).map(|mark| number(self.memory.marks[mark])));
        let mut next = self.innermost;
        while let Some(index) = next {
            let Loop { until, count, last, outer } = self.memory.loops[index];
            let count = match self.program.instructions[until] {
                // Once there have been enough rounds of a loop without limit, nobody counts them.
                Instruction::Until { times: Times { min, max: u32::MAX, .. }, .. } => count.min(min.into()),
                _ => count,
            };
            // Places only grow from here, so that another place is as good as none.
            situation.extend([number(until), u32::try_from(count + 1).unwrap_or(u32::MAX), (last == place).into()]);
            next = outer;
        }
        situation.into()
    }

    /// Whether a body matches at a place. What it captures stays, unless it must not match.
    fn look(&mut self, body: Address, start: usize, negated: bool) -> Result<bool, OutOfSteps> {
        let (before, saved) = (self.memory.trail.len(), self.saved());
        let leaves_something = u32::from(negated && !saved.marks);
        self.forgetful += leaves_something;
        let found = self.from(body, start)?.is_some();
        self.forgetful -= leaves_something;
        if negated && !found {
            self.take_back(before, saved);
        }
        Ok(found)
    }

    fn possessive(&mut self, body: Address, times: Times, mut place: usize) -> Result<Option<usize>, OutOfSteps> {
        let mut count = 0;
        let mut last = NOWHERE;
        while count < times.min || (count < times.max && place != last) {
            if count >= times.min {
                last = place;
            }
            let (before, saved) = (self.memory.trail.len(), self.saved_with(true));
            match self.from(body, place)? {
                Some(end) => place = end,
                None if count < times.min => return Ok(None),
                None => {
                    self.take_back(before, saved);
                    break;
                }
            }
            count += 1;
        }
        Ok(Some(place))
    }

    fn many(&mut self, at: Address, unit: &Unit, times: Times, place: usize) -> Next {
        let available = self.text.len() - place;
        let min = times.min as usize;
        if min > available {
            return None;
        }
        let most = if times.lazy { min } else { available.min(times.max as usize) };
        let taken = (0..most).take_while(|&taken| self.fits(unit, place + taken)).count();
        self.steps = self.steps.saturating_sub(u32::try_from(taken / 8).unwrap_or(u32::MAX));
        if taken < min {
            return None;
        }
        let end = place + taken;
        if times.lazy {
            self.or(Way::More { at, most: times.max - times.min, place: end });
        } else {
            self.or(Way::Fewer { at, least: place + min, place: end });
        }
        Some((at + 1, end))
    }

    fn resume(&mut self, way: &Way) -> Next {
        let program = self.program;
        match *way {
            Way::Alternative { at, next, place } => {
                let Instruction::Choice(starts) = &program.instructions[at] else { return self.give_up() };
                let start = *starts.get(next)?;
                // Even behind the last there is something to restore.
                self.or(Way::Alternative { at, next: next + 1, place });
                Some((start, place))
            }
            Way::Fewer { at, least, place } => {
                let place = place.checked_sub(1).filter(|&place| place >= least)?;
                self.or(Way::Fewer { at, least, place });
                Some((at + 1, place))
            }
            Way::More { at, most, place } => {
                let Instruction::Many { unit, .. } = &program.instructions[at] else { return self.give_up() };
                let most = most.checked_sub(1).filter(|_| self.fits(unit, place))?;
                self.or(Way::More { at, most, place: place + 1 });
                Some((at + 1, place + 1))
            }
            Way::Leave { index, place } => Some(self.leave(index, place)),
            Way::Round { index, place, count } => {
                let Loop { until, .. } = self.memory.loops[index];
                let Instruction::Until { body, times } = &program.instructions[until] else { return self.give_up() };
                if (count >= i64::from(times.max) && times.max != u32::MAX) || place == self.memory.loops[index].last {
                    return None;
                }
                self.set_loop(index, |this| (this.count, this.last) = (count, place));
                Some((*body, place))
            }
        }
    }

    /// What cannot happen ends the attempt undecided, and not as if there were no match.
    const fn give_up(&mut self) -> Next {
        self.steps = 0;
        None
    }

    /// Goes on behind a loop.
    fn leave(&mut self, index: usize, place: usize) -> (Address, usize) {
        let Loop { until, outer, .. } = self.memory.loops[index];
        self.set_innermost(outer);
        (until + 1, place)
    }

    fn until(&mut self, body: Address, times: Times, place: usize) -> Next {
        let Some(index) = self.innermost else { return self.give_up() };
        let this = self.memory.loops[index];
        let count = this.count + 1;
        if count < i64::from(times.min) {
            self.set_loop(index, |this| this.count = count);
            return Some((body, place));
        }
        if times.lazy {
            let saved = self.saved_with(this.outer.is_some());
            self.memory.trail.push(Entry::Way(Way::Round { index, place, count }, saved));
            return Some(self.leave(index, place));
        }
        let more = count < i64::from(times.max) || times.max == u32::MAX;
        if !more || place == this.last {
            return Some(self.leave(index, place));
        }
        self.or(Way::Leave { index, place });
        self.set_loop(index, |this| (this.count, this.last) = (count, place));
        Some((body, place))
    }

    fn fits(&self, unit: &Unit, place: usize) -> bool {
        let Some(&c) = self.text.get(place) else { return false };
        unit.fits(c)
    }

    fn captured(&self, group: u32) -> Option<(usize, usize)> {
        let mark = (group as usize - 1) * 2;
        if mark + 1 >= self.valid {
            return None;
        }
        let (start, end) = (self.memory.marks[mark], self.memory.marks[mark + 1]);
        // The start may be of a later round than the end.
        (start != NOWHERE && end != NOWHERE && start <= end).then_some((start, end))
    }

    fn reference(&mut self, group: u32, case: Case, place: usize) -> Option<usize> {
        let (start, end) = self.captured(group)?;
        let here = self.text.get(place..place + (end - start))?;
        self.steps = self.steps.saturating_sub(u32::try_from(here.len() / 8).unwrap_or(u32::MAX));
        let same = |(a, b): (&char, &char)| match case {
            Case::Sensitive => a == b,
            Case::Insensitive => lower(*a) == lower(*b),
            Case::InsensitiveAscii => a.eq_ignore_ascii_case(b),
        };
        self.text[start..end].iter().zip(here).all(same).then_some(place + here.len())
    }
}
