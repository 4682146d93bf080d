use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rayon::prelude::*;

use super::ahead::each_read_ahead;
use super::{
    Content, Instead, Item, Known, Listed, Listing, Loader, PassedOver, Put, Read, Recorded, Source, Stamp, Unlisted,
    Unread,
};
use crate::registration::{Fault, FaultCode, FileFacts, Loaded, SourceDigest};
use crate::snapshot::{ContentHash, Good, Refusal};

/// So few items that looking at them in turn is no slower than handing them out to threads.
const FEW: usize = 64;

/// So many items are read before they are parsed, while those before them are, unless their provider knows better: enough that threads are
/// not waited for, and of files as they are (some KB each) no more than a few MB at a time in memory.
const AT_A_TIME: usize = 512;

/// All items of a provider as they are now, as far as they can be told.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// In load order.
    pub(crate) files: Vec<Known>,
    /// The items that were listed and are not any more, by name.
    pub(crate) gone: Vec<Known>,
    /// The items that were not listed before either, and that are known, by name.
    pub(crate) away: Vec<Known>,
    /// Those that were changed just now, so that a look at them again is wise.
    pub(crate) restless: HashSet<Arc<str>>,
    /// Those that are being written, and were not looked at.
    pub(crate) busy: HashSet<Arc<str>>,
    /// Why this is not what was asked for, but stands in for it.
    pub(crate) instead: Option<Instead>,
    /// What is there and was not taken for a registration.
    pub(crate) passed_over: PassedOver,
    /// What is on record of its changes, where they are recorded.
    pub(crate) recorded: Option<Recorded>,
    /// Whether there is an item that was not read, and may be with the next look although it is what it was.
    pub(crate) unread: bool,
    /// Which set of items it is.
    pub(crate) stamp: Stamp,
    /// Whether anything in the set was changed while it was looked at.
    pub(crate) moving: bool,
    /// Whether it was swapped for another one meanwhile, so that items of two sets may be mixed.
    pub(crate) torn: bool,
}

/// What a scan asks.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'w> {
    pub(crate) loader: &'w dyn Loader,
    /// The moment of the scan.
    pub(crate) now: Instant,
    /// The same by the clock on the wall.
    pub(crate) wall: SystemTime,
    /// What was written more recently than this may not be finished.
    pub(crate) quiet: Duration,
    /// Whether nothing has been loaded yet, so that nobody knows what was claimed before.
    pub(crate) first: bool,
    /// Keeps what loads for the next start.
    pub(crate) keep: Option<&'w dyn Keep>,
}

/// Keeps the bytes of what loads before they can come into force.
pub(crate) trait Keep: Sync {
    /// Keeps them, unless they are kept already. What goes wrong is told later.
    fn keep(&self, file: &Arc<str>, hash: ContentHash, bytes: &[u8]);
}

/// Where no more than so many are gone, all others are held against their names, which are seldom as long; where more are, all are
/// hashed, which costs some ten times as much for each.
const FEW_GONE: usize = 8;

const BEING_WRITTEN: &str = "it is being written, and has not been read since bailiwick was started";

/// What a look at one item has shown.
enum Step {
    /// It is what it was.
    Same,
    /// It is something else, or may be.
    Changed { known: Known, restless: bool },
    /// It is not there, although it was listed.
    NotThere,
}

/// An item of a listing, and what is known of it.
type Looked<'l> = (&'l Listed, Option<&'l Known>);

impl Scanner<'_> {
    pub(crate) fn scan(&self, source: &Source, known: &[&Known]) -> Result<Scan, Unlisted> {
        let (before, listing) = source.list()?;
        let Listing { items, instead, passed_over, recorded } = listing;
        let Matched { known, gone } = matched(&items, known);
        let mut scan = Scan { instead, passed_over, recorded, ..Scan::default() };
        for known in gone {
            scan.misses(known);
        }
        self.look_at(source, (&items, &known), &mut scan)?;
        let after = source.stamp()?;
        scan.torn = !before.same_set(&after);
        scan.moving = before != after;
        scan.stamp = after;
        Ok(scan)
    }

    /// Looks at each item; at those whose changes are recorded, at all or at none.
    fn look_at(
        &self,
        source: &Source,
        (listed, known): (&[Listed], &[Option<&Known>]),
        scan: &mut Scan,
    ) -> Result<(), Unlisted> {
        // Of a million items, steps that wait for one another would take 50 MB: so what is read is taken down as it comes, in load
        // order, and all that need not be read on the way there.
        let is_read = (listed.par_iter().zip(known.par_iter()).with_min_len(FEW))
            .map(|(listed, known)| must_read(listed, *known))
            .collect::<Vec<bool>>();
        let to_be_read: Vec<(usize, &Item)> = (listed.iter().zip(is_read).enumerate())
            .filter_map(|(at, (listed, is_read))| match listed {
                Listed::Item(item) if is_read => Some((at, item)),
                _ => None,
            })
            .collect();
        scan.files.reserve_exact(listed.len());
        let mut next = 0;
        let mut up_to = |scan: &mut Scan, at: usize| {
            for (listed, known) in listed[next..at].iter().zip(&known[next..at]) {
                scan.takes((listed, *known), self.without_reading_it(listed, *known));
            }
            next = at + 1;
        };
        let turns: Vec<&[(usize, &Item)]> = to_be_read.chunks(source.read_at_once(AT_A_TIME)).collect();
        let read = |some: &&[(usize, &Item)]| source.read_each(some.iter().map(|(_, item)| (*item).clone()).collect());
        each_read_ahead(&turns, read, |some, read| {
            // They are listed as of one revision, which they are not without one of them; and what a replica that has just been
            // started has not read would be free, and nothing would collide with it.
            if scan.recorded.is_some()
                && let Some(why) = read.iter().find_map(|read| read.as_ref().err())
            {
                return Err(Unlisted::Unreadable(why.to_string()));
            }
            let looks = some.par_iter().zip(read).map(|(&(at, item), read)| match read {
                Ok(content) => self.taken_in(item, known[at], &content),
                Err(Unread::Gone) => Step::NotThere,
                Err(Unread::Because(why)) => unreadable(&item.name, known[at], &why),
            });
            for (&(at, _), step) in some.iter().zip(looks.collect::<Vec<_>>()) {
                up_to(scan, at);
                scan.takes((&listed[at], known[at]), step);
            }
            Ok(())
        })?;
        up_to(scan, listed.len());
        Ok(())
    }

    /// What a look at an item shows that is not read, because nobody can or nothing has changed.
    fn without_reading_it(&self, listed: &Listed, known: Option<&Known>) -> Step {
        match listed {
            Listed::BeingWritten(name) => match known {
                Some(_) => Step::Same,
                // It may have been there for years, and somebody has opened it: its claims are not known, and that is said.
                None if self.first => match unreadable(name, None, BEING_WRITTEN) {
                    Step::Changed { known, .. } => Step::Changed { known, restless: true },
                    other => other,
                },
                None => Step::NotThere,
            },
            Listed::Unreadable { name, why } => unreadable(name, known, why),
            Listed::Item(_) => Step::Same,
        }
    }

    /// What is known of an item that was put, if it loads, and there is nothing about it that another look could show.
    pub(crate) fn put(&self, put: &Put, known: Option<&Known>) -> Option<Known> {
        match self.taken_in(&put.item, known, &put.content) {
            Step::Changed { known, restless: false } => {
                let is_settled = known.read().is_some_and(|read| read.unsettled.is_none());
                (is_settled && known.offered().is_ok()).then_some(known)
            }
            _ => None,
        }
    }

    fn taken_in(&self, item: &Item, known: Option<&Known>, content: &Content) -> Step {
        let hash = ContentHash::of(&content.bytes);
        let last = known.and_then(Known::read);
        let same_version = last.filter(|last| last.version == item.version.lent());
        let since = same_version.and_then(|last| last.unsettled).unwrap_or(self.now);
        let stable = item.version == content.version && item.version.can_be_of(&content.bytes);
        let settled = stable && content.version.is_settled(self.wall, self.now.duration_since(since));
        let same_bytes = last.is_some_and(|last| last.hash == hash);
        let read = Read { version: item.version.lent(), hash, unsettled: (!settled).then_some(since) };
        let known = match known {
            Some(known) if same_bytes => known.seen_again(item.facts, read),
            _ => {
                let offered = self.parse(&item.name.alone(), known, hash, &content.bytes);
                Known::listed(&item.name, item.facts, Some(read), offered, known.and_then(Known::held).cloned())
            }
        };
        let restless = !same_bytes && (!stable || content.version.is_younger_than(self.quiet, self.wall));
        Step::Changed { known, restless }
    }

    fn parse(&self, file: &Arc<str>, known: Option<&Known>, hash: ContentHash, bytes: &[u8]) -> Result<Good, Refusal> {
        if let Some(held) = known.and_then(Known::held)
            && held.hash() == hash
        {
            return Ok(Good::new(held.registration.clone()));
        }
        let registration = load_hashed(self.loader, file, (bytes, hash)).map_err(Refusal::from)?;
        if let Some(kept) = self.keep {
            kept.keep(file, hash, bytes);
        }
        Ok(Good::new(registration))
    }
}

impl Scan {
    /// Takes down what a look at an item has shown.
    fn takes(&mut self, (listed, known): Looked<'_>, step: Step) {
        if let Listed::BeingWritten(name) = listed {
            self.busy.insert(Arc::clone(name));
            self.unread = true;
        }
        match (step, known) {
            // One that was away and is now being written is not there before it has been read.
            (Step::Same, Some(known)) if known.absence().is_some() => self.misses(known.clone()),
            (Step::Same, Some(known)) => self.files.push(known.clone()),
            (Step::Changed { known, restless }, _) => {
                self.unread |= known.read().is_none_or(|read| read.unsettled.is_some());
                if restless {
                    self.restless.insert(known.file().into());
                }
                self.files.push(known);
            }
            (Step::NotThere, Some(known)) => self.misses(known.clone()),
            (Step::NotThere | Step::Same, None) => {}
        }
    }

    fn misses(&mut self, known: Known) {
        if known.absence().is_some() {
            self.away.push(known);
        } else if self.has_removed(&known) {
            // There is nothing that a second look could show.
            self.away.push(known.gone());
        } else {
            self.gone.push(known);
        }
    }

    /// Whether it is on record that somebody has removed it.
    pub(crate) fn has_removed(&self, known: &Known) -> bool {
        self.recorded.as_ref().is_some_and(|recorded| recorded.has_removed(known))
    }
}

/// Whether an item can be read and may be something else than it was.
fn must_read(listed: &Listed, known: Option<&Known>) -> bool {
    let Listed::Item(item) = listed else { return false };
    let is_same = |read: Read<'_>| read.version == item.version.lent() && read.unsettled.is_none();
    !known.and_then(Known::read).is_some_and(is_same)
}

/// Parses, and survives a parser that does not. The one place where a file becomes a registration, which therefore says
/// from which bytes it was read.
pub(crate) fn load(loader: &dyn Loader, file: &Arc<str>, bytes: &[u8]) -> Loaded {
    load_hashed(loader, file, (bytes, ContentHash::of(bytes)))
}

/// The same of bytes whose hash is known.
fn load_hashed(loader: &dyn Loader, file: &Arc<str>, (bytes, hash): (&[u8], ContentHash)) -> Loaded {
    let read = catch_unwind(AssertUnwindSafe(|| loader.load(file, bytes))).unwrap_or_else(|_| {
        Err(vec![Fault::of_file(
            FaultCode::Unreadable,
            "bailiwick itself failed on this file, which is a defect of bailiwick; please report it",
        )])
    });
    read.map(|registration| registration.read_from(SourceDigest::of(bytes), hash))
}

fn unreadable(name: &str, known: Option<&Known>, why: &str) -> Step {
    let why = format!("the file cannot be read: {why}");
    let offered = Err(super::known::refusal(&why));
    let known = Known::listed(name, FileFacts::default(), None, offered, known.and_then(Known::held).cloned());
    Step::Changed { known, restless: false }
}

/// What is known, held against a listing.
struct Matched<'k> {
    /// What is known of each item of the listing.
    known: Vec<Option<&'k Known>>,
    /// What is known and not listed.
    gone: Vec<Known>,
}

fn matched<'k>(listing: &[Listed], known: &[&'k Known]) -> Matched<'k> {
    let is_of = |(listed, known): &(&Listed, &&Known)| *listed.name() == *known.file();
    let mut ahead = listing.iter().zip(known).take_while(is_of).count();
    let rest = (&listing[ahead..], &known[ahead..]);
    let mut behind = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(is_of).count();
    // The usual case: the same items in the same order, but for a few that have come or gone. Unless one of these is named
    // elsewhere, too, the others are what they were.
    let gone = &known[ahead..known.len() - behind];
    let is_elsewhere = |listed: &Listed| gone.iter().any(|gone| gone.file() == listed.name());
    let mut elsewhere = listing[..ahead].iter().chain(&listing[listing.len() - behind..]);
    if gone.len() > FEW_GONE || (!gone.is_empty() && elsewhere.any(is_elsewhere)) {
        (ahead, behind) = (0, 0);
    }
    let mut by_name = super::known::by_name(known[ahead..known.len() - behind].iter().copied());
    let between = listing[ahead..listing.len() - behind].iter().map(|listed| by_name.remove(listed.name()));
    let (first, last) = (&known[..ahead], &known[known.len() - behind..]);
    let matched = first
        .iter()
        .copied()
        .map(Some)
        .chain(between.collect::<Vec<_>>())
        .chain(last.iter().copied().map(Some))
        .collect();
    let mut gone: Vec<_> = by_name.into_values().cloned().collect();
    gone.sort_unstable_by(|a, b| a.file().cmp(b.file()));
    Matched { known: matched, gone }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(name: &str) -> Known {
        let offered = Err(super::super::known::refusal("it was not read"));
        Known::listed(name, FileFacts::default(), None, offered, None)
    }

    fn names(numbers: &[u8]) -> Vec<String> {
        numbers.iter().map(|number| format!("{number}.yaml")).collect()
    }

    proptest! {
        /// However few or many have come, gone or moved, each finds what is known by its name.
        #[test]
        fn what_is_known_is_found_by_its_name(
            before in Just((0..40).collect::<Vec<u8>>()).prop_shuffle(),
            gone in prop::collection::vec(0..40_u8, 0..12),
            come in prop::collection::vec((0..60_u8, any::<prop::sample::Index>()), 0..12),
        ) {
            let known: Vec<_> = names(&before).iter().map(|name| known(name)).collect();
            let mut after = before.clone();
            after.retain(|number| !gone.contains(number));
            for (number, at) in come {
                if !after.contains(&number) {
                    after.insert(at.index(after.len() + 1), number);
                }
            }
            let listing = names(&after).into_iter().map(|name| Listed::BeingWritten(name.as_str().into()));
            let listing: Vec<_> = listing.collect();
            let matched = matched(&listing, &known.iter().collect::<Vec<_>>());
            let found: Vec<_> = matched.known.iter().map(|known| known.map(Known::file)).collect();
            let names_after = names(&after);
            let there = after.iter().zip(&names_after).map(|(number, name)| before.contains(number).then_some(&**name));
            prop_assert_eq!(found, there.collect::<Vec<_>>());
            let mut missing: Vec<u8> = before.iter().filter(|number| !after.contains(number)).copied().collect();
            missing.sort_by_key(|number| format!("{number}.yaml"));
            prop_assert!(matched.gone.iter().map(Known::file).eq(names(&missing)));
        }
    }
}
