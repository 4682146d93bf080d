//! Findings that need more than two entries: an entry and everybody, a service's own user and everybody's entries, tokens
//! and addresses that are shared, and what the homeserver makes of all regexes together.

use std::collections::HashMap;
use std::sync::Arc;

use super::finding::{Finding, FindingPlace, Severity, Witness, WitnessIs, shown};
use super::join::unjoinable;
use super::limits::bound;
use super::prepared::{Prepared, PreparedEntry, Standing};
use super::{Code, Deadline, Set, file};
use crate::homeserver::{Dialect, Homeserver};
use crate::index::Scratch;
use crate::matrix::{Kind, LocalpartGrammar, MatrixId, PerKind, localpart_grammar, user_id};
use crate::registration::{Place, Registration, TokenDigest};
use crate::ruling::Services;

/// What only shows when all registrations are looked at together.
pub(super) fn findings(set: &Set<'_>, prepared: &[Arc<Prepared>], deadline: &Deadline) -> Vec<Finding> {
    let services = set.services();
    let homeserver = services.homeserver();
    let mut findings = Vec::new();
    let mut scratch = Scratch::new();
    let all = prepared.iter().map(|one| Counts::of(one)).fold(Counts::default(), Counts::plus);
    for one in prepared {
        findings.extend(claims_everyone(homeserver.dialect, one, all));
        for Holder { service, by } in holders_of_sender(services, &one.registration, &mut scratch) {
            findings.extend(sender_held(homeserver, &one.registration, &prepared[service], by));
        }
    }
    findings.extend(shared(services.registrations()));
    findings.extend(set.exposed().iter().map(|registration| file::readable_by_all(registration)));
    // What is in force is joined, however large it is.
    findings.extend(unjoinable(homeserver, services.registrations(), deadline, usize::MAX).unwrap_or_default());
    findings
}

/// Who holds an ID exclusively, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// Its position in load order.
    pub(super) service: usize,
    pub(super) by: By,
}

/// By what a service holds a user ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// It is its own user.
    Sender,
    /// This entry of its `users` decides.
    Entry(u32),
}

/// Who else holds a service's own user exclusively, as the index says.
pub(super) fn holders_of_sender(
    services: &Services,
    registration: &Registration,
    scratch: &mut Scratch,
) -> Vec<Holder> {
    let sender = user_id(registration.sender_localpart(), services.homeserver().name.as_str());
    let Ok(id) = MatrixId::parse(&sender) else { return Vec::new() };
    let claims = services.claims(id, scratch);
    let exclusive = claims.iter().filter(|claim| claim.exclusive && claim.as_id != registration.id());
    let holder = |claim: &crate::ruling::Claim<'_>| {
        let service = services.position_of_id(claim.as_id)?.index();
        Some(Holder { service, by: claim.index.map_or(By::Sender, By::Entry) })
    };
    exclusive.filter_map(holder).collect()
}

/// How many entries claim something, by kind: shared ones, and exclusive ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts(PerKind<[usize; 2]>);

impl Counts {
    pub(super) fn of(prepared: &Prepared) -> Self {
        let mut counts = Self::default();
        for entry in prepared.entries.iter().filter(|entry| entry.standing != Standing::LeftOut) {
            counts.0[entry.kind][usize::from(entry.exclusive)] += 1;
        }
        counts
    }

    fn with(self, other: Self, what: impl Fn(usize, usize) -> usize) -> Self {
        Self(PerKind::new(|kind| std::array::from_fn(|at| what(self.0[kind][at], other.0[kind][at]))))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    fn minus(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }
}

/// The entries of a registration that claim everybody, in a set with so many entries.
pub(super) fn claims_everyone(dialect: Dialect, one: &Prepared, all: Counts) -> Vec<Finding> {
    if one.entries.iter().all(|entry| entry.standing != Standing::Everyone) {
        return Vec::new();
    }
    let others = all.minus(Counts::of(one));
    let everyone = one.entries.iter().filter(|entry| entry.standing == Standing::Everyone);
    bound(everyone.map(|entry| entry_claims_everyone(dialect, &one.registration, entry, others)))
}

fn entry_claims_everyone(
    dialect: Dialect,
    registration: &Registration,
    entry: &PreparedEntry,
    others: Counts,
) -> Finding {
    let [shared, exclusive] = others.0[entry.kind];
    let collisions = if entry.exclusive { shared + exclusive } else { exclusive };
    let (kind, id) = (entry.kind, shown(registration.id()));
    // Where no single holder stands in a service's way.
    let takes = kind == Kind::User && exclusive > 0 && dialect.holders_in_the_way() != Some(1);
    let message = if entry.exclusive {
        let who_can_not = match (kind, dialect.holders_in_the_way()) {
            (Kind::User, Some(1)) => "nobody else can register one",
            (Kind::User, _) => "no person can register one",
            _ => "no person can create one",
        };
        format!(
            "`{id}` claims every {kind} of this server exclusively, so that {who_can_not}; collisions with other entries of \
             its kind that are not listed one by one: {collisions}"
        )
    } else if takes {
        format!(
            "`{id}` sees every {kind} of this server, which double puppeting needs, and may register each on {}, those too that \
             {} holds exclusively; exclusive entries of others among them, not listed one by one: {collisions}",
            dialect.homeserver(),
            if dialect.holders_in_the_way().is_some() { "one other service" } else { "another service" },
        )
    } else {
        format!(
            "`{id}` sees every {kind} of this server, which double puppeting needs; exclusive entries of others among \
             them, not listed one by one: {collisions}"
        )
    };
    let severity = match (entry.exclusive, takes) {
        (true, _) => Severity::Error,
        (false, true) => Severity::Warning,
        (false, false) => Severity::Note,
    };
    Finding::new(Code::ClaimsEveryone, severity, message).about(registration, kind, entry.index)
}

/// That somebody holds another service's own user. Two that share one are found once, with the lesser id first.
pub(super) fn sender_held(
    homeserver: &Homeserver,
    registration: &Registration,
    other: &Prepared,
    by: By,
) -> Option<Finding> {
    let sender = user_id(registration.sender_localpart(), homeserver.name.as_str());
    let holder = &other.registration;
    let (place, message) = match by {
        By::Sender if holder.id() < registration.id() => return None,
        By::Sender => (
            FindingPlace::at(holder, holder.sender_place()),
            format!("`{}` and `{}` have the same own user `{sender}`", shown(registration.id()), shown(holder.id())),
        ),
        // Who claims everybody is told so once.
        By::Entry(index)
            if other.entry_of(Kind::User, index).is_some_and(|entry| entry.standing == Standing::Everyone) =>
        {
            return None;
        }
        By::Entry(index) => (
            FindingPlace::entry(holder, Kind::User, index),
            format!(
                "`{sender}`, the own user of `{}`, is claimed exclusively by `{}`",
                shown(registration.id()),
                shown(holder.id())
            ),
        ),
    };
    let is = match localpart_grammar(registration.sender_localpart()) {
        LocalpartGrammar::Valid => WitnessIs::Valid,
        LocalpartGrammar::Historical | LocalpartGrammar::None => WitnessIs::Historical,
    };
    let finding = Finding::new(Code::SenderConflict, Severity::Error, message).on(Kind::User);
    let finding = finding.at(FindingPlace::at(registration, registration.sender_place())).at(place);
    Some(finding.proved_by(Some(Witness { id: sender.into(), is })))
}

/// What registrations share with the first that has it, and each should have for itself.
pub(super) fn shared(registrations: &[Arc<Registration>]) -> Vec<Finding> {
    let mut tokens: HashMap<TokenDigest, &Registration> = HashMap::new();
    let mut urls: HashMap<&str, &Registration> = HashMap::new();
    let mut findings = Vec::new();
    for registration in registrations {
        let first = *tokens.entry(registration.hs_token()).or_insert(registration);
        if first.id() != registration.id() {
            let message = format!(
                "`{}` and `{}` have the same `hs_token`: each can pass itself off as the homeserver towards the other",
                shown(first.id()),
                shown(registration.id())
            );
            findings.push(both(Code::SharedToken, message, [first, registration], Registration::hs_token_place));
        }
        let Some(url) = registration.url().map(|url| url.trim_end_matches('/')).filter(|url| !url.is_empty()) else {
            continue;
        };
        let first = *urls.entry(url).or_insert(registration);
        if first.id() != registration.id() {
            let message = format!(
                "`{}` and `{}` have the same `url` (`{url}`): what listens there is sent the events of both",
                shown(first.id()),
                shown(registration.id())
            );
            findings.push(both(Code::SharedUrl, message, [first, registration], Registration::url_place));
        }
    }
    findings
}

fn both(code: Code, message: String, both: [&Registration; 2], place: impl Fn(&Registration) -> Place) -> Finding {
    let finding = Finding::new(code, Severity::Warning, message);
    both.into_iter().fold(finding, |finding, of| finding.at(FindingPlace::at(of, place(of))))
}
