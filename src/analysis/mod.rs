//! Findings: what registrations do to each other, computed on the languages of their regexes.
//!
//! # From registrations to findings
//!
//! 1. Each registration is looked at by itself (`looked`, `prepared`): each entry's literal prefixes, how far it reaches (`reach`),
//!    what is wrong with it (`entry`, `dead`, `glob`), which entries of the file hide others (`shadow`), what the file
//!    itself gives rise to (`file`).
//! 2. Which entries of different services can meet is told by their prefixes, which lie in order (`beginnings`, `candidates`): of
//!    five billion pairs of a hundred thousand entries a few thousand are left.
//! 3. Those are held against each other (`compared`, `pair`): is there an ID that both claim, and how do they lie to each other?
//! 4. What takes more than two entries is looked for in the whole set (`across`, `join`).
//!
//! A question about a language is a term with intersection and complement (`term`), made from a pattern by `language`, and
//! answered by a search through derivatives (`search`). What an `Examiner` finds out about shapes that entries share it
//! finds out once.
//!
//! # The way out
//!
//! With a finding goes an edit that ends it, where one is known to be right and is proved (`fix`).
//!
//! # For neighbours
//!
//! The names that services reserve are put in lists and regexes that other software reads, and each is proved (`reserved`).
//!
//! # After a change
//!
//! A set is analysed as a `step` from the one before. A registration that is the very same is not looked at again, nor are pairs
//! of two such, and what is kept of it is no more than others must be held against (`ground`): its prefixes, in lists that the
//! two sets share but for a few blocks (`sorted`), and eight bytes for each of its findings (`findings`), which are written out when
//! somebody reads them. What comes meets those alone whose prefixes say so; whose own user it may hold is told in the same way.
//! What somebody asks about a registration that is not in the set (`newcomer`) is found out likewise, without anything being built
//! for it. Findings after any number of steps are those that are found from nothing (`tests/it/findings_after_changes.rs`).
//!
//! # What it may cost
//!
//! Strangers write registrations, so all that one may cost is limited, in pairs, steps and bytes that are the same on
//! every machine (`limits`, `search`), and by the [`Deadline`] of whoever waits. What goes beyond is said, in one finding
//! `not-compared` for each registration. Comparing happens on threads of its own: a [`Comparer`] has them, and is the only
//! way to compute findings.

mod across;
mod beginnings;
mod bridge;
mod candidates;
mod claimed;
mod code;
mod compared;
mod comparer;
mod contests;
mod dead;
mod deadline;
mod difference;
mod entry;
mod examiner;
mod exclusive;
mod file;
mod finding;
mod findings;
mod fix;
mod glob;
mod ground;
mod id_space;
mod join;
mod language;
mod limits;
mod looked;
mod metrics;
mod name;
mod names;
mod newcomer;
mod pair;
mod portability;
mod prepared;
mod promise;
mod reach;
mod reserved;
mod search;
mod set;
mod several;
mod shadow;
mod slots;
mod sorted;
mod step;
mod term;
mod text;

use std::cmp::Ordering;

pub use bridge::PlaceOf;
pub use code::{Code, UnknownCode};
pub use comparer::{Asked, Comparer, MAX_JUDGEMENTS, MAX_QUESTIONS};
pub use deadline::{Deadline, Waiter};
pub use difference::{Change, ChangeKind};
pub use finding::{Finding, FindingPlace, HomeserverAnswer, Relation, Says, Severity, WitnessIs};
pub use findings::{Cursor, Findings, Wanted};
pub use fix::{Fix, FixEdit};
pub use join::may_break;
pub use metrics::AnalysisMetrics;
pub use names::{Beginning as NameBeginning, Node as NameNode, Tree as NameTree, prefix_in_tree};
pub use portability::{Read, Reading};
pub use promise::{Promise, Proof, Verdict};
pub use reserved::{Form, Inexact, Reserved, Told};
pub use set::Set;
pub use several::{together, unnamed};

use crate::index::ServicePos;
use crate::registration::Registration;
use crate::ruling::Services;
use ground::Ground;
use std::sync::Arc;

/// The findings for a set of registrations, and what makes the next ones cheap.
#[derive(Debug, Default)]
pub struct Analysis {
    /// The gravest first, then by code and place.
    pub findings: Findings,
    ground: Ground,
    /// The names as a tree, once somebody has asked.
    names: names::Names,
}

impl Analysis {
    /// The findings that concern the service at a place in load order.
    #[must_use]
    pub fn about(&self, service: ServicePos, wanted: Wanted) -> Vec<Arc<Finding>> {
        let slot = self.ground.order.get(service.index());
        slot.map_or_else(Vec::new, |slot| self.findings.about(*slot, wanted))
    }

    /// Leaves those findings out of which this holds; of what registrations give rise to alone, it may hold of those of some.
    pub fn leave_out(&mut self, services: &Services, of: &[&Registration], is_left_out: impl Fn(&Finding) -> bool) {
        let place = |one: &&Registration| services.position_of_id(one.id());
        let slots: Vec<_> = of.iter().filter_map(place).map(|place| self.ground.order[place.index()]).collect();
        self.findings.leave_out(&slots, is_left_out);
    }
}

/// By what findings are sorted.
fn order(a: &Finding, b: &Finding) -> Ordering {
    let place = |place: &FindingPlace| (place.line, place.column);
    let by_places = || {
        let places = a.places.iter().zip(&b.places);
        let mut each = places.map(|(a, b)| a.file.cmp(&b.file).then_with(|| place(a).cmp(&place(b))));
        each.find(|order| order.is_ne()).unwrap_or_else(|| a.places.len().cmp(&b.places.len()))
    };
    let by_severity = (a.severity, a.code).cmp(&(b.severity, b.code));
    // At last by what is said, so that two about the same places come in one order in every run.
    by_severity.then_with(by_places).then_with(|| a.message.cmp(&b.message))
}
