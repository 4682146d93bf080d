//! Whether an edit ends a finding and does no harm.

use std::sync::Arc;

use super::candidate::{Candidate, Keeps};
use super::{MAX_ENTRIES, MAX_STEPS, Mender, entries};
use crate::analysis::examiner::{Examiner, Pass};
use crate::analysis::name::Ids;
use crate::analysis::newcomer;
use crate::analysis::search::{LimitReached, is_within};
use crate::analysis::term::{ANY, NEVER};
use crate::analysis::{Finding, FindingPlace};
use crate::matrix::Kind;
use crate::registration::{Regex, Registration, ValidRegex, is_taken_by_bridge};

/// Whether it is proved.
pub(super) fn is_proved(mender: &Mender<'_>, finding: &Finding, candidate: &Candidate<'_>) -> bool {
    proved(mender, finding, candidate).0
}

/// The same, and in how many steps.
pub(super) fn proved(mender: &Mender<'_>, finding: &Finding, candidate: &Candidate<'_>) -> (bool, u64) {
    let Some(edited) = edited(mender, candidate) else { return (false, 0) };
    let new = edited.entries(candidate.kind).at(candidate.index as usize).regex;
    let mut examiner = Examiner::new(mender.services.homeserver(), mender.deadline);
    let keeps = examiner.pass().keeps(candidate, new) == Ok(true);
    let steps = examiner.steps();
    // Its terms are not needed any more, and there may be many.
    drop(examiner);
    if !keeps {
        return (false, steps);
    }
    let (is_better, more) = compared(mender, finding, candidate, &Arc::new(edited));
    (is_better, steps + more)
}

/// The registration with the edit; `None` if the homeserver does not take it, or the bridge itself.
fn edited(mender: &Mender<'_>, candidate: &Candidate<'_>) -> Option<Registration> {
    let dialect = mender.services.homeserver().dialect;
    // What the homeserver leaves open would have to be proved by both readings.
    let is_large = entries(candidate.registration) > MAX_ENTRIES;
    if dialect.other_reading().is_some() || is_large || !is_written_once(candidate) {
        return None;
    }
    let syntax = dialect.syntax();
    let regex = ValidRegex::checked(&*candidate.with, |regex| syntax.check(candidate.kind, regex)).ok()?;
    let mut edited = candidate.registration.parts();
    let entries = edited.namespaces.of_mut(candidate.kind);
    let entry = &mut entries[candidate.index as usize];
    entry.regex = regex;
    let exclusive = entry.exclusive;
    let together: Vec<&str> =
        entries.iter().filter(|entry| entry.exclusive == exclusive).map(|entry| &*entry.regex).collect();
    syntax.check_together(candidate.kind, &together).ok()?;
    let edited = Registration::from(edited);
    let entry = edited.entries(candidate.kind).at(candidate.index as usize);
    is_taken_by_bridge(&edited, candidate.kind, entry).then(|| edited.clone())
}

/// Whether no other entry has its regex from the same place of the file, as by an alias.
fn is_written_once(candidate: &Candidate<'_>) -> bool {
    let this = candidate.entry();
    let all = Kind::ALL.into_iter().flat_map(|kind| candidate.registration.entries(kind));
    let same = all.filter(|entry| entry.place == this.place || std::ptr::eq(entry.regex.as_str(), this.regex.as_str()));
    same.count() == 1
}

impl Pass<'_> {
    /// Whether the new regex claims what it has to, and nothing that it may not.
    fn keeps(&mut self, candidate: &Candidate<'_>, new: Regex<'_>) -> Result<bool, LimitReached> {
        let kind = candidate.kind;
        let languages = [candidate.entry().regex, new].map(|regex| self.language_of_regex(kind, regex));
        let [Some(old), Some(new)] = languages else { return Ok(false) };
        let local = self.ids(kind, Ids::Historical);
        let [had, has] = [old, new].map(|language| self.terms.and([language, local]));
        let (own, may) = match &candidate.keeps {
            Keeps::All => (had, had),
            Keeps::Nothing => (NEVER, ANY),
            Keeps::Beginning(text) => {
                let begins = self.terms.literal(text);
                let begins = self.terms.concat(begins, ANY);
                (self.terms.and([had, begins]), self.terms.or([had, begins]))
            }
            Keeps::Others(text, other) => {
                let begins = self.terms.literal(text);
                let begins = self.terms.concat(begins, ANY);
                if let Some(other) = other {
                    let Some(other) = self.language_of_regex(kind, other.borrowed()) else { return Ok(false) };
                    let valid = self.ids(kind, Ids::Valid);
                    let theirs = self.terms.and([other, valid]);
                    if !is_within(&mut self.terms, theirs, old)? {
                        return Ok(false);
                    }
                }
                (self.terms.without(had, begins), had)
            }
            Keeps::Undecided(earlier) => {
                let Some(earlier) = self.language_of_regex(kind, earlier.borrowed()) else { return Ok(false) };
                (self.terms.without(had, earlier), had)
            }
        };
        Ok(is_within(&mut self.terms, own, has)? && is_within(&mut self.terms, has, may)?)
    }
}

/// Whether the whole set has the finding no more with the edited registration, and none that it had not before.
fn compared(mender: &Mender<'_>, finding: &Finding, candidate: &Candidate<'_>, edited: &Registration) -> (bool, u64) {
    let found = mender.found(candidate.service);
    let Some((before, steps)) = found.get().filter(|(_, steps)| *steps <= MAX_STEPS) else { return (false, 0) };
    let mut set = mender.set.clone();
    set.set(candidate.service, edited.clone());
    let (after, more) = newcomer::findings(mender.services, mender.known, (edited, &set), 1, mender.deadline);
    let is_gone = !after.iter().any(|after| is_same(after, finding));
    let was_there =
        |after: &Arc<Finding>| before.iter().any(|before| is_same(before, after) && before.severity <= after.severity);
    let was_found = before.iter().any(|before| is_same(before, finding));
    (was_found && is_gone && after.iter().all(was_there), steps + more)
}

/// Whether two findings say the same of the same places.
fn is_same(one: &Finding, other: &Finding) -> bool {
    let place = |place: &FindingPlace| (place.line, place.column, place.index);
    let is_there = |(one, other): (&FindingPlace, &FindingPlace)| one.file == other.file && place(one) == place(other);
    one.code == other.code
        && one.places.len() == other.places.len()
        && one.places.iter().zip(&*other.places).all(is_there)
}
