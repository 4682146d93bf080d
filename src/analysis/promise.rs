//! What is promised of all IDs that a regex names: that nobody holds any of them exclusively, or that somebody holds all of
//! them. Proved on the languages, or broken by an ID.

use super::Deadline;
use super::claimed;
use super::examiner::{Examiner, Pass};
use super::language::language;
use super::name::Ids;
use super::search::{LimitReached, shortest};
use super::term::{NEVER, Term};
use crate::index::ServicePos;
use crate::matrix::Kind;
use crate::ruling::Services;
use python_re::{Anchor, Ast, Path, Pattern};

/// What is promised of IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise<'a> {
    /// No service holds any of them exclusively.
    Free,
    /// A service holds each of them exclusively; if one is named, that one, and no other does.
    Reserved {
        /// The `id` of the service.
        by: Option<&'a str>,
    },
}

/// Whether a promise holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does, of every ID.
    Holds,
    /// It does not of this ID, a shortest.
    Broken(String),
    /// The regex names no ID, so that nothing is promised.
    NoIds,
    /// It could not be decided, for this reason.
    Undecided(&'static str),
}

/// What came of a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whether it holds.
    pub verdict: Verdict,
    /// The exclusive entries that claim some of the IDs: the service, and the entry's position in its list.
    pub touched: Vec<(ServicePos, u32)>,
}

const LIMIT: &str = "it could not be decided within the limits";
const NOT_A_LANGUAGE: &str = "the regex is of no kind that can be proved: it refers to its groups, or is too large";

/// Looks whether a promise holds of all IDs of a kind that a regex matches from their start to their end.
pub(super) fn prove(services: &Services, kind: Kind, regex: &Pattern, promise: Promise<'_>) -> Proof {
    let homeserver = services.homeserver();
    let mut examiner = Examiner::new(homeserver, &Deadline::none());
    let mut proof = Proof { verdict: Verdict::Holds, touched: Vec::new() };
    let mut pass = examiner.pass();
    proof.verdict = match pass.ids_of(kind, regex) {
        None => Verdict::Undecided(NOT_A_LANGUAGE),
        Some(ids) => match pass.any(kind, ids) {
            Err(LimitReached) => Verdict::Undecided(LIMIT),
            Ok(None) => Verdict::NoIds,
            Ok(Some(_)) => {
                let ways = claimed::ways(homeserver, kind, regex);
                let held = pass.held_of(services, kind, (ids, &ways), promise, &mut proof.touched);
                pass.verdict(kind, ids, promise, &held)
            }
        },
    };
    proof
}

/// What is held exclusively of some IDs.
struct Held<'a> {
    /// By the service that is named, or else by any.
    meant: Vec<Term<'a>>,
    /// By others than the one that is named.
    others: Vec<Term<'a>>,
    /// Why something of it is not known.
    unknown: Option<&'static str>,
}

impl<'a> Pass<'a> {
    /// The IDs that a regex matches as a whole.
    fn ids_of(&mut self, kind: Kind, regex: &Pattern) -> Option<Term<'a>> {
        let whole = Ast::Concat(vec![regex.ast().clone(), Ast::Anchor(Anchor::End)]);
        let matched = language(&mut self.terms, &whole)?;
        let all = self.ids(kind, Ids::All);
        Some(self.terms.and([matched, all]))
    }

    /// A shortest ID among some, of this server and of today's grammar if there is one.
    fn any(&mut self, kind: Kind, ids: Term<'a>) -> Result<Option<String>, LimitReached> {
        match self.witness(kind, ids)? {
            Some(witness) => Ok(Some(witness.id.into())),
            None => shortest(&mut self.terms, ids),
        }
    }

    fn held_of(
        &mut self,
        services: &Services,
        kind: Kind,
        (ids, ways): (Term<'a>, &[Path]),
        promise: Promise<'_>,
        touched: &mut Vec<(ServicePos, u32)>,
    ) -> Held<'a> {
        let homeserver = services.homeserver();
        let mut held = Held { meant: Vec::new(), others: Vec::new(), unknown: None };
        for (service, one) in services.registrations().iter().enumerate() {
            let is_meant = !matches!(promise, Promise::Reserved { by: Some(by) } if by != one.id());
            let mut parts = Vec::new();
            if kind == Kind::User {
                parts.push(self.sender(homeserver, one));
            }
            let entries = one.entries(kind);
            for (index, (position, entry)) in
                (0..).zip(entries.iter().enumerate()).filter(|(_, (_, one))| one.exclusive)
            {
                if !can_meet(ways, &claimed::ways(homeserver, kind, &claimed::pattern(homeserver, kind, entry.regex))) {
                    continue;
                }
                match self.what_counts(homeserver, kind, entries, position) {
                    Err(why) => held.unknown = Some(why),
                    Ok(part) => {
                        let both = self.terms.and([ids, part]);
                        if self.any(kind, both) != Ok(None) {
                            touched.push((ServicePos::new(service), index));
                        }
                        parts.push(part);
                    }
                }
            }
            if is_meant { held.meant.extend(parts) } else { held.others.extend(parts) }
        }
        held
    }

    fn verdict(&mut self, kind: Kind, ids: Term<'a>, promise: Promise<'_>, held: &Held<'a>) -> Verdict {
        let [meant, others] = [&held.meant, &held.others].map(|parts| self.terms.or(parts.iter().copied()));
        let (against, is_broken_by_the_unknown) = match promise {
            Promise::Free => (self.terms.and([ids, meant]), false),
            Promise::Reserved { .. } => (self.terms.without(ids, meant), true),
        };
        let contested = self.terms.and([ids, others]);
        for (against, may_be_held) in [(contested, false), (against, is_broken_by_the_unknown)] {
            match self.any(kind, against) {
                Ok(None) => {}
                // What nobody is known to hold may be held by the entry that is not known.
                Ok(Some(_)) if may_be_held && held.unknown.is_some() => {}
                Ok(Some(id)) => return Verdict::Broken(id),
                Err(LimitReached) => return Verdict::Undecided(LIMIT),
            }
        }
        // What is not known may be against it, unless all that is needed is there without it.
        let is_there = promise == Promise::Reserved { by: None } && against == NEVER;
        match held.unknown.filter(|_| !is_there) {
            Some(why) => Verdict::Undecided(why),
            None => Verdict::Holds,
        }
    }
}

/// Whether IDs can begin with prefixes of both.
fn can_meet(a: &[Path], b: &[Path]) -> bool {
    a.iter().any(|a| b.iter().any(|b| a.prefix.starts_with(&b.prefix) || b.prefix.starts_with(&a.prefix)))
}
