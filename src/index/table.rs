//! All entries of one kind.

use std::ops::Range;

use rayon::prelude::*;

use super::check::{Checks, Interner};
use super::fallback::Fallback;
use super::placed::Placed;
use super::position::{CheckId, Slot};
use super::scratch::Engines;
use super::source::{Parsed, Place, Prefixed, Source};
use super::subject::Subject;
use super::target::Target;
use crate::homeserver::{Homeserver, Rank};
use crate::matrix::Kind;
use crate::registration::Registration;
use python_re::Outcome;

/// The entries of one kind, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Whether prefixes and literals are without regard to case.
    folds: bool,
    /// Paths that begin where a text does, as they are written; empty unless the others are without regard to case.
    written: Placed,
    /// All others.
    placed: Placed,
    /// Whether some of them may begin wherever a text holds the sigil.
    anywhere: bool,
    fallback: Fallback,
    checks: Checks,
    entries: usize,
}

/// So many registrations are taken apart at a time: syntax trees are many times as large as what is kept of them.
const AT_A_TIME: usize = 4_096;

/// So many bytes of regexes are, unless one is longer by itself: the syntax tree of a list of 100,000 names takes 56 times its
/// text (51 MB of 0.9 MB), and the allocator keeps what was needed once.
const TEXT_AT_A_TIME: usize = 1 << 20;

impl Table {
    pub(super) fn new(kind: Kind, homeserver: &Homeserver, registrations: &[Registration], known: &[&Self]) -> Self {
        let source = Source { kind, homeserver, registrations };
        let mut interner = Interner::default();
        let mut prefixed = Vec::with_capacity(registrations.len());
        let mut entries = 0;
        let texts = registrations.iter().map(|one| one.entries(kind).iter().map(|entry| entry.regex.len()).sum());
        for slots in in_turn(texts) {
            let slots = slots.into_par_iter().with_min_len(256);
            let taken: Vec<Taken> = slots.flat_map_iter(|at| taken_apart(&source, Slot::new(at), &interner)).collect();
            for entry in taken {
                match entry {
                    Taken::Known(path) => {
                        entries += usize::from(path.path == 0);
                        interner.used(path.target.check);
                        prefixed.push(path);
                    }
                    Taken::New(entry) => {
                        entries += 1;
                        intern(entry, &mut interner, &mut prefixed);
                    }
                }
            }
        }
        let is_written = |path: &Prefixed| path.place == Place::Written;
        let order = |path: &Prefixed| !is_written(path);
        prefixed.par_sort_unstable_by(|a, b| (order(a), &a.prefix, a.target).cmp(&(order(b), &b.prefix, b.target)));
        let mut unplaced = Vec::new();
        let (written, others) = prefixed.split_at(prefixed.partition_point(is_written));
        let [written, placed] =
            [written, others].map(|paths| Placed::new(paths, |path| unplaced.push(source.unplaced(path))));
        let anywhere = others.iter().any(|path| path.place == Place::AnySigil);
        let fallback = Fallback::new(unplaced, &interner, source.folds());
        let known: Vec<&Checks> = known.iter().map(|table| &table.checks).collect();
        let checks = interner.finish(&known);
        Self { folds: source.folds(), written, placed, anywhere, fallback, checks, entries }
    }

    /// Visits the slot and rank of each entry that matches, in no order and perhaps several times, and whether it counts
    /// as matching only because that could not be decided.
    pub(super) fn lookup(&self, text: &str, engines: &mut Engines, mut visit: impl FnMut(Slot, Rank, bool)) {
        let mut found = |target: Target, outcome| match outcome {
            Outcome::Match => visit(target.slot, target.rank, false),
            Outcome::StepLimit => visit(target.slot, target.rank, true),
            Outcome::NoMatch => {}
        };
        let Engines { folded, checks: scratch, .. } = &mut *engines;
        if self.folds {
            folded.read(text);
            self.written.lookup((Subject::new(text, None), 0), &self.checks, scratch, &mut found);
        }
        let subject = Subject::new(text, self.folds.then_some(&*folded));
        self.placed.lookup((subject, 0), &self.checks, scratch, &mut found);
        if self.anywhere {
            for at in subject.further_sigils() {
                self.placed.lookup((subject, at), &self.checks, scratch, &mut found);
            }
        }
        self.fallback.lookup(&self.checks, text, self.folds, engines, found);
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.written.memory_usage()
            + self.placed.memory_usage()
            + self.fallback.memory_usage()
            + self.checks.memory_usage()
    }

    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn automata(&self) -> usize {
        self.checks.automata()
    }
}

/// What is taken apart at a time, by how much text each has.
fn in_turn(texts: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut turns: Vec<Range<usize>> = Vec::new();
    let mut left = 0;
    for (at, text) in texts.enumerate() {
        match turns.last_mut() {
            Some(turn) if turn.len() < AT_A_TIME && text <= left => {
                turn.end = at + 1;
                left -= text;
            }
            _ => {
                turns.push(at..at + 1);
                left = TEXT_AT_A_TIME.saturating_sub(text);
            }
        }
    }
    turns
}

/// What comes of an entry.
enum Taken {
    /// A path with a check that is known. Of its entry no more is needed.
    Known(Prefixed),
    /// An entry with a path whose check is not.
    New(Parsed),
}

/// The entries in a slot, as far as others need not wait for it. A syntax tree is gone at once where its paths are known: when all
/// trees of a turn were handed over, to find memory for them and to free it took half of the time.
fn taken_apart(source: &Source<'_>, slot: Slot, interner: &Interner) -> Vec<Taken> {
    let mut taken = Vec::new();
    for mut entry in source.parse(slot) {
        // Where all are as they are written, one trie holds them all.
        if entry.place == Place::Written && !source.folds() {
            entry.place = Place::Start;
        }
        let known = |path| interner.known(path, entry.place == Place::AnySigil);
        let checks: Option<Vec<CheckId>> = entry.paths.iter().map(known).collect();
        match checks.filter(|checks| !checks.is_empty()) {
            Some(checks) => {
                let Parsed { paths, place, slot, rank, .. } = entry;
                let paths = paths.into_iter().zip(checks).enumerate();
                taken.extend(paths.map(|(at, (path, check))| {
                    let target = Target { check, slot, rank };
                    Taken::Known(Prefixed { place, prefix: path.prefix.into(), target, path: at })
                }));
            }
            None => taken.push(Taken::New(entry)),
        }
    }
    taken
}

fn intern(entry: Parsed, interner: &mut Interner, prefixed: &mut Vec<Prefixed>) {
    let Parsed { pattern, paths, place, slot, rank } = entry;
    let mut whole = None;
    for (at, path) in paths.into_iter().enumerate() {
        let check = interner.check((&path, place == Place::AnySigil), &pattern, &mut whole);
        prefixed.push(Prefixed { place, prefix: path.prefix.into(), target: Target { check, slot, rank }, path: at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_taken_apart_by_itself_and_what_is_short_together() {
        let few = [10, TEXT_AT_A_TIME - 10, 1, 2 * TEXT_AT_A_TIME, 0, 5];
        assert_eq!(in_turn(few.into_iter()), [0..2, 2..3, 3..5, 5..6]);
        let many = in_turn(std::iter::repeat_n(20, 2 * AT_A_TIME + 1));
        assert_eq!(many, [0..AT_A_TIME, AT_A_TIME..2 * AT_A_TIME, 2 * AT_A_TIME..2 * AT_A_TIME + 1]);
        assert!(in_turn(std::iter::empty()).is_empty());
    }
}
