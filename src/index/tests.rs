//! The index against a naive walk, whatever the dialect's precedence.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::homeserver::{Anchor, Dialect, Engine, Rank, RustRelease, Syntax};
use crate::matrix::{Kind, PerKind};
use crate::registration::{self, OwnedEntry, Place, TokenHasher, ValidRegex};
use python_re::{Outcome, Pattern};

/// Regexes that overlap in many ways, on a handful of names.
const REGEXES: [&str; 9] =
    ["@a.*", "@ab", "@[ab].*", "@a", "@.*b", "@(?!a)b?.*", "@(a|ab)c*", "@(?i:A)b", "@.*:example\\.com"];
const NAMES: [&str; 7] = ["a", "ab", "abc", "b", "bab", "ac", "bot0"];

fn registration(number: usize, entries: &[(usize, bool)]) -> Registration {
    let users = entries.iter().map(|&(regex, exclusive)| json!({"exclusive": exclusive, "regex": REGEXES[regex]}));
    let file = json!({
        "id": format!("as{number}"), "as_token": format!("as-{number}"), "hs_token": format!("hs-{number}"),
        "sender_localpart": format!("bot{number}"), "url": null, "namespaces": {"users": users.collect::<Vec<Value>>()},
    });
    let loaded = registration::load(&"test.yaml".into(), file.to_string().as_bytes(), &TokenHasher::new());
    loaded.expect("a registration that loads")
}

/// What a homeserver does: it looks whether the ID is the service's own user, then for an entry that matches: the first
/// exclusive one if `exclusive_first`, or else the first.
fn walked(registrations: &[Registration], exclusive_first: bool, id: &str) -> Vec<(usize, Option<u32>)> {
    let one = |(service, registration): (usize, &Registration)| {
        if id == format!("@{}:example.com", registration.sender_localpart()) {
            return Some((service, None));
        }
        let matches = |regex: &str| {
            let pattern = Pattern::parse(regex).expect("a pattern");
            pattern.backtracker().run(&mut python_re::Scratch::new(), id) == Outcome::Match
        };
        let users = || (0..).zip(registration.entries(Kind::User)).filter(|(_, entry)| matches(&entry.regex));
        let exclusive = users().find(|(_, entry)| exclusive_first && entry.exclusive);
        exclusive.or_else(|| users().next()).map(|(position, _)| (service, Some(position)))
    };
    registrations.iter().enumerate().filter_map(one).collect()
}

fn looked_up(index: &Index, id: &str) -> Vec<(usize, Option<u32>)> {
    let mut scratch = Scratch::new();
    let hits = index.lookup(MatrixId::parse(id).expect("an ID"), &mut scratch);
    hits.iter().map(|hit| (hit.service.index(), hit.rank.position())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_dialects_precedence_decides(
        services in prop::collection::vec(prop::collection::vec((0..REGEXES.len(), any::<bool>()), 0..6), 1..5),
        exclusive_first in any::<bool>(),
        change in any::<prop::sample::Index>(),
    ) {
        let dialect = if exclusive_first { Dialect::exclusive_first() } else { Dialect::default() };
        let homeserver = Homeserver::new("example.com".parse().expect("a server name"), dialect);
        let mut registrations: Vec<_> = (0..).zip(&services).map(|(at, entries)| registration(at, entries)).collect();
        let listed = |set: &[Registration]| set.iter().cloned().collect::<List<_>>();
        let index = Index::build(&homeserver, &listed(&registrations));
        // And again with one that stands in the overlay.
        let changed = change.index(registrations.len());
        let before = registrations.clone();
        registrations[changed] = registration(changed, &services[changed]);
        let [before, after] = [&before, &registrations].map(|set| listed(set));
        let updated = index.updated(&after, Common::of(&before, &after));
        for name in NAMES {
            let id = format!("@{name}:example.com");
            let walked = walked(&registrations, exclusive_first, &id);
            prop_assert_eq!(&looked_up(&index, &id), &walked, "{}", id);
            prop_assert_eq!(&looked_up(&updated, &id), &walked, "{}, updated", id);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// After any changes one after the other, with layers that are full after two and after twelve, so that what is drawn above
    /// happens in each way.
    #[test]
    fn after_many_changes_it_is_as_good_as_a_new_one(
        services in prop::collection::vec(prop::collection::vec((0..REGEXES.len(), any::<bool>()), 1..3), 40),
        first in 0..30_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..5_u8, any::<prop::sample::Index>()), 1..40),
    ) {
        let homeserver: Homeserver = "example.com".parse().expect("a server name");
        let pool: Vec<_> = (0..).zip(&services).map(|(at, entries)| registration(at, entries)).collect();
        let mut set = pool[..first].to_vec();
        let listed = |set: &Vec<Registration>| List::from(set.clone());
        let mut index = Index::build(&homeserver, &listed(&set));
        for (pick, what, other) in changes {
            let before = listed(&set);
            let one = pick.get(&pool);
            match (set.iter().position(|known| known.id() == one.id()), what) {
                (Some(at), 0) => drop(set.remove(at)),
                (Some(at), 1) => {
                    let one = set.remove(at);
                    set.insert(other.index(set.len() + 1), one);
                }
                (Some(at), _) => set[at] = {
                    registration(pick.index(pool.len()), &services[other.index(services.len())])
                },
                (None, 0) => set.insert(other.index(set.len() + 1), one.clone()),
                (None, _) => set.push(one.clone()),
            }
            let after = listed(&set);
            index = index.updated_within(Bounds { above: 12, recent: 2 }, &after, Common::of(&before, &after));
            prop_assert_eq!(index.strata().map(Stratum::services).sum::<usize>(), set.len());
            let fresh = Index::build(&homeserver, &after);
            for name in NAMES {
                let id = format!("@{name}:example.com");
                prop_assert_eq!(looked_up(&index, &id), looked_up(&fresh, &id), "{}", id);
            }
        }
    }
}

/// What was not proved to match and would free a name does not decide.
#[test]
fn an_entry_that_ran_out_of_steps_hides_no_exclusive_one() {
    let file = json!({
        "id": "a", "as_token": "t", "hs_token": "h", "sender_localpart": "s", "url": null,
        "namespaces": {"users": [
            {"exclusive": false, "regex": "@(a|a)*(b)\\2(?=x)"},
            {"exclusive": true, "regex": "@a.*"},
        ]},
    });
    let loaded = registration::load(&"test.yaml".into(), file.to_string().as_bytes(), &TokenHasher::new());
    let registrations = List::from_iter([loaded.expect("a registration that loads")]);
    let homeserver = "example.com".parse().expect("a server name");
    let index = Index::build(&homeserver, &registrations);
    let worst = format!("@{}!", "a".repeat(253));
    let mut scratch = Scratch::new();
    scratch.limit_steps(Some(0));
    let hits = index.lookup(MatrixId::parse(&worst).expect("an ID"), &mut scratch);
    let exclusive = homeserver.dialect.precedence().rank(1, true);
    assert_eq!(hits, [Hit { service: ServicePos::new(0), rank: exclusive, undecided: false }]);
    assert!(Rank::SENDER < exclusive);
}

/// What the module's documentation says of one regex.
#[test]
fn the_regex_that_is_followed_through_goes_that_way() {
    let pattern = Pattern::parse(r"@(?:irc|slack)_(?!admin).*:example\.com").expect("a pattern");
    let paths = pattern.paths();
    let prefixes: Vec<_> = paths.iter().map(|path| std::str::from_utf8(&path.prefix).expect("UTF-8")).collect();
    assert_eq!(prefixes, ["@irc_", "@slack_"]);
    for path in &paths {
        let [condition] = &path.conditions[..] else { panic!("one condition: {:?}", path.conditions) };
        assert!(condition.negated && condition.at == path.prefix.len(), "{condition:?}");
    }
    let mut interner = check::Interner::default();
    let checks: Vec<_> = paths.iter().map(|path| interner.check((path, false), &pattern, &mut None)).collect();
    assert_eq!(checks[0], checks[1], "one check for both");
}

/// And of layers.
#[test]
fn the_layers_lie_as_they_are_drawn() {
    let [same, old, gone, moved, new] = [0, 1, 2, 3, 4].map(|number| registration(number, &[(number, true)]));
    let changed = registration(1, &[(7, true)]);
    let homeserver = "example.com".parse().expect("a server name");
    let (old_set, new_set) = (
        [&same, &old, &gone, &moved].map(Registration::clone),
        [&same, &changed, &moved, &new].map(Registration::clone),
    );
    let (old_set, new_set) = (List::from_iter(old_set), List::from_iter(new_set));
    let after = Index::build(&homeserver, &old_set).updated(&new_set, Common::of(&old_set, &new_set));
    let indices = |stratum: &Stratum| stratum.positions().map(ServicePos::index).collect::<Vec<_>>();
    let recent = after.recent.as_ref().expect("a recent layer");
    assert_eq!((indices(&after.base), after.base.gone()), (vec![0, 2], 2));
    assert_eq!((indices(recent), recent.gone()), (vec![1, 3], 0));
    assert!(after.overlay.is_none());
}

/// What engines of other homeservers are asked: with a sigil and without, at the start, in either case, with words' boundaries,
/// with more prefixes than a trie is good for, and with what none of Unicode's cases ends.
const ELSEWHERE: [&str; 40] = [
    "@irc_.*",
    "^@irc_.*",
    "@IRC_x",
    "irc_",
    "foo|@irc_.*",
    "^@a|@b",
    "@a:@b",
    "@.*",
    ".*",
    "",
    "^",
    "@",
    "a$",
    r"\bbot\b",
    r"@\bbot",
    r"@bot\B",
    "@k[a-z]*s:",
    "@[kK]x",
    "(?i)@sIk_",
    "(?-i)@Sik_",
    "@(?-i:Ss)_",
    "@\u{212A}x",
    "@ß.*",
    "@(a|b)_.*:example\\.com",
    "@.*_x1:",
    "@.*_x2:",
    "@.*_x3:",
    "@.*_x4:",
    "@.*[0-9]_",
    "@.*[0-9]-",
    "@.*[0-9]=",
    "@.*[a-c]_y",
    "@[^a]b",
    "(?m)^b",
    "(?m:^)@b",
    "@x{2}",
    "@x{0}y",
    "(?s).b",
    "@a(?:^|b)",
    "x@",
];

/// Names of which some hold a second sigil, a line feed, capitals and characters whose other cases have other lengths.
const IDS: [&str; 26] = [
    "@irc_a:example.com",
    "@IRC_X:example.com",
    "@a:@b",
    "@a@irc_b:example.com",
    "@x@IRC_x",
    "@bot",
    "@bots",
    "@x bot y",
    "@kas:x",
    "@KaS:x",
    "@\u{212A}a\u{17F}:x",
    "@\u{212A}X",
    "@kx",
    "@sik_",
    "@SIK_",
    "@\u{17F}ik_x1:",
    "@a\nb",
    "@a\n@b",
    "@ẞx",
    "@ß@ß",
    "@1_x2:_x4:",
    "@9-9=c_y",
    "@xx",
    "@y",
    "@@@a_:example.com@B_:example.com",
    "@",
];

fn elsewhere(engine: Engine, anchor: Anchor, fold: bool) -> Homeserver {
    let syntax = Syntax { engine, anchor, fold: PerKind::all(fold) };
    Homeserver::new("example.com".parse().expect("a server name"), Dialect::reading(syntax))
}

/// A service that claims by these.
fn claiming(number: usize, regexes: &[&str]) -> Registration {
    let mut parts = registration(number, &[]).parts();
    parts.namespaces.users = (0..)
        .zip(regexes)
        .map(|(line, regex)| {
            let regex = ValidRegex::checked(*regex, |_| Ok::<_, ()>(())).expect("unchecked");
            OwnedEntry { regex, exclusive: true, group_id: None, place: Place { line: line + 1, column: 1 } }
        })
        .collect();
    parts.into()
}

/// The index, whatever way it finds an entry, and each pattern alone by each of its engines, on every ID.
#[test]
fn each_engine_of_other_homeservers_answers_as_each_pattern_alone() {
    let engines = [
        (Engine::GoRe2, Anchor::Anywhere, false),
        (Engine::Rust(RustRelease::V1_13), Anchor::Anywhere, false),
        (Engine::Rust(RustRelease::V1_13), Anchor::Anywhere, true),
        (Engine::Rust(RustRelease::V1_13), Anchor::Start, false),
        (Engine::Rust(RustRelease::V1_13), Anchor::Start, true),
        (Engine::Python, Anchor::Anywhere, false),
    ];
    for (engine, anchor, fold) in engines {
        let homeserver = elsewhere(engine, anchor, fold);
        let syntax = homeserver.dialect.syntax();
        let read = |regex: &&str| syntax.pattern(Kind::User, regex).is_ok();
        let regexes: Vec<&str> = ELSEWHERE.into_iter().filter(read).collect();
        let services: List<_> = regexes.iter().enumerate().map(|(at, regex)| claiming(at, &[regex])).collect();
        let index = Index::build(&homeserver, &services);
        for id in IDS {
            let found = looked_up(&index, id);
            for (at, regex) in regexes.iter().enumerate() {
                let pattern = syntax.pattern(Kind::User, regex).expect("a pattern");
                let scratch = &mut python_re::Scratch::new();
                let alone = pattern.matcher().run(scratch, id) == Outcome::Match;
                assert_eq!(pattern.backtracker().run(scratch, id) == Outcome::Match, alone, "{regex:?} on {id:?}");
                let by_automaton = pattern.regular().map(|hir| by_automaton(&hir, id));
                assert!(by_automaton.is_none_or(|matches| matches == alone), "{regex:?} on {id:?}");
                let found = found.contains(&(at, Some(0)));
                assert_eq!(found, alone, "{engine:?} {anchor:?}, fold: {fold}: {regex:?} on {id:?}");
            }
        }
    }
}

fn by_automaton(hir: &regex_syntax::hir::Hir, text: &str) -> bool {
    let nfa = regex_automata::nfa::thompson::Compiler::new().build_from_hir(hir).expect("compiles");
    let automaton = regex_automata::nfa::thompson::pikevm::PikeVM::new_from_nfa(nfa).expect("compiles");
    let input = regex_automata::Input::new(text).anchored(regex_automata::Anchored::Yes);
    automaton.is_match(&mut automaton.create_cache(), input)
}

/// A prefix without regard to case is one key and not one for each way to write it, and what is looked for anywhere has one.
#[test]
fn other_homeservers_prefixes_are_no_more_than_synapses() {
    let regexes: Vec<String> = (0..200).map(|at| format!("@skirk{at}_.*:example\\.com")).collect();
    let services: List<_> = regexes.iter().enumerate().map(|(at, regex)| claiming(at, &[regex])).collect();
    let bytes = |homeserver: &Homeserver| Index::build(homeserver, &services).size().bytes;
    let synapse = bytes(&"example.com".parse().expect("a server name"));
    for fold in [false, true] {
        let other = bytes(&elsewhere(Engine::Rust(RustRelease::V1_13), Anchor::Anywhere, fold));
        assert!(other < 2 * synapse, "{other} bytes, and {synapse} for Synapse; fold: {fold}");
    }
}

/// Whom a homeserver takes for the service itself.
#[test]
fn a_services_own_user_is_recognised_as_the_homeserver_does() {
    for (name, own, others) in [
        (
            "synapse",
            &["@bot7:example.com"][..],
            &["@bot7:elsewhere.org", "@BOT7:example.com", "@x@bot7:example.com"][..],
        ),
        ("dendrite", &["@bot7:example.com", "@x@bot7:example.com.org"], &["@bot7:elsewhere.org", "@BOT7:example.com"]),
        ("tuwunel", &["@bot7:example.com"], &["@BOT7:example.com", "@x@bot7:example.com", "@bot7:example.com.org"]),
        ("continuwuity", &["@bot7:example.com", "@bot7:elsewhere.org"], &["@BOT7:example.com", "@bot77:example.com"]),
    ] {
        let dialect = name.parse().expect("a dialect");
        let homeserver = Homeserver::new("example.com".parse().expect("a server name"), dialect);
        let index = Index::build(&homeserver, &List::from_iter([claiming(7, &[])]));
        for (ids, is_own) in [(own, true), (others, false)] {
            for id in ids {
                assert_eq!(looked_up(&index, id) == [(0, None)], is_own, "{name}: {id}");
            }
        }
    }
}
