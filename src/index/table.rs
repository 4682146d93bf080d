//! All entries of one kind.

use std::ops::Range;

use rayon::prelude::*;

use super::check::{Checks, Interner};
use super::fallback::Fallback;
use super::placed::Placed;
use super::position::{CheckId, Slot};
use super::prefixed::Prefixes;
use super::scratch::Engines;
use super::source::{Parsed, Place, Source};
use super::subject::Subject;
use super::target::Target;
use crate::homeserver::{Homeserver, Rank};
use crate::list::List;
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
    pub(super) fn new(
        kind: Kind,
        homeserver: &Homeserver,
        registrations: &List<Registration>,
        known: &[&Self],
    ) -> Self {
        let source = Source { kind, homeserver, registrations };
        let mut interner = Interner::default();
        let text_of = |one: &Registration| one.entries(kind).iter().map(|entry| entry.regex.len()).sum::<usize>();
        let mut prefixes = room(&source, registrations, text_of);
        let mut entries = 0;
        for slots in in_turn(registrations.iter().map(text_of)) {
            let slots = slots.into_par_iter().with_min_len(256);
            let with = |taken: Taken, at| taken.with(&source, Slot::new(at), &interner);
            let shares: Vec<Taken> = slots.fold(Taken::default, with).collect();
            for Taken { known, new } in shares {
                known.paths.iter().for_each(|path| interner.used(path.target.check));
                entries += known.paths.iter().filter(|path| path.path == 0).count() + new.len();
                prefixes.append(&known);
                for entry in new {
                    intern(entry, &mut interner, &mut prefixes);
                }
            }
        }
        prefixes.sort();
        let Prefixes { text, mut paths } = prefixes;
        let first_of_others = paths.partition_point(|path| path.place == Place::Written);
        let (written, others) = paths.split_at_mut(first_of_others);
        let anywhere = others.iter().any(|path| path.place == Place::AnySigil);
        let mut unplaced = Vec::new();
        let [written, placed] = [written, others]
            .map(|paths| Placed::new(&text, paths, |path| unplaced.push(source.unplaced(path, &text))));
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

/// Room for the prefixes of some registrations, as a rule: for as much text as their regexes and senders are.
///
/// Of many it is taken from the system by itself, and given back at once. Where it cannot be had, there is none beforehand: a regex that
/// YAML's aliases repeat a hundred thousand times counts as often, and a file of 1 MB would ask for 30 GB.
fn room(source: &Source<'_>, registrations: &List<Registration>, text_of: impl Fn(&Registration) -> usize) -> Prefixes {
    let (mut text, mut paths) = (0, 0);
    for one in registrations {
        text = usize::saturating_add(text, text_of(one));
        paths += one.entries(source.kind).len();
        if source.kind == Kind::User {
            let sender = "@:".len() + one.sender_localpart().len() + source.homeserver.name.as_str().len();
            text = text.saturating_add(sender);
            paths += 1;
        }
    }
    let mut prefixes = Prefixes { text: Vec::new(), paths: Vec::with_capacity(paths) };
    let _ = prefixes.text.try_reserve_exact(text);
    prefixes
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

/// What comes of some entries, as far as others need not wait for it.
#[derive(Default)]
struct Taken {
    /// Paths with a check that is known. Of their entries no more is needed.
    known: Prefixes,
    /// Entries with a path whose check is not.
    new: Vec<Parsed>,
}

impl Taken {
    /// And what comes of the entries in a slot. A syntax tree is gone at once where its paths are known: when all
    /// trees of a turn were handed over, to find memory for them and to free it took half of the time.
    fn with(mut self, source: &Source<'_>, slot: Slot, interner: &Interner) -> Self {
        for mut entry in source.parse(slot) {
            // Where all are as they are written, one trie holds them all.
            if entry.place == Place::Written && !source.folds() {
                entry.place = Place::Start;
            }
            let known = |path| interner.known(path, entry.place == Place::AnySigil);
            let checks: Option<Vec<CheckId>> = entry.paths.iter().map(known).collect();
            match checks.filter(|checks| !checks.is_empty()) {
                Some(checks) => {
                    for (at, (path, check)) in entry.paths.iter().zip(checks).enumerate() {
                        let target = Target { check, slot: entry.slot, rank: entry.rank };
                        self.known.push(entry.place, &path.prefix, target, at);
                    }
                }
                None => self.new.push(entry),
            }
        }
        self
    }
}

fn intern(entry: Parsed, interner: &mut Interner, prefixes: &mut Prefixes) {
    let Parsed { pattern, paths, place, slot, rank } = entry;
    let mut whole = None;
    for (at, path) in paths.into_iter().enumerate() {
        let check = interner.check((&path, place == Place::AnySigil), &pattern, &mut whole);
        prefixes.push(place, &path.prefix, Target { check, slot, rank }, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::{self, TokenHasher};

    #[test]
    fn room_that_nobody_has_is_not_asked_for_in_vain() {
        let homeserver = "example.com".parse::<Homeserver>().expect("a server name");
        let source = "id: irc\nurl: null\nas_token: as-token-of-irc-0123456789\nhs_token: hs-token-of-irc-0123456789\n\
                      sender_localpart: irc\nnamespaces: {}\n";
        let loaded = registration::load(&"irc.yaml".into(), source.as_bytes(), &TokenHasher::new());
        let registrations: List<Registration> = loaded.into_iter().collect();
        let source = Source { kind: Kind::User, homeserver: &homeserver, registrations: &registrations };
        let prefixes = room(&source, &registrations, |_| 1 << 50);
        assert_eq!((registrations.len(), prefixes.text.capacity(), prefixes.paths.capacity()), (1, 0, 1));
    }

    #[test]
    fn what_is_long_is_taken_apart_by_itself_and_what_is_short_together() {
        let few = [10, TEXT_AT_A_TIME - 10, 1, 2 * TEXT_AT_A_TIME, 0, 5];
        assert_eq!(in_turn(few.into_iter()), [0..2, 2..3, 3..5, 5..6]);
        let many = in_turn(std::iter::repeat_n(20, 2 * AT_A_TIME + 1));
        assert_eq!(many, [0..AT_A_TIME, AT_A_TIME..2 * AT_A_TIME, 2 * AT_A_TIME..2 * AT_A_TIME + 1]);
        assert!(in_turn(std::iter::empty()).is_empty());
    }
}
