//! What one service claims of one ID, found out by trying its regexes on it: the engines, where all else here is computed on
//! languages, so that whatever is told about an ID has been found in two ways.

use python_re::{Outcome, Scratch};

use crate::analysis::term::Terms;
use crate::homeserver::{Homeserver, Scope, Sender};
use crate::matrix::{Kind, MatrixId, user_id};
use crate::registration::Registration;

/// What trying a pattern on an ID counts as, in steps: up to half a millisecond's worth, which its own limit is.
const STEPS_OF_A_TRY: u64 = 10_000;

/// What a service is to an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Claim {
    /// It claims it exclusively.
    Exclusive,
    /// It claims it.
    Shared,
    /// It does not claim it.
    None,
    /// Nobody can say.
    Undefined,
}

/// What a service is to an ID on a homeserver, by both readings of what that leaves open; `None` if nobody waits any longer.
pub(super) fn claim(
    terms: &mut Terms<'_>,
    (homeserver, otherwise): (&Homeserver, Option<&Homeserver>),
    registration: &Registration,
    id: MatrixId<'_>,
) -> Option<Claim> {
    let claim = claim_by(terms, homeserver, registration, id)?;
    let Some(otherwise) = otherwise else { return Some(claim) };
    let other = claim_by(terms, otherwise, registration, id)?;
    Some(if other == claim { claim } else { Claim::Undefined })
}

fn claim_by(
    terms: &mut Terms<'_>,
    homeserver: &Homeserver,
    registration: &Registration,
    id: MatrixId<'_>,
) -> Option<Claim> {
    let (dialect, kind) = (homeserver.dialect, id.kind());
    if kind == Kind::User && is_own_user(homeserver, registration, id.as_str()) {
        return Some(Claim::Exclusive);
    }
    let local = id.server_part() == Some(homeserver.name.as_str());
    if kind == Kind::User && dialect.scope() == Scope::Local && !local {
        return Some(Claim::None);
    }
    let mut entries: Vec<_> = registration.entries(kind).iter().enumerate().collect();
    entries.sort_by_key(|(position, entry)| dialect.precedence().rank(*position, entry.exclusive));
    let mut scratch = Scratch::new();
    for (_, entry) in entries {
        terms.step(STEPS_OF_A_TRY + entry.regex.len() as u64);
        if terms.is_late() {
            return None;
        }
        let pattern = entry.regex.pattern(dialect, kind);
        if pattern.matcher().run(&mut scratch, id.as_str()) != Outcome::NoMatch {
            return Some(if entry.exclusive { Claim::Exclusive } else { Claim::Shared });
        }
    }
    Some(Claim::None)
}

fn is_own_user(homeserver: &Homeserver, registration: &Registration, id: &str) -> bool {
    let localpart = registration.sender_localpart();
    let own = user_id(localpart, homeserver.name.as_str());
    match homeserver.dialect.sender() {
        Sender::Exact => id == own,
        Sender::AnyServer => {
            id.strip_prefix('@').and_then(|rest| rest.strip_prefix(localpart)).is_some_and(|rest| rest.starts_with(':'))
        }
        Sender::Quoted => id.contains(&own),
    }
}
