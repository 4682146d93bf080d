//! Fixes: an edit of one regex that ends a finding, where one is known to be right.
//!
//! # Which edits are known to be right
//!
//! Whose names are whose is for operators to say, and no edit here says it for them: none makes an entry shared that was
//! exclusive, none renames anybody, and where two services write the same prefix there is no fix. What can be known is what
//! the files themselves say:
//!
//! | finding | edit | known, since |
//! |---|---|---|
//! | `looks-like-glob` | `_*` becomes `_.*` | what begins with the literal text that the author wrote stays claimed |
//! | `unescaped-dot` | `\.`, and `$` behind the server's name | the name is this server's: not one ID of it is lost or gained |
//! | `open-end` of an exclusive entry with a prefix | `:example\.com$` at its end | the same; and nobody reserves names of other servers |
//! | `dead-entry` | quotes, slashes or blanks around it go, as does `^` behind the sigil; a missing sigil comes; a slip in the server's name goes where another entry of the file spells it | as it stands it claims nothing, and can be read in one way only |
//! | `exclusive-conflict`, `sender-conflict` | `(?!libera_)` behind `@irc_` | the longer beginning says whose an ID is, below |
//! | `shadowed-entry` | the same, of the later entry | the earlier one decides for these IDs anyway: no answer changes |
//! | all three, and `blocked-by-exclusive` | the first three edits, of either entry | the two only meet in what one of them did not mean |
//!
//! # Whose an ID looks like
//!
//! `@irc_.*` and `@irc_libera_.*` both claim `@irc_libera_bob`. A bridge makes names from a template, a literal text and then
//! the stranger's name, and the literal text with which its entry begins is the template's. So an ID looks like a user of
//! the service whose beginning is the longest that it begins with, as a route is the most specific one. `(?!libera_)` takes
//! from the wider entry what looks like the other's and leaves it all the rest. That is only said of a word that ends in a
//! separator (`@ircop` may be a name on `@irc`, and `@sms_+49` one on `@sms_`), where the other lies within the wider entry as
//! far as names of today go, where neither is a glob, which does not begin as it is written, and where no other entry of the
//! wider one's file, nor its own user, begins like the other: then it means them itself.
//!
//! # What is proved
//!
//! Every edit is a guess until it is proved ([`proof`]), and what is not proved within the limits is not offered:
//!
//! 1. the homeserver takes the new regex, alone and with the others of its list, and so does the bridge, where one is known to
//!    read its registration: heisenbridge takes its prefix from there and starts with no `(?!`;
//! 2. among the IDs of this server it claims all that looks like its own, and no others besides, by the rule of its row: as
//!    inclusions of languages;
//! 3. with the edited file in the place of the old one, the whole set is compared again: the finding is gone, and there is
//!    none that was not there before, nor one that weighs more.
//!
//! So a candidate may be made by looking at the text alone ([`edit`], [`beginning`]): a text that was misread is not proved.
//! Of several candidates the first that is proved is the fix; they come in the order of how much they change.
//!
//! # What it costs
//!
//! A proof compares two files with the set, the old one and the new. The gravest findings come first, and how many are looked
//! at falls with the size of the set ([`MAX_LOOKED_AT`]), the same on every machine.

mod beginning;
mod candidate;
mod edit;
mod proof;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;
use serde::Serialize;

use super::newcomer;
use super::step::entries;
use super::{Analysis, Code, Deadline, Finding};
use crate::index::ServicePos;
use crate::list::List;
use crate::matrix::Kind;
use crate::registration::{Place, Registration};
use crate::ruling::Services;

/// A proof goes through all entries of a set, so that findings times entries are limited: 75 real files, with 230 entries,
/// leave 1,300 findings, of which they have a tenth, and 10,000 registrations with three entries each the ten gravest.
const MAX_LOOKED_AT: usize = 400_000;

/// A file that takes more steps to be compared than this, a tenth of a second's worth, is not edited, since it is compared
/// again for every candidate; and of what somebody asks about a registration all fixes together may take so many.
const MAX_STEPS: u64 = 2_000_000;

/// Nor is one with more entries, in which two such could not be compared with each other in full
/// ([`super::limits::MAX_PAIRS_BETWEEN`]); real registrations have at most 11.
const MAX_ENTRIES: usize = 44;

/// An edit that ends a finding, proved on the languages: the finding is gone, no ID that looks like the entry's own users is
/// lost, and there is no new finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fix {
    /// The `id` of the application service whose file is to be edited.
    #[schema(value_type = String)]
    pub as_id: Arc<str>,
    /// The file.
    #[schema(value_type = String)]
    pub file: Arc<str>,
    /// The line at which the value of `regex` begins, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What kind of namespace the entry is of.
    pub kind: Kind,
    /// The position of the entry in its list, from 0.
    pub index: u32,
    /// The regex as it is.
    #[schema(value_type = String)]
    pub replace: Arc<str>,
    /// The regex as it is to be.
    #[schema(value_type = String)]
    pub with: Box<str>,
    /// Why that is right, in one sentence.
    #[schema(value_type = String)]
    pub why: Box<str>,
    /// The same as an edit of the file's text; left out where that is not at hand, as in a running service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FixEdit>, required = false)]
    pub edit: Option<FixEdit>,
}

/// What is to stand in the file from the place of a fix on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FixEdit {
    /// The line of the first character behind what is replaced, from 1.
    pub end_line: u32,
    /// Its column in characters, from 1.
    pub end_column: u32,
    /// The new regex, quoted as the old one is.
    #[schema(value_type = String)]
    pub text: Box<str>,
}

impl Fix {
    /// Where the value begins that is to be edited.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { line: self.line, column: self.column }
    }
}

/// What is needed to look for fixes in a set.
struct Mender<'s> {
    /// What is in force.
    services: &'s Services,
    /// What is known of it.
    known: &'s Analysis,
    /// What is to be mended.
    set: &'s List<Registration>,
    deadline: &'s Deadline,
    /// What is found of registrations as they are, by their position.
    found: Mutex<HashMap<usize, Arc<OnceLock<Found>>>>,
}

/// Findings, and in how many steps they were found.
type Found = (Vec<Arc<Finding>>, u64);

impl<'s> Mender<'s> {
    fn new(services: &'s Services, known: &'s Analysis, set: &'s List<Registration>, deadline: &'s Deadline) -> Self {
        Self { services, known, set, deadline, found: Mutex::default() }
    }

    /// Where in the set a service is.
    fn place_of(&self, id: &str) -> Option<usize> {
        let is_there = |at: &usize| self.set.get(*at).is_some_and(|one| one.id() == id);
        // A newcomer is the last, and all others stand where they are in force.
        let in_force = self.services.position_of_id(id).map(ServicePos::index).filter(is_there);
        let last = self.set.len().checked_sub(1).filter(is_there);
        in_force.or(last).or_else(|| self.set.iter().position(|one| one.id() == id))
    }

    /// What is found of a registration as it is: once, however many candidates there are.
    fn found(&self, service: usize) -> Arc<OnceLock<Found>> {
        let mut known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let found = Arc::clone(known.entry(service).or_default());
        drop(known);
        let set = (&self.set[service], self.set);
        found.get_or_init(|| newcomer::findings(self.services, self.known, set, 1, self.deadline));
        found
    }

    /// A fix of a finding, if one is known.
    fn fix(&self, finding: &Finding) -> Option<Fix> {
        let candidates = candidate::candidates(self, finding);
        candidates
            .into_iter()
            .find(|candidate| proof::is_proved(self, finding, candidate))
            .map(candidate::Candidate::fix)
    }
}

/// Whether fixes are known for findings of a code.
const fn is_looked_at(code: Code) -> bool {
    matches!(
        code,
        Code::ExclusiveConflict
            | Code::SenderConflict
            | Code::BlockedByExclusive
            | Code::ShadowedEntry
            | Code::DeadEntry
            | Code::LooksLikeGlob
            | Code::UnescapedDot
            | Code::OpenEnd
    )
}

fn with_fix(finding: &Finding, fix: Fix) -> Arc<Finding> {
    Arc::new(Finding { fix: Some(Box::new(fix)), ..finding.clone() })
}

/// How many findings of a set are looked at.
fn most_in(services: &Services) -> usize {
    let entries: usize = services.entries().values().sum();
    MAX_LOOKED_AT / (services.registrations().len() + entries).max(1)
}

/// Puts fixes to the findings of an analysis where they are known.
pub(super) fn mend(services: &Services, analysis: &mut Analysis, deadline: &Deadline) {
    let most = most_in(services);
    let looked_at = analysis.findings.first(is_looked_at, most);
    if looked_at.is_empty() {
        return;
    }
    let mender = Mender::new(services, analysis, services.registrations(), deadline);
    let fixes: Vec<Option<Fix>> = looked_at.par_iter().map(|item| mender.fix(&item.finding)).collect();
    for (item, fix) in looked_at.iter().zip(fixes) {
        if let Some(fix) = fix {
            analysis.findings.alter(item, with_fix(&item.finding, fix));
        }
    }
}

/// The findings about a registration that somebody has asked about, with fixes where they are known: one after the other, on
/// the thread that has found them.
pub(super) fn mended_of_newcomer(
    services: &Services,
    known: &Analysis,
    set: &List<Registration>,
    (new, (findings, mut steps)): (&Registration, Found),
    deadline: &Deadline,
) -> Vec<Arc<Finding>> {
    let most = most_in(services);
    if steps > MAX_STEPS || most == 0 || !findings.iter().any(|finding| is_looked_at(finding.code)) {
        return findings;
    }
    let mender = Mender::new(services, known, set, deadline);
    if let Some(at) = mender.place_of(new.id()) {
        let found = OnceLock::from((findings.clone(), steps));
        mender.found.lock().unwrap_or_else(PoisonError::into_inner).insert(at, Arc::new(found));
    }
    // What was asked for is found; now for what may be done about it.
    steps = 0;
    let mut looked_at = 0;
    let mut with_fix_if_known = |finding: Arc<Finding>| {
        if steps > MAX_STEPS || looked_at == most || !is_looked_at(finding.code) {
            return finding;
        }
        looked_at += 1;
        let candidates = candidate::candidates(&mender, &finding);
        for candidate in candidates {
            let (is_proved, taken) = proof::proved(&mender, &finding, &candidate);
            steps += taken;
            if is_proved {
                return with_fix(&finding, candidate.fix());
            }
            if steps > MAX_STEPS {
                break;
            }
        }
        finding
    };
    findings.into_iter().map(&mut with_fix_if_known).collect()
}
