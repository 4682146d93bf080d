//! The names that a set claims, as a tree of what they begin with: a map of the namespace for people.
//!
//! Every ID that an entry claims begins with one of the entry's literal prefixes, its *beginnings*; an entry that could claim
//! anything begins with the sigil alone. Sorted, all beginnings that begin alike stand side by side, so a node of the tree is
//! a range of that list, and its children are ranges within:
//!
//! ```text
//! beginnings, sorted      nodes                      entries  services
//! @                       @                          6        4         one entry begins right here
//! @irc_                   ├ @irc_                    3        2         two begin right here
//! @irc_                   │ └ @irc_bot:example.com   1        1
//! @irc_bot:example.com    │
//! @telegram_              └ @telegram                2        1         none does: two go on from here
//! @telegrambot:example…     ├ @telegram_ …
//! ```
//!
//! What begins with a prefix *may* be claimed by the entry, and what does not is not: an answer about one ID is the index's
//! affair. Where two services hold an ID exclusively is told by findings, each put where its witness lies.
//!
//! It is made when somebody asks for it first, from what comparing has found out already: of 10,000 services with three
//! beginnings each in 25 ms, of 100,000 in 0.7 s (one core of a busy machine), off the threads that answer. Where a homeserver looks for a regex anywhere in an ID, beginnings are those of IDs that hold their sigil once; where
//! it does not mind capitals, they are those of IDs that have been made one without (`claimed`).

#[cfg(test)]
mod tests;
mod tree;

use std::collections::HashMap;
use std::sync::OnceLock;

pub use tree::{Beginning, Node, Tree};

use super::beginnings::Row;
use super::limits::MAX_SOURCE;
use super::prepared::Standing;
use super::{Analysis, Code, claimed};
use crate::homeserver::Homeserver;
use crate::index::{self, ServicePos};
use crate::matrix::{Kind, MAX_ID_BYTES, PerKind, user_id};
use crate::registration::Registration;
use crate::ruling::Services;

/// The trees of a set, once somebody has asked.
#[derive(Debug, Default)]
pub(super) struct Names(OnceLock<PerKind<Tree>>);

impl Analysis {
    /// The names of a kind as a tree. `services` are those that the findings are about. Made when it is asked for first.
    pub fn names(&self, services: &Services, kind: Kind) -> &Tree {
        &self.names.0.get_or_init(|| PerKind::new(|kind| self.tree(services, kind)))[kind]
    }

    fn tree(&self, services: &Services, kind: Kind) -> Tree {
        let homeserver = services.homeserver();
        let mut places = HashMap::new();
        places.extend((0..).zip(&self.ground.order).map(|(place, slot)| (*slot, ServicePos::new(place))));
        let mut beginnings = Vec::new();
        if kind == Kind::User {
            for (at, registration) in services.registrations().iter().enumerate() {
                let own = user_id(registration.sender_localpart(), homeserver.name.as_str());
                let text = of_kind(&claimed::key(homeserver, kind, &own), kind);
                let service = ServicePos::new(at);
                beginnings.extend(text.map(|text| Beginning { text, service, index: None, exclusive: true }));
            }
        }
        for row in self.ground.beginnings[kind].iter() {
            let service = places[&row.slot];
            let texts = texts(homeserver, services.registration(service), kind, row).into_iter();
            let (index, exclusive) = (Some(row.index()), row.is_exclusive());
            let texts = texts.filter_map(|text| of_kind(&text, kind));
            beginnings.extend(texts.map(|text| Beginning { text, service, index, exclusive }));
        }
        let contests = self.findings.of(&[Code::ExclusiveConflict, Code::SenderConflict, Code::ClaimsEveryone]);
        let contests = contests.iter().filter(|found| found.kind == Some(kind));
        let errors = contests.filter(|found| found.severity == super::Severity::Error);
        let witnesses = errors.filter_map(|found| Some(claimed::key(homeserver, kind, found.witness.as_deref()?)));
        Tree::new(beginnings, witnesses)
    }
}

/// A prefix as the tree has those of this homeserver.
#[must_use]
pub fn prefix_in_tree(homeserver: &Homeserver, kind: Kind, prefix: &str) -> String {
    claimed::key(homeserver, kind, prefix)
}

/// What a row says that IDs begin with. Of an entry that comparing had no time for it says nothing, and it is taken apart as the
/// index does it: it would stand at the root otherwise, as if it could claim anything.
fn texts(homeserver: &Homeserver, registration: &Registration, kind: Kind, row: &Row) -> Vec<String> {
    let prefix = row.text.as_bytes();
    let regex = registration.entries(kind).at(row.index() as usize).regex;
    if row.standing() == Standing::LeftOut && prefix.is_empty() && regex.len() <= MAX_SOURCE {
        let precedence = homeserver.dialect.precedence();
        let own = precedence.rank(row.index() as usize, row.is_exclusive());
        let beginnings = index::Beginning::of(homeserver, kind, registration, |rank| rank == own);
        return beginnings.iter().map(|one| one.text().to_owned()).collect();
    }
    // What is no UTF-8 would be half a character: all that begins with the whole ones before it.
    vec![prefix.utf8_chunks().next().map_or("", |chunk| chunk.valid()).to_owned()]
}

/// A prefix as a beginning of IDs of a kind, `None` if no ID of the kind begins so. Nothing longer than an ID needs to be
/// told.
fn of_kind(prefix: &str, kind: Kind) -> Option<Box<str>> {
    if prefix.is_empty() {
        return Some(kind.sigil().to_string().into());
    }
    let end = (0..=prefix.len().min(MAX_ID_BYTES)).rev().find(|at| prefix.is_char_boundary(*at)).unwrap_or_default();
    prefix.starts_with(kind.sigil()).then(|| prefix[..end].into())
}
