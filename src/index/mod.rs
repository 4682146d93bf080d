//! From an ID to the services that are interested in it.
//!
//! A homeserver walks every regex of every service. Here a question costs what the ID and its own claims cost, hardly what
//! the set costs: about 60 ns at a thousand namespaces and 180 ns at a million (`benches/performance` measures it). Three
//! things make that possible. Real namespaces begin with a literal (`@telegram_`); what follows comes in few shapes
//! (`.*:example\.com`), of which 10,000 namespaces in the shapes of real ones have 44; and what a question reads stands close
//! together.
//!
//! # One regex, followed through
//!
//! `@(?:irc|slack)_(?!admin).*:example\.com`, exclusive, the third entry of a service:
//!
//! ```text
//! python_re::Path   `@irc_`    condition: 0 bytes before the end of the prefix, not `admin`    rest `.*:example\.com`
//!                   `@slack_`  the same                                                        the same
//! check             one for both: conditions and rest are interned by their fingerprint, so that whatever else has this
//!                   rest shares its automaton (`residual`); each distinct combination has a `CheckId`
//! target            (check, slot, rank): slot = which registration of the layer, rank = which entry, in the
//!                   order in which the dialect asks entries
//! trie              `@irc_` and `@slack_` are keys; in the node of each stand its targets, those of one check side by
//!                   side, so that it runs once for all of them
//! ```
//!
//! A question walks the trie once along the ID (`trie`: all prefixes in one walk), runs the checks behind each prefix that
//! it passes, and notes a hit for each target whose check holds. A path that says of a rest no more than that the whole
//! pattern must be tried (a back-reference, say) has the whole pattern as its check.
//!
//! A path goes into a trie unless its prefix is no help: more than 12 different checks behind it, or more than 3 behind
//! one that every ID of the kind has (`@`, or nothing). All paths of such a prefix go to the `fallback`, which finds them
//! the other way round, by the rarest literal that every match must contain (`_x17_` in `@.*_x17_.*`), all literals in one
//! Aho–Corasick pass over the ID; what holds no such literal goes into one automaton for many that is made deterministic as
//! IDs need it (`lazy`); what has no automaton is tried. Whatever way a path is found, the same check decides.
//!
//! # Close together
//!
//! At a million namespaces no cache holds the index, and what a question costs is how often it waits for memory; most of these
//! places are in pages whose address must be looked up in memory, too. So the trie is one string of
//! bytes in the order in which a walk reads it (`trie`): the few nodes near its root stay in a cache, since every question
//! reads them; behind a prefix that few share, all that is left of the walk stands within some hundred bytes, and so do the
//! targets. There is nothing else to be fetched but the position of the service. The trie before this one had nodes of 16 bytes
//! in one list, keys in a second and targets in a third: the same question took 480 ns at a million namespaces, for 175 in the
//! same hour, and a namespace 208 bytes, for 71 (of 100,000). Below 1,000 namespaces there is no difference.
//!
//! A table of hashed prefixes would be read once for each length that a prefix may have, of which there are dozens, and wants a
//! keyed hash against those who choose names to collide. The trie costs no more than the length of the ID, whatever the names.
//!
//! # Anywhere, and in any case
//!
//! Other homeservers look for a regex anywhere in the ID, and some without regard to case. Neither may cost a prefix.
//!
//! *Anywhere*: a regex that begins with `^` can match at the start alone, and is tried there. One that begins with the sigil, on
//! all its paths, can match where the ID holds one: the trie is walked from each sigil of the ID, and their
//! checks say that they hold there. In nearly every ID that is the first character and no other, so that it costs a look for a
//! second one; and where there is one (`@a@irc_b` holds `@irc_` in the middle), the answer is the homeserver's. What begins otherwise (`webhook`, `.*`) has no
//! prefix, and is found by its literals.
//!
//! *In any case*: the text is made one without regard to case ([`python_re::Folded`]), once, and prefixes and literals are made so
//! when the index is built; `(?i)@irc_` is one key, and not sixteen. Checks see the text as it is. The service's own user, which
//! is compared as it is written, then has a trie of its own ([`source::Place`]).
//!
//! Of the hits of one service the one of the least rank decides (`hit`), whichever layer or engine they come from.
//!
//! # Three layers
//!
//! After a change the large layer is left alone and small ones are built over it, as in a log-structured merge tree of three
//! levels. Services are known by their *position* in load order, which changes; a layer knows them by their *slot*, which
//! does not. A `stratum` says where the service of each slot stands now, or that it is gone:
//!
//! ```text
//! load order now     0:a   1:b′  2:d   3:e          b has changed to b′, c is gone, e is new
//!
//! base    slots      0:a   1:b   2:c   3:d          as it was built
//!         positions  0     –     –     2            what matches in a slot without a position is left out
//! recent  slots      0:b′  1:e
//!         positions  1     3
//! ```
//!
//! Each service of the set has one slot in one of the layers, since a registration that is the very same keeps its slot and
//! any other gets one in the uppermost. So an answer is the union of all, and there is nothing to merge but the order.
//!
//! Whoever changes one registration after the other should not pay for those before: `recent` alone is built anew for each
//! change. When it holds more than the root of twice what the `overlay` below it holds, both become one overlay: with *m* in the overlay
//! and *r* in the recent layer at most, a change costs *r*/2 for the one and *m*/*r* for the other, which is least there. When both and
//! the gaps grow, all become one. What automata a layer needs are those of the layers before it as a rule, and are shared with them.
//!
//! # Bounds, and what chose them
//!
//! Measured in two runs on one core of a machine with other work to do, best of fifteen, optimized, with made-up regexes
//! of the shapes named; where the runs differ by more than a tenth, both are given:
//!
//! | bound | what was measured |
//! |---|---|
//! | 12 checks behind a prefix (`table`) | k checks behind `@bridge_` cost an ID with that prefix about 13 ns each: 100–130 ns at 8, 150–190 at 12, 210–780 at 16. The fallback costs 35–75 ns, but every ID, whether it has the prefix or not |
//! | 3 behind a prefix that every ID has | with one of them that claims everybody, as is usual: 85 ns at 2 and 125 at 3, by the fallback 170 and 200–400; no clear difference at 4. Where none of them matches, the fallback is quicker from 2 on (20 ns for 82) |
//! | a literal shared by 16 paths (`fallback`) | tried one by one: 300–520 ns on a hit at 16, 640–1,650 at 32, 4,500–7,400 at 64; by the automaton 980, 1,210 and 940–1,040. An ID without the literal pays 35 ns, or 70 |
//! | 1,024 tables (`check`) | real shapes need 44 and are a third faster with tables (63 ns for 91). 3,000 regexes of 1,548 shapes, another one for each question, are hardly faster with a table for each (1.5 µs for 1.7), take 8.0 MB for 1.2, and 1.0 s to build for 0.35 |
//! | 256 above the base (here) | 26–40 ms to build at any size of the base, when each layer built its own automata (44 of half a millisecond each), which are shared by now; building all takes 11–31 ms at 1,000 namespaces, 220–330 ms at 10,000 and 1.2–2.1 s at 50,000. A question takes 30–65 % longer over two layers |
//! | or of a thirty-second of the base | 1,024 over 50,000: 40–220 ms to build, 110–118 ns a question for 67–73; 4,096: 114–480 ms and 130 ns |
//! | 32 in the recent layer (here) | chosen by reasoning: the root of twice an overlay of 512, below which either is little |
//!
//! Knows no HTTP, no files, no YAML.

mod beginning;
mod check;
mod common;
mod fallback;
mod grouped;
mod hit;
mod layer;
mod lazy;
mod placed;
mod position;
mod prefixed;
mod residual;
mod scratch;
mod source;
mod stratum;
mod subject;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod trie;
mod undecided;

pub use beginning::Beginning;
pub use common::Common;
pub use hit::Hit;
pub use position::ServicePos;
pub use scratch::Scratch;

use stratum::{Moved, Stratum};

use crate::homeserver::Homeserver;
use crate::list::List;
use crate::matrix::MatrixId;
use crate::registration::Registration;

/// From an ID to the services that are interested in it. Immutable.
#[derive(Clone, Debug)]
pub struct Index {
    homeserver: Homeserver,
    /// The large layer.
    base: Stratum,
    /// A small one over it: what has been added or changed since the large one was built.
    overlay: Option<Stratum>,
    /// And one over both, of what has been since the small one was built.
    recent: Option<Stratum>,
}

/// How much the small layers may hold. Measured: see above.
const BOUNDS: Bounds = Bounds { above: 256, recent: 32 };
/// And, with what has gone from the base, this part of the base. Measured: see above.
const SHARE_ABOVE: usize = 32;

/// How many services the layers above the base may hold.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// All of them, with what has gone from the base, whatever the base holds.
    above: usize,
    /// The recent one, whatever the overlay holds.
    recent: usize,
}

/// Figures for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes that the index takes, without the registrations and without what threads keep in their scratch memory.
    pub bytes: usize,
    /// Entries and senders in it.
    pub entries: usize,
    /// Distinct automata.
    pub automata: usize,
}

impl Index {
    /// Builds the index of registrations in load order.
    #[must_use]
    pub fn build(homeserver: &Homeserver, registrations: &List<Registration>) -> Self {
        let all = (0..registrations.len()).map(ServicePos::new);
        let base = Stratum::new(homeserver, registrations, all, std::iter::empty());
        Self { homeserver: homeserver.clone(), base, overlay: None, recent: None }
    }

    /// The index of a set that has this much in common with the one that this is the index of. A registration that is the very same
    /// as before is not built again.
    #[must_use]
    pub fn updated(&self, registrations: &List<Registration>, common: Common) -> Self {
        self.updated_within(BOUNDS, registrations, common)
    }

    fn updated_within(&self, bounds: Bounds, registrations: &List<Registration>, common: Common) -> Self {
        let place = |at: usize| (Registration::as_ptr(&registrations[at]), ServicePos::new(at));
        let mut moved: Moved = common.come().map(place).collect();
        let base = self.base.under(common, &mut moved);
        let above = registrations.len() - base.services();
        if above + base.gone() > bounds.above.max(base.slots() / SHARE_ABOVE) {
            let all = (0..registrations.len()).map(ServicePos::new);
            let base = Stratum::new(&self.homeserver, registrations, all, self.strata());
            return Self { homeserver: self.homeserver.clone(), base, overlay: None, recent: None };
        }
        let under = |stratum: &Option<Stratum>, moved: &mut Moved| {
            stratum.as_ref().map(|stratum| stratum.under(common, moved)).filter(|stratum| stratum.services() > 0)
        };
        let overlay = under(&self.overlay, &mut moved);
        let recent = under(&self.recent, &mut moved);
        let updated = Self { homeserver: self.homeserver.clone(), base, overlay, recent };
        updated.with(registrations, &moved, bounds)
    }

    /// The same with these besides, which are in none of its layers.
    fn with(self, registrations: &List<Registration>, new: &Moved, bounds: Bounds) -> Self {
        if new.is_empty() {
            return self;
        }
        let layer = |under: &[&Option<Stratum>]| {
            let kept = under.iter().flat_map(|stratum| stratum.iter().flat_map(Stratum::positions));
            let mut positions: Vec<ServicePos> = kept.chain(new.values().copied()).collect();
            positions.sort_unstable();
            Some(Stratum::new(&self.homeserver, registrations, positions.into_iter(), self.strata()))
        };
        let services = |stratum: &Option<Stratum>| stratum.as_ref().map_or(0, Stratum::services);
        let most = bounds.recent.max((2 * services(&self.overlay)).isqrt());
        let (overlay, recent) = if services(&self.recent) + new.len() > most {
            (layer(&[&self.overlay, &self.recent]), None)
        } else {
            (self.overlay.clone(), layer(&[&self.recent]))
        };
        Self { overlay, recent, ..self }
    }

    /// One hit for each interested service, in load order: what decides about its claim. Allocates only as the scratch
    /// memory grows.
    pub fn lookup<'s>(&self, id: MatrixId<'_>, scratch: &'s mut Scratch) -> &'s [Hit] {
        let Scratch { hits, engines } = scratch;
        hits.clear();
        for stratum in self.strata() {
            stratum.lookup(id, engines, hits);
        }
        hit::deciding(hits);
        hits
    }

    fn strata(&self) -> impl Iterator<Item = &Stratum> {
        [&self.base].into_iter().chain(&self.overlay).chain(&self.recent)
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> Size {
        self.strata().map(Stratum::size).fold(Size::default(), Size::plus)
    }
}

impl Size {
    const fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            entries: self.entries + other.entries,
            automata: self.automata + other.automata,
        }
    }
}
