use super::run::Run;
use super::trail::{Entry, Loop};
use crate::engine::program::{Address, Instruction, Times};

/// What has been tried is remembered from this step on: most attempts are over before, and need not pay for it.
pub(super) const REMEMBER_FROM: u32 = 1_000;
/// At most so many situations are remembered, which takes some eight megabytes.
pub(super) const MAX_REMEMBERED: usize = 100_000;
/// The latest choice is looked for no further down the trail than this.
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
        let situation = self.situation(at, place);
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

    pub(super) fn situation(&self, at: Address, place: usize) -> Situation {
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
}
