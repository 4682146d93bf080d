use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::Version;
use crate::registration::{Fault, FaultCode, FileFacts, Registration};
use crate::snapshot::{Candidate, ContentHash, Good, Refusal};

/// What is known of an item. Never changed: a scan makes a new one where something is different.
///
/// There may be a million, nearly all of which are in force as they stand, so that is kept once.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Its name.
    pub(crate) file: Arc<str>,
    /// What there is to know besides its content.
    pub(crate) facts: FileFacts,
    content: Content,
    /// The version that was read last; `None` when nothing could be read.
    version: Option<Version>,
    besides: Option<Box<Besides>>,
}

/// What it says, and what of it is in force.
#[derive(Clone, Debug)]
enum Content {
    /// What it says is in force, and nothing is held besides.
    InForce(Good),
    Else(Box<Else>),
}

#[derive(Clone, Debug)]
struct Else {
    /// What it says now.
    offered: Result<Good, Refusal>,
    /// What of it is in force.
    held: Option<Good>,
}

/// What there is to know of few items.
#[derive(Clone, Debug, Default)]
struct Besides {
    /// What was read hashes to, where that does not load.
    refused: Option<ContentHash>,
    /// Since when it has been seen with this version, which cannot be trusted yet: a later write might not show in it.
    unsettled: Option<Instant>,
    absence: Option<Absence>,
    formerly: Option<Arc<str>>,
}

/// Why something is known that is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// It is gone, as far as can be told, and what it had in force is held for a while.
    Gone,
    /// What it was in is lost, and it with it: it keeps what it had in force until it is back.
    Lost,
}

/// What was read of an item, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read<'k> {
    pub(super) version: &'k Version,
    /// What the bytes hash to.
    pub(super) hash: ContentHash,
    /// Since when the item has been seen with this version, unless it can be trusted: then a later write would show in it.
    pub(super) unsettled: Option<Instant>,
}

impl Known {
    /// An item that is listed.
    pub(super) fn listed(
        file: &Arc<str>,
        facts: FileFacts,
        read: Option<Read<'_>>,
        offered: Result<Good, Refusal>,
        held: Option<Good>,
    ) -> Self {
        let besides = Besides {
            refused: read.filter(|_| offered.is_err()).map(|read| read.hash),
            unsettled: read.and_then(|read| read.unsettled),
            ..Besides::default()
        };
        let version = read.map(|read| read.version.clone());
        Self { file: Arc::clone(file), facts, content: Content::new(offered, held), version, besides: besides.any() }
    }

    /// The same item, listed with the same bytes.
    pub(super) fn seen_again(&self, facts: FileFacts, read: Read<'_>) -> Self {
        let besides = Besides { unsettled: read.unsettled, absence: None, formerly: None, ..self.besides() };
        Self { facts, version: Some(read.version.clone()), besides: besides.any(), ..self.clone() }
    }

    fn besides(&self) -> Besides {
        self.besides.as_deref().cloned().unwrap_or_default()
    }

    /// What was read, if anything could be.
    pub(super) fn read(&self) -> Option<Read<'_>> {
        let version = self.version.as_ref()?;
        let besides = self.besides.as_ref();
        let hash = match self.offered() {
            Ok(offered) => offered.hash(),
            Err(_) => besides?.refused?,
        };
        Some(Read { version, hash, unsettled: besides.and_then(|besides| besides.unsettled) })
    }

    /// The version that was read last.
    pub(crate) const fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// What it says now.
    pub(crate) fn offered(&self) -> Result<&Good, &Refusal> {
        match &self.content {
            Content::InForce(good) => Ok(good),
            Content::Else(other) => other.offered.as_ref(),
        }
    }

    /// What of it is in force.
    pub(crate) fn held(&self) -> Option<&Good> {
        match &self.content {
            Content::InForce(good) => Some(good),
            Content::Else(other) => other.held.as_ref(),
        }
    }

    /// Why it is not listed, if it is not.
    pub(crate) fn absence(&self) -> Option<Absence> {
        self.besides.as_ref()?.absence
    }

    /// The file that it was, if that has come to be another service's: see [`Known::former`].
    pub(crate) fn formerly(&self) -> Option<&str> {
        self.besides.as_ref()?.formerly.as_deref()
    }

    /// The item as it asks to be in force.
    pub(crate) fn candidate(&self) -> Candidate<'_> {
        Candidate { file: &self.file, offered: self.offered(), held: self.held(), facts: self.facts }
    }

    /// Whether both say the same, the registration being the same `Arc`.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let same_offer = match (self.offered(), other.offered()) {
            (Ok(a), Ok(b)) => Registration::ptr_eq(&a.registration, &b.registration),
            (Err(a), Err(b)) => a == b,
            _ => false,
        };
        same_offer && self.facts == other.facts && self.file == other.file
    }

    /// What was in force of an item before the service was started, and no look has been taken at it.
    pub(crate) fn recalled(file: Arc<str>, good: Good) -> Self {
        if let Some(formerly) = file.strip_suffix(&suffix_of_former(good.registration.id())) {
            return Self::former(formerly, &good);
        }
        let offered = Err(refusal("no look has been taken at the file since the service was started"));
        let content = Content::new(offered, Some(good));
        Self { file, facts: FileFacts::default(), content, version: None, besides: None }
    }

    /// What a file was that has come to be another service's, as if it had been moved there and were gone: held in the name
    /// of the service that it was, and nowhere to be found by that name.
    pub(crate) fn former(formerly: &str, good: &Good) -> Self {
        let good = good.without_prefix();
        let besides = Besides { absence: Some(Absence::Gone), formerly: Some(formerly.into()), ..Besides::default() };
        Self {
            file: format!("{formerly}{}", suffix_of_former(good.registration.id())).into(),
            facts: FileFacts::default(),
            content: Content::new(Ok(Good::new(good.registration.clone())), Some(good)),
            version: None,
            besides: besides.any(),
        }
    }

    /// The same item when its source is lost: what it had in force it keeps, and it will be read again.
    pub(crate) fn lost(&self, why: &str) -> Self {
        let content = Content::new(Err(refusal(why)), self.held().cloned());
        Self { content, ..self.absent(Absence::Lost) }
    }

    /// The same item when it is gone.
    pub(crate) fn gone(&self) -> Self {
        self.absent(Absence::Gone)
    }

    fn absent(&self, absence: Absence) -> Self {
        let besides = Besides { absence: Some(absence), refused: None, unsettled: None, ..self.besides() };
        Self { version: None, besides: besides.any(), ..self.clone() }
    }

    /// The same item with something else in force.
    pub(crate) fn holding(&self, held: Option<Good>) -> Self {
        let offered = self.offered().cloned().map_err(Arc::clone);
        Self { content: Content::new(offered, held), ..self.clone() }
    }
}

impl Content {
    fn new(offered: Result<Good, Refusal>, held: Option<Good>) -> Self {
        match (offered, held) {
            (Ok(offered), Some(held)) if offered.same(&held) => Self::InForce(offered),
            (offered, held) => Self::Else(Box::new(Else { offered, held })),
        }
    }
}

impl Besides {
    fn any(self) -> Option<Box<Self>> {
        let none =
            self.refused.is_none() && self.unsettled.is_none() && self.absence.is_none() && self.formerly.is_none();
        (!none).then(|| Box::new(self))
    }
}

/// Items by their names. One that is named twice is in force once, and that is the one that counts.
pub(crate) fn by_name<'k>(known: impl Iterator<Item = &'k Arc<Known>>) -> HashMap<&'k str, &'k Arc<Known>> {
    let mut by_name: HashMap<&str, &Arc<Known>> = HashMap::with_capacity(known.size_hint().0);
    for known in known {
        let one = by_name.entry(&*known.file).or_insert(known);
        if one.held().is_none() {
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
