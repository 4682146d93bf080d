//! What is known of one registration before it is compared with others.

use std::sync::Arc;

use super::Finding;
use super::claimed;
use super::entry;
use super::examiner::Examiner;
use super::file;
use super::limits::{Listed, MAX_SOURCE, MAX_STEPS_WITHIN, Unseen};
use super::name::EntryName;
use super::shadow;
use crate::homeserver::Rank;
use crate::matrix::Kind;
use crate::registration::{Entry, Regex, Registration};

/// A registration, its entries and the findings that it gives alone.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) registration: Registration,
    /// All entries, those of a kind together and in file order.
    pub(super) entries: Box<[PreparedEntry]>,
    pub(super) findings: Box<[Arc<Finding>]>,
    /// What was not looked at.
    pub(super) unseen: Unseen,
}

/// An entry as far as it bears on whether two can overlap.
#[derive(Debug)]
pub(super) struct PreparedEntry {
    pub(super) kind: Kind,
    pub(super) index: u32,
    pub(super) exclusive: bool,
    /// Its place in the precedence of its list.
    pub(super) rank: Rank,
    /// Every ID that matches begins with one of these, as [`claimed::key`] has it.
    pub(super) prefixes: Box<[Box<[u8]>]>,
    pub(super) standing: Standing,
}

/// What an entry is good for in comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is compared with others, one by one.
    Compared,
    /// It contains every local user or alias, so that it would collide with all others: that is said once.
    Everyone,
    /// It claims nothing here, or what it claims is not known.
    LeftOut,
}

impl Prepared {
    /// Looks at a registration by itself.
    pub(super) fn new(examiner: &mut Examiner<'_>, registration: &Registration) -> Self {
        let mut findings = Listed::default();
        let mut entries = Vec::new();
        let mut unseen = Unseen::default();
        examiner.allow(MAX_STEPS_WITHIN);
        for kind in Kind::ALL {
            for (position, entry) in registration.entries(kind).iter().enumerate() {
                entries.push(prepare(examiner, registration, kind, position, entry, &mut findings, &mut unseen));
            }
        }
        findings.extend(file::findings(registration));
        unseen.pairs = shadow::findings(examiner, registration, &entries, &mut findings);
        let findings = findings.done().into_iter().map(Arc::new).collect();
        Self { registration: registration.clone(), entries: entries.into(), findings, unseen }
    }

    /// The same of one that has been looked at before: of its entries as much as comparing them with others takes.
    pub(super) fn again(examiner: &mut Examiner<'_>, registration: &Registration) -> Self {
        let mut entries = Vec::new();
        for kind in Kind::ALL {
            for (position, entry) in registration.entries(kind).iter().enumerate() {
                entries.push(prepare_again(examiner, kind, position, entry));
            }
        }
        let (registration, entries) = (registration.clone(), entries.into());
        Self { registration, entries, findings: Box::default(), unseen: Unseen::default() }
    }

    /// The entry at a position among all.
    pub(super) fn entry_at(&self, at: usize) -> EntryOf<'_> {
        EntryOf { registration: &self.registration, all: &self.entries, at }
    }

    /// An entry of a list; `None` if there is no such entry.
    pub(super) fn entry(&self, kind: Kind, index: u32) -> Option<EntryOf<'_>> {
        let first = self.entries.partition_point(|entry| entry.kind < kind);
        let at = first + index as usize;
        self.entries.get(at).filter(|entry| entry.kind == kind)?;
        Some(self.entry_at(at))
    }
}

fn prepare_again(examiner: &mut Examiner<'_>, kind: Kind, position: usize, entry: Entry<'_>) -> PreparedEntry {
    let rank = examiner.homeserver().dialect.precedence().rank(position, entry.exclusive);
    let (index, exclusive) = (rank.position().unwrap_or_default(), entry.exclusive);
    let mut prefixes: Box<[Box<[u8]>]> = [Box::default()].into();
    if entry.regex.len() <= MAX_SOURCE {
        let pattern = claimed::pattern(examiner.homeserver(), kind, entry.regex);
        examiner.step(entry.regex.len() as u64);
        let ways = claimed::ways(examiner.homeserver(), kind, &pattern);
        prefixes = ways.into_iter().map(|path| path.prefix.into()).collect();
    }
    PreparedEntry { kind, index, exclusive, rank, prefixes, standing: Standing::Compared }
}

fn prepare(
    examiner: &mut Examiner<'_>,
    registration: &Registration,
    kind: Kind,
    position: usize,
    entry: Entry<'_>,
    findings: &mut Listed,
    unseen: &mut Unseen,
) -> PreparedEntry {
    let rank = examiner.homeserver().dialect.precedence().rank(position, entry.exclusive);
    let index = rank.position().unwrap_or_default();
    let exclusive = entry.exclusive;
    // What is not looked at may begin with anything.
    let mut prepared =
        PreparedEntry { kind, index, exclusive, rank, prefixes: [Box::default()].into(), standing: Standing::LeftOut };
    if examiner.is_spent() {
        unseen.entries += 1;
    } else if entry.regex.len() > MAX_SOURCE {
        findings.push(entry::too_long(registration, kind, index));
    } else {
        let pattern = claimed::pattern(examiner.homeserver(), kind, entry.regex);
        examiner.step(entry.regex.len() as u64);
        let ways = claimed::ways(examiner.homeserver(), kind, &pattern);
        let looked_at = entry::EntryAlone { registration, kind, index, pattern: &pattern, ways: &ways };
        prepared.standing = looked_at.examine(&mut examiner.pass(), findings);
        prepared.prefixes = ways.into_iter().map(|path| path.prefix.into()).collect();
    }
    prepared
}

/// One of the entries of a registration, among the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryOf<'p> {
    pub(super) registration: &'p Registration,
    pub(super) all: &'p [PreparedEntry],
    pub(super) at: usize,
}

impl<'p> EntryOf<'p> {
    pub(super) fn this(self) -> &'p PreparedEntry {
        &self.all[self.at]
    }

    pub(super) fn kind(self) -> Kind {
        self.this().kind
    }

    pub(super) fn index(self) -> u32 {
        self.this().index
    }

    pub(super) fn regex(self) -> Regex<'p> {
        self.registration.entries(self.kind()).at(self.index() as usize).regex
    }

    /// By what it is remembered.
    pub(super) fn name(self) -> EntryName {
        EntryName {
            registration: std::ptr::from_ref(self.registration) as usize,
            kind: self.kind(),
            index: self.index(),
        }
    }

    /// The entries of the same list that come before it in the homeserver's precedence.
    pub(super) fn before(self) -> impl Iterator<Item = Self> {
        let this = self.this();
        let comes_before = move |other: &PreparedEntry| other.kind == this.kind && other.rank < this.rank;
        let others = self.all.iter().enumerate().filter(move |(_, other)| comes_before(other));
        others.map(move |(at, _)| Self { at, ..self })
    }
}

/// Whether IDs can begin with prefixes of both.
pub(super) fn can_meet(a: &PreparedEntry, b: &PreparedEntry) -> bool {
    a.kind == b.kind && a.prefixes.iter().any(|a| b.prefixes.iter().any(|b| a.starts_with(b) || b.starts_with(a)))
}
