use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use super::*;
use crate::matrix::Kind;
use crate::registration::{self, FileFacts, Parts, Registration, Token, TokenHasher};
use crate::snapshot::touched::MOST_BYTES;
use crate::snapshot::{Candidate, ContentHash, Good, Live, What};

static LOADED: LazyLock<Registration> = LazyLock::new(|| {
    let text =
        b"{id: service, as_token: token-of-service, hs_token: h, sender_localpart: bot, url: null, namespaces: {}}";
    registration::load(&"".into(), text, &TokenHasher::new()).expect("it loads")
});

fn good(at: usize) -> Good {
    let as_token = TokenHasher::new().digest(&Token::new(format!("token-number-{at}")));
    let content = ContentHash::of(&at.to_le_bytes());
    let registration = Parts { id: format!("service{at}").into(), as_token, content, ..LOADED.parts() };
    Good::new(registration.into())
}

fn nothing() -> Snapshot {
    Snapshot::before_first_load("example.com".parse().expect("a server name"), Vec::new())
}

/// What follows a snapshot when these files are on disk.
fn with(snapshot: &Snapshot, goods: &[Good]) -> Arc<Snapshot> {
    let names: Vec<Arc<str>> = goods.iter().map(|good| format!("{}.yaml", good.registration.id()).into()).collect();
    let held = |good: &Good| snapshot.files().iter().filter_map(|file| file.good()).find(|held| held.same(good));
    let candidates: Vec<_> = (goods.iter().zip(&names))
        .map(|(good, file)| Candidate { file, facts: FileFacts::default(), offered: Ok(good), held: held(good) })
        .collect();
    Arc::new(snapshot.next(&candidates, Vec::new(), None, SystemTime::now()).expect("something else"))
}

fn generations(since: &Since) -> Vec<u64> {
    match since {
        Since::Known { after, .. } => after.iter().map(|generation| generation.number).collect(),
        Since::Reset => panic!("a reset"),
    }
}

#[test]
fn a_follower_is_told_what_has_happened_since() {
    let live = Live::new(nothing());
    let all: Vec<Good> = (0..3).map(good).collect();
    let first = with(&nothing(), &all[..1]);
    let second = with(&first, &all[..2]);
    let third = with(&second, &all);
    for snapshot in [&first, &second, &third] {
        live.swap(Arc::clone(snapshot));
    }
    assert_eq!(generations(&live.since(first.digest()).1), [2, 3]);
    assert_eq!(generations(&live.since(second.digest()).1), [3]);
    assert_eq!(generations(&live.since(third.digest()).1), [] as [u64; 0]);
    assert!(matches!(live.since("0123").1, Since::Reset));
    let (in_force, Since::Known { then, after }) = live.since(first.digest()) else { panic!("a reset") };
    assert_eq!((in_force.generation(), then.number), (3, 1));
    let [added] = &after[0].touched[..] else { panic!("{:?}", after[0]) };
    assert_eq!((&*added.as_id, added.change), ("service1", What::Added));
    assert!(added.covers(Kind::User, "@bot:example.com") && !added.covers(Kind::User, "@bot2:example.com"));
}

#[test]
fn a_set_that_comes_back_is_recognized_where_it_was_last() {
    let live = Live::new(nothing());
    let all: Vec<Good> = (0..2).map(good).collect();
    let mut snapshot = with(&nothing(), &all[..1]);
    let first = Arc::clone(snapshot.digest());
    live.swap(Arc::clone(&snapshot));
    for files in [&all[..2], &all[..1], &all[..2]] {
        snapshot = with(&snapshot, files);
        live.swap(Arc::clone(&snapshot));
    }
    assert_eq!(generations(&live.since(&first).1), [4]);
}

#[test]
fn more_generations_than_are_remembered_are_a_reset() {
    let live = Live::new(nothing());
    let all: Vec<Good> = (0..2).map(good).collect();
    // A set of its own, that never comes back.
    let odd = with(&nothing(), &[good(2)]);
    live.swap(Arc::clone(&odd));
    let mut snapshot = with(&odd, &all[..1]);
    for at in 0..=GENERATIONS {
        live.swap(Arc::clone(&snapshot));
        let kept = live.since(odd.digest()).1;
        assert_eq!(matches!(kept, Since::Reset), at == GENERATIONS, "{at}");
        snapshot = with(&snapshot, if at % 2 == 0 { &all } else { &all[..1] });
    }
}

#[test]
fn a_change_that_is_too_large_to_be_told_is_a_new_beginning() {
    let live = Live::new(nothing());
    // Each takes some hundred bytes.
    let many: Vec<Good> = (0..MOST_BYTES / 64).map(good).collect();
    let first = with(&nothing(), &many[..1]);
    let second = with(&first, &many[..2]);
    let third = with(&second, &many);
    for snapshot in [&first, &second] {
        live.swap(Arc::clone(snapshot));
    }
    assert_eq!(generations(&live.since(first.digest()).1), [2]);
    live.swap(Arc::clone(&third));
    assert!(matches!(live.since(second.digest()).1, Since::Reset));
    assert_eq!(generations(&live.since(third.digest()).1), [] as [u64; 0]);
    live.swap(with(&third, &many[1..]));
    assert_eq!(generations(&live.since(third.digest()).1), [4]);
}

#[test]
fn large_changes_are_forgotten_before_their_time() {
    let live = Live::new(nothing());
    let many: Vec<Good> = (0..200).map(good).collect();
    let mut snapshot = with(&nothing(), &many[..1]);
    let mut digests = Vec::new();
    let mut in_all = 0;
    // The last of them is another each time, so that no set comes back.
    for extra in 1_000.. {
        live.swap(Arc::clone(&snapshot));
        digests.push(Arc::clone(snapshot.digest()));
        in_all += snapshot.touched().map_or(0, |touched| touched.iter().map(Touched::bytes).sum());
        if in_all > 2 * BYTES {
            break;
        }
        let others = if extra % 2 == 0 { &many[..] } else { &many[..1] };
        snapshot = with(&snapshot, &[others, &[good(extra)]].concat());
    }
    let known = digests.iter().filter(|digest| matches!(live.since(digest).1, Since::Known { .. })).count();
    assert!(digests.len() < GENERATIONS && known > 1 && known < digests.len(), "{known} of {}", digests.len());
}

#[tokio::test]
async fn a_task_waits_for_the_next_generation() {
    let live = Arc::new(Live::new(nothing()));
    let first = with(&nothing(), &[good(0)]);
    live.swap(Arc::clone(&first));
    // What is in force already is not waited for.
    assert_eq!(live.later_than(0).await.generation(), 1);
    let waiting = tokio::spawn({
        let live = Arc::clone(&live);
        async move { live.later_than(1).await.generation() }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    live.swap(with(&first, &[good(1)]));
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert_eq!(waited.expect("it is told").expect("it ends"), 2);
}
