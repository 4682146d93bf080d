use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::ContentHash;
use crate::matrix::Kind;
use crate::registration::{Fault, FileFacts, OwnedEntry, Parts, Registration};

/// Bytes that have loaded.
#[derive(Clone, Debug)]
pub struct Good {
    /// What they say.
    pub registration: Registration,
    /// Why this says more than the bytes on disk: what was taken away there is held for a while. `None` as a rule.
    pub holding: Option<Arc<Holding>>,
}

/// What is in force of a file besides what is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Why.
    pub why: Refusal,
    /// The claims that are not on disk; none if the file itself is not there.
    pub(crate) claims: Vec<Claimed>,
    /// What the bytes on disk hash to, beside which these claims stand.
    pub(crate) beside: ContentHash,
    /// The hash of both.
    hash: ContentHash,
}

impl Holding {
    /// Whether the file itself is not there.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.claims.is_empty()
    }

    /// Where the claims stand that are not on disk: each in the list of its kind, in which they are counted along.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (Kind, usize)> {
        Kind::ALL.into_iter().flat_map(|kind| {
            let mut places: Vec<usize> =
                self.claims.iter().filter(|claim| claim.kind == kind).map(|claim| claim.at).collect();
            places.sort_unstable();
            places.into_iter().enumerate().map(move |(before, at)| (kind, at + before))
        })
    }
}

impl Good {
    /// What some bytes say, and no more.
    #[must_use]
    pub const fn new(registration: Registration) -> Self {
        Self { registration, holding: None }
    }

    /// The hash of the bytes, and of what is held besides.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        self.holding.as_ref().map_or_else(|| self.registration.content(), |holding| holding.hash)
    }

    /// The same without a prefix, of which nobody else could have any part.
    pub(crate) fn without_prefix(&self) -> Self {
        if self.registration.proxy_prefix().is_none() {
            return self.clone();
        }
        let parts = Parts { proxy_prefix: None, ..self.registration.parts() };
        Self { registration: parts.into(), ..self.clone() }
    }

    /// The same of a file that is not there any more.
    pub(crate) fn held_whole(&self, why: Refusal) -> Self {
        let holding = Holding { why, claims: Vec::new(), beside: self.hash(), hash: self.hash() };
        Self { holding: Some(Arc::new(holding)), ..self.clone() }
    }

    /// The same with more exclusive claims among its own.
    pub(crate) fn extended(&self, claims: Vec<Claimed>, why: Refusal) -> Self {
        let mut parts = self.registration.parts();
        for kind in Kind::ALL {
            let entries = parts.namespaces.of_mut(kind);
            let mut more: Vec<&Claimed> = claims.iter().filter(|claim| claim.kind == kind).collect();
            more.sort_by_key(|claim| claim.at);
            let mut more = more.into_iter().peekable();
            let mut all = Vec::with_capacity(entries.len() + more.len());
            for (at, own) in std::mem::take(entries).into_iter().enumerate() {
                all.extend(
                    std::iter::from_fn(|| more.next_if(|claim| claim.at <= at)).map(|claim| claim.entry.clone()),
                );
                all.push(own);
            }
            all.extend(more.map(|claim| claim.entry.clone()));
            *entries = all.into();
        }
        let places: Vec<String> = claims.iter().map(|claim| claim.at.to_string()).collect();
        let words = claims.iter().zip(&places);
        let hash = self
            .hash()
            .with(words.flat_map(|(claim, at)| [claim.kind.as_str(), claim.entry.regex.as_str(), at.as_str()]));
        let holding = Holding { why, claims, beside: self.hash(), hash };
        Self { registration: parts.into(), holding: Some(Arc::new(holding)) }
    }

    /// Whether both are the same load of the same bytes, for the same reason.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Registration::ptr_eq(&self.registration, &other.registration) && self.holding == other.holding
    }
}

/// An entry that is held among those of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    /// Of which list it is.
    pub(crate) kind: Kind,
    /// The entry.
    pub(crate) entry: OwnedEntry,
    /// Before which of the registration's own entries of that kind it stands.
    pub(crate) at: usize,
}

/// All that is wrong with a file, shared from scan to scan.
pub type Refusal = Arc<[Fault]>;

/// One file and what came of it: a value of a few words, of which a copy costs next to nothing.
///
/// There may be a million, and nearly all of them say the same of what is in force: that it is what is there, by the name that it
/// has itself, and that nobody knows more. So of these there is nothing besides.
#[derive(Clone, Debug)]
pub struct FileRecord(Record);

#[derive(Clone, Debug)]
enum Record {
    /// What is there is in force, by its own name, and there are no facts about it.
    Plain(Good),
    Else(Arc<Else>),
}

#[derive(Debug)]
struct Else {
    /// `None` where it is that of the registration in force.
    file: Option<Arc<str>>,
    facts: FileFacts,
    standing: Standing,
}

// A record lies in the list of all of them, where each word is 8 MB of a million.
const _: () = assert!(size_of::<FileRecord>() == size_of::<Good>());

/// What a file has in force, and what it has not.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// What is on disk is in force, and what it has lost a moment ago may be held besides.
    Active(Good),
    /// What is on disk was turned away; the last good content is in force.
    Stale(Box<(Good, TurnedAway)>),
    /// What is on disk was turned away, and nothing is in force.
    Quarantined(Box<TurnedAway>),
}

/// What is on disk and not in force.
#[derive(Clone, Debug)]
pub(super) struct TurnedAway {
    /// What it says, where it loads and only collides with others: it may come in as soon as they make room.
    offered: Option<Good>,
    /// Why; never empty.
    pub(super) faults: Refusal,
}

impl Standing {
    /// The last good content, since what is on disk was turned away.
    pub(super) fn stale(good: &Good, away: TurnedAway) -> Self {
        Self::Stale(Box::new((good.clone(), away)))
    }

    /// What is in force.
    pub(super) fn good(&self) -> Option<&Good> {
        match self {
            Self::Active(good) => Some(good),
            Self::Stale(stale) => Some(&stale.0),
            Self::Quarantined(_) => None,
        }
    }
}

impl TurnedAway {
    /// Bytes that do not load.
    pub(super) fn unloadable(faults: &Refusal) -> Self {
        Self { offered: None, faults: Arc::clone(faults) }
    }

    /// Bytes that load and collide with what is in force.
    pub(super) fn colliding(offered: &Good, fault: Fault) -> Self {
        Self { offered: Some(offered.clone()), faults: Arc::new([fault]) }
    }

    /// What is on disk, as it asks to be in force.
    pub(super) fn offered(&self) -> Result<&Good, &Refusal> {
        self.offered.as_ref().ok_or(&self.faults)
    }

    fn same(&self, other: &Self) -> bool {
        same(self.offered.as_ref(), other.offered.as_ref()) && self.faults == other.faults
    }
}

/// Whether a file is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// As it is on disk.
    Active,
    /// In force, and more than is on disk: what was taken away there is held for a while.
    Held,
    /// What is on disk cannot be loaded; its last good content is in force.
    Stale,
    /// It cannot be loaded, and nothing of it is in force.
    Quarantined,
}

impl FileState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Active, Self::Held, Self::Stale, Self::Quarantined];

    /// The state as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Held => "held",
            Self::Stale => "stale",
            Self::Quarantined => "quarantined",
        }
    }
}

impl FileRecord {
    pub(super) fn new(file: &str, facts: FileFacts, standing: Standing) -> Self {
        let is_own = standing.good().is_some_and(|good| good.registration.file() == file);
        match standing {
            Standing::Active(good) if is_own && facts == FileFacts::default() => Self(Record::Plain(good)),
            standing => {
                let file = (!is_own).then(|| file.into());
                Self(Record::Else(Arc::new(Else { file, facts, standing })))
            }
        }
    }

    /// The file as it is shown.
    #[must_use]
    pub fn file(&self) -> &str {
        let named = match &self.0 {
            Record::Plain(_) => None,
            Record::Else(other) => other.file.as_deref(),
        };
        named.unwrap_or_else(|| self.registration().map_or("", |registration| registration.file()))
    }

    /// The file's name relative to its directory: what replicas have in common.
    #[must_use]
    pub fn name(&self) -> &str {
        let file = self.file();
        let last = file.rsplit_once('/').map_or(file, |(_, last)| last);
        if !matches!(last, "" | "." | "..") {
            // Of nearly all; and it is asked for each of a hundred thousand files.
            return last;
        }
        Path::new(file).file_name().and_then(OsStr::to_str).unwrap_or(file)
    }

    /// What the file system says about it.
    #[must_use]
    pub fn facts(&self) -> FileFacts {
        match &self.0 {
            Record::Plain(_) => FileFacts::default(),
            Record::Else(other) => other.facts,
        }
    }

    /// What it has in force as it is on disk, with what is held besides; the rest, if it has not.
    fn active(&self) -> Result<&Good, Away<'_>> {
        match &self.0 {
            Record::Plain(good) => Ok(good),
            Record::Else(other) => match &other.standing {
                Standing::Active(good) => Ok(good),
                Standing::Stale(stale) => Err(Away { good: Some(&stale.0), away: &stale.1 }),
                Standing::Quarantined(away) => Err(Away { good: None, away }),
            },
        }
    }

    /// What it has in force, and what it has not.
    pub(super) fn standing(&self) -> Standing {
        match &self.0 {
            Record::Plain(good) => Standing::Active(good.clone()),
            Record::Else(other) => other.standing.clone(),
        }
    }

    /// Whether it is in force, in a word.
    #[must_use]
    pub fn state(&self) -> FileState {
        match self.active() {
            Ok(good) if good.holding.is_some() => FileState::Held,
            Ok(_) => FileState::Active,
            Err(Away { good: Some(_), .. }) => FileState::Stale,
            Err(Away { good: None, .. }) => FileState::Quarantined,
        }
    }

    /// What is in force.
    #[must_use]
    pub fn good(&self) -> Option<&Good> {
        self.active().map_or_else(|away| away.good, Some)
    }

    /// The registration in force.
    #[must_use]
    pub fn registration(&self) -> Option<&Registration> {
        self.good().map(|good| &good.registration)
    }

    /// What is wrong with the bytes that are there now, or is held although they do not say it. Empty exactly when the
    /// file is active.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        match self.active() {
            Ok(good) => good.holding.as_ref().map_or(&[], |holding| &holding.why),
            Err(Away { away, .. }) => &away.faults,
        }
    }

    /// What is on disk, as it asks to be in force.
    pub(super) fn offered(&self) -> Result<&Good, &Refusal> {
        self.active().or_else(|Away { away, .. }| away.offered())
    }

    /// What is on disk, where it loads and is not in force since it collides with what is.
    #[must_use]
    pub fn kept_out(&self) -> Option<&Good> {
        self.active().err()?.away.offered.as_ref()
    }

    /// Whether it is in force with just this.
    pub(super) fn is_active_with(&self, good: &Good) -> bool {
        self.active().is_ok_and(|active| active.same(good))
    }

    /// Whether both are copies of one record: what can be told without a look at what they say.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Record::Plain(a), Record::Plain(b)) => a.same(b),
            (Record::Else(a), Record::Else(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Whether both say the same, the registrations being the very same.
    pub(super) fn same(&self, other: &Self) -> bool {
        let (Record::Else(a), Record::Else(b)) = (&self.0, &other.0) else { return self.is(other) };
        let same_standing = match (&a.standing, &b.standing) {
            (Standing::Active(a), Standing::Active(b)) => a.same(b),
            (Standing::Stale(a), Standing::Stale(b)) => a.0.same(&b.0) && a.1.same(&b.1),
            (Standing::Quarantined(away), Standing::Quarantined(other)) => away.same(other),
            _ => false,
        };
        same_standing && a.facts == b.facts && self.file() == other.file()
    }
}

/// What a file has in force whose bytes were turned away, and these.
#[derive(Clone, Copy)]
struct Away<'r> {
    good: Option<&'r Good>,
    away: &'r TurnedAway,
}

fn same(a: Option<&Good>, b: Option<&Good>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same(b),
        (None, None) => true,
        _ => false,
    }
}
