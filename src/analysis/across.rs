//! Findings that need more than two entries: an entry and everybody, a service's own user and everybody's entries, tokens
//! and addresses that are shared, and what the homeserver makes of all regexes together.

use super::Code;
use super::finding::{Finding, FindingPlace, Severity, Witness, WitnessIs, shown};
use super::limits::bound;
use super::prepared::{Prepared, Standing};
use super::slots::Has;
use crate::homeserver::{Dialect, Homeserver};
use crate::index::Scratch;
use crate::matrix::{Kind, LocalpartGrammar, MatrixId, PerKind, localpart_grammar, user_id};
use crate::registration::{Place, Registration};
use crate::ruling::Services;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts(PerKind<[usize; 2]>);

impl Counts {
    pub(super) fn of(prepared: &Prepared) -> Self {
        let mut counts = Self::default();
        for entry in prepared.entries.iter().filter(|entry| entry.standing != Standing::LeftOut) {
            counts.add(entry.kind, entry.exclusive);
        }
        counts
    }

    pub(super) fn add(&mut self, kind: Kind, exclusive: bool) {
        self.0[kind][usize::from(exclusive)] += 1;
    }

    fn with(self, other: Self, what: impl Fn(usize, usize) -> usize) -> Self {
        Self(PerKind::new(|kind| std::array::from_fn(|at| what(self.0[kind][at], other.0[kind][at]))))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }
}

/// A registration that claims everybody.
#[derive(Clone, Debug)]
pub(super) struct ClaimsEveryone {
    counts: Counts,
    /// By which entries: their kind, their position and whether they are exclusive.
    entries: Box<[(Kind, u32, bool)]>,
}

impl ClaimsEveryone {
    /// `None` if no entry does.
    pub(super) fn of(prepared: &Prepared) -> Option<Self> {
        let everyone = prepared.entries.iter().filter(|entry| entry.standing == Standing::Everyone);
        let entries: Box<[_]> = everyone.map(|entry| (entry.kind, entry.index, entry.exclusive)).collect();
        (!entries.is_empty()).then(|| Self { counts: Counts::of(prepared), entries })
    }

    /// Whether this entry does.
    pub(super) fn holds(&self, kind: Kind, index: u32) -> bool {
        self.entries.iter().any(|(of, at, _)| (*of, *at) == (kind, index))
    }

    /// What there is to say of it in a set with so many entries.
    pub(super) fn findings(&self, dialect: Dialect, registration: &Registration, all: Counts) -> Vec<Finding> {
        let others = all.minus(self.counts);
        bound(self.entries.iter().map(|entry| entry_claims_everyone(dialect, registration, *entry, others)))
    }
}

fn entry_claims_everyone(
    dialect: Dialect,
    registration: &Registration,
    (kind, index, is_exclusive): (Kind, u32, bool),
    others: Counts,
) -> Finding {
    let [shared, exclusive] = others.0[kind];
    let collisions = if is_exclusive { shared + exclusive } else { exclusive };
    let id = shown(registration.id());
    // Where no single holder stands in a service's way.
    let takes = kind == Kind::User && exclusive > 0 && dialect.holders_in_the_way() != Some(1);
    let message = if is_exclusive {
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
    let severity = match (is_exclusive, takes) {
        (true, _) => Severity::Error,
        (false, true) => Severity::Warning,
        (false, false) => Severity::Note,
    };
    Finding::new(Code::ClaimsEveryone, severity, message).about(registration, kind, index)
}

/// That somebody holds another service's own user. Two that share one are found once, with the lesser id first.
pub(super) fn sender_held(
    homeserver: &Homeserver,
    registration: &Registration,
    (holder, everyone): (&Registration, Option<&ClaimsEveryone>),
    by: By,
) -> Option<Finding> {
    let sender = user_id(registration.sender_localpart(), homeserver.name.as_str());
    let (place, message) = match by {
        By::Sender if holder.id() < registration.id() => return None,
        By::Sender => (
            FindingPlace::at(holder, holder.sender_place()),
            format!("`{}` and `{}` have the same own user `{sender}`", shown(registration.id()), shown(holder.id())),
        ),
        // Who claims everybody is told so once.
        By::Entry(index) if everyone.is_some_and(|everyone| everyone.holds(Kind::User, index)) => return None,
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

/// What registrations with the same token or address share with the first of them, which each should have for itself.
pub(super) fn shared<'r>(what: &Has, registrations: impl IntoIterator<Item = &'r Registration>) -> Vec<Finding> {
    let mut registrations = registrations.into_iter();
    let Some(first) = registrations.next() else { return Vec::new() };
    registrations.map(|other| shared_by(what, first, other)).collect()
}

fn shared_by(what: &Has, first: &Registration, other: &Registration) -> Finding {
    let (a, b) = (shown(first.id()), shown(other.id()));
    match what {
        Has::Token(_) => {
            let message = format!(
                "`{a}` and `{b}` have the same `hs_token`: each can pass itself off as the homeserver towards the other"
            );
            both(Code::SharedToken, message, [first, other], Registration::hs_token_place)
        }
        Has::Url(url) => {
            let message =
                format!("`{a}` and `{b}` have the same `url` (`{url}`): what listens there is sent the events of both");
            both(Code::SharedUrl, message, [first, other], Registration::url_place)
        }
    }
}

fn both(code: Code, message: String, both: [&Registration; 2], place: impl Fn(&Registration) -> Place) -> Finding {
    let finding = Finding::new(code, Severity::Warning, message);
    both.into_iter().fold(finding, |finding, of| finding.at(FindingPlace::at(of, place(of))))
}
