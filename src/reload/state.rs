use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::missed::{Found, Missed, is_unloadable};
use super::settle::{Looked, put_back};
use crate::snapshot::Problem;
use crate::source::{Absence, Known, PassedOver, Recorded, Scan, Stamp, Unlisted};

/// What is known of a source.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own, and any may hold beside any other")]
pub(super) struct State {
    /// What holds until it has been listed for the first time.
    at_first: AtFirst,
    /// What is listed, in load order.
    pub(super) files: Vec<Known>,
    /// What is not listed any more and has something in force, by name.
    pub(super) away: Vec<Known>,
    /// Why it is not as it should be.
    pub(super) problem: Option<Problem>,
    /// Whether it has no listing, so that nobody can tell what else there ought to be.
    pub(super) is_unlisted: bool,
    /// Whether that is since something else is there, or an earlier state of it.
    pub(super) is_another: bool,
    /// What was passed over when it was listed last.
    pub(super) passed_over: PassedOver,
    /// What was on record then of its changes, where they are recorded.
    pub(super) recorded: Option<Recorded>,
    /// Whether all that was listed then has been read, so that another look shows nothing else as long as it is the same.
    is_read: bool,
    /// Which set was listed last.
    stamp: Stamp,
    /// The set that was there before one of another file system came into its place, until it is back.
    covered: Option<Stamp>,
    /// Whether that has happened just now: what its files no longer claim is no edit.
    pub(super) is_uncovered: bool,
    /// Somebody has said that it is right that it is not there.
    confirmed_absent: bool,
    in_doubt: InDoubt,
    /// When those files came that are listed and never could be loaded, since the first load.
    came: HashMap<Arc<str>, Instant>,
}

/// What is in force of a source that has not been listed since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum AtFirst {
    /// Nothing: it is waited for.
    #[default]
    Nothing,
    /// What was so before: it may be away for long without anybody being there to mend that.
    WhatWasBefore,
}

/// Files that are lost for no other reason than that others cannot be loaded, which may be what they were.
#[derive(Clone, Debug, Default)]
struct InDoubt {
    lost: HashSet<Arc<str>>,
    newcomers: HashSet<Arc<str>>,
}

/// Under which circumstances a source was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances<'l> {
    /// Whether the first load is done.
    pub(super) is_ready: bool,
    /// Whether somebody has said that it is right if there is nothing.
    pub(super) allow_empty: bool,
    /// What this look has shown of all sources.
    pub(super) found: &'l Found,
    /// When.
    pub(super) now: Instant,
}

impl State {
    /// What was in force before the service was started, of files at which no look has been taken yet.
    pub(super) fn recalled(files: Vec<Known>, may_be_away: bool) -> Self {
        let at_first = if may_be_away { AtFirst::WhatWasBefore } else { AtFirst::Nothing };
        Self { at_first, ..Self::default() }.with(files)
    }

    /// Whether nothing of it is to be in force before it has been listed.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_unlisted && !self.is_from_before()
    }

    /// Whether it has not been listed since the start, and what was in force of it before is so again.
    pub(super) fn is_from_before(&self) -> bool {
        self.at_first == AtFirst::WhatWasBefore && self.known().into_iter().any(has_any)
    }

    /// Whether nothing comes of a look that finds the same as the last one: all is listed and read, nothing is missing, and nothing waits
    /// for anything.
    pub(super) fn is_at_rest(&self) -> bool {
        let Self { at_first, away, problem, is_unlisted, is_read, covered, is_uncovered, .. } = self;
        *at_first == AtFirst::Nothing
            && *is_read
            && away.is_empty()
            && problem.is_none()
            && covered.is_none()
            && !is_unlisted
            && !is_uncovered
            && !self.confirmed_absent
            && self.in_doubt.newcomers.is_empty()
            && self.came.is_empty()
    }

    /// All that a look is to be compared with.
    pub(super) fn known(&self) -> Vec<&Known> {
        self.files.iter().chain(&self.away).collect()
    }

    /// The files that take part: those that are listed, and those that are lost with what they were in. Where nothing is listed, these
    /// stand as they stood before, since the order decides between claims.
    pub(super) fn taking_part(&self) -> Vec<Known> {
        with_lost(self.files.clone(), &self.away)
    }

    /// The same, of which it then knows nothing itself: that of a million items is too much to have twice.
    pub(super) fn take_part(&mut self) -> Vec<Known> {
        with_lost(std::mem::take(&mut self.files), &self.away)
    }

    /// Whether nobody can see if something that is gone has come back to it: it is not there, or what is there is another, or
    /// lacks most of what it had.
    pub(super) fn is_hidden(&self) -> bool {
        self.problem.is_some()
    }

    /// The files that never could be loaded and came less than so long ago.
    pub(super) fn newcomers_within(&self, time: Duration, now: Instant) -> impl Iterator<Item = &Arc<str>> {
        self.came.iter().filter(move |(_, came)| now.saturating_duration_since(**came) < time).map(|(file, _)| file)
    }

    /// When each file came that never could be loaded.
    fn came(&self, scan: &Scan, when: Circumstances<'_>) -> HashMap<Arc<str>, Instant> {
        let unloadable: Vec<&str> = scan.files.iter().filter(|known| is_unloadable(known)).map(Known::file).collect();
        if unloadable.is_empty() {
            // As a rule; and the names of a hundred thousand files are not hashed for nothing.
            return HashMap::new();
        }
        let known: HashSet<&str> = self.files.iter().map(Known::file).collect();
        let came = |file: &str| match self.came.get(file) {
            Some(&came) => Some(came),
            // What is there at the first load may have been there for years.
            None => (when.is_ready && !known.contains(file)).then_some(when.now),
        };
        unloadable.into_iter().filter_map(|file| Some((file.into(), came(file)?))).collect()
    }

    /// Whether what has become of a file is on record, so that it was decided: of one that is there, or that was removed.
    pub(super) fn is_decided(&self, gone: Option<&Known>) -> bool {
        self.recorded.as_ref().is_some_and(|recorded| gone.is_none_or(|gone| recorded.has_removed(gone)))
    }

    /// The files that are gone.
    pub(super) fn gone(&self) -> impl Iterator<Item = &Known> {
        self.away.iter().filter(|known| is(known, Absence::Gone))
    }

    /// Takes one more that is listed, behind all others.
    pub(super) fn push(&mut self, known: Known) {
        if self.files.len() == self.files.capacity() {
            // By a half or more, as a list grows by itself, it would be 20 MB of a million that lie idle. By this it is moved once in
            // 15,000 that come.
            self.files.reserve_exact(1 + self.files.len() / SPARE);
        }
        self.files.push(known);
    }

    /// The same with these files, listed or not.
    pub(super) fn with(self, files: Vec<Known>) -> Self {
        let mut files = files;
        // They lie where they lay, and not in a list that grew to twice what it holds.
        let away = files.extract_if(.., |known| known.absence().is_some()).collect();
        Self { files, away, ..self }
    }

    /// Decides what a look means: that a source has vanished or become empty is as a rule no decision of anybody's.
    pub(super) fn next(&self, looked: Looked, when: Circumstances<'_>) -> Self {
        let was_right =
            self.confirmed_absent && self.files.is_empty() && self.away.iter().all(|a| is(a, Absence::Gone));
        let is_right = |why: &Unlisted| matches!(why, Unlisted::Absent(_)) && (when.allow_empty || was_right);
        match looked {
            Err(why) if is_right(&why) => self.confirmed_absent(),
            Ok(scan) if scan.instead.as_ref().is_some_and(|instead| is_right(&instead.why)) => self.confirmed_absent(),
            Err(why) => self.unlisted(&why, when),
            Ok(scan) => self.listed(scan, when),
        }
    }

    /// It is right that there is nothing: what it had is gone.
    fn confirmed_absent(&self) -> Self {
        let away = by_name(self.known().into_iter().filter(|known| has_any(known)).cloned().map(gone));
        Self { away, confirmed_absent: true, ..Self::default() }
    }

    /// There is no listing: everything stays.
    fn unlisted(&self, why: &Unlisted, when: Circumstances<'_>) -> Self {
        let is_another = matches!(why, Unlisted::Another(_));
        let what = why.to_string();
        if !when.is_ready && !self.is_from_before() {
            let meanwhile = match why {
                Unlisted::Absent(_) => {
                    "until it is there, or `POST /-/reload` with `{\"allow_empty\": true}` confirms its absence"
                }
                Unlisted::Unreadable(_) => "until it can be read",
                Unlisted::Another(_) => UNTIL_IT_IS_MEANT,
            };
            let problem = Some(Problem { what, meanwhile: format!("nothing is loaded {meanwhile}") });
            return Self { problem, is_unlisted: true, is_another, ..self.clone() };
        }
        let held = self.taking_part().iter().filter(|known| has_any(known)).count();
        let meanwhile = match why {
            Unlisted::Absent(_) => kept_until(held),
            Unlisted::Unreadable(_) => kept_until_readable(held),
            Unlisted::Another(_) => kept_until_it_is_meant(held),
        };
        let problem = Problem { what, meanwhile };
        let why = why_lost(&problem);
        // As long as the problem stays the same, so do the files.
        let same = self.problem.as_ref() == Some(&problem);
        let away = self.taking_part().into_iter().chain(self.gone().cloned()).map(|known| match known.absence() {
            Some(Absence::Lost) if same => known,
            Some(Absence::Gone) => known,
            Some(Absence::Lost) | None => known.lost(&why),
        });
        Self {
            at_first: self.at_first,
            away: away.collect(),
            problem: Some(problem),
            is_unlisted: true,
            is_another,
            stamp: self.stamp.clone(),
            covered: self.covered.clone(),
            came: self.came.clone(),
            recorded: self.recorded.clone(),
            ..Self::default()
        }
    }

    /// There is a listing, which is believed unless it looks as if it were that of something else.
    fn listed(&self, mut scan: Scan, when: Circumstances<'_>) -> Self {
        let came = self.came(&scan, when);
        let mut in_doubt = self.in_doubt.clone();
        if !in_doubt.newcomers.is_empty() && when.found.has_told(&in_doubt.newcomers) {
            // It is told by now what has come, and that it is not what is missing: from here on that is as in any edit.
            let told = |known: Known| if in_doubt.lost.contains(known.file()) { gone(known) } else { known };
            scan.away = std::mem::take(&mut scan.away).into_iter().map(told).collect();
            in_doubt = InDoubt::default();
        }
        let missed = Missed::by(&scan, when.found);
        let lost_now = if when.allow_empty { None } else { self.looks_lost(&scan, &missed, when) };
        let recorded = scan.recorded.clone();
        let is_lost = |known: &Known| {
            (is(known, Absence::Lost) || lost_now.is_some())
                && !when.allow_empty
                // Nothing can come back that a file was before it was another service's.
                && known.formerly().is_none()
                && !when.found.is_elsewhere(known)
                && !recorded.as_ref().is_some_and(|recorded| recorded.has_removed(known))
        };
        let absent: Vec<Known> = scan.gone.into_iter().chain(scan.away).filter(has_any).collect();
        match lost_now {
            Some(IN_DOUBT) => {
                in_doubt.newcomers.extend(when.found.newcomers().iter().cloned());
                let lost = absent.iter().filter(|known| !is(known, Absence::Lost));
                in_doubt.lost.extend(lost.map(|known| Arc::from(known.file())));
            }
            Some(_) => in_doubt = InDoubt::default(),
            None => {}
        }
        let lost = absent.iter().filter(|known| is_lost(known)).count();
        let what = lost_now.or_else(|| {
            let what = if scan.files.is_empty() { EMPTY } else { "not all of its files are back" };
            (lost > 0).then_some(what)
        });
        let problem = what.map(|what| Problem { what: what.to_owned(), meanwhile: kept_until(lost) });
        let why = problem.as_ref().map(why_lost);
        let away = absent.into_iter().map(|known| match &why {
            Some(_) if is(&known, Absence::Lost) && is_lost(&known) => known,
            Some(why) if is_lost(&known) => known.lost(why),
            _ => gone(known),
        });
        let away = by_name(away);
        let is_another = self.stamp.was_remounted_as(&scan.stamp);
        let is_back = self.covered.as_ref().is_some_and(|covered| covered.same_set(&scan.stamp));
        let before = if is_another { self.covered.as_ref().or(Some(&self.stamp)) } else { self.covered.as_ref() };
        let covered = before.filter(|_| !is_back).cloned();
        let instead = scan
            .instead
            .map(|instead| Problem { what: instead.why.to_string(), meanwhile: instead.meanwhile.to_owned() });
        Self {
            at_first: AtFirst::Nothing,
            in_doubt: if lost > 0 { in_doubt } else { InDoubt::default() },
            files: scan.files,
            away,
            problem: problem.or(instead),
            is_unlisted: false,
            is_another: false,
            is_read: !scan.unread,
            passed_over: scan.passed_over,
            recorded,
            stamp: scan.stamp,
            covered,
            is_uncovered: is_another && !is_back,
            confirmed_absent: false,
            came,
        }
    }

    /// Why a listing is not what it seems, if so. An edit takes away one thing or two, and what it takes away is held; here is
    /// what accidents do, which nobody may notice within the time that is held.
    fn looks_lost(&self, scan: &Scan, missed: &Missed, when: Circumstances<'_>) -> Option<&'static str> {
        if missed.missing == 0 {
            None
        } else if scan.files.is_empty() {
            Some(EMPTY)
        } else if !when.found.newcomers().is_empty() {
            Some(IN_DOUBT)
        } else if missed.left == 0 && !when.is_ready {
            Some("none of the files is there that were in force before the restart")
        } else if missed.left == 0 && self.stamp.was_replaced_by(&scan.stamp) {
            Some("something else has come into its place, without any of the files that were in force")
        } else if self.stamp.was_remounted_as(&scan.stamp) {
            Some("another file system has come into its place, without all of the files that were in force")
        } else if missed.missing >= FEWEST && missed.missing > missed.left {
            Some("it has lost most of the files that were in force")
        } else {
            None
        }
    }
}

/// A list that is full has room for one more in so many.
const SPARE: usize = 64;

/// So many files at least are missing where most of them are said to be: one of one, or one of two, is as likely an edit.
const FEWEST: usize = 2;

const IN_DOUBT: &str = "what has come in the place of files that were in force cannot be loaded";

const EMPTY: &str = "it has become empty";

/// These files, with those that are lost with what they were in. Where nothing is listed, these stand as they stood before.
fn with_lost(mut files: Vec<Known>, away: &[Known]) -> Vec<Known> {
    let lost = away.iter().filter(|known| is(known, Absence::Lost));
    if files.is_empty() {
        return lost.cloned().collect();
    }
    put_back(&mut files, lost.cloned().collect());
    files
}

fn is(known: &Known, absence: Absence) -> bool {
    known.absence() == Some(absence)
}

fn has_any(known: &Known) -> bool {
    known.held().is_some()
}

fn gone(known: Known) -> Known {
    if is(&known, Absence::Gone) { known } else { known.gone() }
}

fn by_name(files: impl Iterator<Item = Known>) -> Vec<Known> {
    let mut files: Vec<_> = files.collect();
    files.sort_by(|a, b| a.file().cmp(b.file()));
    files
}

fn kept_until(held: usize) -> String {
    if held == 0 {
        return "nothing of it was in force".to_owned();
    }
    format!(
        "what was in force of its files ({held}) stays so until they are back, or `POST /-/reload` with \
         `{{\"allow_empty\": true}}` confirms that they are gone for good"
    )
}

/// What is there and cannot be read is no absence that anybody could confirm.
fn kept_until_readable(held: usize) -> String {
    if held == 0 {
        return "nothing of it was in force".to_owned();
    }
    format!("what was in force of its files ({held}) stays so until it can be read")
}

const UNTIL_IT_IS_MEANT: &str =
    "until that one is back, or `POST /-/reload` with `{\"allow_empty\": true}` confirms this one";

/// Something is there, and nobody has said that it is meant.
fn kept_until_it_is_meant(held: usize) -> String {
    format!("what was in force of its files ({held}) stays so {UNTIL_IT_IS_MEANT}")
}

fn why_lost(problem: &Problem) -> String {
    format!("what lists this file is lost: {problem}")
}
