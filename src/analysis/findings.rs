//! All findings about a set, in order, most of them not written out.
//!
//! Hardly a registration is without a remark (75 real ones have 88), and a finding with its places and
//! sentences is some 450 bytes of answer. What a registration gives rise to
//! alone follows from it alone, so of such a finding no more is kept than whose it is and the how manieth of that
//! registration's: a [`Note`], of eight bytes, which is written out when somebody reads it. What takes two registrations to
//! find, or took long to find, is kept as it is.
//!
//! Notes lie in order, by the severity and code that they have, and then by file. So counts are there at once, and whoever reads
//! a page has a page written out.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use super::deadline::Deadline;
use super::examiner::Examiner;
use super::finding::{Finding, FindingPlace};
use super::looked::AT_ONCE;
use super::prepared::Prepared;
use super::slots::{Slot, Slots};
use super::sorted::{Place, Sorted, merged};
use super::{Code, Severity, file, order};
use crate::homeserver::Homeserver;
use crate::registration::Registration;

/// So many findings are written out at once for whoever reads all. Chosen by reasoning: they share one
/// examiner, which takes as long to begin as some findings do to write out, and whoever wants one waits for no more than these.
const BATCH: usize = 64;

/// By what findings are sorted first.
type Class = (Severity, Code);

/// One of the findings that a registration gives rise to alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Note {
    pub(super) slot: Slot,
    /// Its place among them in the order of findings, or [`Note::EXPOSED`].
    nth: u32,
}

impl Note {
    /// What the file system says about its file.
    const EXPOSED: u32 = u32::MAX;

    pub(super) const CLASS_OF_EXPOSED: (Severity, Code) = (Severity::Warning, Code::ReadableByAll);

    pub(super) const fn exposed(slot: Slot) -> Self {
        Self { slot, nth: Self::EXPOSED }
    }

    pub(super) const fn is_exposed(self) -> bool {
        self.nth == Self::EXPOSED
    }
}

/// What a registration gives rise to alone, in the order of findings.
pub(super) fn alone(prepared: &Prepared) -> Vec<Arc<Finding>> {
    let mut findings = prepared.findings.to_vec();
    findings.sort_by(|a, b| order(a, b));
    findings
}

/// The same as notes.
pub(super) fn notes_of(slot: Slot, prepared: &Prepared) -> impl Iterator<Item = (Class, Note)> {
    (0..).zip(alone(prepared)).map(move |(nth, finding)| (class(&finding), Note { slot, nth }))
}

pub(super) fn class(finding: &Finding) -> Class {
    (finding.severity, finding.code)
}

/// Notes, by what they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(BTreeMap<Class, Sorted<Note>>);

impl Notes {
    /// Takes some out and puts others in.
    pub(super) fn change(
        &mut self,
        writer: &Writer<'_>,
        is_gone: Option<&impl Fn(&Note) -> bool>,
        added: BTreeMap<Class, Vec<Note>>,
    ) {
        for class in added.keys() {
            self.0.entry(*class).or_default();
        }
        let mut added = added;
        for (class, notes) in &mut self.0 {
            let mut added = added.remove(class).unwrap_or_default();
            added.par_sort_by(|a, b| writer.order(*a, *b));
            notes.change(is_gone, added, |a, b| writer.order(*a, *b));
        }
        self.0.retain(|_, notes| notes.len() > 0);
    }
}

/// What writes notes out.
#[derive(Clone, Copy)]
pub(super) struct Writer<'w> {
    pub(super) homeserver: &'w Homeserver,
    pub(super) slots: &'w Slots,
}

impl Writer<'_> {
    /// The order of notes of a class: that of the findings that they are.
    fn order(self, a: Note, b: Note) -> Ordering {
        let file = |note: Note| self.slots.get(note.slot).file();
        if a.slot == b.slot {
            return a.nth.cmp(&b.nth);
        }
        file(a).cmp(file(b)).then_with(|| {
            // Nobody reads two registrations from one place, but it is not for this list to say so.
            let written = self.written(&[a, b]);
            order(&written[0], &written[1]).then_with(|| a.slot.cmp(&b.slot))
        })
    }

    /// Some notes as the findings that they are.
    fn written(self, notes: &[Note]) -> Vec<Arc<Finding>> {
        let mut examiner = Examiner::new(self.homeserver, &Deadline::none());
        let mut last: Option<(Slot, Vec<Arc<Finding>>)> = None;
        let mut findings = Vec::with_capacity(notes.len());
        for note in notes {
            let registration = self.slots.get(note.slot);
            if note.is_exposed() {
                findings.push(Arc::new(file::readable_by_all(registration)));
                continue;
            }
            if last.as_ref().is_none_or(|(slot, _)| *slot != note.slot) {
                last = Some((note.slot, alone(&Prepared::new(&mut examiner, registration))));
            }
            let of_one = last.as_ref().map_or(&[][..], |(_, findings)| findings);
            let told = of_one.get(note.nth as usize).cloned();
            findings.push(told.unwrap_or_else(|| self.alone_again(registration, note.nth)));
        }
        findings
    }

    /// One that was not among those that were found with what had been found out about others: it is looked for by itself and, if it
    /// is not there either, said to be left out. Nobody is told that there is nothing.
    fn alone_again(self, registration: &Registration, nth: u32) -> Arc<Finding> {
        let mut examiner = Examiner::new(self.homeserver, &Deadline::none());
        let found = alone(&Prepared::new(&mut examiner, registration)).into_iter().nth(nth as usize);
        let left_out = || {
            let place = FindingPlace::file(registration);
            let message =
                "a finding that this registration gave rise to was not found again, so that it cannot be listed";
            Arc::new(Finding::new(Code::NotCompared, Severity::Note, message).at(place))
        };
        found.unwrap_or_else(left_out)
    }
}

/// The findings about a set, the gravest first, then by code and place.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub(super) homeserver: Option<Homeserver>,
    pub(super) slots: Slots,
    pub(super) notes: Notes,
    /// Those that are kept as they are, in order.
    pub(super) told: Arc<Vec<Arc<Finding>>>,
    /// What stands in the place of some: the same with a fix, or nothing.
    altered: HashMap<Which, Option<Arc<Finding>>>,
    /// How many of each class are left out.
    left_out: BTreeMap<Class, usize>,
}

/// One of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Which {
    Note(Note),
    /// By where it is in memory.
    Told(usize),
}

impl Which {
    fn told(finding: &Arc<Finding>) -> Self {
        Self::Told(Arc::as_ptr(finding) as usize)
    }
}

/// Which findings are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Those of a severity.
    pub severity: Option<Severity>,
    /// Those of a code.
    pub code: Option<Code>,
}

impl Wanted {
    fn wants(self, (severity, code): Class) -> bool {
        self.severity.is_none_or(|wanted| wanted == severity) && self.code.is_none_or(|wanted| wanted == code)
    }
}

/// How far somebody has read.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    wanted: Wanted,
    class: usize,
    note: Place,
    told: Option<usize>,
}

impl Cursor {
    /// At the first of those that are wanted.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }
}

impl Findings {
    /// The same without what stands in the place of others.
    pub(super) fn unaltered(&self) -> Self {
        let Self { homeserver, slots, notes, told, .. } = self.clone();
        Self { homeserver, slots, notes, told, ..Self::default() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count(Wanted::default())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are of those that are wanted.
    #[must_use]
    pub fn count(&self, wanted: Wanted) -> usize {
        classes().filter(|class| wanted.wants(*class)).map(|class| self.count_of(class)).sum()
    }

    fn count_of(&self, class: Class) -> usize {
        let notes = self.notes.0.get(&class).map_or(0, Sorted::len);
        notes + self.told_of(class).len() - self.left_out.get(&class).copied().unwrap_or_default()
    }

    /// Where in `told` those of a class stand.
    fn told_of(&self, class: Class) -> std::ops::Range<usize> {
        let before = |is_before: fn(&Class, &Class) -> bool| {
            self.told.partition_point(|finding| is_before(&self::class(finding), &class))
        };
        before(|of, class| of < class)..before(|of, class| of <= class)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Arc<Finding>> {
        self.iter_wanted(Wanted::default())
    }

    /// Those that are wanted.
    pub fn iter_wanted(&self, wanted: Wanted) -> impl Iterator<Item = Arc<Finding>> {
        let mut cursor = Cursor::new(wanted);
        std::iter::from_fn(move || {
            let next = self.read(&mut cursor, BATCH);
            (!next.is_empty()).then_some(next)
        })
        .flatten()
    }

    /// All of them, written out by as many threads as there are.
    #[must_use]
    pub fn to_vec(&self) -> Vec<Arc<Finding>> {
        let mut notes = self.all_written().into_iter();
        let mut all = Vec::with_capacity(self.len());
        for class in classes() {
            let notes = notes.by_ref().take(self.notes_of(class).count()).collect();
            let told = self.told[self.told_of(class)].iter().map(|told| (Which::told(told), Arc::clone(told)));
            let both = merged(notes, told.collect(), |a, b| order(&a.1, &b.1));
            all.extend(both.into_iter().filter_map(|(which, finding)| self.shown(which, &finding)).map(Item::finding));
        }
        all
    }

    fn notes_of(&self, class: Class) -> impl Iterator<Item = Note> {
        self.notes.0.get(&class).into_iter().flat_map(Sorted::iter).copied()
    }

    /// All notes in order, as the findings that they are. Those of a registration are written out together, though they stand
    /// apart: it is looked at once.
    fn all_written(&self) -> Vec<(Which, Arc<Finding>)> {
        let notes: Vec<Note> = classes().flat_map(|class| self.notes_of(class)).collect();
        let mut by_slot: Vec<usize> = (0..notes.len()).collect();
        by_slot.par_sort_unstable_by_key(|&at| (notes[at].slot, at));
        let write = |some: &[usize]| {
            let some: Vec<Note> = some.iter().map(|&at| notes[at]).collect();
            self.written(&some)
        };
        let written: Vec<Vec<Arc<Finding>>> = by_slot.par_chunks(AT_ONCE).map(write).collect();
        let mut all: Vec<_> = by_slot.into_iter().zip(written.into_iter().flatten()).collect();
        all.par_sort_unstable_by_key(|(at, _)| *at);
        all.into_iter().map(|(at, finding)| (Which::Note(notes[at]), finding)).collect()
    }

    /// The next of those that are wanted, at most so many, and none only if there are no more.
    pub fn read(&self, cursor: &mut Cursor, most: usize) -> Vec<Arc<Finding>> {
        let mut read = Vec::new();
        while read.is_empty() && self.read_class(cursor, most, &mut read) {}
        read.into_iter().map(Item::finding).collect()
    }

    /// Reads on in the class that somebody is at, so many at most; `false` if there is none.
    fn read_class(&self, cursor: &mut Cursor, most: usize, read: &mut Vec<Item>) -> bool {
        let Some(class) = classes().nth(cursor.class) else { return false };
        if !cursor.wanted.wants(class) || self.read_of(class, cursor, most, read) {
            *cursor = Cursor { class: cursor.class + 1, note: Place::default(), told: None, ..*cursor };
        }
        true
    }

    /// The next ones of a class; whether there are no more of it.
    fn read_of(&self, class: Class, cursor: &mut Cursor, most: usize, read: &mut Vec<Item>) -> bool {
        let most = read.len() + most;
        let empty = Sorted::default();
        let all = self.notes.0.get(&class).unwrap_or(&empty);
        let notes = std::iter::successors(all.next(cursor.note), |(_, behind)| all.next(*behind));
        let notes: Vec<(Note, Place)> = notes.take(most).map(|(note, behind)| (*note, behind)).collect();
        let written = self.written(&notes.iter().map(|(note, _)| *note).collect::<Vec<_>>());
        let told = self.told_of(class);
        let mut at = cursor.told.unwrap_or(told.start);
        for ((note, behind), finding) in notes.into_iter().zip(written) {
            while at < told.end && read.len() < most && order(&self.told[at], &finding).is_lt() {
                read.extend(self.shown(Which::told(&self.told[at]), &self.told[at]));
                at += 1;
            }
            if read.len() == most {
                break;
            }
            read.extend(self.shown(Which::Note(note), &finding));
            cursor.note = behind;
        }
        let no_more_notes = all.next(cursor.note).is_none();
        while no_more_notes && at < told.end && read.len() < most {
            read.extend(self.shown(Which::told(&self.told[at]), &self.told[at]));
            at += 1;
        }
        cursor.told = Some(at);
        no_more_notes && at == told.end
    }

    /// A finding as it is shown, if it is.
    fn shown(&self, which: Which, finding: &Arc<Finding>) -> Option<Item> {
        let finding = match self.altered.get(&which) {
            None => Arc::clone(finding),
            Some(altered) => altered.clone()?,
        };
        Some(Item { which, finding })
    }

    fn written(&self, notes: &[Note]) -> Vec<Arc<Finding>> {
        match &self.homeserver {
            Some(homeserver) if !notes.is_empty() => Writer { homeserver, slots: &self.slots }.written(notes),
            _ => Vec::new(),
        }
    }

    /// Those that concern the service in a slot.
    pub(super) fn about(&self, slot: Slot, wanted: Wanted) -> Vec<Arc<Finding>> {
        let id = self.slots.get(slot).id();
        let concerns = |finding: &Arc<Finding>| finding.places.iter().any(|place| *place.as_id == *id);
        let told = self.told.iter().filter(|finding| wanted.wants(class(finding)) && concerns(finding));
        let told = told.filter_map(|finding| self.shown(Which::told(finding), finding));
        let notes = self.notes_about(slot);
        let notes = notes.iter().filter(|(_, finding)| wanted.wants(class(finding)));
        let notes = notes.filter_map(|(note, finding)| self.shown(Which::Note(*note), finding));
        let mut about: Vec<Arc<Finding>> = told.chain(notes).map(Item::finding).collect();
        about.sort_by(|a, b| order(a, b));
        about
    }

    /// What the registration in a slot gives rise to alone.
    fn notes_about(&self, slot: Slot) -> Vec<(Note, Arc<Finding>)> {
        let file = self.slots.get(slot).file();
        let before = |note: &Note| self.slots.get(note.slot).file() < file;
        let of_class = |notes: &Sorted<Note>| -> Vec<Note> {
            let of_file = notes.from(before).take_while(|note| self.slots.get(note.slot).file() == file);
            of_file.filter(|note| note.slot == slot).copied().collect()
        };
        let notes: Vec<Note> = self.notes.0.values().flat_map(of_class).collect();
        let written = self.written(&notes);
        notes.into_iter().zip(written).collect()
    }

    /// Leaves those out of which this holds; of what registrations give rise to alone, it may hold of those in some slots.
    pub(super) fn leave_out(&mut self, slots: &[Slot], is_left_out: impl Fn(&Finding) -> bool) {
        let told = self.told.iter().map(|finding| (Which::told(finding), Arc::clone(finding)));
        let notes = slots.iter().flat_map(|slot| self.notes_about(*slot));
        let all = told.chain(notes.map(|(note, finding)| (Which::Note(note), finding)));
        let left_out: Vec<_> = all.filter(|(_, finding)| is_left_out(finding)).collect();
        for (which, finding) in left_out {
            let before = self.altered.insert(which, None);
            if !matches!(before, Some(None)) {
                *self.left_out.entry(class(&finding)).or_default() += 1;
            }
        }
    }

    /// The first of those with some codes, at most so many.
    pub(super) fn first(&self, wants: impl Fn(Code) -> bool, most: usize) -> Vec<Item> {
        let mut first = Vec::new();
        for (at, _) in classes().enumerate().filter(|(_, (_, code))| wants(*code)) {
            let mut cursor = Cursor { class: at, ..Cursor::default() };
            while first.len() < most && cursor.class == at {
                self.read_class(&mut cursor, most - first.len(), &mut first);
            }
        }
        first
    }

    /// All of those with some codes, which hardly any registration gives rise to alone.
    pub(super) fn of(&self, codes: &[Code]) -> Vec<Arc<Finding>> {
        self.first(|code| codes.contains(&code), usize::MAX).into_iter().map(Item::finding).collect()
    }

    /// Puts the same finding with a fix in the place of one.
    pub(super) fn alter(&mut self, Item { which, .. }: &Item, with: Arc<Finding>) {
        self.altered.insert(*which, Some(with));
    }
}

/// All classes, in order.
fn classes() -> impl Iterator<Item = Class> {
    Severity::ALL.into_iter().flat_map(|severity| Code::ALL.iter().map(move |&code| (severity, code)))
}

/// A finding, and which it is.
pub(super) struct Item {
    which: Which,
    pub(super) finding: Arc<Finding>,
}

impl Item {
    fn finding(self) -> Arc<Finding> {
        self.finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::{TokenHasher, load};

    #[test]
    fn a_note_of_what_is_not_found_again_is_said_to_be_left_out() {
        let homeserver = Homeserver::new("example.com".parse().expect("a name"), crate::homeserver::Dialect::default());
        let file = "id: a\nurl: null\nas_token: a\nhs_token: b\nsender_localpart: a\nnamespaces: {}\n";
        let registration = Arc::new(load(&"a.yaml".into(), file.as_bytes(), &TokenHasher::new()).expect("it loads"));
        let mut slots = Slots::default();
        let slot = slots.put(&registration);
        let found = alone(&Prepared::new(&mut Examiner::new(&homeserver, &Deadline::none()), &registration));
        let writer = Writer { homeserver: &homeserver, slots: &slots };
        let nth = u32::try_from(found.len()).expect("few findings");
        let notes: Vec<Note> = (0..=nth).map(|nth| Note { slot, nth }).collect();
        let written = writer.written(&notes);
        assert_eq!(written[..found.len()], found);
        assert_eq!(written[found.len()].code, Code::NotCompared);
    }
}
