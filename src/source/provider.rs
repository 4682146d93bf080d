use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Content, Identity, Item, Known, Stat};
use crate::telemetry::Metrics;

/// Where registrations come from.
///
/// Those who reload know nothing else of it: they [`list`](Provider::list), [`read`](Provider::read) what has another
/// version than before, and ask to be told of changes by [`watch`](Provider::watch). What can go wrong with a directory
/// that is half copied, or a file that is half written, is said by what has a meaning for any provider: an item that is
/// being written, a set that was swapped meanwhile. A provider of which nothing of that is true, such as a table that is
/// read in one transaction, leaves the methods alone that have a default.
///
/// Called by one thread at a time, except for [`read`](Provider::read), [`read_together`](Provider::read_together),
/// [`progress`](Provider::progress) and [`end_waiting`](Provider::end_waiting). A call that does not
/// return is given up, and no other is made before it has, except for items that are read.
pub trait Provider: fmt::Debug + Send + Sync {
    /// How it is shown: a directory, a file, an address.
    fn shown(&self) -> String;

    /// What is there now, in load order.
    fn list(&self) -> Result<Listing, Unlisted>;

    /// What has come of what was listed with this on record: who can tell that at less cost than a listing saves everybody the look at
    /// each item.
    fn since(&self, _recorded: &Recorded) -> Since {
        Since::Unknown
    }

    /// The content of what was listed.
    fn read(&self, item: &Item) -> Result<Content, Unread>;

    /// How many items are read at once by [`Provider::read_together`], where that costs less than one by one.
    fn reads_together(&self) -> Option<NonZeroUsize> {
        None
    }

    /// The contents of some items, in the same order.
    fn read_together(&self, items: &[Item]) -> Vec<Result<Content, Unread>> {
        items.iter().map(|item| self.read(item)).collect()
    }

    /// Sees to it that `hint` is called when something may have changed, as far as that is possible, given what was
    /// listed last, of which nothing is said where changes are [on record](Listing::recorded). Called again after every reload.
    fn watch(&self, listed: &[Arc<str>], hint: &Hint) -> Watched;

    /// Which set of items is there, and what is changed whenever anything in it is. Asked before and after a look: items
    /// of two sets are not to be mixed.
    fn stamp(&self) -> Stamp {
        Stamp::default()
    }

    /// Waits until nobody is writing any more, at most for so long: who asks for a reload has finished what it is about,
    /// and may be faster than what tells of it.
    fn wait_for_writers(&self, _longest: Duration) {}

    /// Counts what has been done so far: as long as that grows, a question goes on that takes long, and does not hang.
    fn progress(&self) -> u64 {
        0
    }

    /// Whether it may be away when the service is started without anybody being there to mend that: then what was in force before is in
    /// force until it is back, if it is known, and it is said that nobody knows what has come since.
    fn may_be_away_at_start(&self) -> bool {
        false
    }

    /// Whether an item of this name could be listed here: asked about what was in force before a restart.
    fn could_list(&self, name: &str) -> bool;

    /// Is told, before it is asked for anything, what it said of itself ([`Recorded::note`]) when its last listing came into force
    /// before the restart, and what was in force of it then. What cannot be made out any more is handed over, too.
    fn recall(&self, _note: &[u8], _in_force: Vec<Arc<str>>) {}

    /// Whether somebody has said, for the looks to come, that what is there is meant, whatever was there before
    /// ([`Unlisted::Another`]).
    fn accept(&self, _whatever: bool) {}

    /// The service is to stop: what has not answered yet is not waited for much longer. Told from another thread than the one that asks.
    fn end_waiting(&self) {}

    /// Shows among these metrics what is known of it beside what is listed, if there is anything. Called once, by a service.
    fn show(&self, _metrics: &Metrics) {}
}

/// Called when something may have changed. Cheap.
pub type Hint = Arc<dyn Fn() + Send + Sync>;

/// What a provider has.
#[derive(Debug, Default)]
pub struct Listing {
    /// In load order.
    pub items: Vec<Listed>,
    /// Why this is not the listing that was asked for, but one that stands in for it.
    pub instead: Option<Instead>,
    /// What is there besides.
    pub passed_over: PassedOver,
    /// Where whoever changes something is on record: what is known of that.
    pub recorded: Option<Recorded>,
}

/// What a provider knows that records each change with whoever made it: what differs from an earlier listing was decided, and
/// is no accident that anything has to be held for. It vouches for that: where something has gone that nobody has removed, or
/// the record is not the one of before, there is no listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Counts the changes: of two listings with the same revision all is the same.
    pub revision: u64,
    /// The names of all that was removed and is not there again.
    pub removed: Arc<HashSet<Arc<str>>>,
    /// What the provider wants to be told after a restart, to know the record again; it holds no secrets.
    pub note: Arc<str>,
}

impl Recorded {
    /// Whether an item was removed, and who has removed it is known.
    pub(crate) fn has_removed(&self, known: &Known) -> bool {
        self.removed.contains(known.file())
    }
}

/// What has come of a listing.
#[derive(Debug)]
pub enum Since {
    /// Nothing: what there is is certain to be what was listed.
    Nothing,
    /// This has, and all else is certain to be what was listed.
    Changed(Changed),
    /// That takes a listing.
    Unknown,
}

/// What has become of a few of many items.
#[derive(Debug)]
pub struct Changed {
    /// How many were listed.
    pub among: usize,
    /// Where those stood that were removed, counted from 0, the first first.
    pub gone: Vec<usize>,
    /// Those that were put, in load order: each in the place of what was called so before, or behind all others.
    pub put: Vec<Put>,
    /// What is on record now.
    pub recorded: Recorded,
}

/// Where an item stood before these went, the first of them first, that stands at this place now.
pub(crate) fn place_before(gone: impl Iterator<Item = usize>, at: usize) -> usize {
    gone.fold(at, |at, gone| if gone <= at { at + 1 } else { at })
}

/// An item that has been put among others.
#[derive(Debug)]
pub struct Put {
    /// Its place in the load order as it is now, counted from 0.
    pub at: usize,
    /// Which.
    pub item: Item,
    /// What it says.
    pub content: Content,
}

/// What stands where registrations are looked for and is not taken for one. Somebody may have meant it to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PassedOver {
    /// Sub-directories, which are not looked into: the first few, by name.
    pub directories: Vec<String>,
    /// Files that are hidden, or end neither in `.yaml` nor in `.yml`: the first few, by name.
    pub files: Vec<String>,
    /// How many there are of both.
    pub total: usize,
}

impl PassedOver {
    /// Whether there is nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorts = [
            (&self.directories, "sub-directories, which are not looked into"),
            (&self.files, "files that are hidden or end neither in .yaml nor in .yml"),
        ];
        for (at, (names, what)) in sorts.iter().filter(|(names, _)| !names.is_empty()).enumerate() {
            let and = if at == 0 { "" } else { ", and " };
            write!(f, "{and}{what}: {}", names.join(", "))?;
        }
        let named = self.directories.len() + self.files.len();
        if self.total > named { write!(f, ", and {} more", self.total - named) } else { Ok(()) }
    }
}

/// Why another listing stands in for the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// What is wrong.
    pub why: Unlisted,
    /// What is listed instead, as half a sentence.
    pub meanwhile: &'static str,
}

/// One of the items that a provider has.
#[derive(Debug)]
pub enum Listed {
    /// It can be read.
    Item(Item),
    /// It is there, or ought to be, and cannot be read.
    Unreadable {
        /// What it is called.
        name: Arc<str>,
        /// Why, as half a sentence.
        why: String,
    },
    /// It is known to be half written: what is known of it stays.
    BeingWritten(Arc<str>),
}

impl Listed {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Item(item) => &item.name,
            Self::Unreadable { name, .. } | Self::BeingWritten(name) => name,
        }
    }
}

/// Why a provider has no listing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlisted {
    /// It is simply not there, or something else is, which a request may confirm; as a sentence without an end.
    #[error("{0}")]
    Absent(&'static str),
    /// It is there, or ought to be, and cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// Something is there, which is not what was there before, or not any further on: a request may confirm that it is meant.
    #[error("{0}")]
    Another(String),
}

/// Why an item could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It has gone since it was listed.
    #[error("it is gone")]
    Gone,
    /// Something else, as half a sentence.
    #[error("{0}")]
    Because(String),
}

/// What is seen of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Whether each change causes a hint. If not, it is looked at more often.
    pub all: bool,
    /// Whether something has only now come to be watched: what happened to it between the look and this moment was not
    /// seen.
    pub anew: bool,
    /// Whether something is being written, so that another look is wise although no change may follow.
    pub writers: bool,
}

impl Watched {
    /// Every change causes a hint, and did so before.
    pub const ALL: Self = Self { all: true, anew: false, writers: false };
}

/// Which set of items is there: the directory by its number and by where it is, and the symlink that a Kubernetes volume
/// swaps. Empty for a provider whose items cannot be of two sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    pub(super) directory: Option<Stat>,
    pub(super) data: Option<PathBuf>,
    pub(super) place: Option<PathBuf>,
}

impl Stamp {
    /// Whether both are of the same set, whatever has happened in it.
    pub(crate) fn same_set(&self, other: &Self) -> bool {
        self.identity() == other.identity() && self.data == other.data
    }

    /// Whether something else has come into this one's place: a directory that another one covers or uncovers, as when
    /// a volume is mounted or unmounted. A symlink that is led elsewhere is another place.
    pub(crate) fn was_replaced_by(&self, other: &Self) -> bool {
        self.place.is_some() && self.place == other.place && self.identity() != other.identity()
    }

    /// Whether what has come into its place is of another file system: a volume that is mounted or unmounted, and no
    /// deployment, which makes the new directory beside the old one.
    pub(crate) fn was_remounted_as(&self, other: &Self) -> bool {
        let device = |stamp: &Self| stamp.identity().map(|identity| identity.device);
        self.was_replaced_by(other)
            && device(self).is_some()
            && device(other).is_some()
            && device(self) != device(other)
    }

    fn identity(&self) -> Option<Identity> {
        self.directory.map(|stat| stat.identity)
    }
}
