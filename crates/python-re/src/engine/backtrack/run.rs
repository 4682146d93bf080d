use super::trail::{Entry, Loop, Way};
use super::{Memory, NOWHERE};
use crate::ast::Case;
use crate::characters::lower;
use crate::engine::OutOfSteps;
use crate::engine::anchor::holds;
use crate::engine::program::{Address, Instruction, Program, Times};
use crate::engine::unit::Unit;

/// No attempt notes more than this to be taken back: at 56 bytes each, fifteen megabytes.
const MAX_TRAIL: usize = 1 << 18;

/// One attempt.
pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) text: &'a [char],
    pub(super) memory: &'a mut Memory,
    /// Marks from here on count as not set.
    pub(super) valid: usize,
    pub(super) innermost: Option<usize>,
    pub(super) steps: u32,
    /// With so many steps left, remembering begins.
    pub(super) remember_at: u32,
    /// How many bodies are being run of which a failure leaves something behind.
    pub(super) forgetful: u32,
}

/// Where to go on, and from which place; `None`: this way fails.
pub(super) type Next = Option<(Address, usize)>;

impl Run<'_> {
    /// Runs up to [`Instruction::Succeed`] and returns the place reached. The ways that were not taken are gone then, but
    /// what was noted on the way can still be taken back.
    pub(super) fn from(&mut self, at: Address, place: usize) -> Result<Option<usize>, OutOfSteps> {
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

    pub(super) fn step(&mut self, at: Address, place: usize) -> Result<Next, OutOfSteps> {
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

    /// Whether a body matches at a place. What it captures stays, unless it must not match.
    pub(super) fn look(&mut self, body: Address, start: usize, negated: bool) -> Result<bool, OutOfSteps> {
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

    pub(super) fn possessive(
        &mut self,
        body: Address,
        times: Times,
        mut place: usize,
    ) -> Result<Option<usize>, OutOfSteps> {
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

    pub(super) fn many(&mut self, at: Address, unit: &Unit, times: Times, place: usize) -> Next {
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

    pub(super) fn resume(&mut self, way: &Way) -> Next {
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
    pub(super) const fn give_up(&mut self) -> Next {
        self.steps = 0;
        None
    }

    /// Goes on behind a loop.
    pub(super) fn leave(&mut self, index: usize, place: usize) -> (Address, usize) {
        let Loop { until, outer, .. } = self.memory.loops[index];
        self.set_innermost(outer);
        (until + 1, place)
    }

    pub(super) fn until(&mut self, body: Address, times: Times, place: usize) -> Next {
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

    pub(super) fn fits(&self, unit: &Unit, place: usize) -> bool {
        let Some(&c) = self.text.get(place) else { return false };
        unit.fits(c)
    }

    pub(super) fn captured(&self, group: u32) -> Option<(usize, usize)> {
        let mark = (group as usize - 1) * 2;
        if mark + 1 >= self.valid {
            return None;
        }
        let (start, end) = (self.memory.marks[mark], self.memory.marks[mark + 1]);
        // The start may be of a later round than the end.
        (start != NOWHERE && end != NOWHERE && start <= end).then_some((start, end))
    }

    pub(super) fn reference(&mut self, group: u32, case: Case, place: usize) -> Option<usize> {
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
