use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::{Version, VersionRef};
use crate::registration::{Fault, FaultCode, FileFacts, Registration};
use crate::snapshot::{Candidate, ContentHash, Good, Refusal};

/// What is known of an item. Never changed: a scan makes a new one where something is different.
///
/// There may be a million, and of nearly all there is no more to know than what they say and the version of it. So that is a
/// value, and whoever knows more of an item keeps all of it elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Known(Extent);

#[derive(Clone, Debug)]
enum Extent {
    /// What it says is in force, or is about to be and nothing else is, by its own name and in a version that its provider vouches
    /// for. All are about to be when they are read for the first time: had each a piece of memory then, a million of them would
    /// leave as many holes.
    Plain {
        good: Good,
        version: [u64; 2],
        is_in_force: bool,
    },
    More(Arc<More>),
}

/// All that is known of an item.
#[derive(Clone, Debug)]
struct More {
    /// Its name; `None` where it is that of the registration.
    file: Option<Arc<str>>,
    facts: FileFacts,
    content: Content,
    /// The version that was read last; `None` when nothing could be read.
    version: Option<Version>,
    besides: Option<Box<Besides>>,
}

// It lies in the list of all of them, where each word is 8 MB of a million.
const _: () = assert!(size_of::<Known>() == size_of::<Good>() + 24);

/// What it says, and what of it is in force.
#[derive(Clone, Debug)]
enum Content {
    /// What it says is in force, and nothing is held besides.
    InForce(Good),
    /// What it says may come into force, and nothing is.
    New(Good),
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
    pub(super) version: VersionRef<'k>,
    /// What the bytes hash to.
    pub(super) hash: ContentHash,
    /// Since when the item has been seen with this version, unless it can be trusted: then a later write would show in it.
    pub(super) unsettled: Option<Instant>,
}

impl Known {
    /// An item that is listed.
    pub(super) fn listed(
        file: &str,
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
        let version = read.map(|read| read.version.to_owned());
        let content = Content::new(offered, held);
        Self::of(file, More { file: None, facts, content, version, besides: besides.any() })
    }

    /// What is called so, with no more of it in memory than there is to know.
    fn of(file: &str, more: More) -> Self {
        let is_own = more.content.name().is_some_and(|own| own == file);
        let is_plain = is_own && more.facts == FileFacts::default() && more.besides.is_none();
        match more {
            More { content: Content::InForce(good), version: Some(Version::Opaque(version)), .. } if is_plain => {
                Self(Extent::Plain { good, version, is_in_force: true })
            }
            More { content: Content::New(good), version: Some(Version::Opaque(version)), .. } if is_plain => {
                Self(Extent::Plain { good, version, is_in_force: false })
            }
            more => Self(Extent::More(Arc::new(More { file: (!is_own).then(|| file.into()), ..more }))),
        }
    }

    /// All that is known of it, to be changed.
    fn more(&self) -> More {
        match &self.0 {
            Extent::Plain { good, version, is_in_force } => More {
                file: None,
                facts: FileFacts::default(),
                content: if *is_in_force { Content::InForce(good.clone()) } else { Content::New(good.clone()) },
                version: Some(Version::Opaque(*version)),
                besides: None,
            },
            Extent::More(more) => More::clone(more),
        }
    }

    /// The same item, listed with the same bytes.
    pub(super) fn seen_again(&self, facts: FileFacts, read: Read<'_>) -> Self {
        let besides = Besides { unsettled: read.unsettled, absence: None, formerly: None, ..self.besides_all() };
        let version = Some(read.version.to_owned());
        Self::of(self.file(), More { facts, version, besides: besides.any(), ..self.more() })
    }

    fn besides(&self) -> Option<&Besides> {
        match &self.0 {
            Extent::Plain { .. } => None,
            Extent::More(more) => more.besides.as_deref(),
        }
    }

    fn besides_all(&self) -> Besides {
        self.besides().cloned().unwrap_or_default()
    }

    /// Its name.
    pub(crate) fn file(&self) -> &str {
        match &self.0 {
            Extent::Plain { good, .. } => good.registration.file(),
            // Without a name it has that of its registration.
            Extent::More(more) => more.file.as_deref().or_else(|| more.content.name()).unwrap_or_default(),
        }
    }

    /// What there is to know besides its content.
    pub(crate) fn facts(&self) -> FileFacts {
        match &self.0 {
            Extent::Plain { .. } => FileFacts::default(),
            Extent::More(more) => more.facts,
        }
    }

    /// What was read, if anything could be.
    pub(super) fn read(&self) -> Option<Read<'_>> {
        let version = self.version()?;
        let besides = self.besides();
        let hash = match self.offered() {
            Ok(offered) => offered.hash(),
            Err(_) => besides?.refused?,
        };
        Some(Read { version, hash, unsettled: besides.and_then(|besides| besides.unsettled) })
    }

    /// The version that was read last.
    pub(crate) fn version(&self) -> Option<VersionRef<'_>> {
        match &self.0 {
            Extent::Plain { version, .. } => Some(VersionRef::Opaque(*version)),
            Extent::More(more) => more.version.as_ref().map(Version::lent),
        }
    }

    /// What it says now.
    pub(crate) fn offered(&self) -> Result<&Good, &Refusal> {
        match &self.0 {
            Extent::Plain { good, .. } => Ok(good),
            Extent::More(more) => more.content.offered(),
        }
    }

    /// What of it is in force.
    pub(crate) fn held(&self) -> Option<&Good> {
        match &self.0 {
            Extent::Plain { good, is_in_force, .. } => is_in_force.then_some(good),
            Extent::More(more) => more.content.held(),
        }
    }

    /// Why it is not listed, if it is not.
    pub(crate) fn absence(&self) -> Option<Absence> {
        self.besides()?.absence
    }

    /// The file that it was, if that has come to be another service's: see [`Known::former`].
    pub(crate) fn formerly(&self) -> Option<&str> {
        self.besides()?.formerly.as_deref()
    }

    /// The item as it asks to be in force.
    pub(crate) fn candidate(&self) -> Candidate<'_> {
        Candidate { file: self.file(), offered: self.offered(), held: self.held(), facts: self.facts() }
    }

    /// Whether both say the same, the registration being the very same.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let same_offer = match (self.offered(), other.offered()) {
            (Ok(a), Ok(b)) => Registration::ptr_eq(&a.registration, &b.registration),
            (Err(a), Err(b)) => a == b,
            _ => false,
        };
        same_offer && self.facts() == other.facts() && self.file() == other.file()
    }

    /// What was in force of an item before the service was started, and no look has been taken at it.
    pub(crate) fn recalled(file: &str, good: Good) -> Self {
        if let Some(formerly) = file.strip_suffix(&suffix_of_former(good.registration.id())) {
            return Self::former(formerly, &good);
        }
        let offered = Err(refusal("no look has been taken at the file since the service was started"));
        Self::listed(file, FileFacts::default(), None, offered, Some(good))
    }

    /// What a file was that has come to be another service's, as if it had been moved there and were gone: held in the name
    /// of the service that it was, and nowhere to be found by that name.
    pub(crate) fn former(formerly: &str, good: &Good) -> Self {
        let good = good.without_prefix();
        let besides = Besides { absence: Some(Absence::Gone), formerly: Some(formerly.into()), ..Besides::default() };
        let file = format!("{formerly}{}", suffix_of_former(good.registration.id()));
        let content = Content::new(Ok(Good::new(good.registration.clone())), Some(good));
        let facts = FileFacts::default();
        Self::of(&file, More { file: None, facts, content, version: None, besides: besides.any() })
    }

    /// The same item when its source is lost: what it had in force it keeps, and it will be read again.
    pub(crate) fn lost(&self, why: &str) -> Self {
        let content = Content::new(Err(refusal(why)), self.held().cloned());
        self.absent(Absence::Lost, content)
    }

    /// The same item when it is gone.
    pub(crate) fn gone(&self) -> Self {
        self.absent(Absence::Gone, self.more().content)
    }

    fn absent(&self, absence: Absence, content: Content) -> Self {
        let besides = Besides { absence: Some(absence), refused: None, unsettled: None, ..self.besides_all() };
        Self::of(self.file(), More { content, version: None, besides: besides.any(), ..self.more() })
    }

    /// The same item with something else in force.
    pub(crate) fn holding(&self, held: Option<Good>) -> Self {
        let offered = self.offered().cloned().map_err(Arc::clone);
        Self::of(self.file(), More { content: Content::new(offered, held), ..self.more() })
    }
}

impl Content {
    fn new(offered: Result<Good, Refusal>, held: Option<Good>) -> Self {
        match (offered, held) {
            (Ok(offered), Some(held)) if offered.same(&held) => Self::InForce(offered),
            (Ok(offered), None) => Self::New(offered),
            (offered, held) => Self::Else(Box::new(Else { offered, held })),
        }
    }

    fn offered(&self) -> Result<&Good, &Refusal> {
        match self {
            Self::InForce(good) | Self::New(good) => Ok(good),
            Self::Else(other) => other.offered.as_ref(),
        }
    }

    fn held(&self) -> Option<&Good> {
        match self {
            Self::InForce(good) => Some(good),
            Self::New(_) => None,
            Self::Else(other) => other.held.as_ref(),
        }
    }

    /// The file that the registration came from.
    fn name(&self) -> Option<&str> {
        self.offered().ok().or_else(|| self.held()).map(|good| good.registration.file())
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
pub(crate) fn by_name<'k>(known: impl Iterator<Item = &'k Known>) -> HashMap<&'k str, &'k Known> {
    let mut by_name: HashMap<&str, &Known> = HashMap::with_capacity(known.size_hint().0);
    for known in known {
        let one = by_name.entry(known.file()).or_insert(known);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::homeserver::Homeserver;
    use crate::registration::{self, TokenHasher};

    const NAME: &str = "bridges/irc";

    fn good() -> Good {
        let source = "id: irc\nurl: null\nas_token: as-token-of-irc-0123456789\nhs_token: hs-token-of-irc-0123456789\n\
                      sender_localpart: irc\nnamespaces: {}\n";
        let homeserver: Homeserver = "example.com".parse().expect("a server name");
        let loaded = registration::load_for(&homeserver, &NAME.into(), source.as_bytes(), &TokenHasher::new());
        Good::new(loaded.expect("it loads"))
    }

    fn listed(file: &str, facts: FileFacts, version: &Version, held: Option<&Good>, good: &Good) -> Known {
        let read = Read { version: version.lent(), hash: good.hash(), unsettled: None };
        Known::listed(file, facts, Some(read), Ok(good.clone()), held.cloned())
    }

    /// Whatever of it is kept elsewhere, the same is known of it, and of what becomes of it.
    #[test]
    fn it_is_the_same_in_little_memory_and_in_more() {
        let good = good();
        let facts = [FileFacts::default(), FileFacts { mode: Some(0o600) }];
        let version = Version::Opaque([7, 8]);
        for (file, facts, held) in [NAME, "moved"].into_iter().flat_map(|file| {
            facts.into_iter().flat_map(move |facts| [false, true].map(|is_held| (file, facts, is_held)))
        }) {
            let held = held.then_some(&good);
            let known = listed(file, facts, &version, held, &good);
            let is_plain = matches!(known.0, Extent::Plain { .. });
            assert_eq!(is_plain, file == NAME && facts == FileFacts::default());
            let says = |known: &Known, is_offered: bool, held: Option<&Good>| {
                assert_eq!((known.file(), known.facts()), (file, facts));
                assert_eq!(known.offered().is_ok_and(|offered| offered.same(&good)), is_offered);
                assert!(match (known.held(), held) {
                    (Some(own), Some(held)) => own.same(held),
                    (None, None) => true,
                    _ => false,
                });
            };
            says(&known, true, held);
            let read = known.read().expect("it was read");
            assert!(read.version == version.lent() && read.hash == good.hash() && known.absence().is_none());
            says(&known.seen_again(facts, read), true, held);
            says(&known.holding(Some(good.clone())), true, Some(&good));
            says(&known.holding(None), true, None);
            let (gone, lost) = (known.gone(), known.lost("it is away"));
            says(&gone, true, held);
            says(&lost, false, held);
            assert!(gone.absence() == Some(Absence::Gone) && lost.absence() == Some(Absence::Lost));
            assert!(gone.version().is_none() && lost.version().is_none());
        }
    }
}
