//! What is known of one set makes the findings of the next cheap, and no other than they are: after whatever edits, in whatever
//! order, they are those that are found from nothing.

use std::sync::{Arc, LazyLock};

use bailiwick::analysis::{Analysis, Code, Comparer, Cursor, Deadline, Finding, Set, Severity, Wanted};
use bailiwick::homeserver::{Dialect, Homeserver};
use bailiwick::index::ServicePos;
use bailiwick::list::List;
use bailiwick::matrix::Kind;
use bailiwick::registration::{FileFacts, Registration, TokenHasher, load_for};
use bailiwick::ruling::Services;
use proptest::prelude::*;
use serde_json::{Value, json};

static COMPARER: LazyLock<Comparer> = LazyLock::new(|| Comparer::new().expect("threads"));
/// One, so that equal tokens are told.
static HASHER: LazyLock<TokenHasher> = LazyLock::new(TokenHasher::new);

/// What a registration is made of: few of each, so that many have the same.
#[derive(Clone, Debug)]
struct Sketch {
    id: usize,
    sender: &'static str,
    token: usize,
    url: Option<usize>,
    entries: Vec<(&'static str, &'static str, bool)>,
    is_exposed: bool,
}

/// Regexes that meet each other, and senders, in many ways: equal prefixes, prefixes of prefixes, several, none; some claim
/// everybody, some nothing, some cannot be compared.
const USERS: [&str; 16] = [
    r"@irc_.*:example\.com",
    "@irc_.*",
    "@irc_a.*",
    r"@irc_libera_.*:example\.com",
    "@(?:irc|slack)_.*",
    "@slack_.+",
    "@irc.*",
    "@.*",
    r".*",
    r"@.*_bot:example\.com",
    r"@irc_bot:example\.com",
    r"@a_bot:example\.com",
    r"@(.)\1_.*",
    r"@^x",
    "@irc_*",
    r"@aa_.*:other\.org",
];
const ALIASES: [&str; 5] = [r"#irc_.*:example\.com", "#irc_a.*", "#.*", "#slack_.*", r"#(?:irc|slack)_b.*"];
const ROOMS: [&str; 3] = [r"!a.*:example\.com", "!.*", "!ab.*"];
const SENDERS: [&str; 6] = ["irc_bot", "a_bot", "irc_a", "slack_x", "nobody", "other"];

fn entry() -> impl Strategy<Value = (&'static str, &'static str, bool)> {
    let of = |kind: &'static str, regexes: &'static [&'static str]| {
        (prop::sample::select(regexes), any::<bool>()).prop_map(move |(regex, exclusive)| (kind, regex, exclusive))
    };
    prop_oneof![6 => of("users", &USERS), 2 => of("aliases", &ALIASES), 1 => of("rooms", &ROOMS)]
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let has =
        (prop::sample::select(&SENDERS[..]), 0..30_usize, prop::option::of(0..30_usize), prop::bool::weighted(0.2));
    (0..40_usize, has, prop::collection::vec(entry(), 0..4)).prop_map(
        |(id, (sender, token, url, is_exposed), entries)| Sketch { id, sender, token, url, entries, is_exposed },
    )
}

/// What somebody does to a set.
#[derive(Clone, Debug)]
enum Edit {
    /// One comes at a place, or takes the place of the one with its id.
    Put(usize, Sketch),
    Remove(usize),
    Move(usize, usize),
    Turn,
    /// Who may read its file.
    Expose(usize),
    /// Many at once.
    PutMany(Vec<Sketch>),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = 0..64_usize;
    prop_oneof![
        8 => (at.clone(), sketch()).prop_map(|(at, sketch)| Edit::Put(at, sketch)),
        4 => at.clone().prop_map(Edit::Remove),
        2 => (at.clone(), at.clone()).prop_map(|(from, to)| Edit::Move(from, to)),
        1 => Just(Edit::Turn),
        2 => at.prop_map(Edit::Expose),
        1 => prop::collection::vec(sketch(), 4..12).prop_map(Edit::PutMany),
    ]
}

/// A set that is edited, in load order.
#[derive(Clone, Default)]
struct Edited {
    all: Vec<(Registration, bool)>,
    made: usize,
}

impl Edited {
    fn made(&mut self, homeserver: &Homeserver, sketch: &Sketch) -> Option<Registration> {
        self.made += 1;
        let Sketch { id, sender, token, url, entries, .. } = sketch;
        let of = |kind: &str| -> Vec<Value> {
            let own = entries.iter().filter(|(own, ..)| *own == kind);
            own.map(|(_, regex, exclusive)| json!({"regex": regex, "exclusive": exclusive})).collect()
        };
        let file = json!({
            "id": format!("as{id}"), "as_token": format!("{}-as-token-0123456789abcdef", self.made),
            "hs_token": format!("{token}-hs-token-0123456789abcdef"), "sender_localpart": sender,
            "url": url.map(|url| format!("http://bridge-{url}.internal:8080{}", "/".repeat(id % 2))),
            "namespaces": {"users": of("users"), "aliases": of("aliases"), "rooms": of("rooms")},
        });
        let name = format!("as{id}.yaml");
        // Some homeservers refuse some regexes.
        load_for(homeserver, &name.as_str().into(), file.to_string().as_bytes(), &HASHER).ok()
    }

    fn edit(&mut self, homeserver: &Homeserver, edit: &Edit) {
        let size = self.all.len();
        match edit {
            Edit::Put(at, sketch) => {
                let Some(new) = self.made(homeserver, sketch) else { return };
                let new = (new, sketch.is_exposed);
                match self.all.iter_mut().find(|(one, _)| one.id() == new.0.id()) {
                    Some(old) => *old = new,
                    None => self.all.insert(at % (size + 1), new),
                }
            }
            Edit::PutMany(sketches) => {
                for sketch in sketches {
                    self.edit(homeserver, &Edit::Put(sketch.id, sketch.clone()));
                }
            }
            Edit::Turn => self.all.reverse(),
            _ if size == 0 => {}
            Edit::Remove(at) => drop(self.all.remove(at % size)),
            Edit::Move(from, to) => {
                let one = self.all.remove(from % size);
                self.all.insert(to % size, one);
            }
            Edit::Expose(at) => self.all[at % size].1 ^= true,
        }
    }

    fn services(&self, homeserver: &Homeserver) -> Services {
        Services::new(homeserver.clone(), self.all.iter().map(|(one, _)| one.clone()).collect())
    }

    fn analyse(&self, services: &Services, previous: &Analysis) -> Analysis {
        let facts = |exposed| FileFacts { mode: Some(if exposed { 0o644 } else { 0o640 }) };
        let files = self.all.iter().map(|(one, exposed)| (one, facts(*exposed)));
        COMPARER.analyse(&Set::with_facts(services, files), previous, &Deadline::none())
    }
}

fn homeserver() -> impl Strategy<Value = Homeserver> {
    let dialects = Dialect::ALL.to_vec();
    let name = || "example.com".parse().expect("a server name");
    prop_oneof![
        3 => Just(Dialect::default()),
        2 => prop::sample::select(dialects),
    ]
    .prop_map(move |dialect| Homeserver::new(name(), dialect))
}

/// Says what differs, and not all that does not.
fn assert_same(found: &[Arc<Finding>], expected: &[Arc<Finding>], what: &dyn std::fmt::Debug) {
    let only = |these: &[Arc<Finding>], others: &[Arc<Finding>]| -> Vec<Arc<Finding>> {
        these.iter().filter(|one| !others.contains(one)).cloned().collect()
    };
    let (more, less) = (only(found, expected), only(expected, found));
    assert!(more.is_empty() && less.is_empty(), "after {what:?}\nfound besides: {more:#?}\nnot found: {less:#?}");
    assert!(found == expected, "another order");
}

const UNJOINABLE: Wanted = Wanted { severity: None, code: Some(Code::UnjoinableRegex) };

fn entry_of(finding: &Finding) -> Option<(&str, Option<Kind>, Option<u32>)> {
    finding.places.first().map(|place| (&*place.as_id, finding.kind, place.index))
}

/// The same findings without the fixes that somebody was not told of: what a stranger asks is answered within limits, and fixes
/// are what is left out. One that is told is the same.
fn with_no_more_fixes(expected: &[Arc<Finding>], told: &[Arc<Finding>]) -> Vec<Arc<Finding>> {
    let without = |(expected, told): (&Arc<Finding>, &Arc<Finding>)| match told.fix {
        None => Arc::new(Finding { fix: None, ..(**expected).clone() }),
        Some(_) => Arc::clone(expected),
    };
    let rest = expected.iter().skip(told.len()).cloned();
    expected.iter().zip(told).map(without).chain(rest).collect()
}

/// Whoever reads a page at a time, or counts, is told the same.
fn assert_read_alike(analysis: &Analysis, services: &Services, all: &[Arc<Finding>]) {
    assert_eq!(analysis.findings.len(), all.len());
    for severity in Severity::ALL {
        let wanted = Wanted { severity: Some(severity), code: None };
        let expected: Vec<_> = all.iter().filter(|finding| finding.severity == severity).cloned().collect();
        assert_eq!(analysis.findings.count(wanted), expected.len());
        let (mut cursor, mut read) = (Cursor::new(wanted), Vec::new());
        loop {
            let next = analysis.findings.read(&mut cursor, 3);
            assert!(next.len() <= 3);
            if next.is_empty() {
                break;
            }
            read.extend(next);
        }
        assert_eq!(read, expected);
    }
    for (at, registration) in services.registrations().iter().enumerate() {
        let concerns = |finding: &&Arc<Finding>| finding.places.iter().any(|place| *place.as_id == *registration.id());
        let expected: Vec<_> = all.iter().filter(concerns).cloned().collect();
        assert_eq!(analysis.about(ServicePos::new(at), Wanted::default()), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn findings_after_many_edits_are_those_found_from_nothing(
        homeserver in homeserver(),
        first in prop::collection::vec(sketch(), 0..50),
        edits in prop::collection::vec(prop::collection::vec(edit(), 1..3), 1..10),
    ) {
        let mut set = Edited::default();
        set.edit(&homeserver, &Edit::PutMany(first));
        let mut services = set.services(&homeserver);
        let mut known = set.analyse(&services, &Analysis::default());
        for edits in edits {
            for edit in &edits {
                set.edit(&homeserver, edit);
            }
            services = set.services(&homeserver);
            let step = set.analyse(&services, &known);
            let anew = set.analyse(&services, &Analysis::default());
            let (found, expected) = (step.findings.to_vec(), anew.findings.to_vec());
            assert_same(&found, &expected, &edits);
            assert_read_alike(&step, &services, &found);
            for kind in Kind::ALL {
                let [tree, expected] = [&step, &anew].map(|analysis| format!("{:?}", analysis.names(&services, kind)));
                prop_assert_eq!(tree, expected);
            }
            known = step;
        }
    }

    /// However much older what is known is than what is in force.
    #[test]
    fn a_newcomer_is_told_what_the_set_would_be_told(
        homeserver in homeserver(),
        first in prop::collection::vec(sketch(), 0..40),
        since in prop::collection::vec(edit(), 0..3),
        (at, newcomer) in (0..64_usize, sketch()),
        other in prop::option::of(edit()),
    ) {
        let mut set = Edited::default();
        set.edit(&homeserver, &Edit::PutMany(first));
        let known = set.analyse(&set.services(&homeserver), &Analysis::default());
        for edit in &since {
            set.edit(&homeserver, edit);
        }
        let services = set.services(&homeserver);
        let set_in_force = set.clone();
        // What would then be in force may differ in more than the newcomer.
        if let Some(edit) = &other {
            set.edit(&homeserver, edit);
        }
        set.edit(&homeserver, &Edit::Put(at, Sketch { is_exposed: false, ..newcomer.clone() }));
        let then: List<Registration> = set.all.iter().map(|(one, _)| one.clone()).collect();
        let id = format!("as{}", newcomer.id);
        let Some(new) = then.iter().find(|one| one.id() == id) else { return Ok(()) };
        let told = COMPARER.ask(|asked| asked.newcomer(&services, &known, (new, &then), 1, &Deadline::none()));
        let anew = set.analyse(&set.services(&homeserver), &Analysis::default());
        let in_force = set_in_force.analyse(&services, &Analysis::default());
        let could_be_joined = |finding: &Finding| {
            !in_force.findings.iter_wanted(UNJOINABLE).any(|before| entry_of(&before) == entry_of(finding))
        };
        let concerns = |finding: &Arc<Finding>| {
            finding.places.iter().any(|place| *place.as_id == *id) && finding.code != Code::ReadableByAll
                || finding.code == Code::UnjoinableRegex && could_be_joined(finding)
        };
        let expected: Vec<_> = anew.findings.iter().filter(concerns).collect();
        let expected = with_no_more_fixes(&expected, &told);
        assert_same(&told, &expected, &(since, other, newcomer));
    }
}
