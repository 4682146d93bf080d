//! The index against a naive walk, whatever the dialect's precedence.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::homeserver::{Dialect, Rank};
use crate::registration::{self, TokenHasher};
use python_re::{Outcome, Pattern};

/// Regexes that overlap in many ways, on a handful of names.
const REGEXES: [&str; 9] =
    ["@a.*", "@ab", "@[ab].*", "@a", "@.*b", "@(?!a)b?.*", "@(a|ab)c*", "@(?i:A)b", "@.*:example\\.com"];
const NAMES: [&str; 7] = ["a", "ab", "abc", "b", "bab", "ac", "bot0"];

fn registration(number: usize, entries: &[(usize, bool)]) -> Arc<Registration> {
    let users = entries.iter().map(|&(regex, exclusive)| json!({"exclusive": exclusive, "regex": REGEXES[regex]}));
    let file = json!({
        "id": format!("as{number}"), "as_token": format!("as-{number}"), "hs_token": format!("hs-{number}"),
        "sender_localpart": format!("bot{number}"), "url": null, "namespaces": {"users": users.collect::<Vec<Value>>()},
    });
    let loaded = registration::load(&"test.yaml".into(), file.to_string().as_bytes(), &TokenHasher::new());
    Arc::new(loaded.expect("a registration that loads"))
}

/// What a homeserver does: it looks whether the ID is the service's own user, then for an entry that matches: the first
/// exclusive one if `exclusive_first`, or else the first.
fn walked(registrations: &[Arc<Registration>], exclusive_first: bool, id: &str) -> Vec<(usize, Option<u32>)> {
    let one = |(service, registration): (usize, &Arc<Registration>)| {
        if id == format!("@{}:example.com", registration.sender_localpart) {
            return Some((service, None));
        }
        let matches = |regex: &str| {
            let pattern = Pattern::parse(regex).expect("a pattern");
            pattern.backtracker().run(&mut python_re::Scratch::new(), id) == Outcome::Match
        };
        let users = || (0..).zip(&registration.namespaces.users).filter(|(_, entry)| matches(&entry.regex));
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
        let index = Index::build(&homeserver, &registrations);
        // And again with one that stands in the overlay.
        let changed = change.index(registrations.len());
        registrations[changed] = registration(changed, &services[changed]);
        let updated = index.updated(&registrations);
        for name in NAMES {
            let id = format!("@{name}:example.com");
            let walked = walked(&registrations, exclusive_first, &id);
            prop_assert_eq!(&looked_up(&index, &id), &walked, "{}", id);
            prop_assert_eq!(&looked_up(&updated, &id), &walked, "{}, updated", id);
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
    let registrations = [Arc::new(loaded.expect("a registration that loads"))];
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
    let checks: Vec<_> = paths.iter().map(|path| interner.check(path, &pattern, &mut None)).collect();
    assert_eq!(checks[0], checks[1], "one check for both");
}

/// And of two layers.
#[test]
fn two_layers_lie_as_they_are_drawn() {
    let [same, old, gone, moved, new] = [0, 1, 2, 3, 4].map(|number| registration(number, &[(number, true)]));
    let changed = registration(1, &[(7, true)]);
    let homeserver = "example.com".parse().expect("a server name");
    let before = Index::build(&homeserver, &[&same, &old, &gone, &moved].map(Arc::clone));
    let after = before.updated(&[&same, &changed, &moved, &new].map(Arc::clone));
    let indices = |stratum: &Stratum| stratum.positions().map(ServicePos::index).collect::<Vec<_>>();
    let overlay = after.overlay.as_ref().expect("an overlay");
    assert_eq!((indices(&after.base), after.base.gone()), (vec![0, 2], 2));
    assert_eq!((indices(overlay), overlay.gone()), (vec![1, 3], 0));
}
