//! The index answers as each pattern alone, and a change to the set changes nothing else.

use bailiwick::homeserver::{Homeserver, Precedence, Rank};
use bailiwick::index::{Common, Hit, Index, Scratch, ServicePos};
use bailiwick::list::List;
use bailiwick::matrix::{Kind, MatrixId};
use bailiwick::registration::{self, Registration, TokenHasher};
use proptest::prelude::*;
use python_re::{Outcome, Pattern};
use serde_json::{Value, json};

/// Patterns that are recorded as valid, made to begin with a sigil, each with the texts that were tried on it.
fn recorded() -> Vec<(String, Vec<String>)> {
    let cases = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/crates/python-re/tests/cases.jsonl"))
        .expect("recorded data is committed");
    let sigiled = |text: &str| if text.starts_with('@') { text.to_owned() } else { format!("@{text}") };
    let cases = cases.lines().map(|line| serde_json::from_str::<Value>(line).expect("a case is JSON"));
    let valid = cases.filter(|case| case[1].is_null()).filter_map(|case| {
        let source = case[0].as_str().expect("a pattern");
        let source = if source.starts_with('@') { source.to_owned() } else { format!("@(?:{source})") };
        Pattern::parse(&source).ok()?;
        let texts = case[2].as_array().expect("texts").iter();
        Some((source, texts.map(|text| sigiled(text[0].as_str().expect("a text"))).collect()))
    });
    valid.collect()
}

fn homeserver() -> Homeserver {
    "example.com".parse().expect("a server name")
}

fn registration(number: usize, regexes: &[&str]) -> Registration {
    let users: Vec<Value> = regexes.iter().map(|regex| json!({"exclusive": true, "regex": regex})).collect();
    let file = json!({
        "id": format!("as{number}"), "as_token": format!("as-token-{number}"), "hs_token": format!("hs-token-{number}"),
        "sender_localpart": format!("bot{number}"), "url": null, "namespaces": {"users": users},
    });
    let loaded = registration::load(&"test.yaml".into(), file.to_string().as_bytes(), &TokenHasher::new());
    loaded.expect("a registration that loads")
}

/// What Synapse does: every service in turn, every entry in turn, the first that matches decides.
fn built(registrations: &[Registration]) -> Index {
    Index::build(&homeserver(), &registrations.iter().cloned().collect())
}

fn walked(registrations: &[Registration], id: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (service, registration) in registrations.iter().enumerate() {
        let service = ServicePos::new(service);
        if id == format!("@{}:example.com", registration.sender_localpart()) {
            hits.push(Hit { service, rank: Rank::SENDER, undecided: false });
            continue;
        }
        let outcomes = registration.entries(Kind::User).iter().map(|entry| {
            let pattern = Pattern::parse(&entry.regex).expect("a pattern that loads");
            pattern.backtracker().run(&mut python_re::Scratch::new(), id)
        });
        if let Some((position, outcome)) = outcomes.enumerate().find(|(_, outcome)| *outcome != Outcome::NoMatch) {
            let rank = Precedence::FileOrder.rank(position, registration.entries(Kind::User).at(position).exclusive);
            hits.push(Hit { service, rank, undecided: outcome == Outcome::StepLimit });
        }
    }
    hits
}

fn looked_up(index: &Index, id: &str) -> Option<Vec<Hit>> {
    Some(index.lookup(MatrixId::parse(id).ok()?, &mut Scratch::new()).to_vec())
}

/// Where the walk runs out of steps and an automaton does not, the automaton knows better.
fn agree(index: &[Hit], walk: &[Hit]) -> bool {
    index == walk || walk.iter().any(|hit| hit.undecided)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn answers_as_each_pattern_alone(
        picks in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 1..12), 1..30),
    ) {
        let recorded = recorded_once();
        let chosen: Vec<Vec<_>> =
            picks.iter().map(|picks| picks.iter().map(|pick| pick.get(recorded)).collect()).collect();
        let registrations: Vec<_> = (0..)
            .zip(&chosen)
            .map(|(at, chosen)| registration(at, &chosen.iter().map(|(regex, _)| &**regex).collect::<Vec<_>>()))
            .collect();
        let index = built(&registrations);
        for id in chosen.iter().flatten().flat_map(|(_, texts)| texts).map(|text| &**text).chain(["@bot0:example.com"]) {
            if let Some(hits) = looked_up(&index, id) {
                let walk = walked(&registrations, id);
                prop_assert!(agree(&hits, &walk), "{id:?}: index {hits:?}, walk {walk:?}, {chosen:?}");
            }
        }
    }

    #[test]
    fn a_changed_index_is_as_good_as_a_new_one(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 3..40),
        steps in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8), 1..8),
    ) {
        let recorded = recorded_once();
        let picked: Vec<_> = picks.iter().map(|(a, b)| [a.get(recorded), b.get(recorded)]).collect();
        let pool: Vec<_> =
            (0..).zip(&picked).map(|(at, [a, b])| registration(at, &[&a.0, &b.0])).collect();
        let mut set = pool[..pool.len() / 2].to_vec();
        let listed = |set: &Vec<Registration>| List::from(set.clone());
        let mut index = built(&set);
        for (pick, what) in steps {
            let (one, before) = (pick.get(&pool), set.clone());
            match (set.iter().position(|known| Registration::ptr_eq(known, one)), what) {
                (Some(at), 0 | 1) => drop(set.remove(at)),
                (Some(at), _) => set[at..].rotate_left(1),
                (None, 0) => set.insert(0, one.clone()),
                (None, _) => set.push(one.clone()),
            }
            let (before, after) = (listed(&before), listed(&set));
            index = index.updated(&after, Common::of(&before, &after));
            let fresh = built(&set);
            for id in picked.iter().flatten().flat_map(|(_, texts)| texts) {
                prop_assert_eq!(looked_up(&index, id), looked_up(&fresh, id), "{:?}", id);
            }
        }
    }

    #[test]
    fn a_new_registration_changes_no_others_claim(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 2..20),
    ) {
        let recorded = recorded_once();
        let chosen: Vec<_> = picks.iter().map(|pick| pick.get(recorded)).collect();
        let all: Vec<_> = (0..).zip(&chosen).map(|(at, chosen)| registration(at, &[&chosen.0])).collect();
        let before = built(&all[..all.len() - 1]);
        let after = built(&all);
        let newcomer = ServicePos::new(all.len() - 1);
        for id in chosen.iter().flat_map(|chosen| &chosen.1) {
            let mut with = looked_up(&after, id);
            if let Some(hits) = &mut with {
                hits.retain(|hit| hit.service != newcomer);
            }
            prop_assert_eq!(with, looked_up(&before, id), "{:?}", id);
        }
    }
}

fn recorded_once() -> &'static [(String, Vec<String>)] {
    static RECORDED: std::sync::OnceLock<Vec<(String, Vec<String>)>> = std::sync::OnceLock::new();
    RECORDED.get_or_init(recorded)
}

#[test]
fn thousands_behind_one_prefix_are_found() {
    // Too many different ends for one prefix: found by the literal that each holds, and by one automaton.
    let mut registrations: Vec<_> = (0..600)
        .map(|at| {
            registration(
                at,
                &[&format!("@.*_x{at}_.*:example\\.com"), &format!("@[a-z]{{2}}[0-9]{{{}}}[^_]*$", at % 40 + 1)],
            )
        })
        .collect();
    registrations.push(registration(600, &["@(?!admin)irc_.*", "@(?:a|b)?c_(?=[0-9]).*"]));
    let index = built(&registrations);
    for id in [
        "@a_x17_b:example.com",
        "@a_x17_x18_b:example.com",
        "@ab1234",
        "@ab1234\n",
        "@admin",
        "@irc_x",
        "@bc_1",
        "@bc_x",
        "@c_1",
    ] {
        assert_eq!(looked_up(&index, id).expect("an ID"), walked(&registrations, id), "{id}");
    }
}

/// Patterns that hang a homeserver, against the worst that an ID can be. Not a timed test: it ends, or it does not.
#[test]
fn what_hangs_a_homeserver_does_not_hang_us() {
    let worst = format!("@{}!", "a".repeat(253));
    let regular = ["@(a+)+$", "@(a|a)*b", "@(.*)*x", "@([a-z]+)*@", "@(a*)*b", "@((a+)*)+\\Z", "@(a?){200}a{200}$"];
    // Not regular to an automaton over bytes, and yet nothing is remembered: no way is tried twice.
    let forgetful = ["@(?:a|aa)+(?<=b)\\bé", "@(?:(.*)*)x(?<=a)", "@(?>(a|aa)+)b\\b"];
    let registrations = [registration(0, &regular), registration(1, &forgetful)];
    let index = built(&registrations);
    for _ in 0..1_000 {
        assert_eq!(looked_up(&index, &worst), Some(vec![]));
    }
    // With back-references, but no situation comes up twice without being known.
    let remembered = ["@(a+)+(?<!x)\\1$", "@(a|a)*(b)\\2(?=x)", "@(?:(.*)*)x\\1"];
    let index = built(&[registration(0, &remembered)]);
    assert_eq!(looked_up(&index, &worst), Some(vec![]));
    let irregular = ["@(.+)(.+)(.+)(.+)\\1\\2\\3\\4$", "@(.*)(.*)(.*)(.*)(.*)x\\5\\4\\3\\2\\1"];
    for regex in irregular {
        let index = built(&[registration(0, &[regex])]);
        let hits = looked_up(&index, &worst).expect("an ID");
        let undecided = Hit { service: ServicePos::new(0), rank: Precedence::FileOrder.rank(0, true), undecided: true };
        assert_eq!(hits, [undecided], "{regex}");
    }
}

/// However many names an entry lists, they are claimed and no others are; behind `.*`, within boundaries, in any case.
#[test]
fn an_entry_of_many_names_claims_those_and_no_others() {
    for count in [10, 2_300, 30_000] {
        let name = |at: usize| format!("n{at}_{}", at * 7_919 % 104_729);
        let names: Vec<String> = (0..count).map(name).collect();
        let names = names.join("|");
        let regexes = [
            format!(r"@.*(?:{names}):example\.com"),
            format!(r"@(?:{names}):example\.com"),
            format!(r"@.*\b(?:{names})\b.*"),
            format!(r"(?i)@x(?:{names})"),
            format!(r"@(?!bot)(?:{names})(?=:)"),
        ];
        let index = |regex: &String| built(&[registration(0, &[regex])]);
        let indexes: Vec<Index> = regexes.iter().map(index).collect();
        let claims = |id: &str| -> Vec<bool> {
            let decided = |hits: Vec<Hit>| hits.iter().map(|hit| hit.undecided).collect::<Vec<_>>();
            let hits = indexes.iter().map(|index| decided(looked_up(index, id).expect("an ID")));
            hits.map(|hits| hits == [false]).collect()
        };
        let (first, last) = (name(0), name(count - 1));
        for name in [first, last] {
            let upper = name.to_uppercase();
            assert_eq!(claims(&format!("@{name}:example.com")), [true, true, true, false, true], "{count} {name}");
            assert_eq!(claims(&format!("@x{name}:example.com")), [true, false, false, true, false], "{count} {name}");
            assert_eq!(
                claims(&format!("@x{upper}:example.com")),
                [false, false, false, true, false],
                "{count} {upper}"
            );
            assert_eq!(claims(&format!("@-{name}-:example.org")), [false, false, true, false, false], "{count} {name}");
        }
        assert_eq!(claims("@zq:example.com"), [false; 5]);
        assert_eq!(claims(&format!("@{}:example.com", "n".repeat(240))), [false; 5]);
    }
}
