//! How far an entry reaches: a shortest local ID that it claims, and a shortest remote one.
//!
//! Most entries are a literal prefix and one of few shapes behind it (`.*:example\.com`), and what may follow a prefix in
//! an ID does not depend on the prefix, as long as it is made of characters that a localpart may have. So the answer for
//! the shape is found once, behind a sigil and one letter, and put behind each prefix.

use super::examiner::Pass;
use super::finding::{Witness, WitnessIs};
use super::id_space::is_char_of_today;
use super::language::{holds_behind, language};
use super::name::Ids;
use super::search::{LimitReached, is_within, shortest};
use super::term::Term;
use crate::matrix::{Kind, is_historical};
use python_re::{Path, Pattern, fingerprint};

/// What follows a prefix, by the kind of ID, whether the prefix is one of today's grammar, and the tree of the rest.
pub(super) type Shape = (Kind, bool, Vec<u8>);

/// The sorts of IDs among which a shortest one is looked for.
const SORTS: [Ids; 4] = [Ids::Valid, Ids::Historical, Ids::Remote, Ids::RemoteHistorical];

/// A shortest ID of each sort that is claimed.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// Of this server.
    pub(super) local: Option<Witness>,
    /// Of another server.
    pub(super) remote: Option<Box<str>>,
    /// Whether there is a local one was not found out within the limits.
    pub(super) undecided: bool,
}

impl Reach {
    /// The same behind a prefix.
    fn behind(&self, prefix: &str, valid: bool) -> Self {
        let whole = |rest: &str| format!("{prefix}{rest}").into_boxed_str();
        let local = self
            .local
            .as_ref()
            .map(|rest| Witness { id: whole(&rest.id), is: if valid { rest.is } else { WitnessIs::Historical } });
        Self { local, remote: self.remote.as_deref().map(whole), undecided: self.undecided }
    }
}

impl<'a> Pass<'a> {
    /// What an entry claims; `None` if its language is not known.
    pub(super) fn reach(&mut self, kind: Kind, pattern: &Pattern, ways: &[Path]) -> Option<Reach> {
        if let [way] = ways
            && let Some((prefix, valid)) = plain_prefix(kind, way)
            && let Some(rest) = way.rest.as_ref().filter(|rest| !holds_behind(rest))
            && let Some(shape) = fingerprint(rest)
        {
            let shape = (kind, valid, shape);
            if !self.shapes.contains_key(&shape) {
                let rest = language(&mut self.terms, rest)?;
                let reach = self.reach_behind_a_letter(kind, valid, rest);
                self.shapes.insert(shape.clone(), reach);
            }
            return self.shapes.get(&shape).map(|reach| reach.behind(prefix, valid));
        }
        let claimed = language(&mut self.terms, pattern.ast())?;
        let [valid, historical, remote, remote_historical] = SORTS.map(|which| self.ids(kind, which));
        let local = [(valid, WitnessIs::Valid), (historical, WitnessIs::Historical)];
        Some(self.reach_within(claimed, local, [remote, remote_historical]))
    }

    /// The reach of what follows a sigil and one letter.
    fn reach_behind_a_letter(&mut self, kind: Kind, valid: bool, rest: Term<'a>) -> Reach {
        let [today, once, remote, remote_once] = SORTS.map(|which| {
            let ids = self.ids(kind, which);
            let behind_sigil = self.terms.derivative(ids, kind.sigil());
            self.terms.derivative(behind_sigil, 'a')
        });
        let first = if valid { (today, WitnessIs::Valid) } else { (once, WitnessIs::Historical) };
        self.reach_within(rest, [first, (once, WitnessIs::Historical)], [remote, remote_once])
    }

    /// The first of each sort that is claimed counts.
    fn reach_within(&mut self, claimed: Term<'a>, local: [(Term<'a>, WitnessIs); 2], remote: [Term<'a>; 2]) -> Reach {
        let mut reach = Reach::default();
        for (ids, is) in local {
            if reach.local.is_none() {
                let both = self.terms.and([claimed, ids]);
                match shortest(&mut self.terms, both) {
                    Ok(found) => reach.local = found.map(|id| Witness { id: id.into(), is }),
                    Err(LimitReached) => reach.undecided = true,
                }
            }
        }
        reach.undecided &= reach.local.is_none();
        // That a remote ID was not found in time does no harm.
        for ids in remote {
            if reach.remote.is_none() {
                let both = self.terms.and([claimed, ids]);
                reach.remote = shortest(&mut self.terms, both).ok().flatten().map(Into::into);
            }
        }
        reach
    }

    /// Whether an entry contains every ID of this server that can be made today.
    pub(super) fn contains_everyone(&mut self, kind: Kind, pattern: &Pattern, ways: &[Path]) -> bool {
        if ways.iter().all(|way| way.prefix.len() > 1) {
            return false;
        }
        let Some(claimed) = language(&mut self.terms, pattern.ast()) else { return false };
        let valid = self.ids(kind, Ids::Valid);
        is_within(&mut self.terms, valid, claimed).unwrap_or(false)
    }
}

/// The prefix of a path, if any local ID may begin so and then go on as after its first letter, and whether that would
/// be an ID of today's grammar. The length of a room's ID matters too, so there it is not.
fn plain_prefix(kind: Kind, path: &Path) -> Option<(&str, bool)> {
    let prefix = std::str::from_utf8(&path.prefix).ok()?;
    let localpart = prefix.strip_prefix(kind.sigil())?;
    let plain = kind != Kind::Room
        && path.conditions.is_empty()
        && !localpart.is_empty()
        && localpart.chars().all(is_historical);
    plain.then(|| (prefix, localpart.chars().all(|c| is_char_of_today(kind, c))))
}
