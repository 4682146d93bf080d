//! What a service claims, on each homeserver.

use std::collections::{BTreeSet, HashSet};

use super::Reading;
use super::asked::{self, Claim};
use super::shape::{About, Shape, Shapes, Sort, severity};
use crate::analysis::Code;
use crate::analysis::difference::{Holding, Part};
use crate::analysis::examiner::{Examiner, Pass};
use crate::analysis::finding::{Finding, FindingPlace, Says, Severity, Witness, shown};
use crate::analysis::id_space;
use crate::analysis::limits::{MAX_STEPS_WITHIN, Unseen};
use crate::analysis::name::Ids;
use crate::analysis::search::{LimitReached, shortest};
use crate::analysis::term::{NEVER, Term};
use crate::homeserver::Homeserver;
use crate::matrix::{Kind, MatrixId};
use crate::registration::Registration;

/// A registration of more entries than this is not compared: each entry is held against what all others leave, on each
/// homeserver. As many as are compared with each other within a registration (`limits`); real ones have at most 11.
const MAX_ENTRIES: usize = 140;

/// What one homeserver reads in the file.
pub(super) struct Column<'r> {
    /// Its place among the readings.
    pub(super) at: usize,
    pub(super) homeserver: &'r Homeserver,
    /// By the other reading of what its dialect leaves open.
    pub(super) otherwise: Option<Homeserver>,
    pub(super) registration: &'r Registration,
}

impl Column<'_> {
    /// What the service is to an ID there; `None` if nobody waits any longer.
    pub(super) fn claim(&self, pass: &mut Pass<'_>, id: MatrixId<'_>) -> Option<Claim> {
        asked::claim(&mut pass.terms, (self.homeserver, self.otherwise.as_ref()), self.registration, id)
    }

    /// Whether each regex is one by both readings.
    fn is_read(&self) -> bool {
        let Some(otherwise) = &self.otherwise else { return true };
        let syntax = otherwise.dialect.syntax();
        let each = |kind| self.registration.entries(kind).iter().map(move |entry| (kind, entry.regex));
        Kind::ALL.into_iter().flat_map(each).all(|(kind, regex)| syntax.check(kind, &regex).is_ok())
    }

    fn place(&self, kind: Kind, entry: Option<u32>) -> FindingPlace {
        match entry {
            Some(index) => FindingPlace::entry(self.registration, kind, index),
            None => FindingPlace::at(self.registration, self.registration.sender_place()),
        }
    }
}

/// Tells where what a file claims depends on who reads it.
pub(super) fn compare(
    examiner: &mut Examiner<'_>,
    readings: &[Reading<'_>],
    loaded: &[Option<&Registration>],
    shapes: &mut Shapes,
) {
    let column = |(at, (reading, registration)): (usize, (&_, &Option<_>))| {
        let reading: &Reading<'_> = reading;
        let registration = (*registration)?;
        Some(Column { at, homeserver: reading.homeserver, otherwise: reading.otherwise(), registration })
    };
    let columns: Vec<Column<'_>> = readings.iter().zip(loaded).enumerate().filter_map(column).collect();
    let (columns, unread): (Vec<_>, Vec<_>) = columns.into_iter().partition(Column::is_read);
    for column in &unread {
        shapes.tell(unreadable(column, shapes));
    }
    let Some(first) = columns.first() else { return };
    if columns.iter().any(|column| Kind::ALL.iter().any(|&kind| column.registration.entries(kind).len() > MAX_ENTRIES))
    {
        let all = Kind::ALL.iter().map(|&kind| first.registration.entries(kind).len() as u64).sum();
        let unseen = Unseen { entries: all, ..Unseen::default() };
        unseen.finding(first.registration).into_iter().for_each(|finding| shapes.tell(finding));
        return;
    }
    let until = examiner.steps() + MAX_STEPS_WITHIN;
    for kind in Kind::ALL {
        let mut comparison = Comparison { pass: examiner.pass(), columns: &columns, kind, until };
        match comparison.disagreements() {
            Ok(found) => tell(&columns, kind, readings.len(), found, shapes),
            Err(why) => shapes.tell(undecided(first.registration, kind, &why)),
        }
    }
}

fn unreadable(column: &Column<'_>, shapes: &Shapes) -> Finding {
    let message = format!(
        "the specification leaves open what `{}` claims: a regex is one by one of its readings and none by the other",
        shown(column.registration.id())
    );
    let says = (0..=column.at).map(|at| (at == column.at).then(|| (Says::Undefined, Says::Undefined.to_string())));
    let answers = shapes.answers(says);
    let finding = Finding::new(Code::Undefined, Severity::Note, message).at(FindingPlace::file(column.registration));
    Finding { answers, ..finding }
}

fn undecided(registration: &Registration, kind: Kind, why: &Unknown) -> Finding {
    let why = match why {
        Unknown::Language => "on one of them a regex is not of a kind that can be compared",
        Unknown::Limits => "that could not be decided within the limits",
    };
    let (list, id) = (kind.list(), shown(registration.id()));
    let message = format!("whether homeservers agree on the {list} that `{id}` claims is not known: {why}");
    Finding::new(Code::NotCompared, Severity::Note, message).on(kind).at(FindingPlace::file(registration))
}

/// Why something was not found out.
enum Unknown {
    /// The language of a regex is not known on some homeserver.
    Language,
    /// The limits were reached.
    Limits,
}

impl From<LimitReached> for Unknown {
    fn from(LimitReached: LimitReached) -> Self {
        Self::Limits
    }
}

/// An ID on which homeservers disagree, or of which the specification says nothing.
struct Disagreement {
    code: Code,
    sort: Sort,
    id: String,
    /// What is read otherwise, each by the column that has it.
    entries: Vec<(usize, Option<u32>)>,
    /// What each column says; only what differs by itself is told for what is undefined.
    says: Vec<Option<Says>>,
}

/// What a service claims on one homeserver, taken apart.
struct Held<'a> {
    exclusive: Term<'a>,
    shared: Term<'a>,
    none: Term<'a>,
    /// By the entries that decide.
    parts: Vec<Part<'a>>,
}

struct Comparison<'c, 'a> {
    pass: Pass<'a>,
    columns: &'c [Column<'c>],
    kind: Kind,
    /// So many steps may have been done when it is over.
    until: u64,
}

impl<'a> Comparison<'_, 'a> {
    fn disagreements(&mut self) -> Result<Vec<Disagreement>, Unknown> {
        let mut held = Vec::new();
        let mut found = Vec::new();
        for at in 0..self.columns.len() {
            let (one, undefined) = self.held(at)?;
            held.push(one);
            found.extend(undefined);
        }
        let entries: BTreeSet<Option<u32>> =
            held.iter().flat_map(|held| held.parts.iter().map(|part| part.entry)).collect();
        // Those that claim the same by the same terms need not be told apart.
        let mut apart: Vec<usize> = Vec::new();
        for at in 0..held.len() {
            let same =
                |&other: &usize| held[other].exclusive == held[at].exclusive && held[other].none == held[at].none;
            if !apart.iter().any(same) {
                apart.push(at);
            }
        }
        for entry in entries {
            for disagreement in self.of_entry(&held, &apart, entry)? {
                let known = found
                    .iter_mut()
                    .find(|known: &&mut Disagreement| known.code == disagreement.code && known.id == disagreement.id);
                match known {
                    Some(known) => known.entries.extend(disagreement.entries),
                    None => found.push(disagreement),
                }
            }
        }
        Ok(found)
    }

    /// What one homeserver has the service claim, and where it cannot be said.
    fn held(&mut self, at: usize) -> Result<(Held<'a>, Vec<Disagreement>), Unknown> {
        let Column { homeserver, otherwise, registration, .. } = &self.columns[at];
        let holding = self.holding(homeserver, registration)?;
        let one = self.taken_apart(holding);
        let Some(otherwise) = otherwise else { return Ok((one, Vec::new())) };
        let holding = self.holding(otherwise, registration)?;
        let other = self.taken_apart(holding);
        let undefined = self.undefined(at, &one, &other)?;
        let both = [(one.exclusive, other.exclusive), (one.shared, other.shared), (one.none, other.none)];
        let [exclusive, shared, none] = both.map(|(a, b)| self.pass.terms.and([a, b]));
        let parts = one.parts.into_iter().chain(other.parts).collect();
        Ok((Held { exclusive, shared, none, parts }, undefined))
    }

    fn holding(&mut self, homeserver: &Homeserver, registration: &Registration) -> Result<Holding<'a>, Unknown> {
        let holding = self.pass.holding(self.kind, Some((homeserver, registration)));
        holding.ok_or_else(|| if self.pass.terms.is_late() { Unknown::Limits } else { Unknown::Language })
    }

    fn taken_apart(&mut self, holding: Holding<'a>) -> Held<'a> {
        let Holding { exclusive, any, parts } = holding;
        let terms = &mut self.pass.terms;
        Held { exclusive, shared: terms.without(any, exclusive), none: terms.not(any), parts }
    }

    /// For each entry an ID of which the two readings do not say the same.
    fn undefined(&mut self, at: usize, one: &Held<'a>, other: &Held<'a>) -> Result<Vec<Disagreement>, Unknown> {
        let mut found: Vec<Disagreement> = Vec::new();
        let entries: BTreeSet<Option<u32>> = one.parts.iter().chain(&other.parts).map(|part| part.entry).collect();
        for entry in entries {
            for sort in Sort::ALL {
                let Some(id) = self.differ(one, other, entry, sort)? else { continue };
                if !found.iter().any(|known| known.id == id) {
                    let says =
                        (0..self.columns.len()).map(|column| (column == at).then_some(Says::Undefined)).collect();
                    found.push(Disagreement { code: Code::Undefined, sort, id, entries: vec![(at, entry)], says });
                }
                break;
            }
        }
        Ok(found)
    }

    /// The disagreements about what one entry decides, each of which tells some homeservers apart that no other does.
    fn of_entry(
        &mut self,
        held: &[Held<'a>],
        apart: &[usize],
        entry: Option<u32>,
    ) -> Result<Vec<Disagreement>, Unknown> {
        let mut found = Vec::new();
        let mut classes = vec![apart.to_vec()];
        for sort in Sort::ALL {
            let mut agree: HashSet<(usize, usize)> = HashSet::new();
            while let Some((one, other, id)) = self.next(held, &classes, &mut agree, entry, sort)? {
                let claims = self.claims(&id)?;
                if claims[one] == claims[other] {
                    // The engines do not say what the languages do: then nothing is said.
                    debug_assert!(false, "{id}: {claims:?} of {one} and {other}");
                    return Err(Unknown::Language);
                }
                classes = classes.into_iter().flat_map(|class| split(class, &claims)).collect();
                let deciding = |&at: &usize| held[at].parts.iter().any(|part| part.entry == entry);
                let by = [one, other].into_iter().find(deciding).unwrap_or(one);
                let says = claims.iter().map(|&claim| Some(claim.into())).collect();
                found.push(Disagreement { code: Code::Portability, sort, id, entries: vec![(by, entry)], says });
            }
        }
        Ok(found)
    }

    /// Two of a class that disagree, and on what.
    fn next(
        &mut self,
        held: &[Held<'a>],
        classes: &[Vec<usize>],
        agree: &mut HashSet<(usize, usize)>,
        entry: Option<u32>,
        sort: Sort,
    ) -> Result<Option<(usize, usize, String)>, Unknown> {
        for class in classes {
            let [one, others @ ..] = class.as_slice() else { continue };
            for other in others {
                if agree.contains(&(*one, *other)) {
                    continue;
                }
                match self.differ(&held[*one], &held[*other], entry, sort)? {
                    Some(id) => return Ok(Some((*one, *other, id))),
                    None => agree.insert((*one, *other)),
                };
            }
        }
        Ok(None)
    }

    /// A shortest ID of a sort that an entry decides here or there, and that is not the same there and here.
    fn differ(
        &mut self,
        one: &Held<'a>,
        other: &Held<'a>,
        entry: Option<u32>,
        sort: Sort,
    ) -> Result<Option<String>, Unknown> {
        let ids = self.ids(sort);
        let mut differing = Vec::new();
        for (here, there) in [(one, other), (other, one)] {
            for part in here.parts.iter().filter(|part| part.entry == entry) {
                let (own, unlike) =
                    if part.exclusive { (here.exclusive, there.shared) } else { (here.shared, there.exclusive) };
                let unlike = self.pass.terms.or([unlike, there.none]);
                differing.push(self.pass.terms.and([part.ids, own, unlike, ids]));
            }
        }
        let differing = self.pass.terms.or(differing);
        if differing == NEVER {
            return Ok(None);
        }
        if self.pass.terms.steps() > self.until || self.pass.terms.is_late() {
            return Err(Unknown::Limits);
        }
        Ok(shortest(&mut self.pass.terms, differing)?)
    }

    fn ids(&mut self, sort: Sort) -> Term<'a> {
        let once = self.pass.ids(self.kind, Ids::All);
        let ids = match sort {
            Sort::Plain if self.kind == Kind::Alias => {
                id_space::plain_aliases(&mut self.pass.terms, self.pass.homeserver)
            }
            Sort::Plain | Sort::Today => self.pass.ids(self.kind, Ids::Valid),
            Sort::Historical => self.pass.ids(self.kind, Ids::Historical),
            Sort::Remote => self.pass.ids(self.kind, Ids::Remote),
        };
        self.pass.terms.and([ids, once])
    }

    fn claims(&mut self, id: &str) -> Result<Vec<Claim>, Unknown> {
        // A witness is an ID by its making.
        let Ok(id) = MatrixId::parse(id) else { return Ok(vec![Claim::Undefined; self.columns.len()]) };
        let claim = |column: &Column<'_>| column.claim(&mut self.pass, id).ok_or(Unknown::Limits);
        self.columns.iter().map(claim).collect()
    }
}

/// A class by what each of it says; who says nothing stays with the first.
fn split(class: Vec<usize>, claims: &[Claim]) -> Vec<Vec<usize>> {
    let mut classes: Vec<(Claim, Vec<usize>)> = Vec::new();
    let (silent, saying): (Vec<usize>, Vec<usize>) = class.into_iter().partition(|&at| claims[at] == Claim::Undefined);
    for at in saying {
        match classes.iter_mut().find(|(claim, _)| *claim == claims[at]) {
            Some((_, members)) => members.push(at),
            None => classes.push((claims[at], vec![at])),
        }
    }
    match classes.first_mut() {
        Some((_, members)) => members.extend(silent),
        None => classes.push((Claim::Undefined, silent)),
    }
    classes.into_iter().map(|(_, members)| members).collect()
}

fn tell(columns: &[Column<'_>], kind: Kind, readings: usize, found: Vec<Disagreement>, shapes: &mut Shapes) {
    for Disagreement { code, sort, id, entries, says: of_columns } in found {
        let mut says = vec![None; readings];
        for (column, said) in columns.iter().zip(of_columns) {
            says[column.at] = said;
        }
        let (first, _) = entries[0];
        let as_id = &columns[first].registration.id();
        let places: Vec<FindingPlace> = entries.iter().map(|&(at, entry)| columns[at].place(kind, entry)).collect();
        let witness = Witness { id: id.into(), is: sort.witness_is() };
        let message = message(code, kind, sort, &shown(as_id), &witness.id);
        if code == Code::Portability && sort == Sort::Plain {
            let finding = Finding::new(code, severity(kind, witness.is), message).on(kind).proved_by(Some(witness));
            let answers = shapes.plain_answers(&says);
            shapes.tell(Finding { answers, places: places.into(), ..finding });
        } else {
            shapes.tell_once(Shape { code, kind, about: About::Claim(sort), says }, witness, || message, places);
        }
    }
}

fn message(code: Code, kind: Kind, sort: Sort, as_id: &str, id: &str) -> String {
    let list = kind.list();
    let which = match sort {
        Sort::Plain => list.to_owned(),
        Sort::Today => format!("{list} with capitals"),
        Sort::Historical => format!("{list} that no person could make today"),
        Sort::Remote => format!("{list} of other servers"),
    };
    if code == Code::Undefined {
        format!("the specification leaves open which {which} `{as_id}` claims, such as `{id}`")
    } else {
        format!("homeservers disagree on which {which} `{as_id}` claims, such as `{id}`")
    }
}
