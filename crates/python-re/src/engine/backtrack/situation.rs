use super::NOWHERE;
use super::run::Run;
use super::trail::{Entry, Loop};
use crate::engine::program::{Address, Instruction, Times};

/// What has been tried is remembered from this step on: most attempts are over before, and need not pay for it.
pub(super) const REMEMBER_FROM: u32 = 1_000;
/// At most so many situations are remembered, which takes some eight megabytes.
pub(super) const MAX_REMEMBERED: usize = 100_000;
/// The latest choice is looked for no further down the trail than this. On nine shapes that explode, 16 gives the same steps as
/// any number; with 4 one of them takes a hundredth more (40,609 for 40,159), and with 1 two take nearly three times as many
/// and one 336 times.
const NEAR: usize = 16;

/// All that decides how a match goes on, as numbers: where in program and text, what groups have captured that anybody
/// asks about, and the loops that have begun.
pub(super) type Situation = Box<[u32]>;

impl Run<'_> {
    /// Whether every way from here is known to fail; if it is not, notes that they are about to be tried.
    pub(super) fn has_failed(&mut self, at: Address, place: usize) -> bool {
        if self.steps > self.remember_at || self.forgetful > 0 || !self.failure_leaves_nothing() {
            return false;
        }
        let Some(situation) = self.situation(at, place) else { return false };
        if self.memory.failed.contains(&situation) {
            return true;
        }
        self.memory.trail.push(Entry::Tried(situation));
        false
    }

    /// Whether all is as it was before when the latest choice is come back to.
    pub(super) fn failure_leaves_nothing(&self) -> bool {
        let trail = &self.memory.trail;
        let latest = trail.iter().rev().take(NEAR).find_map(|entry| match entry {
            Entry::Way(_, saved) => Some(saved.marks),
            _ => None,
        });
        latest.unwrap_or(trail.len() <= NEAR)
    }

    /// How it goes on from here; `None` if that does not fit, so that it is not remembered but tried again: two
    /// situations that looked alike would hide a match.
    fn situation(&self, at: Address, place: usize) -> Option<Situation> {
        let mut situation = vec![number(at)?, number(place)?, number(self.valid)?];
        let marks = self.program.asked.iter().flat_map(|group| [group * 2 - 2, group * 2 - 1]);
        for mark in marks.filter(|&mark| mark < self.valid) {
            situation.push(number(self.memory.marks[mark])?);
        }
        let mut next = self.innermost;
        while let Some(index) = next {
            let Loop { until, count, last, outer } = self.memory.loops[index];
            let count = match self.program.instructions[until] {
                // Once there have been enough rounds of a loop without limit, nobody counts them.
                Instruction::Until { times: Times { min, max: u32::MAX, .. }, .. } => count.min(min.into()),
                _ => count,
            };
            // Places only grow from here, so that another place is as good as none.
            situation.extend([number(until)?, u32::try_from(count + 1).ok()?, (last == place).into()]);
            next = outer;
        }
        Some(situation.into())
    }
}

/// A place or an address in half the memory. The greatest is for a group that has captured nothing.
fn number(number: usize) -> Option<u32> {
    match u32::try_from(number) {
        Ok(u32::MAX) => None,
        Ok(fits) => Some(fits),
        Err(_) => (number == NOWHERE).then_some(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_numbers_look_alike() {
        assert_eq!((number(0), number(u32::MAX as usize - 1)), (Some(0), Some(u32::MAX - 1)));
        assert_eq!((number(NOWHERE), number(u32::MAX as usize), number(1 << 40)), (Some(u32::MAX), None, None));
    }
}
