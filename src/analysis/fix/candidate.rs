//! Which edits may end a finding.

use super::beginning::{beginning, longer_by};
use super::edit::{escaped, repaired, server_name_in, with_end, with_escaped_dots, with_server_spelled, without};
use super::{Fix, Mender};
use crate::analysis::claimed;
use crate::analysis::finding::shown;
use crate::analysis::glob::glob_star;
use crate::analysis::{Code, Finding, FindingPlace, WitnessIs};
use crate::matrix::{Kind, user_id};
use crate::registration::{Entry, Registration, ValidRegex, slips_between};

/// An edit that may end a finding.
pub(super) struct Candidate<'s> {
    /// Which registration of the set is edited.
    pub(super) service: usize,
    pub(super) registration: &'s Registration,
    pub(super) kind: Kind,
    pub(super) index: u32,
    pub(super) with: String,
    pub(super) keeps: Keeps,
    why: String,
}

/// What the edited entry has to claim still, among the IDs of this server, and what it may claim besides.
pub(super) enum Keeps {
    /// All, and nothing besides.
    All,
    /// All that begins with a text, and others of these besides.
    Beginning(String),
    /// All that does not begin with a text, and nothing besides. The users of another entry, if that is given, are those
    /// that begin so: the edited entry has claimed them all.
    Others(String, Option<ValidRegex>),
    /// All that another entry does not match that decides before it, and nothing besides.
    Undecided(ValidRegex),
    /// Nothing: it has claimed nothing.
    Nothing,
}

impl<'s> Candidate<'s> {
    pub(super) fn entry(&self) -> Entry<'s> {
        self.registration.entries(self.kind).at(self.index as usize)
    }

    pub(super) fn fix(self) -> Fix {
        let entry = self.entry();
        Fix {
            as_id: self.registration.id().into(),
            file: self.registration.file().into(),
            line: entry.place.line,
            column: entry.place.column,
            kind: self.kind,
            index: self.index,
            replace: entry.regex.as_str().into(),
            with: self.with.into(),
            why: self.why.into(),
            edit: None,
        }
    }
}

/// One of the entries of a finding.
#[derive(Clone, Copy)]
struct Concerned<'s> {
    service: usize,
    registration: &'s Registration,
    kind: Kind,
    index: u32,
}

impl<'s> Concerned<'s> {
    fn of(mender: &Mender<'s>, kind: Kind, place: &FindingPlace) -> Option<Self> {
        let service = mender.place_of(&place.as_id)?;
        let registration: &Registration = &mender.set[service];
        let index = place.index?;
        registration.entries(kind).get(index as usize)?;
        Some(Self { service, registration, kind, index })
    }

    fn entry(self) -> Entry<'s> {
        self.registration.entries(self.kind).at(self.index as usize)
    }

    fn source(self) -> &'s str {
        self.entry().regex.as_str()
    }

    fn with(self, with: String, keeps: Keeps, why: impl Into<String>) -> Candidate<'s> {
        let Self { service, registration, kind, index } = self;
        Candidate { service, registration, kind, index, with, keeps, why: why.into() }
    }

    /// `.*` for `*`.
    fn glob(self, mender: &Mender<'_>) -> Option<Candidate<'s>> {
        let pattern = claimed::pattern(mender.services.homeserver(), self.kind, self.entry().regex);
        let (star, with) = glob_star(&pattern)?;
        let text = beginning(&with).text;
        let why = format!("`{star}*` repeats `{star}` alone; what begins with `{text}` is claimed");
        Some(self.with(with, Keeps::Beginning(text), why))
    }

    /// `\.` in the server's name, and then `$` behind it.
    fn dots(self, server_name: &str) -> impl Iterator<Item = Candidate<'s>> {
        let escaped = with_escaped_dots(self.source(), server_name);
        let ended = escaped.as_deref().and_then(|source| with_end(source, server_name));
        let why = "the server's name matches itself alone; no ID of this server is lost or gained";
        [escaped, ended].into_iter().flatten().map(move |with| self.with(with, Keeps::All, why))
    }

    /// The server's name at the end. Whoever only looks on may mean the users of other servers, too; and what is not meant
    /// as it is written is mended first, lest an end hide it.
    fn end(self, mender: &Mender<'_>) -> Option<Candidate<'s>> {
        let is_meant = beginning(self.source()).text.len() > 1 && self.glob(mender).is_none();
        let server_name = mender.services.homeserver().name.as_str();
        let with = with_end(self.source(), server_name).filter(|_| self.entry().exclusive && is_meant)?;
        Some(self.with(
            with,
            Keeps::All,
            "the entry ends with this server's name; no ID of this server is lost or gained",
        ))
    }

    /// Without what looks like the users of another, whose beginning is longer.
    fn without(
        self,
        narrower: &str,
        other: Option<ValidRegex>,
        why: impl FnOnce(&str) -> String,
    ) -> Option<Candidate<'s>> {
        let wider = beginning(self.source());
        let more = longer_by(&wider.text, narrower)?;
        let theirs = format!("{}{more}", wider.text);
        let why = why(&theirs);
        let with = without(self.source(), wider.end, &more);
        (wider.text.len() > 1).then(|| self.with(with, Keeps::Others(theirs, other), why))
    }

    /// The same, unless the registration means such IDs itself, or another beginning: of a glob, the star is not meant.
    fn leaving(
        self,
        mender: &Mender<'_>,
        narrower: &str,
        other: Option<ValidRegex>,
        why: impl FnOnce(&str) -> String,
    ) -> Option<Candidate<'s>> {
        let is_meant =
            |candidate: &Candidate<'s>| matches!(&candidate.keeps, Keeps::Others(text, _) if self.means(text));
        let candidate = self.without(narrower, other, why).filter(|candidate| !is_meant(candidate))?;
        self.glob(mender).is_none().then_some(candidate)
    }

    /// Whether the registration means IDs itself that begin so: another entry does, or its own user.
    fn means(self, text: &str) -> bool {
        let entries = self.registration.entries(self.kind).iter().enumerate();
        let mut others = entries.filter(|(at, _)| *at != self.index as usize);
        let own = self.kind == Kind::User && user_id(self.registration.sender_localpart(), "").starts_with(text);
        own || others.any(|(_, entry)| beginning(&entry.regex).text.starts_with(text))
    }

    fn dead(self, server_name: &str) -> Vec<Candidate<'s>> {
        let repaired = repaired(self.source(), self.kind.sigil(), server_name);
        let mut candidates: Vec<_> =
            repaired.into_iter().map(|(with, why)| self.with(with, Keeps::Nothing, why)).collect();
        let spelled = with_server_spelled(self.source(), server_name, slips_between);
        let others = Kind::ALL.into_iter().flat_map(|kind| self.registration.entries(kind));
        if let Some(with) =
            spelled.filter(|_| others.clone().any(|entry| server_name_in(&entry.regex, server_name).is_some()))
        {
            let why = format!("another entry of this file spells the server `{}`", escaped(server_name));
            candidates.push(self.with(with, Keeps::Nothing, why));
        }
        candidates
    }
}

/// The edits that may end a finding, those that change less first.
pub(super) fn candidates<'s>(mender: &Mender<'s>, finding: &Finding) -> Vec<Candidate<'s>> {
    // Nobody names rooms, so that a regex says nothing of whose they are.
    let Some(kind) = finding.kind.filter(|&kind| kind != Kind::Room) else { return Vec::new() };
    let server_name = mender.services.homeserver().name.as_str();
    let entries: Vec<Concerned<'s>> =
        finding.places.iter().filter_map(|place| Concerned::of(mender, kind, place)).collect();
    match (finding.code, &*entries) {
        (Code::LooksLikeGlob, [entry]) => entry.glob(mender).into_iter().collect(),
        (Code::UnescapedDot, [entry]) => entry.dots(server_name).collect(),
        (Code::OpenEnd, [entry]) => entry.end(mender).into_iter().collect(),
        (Code::DeadEntry, [entry]) => entry.dead(server_name),
        (Code::ShadowedEntry, &[earlier, later]) if later.glob(mender).is_none() => {
            shadowed(earlier, later).into_iter().collect()
        }
        (Code::ExclusiveConflict | Code::BlockedByExclusive | Code::SenderConflict, entries) => {
            let mut candidates = unmeant(mender, finding, entries);
            candidates.extend(nested(mender, finding, entries));
            candidates
        }
        _ => Vec::new(),
    }
}

/// The later one without what the earlier one decides.
fn shadowed<'s>(earlier: Concerned<'s>, later: Concerned<'s>) -> Option<Candidate<'s>> {
    let why = |text: &str| format!("the earlier entry decides for what begins with `{text}`; no answer changes");
    let candidate = later.without(&beginning(earlier.source()).text, None, why)?;
    Some(Candidate { keeps: Keeps::Undecided(earlier.entry().regex.to_owned()), ..candidate })
}

/// Without what one of the two did not mean.
fn unmeant<'s>(mender: &Mender<'s>, finding: &Finding, entries: &[Concerned<'s>]) -> Vec<Candidate<'s>> {
    let server_name = mender.services.homeserver().name.as_str();
    let is_remote = finding.witness_is == Some(WitnessIs::Remote);
    let mut candidates: Vec<Candidate<'s>> = entries.iter().filter_map(|entry| entry.glob(mender)).collect();
    if is_remote {
        candidates.extend(entries.iter().flat_map(|entry| entry.dots(server_name)));
        candidates.extend(entries.iter().filter_map(|entry| entry.end(mender)));
    }
    candidates
}

/// The wider one without what looks like users of the other.
fn nested<'s>(mender: &Mender<'s>, finding: &Finding, entries: &[Concerned<'s>]) -> Vec<Candidate<'s>> {
    match (finding.code, entries, &*finding.places) {
        (Code::ExclusiveConflict, &[a, b], _) => {
            let without = |wider: Concerned<'s>, narrower: Concerned<'s>| {
                let id = shown(narrower.registration.id());
                let why = |text: &str| format!("what begins with `{text}` looks like users of `{id}`; all others stay");
                wider.leaving(mender, &beginning(narrower.source()).text, Some(narrower.entry().regex.to_owned()), why)
            };
            let is_glob = [a, b].iter().any(|entry| entry.glob(mender).is_some());
            [without(a, b), without(b, a)].into_iter().flatten().filter(|_| !is_glob).collect()
        }
        (Code::SenderConflict, &[holder], [owner, _]) => {
            let Some(at) = mender.place_of(&owner.as_id) else { return Vec::new() };
            let owner = &mender.set[at];
            let own = user_id(owner.sender_localpart(), mender.services.homeserver().name.as_str());
            let why = |_: &str| format!("`{own}` is the own user of `{}`; all others stay", shown(owner.id()));
            holder.leaving(mender, &own, None, why).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
