use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::homeserver::Dialect;
use crate::index::Scratch;
use crate::matrix::MatrixId;
use crate::registration::{self, TokenHasher};
use crate::ruling::{Asker, Services, UserName};
use crate::snapshot::changes;

/// Regexes as they come, of all kinds; few, so that services claim the same.
const REGEXES: [&str; 20] = [
    "@irc_.*",
    "@irc_.*:example\\.com",
    "@irc_[0-7]x.*",
    "@(?:irc|tg)_.*:example\\.com",
    "@tg_\\d+:example\\.com\\Z",
    "@tg_1:example\\.com\\Z",
    "@.*_bot:example\\.com",
    "@.*",
    "(?i)@ir.*",
    "@(?=irc)[a-z]+_a.*",
    "@(i)rc_\\1.*",
    ".*:example\\.com",
    "@?irc.*",
    "#irc_.*",
    "#(?:a|b).*:example\\.com",
    ".*",
    "",
    "!a.*",
    "irc.*",
    "@é.*",
];

const LOCALPARTS: [&str; 14] =
    ["irc_a", "irc_ii", "irc_1x", "IRC_a", "tg_1", "tg_12", "x_bot", "bot0", "bot1", "bot2", "alice", "a", "é", ""];

/// What a service is made from.
#[derive(Clone, Debug)]
struct Said {
    file: usize,
    sender: usize,
    /// Lines before everything, which move all places.
    comments: usize,
    /// Regex, exclusive, group.
    entries: [Vec<(usize, bool, Option<usize>)>; 3],
}

fn said() -> impl Strategy<Value = Said> {
    let entries = || prop::collection::vec((0..REGEXES.len(), any::<bool>(), prop::option::of(0..2_usize)), 0..4);
    // What differs rarely is the same as a rule, so that an entry alone makes a difference.
    let mostly_0 = || prop_oneof![6 => Just(0_usize), 1 => 1..3_usize];
    (mostly_0(), mostly_0(), mostly_0(), [entries(), entries(), entries()])
        .prop_map(|(file, sender, comments, entries)| Said { file, sender, comments, entries })
}

/// For each of a few ids what it says, if it is there, in an order.
type Set = Vec<(usize, Said)>;

/// A set, and what has become of it.
fn sets() -> impl Strategy<Value = (Set, Set)> {
    let edit = prop_oneof![
        3 => Just(None),
        2 => prop::option::of(said()).prop_map(Some),
    ];
    let services = prop::collection::vec((said(), edit, prop::option::of(0..3_usize)), 1..5);
    (services, any::<bool>(), any::<prop::sample::Index>()).prop_map(|(services, swap, at)| {
        let before: Set = services.iter().map(|(said, ..)| said.clone()).enumerate().collect();
        let mut after: Set = Vec::new();
        for (id, (said, edit, drop)) in services.into_iter().enumerate() {
            let mut said = match edit {
                None => said,
                Some(None) => continue,
                Some(Some(other)) => other,
            };
            // An edit of one entry and of nothing else.
            if let Some(kind) = drop {
                said.entries[kind].pop();
            }
            after.push((id, said));
        }
        if swap && after.len() > 1 {
            let at = at.index(after.len() - 1);
            after.swap(at, at + 1);
        }
        (before, after)
    })
}

fn registration(hasher: &TokenHasher, id: usize, said: &Said) -> Registration {
    let lists = said.entries.each_ref().map(|entries| {
        let shown = entries.iter().map(|(regex, exclusive, group)| {
            let mut entry = json!({"regex": REGEXES[*regex], "exclusive": exclusive});
            if let Some(group) = group {
                entry["group_id"] = json!(format!("+group{group}:example.com"));
            }
            entry
        });
        shown.collect::<Vec<Value>>()
    });
    let file = json!({
        "id": format!("as{id}"), "as_token": format!("as-token-{id}"), "hs_token": "h", "url": null,
        "sender_localpart": format!("bot{}", id + said.sender),
        "namespaces": {"users": lists[0], "aliases": lists[1], "rooms": lists[2]},
    });
    let text = "# a comment\n".repeat(said.comments) + &file.to_string();
    let name = format!("{}{id}.yaml", "moved/".repeat(said.file));
    registration::load(&name.as_str().into(), text.as_bytes(), hasher).expect("it loads")
}

/// The very same registration for what is the same, as a reload has it.
fn services(dialect: Dialect, before: &[(usize, Said)], after: &[(usize, Said)]) -> [Services; 2] {
    let hasher = &TokenHasher::new();
    let old: Vec<_> = before.iter().map(|(id, said)| registration(hasher, *id, said)).collect();
    let new = after.iter().map(|(id, said)| {
        let same = before.iter().position(|(other, was)| other == id && format!("{was:?}") == format!("{said:?}"));
        same.map_or_else(|| registration(hasher, *id, said), |at| old[at].clone())
    });
    let new: Vec<_> = new.collect();
    let homeserver = Homeserver::new("example.com".parse().expect("a server name"), dialect);
    [Services::new(homeserver.clone(), old.into()), Services::new(homeserver, new.into())]
}

/// What is said of an ID: of which one in the end, for a person who types capitals registers another; the service that
/// asks, if one does; and all the rest.
type Told = (String, Option<String>, Value);

/// All that may be said of an ID.
fn answers(services: &Services, id: &str) -> Vec<Told> {
    let scratch = &mut Scratch::default();
    let matrix_id = MatrixId::parse(id).expect("an ID");
    let mut answers = vec![(id.to_owned(), None, json!(services.ownership(matrix_id, scratch)))];
    let decision = |decision: crate::ruling::Decision<'_>| {
        json!([decision.allowed, decision.reason, decision.errcode, decision.error, decision.claims])
    };
    let mut askers = vec![(None, Asker::Person), (None, Asker::Availability)];
    askers.extend((0..4).map(|id| {
        let as_id = format!("as{id}");
        let asker = services.position_of_id(&as_id).map_or(Asker::Unknown(None), Asker::Service);
        (Some(as_id), asker)
    }));
    for (as_id, asker) in askers {
        match matrix_id.kind() {
            Kind::User => {
                let decided = services.may_register(asker, UserName::UserId(id), scratch);
                let of = decided.user_id.clone().expect("a user ID");
                answers.push((of, as_id, decision(decided)));
            }
            Kind::Alias => {
                for user in [None, Some("@alice:example.com"), Some("@bot0:example.com"), Some("@bot1:example.com")] {
                    let decided = decision(services.may_create_alias(matrix_id, asker, user, scratch));
                    answers.push((id.to_owned(), as_id.clone(), decided));
                }
            }
            Kind::Room => {}
        }
    }
    answers
}

fn ids() -> Vec<String> {
    let kinds = ["@", "#", "!"].into_iter();
    let servers = [":example.com", ":example.com\n", ":example.community", ":elsewhere.org", ""];
    let of =
        |sigil: &str| LOCALPARTS.map(|localpart| servers.map(|server| format!("{sigil}{localpart}{server}"))).concat();
    kinds.flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn whatever_answer_differs_is_covered(
        (before, after) in sets(),
        dialect in prop::sample::select(&Dialect::ALL[..]),
        more in prop::collection::vec("[@#!](irc_|tg_|bot|a|é)?[a-z0-9_A-Zé]{0,4}(:example\\.com)?\n?", 8),
    ) {
        let [old, new] = services(dialect, &before, &after);
        let touched = touched(old.homeserver(), &changes::between(&old, &new)).expect("little enough");
        for id in ids().iter().chain(&more) {
            let kind = MatrixId::parse(id).expect("an ID").kind();
            for ((id, asker, was), (_, _, is)) in answers(&old, id).into_iter().zip(answers(&new, id)) {
                let covered = touched.iter().any(|touched| touched.covers(kind, &id));
                let asker_is_told = asker.is_some_and(|asker| touched.iter().any(|touched| *touched.as_id == *asker));
                prop_assert!(covered || asker_is_told || was == is, "{dialect:?} {id:?}\n{was:#}\n{is:#}\n{touched:#?}");
            }
        }
    }

    #[test]
    fn changes_one_after_the_other_cover_what_they_come_to(
        (first, second) in sets(),
        (third, fourth) in sets(),
    ) {
        let sets = [first, second, third, fourth];
        let mut all = Vec::new();
        for pair in sets.windows(2) {
            let [old, new] = services(Dialect::default(), &pair[0], &pair[1]);
            all.push(touched(old.homeserver(), &changes::between(&old, &new)).expect("little enough"));
        }
        let merged = merged(all.iter().flat_map(|touched| touched.iter())).expect("little enough");
        let [old, new] = services(Dialect::default(), &sets[0], &sets[3]);
        for id in ids() {
            let kind = MatrixId::parse(&id).expect("an ID").kind();
            if !merged.iter().any(|touched| touched.covers(kind, &id)) {
                prop_assert_eq!(&answers(&old, &id)[0], &answers(&new, &id)[0], "{:?}", id);
            }
        }
        // What is said to have come, gone or changed has.
        for touched in merged {
            let (was, is) = (old.position_of_id(&touched.as_id).is_some(), new.position_of_id(&touched.as_id).is_some());
            let expected = match (was, is) {
                (false, true) => What::Added,
                (true, true) => What::Changed,
                // It may have come meanwhile, and gone again.
                (_, false) => What::Removed,
            };
            prop_assert_eq!(touched.change, expected);
        }
    }
}

fn one(entries: &[(usize, bool, Option<usize>)]) -> Vec<(usize, Said)> {
    vec![(0, Said { file: 0, sender: 0, comments: 0, entries: [entries.to_vec(), Vec::new(), Vec::new()] })]
}

fn told(before: &[(usize, Said)], after: &[(usize, Said)]) -> Vec<Beginning> {
    let [old, new] = services(Dialect::default(), before, after);
    let touched = touched(old.homeserver(), &changes::between(&old, &new)).expect("little enough");
    touched.iter().flat_map(|touched| touched.ids[Kind::User].to_vec()).collect()
}

#[test]
fn no_more_is_told_than_has_to_be() {
    let irc = (1, true, None);
    let tg = (5, true, None);
    // One entry more touches what it matches, and neither the others nor the service's own user.
    assert_eq!(told(&one(&[irc]), &one(&[irc, tg])), [Beginning::Id("@tg_1:example.com".into())]);
    // Before the other, it moves that in the list.
    let both = [Beginning::Prefix("@irc_".into()), Beginning::Id("@tg_1:example.com".into())];
    assert_eq!(told(&one(&[irc]), &one(&[tg, irc])), both);
    // A file that says the same in other bytes.
    let [mut said] = <[_; 1]>::try_from(one(&[irc])).expect("one");
    said.1.comments = 1;
    assert_eq!(told(&one(&[irc]), &[said]).len(), 2, "all places differ");
    // Order alone, of services that claim the same.
    let two = |order: [usize; 2]| order.map(|id| (id, one(&[irc])[0].1.clone())).to_vec();
    assert_eq!(told(&two([0, 1]), &two([0, 1])), []);
    assert_eq!(told(&two([0, 1]), &two([1, 0])).len(), 2, "one of the two, with its own user");
}

#[test]
fn what_is_too_much_to_be_told_is_not_told() {
    let hasher = TokenHasher::new();
    let many: Vec<_> =
        (0..MOST_BYTES / 100).map(|id| ServiceChange::Added(registration(&hasher, id, &one(&[])[0].1))).collect();
    let homeserver: Homeserver = "example.com".parse().expect("a server name");
    let some = touched(&homeserver, &many[..100]).expect("little enough");
    assert!(touched(&homeserver, &many).is_none());
    let ids = |at: usize| Touched { as_id: format!("{at}").into(), ..some[at % 100].clone() };
    assert!(merged(&(0..100).map(ids).collect::<Vec<_>>()).is_some());
    assert!(merged(&(0..MOST_BYTES / 100).map(ids).collect::<Vec<_>>()).is_none());
}
