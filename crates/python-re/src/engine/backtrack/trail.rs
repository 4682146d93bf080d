use super::run::Run;
use super::situation::{MAX_REMEMBERED, Situation};
use super::{Memory, NOWHERE};
use crate::engine::program::Address;

/// A loop that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loop {
    pub(super) until: Address,
    /// How often the body has matched; `-1` before the loop looks for the first time.
    pub(super) count: i64,
    /// Where the latest optional round began.
    pub(super) last: usize,
    pub(super) outer: Option<usize>,
}

/// What is taken back when a way fails, latest first.
#[derive(Debug)]
pub(super) enum Entry {
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
pub(super) struct Saved {
    pub(super) valid: usize,
    pub(super) marks: bool,
    /// How many loops had begun.
    pub(super) loops: usize,
}

/// A way to go on.
#[derive(Debug)]
pub(super) enum Way {
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

impl Run<'_> {
    /// Goes back to the latest way above the floor. If there is none, all stays as it is, for whoever runs this body to
    /// take back.
    pub(super) fn back(&mut self, floor: usize) -> Option<Way> {
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
    pub(super) fn keep_oldest_marks(&mut self, floor: usize) {
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
    pub(super) fn take_back(&mut self, from: usize, saved: Saved) {
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

    pub(super) fn forget_ways(&mut self, floor: usize) {
        let mut at = 0;
        self.memory.trail.retain(|entry| {
            at += 1;
            at <= floor || !matches!(entry, Entry::Way(..) | Entry::Tried(_))
        });
    }

    /// What is to be restored here.
    pub(super) fn saved(&self) -> Saved {
        self.saved_with(self.innermost.is_some())
    }

    pub(super) fn saved_with(&self, marks: bool) -> Saved {
        Saved { valid: self.valid, marks, loops: self.memory.loops.len() }
    }

    /// Remembers a way.
    pub(super) fn or(&mut self, way: Way) {
        let saved = self.saved();
        self.memory.trail.push(Entry::Way(way, saved));
    }

    pub(super) fn mark(&mut self, mark: usize, place: usize) {
        for skipped in self.valid..mark {
            self.memory.trail.push(Entry::Mark(skipped, self.memory.marks[skipped]));
            self.memory.marks[skipped] = NOWHERE;
        }
        self.valid = self.valid.max(mark + 1);
        self.memory.trail.push(Entry::Mark(mark, self.memory.marks[mark]));
        self.memory.marks[mark] = place;
    }

    pub(super) fn set_innermost(&mut self, innermost: Option<usize>) {
        if self.innermost != innermost {
            self.memory.trail.push(Entry::Innermost(self.innermost));
            self.innermost = innermost;
        }
    }

    pub(super) fn set_loop(&mut self, index: usize, change: impl FnOnce(&mut Loop)) {
        self.memory.trail.push(Entry::Loop(index, self.memory.loops[index]));
        change(&mut self.memory.loops[index]);
    }
}
