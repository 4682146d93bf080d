//! Findings are true, complete, and end within limits.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use bailiwick::analysis::{
    Analysis, Change, ChangeKind, Code, Comparer, Deadline, Finding, Relation, Set, Severity, WitnessIs,
};
use bailiwick::homeserver::Dialect;
use bailiwick::index::Scratch;
use bailiwick::list::List;
use bailiwick::matrix::{Kind, MatrixId};
use bailiwick::registration::{self, Entries, Registration, TokenHasher};
use bailiwick::ruling::{Services, Status};
use proptest::prelude::*;
use serde_json::{Value, json};

/// One for all tests: each has threads.
static COMPARER: LazyLock<Comparer> = LazyLock::new(|| Comparer::new().expect("threads"));

fn analyse(services: &Services, previous: &Analysis, deadline: &Deadline) -> Analysis {
    COMPARER.analyse(&Set::new(services), previous, deadline)
}

fn difference(old: &Services, new: &Services) -> Vec<Change> {
    COMPARER.difference(old, new)
}

/// An entry as a test writes it: kind, regex, exclusive.
type Entry<'a> = (&'a str, &'a str, bool);

fn registration(id: &str, sender: &str, entries: &[Entry<'_>]) -> Registration {
    let of = |kind: &str| -> Vec<Value> {
        let own = entries.iter().filter(|(own, ..)| *own == kind);
        own.map(|(_, regex, exclusive)| json!({"regex": regex, "exclusive": exclusive})).collect()
    };
    let file = json!({
        "id": id, "as_token": format!("{id}-as-token-0123456789abcdef"), "hs_token": format!("{id}-hs-token-0123456789abcdef"),
        "sender_localpart": sender, "url": null,
        "namespaces": {"users": of("users"), "aliases": of("aliases"), "rooms": of("rooms")},
    });
    let name = format!("{id}.yaml");
    let loaded = registration::load(&name.as_str().into(), file.to_string().as_bytes(), &TokenHasher::new());
    loaded.unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn services(registrations: impl Into<List<Registration>>) -> Services {
    Services::new("example.com".parse().expect("a server name"), registrations.into())
}

pub(crate) fn findings_of(services: &Services) -> Vec<Arc<Finding>> {
    analyse(services, &Analysis::default(), &Deadline::none()).findings.to_vec()
}

/// Two services, `a` and `b`, each with one entry for users.
fn two(a: (&str, bool), b: (&str, bool)) -> Services {
    services(vec![
        registration("a", "a-bot", &[("users", a.0, a.1)]),
        registration("b", "b-bot", &[("users", b.0, b.1)]),
    ])
}

fn one_of(code: Code, services: &Services) -> Option<Arc<Finding>> {
    findings_of(services).into_iter().find(|finding| finding.code == code)
}

#[test]
fn collisions_are_found_with_their_relation_and_a_shortest_witness() {
    for (a, b, relation, witness, is) in [
        (r"@irc_.*:example\.com", "@irc_.*", Relation::Equal, "@irc_:example.com", WitnessIs::Valid),
        ("@wechat_.*", "@wechat_test_.*", Relation::Contains, "@wechat_test_:example.com", WitnessIs::Valid),
        (
            r"^@slack_[a-z-A-Z0-9\-]+:example\.com$",
            "@slack_.*",
            Relation::Contained,
            "@slack_a:example.com",
            WitnessIs::Valid,
        ),
        ("@_.*_overlap", "@_appservice_.*", Relation::Overlaps, "@_appservice_overlap:example.com", WitnessIs::Valid),
        ("@X.*", "@.X*Y.*", Relation::Overlaps, "@XY:example.com", WitnessIs::Historical),
        (
            r"@x(1:example\.com|:other\.org)",
            r"@x(2:example\.com|:other.*)",
            Relation::Overlaps,
            "@x:other.org",
            WitnessIs::Remote,
        ),
        (
            "@(?!admin)[a-z]+_irc:example.com",
            "@[a-z]{5}_irc.*",
            Relation::Overlaps,
            "@aaaaa_irc:example.com",
            WitnessIs::Valid,
        ),
        (r"@[a-z]++_x.*", "@a_.*", Relation::Overlaps, "@a_x:example.com", WitnessIs::Valid),
        (r"@.*(?<=_bot):example\.com", "@x.*", Relation::Overlaps, "@x_bot:example.com", WitnessIs::Valid),
    ] {
        let found = one_of(Code::ExclusiveConflict, &two((a, true), (b, true)));
        let found = found.unwrap_or_else(|| panic!("{a} and {b}: nothing found"));
        let facts = (found.relation, found.witness.as_deref(), found.witness_is);
        assert_eq!(facts, (Some(relation), Some(witness), Some(is)), "{a} and {b}: {}", found.message);
        let severity = if is == WitnessIs::Valid {
            Severity::Error
        } else if is == WitnessIs::Remote {
            Severity::Note
        } else {
            Severity::Warning
        };
        assert_eq!(found.severity, severity);
    }
}

#[test]
fn what_does_not_meet_is_not_reported() {
    for (a, b) in [
        ("@irc_.*", "@tg_.*"),
        ("@(?!bot)x.*", "@bot.*"),
        (r"@a_[0-9]+:example\.com", r"@a_[a-z]+:example\.com"),
        (r"@x.*:other\.org", r"@x.*:example\.com"),
        (r"@[a-z]++a:example\.com", "@x.*"),
        (r"@(?=a)b.*", "@b.*"),
    ] {
        for exclusive in [true, false] {
            let services = two((a, true), (b, exclusive));
            for code in [Code::ExclusiveConflict, Code::BlockedByExclusive] {
                assert_eq!(one_of(code, &services), None, "{a} and {b}");
            }
        }
    }
    // Two that only look on are no finding.
    assert_eq!(one_of(Code::BlockedByExclusive, &two(("@x.*", false), ("@x.*", false))), None);
}

#[test]
fn each_code_has_its_case() {
    let users = |regex: &str| services(vec![registration("a", "a-bot", &[("users", regex, true)])]);
    let message = |code, regex: &str| one_of(code, &users(regex)).map(|found| found.message.clone());
    for (regex, why) in [
        (r"@x.*:other\.org", "another server (`other.org`)"),
        ("#x.*", "begins with `#`"),
        ("webhook", "begins with `@`"),
        ("@.*:${SERVER_NAME}", "placeholder"),
        ("@x{{ DOMAIN }}", "placeholder"),
        ("@^irc_.*", "`^` asks for the start"),
        ("@(?:^irc_.*)+", "`^` asks for the start"),
        (r"^@(.)\1:example\.com$\n^@x", "`^` asks for the start"),
        ("(?:@(a|^b))^.*", "`^` asks for the start"),
        ("’^@x.*’", "quotation mark `’`"),
        ("'@x.*'", "quotation mark `'`"),
        ("/^@x.*/", "slashes"),
        (" @x.*", "white space"),
    ] {
        let message = message(Code::DeadEntry, regex);
        assert!(message.as_ref().is_some_and(|message| message.contains(why)), "{regex}: {message:?}");
    }
    for regex in ["^@x.*|^@y.*", "(^@x)+.*", "^(?:^@x|@y).*", r"(?:\A@x)?@x", r"@(?:^y)?x", "@x.*(?<=y)"] {
        assert_eq!(message(Code::DeadEntry, regex), None, "{regex}");
        assert_eq!(message(Code::Backtracking, regex), None, "{regex}");
    }
    let aliases = services(vec![registration("a", "a-bot", &[("aliases", "irc", true)])]);
    let dead = one_of(Code::DeadEntry, &aliases).expect("it is dead");
    assert!(dead.message.ends_with("the ID of an alias begins with `#`"), "{}", dead.message);
    assert!(message(Code::LooksLikeGlob, "@irc_*").is_some_and(|message| message.contains("`@irc_.*`")));
    assert!(
        message(Code::LooksLikeGlob, r"@irc_*:example\.com").is_some_and(|m| m.contains(r"`@irc_.*:example\.com`"))
    );
    assert_eq!(message(Code::LooksLikeGlob, "@irc_.*"), None);
    assert_eq!(message(Code::LooksLikeGlob, r"@ab*c:example\.com"), None);
    for regex in ["@irc_.*:example.com", "@b1;x:example.com", "@b1_{u}:example.com"] {
        assert!(message(Code::UnescapedDot, regex).is_some(), "{regex}");
    }
    assert!(message(Code::OpenEnd, r"@irc_.*:example\.com").is_some());
    assert_eq!(message(Code::OpenEnd, r"@irc_.*:example\.com$"), None);
    assert!(message(Code::Backtracking, r"@(.)\1.*").is_some());
    for (regex, exclusive, severity) in
        [("@.*", true, Severity::Error), ("@..*", true, Severity::Error), ("@.*:example.com", false, Severity::Note)]
    {
        let found =
            one_of(Code::ClaimsEveryone, &services(vec![registration("a", "a-bot", &[("users", regex, exclusive)])]));
        assert_eq!(found.map(|found| found.severity), Some(severity), "{regex}");
    }
    assert_eq!(message(Code::ClaimsEveryone, "@[a-z].*"), None);
    assert!(message(Code::UnjoinableRegex, "(?i)@irc_.*").is_some());
    assert!(message(Code::UnjoinableRegex, "(?i:@irc_.*)").is_none());
    let shadowed =
        services(vec![registration("a", "a-bot", &[("users", "@irc_.*", false), ("users", "@irc_admin.*", true)])]);
    assert_eq!(one_of(Code::ShadowedEntry, &shadowed).and_then(|found| found.relation), Some(Relation::Contains));
    let sender =
        services(vec![registration("a", "irc_bot", &[]), registration("b", "b", &[("users", "@irc_.*", true)])]);
    assert_eq!(
        one_of(Code::SenderConflict, &sender).and_then(|found| found.witness.clone()).as_deref(),
        Some("@irc_bot:example.com")
    );
    let blocked = two(("@irc_.*", false), ("@irc_x.*", true));
    assert_eq!(one_of(Code::BlockedByExclusive, &blocked).map(|found| found.severity), Some(Severity::Warning));
    let named_twice = two(("@(?P<n>a).*", true), ("@(?P<n>b).*", true));
    assert!(one_of(Code::UnjoinableRegex, &named_twice).is_some());
}

/// Go 1.25.5: `(\Q@irc_)|(@b.*)` misses a closing parenthesis, `(\Q@irc_\E)|(@b.*)` and a name used twice do not.
#[test]
fn dendrite_joins_the_regexes_of_all_files() {
    let dendrite: Dialect = "dendrite".parse().expect("a dialect");
    let join = dendrite.join().expect("Dendrite joins");
    let broken = |regexes: &[&str]| join.broken(regexes).map(|broken| broken.at);
    assert_eq!(broken(&["@b.*", r"\Q@irc_", "@c.*"]), Some(1));
    assert_eq!(broken(&["@b.*", r"\Q@irc_\E", "(?P<n>@c)", "(?P<n>@d)", "(?i)@e"]), None);
    assert_eq!(join.deciding(&["@a", r"\Q@irc_"]), [0, 1]);
}

#[test]
fn what_two_files_share_and_each_should_have_for_itself_is_found_with_the_first() {
    let hasher = TokenHasher::new();
    let load = |id: &str, hs_token: &str, url: &str| {
        let file = json!({
            "id": id, "as_token": format!("{id}-as-token-0123456789abcdef"), "hs_token": hs_token,
            "sender_localpart": id, "url": url, "namespaces": {},
        });
        let loaded = registration::load(&format!("{id}.yaml").into(), file.to_string().as_bytes(), &hasher);
        loaded.unwrap_or_else(|faults| panic!("{faults:?}"))
    };
    let (secret, other) = ("shared-hs-token-0123456789abcdef", "another-hs-token-0123456789abcdef");
    let found = findings_of(&services(vec![
        load("a", secret, "http://localhost:1"),
        load("b", other, "http://localhost:2"),
        load("c", secret, "http://localhost:1/"),
        load("d", secret, ""),
        load("e", "a-third-hs-token-0123456789abcdef", ""),
    ]));
    let said = |code: Code| -> Vec<(String, String)> {
        let of_code = found.iter().filter(|finding| finding.code == code);
        of_code.map(|finding| (finding.places[0].as_id.to_string(), finding.places[1].as_id.to_string())).collect()
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(said(Code::SharedToken), [pair("a", "c"), pair("a", "d")]);
    assert_eq!(said(Code::SharedUrl), [pair("a", "c")]);
    // Each is shown where it stands.
    let shared = found.iter().filter(|finding| matches!(finding.code, Code::SharedUrl | Code::SharedToken));
    for place in shared.flat_map(|finding| &finding.places) {
        assert!(place.column > 1, "{place:?}");
    }
    assert!(found.iter().all(|finding| !finding.message.contains(secret)), "{found:?}");
}

/// Every witness, asked of the service, is what the finding says.
fn assert_true(services: &Services, finding: &Finding) {
    let Some(witness) = &finding.witness else { return };
    let id = MatrixId::parse(witness).expect("a witness is an ID");
    let ownership = services.ownership(id, &mut Scratch::new());
    let claim = |as_id: &str| ownership.claims.iter().find(|claim| claim.as_id == as_id);
    let is_remote = !witness.ends_with(":example.com");
    assert_eq!(finding.witness_is == Some(WitnessIs::Remote), is_remote, "{finding:?}");
    let places = &finding.places;
    match finding.code {
        Code::ExclusiveConflict => {
            assert_eq!(ownership.status, Status::Contested, "{finding:?}");
            for place in places {
                let claim = claim(&place.as_id).expect("a claim");
                assert_eq!((claim.exclusive, claim.index), (true, place.index), "{finding:?}");
            }
        }
        Code::BlockedByExclusive => {
            for (place, exclusive) in places.iter().zip([false, true]) {
                let claim = claim(&place.as_id).expect("a claim");
                assert_eq!((claim.exclusive, claim.index), (exclusive, place.index), "{finding:?}");
            }
        }
        Code::ShadowedEntry => {
            // Earlier still, a third entry may decide.
            assert!(
                claim(&places[0].as_id).expect("a claim").index.is_none_or(|at| Some(at) <= places[0].index),
                "{finding:?}"
            );
        }
        Code::LooksLikeGlob | Code::OpenEnd | Code::UnescapedDot => {
            assert!(claim(&places[0].as_id).is_some(), "{finding:?}");
        }
        Code::SenderConflict => {
            assert!(ownership.claims.iter().filter(|claim| claim.exclusive).count() >= 2, "{finding:?}");
        }
        _ => {}
    }
}

/// A regex in the shape of real ones, over so few letters that many meet.
fn regex() -> impl Strategy<Value = String> {
    const OFTEN: [&str; 14] =
        [".*", ".*", ".*", ".+", "[ab]+", "[^a]*", "a?", "(a|bb)", "(?!a)", "(?=.b)", "_*", "a{1,2}", "(?<!a)", "b++"];
    let part = prop_oneof![prop::sample::select(&OFTEN[..]).prop_map(str::to_owned), "[ab_]{1,2}"];
    let end = prop::sample::select(
        &[r":example\.com", r":example\.com", "", "", "$", r":example\.com$", ":example.com", r":other\.org"][..],
    );
    (prop::collection::vec(part, 0..4), end).prop_map(|(parts, end)| format!("@{}{end}", parts.concat()))
}

fn set() -> impl Strategy<Value = Vec<Vec<(String, bool)>>> {
    prop::collection::vec(prop::collection::vec((regex(), any::<bool>()), 1..4), 2..5)
}

fn services_of(set: &[Vec<(String, bool)>]) -> Services {
    let registrations = set.iter().enumerate().map(|(at, entries)| {
        let entries: Vec<Entry<'_>> =
            entries.iter().map(|(regex, exclusive)| ("users", &**regex, *exclusive)).collect();
        registration(&format!("as{at}"), &format!("sender{at}"), &entries)
    });
    services(registrations.collect::<List<_>>())
}

/// All local user IDs of up to four of these letters.
fn local_ids() -> Vec<String> {
    let mut localparts = vec![String::new()];
    let mut ids = Vec::new();
    for _ in 0..4 {
        localparts =
            localparts.iter().flat_map(|part| ["a", "b", "_", "c", "1"].map(|c| format!("{part}{c}"))).collect();
        ids.extend(localparts.iter().map(|part| format!("@{part}:example.com")));
    }
    ids
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_witness_is_true_and_nothing_contested_is_missed(set in set()) {
        let services = services_of(&set);
        let findings = findings_of(&services);
        for finding in &findings {
            assert_true(&services, finding);
        }
        let of = |finding: &Finding, at: usize| finding.places[at].as_id.to_string();
        let conflicts: BTreeSet<(String, String)> = findings
            .iter()
            .filter(|finding| finding.code == Code::ExclusiveConflict)
            .map(|finding| (of(finding, 0), of(finding, 1)))
            .collect();
        let everyone: BTreeSet<&str> = findings
            .iter()
            .filter(|finding| matches!(finding.code, Code::ClaimsEveryone | Code::Backtracking | Code::NotCompared))
            .map(|finding| &*finding.places[0].as_id)
            .collect();
        for id in local_ids() {
            let ownership = services.ownership(MatrixId::parse(&id).expect("an ID"), &mut Scratch::new());
            let holders: Vec<&str> = ownership.claims.iter().filter(|claim| claim.exclusive).map(|claim| claim.as_id).collect();
            for (at, first) in holders.iter().enumerate() {
                for second in &holders[at + 1..] {
                    let known = conflicts.contains(&((*first).to_owned(), (*second).to_owned()));
                    prop_assert!(known || everyone.contains(first) || everyone.contains(second), "{id}: {holders:?} in {set:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_analysed_step_by_step_is_the_same(set in set(), changed in set()) {
        let (before, after) = (services_of(&set), services_of(&changed));
        // The first service stays as it was.
        let mut mixed = after.registrations().clone();
        mixed.set(0, before.registrations()[0].clone());
        let mixed = services(mixed);
        let first = analyse(&before, &Analysis::default(), &Deadline::none());
        let step = analyse(&mixed, &first, &Deadline::none());
        prop_assert_eq!(step.findings.to_vec(), findings_of(&mixed));
    }

    #[test]
    fn differences_are_true(old in set(), new in set()) {
        let (old, new) = (services_of(&old), services_of(&new));
        for Change { change, as_ids, witness, message, .. } in difference(&old, &new) {
            let Some(witness) = witness else { continue };
            let id = MatrixId::parse(&witness).expect("an ID");
            let holds = |services: &Services| {
                services.ownership(id, &mut Scratch::new()).claims.iter().find(|claim| claim.as_id == as_ids[0]).map(|claim| claim.exclusive)
            };
            let both_hold = |services: &Services| {
                let ownership = services.ownership(id, &mut Scratch::new());
                let exclusive = |as_id: &String| ownership.claims.iter().any(|claim| claim.exclusive && claim.as_id == as_id);
                as_ids.iter().all(exclusive)
            };
            let expected = match change {
                ChangeKind::Gained => holds(&old) != Some(true) && holds(&new) == Some(true),
                ChangeKind::Lost => holds(&old) == Some(true) && holds(&new) != Some(true),
                ChangeKind::Joined => holds(&old).is_none() && holds(&new) == Some(false),
                ChangeKind::Left => holds(&old) == Some(false) && holds(&new).is_none(),
                ChangeKind::BecameContested => both_hold(&new) && !both_hold(&old),
                ChangeKind::ContestEnded => both_hold(&old) && !both_hold(&new),
                ChangeKind::Undecided => true,
            };
            prop_assert!(expected, "{:?} {}", change, message);
        }
    }
}

/// What one that claims everybody contests is said once, and so is not new when that is no longer known of it.
#[test]
fn who_claimed_everybody_contested_everything_before() {
    let set = |regex: &str| {
        let shared = || vec![("@:example\\.com".to_owned(), false)];
        services_of(&[shared(), shared(), vec![(regex.to_owned(), true)]])
    };
    let changes = difference(&set("@"), &set("@(?!a)(?<!a)"));
    assert!(changes.iter().all(|change| change.change != ChangeKind::BecameContested), "{changes:?}");
}

/// What was said of a whole service by one ID, which could be that of its own user, is said of each entry; and what a
/// contest kept from everybody is somebody's when it ends.
#[test]
fn each_entry_that_changes_hands_is_named_and_so_is_the_end_of_a_contest() {
    let irc = |prefixes: &[&str]| {
        let entries: Vec<_> = prefixes.iter().map(|prefix| ("users", *prefix, true)).collect();
        registration("irc", "irc-bot", &entries)
    };
    let heisen =
        || registration("heisenbridge", "heisen-bot", &[("users", "@irc_.*", true), ("users", "@hb_.*", true)]);
    let said = |old, new| -> Vec<(ChangeKind, String)> {
        let changes = difference(&services(old), &services(new)).into_iter();
        changes.map(|change| (change.change, change.witness.unwrap_or_default())).collect()
    };
    let of = |kind, id: &str| (kind, format!("{id}:example.com"));
    assert_eq!(
        said(vec![heisen()], vec![heisen(), irc(&["@libera_.*", "@oftc_.*"])]),
        [of(ChangeKind::Gained, "@irc-bot"), of(ChangeKind::Gained, "@libera_"), of(ChangeKind::Gained, "@oftc_"),]
    );
    let ends = (vec![heisen(), irc(&["@irc_.*", "@hb_.*"])], vec![heisen(), irc(&["@hb_.*"])]);
    let changes = difference(&services(ends.0), &services(ends.1));
    let ended: Vec<_> = changes.iter().filter(|change| change.change == ChangeKind::ContestEnded).collect();
    let [ended] = &*ended else { panic!("{changes:?}") };
    assert_eq!(ended.as_ids, ["heisenbridge", "irc"]);
    assert_eq!(
        ended.message,
        "`heisenbridge` and `irc` no longer both claim users such as `@irc_:example.com`: `heisenbridge` alone holds them now"
    );
    // Two that contest something already come to contest more.
    let more = said(vec![heisen(), irc(&["@irc_.*"])], vec![heisen(), irc(&["@irc_.*", "@hb_.*"])]);
    assert_eq!(more, [of(ChangeKind::Gained, "@hb_"), of(ChangeKind::BecameContested, "@hb_")]);
    // Who claims everybody contests everything.
    let everyone = said(vec![heisen()], vec![heisen(), registration("all", "all-bot", &[("users", "@.*", true)])]);
    assert!(everyone.iter().any(|(change, _)| *change == ChangeKind::BecameContested), "{everyone:?}");
}

/// Of thousands of entries the first are listed and the others counted.
#[test]
fn changes_of_many_entries_are_listed_up_to_a_number() {
    let many: Vec<String> = (0..300).map(|at| format!("@n{at}_.*")).collect();
    let entries: Vec<_> = many.iter().map(|regex| ("users", &**regex, true)).collect();
    let changes = difference(&services(vec![]), &services(vec![registration("a", "a-bot", &entries)]));
    assert_eq!(changes.len(), 20);
    assert!(changes[19].message.ends_with("; and those of 281 more entries that are not listed"), "{:?}", changes[19]);
}

#[test]
fn nothing_changes_hands_between_equal_sets() {
    let set = || {
        services(vec![
            registration("a", "a", &[("users", "@irc_.*", true)]),
            registration("b", "b", &[("aliases", "#x.*", false)]),
        ])
    };
    assert_eq!(difference(&set(), &set()), []);
    let moved = services(vec![registration("a", "a", &[("users", r"@irc_.*:example\.com", true)])]);
    let changes: Vec<_> = difference(&set(), &moved).into_iter().map(|change| (change.change, change.kind)).collect();
    assert_eq!(
        changes,
        [(ChangeKind::Lost, Kind::User), (ChangeKind::Lost, Kind::User), (ChangeKind::Left, Kind::Alias)]
    );
}

#[test]
fn what_would_explode_stays_within_limits_and_says_so() {
    let bomb = "@(?:a|b)*a(?:a|b){20}x:example.com";
    let other = "@(?:a|b)*b(?:a|b){19}ax:example.com";
    let services = two((bomb, true), (other, true));
    let found = findings_of(&services);
    let said = |finding: &Arc<Finding>| match finding.code {
        Code::ExclusiveConflict => finding.witness.is_some() || finding.message.contains("could not be decided"),
        Code::NotCompared => finding.message.contains("within the limits"),
        _ => false,
    };
    assert!(found.iter().any(said), "{found:?}");
    let all: Vec<_> = (0..40)
        .map(|at| registration(&format!("as{at}"), &format!("s{at}"), &[("users", &format!("@x.*{at}.*"), true)]))
        .collect();
    let found = findings_of(&self::services(all));
    assert_eq!(found.iter().filter(|finding| finding.code == Code::ExclusiveConflict).count(), 40 * 39 / 2);
}

#[test]
fn planted_collisions_are_found_among_thousands_and_none_is_invented() {
    let mut all: Vec<_> = (0..3_000)
        .map(|at| {
            registration(
                &format!("as{at}"),
                &format!("bot{at}"),
                &[("users", &format!(r"@bridge{at}_.*:example\.com"), true)],
            )
        })
        .collect();
    for at in 0..30 {
        all.push(registration(
            &format!("twin{at}"),
            &format!("twinbot{at}"),
            &[("users", &format!("@bridge{}_x.*", at * 100), true)],
        ));
    }
    let services = services(all);
    let found = findings_of(&services);
    let conflicts: Vec<_> = found.iter().filter(|finding| finding.code == Code::ExclusiveConflict).collect();
    assert_eq!(conflicts.len(), 30);
    for (at, place) in conflicts.iter().flat_map(|finding| &finding.places).enumerate() {
        assert!(place.as_id.starts_with("as") == (at % 2 == 0), "{place:?}");
    }
}

/// How pairs lie to each other, as an independent library says (`oracle/findings_pairs.py`).
#[test]
fn relations_are_those_of_another_library() {
    let recorded = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/findings/pairs.jsonl"))
        .expect("recorded data is committed");
    let mut wrong = Vec::new();
    for line in recorded.lines() {
        let pair: Value = serde_json::from_str(line).expect("a pair is JSON");
        let (a, b) = (pair[0].as_str().expect("a regex"), pair[1].as_str().expect("a regex"));
        let found = one_of(Code::ExclusiveConflict, &two((a, true), (b, true)));
        let local = found.filter(|found| found.witness_is != Some(WitnessIs::Remote));
        let relation = local.map_or(Value::Null, |found| serde_json::to_value(found.relation).expect("JSON"));
        if relation != pair[2] {
            wrong.push(format!("{a} and {b}: recorded {}, found {relation}", pair[2]));
        }
    }
    assert!(recorded.lines().count() >= 500, "the recorded data is thin");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What says of a registration that not all was looked at.
fn unseen<'f>(findings: &'f [Arc<Finding>], id: &str) -> Vec<&'f str> {
    let about = |finding: &&Arc<Finding>| {
        finding.message.starts_with("not everything in this registration") && *finding.places[0].as_id == *id
    };
    findings.iter().filter(about).map(|finding| &*finding.message).collect()
}

#[test]
fn a_registration_with_thousands_of_entries_is_compared_within_limits_and_that_is_said_once() {
    let overlapping: Vec<String> = (0..4000).map(|n| format!("@.*a{{{n}}}.*")).collect();
    let overlapping: Vec<Entry<'_>> = overlapping.iter().zip(0..).map(|(r, n)| ("users", &**r, n % 2 == 0)).collect();
    let same = vec![("users", "@a.*b", true); 20_000];
    let unjoinable = vec![("users", "@(?P<n>b)c", true); 1000];
    for entries in [&overlapping, &same, &unjoinable] {
        let hog = registration("hog", "hog-bot", entries);
        let other = registration("other", "other-bot", &[("users", "@.*b:example.com", true)]);
        // Without a deadline: the limits are the same on every machine.
        let analysis = analyse(&services(vec![hog, other]), &Analysis::default(), &Deadline::none());
        assert!(analysis.findings.len() < 4_000, "{}", analysis.findings.len());
        let findings = analysis.findings.to_vec();
        let unseen = unseen(&findings, "hog");
        assert_eq!(unseen.len(), usize::from(entries.len() > 1000), "{unseen:?}");
    }
}

/// All exclusive regexes together are more than is joined for a question, and nothing speaks against joining them.
#[test]
fn a_newcomer_is_looked_at_to_the_end_however_many_there_are() {
    let of_one = |n: usize| -> Vec<String> {
        (0..100).map(|entry| format!(r"@(?:bridge|puppet)-{n}-{entry}_.*:example\.com")).collect()
    };
    let others: Vec<Vec<String>> = (0..150).map(of_one).collect();
    assert!(others.iter().flatten().map(String::len).sum::<usize>() > 512 << 10);
    let entries = |regexes: &'static str| [("users", regexes, true)];
    let mut set: Vec<_> = others
        .iter()
        .enumerate()
        .map(|(n, regexes)| {
            let entries: Vec<Entry<'_>> = regexes.iter().map(|regex| ("users", &**regex, true)).collect();
            registration(&format!("other-{n}"), &format!("bot-{n}"), &entries)
        })
        .collect();
    let before = services(set.clone());
    let previous = analyse(&before, &Analysis::default(), &Deadline::none());
    set.push(registration("new", "new-bot", &entries(r"@new_.*:example\.com$")));
    let new = set.last().cloned().expect("the newcomer");
    let set = List::from(set);
    let found = COMPARER.ask(|asked| asked.newcomer(&before, &previous, (&new, &set), 1, &Deadline::none()));
    assert!(unseen(&found, "new").is_empty(), "{found:?}");
}

#[test]
fn a_regex_of_many_kilobytes_is_not_compared_and_that_is_said() {
    let long = format!("@{}", r"\w".repeat(5_000));
    let found = one_of(Code::NotCompared, &two((&long, true), ("@x.*", true))).expect("a finding");
    assert!(found.message.contains("longer than 4096 bytes"), "{}", found.message);
    assert_eq!(one_of(Code::ExclusiveConflict, &two((&long, true), ("@x.*", true))), None);
}

#[test]
fn keys_that_stand_twice_are_listed_up_to_a_number_and_then_counted() {
    let twice = "k:\n".repeat(60_000);
    let file = format!(
        "id: a\nurl:\nas_token: an-as-token-0123456789\nhs_token: an-hs-token-0123456789\nsender_localpart: a\n\
         namespaces: {{}}\n{twice}"
    );
    let loaded = registration::load(&"a.yaml".into(), file.as_bytes(), &TokenHasher::new()).expect("it loads");
    assert_eq!(loaded.warnings().len(), 21);
    assert!(loaded.warnings()[20].message.starts_with("59979 more keys"), "{}", loaded.warnings()[20].message);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// What a newcomer is told without an index is what the whole set would be told with one.
    #[test]
    fn a_newcomer_is_told_what_a_set_with_it_would_be_told(set in set(), at in 0..4_usize, replaces: bool) {
        let all = services_of(&set);
        let at = at % all.registrations().len();
        let new = &all.registrations()[at];
        let mut before = all.registrations().clone();
        if replaces {
            before.set(at, registration(new.id(), "another", &[("users", "@b.*", true)]));
        } else {
            before.remove(at);
        }
        let before = services(before);
        let previous = analyse(&before, &Analysis::default(), &Deadline::none());
        let told = COMPARER.ask(|asked| {
            asked.newcomer(&before, &previous, (new, all.registrations()), 1, &Deadline::none())
        });
        let concerns = |finding: &Arc<Finding>| finding.places.iter().any(|place| &*place.as_id == new.id());
        let expected: Vec<_> = findings_of(&all).into_iter().filter(concerns).collect();
        prop_assert_eq!(told, expected);
    }
}

#[test]
fn what_an_alias_repeats_is_kept_once() {
    let long = "y".repeat(50_000);
    let aliases = ", *e".repeat(20_000);
    let head = "id: a\nurl:\nas_token: an-as-token-0123456789\nhs_token: an-hs-token-0123456789\nsender_localpart: a\n";
    let file = format!(
        "{head}e: &e {{exclusive: true, regex: '@{long}', group_id: '+{long}:example.com'}}\nnamespaces: {{users: [*e{aliases}]}}\n"
    );
    let loaded = registration::load(&"a.yaml".into(), file.as_bytes(), &TokenHasher::new()).expect("it loads");
    let kept_once = |users: Entries<'_>| {
        let (first, last) = (users.at(0), users.at(20_000));
        std::ptr::eq(first.regex.as_str(), last.regex.as_str())
            && first.group_id.zip(last.group_id).is_some_and(|(a, b)| std::ptr::eq(a, b))
    };
    assert!(kept_once(loaded.entries(Kind::User)));
    // So it is with what is made of its parts.
    assert!(kept_once(Registration::from(loaded.parts()).entries(Kind::User)));
    let file = format!("{head}namespaces: {{}}\ne: &e '{long}'\nother: [*e{aliases}]\n");
    let loaded = registration::load(&"a.yaml".into(), file.as_bytes(), &TokenHasher::new()).expect("it loads");
    let shown = serde_json::to_string(&loaded.extra()).expect("JSON");
    assert!(shown.len() < 200_000 && shown.contains('…'), "{}", shown.len());
}
