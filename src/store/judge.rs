//! Whether a registration may come into a set: as whoever loads the set would decide, and only if nothing collides then that did
//! not collide before.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use super::StoreError;
use super::gate::Change;
use super::mirror::{Revision, id_of, name_of};
use crate::analysis::{Analysis, Asked, Code, Comparer, Deadline, Finding, FindingPlace, Severity, Wanted, may_break};
use crate::homeserver::{Dialect, Homeserver};
use crate::list::List;
use crate::matrix::Kind;
use crate::registration::{self, Fault, FaultCode, FileFacts, Registration, TokenHasher};
use crate::snapshot::{
    Candidate, ContentHash, Counts, FileRecord, FileState, Good, Obstacle, Snapshot, Unique, obstacles,
};

/// The most bytes of an `id`: an index of the database takes some 2,700, and a file that is named by it (`store export`) 250.
const MAX_ID: usize = 250;

/// What is needed to judge.
#[derive(Clone, Copy)]
pub struct Bench<'b> {
    /// What is in force.
    pub snapshot: &'b Snapshot,
    /// What was found out about it, or about a set before it.
    pub previous: &'b Analysis,
    /// What recognises the tokens of what is in force.
    pub hasher: &'b TokenHasher,
    /// What is not compared by then counts as a collision.
    pub deadline: &'b Deadline,
}

/// What speaks against a registration.
#[derive(Clone, Debug)]
pub enum Objection {
    /// It cannot be loaded, or is another's.
    Unloadable(Vec<Fault>),
    /// What is in force is in its way.
    InTheWay(Vec<Fault>),
    /// It collides.
    Collides(Vec<Arc<Finding>>),
}

impl Objection {
    /// Whether nothing is known to collide, and only not known not to.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Collides(findings) if findings.iter().all(|finding| finding.code == Code::NotCompared))
    }
}

/// Whether what is in force is all that the store holds where its head is, but for the registrations that are `changed`: what is not
/// in force here would not be seen to collide.
///
/// Where several rows are not in force, one of them can be changed all the same, since none could be mended otherwise: those that load are
/// [compared with](judge), and what does not load is in force nowhere, and is judged when it is mended itself.
pub fn can_judge(
    snapshot: &Snapshot,
    store: &str,
    head: &Revision,
    changed: impl Fn(&str) -> bool,
) -> Result<(), StoreError> {
    let behind = |why: String| Err(StoreError::Behind(why));
    if let Some(missing) = snapshot.missing().iter().find(|missing| missing.source == store) {
        // Whoever asks holds the first, so that he need not be told that the database is there.
        let how = "it is read by a second connection, and a pool of one, as PgBouncer's may be, has none for it";
        return behind(format!("{} ({how})", missing.problem.what));
    }
    let Some(as_of) = snapshot.as_of().filter(|as_of| i64::try_from(as_of.revision) == Ok(head.number())) else {
        return behind(format!("the store is at revision {}", head.number()));
    };
    if as_of.note != head.note() {
        // As of two databases behind one address, of which one was to take the other's place.
        return behind(
            "changes are made in another store than it was read from, or in another history of it".to_owned(),
        );
    }
    let (changed, others): (Vec<_>, Vec<_>) = away(snapshot).partition(|(id, _)| changed(id));
    match others.first().filter(|_| changed.is_empty()) {
        None => Ok(()),
        Some((_, file)) => {
            let why = file.faults().first().map_or("", |fault| &fault.message);
            behind(format!("what `{}` says is not in force: {why}", file.file()))
        }
    }
}

/// The rows that are not in force as they are, by their ids.
fn away(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &FileRecord)> {
    let Counts { stale, quarantined, .. } = snapshot.counts();
    let files = if stale + quarantined == 0 { 0 } else { snapshot.files().len() };
    let are = snapshot
        .files()
        .range(0..files)
        .filter(|file| matches!(file.state(), FileState::Stale | FileState::Quarantined));
    are.filter_map(|file| Some((id_of(file.file())?, file)))
}

/// What rows say that load and are not in force, but for those that are changed. Where there is nothing in their way they are.
fn kept_out(snapshot: &Snapshot, changed: impl Fn(&str) -> bool) -> Vec<Registration> {
    let others = away(snapshot).filter(|(id, _)| !changed(id));
    others.filter_map(|(_, file)| Some(file.kept_out()?.registration.clone())).collect()
}

/// What a registration wants for itself that is a row's that is kept out.
fn in_the_way(new: &Registration, kept_out: &[Registration], dialect: Dialect) -> Vec<Fault> {
    let obstacles = kept_out.iter().flat_map(|holder| obstacles(new, holder, dialect));
    let fault = |Obstacle { what, holder }| {
        let (code, what) = match what {
            Unique::Id => (FaultCode::DuplicateId, "has the same `id` as"),
            Unique::Token => (FaultCode::DuplicateToken, "has the same `as_token` as"),
            Unique::ProxyPrefix => (FaultCode::OverlappingProxyPrefix, "has a proxy prefix that overlaps that of"),
        };
        let message = format!("{} {what} {}, which is in the store, and not in force here", new.file(), holder.file());
        Fault::of_file(code, message)
    };
    obstacles.map(fault).collect()
}

/// Whether the row of a registration is in force as it says here, or not at all, if it is to say nothing.
#[must_use]
pub fn is_in_force(snapshot: &Snapshot, id: &str, source: Option<&[u8]>) -> bool {
    let name = name_of(id);
    // What is in force of another file is not this row's.
    let row = snapshot.file_of(id).filter(|file| *file.file() == *name);
    match (source, row) {
        (None, row) => row.is_none(),
        (Some(source), Some(row)) => {
            let is_it = |good: &Good| good.registration.content() == ContentHash::of(source);
            row.state() == FileState::Active && row.good().is_some_and(is_it)
        }
        (Some(_), None) => false,
    }
}

/// Where the store was that is in force, if something can be judged by that.
pub fn judgeable(snapshot: &Snapshot, store: &str, changed: impl Fn(&str) -> bool) -> Option<Revision> {
    let then = Revision::noted(snapshot.as_of()?.note.as_bytes())?;
    can_judge(snapshot, store, &then, changed).ok().map(|()| then)
}

/// Whether a registration that may come into a set may do so, too, beside what has come since: if that is not known, it may not.
///
/// What collides are two, so that it is enough to hold it against those alone, as if nothing else were in force. Regexes that are
/// joined may break each other by threes; where there is such a one, it is judged beside all others.
#[must_use]
pub fn bears(asked: &Asked, bench: Bench<'_>, id: &str, source: &[u8], come: &[Change<'_>]) -> bool {
    // What is judged of an edit depends on what there was before it.
    if come.iter().any(|change| change.id == id) {
        return false;
    }
    let (Ok(new), Ok(Loaded(come))) = (loaded(bench, id, source), load_all(bench, come)) else { return false };
    let homeserver = bench.snapshot.services().homeserver();
    let goods: Vec<(Arc<str>, Good)> = come.into_iter().filter_map(|(name, good)| Some((name, good?))).collect();
    // Whichever of them it is: an edit puts off the groups that all behind it count.
    if goods.iter().map(|(_, good)| &good.registration).chain([&new]).any(|one| may_break(homeserver, one)) {
        return false;
    }
    let beside = in_force(homeserver.clone(), &goods);
    let are_active = beside.files().iter().all(|file| file.state() == FileState::Active);
    let bench = Bench { snapshot: &beside, previous: &Analysis::default(), ..bench };
    are_active && judge(asked, bench, id, source).is_ok()
}

/// What is wrong with a registration as one of this id; nothing, if it may come in.
pub fn judge(asked: &Asked, bench: Bench<'_>, id: &str, source: &[u8]) -> Result<(), Objection> {
    let new = Arc::new(loaded(bench, id, source).map_err(Objection::Unloadable)?);
    let mut set = admitted(bench.snapshot, &new).map_err(Objection::InTheWay)?;
    let kept_out = kept_out(bench.snapshot, |other| other == id);
    let in_the_way = in_the_way(&new, &kept_out, bench.snapshot.services().homeserver().dialect);
    if !in_the_way.is_empty() {
        return Err(Objection::InTheWay(in_the_way));
    }
    set.extend(kept_out);
    let collisions = collisions(asked, bench, &new, &set);
    if collisions.is_empty() {
        return Ok(());
    }
    let before: Vec<Arc<Finding>> = match bench.snapshot.file_of(id).and_then(|file| file.registration()) {
        Some(old) => self::collisions(asked, bench, old, bench.snapshot.services().registrations()),
        None => Vec::new(),
    };
    let is_new =
        |finding: &Arc<Finding>| finding.code == Code::NotCompared || !before.iter().any(|old| same(old, finding));
    let added: Vec<Arc<Finding>> = collisions.into_iter().filter(is_new).collect();
    if added.is_empty() { Ok(()) } else { Err(Objection::Collides(added)) }
}

/// Several changes, loaded to be judged.
#[derive(Debug)]
pub struct Loaded(Vec<(Arc<str>, Option<Good>)>);

/// Loads what changes say, before anybody is kept waiting for a judgement.
pub fn load_all(bench: Bench<'_>, changes: &[Change<'_>]) -> Result<Loaded, Objection> {
    let mut faults = Vec::new();
    let mut all = Vec::with_capacity(changes.len());
    for change in changes {
        match change.source.map(|source| loaded(bench, change.id, source)).transpose() {
            Ok(new) => all.push((name_of(change.id), new.map(Good::new))),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(Loaded(all)) } else { Err(Objection::Unloadable(faults)) }
}

/// Finds out ahead what a judgement will need to know, if what is in force is the same then: nobody is kept waiting for that.
#[must_use]
pub fn rehearse(comparer: &Comparer, bench: Bench<'_>, loaded: &Loaded) -> Analysis {
    let before = comparer.compare(&bench.snapshot.set(), bench.previous, bench.deadline);
    match after(bench.snapshot, loaded) {
        Ok(after) => comparer.compare(&after.set(), &before, bench.deadline),
        // It is said by the judgement, if it is so still.
        Err(_) => before,
    }
}

/// The same as [`judge`] of several changes at once: what would be in force is taken for a set of its own, and all of it compared but
/// for what was found out [ahead](rehearse).
pub fn judge_all(comparer: &Comparer, bench: Bench<'_>, loaded: &Loaded, ahead: &Analysis) -> Result<(), Objection> {
    let after = after(bench.snapshot, loaded).map_err(Objection::InTheWay)?;
    let before = comparer.compare(&bench.snapshot.set(), bench.previous, bench.deadline);
    let found = comparer.compare(&after.set(), ahead, bench.deadline);
    let collisions = |analysis: &Analysis| -> Vec<Arc<Finding>> {
        let [errors, not_compared] = [(Some(Severity::Error), None), (None, Some(Code::NotCompared))]
            .map(|(severity, code)| analysis.findings.iter_wanted(Wanted { severity, code }));
        errors.chain(not_compared).collect()
    };
    let before = collisions(&before);
    let known: HashSet<About<'_>> = before.iter().map(|finding| about(finding)).collect();
    let is_new = |finding: &Arc<Finding>| !known.contains(&about(finding));
    let mut added: Vec<Arc<Finding>> = collisions(&found).into_iter().filter(is_new).collect();
    added.extend(with_kept_out(
        comparer,
        Bench { snapshot: &after, previous: &found, ..bench },
        bench.snapshot,
        loaded,
    )?);
    if added.is_empty() { Ok(()) } else { Err(Objection::Collides(added)) }
}

/// What collides of these changes with rows that are not in force and are not changed either.
fn with_kept_out(
    comparer: &Comparer,
    bench: Bench<'_>,
    before: &Snapshot,
    Loaded(changes): &Loaded,
) -> Result<Vec<Arc<Finding>>, Objection> {
    let names: HashSet<&str> = changes.iter().filter_map(|(name, _)| id_of(name)).collect();
    let kept_out = kept_out(before, |id| names.contains(id));
    if kept_out.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = bench.snapshot.services().registrations().clone();
    all.extend(kept_out.iter().cloned());
    let mut found = Vec::new();
    for good in changes.iter().filter_map(|(_, good)| good.as_ref()) {
        let new = &good.registration;
        let in_the_way = in_the_way(new, &kept_out, bench.snapshot.services().homeserver().dialect);
        if !in_the_way.is_empty() {
            return Err(Objection::InTheWay(in_the_way));
        }
        let with = comparer.judge(|asked| self::collisions(asked, bench, new, &all));
        let is_with = |finding: &Arc<Finding>| {
            let is = |place: &FindingPlace| kept_out.iter().any(|kept_out| *kept_out.id() == *place.as_id);
            finding.code == Code::NotCompared || finding.places.iter().any(is)
        };
        found.extend(with.into_iter().filter(is_with));
    }
    Ok(found)
}

/// All that would be in force with these changes, or what keeps some of it from being so.
fn after(snapshot: &Snapshot, changes: &Loaded) -> Result<Snapshot, Vec<Fault>> {
    let mut goods: Vec<(Arc<str>, Good)> =
        (snapshot.files().iter()).filter_map(|file| Some((file.file().into(), file.good()?.clone()))).collect();
    let places: HashMap<Arc<str>, usize> =
        goods.iter().enumerate().map(|(at, (name, _))| (Arc::clone(name), at)).collect();
    let mut removed = HashSet::new();
    for (name, change) in &changes.0 {
        match (change, places.get(name)) {
            (None, _) => drop(removed.insert(name)),
            (Some(good), Some(&at)) => goods[at].1 = good.clone(),
            (Some(good), None) => goods.push((Arc::clone(name), good.clone())),
        }
    }
    goods.retain(|(name, _)| !removed.contains(name));
    let after = in_force(snapshot.services().homeserver().clone(), &goods);
    let away = after.files().iter().filter(|file| file.state() != FileState::Active);
    let faults: Vec<Fault> = away.flat_map(|file| file.faults().to_vec()).collect();
    if faults.is_empty() { Ok(after) } else { Err(faults) }
}

/// A set as it would be in force by itself.
fn in_force(homeserver: Homeserver, goods: &[(Arc<str>, Good)]) -> Snapshot {
    let candidate = |(file, good)| Candidate { file, facts: FileFacts::default(), offered: Ok(good), held: None };
    let candidates: Vec<Candidate<'_>> = goods.iter().map(|(file, good)| candidate((file, good))).collect();
    let nothing = Snapshot::before_first_load(homeserver, Vec::new());
    // The first load says something always: that it is done.
    nothing.next(&candidates, Vec::new(), None, SystemTime::now()).unwrap_or(nothing)
}

/// The registration that a row would be.
fn loaded(bench: Bench<'_>, id: &str, source: &[u8]) -> Result<Registration, Vec<Fault>> {
    let homeserver = bench.snapshot.services().homeserver();
    let new = registration::load_for(homeserver, &name_of(id), source, bench.hasher)?;
    let why = if new.id().len() > MAX_ID {
        format!("the `id` has {} bytes, and those of more than {MAX_ID} are not kept in a store", new.id().len())
    } else if new.id().contains('\0') {
        "no database keeps the character U+0000, which the `id` holds".to_owned()
    } else if *new.id() != *id {
        format!("the registration's `id` is `{}`, and it is to be kept as `{id}`", new.id())
    } else {
        return Ok(new);
    };
    Err(vec![Fault::of_file(FaultCode::InvalidValue, why)])
}

/// All that would be in force with it.
fn admitted(snapshot: &Snapshot, new: &Registration) -> Result<List<Registration>, Vec<Fault>> {
    let dialect = snapshot.services().homeserver().dialect;
    let fault = |what: Unique, holder: &Registration| what.fault(new.file(), new.id(), holder.file(), dialect);
    // A service that is in force from a file beside the store is not this row's to replace.
    if let Some(file) = snapshot.file_of(new.id())
        && file.file() != new.file()
        && let Some(holder) = file.registration()
    {
        return Err(vec![fault(Unique::Id, holder)]);
    }
    let good = Good::new(new.clone());
    let all = |obstacles: Vec<Obstacle>| obstacles.iter().map(|it| fault(it.what, &it.holder)).collect();
    snapshot.try_admission(&good).map_err(all)
}

fn collisions(asked: &Asked, bench: Bench<'_>, new: &Registration, set: &List<Registration>) -> Vec<Arc<Finding>> {
    let found = asked.newcomer(bench.snapshot.services(), bench.previous, (new, set), 1, bench.deadline);
    found.into_iter().filter(|finding| is_collision(finding)).collect()
}

/// Whether a finding speaks against what it is about. What is not known to be no collision counts as one.
#[must_use]
pub fn is_collision(finding: &Finding) -> bool {
    finding.severity == Severity::Error || finding.code == Code::NotCompared
}

/// What a finding is about: which regexes of which services, wherever these stand.
type About<'f> = (Code, Option<Kind>, Vec<(&'f str, Option<&'f str>)>);

fn about(finding: &Finding) -> About<'_> {
    let mut places: Vec<_> = finding.places.iter().map(|place| (&*place.as_id, place.regex.as_deref())).collect();
    places.sort_unstable();
    (finding.code, finding.kind, places)
}

/// Whether two findings are about the same.
fn same(a: &Finding, b: &Finding) -> bool {
    about(a) == about(b)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::homeserver::Dialect;
    use crate::registration::SourceDigest;
    use crate::snapshot::{AsOf, Refusal};

    struct Court {
        comparer: Comparer,
        hasher: TokenHasher,
        deadline: Deadline,
    }

    impl Court {
        fn new() -> Self {
            let deadline = Deadline::after(Duration::from_secs(600));
            Self { comparer: Comparer::new().expect("threads"), hasher: TokenHasher::new(), deadline }
        }

        fn bench<'b>(&'b self, snapshot: &'b Snapshot, previous: &'b Analysis) -> Bench<'b> {
            Bench { snapshot, previous, hasher: &self.hasher, deadline: &self.deadline }
        }

        /// What is in force after changes to nothing or to what was in force before.
        fn set(&self, before: Option<&Snapshot>, changes: &[(&str, Option<&str>)]) -> Snapshot {
            let nothing = in_force(Homeserver::new("example.com".parse().expect("a name"), Dialect::default()), &[]);
            let before = before.unwrap_or(&nothing);
            after(before, &self.loaded(before, changes)).expect("it can be in force")
        }

        fn loaded(&self, snapshot: &Snapshot, changes: &[(&str, Option<&str>)]) -> Loaded {
            let sources: Vec<_> = changes.iter().map(|(id, prefix)| (*id, prefix.map(|it| source(id, it)))).collect();
            let changes: Vec<Change<'_>> = sources
                .iter()
                .map(|(id, source)| Change { id, source: source.as_deref().map(str::as_bytes), place: None })
                .collect();
            load_all(self.bench(snapshot, &Analysis::default()), &changes).expect("they load")
        }

        /// Judges changes that were rehearsed with what was in force then; the codes of what speaks against them.
        fn judge(&self, then: &Snapshot, now: &Snapshot, changes: &[(&str, Option<&str>)]) -> Vec<String> {
            let nothing = Analysis::default();
            let loaded = self.loaded(then, changes);
            let ahead = rehearse(&self.comparer, self.bench(then, &nothing), &loaded);
            match judge_all(&self.comparer, self.bench(now, &nothing), &loaded, &ahead) {
                Ok(()) => Vec::new(),
                Err(Objection::Collides(findings)) => findings.iter().map(|it| it.code.as_str().to_owned()).collect(),
                Err(Objection::InTheWay(faults) | Objection::Unloadable(faults)) => {
                    faults.iter().map(|fault| fault.code.as_str().to_owned()).collect()
                }
            }
        }
    }

    fn source(id: &str, prefix: &str) -> String {
        let token = |of: &str| format!("{of}_token: {of}-token-of-{id}-0123456789\n");
        let users = format!("namespaces:\n  users:\n    - {{exclusive: true, regex: '@{prefix}.*:example\\.com'}}\n");
        format!("id: {id}\nurl: null\n{}{}sender_localpart: {id}-bot\n{users}", token("as"), token("hs"))
    }

    #[test]
    fn an_id_that_no_database_keeps_is_a_fault_of_the_registration() {
        let court = Court::new();
        let (now, nothing) = (court.set(None, &[]), Analysis::default());
        let (long, escaped) = ("x".repeat(MAX_ID + 1), "\"a\\0b\"");
        for (said, id) in [(&*long, &*long), (escaped, "a\0b")] {
            let source =
                source(said, "x_").replace(&format!("-of-{said}"), "-of-x").replace(&format!("{said}-bot"), "bot");
            let change = Change { id, source: Some(source.as_bytes()), place: None };
            let told = load_all(court.bench(&now, &nothing), &[change]);
            let Err(Objection::Unloadable(faults)) = told else { panic!("{said} is let in") };
            assert!(faults[0].message.contains("kept") || faults[0].message.contains("U+0000"), "{faults:?}");
        }
    }

    /// A set in force of which these rows are not: what is no registration, or one of what is in force in its way.
    fn with_away(before: &Snapshot, hasher: &TokenHasher, rows: &[(&str, &str)]) -> Snapshot {
        let homeserver = before.services().homeserver();
        let load = |(id, source): &(&str, &str)| {
            let name = name_of(id);
            let bytes = source.as_bytes();
            let loaded = registration::load_for(homeserver, &name, bytes, hasher);
            let read = loaded.map(|new| new.read_from(SourceDigest::of(bytes), ContentHash::of(bytes)));
            (name, read.map(Good::new).map_err(Refusal::from))
        };
        let rows: Vec<_> = rows.iter().map(load).collect();
        let there = before.files().iter().map(|file| (file.file(), Ok(file.good().expect("in force"))));
        let all = there.chain(rows.iter().map(|(name, loaded)| (&**name, loaded.as_ref())));
        let candidates: Vec<Candidate<'_>> =
            all.map(|(file, offered)| Candidate { file, facts: FileFacts::default(), offered, held: None }).collect();
        let as_of = AsOf { revision: 7, note: Revision::of("a", 7, "x").note() };
        let nothing = Snapshot::before_first_load(homeserver.clone(), Vec::new());
        nothing.next(&candidates, Vec::new(), Some(as_of), SystemTime::now()).expect("the first load says something")
    }

    /// With the token of another, which is in force.
    fn with_token_of(other: &str, id: &str, prefix: &str) -> String {
        source(id, prefix).replace(&format!("as-token-of-{id}-"), &format!("as-token-of-{other}-"))
    }

    #[test]
    fn one_of_several_rows_that_do_not_load_can_be_mended_and_nothing_else_be_changed() {
        let court = Court::new();
        let now = with_away(&court.set(None, &[]), &court.hasher, &[("a", "id: a"), ("b", "id: b")]);
        let head = Revision::of("a", 7, "x");
        let says =
            |ids: &[&str]| can_judge(&now, "store", &head, |id| ids.contains(&id)).map_err(|error| error.to_string());
        assert_eq!((says(&["a"]), says(&["b"]), says(&["a", "b"])), (Ok(()), Ok(()), Ok(())));
        assert!(says(&["new"]).expect_err("what is away may collide").contains("`store:a`"));
    }

    #[test]
    fn what_mends_a_row_is_held_against_rows_that_are_kept_out() {
        let court = Court::new();
        let (of_c, of_d) = (with_token_of("x", "c", "c_"), with_token_of("x", "d", "chat_"));
        let before = court.set(None, &[("x", Some("x_"))]);
        let now = with_away(&before, &court.hasher, &[("c", &of_c), ("d", &of_d)]);
        assert_eq!(now.counts().quarantined, 2);
        assert!(can_judge(&now, "store", &Revision::of("a", 7, "x"), |id| id == "c").is_ok());
        let nothing = Analysis::default();
        let says = |source: &str| -> Vec<String> {
            let bench = court.bench(&now, &nothing);
            let one = court.comparer.judge(|asked| judge(asked, bench, "c", source.as_bytes()));
            let loaded = load_all(bench, &[Change { id: "c", source: Some(source.as_bytes()), place: None }]);
            let loaded = loaded.expect("it loads");
            let ahead = rehearse(&court.comparer, bench, &loaded);
            let several = judge_all(&court.comparer, bench, &loaded, &ahead);
            let [one, several] = [one, several].map(|judged| match judged {
                Ok(()) => Vec::new(),
                Err(Objection::Collides(all)) => all.iter().map(|it| it.code.as_str().to_owned()).collect::<Vec<_>>(),
                Err(Objection::InTheWay(all) | Objection::Unloadable(all)) => {
                    all.iter().map(|it| it.code.as_str().to_owned()).collect()
                }
            });
            assert_eq!(one, several, "the one by itself, and among several");
            one
        };
        assert_eq!(says(&source("c", "c_")), Vec::<String>::new());
        assert_eq!(says(&source("c", "chat_")), ["exclusive-conflict"]);
        assert_eq!(says(&with_token_of("x", "c", "c_")).first().map(String::as_str), Some("duplicate-token"));
    }

    #[test]
    fn what_is_in_force_is_told_by_what_it_says() {
        let court = Court::new();
        let said = source("a", "a_");
        let now =
            with_away(&court.set(None, &[]), &court.hasher, &[("a", &said), ("c", &with_token_of("a", "c", "c_"))]);
        assert!(is_in_force(&now, "a", Some(said.as_bytes())));
        assert!(!is_in_force(&now, "a", Some(source("a", "b_").as_bytes())) && !is_in_force(&now, "a", None));
        assert!(!is_in_force(&now, "c", Some(with_token_of("a", "c", "c_").as_bytes())));
        assert!(is_in_force(&now, "nobody", None) && !is_in_force(&now, "nobody", Some(said.as_bytes())));
    }

    #[test]
    fn what_has_come_since_is_held_against_it_alone() {
        let court = Court::new();
        // Nothing of it matters any more.
        let (now, nothing) = (court.set(None, &[("irc", Some("irc_"))]), Analysis::default());
        let new = source("tg", "tg_");
        let bears_beside = |new: &str, come: &[(&str, Option<&str>)]| {
            let sources: Vec<_> = come.iter().map(|(id, prefix)| (*id, prefix.map(|it| source(id, it)))).collect();
            let come: Vec<Change<'_>> = sources
                .iter()
                .map(|(id, source)| Change { id, source: source.as_deref().map(str::as_bytes), place: None })
                .collect();
            let bench = court.bench(&now, &nothing);
            court.comparer.judge(|asked| bears(asked, bench, "tg", new.as_bytes(), &come))
        };
        assert!(bears_beside(&new, &[]) && bears_beside(&new, &[("slack", Some("slack_")), ("x", None)]));
        assert!(!bears_beside(&new, &[("slack", Some("slack_")), ("x", Some("tg_x"))]));
        assert!(!bears_beside(&new, &[("tg", Some("other_"))]) && !bears_beside(&new, &[("tg", None)]));
        // What cannot be in force together was not let in by this gate.
        assert!(!bears_beside(&new, &[("a", Some("same_")), ("a", Some("same_"))]));
        let with_token_of_x = new.replace("as-token-of-tg", "as-token-of-x");
        assert!(!bears_beside(&with_token_of_x, &[("x", Some("x_"))]));
        // By itself it is one, and joined with others it may be none.
        let joined = new.replace("@tg_", "@(?P<name>tg)_");
        assert!(!bears_beside(&joined, &[("x", Some("x_"))]));
        assert!(!bears_beside(&new, &[("x", Some("(?P<name>x)_"))]));
    }

    #[test]
    fn an_edit_may_not_break_what_stands_behind_it() {
        let court = Court::new();
        let now = court.set(None, &[("a", Some("a_")), ("b", Some("(?P<x>b)_"))]);
        let judged = |prefix: &str| {
            let (nothing, edit) = (Analysis::default(), source("a", prefix));
            let bench = court.bench(&now, &nothing);
            court.comparer.judge(|asked| judge(asked, bench, "a", edit.as_bytes()))
        };
        assert!(judged("(?P<y>a)_").is_ok());
        let Err(Objection::Collides(found)) = judged("(?P<x>a)_") else { panic!("it is let in") };
        let broken: Vec<_> = found.iter().map(|one| (one.code, &*one.places[0].as_id)).collect();
        assert_eq!(broken, [(Code::UnjoinableRegex, "b")]);
    }

    #[test]
    fn several_are_let_in_if_nothing_collides_that_did_not_before() {
        let court = Court::new();
        let now = court.set(None, &[("irc", Some("irc_")), ("old", Some("irc_x"))]);
        let judged = |changes: &[(&str, Option<&str>)]| court.judge(&now, &now, changes);
        assert!(judged(&[("tg", Some("tg_")), ("slack", Some("slack_"))]).is_empty());
        assert_eq!(judged(&[("tg", Some("tg_")), ("slack", Some("tg_s"))]), ["exclusive-conflict"]);
        assert_eq!(judged(&[("tg", Some("irc_y"))]), ["exclusive-conflict"]);
        // What collided before is not held against whoever leaves it as it is, and what goes makes room.
        assert!(judged(&[("tg", Some("tg_")), ("irc", Some("irc_"))]).is_empty());
        assert!(judged(&[("irc", None), ("tg", Some("irc_y"))]).is_empty());
    }

    /// Whether a change of `changed` can be judged where the head is, by what was listed at revision 3 of the store `a`: a row, and
    /// before it a file that holds this id.
    fn judged_at(head: &Revision, beside: &str, changed: &str) -> Result<(), String> {
        let homeserver = Homeserver::new("example.com".parse().expect("a name"), Dialect::default());
        let load = |file: &str, id: &str, prefix: &str| {
            let loaded =
                registration::load_for(&homeserver, &file.into(), source(id, prefix).as_bytes(), &TokenHasher::new());
            (Arc::from(file), Good::new(loaded.expect("it loads")))
        };
        let goods = [load("/etc/x.yaml", beside, "x_"), load("store:irc", "irc", "irc_")];
        let candidate = |(file, good)| Candidate { file, facts: FileFacts::default(), offered: Ok(good), held: None };
        let candidates: Vec<Candidate<'_>> = goods.iter().map(|(file, good)| candidate((file, good))).collect();
        let as_of = AsOf { revision: 3, note: Revision::of("a", 3, "x").note() };
        let nothing = Snapshot::before_first_load(homeserver.clone(), Vec::new());
        let snapshot = nothing.next(&candidates, Vec::new(), Some(as_of), SystemTime::now()).expect("the first");
        can_judge(&snapshot, "postgres://a", head, |id| id == changed).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_judged_by_another_store_or_history_of_the_same_number() {
        assert_eq!(judged_at(&Revision::of("a", 3, "x"), "x", "new"), Ok(()));
        for (head, why) in [
            (Revision::of("a", 3, "y"), "another history"),
            (Revision::of("b", 3, "x"), "another store"),
            (Revision::of("a", 4, "z"), "at revision 4"),
            (Revision::of("a", 2, "w"), "at revision 2"),
        ] {
            let said = judged_at(&head, "x", "new").expect_err("it is not what is in force");
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn nothing_is_judged_beside_a_row_that_is_not_in_force() {
        let head = Revision::of("a", 3, "x");
        let said = judged_at(&head, "irc", "new").expect_err("the row is in quarantine");
        assert!(said.contains("`store:irc`") && said.contains("/etc/x.yaml"), "{said}");
        // Whoever changes that row itself may mend it.
        assert_eq!(judged_at(&head, "irc", "irc"), Ok(()));
    }

    #[test]
    fn what_has_come_since_the_rehearsal_is_judged_by() {
        let court = Court::new();
        let then = court.set(None, &[("irc", Some("irc_")), ("tg", Some("tg_"))]);
        let changes: &[(&str, Option<&str>)] = &[("new", Some("new_")), ("x", Some("tg_x"))];
        assert_eq!(court.judge(&then, &then, changes), ["exclusive-conflict"]);
        let came = court.set(Some(&then), &[("late", Some("new_y"))]);
        assert_eq!(court.judge(&then, &came, &changes[..1]), ["exclusive-conflict"]);
        let edited = court.set(Some(&then), &[("irc", Some("new_z"))]);
        assert_eq!(court.judge(&then, &edited, &changes[..1]), ["exclusive-conflict"]);
        // And not by what has gone since.
        let went = court.set(Some(&then), &[("tg", None)]);
        assert!(court.judge(&then, &went, changes).is_empty());
    }
}
