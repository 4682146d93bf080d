//! What one registration may cost: a stranger decides how many entries it has, and how they meet.
//!
//! A pair of entries of the usual shapes takes 0.1 ms to compare, preparing them included (2,400 pairs of 2,400 entries with
//! 300 services took 0.27 s of one core), and a step of a search 50 ns. So the bounds on pairs are seconds where entries are
//! as usual, and those on steps are for where they are not. Whoever asks about a registration waits for five seconds
//! (`http/check`), which end before the bounds on steps are reached; these are for files that are there to stay.
//!
//! What goes beyond is counted and said in one finding for each registration, never left out in silence.

use std::sync::Arc;

use super::Code;
use super::finding::{Finding, FindingPlace, HomeserverAnswer, Severity};
use crate::registration::Registration;

/// A regex of more bytes than this is not compared, nor parsed for it; those of real bridges have less than 200.
pub(super) const MAX_SOURCE: usize = 4 << 10;
/// So many pairs of entries of one registration are compared: all of 140 entries, and real registrations have at most 11. A
/// second of usual pairs.
pub(super) const MAX_PAIRS_WITHIN: u64 = 10_000;
/// So many pairs of entries of two registrations are compared: all of two with 44 entries each, and a fifth of what there is
/// for one registration, so that no other uses up all of it.
pub(super) const MAX_PAIRS_BETWEEN: u64 = 2_000;
/// So many pairs of entries of one registration and all others are compared, a second of usual ones, and so many more for
/// each of the others: as many as two real registrations can have that collide in every entry of a kind, so that however
/// many there are none goes without a look.
pub(super) const MAX_PAIRS_OF_ONE: u64 = 10_000;
pub(super) const MORE_PAIRS_FOR_EACH: u64 = 10;
/// So many steps are done for one registration by itself: five seconds' worth.
pub(super) const MAX_STEPS_WITHIN: u64 = 100_000_000;
/// And so many for one registration and all others: fifty seconds' worth, within the minute that a comparison may take.
pub(super) const MAX_STEPS_OF_ONE: u64 = 1_000_000_000;
/// So many findings of one code are listed for one registration by itself; the last counts the rest. They are some 225 KB of
/// answer (450 bytes each), and more than anybody reads: of 75 real registrations none gives rise to more than six.
pub(super) const MAX_OF_A_CODE: usize = 500;

/// So many bytes of findings are listed where somebody asks about a registration, the gravest first; the others are counted. A
/// stranger's file repeats a regex of thousands of characters in a few bytes. Where several answers stand in one, they share it.
const MAX_LISTED: usize = 512 << 10;

/// Keeps what is listed in one of so many answers, and says how many are not.
pub(super) fn listed(findings: &mut Vec<Arc<Finding>>, answers: usize) -> u64 {
    let most = MAX_LISTED / answers.max(1);
    let mut bytes = 0;
    let fits = |finding: &&Arc<Finding>| {
        bytes += size_in_answer(finding);
        bytes <= most
    };
    let listed = findings.iter().take_while(fits).count();
    let unlisted = findings.len() - listed;
    findings.truncate(listed);
    unlisted as u64
}

/// How much a finding adds to an answer, about.
fn size_in_answer(finding: &Finding) -> usize {
    let place =
        |place: &FindingPlace| 200 + place.as_id.len() + place.file.len() + place.regex.as_deref().map_or(0, str::len);
    let answer = |answer: &HomeserverAnswer| 100 + answer.message.len();
    200 + finding.message.len()
        + finding.places.iter().map(place).sum::<usize>()
        + finding.answers.iter().map(answer).sum::<usize>()
}

/// What was not looked at in one registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unseen {
    /// Entries that were not looked at.
    pub(super) entries: u64,
    /// Pairs of entries that were not compared, at most.
    pub(super) pairs: u64,
    /// Findings that are not listed.
    pub(super) unlisted: u64,
}

impl Unseen {
    /// What is said about it.
    pub(super) fn finding(self, registration: &Registration) -> Option<Finding> {
        let counts = [
            ("entries that were not looked at: ", self.entries),
            ("pairs of entries that were not compared: up to ", self.pairs),
            ("findings that are not listed: ", self.unlisted),
        ];
        let said: Vec<String> =
            counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what}{count}")).collect();
        let what = match said.as_slice() {
            [] => return None,
            [only] => only.clone(),
            [others @ .., last] => format!("{}, and {last}", others.join(", ")),
        };
        let message = format!(
            "not everything in this registration could be compared within the limits (it is matched all the same); {what}"
        );
        Some(Finding::new(Code::NotCompared, Severity::Note, message).at(FindingPlace::file(registration)))
    }
}

/// The first findings of each code; the last of those that are kept counts the rest.
///
/// The others are dropped as they come: eighty thousand references to one entry fit in a quarter of a megabyte, and the
/// findings of all of them took 120.
#[derive(Debug, Default)]
pub(super) struct Listed {
    kept: Vec<Finding>,
    counts: Vec<Count>,
}

/// How often a code was found, and where the last of its findings stands that are kept.
#[derive(Debug)]
struct Count {
    code: Code,
    found: usize,
    last: usize,
}

impl Listed {
    pub(super) fn push(&mut self, finding: Finding) {
        let known = self.counts.iter().position(|count| count.code == finding.code);
        let at = known.unwrap_or_else(|| {
            self.counts.push(Count { code: finding.code, found: 0, last: 0 });
            self.counts.len() - 1
        });
        let count = &mut self.counts[at];
        count.found += 1;
        if count.found <= MAX_OF_A_CODE {
            count.last = self.kept.len();
            self.kept.push(finding);
        }
    }

    /// What is kept, and said of the rest.
    pub(super) fn done(self) -> Vec<Finding> {
        let Self { mut kept, counts } = self;
        for Count { code, found, last } in counts.into_iter().filter(|count| count.found > MAX_OF_A_CODE) {
            let more = found - MAX_OF_A_CODE;
            let message = &mut kept[last].message;
            *message = format!("{message}; and {more} more findings `{code}` in this file that are not listed").into();
        }
        kept
    }
}

impl Extend<Finding> for Listed {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, findings: T) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}

/// Keeps the first findings of each code.
pub(super) fn bound(findings: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    let mut listed = Listed::default();
    listed.extend(findings);
    listed.done()
}
