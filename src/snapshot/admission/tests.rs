//! The rules of admission, held against a specification that is too slow to use and against whole histories of files.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use proptest::prelude::*;

use super::*;
use crate::analysis::Set;
use crate::homeserver::Homeserver;
use crate::index::Scratch;
use crate::list::List;
use crate::registration::{self, Fault, FaultCode, Parts, Registration, Token, TokenHasher};
use crate::snapshot::{ContentHash, Counts, FileState, Ids, Snapshot, Step};

/// What one file says: little enough that files collide all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Content {
    id: u8,
    token: u8,
    /// Which of [`PREFIXES`].
    prefix: usize,
    /// Tells edits apart that change nothing of the above.
    edit: u8,
}

/// One covers two others; one covers nothing.
const PREFIXES: [Option<&str>; 5] = [None, Some("/a"), Some("/a/b"), Some("/a/c"), Some("/d")];

/// What is on disk in the place of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnDisk {
    Nothing,
    Broken,
    Registration(Content),
}

static LOADED: LazyLock<Vec<Registration>> = LazyLock::new(|| {
    let hasher = TokenHasher::new();
    let mut loaded = Vec::new();
    for id in 0..IDS {
        for token in 0..TOKENS {
            let text = format!(
                "{{id: service{id}, as_token: token-number-{token}, hs_token: h{id}, sender_localpart: bot{id}, \
                 url: null, namespaces: {{users: [{{regex: '@s{id}_.*', exclusive: true}}]}}}}"
            );
            loaded.push(registration::load(&"".into(), text.as_bytes(), &hasher).expect("it loads"));
        }
    }
    loaded
});

const IDS: u8 = 4;
const TOKENS: u8 = 4;

/// The same bytes in the same file are the very same registration, as they are for a scan.
#[derive(Default)]
struct Loader(HashMap<(usize, Content), Good>);

impl Loader {
    fn good(&mut self, file: usize, content: Content) -> Good {
        let load = || {
            let template = &LOADED[usize::from(content.id * TOKENS + content.token)];
            let hash = ContentHash::of(format!("{content:?}").as_bytes());
            let prefix = PREFIXES[content.prefix].map(Into::into);
            let registration = Parts { file: name(file), content: hash, proxy_prefix: prefix, ..template.parts() };
            Good::new(registration.into())
        };
        self.0.entry((file, content)).or_insert_with(load).clone()
    }
}

fn name(file: usize) -> Arc<str> {
    format!("registrations/{file}.yaml").into()
}

/// Files as a scan finds them.
struct Scanned {
    file: Arc<str>,
    offered: Result<Good, Refusal>,
    held: Option<Good>,
}

impl Scanned {
    fn candidate(&self) -> Candidate<'_> {
        // Some can be read by all, and of some that is not known.
        let mode = |offered: &Good| [Some(0o644), Some(0o600), None][usize::from(offered.hash().as_bytes()[0] % 3)];
        let facts = FileFacts { mode: self.offered.as_ref().ok().and_then(mode) };
        Candidate { file: &self.file, facts, offered: self.offered.as_ref(), held: self.held.as_ref() }
    }
}

/// What a scan finds while a snapshot is in force.
fn scan(disk: &[OnDisk], snapshot: &Snapshot, loader: &mut Loader) -> Vec<Scanned> {
    let broken: Refusal = Arc::new([Fault::of_file(FaultCode::Syntax, "broken".to_owned())]);
    let held: HashMap<&str, &Good> =
        snapshot.files().iter().filter_map(|file| Some((file.file(), file.good()?))).collect();
    let files = disk.iter().enumerate().filter(|(_, on_disk)| **on_disk != OnDisk::Nothing);
    files
        .map(|(at, on_disk)| Scanned {
            file: name(at),
            offered: match on_disk {
                OnDisk::Registration(content) => Ok(loader.good(at, *content)),
                _ => Err(Arc::clone(&broken)),
            },
            held: held.get(&*name(at)).map(|good| (*good).clone()),
        })
        .collect()
}

fn on_disk() -> impl Strategy<Value = OnDisk> {
    prop_oneof![1 => Just(OnDisk::Nothing), 1 => Just(OnDisk::Broken), 5 => content().prop_map(OnDisk::Registration)]
}

fn content() -> impl Strategy<Value = Content> {
    let prefix = prop_oneof![3 => Just(0), 2 => 1..PREFIXES.len()];
    (0..IDS, 0..TOKENS, prefix, 0..2_u8).prop_map(|(id, token, prefix, edit)| Content { id, token, prefix, edit })
}

/// Edits, each of one to three files, that a service sees one after the other.
fn history() -> impl Strategy<Value = Vec<Vec<(usize, OnDisk)>>> {
    prop::collection::vec(prop::collection::vec((0..6_usize, on_disk()), 1..=3), 1..12)
}

/// Takes a service through a history and shows every step to a judge: the candidates, what was in force, and what is.
fn follow(history: &[Vec<(usize, OnDisk)>], mut judge: impl FnMut(&[Candidate<'_>], &Snapshot, &Snapshot)) {
    let mut loader = Loader::default();
    let mut disk = [OnDisk::Nothing; 6];
    let mut snapshot = Snapshot::before_first_load(server(), Vec::new());
    for edits in history {
        for &(at, on_disk) in edits {
            disk[at] = on_disk;
        }
        let scanned = scan(&disk, &snapshot, &mut loader);
        let candidates: Vec<_> = scanned.iter().map(Scanned::candidate).collect();
        let Some(next) = snapshot.next(&candidates, Vec::new(), None, SystemTime::now()) else { continue };
        judge(&candidates, &snapshot, &next);
        snapshot = next;
    }
}

fn server() -> Homeserver {
    "example.com".parse().expect("a server name")
}

fn collide(a: &Registration, b: &Registration) -> bool {
    let overlap = match (&a.proxy_prefix(), &b.proxy_prefix()) {
        (Some(a), Some(b)) => {
            format!("{a}/").starts_with(&format!("{b}/")) || format!("{b}/").starts_with(&format!("{a}/"))
        }
        _ => false,
    };
    a.id() == b.id() || a.as_token() == b.as_token() || overlap
}

/// The rules word by word: whatever is held is reserved; again and again, the first in load order that collides with
/// nobody else's comes in. Tells which candidates are in force as they are on disk.
fn specified(candidates: &[Candidate<'_>]) -> Vec<bool> {
    let preferred: Vec<Option<&Good>> = candidates.iter().map(Candidate::preferred).collect();
    let clash =
        |a: Option<&Good>, b: Option<&Good>| a.zip(b).is_some_and(|(a, b)| collide(&a.registration, &b.registration));
    let all_fit = (0..preferred.len()).all(|a| (0..a).all(|b| !clash(preferred[a], preferred[b])));
    if all_fit {
        return candidates.iter().map(|candidate| candidate.offered.is_ok()).collect();
    }
    let mut contested: Vec<bool> = (0..preferred.len())
        .map(|a| (0..preferred.len()).any(|b| a != b && clash(preferred[a], preferred[b])))
        .collect();
    loop {
        let more: Vec<usize> = (0..preferred.len())
            .filter(|&a| !contested[a])
            .filter(|&a| (0..preferred.len()).any(|b| contested[b] && clash(preferred[a], candidates[b].held)))
            .collect();
        if more.is_empty() {
            break;
        }
        for at in more {
            contested[at] = true;
        }
    }
    let mut has: Vec<Option<&Good>> =
        (0..preferred.len()).map(|at| if contested[at] { candidates[at].held } else { preferred[at] }).collect();
    let mut active: Vec<bool> = (0..has.len()).map(|at| !contested[at] && candidates[at].offered.is_ok()).collect();
    loop {
        let next = (0..has.len()).find(|&at| {
            let offered = candidates[at].offered.ok();
            let blocked = (0..has.len()).any(|other| other != at && clash(offered, has[other]));
            contested[at] && !active[at] && offered.is_some() && !blocked
        });
        let Some(at) = next else { return active };
        has[at] = candidates[at].offered.ok();
        active[at] = true;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_decisions_are_those_of_the_rules_word_by_word(history in history()) {
        follow(&history, |candidates, _, _| {
            let decided: Vec<bool> =
                admit(candidates, server().dialect).iter().map(|standing| matches!(standing, Standing::Active(_))).collect();
            assert_eq!(decided, specified(candidates), "{candidates:#?}");
        });
    }

    #[test]
    fn what_is_held_is_never_displaced(history in history()) {
        follow(&history, |candidates, before, after| {
            for file in before.files() {
                let Some(held) = file.good() else { continue };
                let Some(now) = after.files().iter().find(|now| now.file() == file.file()) else { continue };
                let candidate = candidates.iter().find(|candidate| candidate.file == file.file()).expect("it is listed");
                let good = now.good().expect("something is in force");
                assert!(good.same(held) || candidate.offered.is_ok_and(|offered| offered.same(good)));
            }
        });
    }

    #[test]
    fn nothing_in_force_collides(history in history()) {
        follow(&history, |_, _, after| {
            let all = after.services().registrations();
            for (at, one) in all.iter().enumerate() {
                assert!(all.range(0..at).all(|other| !collide(one, other)));
            }
        });
    }

    #[test]
    fn without_a_collision_on_disk_all_that_is_offered_is_in_force(history in history()) {
        follow(&history, |candidates, _, after| {
            let preferred: Vec<_> = candidates.iter().filter_map(Candidate::preferred).collect();
            let fit = (0..preferred.len())
                .all(|a| (0..a).all(|b| !collide(&preferred[a].registration, &preferred[b].registration)));
            if fit {
                for (candidate, file) in candidates.iter().zip(after.files()) {
                    assert_eq!(candidate.offered.is_ok(), file.state() == FileState::Active);
                }
            }
        });
    }

    #[test]
    fn a_look_at_the_changed_files_decides_as_a_look_at_all(history in history()) {
        follow(&history, |candidates, before, after| {
            // `after` may have been patched; whatever way it was made, it says what a look at all says.
            for ((candidate, standing), file) in candidates.iter().zip(admit(candidates, server().dialect)).zip(after.files()) {
                assert!(file.same(&candidate.record(standing)), "{candidate:#?} {file:#?}");
            }
            let same_files = before.files().len() == candidates.len()
                && before.files().iter().zip(candidates).all(|(file, candidate)| file.file() == candidate.file);
            if same_files {
                let changed: Vec<usize> =
                    (0..candidates.len()).filter(|&at| !candidates[at].stays(&before.files()[at])).collect();
                let Some(some) = admit_some(candidates, &changed, before.services()) else { return };
                let all = admit(candidates, server().dialect);
                for (at, standing) in changed.into_iter().zip(some) {
                    assert!(candidates[at].record(standing).same(&candidates[at].record(all[at].clone())));
                }
            }
        });
    }

    #[test]
    fn a_step_leads_where_a_look_at_all_files_leads(history in history()) {
        follow(&history, |candidates, before, after| {
            let is_there = |file: &&FileRecord| candidates.iter().any(|candidate| candidate.file == file.file());
            let files: Vec<&FileRecord> = before.files().iter().collect();
            let gone: Vec<usize> = (0..files.len()).filter(|&at| !is_there(&files[at])).collect();
            let left: Vec<&FileRecord> = files.into_iter().filter(is_there).collect();
            if !left.iter().zip(candidates).all(|(file, candidate)| file.file() == candidate.file) {
                return;
            }
            let stays = |at: usize| left.get(at).is_some_and(|file| candidates[at].stays(file));
            let put: Vec<_> = (0..candidates.len()).filter(|&at| !stays(at)).map(|at| (at, candidates[at])).collect();
            let Some(step) = before.step(Step { gone: &gone, put: &put }, None, SystemTime::now()) else { return };
            assert!(step.files().len() == after.files().len() && step.files().iter().zip(after.files()).all(|(a, b)| a.same(b)));
            let (stepped, looked) = (step.services().registrations(), after.services().registrations());
            assert!(stepped.len() == looked.len() && stepped.iter().zip(looked).all(|(a, b)| Registration::ptr_eq(a, b)));
            let said = |snapshot: &Snapshot| (Arc::clone(snapshot.digest()), snapshot.counts(), snapshot.changes().clone(), snapshot.is_complete());
            assert_eq!(said(&step), said(after));
            assert_eq!((step.generation(), step.as_of()), (after.generation(), after.as_of()));
        });
    }

    #[test]
    fn a_changed_set_says_what_a_fresh_one_says(history in history()) {
        follow(&history, |_, _, after| {
            let registrations: List<_> = after.files().iter().filter_map(|file| file.registration().cloned()).collect();
            let fresh = Services::new(server(), registrations);
            let incremental = after.services();
            assert_eq!(fresh.registrations().len(), incremental.registrations().len());
            for registration in fresh.registrations() {
                let at = fresh.position_of_id(registration.id());
                assert_eq!(incremental.position_of_id(registration.id()), at);
                assert_eq!(incremental.position_of_token(&registration.as_token()), at);
            }
            for id in 0..IDS {
                let asked = format!("@s{id}_x:example.com");
                let asked = crate::matrix::MatrixId::parse(&asked).expect("an ID");
                let said = |services: &Services| serde_json::to_value(services.ownership(asked, &mut Scratch::new())).expect("JSON");
                assert_eq!(said(incremental), said(&fresh));
            }
        });
    }

    #[test]
    fn what_is_counted_from_one_set_to_the_next_is_what_there_is(history in history()) {
        follow(&history, |_, _, after| {
            let of = |state| after.files().iter().filter(|file| file.state() == state).count();
            let [active, held, stale, quarantined] = FileState::ALL.map(of);
            assert_eq!(after.counts(), Counts { active, held, stale, quarantined });
            let in_force = after.files().iter().filter_map(|file| Some((file.registration()?, file.facts())));
            let readable = Set::with_facts(after.services(), in_force);
            let set = after.set();
            assert_eq!(set.exposed().len(), readable.exposed().len());
            assert!(set.exposed().iter().zip(readable.exposed()).all(|(a, b)| Registration::ptr_eq(a, b)));
        });
    }

    #[test]
    fn changes_lead_from_one_set_to_the_next(history in history()) {
        follow(&history, |_, before, after| {
            let by_id = |snapshot: &Snapshot| -> BTreeMap<Arc<str>, *const ()> {
                let all = snapshot.services().registrations().iter();
                all.map(|registration| (registration.id().into(), Registration::as_ptr(registration))).collect()
            };
            let (old, new) = (by_id(before), by_id(after));
            let sorted = |ids: &Ids| {
                let mut ids: Vec<Arc<str>> = ids.iter().map(Into::into).collect();
                ids.sort();
                ids
            };
            let those = |fits: &dyn Fn(&Arc<str>) -> bool, all: &BTreeMap<Arc<str>, *const ()>| {
                all.keys().filter(|id| fits(id)).cloned().collect::<Vec<_>>()
            };
            let changes = after.changes();
            assert_eq!(sorted(&changes.added), those(&|id| !old.contains_key(id), &new));
            assert_eq!(sorted(&changes.removed), those(&|id| !new.contains_key(id), &old));
            assert_eq!(sorted(&changes.changed), those(&|id| old.get(id).is_some_and(|was| was != &new[id]), &new));
        });
    }

    #[test]
    fn a_trial_decides_as_a_reload_does(history in history(), tried in content()) {
        let mut loader = Loader::default();
        let offered = loader.good(6, tried);
        follow(&history, |_, _, after| {
            // The same files once more, and the one that is tried on disk where its `id` is, or after all others.
            let mut candidates: Vec<_> = after.files().iter().map(Candidate::unchanged).collect();
            let own = |file: &FileRecord| file.registration().is_some_and(|r| r.id() == offered.registration.id());
            let new_file = name(6);
            let at = after.files().iter().position(own).unwrap_or_else(|| {
                let facts = FileFacts::default();
                candidates.push(Candidate { file: &new_file, facts, offered: Ok(&offered), held: None });
                candidates.len() - 1
            });
            candidates[at].offered = Ok(&offered);
            let reloaded = after.next(&candidates, Vec::new(), None, SystemTime::now()).expect("it says something else");
            match after.try_admission(&offered) {
                Ok(in_force) => {
                    assert_eq!(reloaded.files()[at].state(), FileState::Active);
                    let expected = reloaded.services().registrations();
                    assert_eq!(in_force.len(), expected.len());
                    assert!(in_force.iter().zip(expected).all(|(a, b)| Registration::ptr_eq(a, b)));
                }
                Err(obstacles) => {
                    assert_ne!(reloaded.files()[at].state(), FileState::Active);
                    assert!(!obstacles.is_empty());
                    assert!(obstacles.iter().all(|obstacle| collide(&obstacle.holder, &offered.registration)));
                }
            }
        });
    }
}

/// The states of the files after the last of some edits.
fn states_after(history: &[Vec<(usize, OnDisk)>]) -> Vec<FileState> {
    let mut states = Vec::new();
    follow(history, |_, _, after| states = after.files().iter().map(FileRecord::state).collect());
    states
}

const fn says(id: u8, token: u8, prefix: usize) -> OnDisk {
    OnDisk::Registration(Content { id, token, prefix, edit: 0 })
}

/// Found by the properties above: one prefix in force overlaps two new ones, and only one of them was seen.
#[test]
fn two_new_prefixes_do_not_displace_the_one_that_covers_both() {
    let states = states_after(&[vec![(2, says(2, 2, 1))], vec![(0, says(0, 0, 2)), (1, says(1, 1, 3))]]);
    assert_eq!(states, [FileState::Quarantined, FileState::Quarantined, FileState::Active]);
}

/// Found by the properties above: the third came in before the second, which was in another collision besides.
#[test]
fn of_two_that_want_the_same_the_first_in_load_order_comes_in_whatever_else_it_collides_with() {
    let states =
        states_after(&[vec![(1, says(1, 0, 0))], vec![(1, says(0, 0, 0)), (0, says(1, 0, 0)), (2, says(0, 1, 0))]]);
    assert_eq!(states, [FileState::Quarantined, FileState::Active, FileState::Quarantined]);
}

/// A list may name a file twice. "Remove one of the files" would then be advice to remove the only one.
#[test]
fn a_file_that_is_named_twice_is_not_to_be_removed() {
    let good = Loader::default().good(0, Content { id: 0, token: 0, prefix: 0, edit: 0 });
    let named = || Scanned { file: name(0), offered: Ok(good.clone()), held: None };
    let (first, second) = (named(), named());
    let standings = admit(&[first.candidate(), second.candidate()], server().dialect);
    let [Standing::Active(_), Standing::Quarantined(away)] = &*standings else { panic!("{standings:?}") };
    assert_eq!(
        away.faults[0].message,
        "registrations/0.yaml is named twice; Synapse would refuse to start; name it once: there is one file, and it is \
         in force"
    );
}

/// Each of many files wants the `id` that the next one holds, and the last one a new one: what the first look of each
/// finds in its way is gone by its second.
#[test]
fn a_long_chain_moves_up_link_by_link() {
    let files = chain(20_000, Ok(20_000));
    let standings = admit(&files.iter().map(Scanned::candidate).collect::<Vec<_>>(), server().dialect);
    // The newcomer at the end of the load order wanted what the last of the chain wanted, too.
    let (newcomer, moved) = standings.split_last().expect("there are some");
    assert!(matches!(newcomer, Standing::Quarantined(_)));
    assert!(moved.iter().all(|standing| matches!(standing, Standing::Active(_))));
}

/// The same when the last one stays where it is: all others stay, too.
#[test]
fn a_long_chain_stays_when_its_end_does() {
    let files = chain(20_000, Err(()));
    let standings = admit(&files.iter().map(Scanned::candidate).collect::<Vec<_>>(), server().dialect);
    let (newcomer, stayed) = standings.split_last().expect("there are some");
    assert!(matches!(newcomer, Standing::Active(_)));
    assert!(stayed.iter().all(|standing| matches!(standing, Standing::Stale(..))));
}

/// Files that hold the ids from 0 and offer those from 1, the last one what it is told or something broken; and a
/// newcomer that offers what comes after the last `id`.
fn chain(length: usize, last: Result<usize, ()>) -> Vec<Scanned> {
    let hasher = TokenHasher::new();
    let good = |file: usize, id: usize| {
        let as_token = hasher.digest(&Token::new(format!("token-number-{file}")));
        let id = format!("service{id}").into();
        let content = ContentHash::of(&file.to_le_bytes());
        let registration = Parts { file: name(file), content, id, as_token, ..LOADED[0].parts() };
        Good::new(registration.into())
    };
    let broken: Refusal = Arc::new([Fault::of_file(FaultCode::Syntax, "broken".to_owned())]);
    let link = |at: usize| {
        let offered = if at + 1 == length { last.map(|id| good(at, id)) } else { Ok(good(at, at + 1)) };
        Scanned { file: name(at), offered: offered.map_err(|()| Arc::clone(&broken)), held: Some(good(at, at)) }
    };
    let newcomer = Scanned { file: name(length), offered: Ok(good(length, length)), held: None };
    (0..length).map(link).chain([newcomer]).collect()
}

#[test]
fn a_step_is_made_where_what_is_put_is_new_or_an_edit_and_free() {
    let mut loader = Loader::default();
    let content = |id, edit| Content { id, token: id, prefix: 0, edit };
    let disk = [0, 1].map(|id| OnDisk::Registration(content(id, 0)));
    let first = Snapshot::before_first_load(server(), Vec::new());
    let scanned = scan(&disk, &first, &mut loader);
    let candidates: Vec<_> = scanned.iter().map(Scanned::candidate).collect();
    let step =
        |of: &Snapshot, put: &[(usize, Candidate<'_>)]| of.step(Step { gone: &[], put }, None, SystemTime::now());
    assert!(step(&first, &[]).is_none(), "nothing is loaded yet");
    let before = first.next(&candidates, Vec::new(), None, SystemTime::now()).expect("it says something");

    let (names, edited) = ([name(0), name(2)], loader.good(0, content(0, 1)));
    let (new, taken) = (loader.good(2, content(2, 0)), loader.good(2, content(1, 0)));
    let candidate =
        |at: usize, offered| Candidate { file: &names[at], facts: FileFacts::default(), offered, held: None };
    let edit = Candidate { held: before.files()[0].good(), ..candidate(0, Ok(&edited)) };
    let after = step(&before, &[(0, edit), (2, candidate(1, Ok(&new)))]).expect("both are free");
    assert_eq!((after.files().len(), after.counts().active), (3, 3));
    assert_eq!(
        after.changes().added.iter().chain(after.changes().changed.iter()).collect::<Vec<_>>(),
        ["service2", "service0"]
    );

    let broken: Refusal = Arc::new([Fault::of_file(FaultCode::Syntax, "broken".to_owned())]);
    for refused in [(2, candidate(1, Ok(&taken))), (2, candidate(1, Err(&broken))), (3, candidate(1, Ok(&new)))] {
        assert!(step(&before, &[refused]).is_none(), "{refused:?}");
    }
}
