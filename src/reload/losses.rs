//! What is taken away: claims that kept names from being registered, and that nothing in force makes any more.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use crate::homeserver::{Homeserver, Precedence};
use crate::list::List;
use crate::matrix::Kind;
use crate::registration::{Entry, OwnedEntry, Registration, ValidRegex};
use crate::snapshot::{Candidate, FileRecord, Good};

/// A claim that nothing makes any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Loss {
    pub(super) kind: Kind,
    pub(super) regex: Arc<str>,
}

/// Such a claim, as it was made.
#[derive(Debug)]
pub(super) struct Lost<'r> {
    pub(super) loss: Loss,
    /// The entry; `None` if it was the service's own user.
    entry: Option<Entry<'r>>,
    /// Who made it.
    pub(super) by: By,
    /// In which registration.
    pub(super) of: &'r Registration,
    /// Behind how many entries that are not exclusive.
    behind: usize,
}

impl Lost<'_> {
    /// As an entry that can be held.
    pub(super) fn entry(&self) -> OwnedEntry {
        let regex = Arc::clone(&self.loss.regex);
        // Were it no regex in some dialect, it would claim every ID: see `Regex::pattern`.
        let Ok(regex) = ValidRegex::checked(regex, |_| Ok::<_, Infallible>(()));
        OwnedEntry {
            regex,
            exclusive: true,
            group_id: self.entry.and_then(|entry| entry.group_id).map(Arc::from),
            place: self.entry.map_or(self.of.sender_place(), |entry| entry.place),
        }
    }
}

/// A file that makes a claim, or made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum By {
    /// One that is there, by position.
    File(usize),
    /// One that is gone, by position among those.
    Gone(usize),
}

/// What a file has in force that is not there any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone<'g> {
    pub(super) good: &'g Good,
    /// The file that it was, if that is there and has come to be another service's.
    pub(super) formerly: Option<&'g str>,
}

/// What is in force now and would be claimed by nobody, in the order of the files that claim it: of each file every claim
/// once, as it is the strongest.
pub(super) fn lost<'r>(
    candidates: &[Candidate<'r>],
    gone: &[Gone<'r>],
    records: &List<FileRecord>,
    homeserver: &Homeserver,
) -> Vec<Lost<'r>> {
    let there = candidates.iter().zip(records).enumerate().filter_map(|(at, (candidate, record))| {
        let held = &candidate.held?.registration;
        let stays = record.registration().is_some_and(|after| Registration::ptr_eq(after, held));
        (!stays).then_some((By::File(at), held))
    });
    let gone = gone.iter().enumerate().map(|(at, gone)| (By::Gone(at), &gone.good.registration));
    let mut lost: Vec<Lost<'_>> =
        there.chain(gone).flat_map(|(by, registration)| claims(registration, by, homeserver)).collect();
    let made = made(&lost, records, homeserver);
    let mut order = Order::new(homeserver.dialect.precedence());
    let mut seen = HashSet::new();
    lost.retain(|lost| !is_made(lost, &made, &mut order) && seen.insert((lost.loss.clone(), lost.by)));
    lost
}

/// Where claims are made by what is in force.
#[derive(Default)]
struct Made<'r> {
    /// By entries: in which registration, and which of its entries.
    entries: HashMap<Loss, Vec<(&'r Registration, usize)>>,
    /// By services' own users, before which nothing comes.
    senders: HashSet<Loss>,
}

/// Who makes some of these claims.
fn made<'r>(lost: &[Lost<'_>], records: &'r List<FileRecord>, homeserver: &Homeserver) -> Made<'r> {
    let entries: HashMap<(Kind, &str), &Loss> =
        lost.iter().map(|lost| ((lost.loss.kind, &*lost.loss.regex), &lost.loss)).collect();
    let mut made = Made::default();
    for registration in records.iter().filter_map(|record| record.registration()) {
        for kind in Kind::ALL {
            let all = registration.entries(kind).iter().enumerate();
            for (at, entry) in all.filter(|(_, entry)| entry.exclusive) {
                if let Some(&claim) = entries.get(&(kind, &*entry.regex)) {
                    made.entries.entry(claim.clone()).or_default().push((registration, at));
                }
            }
        }
        // Whether a loss was a service's own user is not to be seen when it has been held before: it is an entry then.
        let sender = sender_regex(registration, homeserver);
        if entries.contains_key(&(Kind::User, &*sender)) {
            made.senders.insert(Loss { kind: Kind::User, regex: sender.into() });
        }
    }
    made
}

/// Whether a claim keeps no less somewhere than it did.
fn is_made<'r>(lost: &Lost<'r>, made: &Made<'_>, order: &mut Order<'r>) -> bool {
    if made.senders.contains(&lost.loss) {
        return true;
    }
    let mut places = made.entries.get(&lost.loss).into_iter().flatten();
    places.any(|&(registration, at)| order.needed(lost.of, registration, lost.loss.kind)[at] <= lost.behind)
}

/// In which order entries decide: the first that matches, as a rule, so that an exclusive entry keeps what it matches and no entry
/// before it takes that is not exclusive. It keeps no less in another registration, or in another place, if every such entry that
/// stands before it there stood before it where it was, too.
#[derive(Debug)]
pub(super) struct Order<'r> {
    precedence: Precedence,
    /// Of each list, what is not exclusive, and how many such entries stood before it.
    shared: HashMap<(*const (), Kind), HashMap<&'r str, usize>>,
    /// Of two lists, see [`Order::needed`].
    needed: HashMap<(*const (), *const (), Kind), Vec<usize>>,
}

impl<'r> Order<'r> {
    pub(super) fn new(precedence: Precedence) -> Self {
        Self { precedence, shared: HashMap::new(), needed: HashMap::new() }
    }

    /// For each place of an entry in a list, and the one behind the last: how many of another list's entries that are not
    /// exclusive must have stood before it there, lest it keep less here. `usize::MAX` where one stands before it that is
    /// not in the other list at all. Never less than for the place before.
    fn needed(&mut self, of: &'r Registration, here: &Registration, kind: Kind) -> &[usize] {
        let (of_key, here_key) = (Registration::as_ptr(of), Registration::as_ptr(here));
        let all_alike = self.precedence == Precedence::ExclusiveFirst;
        let shared = self.shared.entry((of_key, kind)).or_insert_with(|| shared(of, kind));
        self.needed.entry((of_key, here_key, kind)).or_insert_with(|| {
            let step = |most: &mut usize, entry: Entry<'_>| {
                if !entry.exclusive && !all_alike {
                    *most = shared.get(&*entry.regex).map_or(usize::MAX, |&before| (before + 1).max(*most));
                }
                Some(*most)
            };
            // What is not known stays so for all that follows.
            let entries = here.entries(kind).iter();
            std::iter::once(0)
                .chain(entries.scan(
                    0,
                    move |most: &mut usize, entry| {
                        if *most == usize::MAX { Some(*most) } else { step(most, entry) }
                    },
                ))
                .collect()
        })
    }

    /// Before which entry of a list a claim is to stand that was made elsewhere: as far back as it keeps no less, so that what
    /// others have, and what is new, stays as it is.
    pub(super) fn place(&mut self, lost: &Lost<'r>, here: &Registration) -> usize {
        let needed = self.needed(lost.of, here, lost.loss.kind);
        needed.partition_point(|&needed| needed <= lost.behind).saturating_sub(1)
    }
}

/// The entries of a list that are not exclusive, and how many such entries stand before the first of each.
fn shared(of: &Registration, kind: Kind) -> HashMap<&str, usize> {
    let mut shared = HashMap::new();
    let all = of.entries(kind).iter().filter(|entry| !entry.exclusive);
    for (at, entry) in all.enumerate() {
        shared.entry(entry.regex.as_str()).or_insert(at);
    }
    shared
}

/// What a registration keeps for its service alone.
fn claims<'r>(of: &'r Registration, by: By, homeserver: &Homeserver) -> Vec<Lost<'r>> {
    // A text that lies in a registration once, whatever entries have it, is copied once.
    let mut texts: HashMap<*const str, Arc<str>> = HashMap::new();
    let mut claims = Vec::new();
    for kind in Kind::ALL {
        let mut behind = 0;
        for entry in of.entries(kind) {
            if entry.exclusive {
                let text = entry.regex.as_str();
                let regex = Arc::clone(texts.entry(std::ptr::from_ref(text)).or_insert_with(|| text.into()));
                claims.push(Lost { loss: Loss { kind, regex }, entry: Some(entry), by, of, behind });
            } else {
                behind += 1;
            }
        }
    }
    let sender = Loss { kind: Kind::User, regex: sender_regex(of, homeserver).into() };
    claims.push(Lost { loss: sender, entry: None, by, of, behind: 0 });
    claims
}

/// A regex that matches a service's own user and nothing else.
fn sender_regex(of: &Registration, homeserver: &Homeserver) -> String {
    homeserver.dialect.syntax().exactly(&format!("@{}:{}", of.sender_localpart(), homeserver.name))
}
