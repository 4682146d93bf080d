//! Every entry that matches, for whoever wants to know why the one that decides does.

use super::Services;
use crate::index::{Scratch, ServicePos};
use crate::matrix::MatrixId;
use crate::registration::Entry;
use python_re::Outcome;

/// An entry that matches an ID.
#[derive(Clone, Copy, Debug)]
pub struct MatchingEntry<'s> {
    /// Its position in its list.
    pub index: u32,
    /// The entry.
    pub entry: Entry<'s>,
    /// Whether it decides about the service's claim.
    pub decides: bool,
}

impl Services {
    /// The entries of a service that match an ID, in the order in which the dialect asks them. Costs a walk over all of them;
    /// which one decides is what the index says.
    #[must_use]
    pub fn matching(&self, service: ServicePos, id: MatrixId<'_>, scratch: &mut Scratch) -> Vec<MatchingEntry<'_>> {
        let dialect = self.homeserver().dialect;
        let hit = self.index().lookup(id, scratch).iter().find(|hit| hit.service == service);
        let deciding = hit.map(|hit| hit.rank);
        let entries = self.registration(service).entries(id.kind()).iter().enumerate();
        let mut ranked: Vec<_> =
            entries.map(|(at, entry)| (dialect.precedence().rank(at, entry.exclusive), entry)).collect();
        ranked.sort_unstable_by_key(|(rank, _)| *rank);
        let mut memory = python_re::Scratch::new();
        let mut matches = |entry: Entry<'_>| {
            let pattern = entry.regex.pattern(dialect, id.kind());
            pattern.matcher().run(&mut memory, id.as_str()) == Outcome::Match
        };
        let matching = ranked.into_iter().filter_map(|(rank, entry)| {
            let decides = Some(rank) == deciding;
            let index = rank.position()?;
            (decides || matches(entry)).then_some(MatchingEntry { index, entry, decides })
        });
        matching.collect()
    }
}
