use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::Version;
use crate::registration::{Fault, FaultCode, FileFacts};
use crate::snapshot::{Candidate, ContentHash, Good, Refusal};

/// What is known of an item. Never changed: a scan makes a new one where something is different.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Its name.
    pub(crate) file: Arc<str>,
    /// What `offered` was read from; `None` when nothing could be read.
    pub(super) read: Option<Read>,
    /// What there is to know besides its content.
    pub(crate) facts: FileFacts,
    /// What it says now.
    pub(crate) offered: Result<Good, Refusal>,
    /// What of it is in force.
    pub(crate) held: Option<Good>,
    /// Why it is not listed, if it is not.
    pub(crate) absence: Option<Absence>,
    /// The file that it was, if that has come to be another service's: see [`Known::former`].
    pub(crate) formerly: Option<Arc<str>>,
}

/// Why something is known that is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// It is gone, as far as can be told, and what it had in force is held for a while.
    Gone,
    /// What it was in is lost, and it with it: it keeps what it had in force until it is back.
    Lost,
}

/// The bytes that were read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) hash: ContentHash,
    pub(super) version: Version,
    /// When the item was first seen with this version.
    pub(super) since: Instant,
    /// Whether the version can be trusted: a later write would show in it.
    pub(super) settled: bool,
}

impl Known {
    /// The version that was read last.
    pub(crate) fn version(&self) -> Option<&Version> {
        self.read.as_ref().map(|read| &read.version)
    }

    /// The item as it asks to be in force.
    pub(crate) fn candidate(&self) -> Candidate<'_> {
        Candidate { file: &self.file, offered: self.offered.as_ref(), held: self.held.as_ref(), facts: self.facts }
    }

    /// Whether both say the same, the registration being the same `Arc`.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let same_offer = match (&self.offered, &other.offered) {
            (Ok(a), Ok(b)) => Arc::ptr_eq(&a.registration, &b.registration),
            (Err(a), Err(b)) => a == b,
            _ => false,
        };
        same_offer && self.facts == other.facts && self.file == other.file
    }

    /// What was in force of an item before the service was started, and no look has been taken at it.
    pub(crate) fn recalled(file: Arc<str>, good: Good) -> Self {
        if let Some(formerly) = file.strip_suffix(&suffix_of_former(good.registration.id())) {
            return Self::former(&formerly.into(), &good);
        }
        let offered = Err(refusal("no look has been taken at the file since the service was started"));
        Self { file, read: None, facts: FileFacts::default(), offered, held: Some(good), absence: None, formerly: None }
    }

    /// What a file was that has come to be another service's, as if it had been moved there and were gone: held in the name
    /// of the service that it was, and nowhere to be found by that name.
    pub(crate) fn former(formerly: &Arc<str>, good: &Good) -> Self {
        let good = good.without_prefix();
        let beside = good.holding.as_ref().map_or(good.hash, |holding| holding.beside);
        Self {
            file: format!("{formerly}{}", suffix_of_former(good.registration.id())).into(),
            read: None,
            facts: FileFacts::default(),
            offered: Ok(Good::new(Arc::clone(&good.registration), beside)),
            held: Some(good),
            absence: Some(Absence::Gone),
            formerly: Some(Arc::clone(formerly)),
        }
    }

    /// The same item when its source is lost: what it had in force it keeps, and it will be read again.
    pub(crate) fn lost(&self, why: &str) -> Self {
        Self { read: None, offered: Err(refusal(why)), absence: Some(Absence::Lost), ..self.clone() }
    }

    /// The same item when it is gone.
    pub(crate) fn gone(&self) -> Self {
        Self { read: None, absence: Some(Absence::Gone), ..self.clone() }
    }

    /// The same item with something else in force.
    pub(crate) fn holding(&self, held: Option<Good>) -> Self {
        Self { held, ..self.clone() }
    }
}

/// Items by their names. One that is named twice is in force once, and that is the one that counts.
pub(crate) fn by_name<'k>(known: impl Iterator<Item = &'k Arc<Known>>) -> HashMap<&'k str, &'k Arc<Known>> {
    let mut by_name: HashMap<&str, &Arc<Known>> = HashMap::with_capacity(known.size_hint().0);
    for known in known {
        let one = by_name.entry(&*known.file).or_insert(known);
        if one.held.is_none() {
            *one = known;
        }
    }
    by_name
}

/// What follows a file's name in the name of what it was.
fn suffix_of_former(id: &str) -> String {
    format!(" ({id})")
}

pub(super) fn refusal(why: &str) -> Refusal {
    Arc::new([Fault::of_file(FaultCode::Unreadable, why)])
}
