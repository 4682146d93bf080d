//! What was taken away is held for a while.
//!
//! Whoever reads files cannot tell an edit from an accident: a file that is gone may be one that an editor is about to
//! put back, an entry that is gone may be one that did not fit on a full disk, and a directory with fewer files may be
//! half copied. If it was an accident, the names must not have been free in the meantime, and if it was an edit, it does
//! no harm if they stay reserved a little longer. So *additions are in force at once, and what is taken away is held for
//! a grace* ([`super::Options::hold`]), unless somebody confirms it.
//!
//! # What counts as taken away
//!
//! A *loss* is a claim that kept names from being registered and that nothing in force makes any more: an exclusive
//! entry, by its kind and the text of its regex, or a service's own user. An entry that has moved to another file, to
//! another place in its file or to another service is no loss; one whose regex was edited is, even if the new one
//! claims more, for that would have to be proved. So is one that stands behind an entry that is not exclusive and did not
//! stand before it: the first that matches decides, so it may keep less than it did. It does not matter what form the
//! taking away has: entries that change places, one that is put before another, a file that is written over. What keeps
//! nobody from anything (entries that are not exclusive, `protocols`, a url) is no loss. See [`super::losses`].
//!
//! # How it is held
//!
//! ```text
//!   in force            on disk             in force, while it is held          after the grace
//!   irc: @irc_.*   ──►  irc: @chat_.*  ──►  irc: @irc_.* (held), @chat_.*  ──►  irc: @chat_.*
//!   tg:  @tg_.*    ──►  (gone)         ──►  tg:  @tg_.*  (held)            ──►
//! ```
//!
//! The claims of a file that is still there are put among its own, each as far back as it keeps no less than it did: behind
//! the entries that stood before it, and before the first that did not and is not exclusive. So what they keep is decided
//! as before, and what is new is in force as it stands. A file
//! that is gone stays as it was; but if its `id` or token is in force from another file, its claims are held in that
//! one's name. So it is with a file that has come to be another service's (a paste into the wrong file): what it was is held
//! as that of a file that is gone, by a name of its own, `irc.yaml (irc)`, so that nobody gets names who never claimed them. Since the answers depend on it, so does the digest: replicas that hold the same agree, and one that was
//! started meanwhile and holds nothing differs until the grace has passed. A file that is gone and is held whole counts
//! as if it were there, as its answers do.
//!
//! The grace of a loss begins when it is first seen, and ends early if the claim is made again. Losses are kept by
//! what was lost and not by file, so that renaming a file that has lost something does not begin its grace anew.
//!
//! # What is in doubt
//!
//! Files that are mixed up (one pasted over another, two that change names and are seen halfway) leave one that is turned
//! away: two say that they are the same service, and none says that it is another. As long as any file is quarantined, nobody
//! can tell which of them is the mistake, so what a file was is not let go, and its grace begins when the doubt has ended. While
//! no file is quarantined, there are as many services in force as files, so whoever is none of them has made room for another.
//! It ends, too, when somebody says that it is right if there is less (`allow_empty`).
//!
//! So it is with a file that is gone, if another that is quarantined says that it is its service.
//!
//! While a source is lost, or has lost most of its files, nobody can see whether what is gone has come back, nor which files
//! contradict each other: nothing of it that is gone is let go, and the grace begins when that can be seen again.
//!
//! An unmount may uncover older versions of the files that it takes away, which claim less. That is no edit, and there may be nobody
//! to notice it: what is missing from the look on that first sees another file system in a directory's place is kept until it is
//! claimed again, or confirmed by name of what it is.
//!
//! # What is no accident
//!
//! Where each change is recorded with whoever made it ([`crate::source::Recorded`]), an edit was decided, and a file that is gone and
//! on record as removed was, too. Nothing of that is held.
//!
//! # Cost
//!
//! Nothing is lost in nearly every reload, or what is was decided, and that is seen by comparing two pointers a file. Else it takes one
//! look at every entry in force.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::losses::{By, Gone, Loss, Lost, Order, lost};
use crate::homeserver::Dialect;
use crate::list::List;
use crate::registration::{Fault, FaultCode, Registration, TokenDigest};
use crate::snapshot::{Candidate, Claimed, FileRecord, FileState, Good, Refusal, Snapshot};
use crate::source::Known;

/// A confirmation counts for what has been missing for so long, at each of several looks. Whoever confirms means what is
/// gone for good. A program that writes a file in two steps puts it back within milliseconds, and must not be taken for
/// somebody who has decided something only because another program asks for reloads meanwhile.
pub(super) const CONFIRMABLE_AFTER: Duration = Duration::from_secs(1);

/// So many of a file's claims are named where it is shown; the rest is counted.
const MAX_NAMED: usize = 5;

/// What is held.
#[derive(Debug, Default)]
pub(super) struct Holds {
    missing: HashMap<Loss, Missing>,
    /// What is in force of the files that are there and hold more than they say, by file: made anew only when it is
    /// something else.
    extended: HashMap<Arc<str>, Extended>,
}

/// How it is with such a claim.
#[derive(Clone, Debug)]
struct Missing {
    since: Instant,
    /// Its time is over, but something else keeps in force what it was part of.
    released: bool,
    /// Why its time does not run, if so.
    doubt: Option<Doubt>,
}

/// Why nobody can tell whether it is meant that a claim is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Doubt {
    /// This file is quarantined, and may be what another is taken for.
    MixedUp(Arc<str>),
    /// What listed its file is lost, so that nobody can see whether it is back.
    Hidden,
    /// Another file system has come into the place of the one in which it was.
    Uncovered,
}

impl Doubt {
    fn mixed_up(with: &str) -> Self {
        Self::MixedUp(with.into())
    }
}

/// A file's registration with claims that it no longer makes.
#[derive(Debug)]
struct Extended {
    of: Registration,
    why: Why,
    good: Good,
}

/// How long things are held, and what is asked now.
#[derive(Clone, Copy)]
pub(super) struct Terms<'t> {
    pub(super) grace: Duration,
    pub(super) now: Instant,
    pub(super) said: Said,
    /// Whether another file system has just come into the place in which a file is or was.
    pub(super) uncovered: &'t dyn Fn(By) -> bool,
    /// Whether it is on record who has decided what has become of a file.
    pub(super) decided: &'t dyn Fn(By) -> bool,
    /// Whether nobody can see if a file that is gone has come back, by position among those.
    pub(super) hidden: &'t dyn Fn(usize) -> bool,
}

/// What somebody has said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// What is missing is meant.
    pub(super) confirmed: bool,
    /// It is right if there is nothing.
    pub(super) allow_empty: bool,
}

/// What is to be in force instead of what the files say.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Of files that are there, by position.
    pub(super) extended: HashMap<usize, Good>,
    /// The same of files that are stale, by position.
    pub(super) kept: HashMap<usize, Good>,
    /// Of files that are gone, by position among those.
    pub(super) whole: HashMap<usize, Good>,
    /// What files were that are there and have come to be other services', by position.
    pub(super) former: HashMap<usize, (Known, Good)>,
    /// How many claims were let go just now.
    pub(super) released: usize,
}

impl Holds {
    /// Whether nothing is missing, or was until now.
    pub(super) fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.extended.is_empty()
    }

    /// How many claims are held.
    pub(super) fn claims(&self) -> usize {
        self.held().count()
    }

    /// When the next of them is let go, by itself.
    pub(super) fn next_release(&self, grace: Duration) -> Option<Instant> {
        self.running().min().map(|since| since + grace)
    }

    /// Since when the one is missing that was missed last.
    pub(super) fn latest(&self) -> Option<Instant> {
        self.running().max()
    }

    fn held(&self) -> impl Iterator<Item = &Missing> {
        self.missing.values().filter(|missing| !missing.released)
    }

    /// Since when each of those is missing whose time runs.
    fn running(&self) -> impl Iterator<Item = Instant> {
        self.held().filter(|missing| missing.doubt.is_none()).map(|missing| missing.since)
    }

    /// Finds what is lost if the candidates come into force as they are, and what is to be held of it. `gone` is what
    /// the files have in force that are not there any more.
    pub(super) fn look(
        &mut self,
        before: &Snapshot,
        candidates: &[Candidate<'_>],
        gone: &[Gone<'_>],
        terms: Terms<'_>,
    ) -> Held {
        let decided = terms.decided;
        let stay = |(at, candidate): (usize, &Candidate<'_>)| stays(candidate) || decided(By::File(at));
        let is_any_lost =
            || !(0..gone.len()).all(|at| decided(By::Gone(at))) || !candidates.iter().enumerate().all(stay);
        if terms.grace.is_zero() || (self.missing.is_empty() && !is_any_lost()) {
            return Held::default();
        }
        let records = before.records(candidates);
        let mut lost = lost(candidates, gone, &records, before.services().homeserver());
        lost.retain(|lost| !(terms.decided)(lost.by));
        let mixed_up = records.iter().find(|record| record.state() == FileState::Quarantined).map(FileRecord::file);
        // A file that says that it is the service that is missing, and is turned away for something else.
        let turned_away: HashMap<&str, &str> = (candidates.iter().zip(&records))
            .filter(|(_, record)| record.state() == FileState::Quarantined)
            .filter_map(|(candidate, record)| Some((candidate.offered.ok()?.registration.id(), record.file())))
            .collect();
        let mixed_up_with = |gone: &Gone<'_>| {
            let by_any = mixed_up.filter(|_| gone.formerly.is_some());
            by_any.or_else(|| turned_away.get(gone.good.registration.id()).copied())
        };
        let heirs = Heirs::of(&records, &lost, before.services().homeserver().dialect);
        let doubt = |lost: &Lost<'_>| match lost.by {
            by if (terms.uncovered)(by) => Some(Doubt::Uncovered),
            By::Gone(at) if (terms.hidden)(at) => Some(Doubt::Hidden),
            By::Gone(at) => mixed_up_with(&gone[at]).map(Doubt::mixed_up),
            // It begins with the look that sees that the file has come to be another's: the next may see less.
            By::File(_) if matches!(heirs.of_loss(lost), Holder::Former(_)) => mixed_up.map(Doubt::mixed_up),
            By::File(_) => None,
        };
        let mut held = Held { released: self.note(&lost, doubt, terms), ..Held::default() };
        let mut of_files: HashMap<usize, Vec<Lost<'_>>> = HashMap::new();
        for lost in lost.into_iter().filter(|lost| !self.missing[&lost.loss].released) {
            let why = Why { grace: terms.grace, doubt: self.missing[&lost.loss].doubt.clone() };
            match heirs.of_loss(&lost) {
                Holder::File(at) => of_files.entry(at).or_default().push(lost),
                Holder::Gone(at) => {
                    held.whole.entry(at).or_insert_with(|| gone[at].whole(&why));
                }
                Holder::Former(at) => {
                    let Some(good) = candidates[at].held else { continue };
                    held.former.entry(at).or_insert_with(|| former(records[at].file(), good, &why));
                }
            }
        }
        let mut earlier = std::mem::take(&mut self.extended);
        let mut order = Order::new(before.services().homeserver().dialect.precedence());
        for (at, lost) in of_files {
            let Some(base) = records[at].good() else { continue };
            let mut claims = Vec::with_capacity(lost.len());
            let doubt = lost.iter().find_map(|lost| self.missing[&lost.loss].doubt.clone());
            for lost in lost {
                let at = order.place(&lost, &base.registration);
                claims.push(Claimed { kind: lost.loss.kind, entry: lost.entry(), at });
            }
            let file = records[at].file();
            let why = Why { grace: terms.grace, doubt };
            let known = earlier.remove(file).filter(|known| known.is(base, &claims, &why));
            let extended = known.unwrap_or_else(|| Extended::new(base, claims, why));
            // What is on disk of a file that is stale is turned away still.
            let of = if records[at].state() == FileState::Stale { &mut held.kept } else { &mut held.extended };
            of.insert(at, extended.good.clone());
            self.extended.insert(file.into(), extended);
        }
        held
    }

    /// Notes what is missing, and how many claims are let go now.
    fn note(&mut self, lost: &[Lost<'_>], doubt: impl Fn(&Lost<'_>) -> Option<Doubt>, terms: Terms<'_>) -> usize {
        let mut missing: HashMap<&Loss, Option<Doubt>> = HashMap::new();
        for lost in lost {
            let known = missing.entry(&lost.loss).or_default();
            *known = known.take().or_else(|| doubt(lost));
        }
        self.missing.retain(|loss, _| missing.contains_key(loss));
        let mut released = 0;
        for (loss, doubt) in missing {
            let new = Missing { since: terms.now, released: false, doubt };
            let missing = self.missing.entry(loss.clone()).or_insert_with(|| new.clone());
            // What is uncovered is so for as long as it is missing.
            missing.doubt =
                missing.doubt.take().filter(|doubt| *doubt == Doubt::Uncovered).or_else(|| new.doubt.clone());
            // Somebody has said that it is right if there is less, whatever it looks like.
            if terms.said.allow_empty && missing.doubt != Some(Doubt::Hidden) {
                missing.doubt = None;
            }
            if matches!(missing.doubt, Some(Doubt::MixedUp(_) | Doubt::Hidden)) {
                *missing = new;
            }
            let missing_for = terms.now.saturating_duration_since(missing.since);
            let is_confirmed = terms.said.confirmed && missing_for >= CONFIRMABLE_AFTER;
            let is_over = missing.doubt.is_none() && (missing_for >= terms.grace || is_confirmed);
            if is_over && !missing.released {
                missing.released = true;
                released += 1;
            }
        }
        released
    }
}

/// Whether a file offers what it has in force, or nothing.
fn stays(candidate: &Candidate<'_>) -> bool {
    match (candidate.offered, candidate.held) {
        (Ok(offered), Some(held)) => Registration::ptr_eq(&offered.registration, &held.registration),
        (_, None) | (Err(_), Some(_)) => true,
    }
}

/// In whose name a loss is held.
enum Holder {
    /// In that of the service of a file that is there, by position.
    File(usize),
    /// In that of a service whose file is gone.
    Gone(usize),
    /// In that of the service that a file was until now.
    Former(usize),
}

/// The files that have come to be what others were: what must not be in force twice.
struct Heirs<'r> {
    ids: HashMap<&'r str, usize>,
    tokens: HashMap<TokenDigest, usize>,
}

impl<'r> Heirs<'r> {
    fn of(records: &'r List<FileRecord>, lost: &[Lost<'_>], dialect: Dialect) -> Self {
        let mut heirs = Self { ids: HashMap::new(), tokens: HashMap::new() };
        if lost.is_empty() {
            return heirs;
        }
        let in_force = records.iter().enumerate().filter_map(|(at, record)| Some((at, record.registration()?)));
        for (at, registration) in in_force {
            heirs.ids.insert(registration.id(), at);
            // Who has the token is the one that made the claims, unless several may have the same.
            if !dialect.shares_tokens() {
                heirs.tokens.insert(registration.as_token(), at);
            }
        }
        heirs
    }

    /// In whose name a loss is held: that of the service that made the claim, wherever it is in force now.
    fn of_loss(&self, lost: &Lost<'_>) -> Holder {
        let heir = self.ids.get(lost.of.id()).or_else(|| self.tokens.get(&lost.of.as_token()));
        match (heir, lost.by) {
            (Some(&heir), _) => Holder::File(heir),
            (None, By::File(at)) => Holder::Former(at),
            (None, By::Gone(at)) => Holder::Gone(at),
        }
    }
}

impl Extended {
    fn new(base: &Good, claims: Vec<Claimed>, why: Why) -> Self {
        let reasons = why.reasons(&claims);
        Self { of: base.registration.clone(), why, good: base.extended(claims, reasons) }
    }

    /// Whether it is that of a registration with these claims, for the same reason.
    fn is(&self, base: &Good, claims: &[Claimed], why: &Why) -> bool {
        let holding = self.good.holding.as_ref();
        let same_claims = holding.is_some_and(|holding| holding.claims == claims);
        Registration::ptr_eq(&self.of, &base.registration) && self.why == *why && same_claims
    }
}

impl Gone<'_> {
    /// What it has in force still.
    fn whole(&self, why: &Why) -> Good {
        let what = self
            .formerly
            .map_or_else(|| "the file is gone".to_owned(), |file| format!("{file} is another service's now"));
        let message = format!("{what}; what it claimed is held {}", why.until("that it is gone for good"));
        self.good.held_whole(Arc::new([Fault::of_file(FaultCode::Held, message)]))
    }
}

/// What a file was until now that has come to be another service's.
fn former(file: &str, good: &Good, why: &Why) -> (Known, Good) {
    let known = Known::former(file, good);
    let whole = Gone { good: known.held().unwrap_or(good), formerly: Some(file) }.whole(why);
    (known, whole)
}

/// Why something is held, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Why {
    grace: Duration,
    doubt: Option<Doubt>,
}

impl Why {
    fn until(&self, confirms: &str) -> String {
        let grace = self.grace.as_secs_f64();
        match &self.doubt {
            None => format!("for {grace} s after it was missed, unless `POST /-/reload` confirms {confirms}"),
            Some(Doubt::MixedUp(file)) => format!(
                "until no file is quarantined, and for {grace} s from then on, since one that is ({file}) may be what this \
                 one is taken for; or until `POST /-/reload` with `{{\"allow_empty\": true}}` confirms {confirms}"
            ),
            Some(Doubt::Hidden) => {
                format!(
                    "until what listed it is back, and for {grace} s from then on: nobody can see whether it is there"
                )
            }
            Some(Doubt::Uncovered) => format!(
                "until it is back, since another file system has come into the place of the one in which it was, or \
                 `POST /-/reload` with `{{\"allow_empty\": true}}` confirms {confirms}"
            ),
        }
    }

    fn reasons(&self, claims: &[Claimed]) -> Refusal {
        let until = self.until("the edit");
        let until = format!("is no longer claimed exclusively, or not for all that it kept; it is held {until}");
        let named = claims
            .iter()
            .take(MAX_NAMED)
            .map(|claim| format!("`{}` ({}) {until}", claim.entry.regex.as_str(), claim.kind));
        let more = claims.len().saturating_sub(MAX_NAMED);
        let rest = (more > 0).then(|| format!("so are {more} more claims"));
        named.chain(rest).map(|message| Fault::of_file(FaultCode::Held, message)).collect()
    }
}
