//! What homeservers do not agree on is found, once, and is true.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, LazyLock};

use bailiwick::analysis::{Analysis, Code, Comparer, Deadline, Finding, Reading, Says, Set, Severity, WitnessIs};
use bailiwick::homeserver::{Dialect, Homeserver, Several};
use bailiwick::index::Scratch;
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, Fault, Registration, TokenHasher};
use bailiwick::ruling::{Asker, Services, UserName};
use serde_json::{Value, json};

/// One for all tests: each has threads.
static COMPARER: LazyLock<Comparer> = LazyLock::new(|| Comparer::new().expect("threads"));

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/homeservers/portability.jsonl");
const SYNAPSE_ONLY: &[&str] = &["dendrite", "tuwunel", "continuwuity", "conduit", "palpo", "palpo-421", "spec"];
const ANYWHERE: &[&str] = &["dendrite", "tuwunel", "continuwuity", "conduit", "palpo"];

/// Files as several homeservers have loaded them.
struct Loads {
    names: Vec<String>,
    each: Vec<Load>,
}

/// Files as one has.
struct Load {
    homeserver: Homeserver,
    files: Vec<Result<Registration, Vec<Fault>>>,
    services: Services,
    analysis: Analysis,
}

impl Load {
    fn reading<'r>(&'r self, names: &'r [String]) -> Reading<'r> {
        let files = names.iter().zip(&self.files);
        let files = files.map(|(name, file)| (&**name, file.as_ref().map_err(|faults| &**faults))).collect();
        Reading { homeserver: &self.homeserver, files, set: Some((&self.services, &self.analysis)) }
    }
}

impl Loads {
    fn of(dialects: &[Dialect], files: &[Value]) -> Self {
        let hasher = TokenHasher::new();
        let names: Vec<String> = (0..files.len()).map(|at| format!("file{at}.yaml")).collect();
        let load = |&dialect: &Dialect| {
            let homeserver = Homeserver::new("example.com".parse().expect("a server name"), dialect);
            let read = |(name, file): (&String, &Value)| {
                // A text stands for itself, so that what is no JSON can be tried, too.
                let text = file.as_str().map_or_else(|| file.to_string(), str::to_owned);
                registration::load_for(&homeserver, &name.as_str().into(), text.as_bytes(), &hasher)
            };
            let files: Vec<_> = names.iter().zip(files).map(read).collect();
            let services = Services::new(homeserver.clone(), files.iter().flatten().cloned().collect());
            let analysis = COMPARER.analyse(&Set::new(&services), &Analysis::default(), &Deadline::none());
            Load { homeserver, files, services, analysis }
        };
        Self { each: dialects.iter().map(load).collect(), names }
    }

    fn loads(&self, at: usize) -> bool {
        self.each[at].files.iter().all(Result::is_ok)
    }

    fn findings(&self) -> Vec<Arc<Finding>> {
        let readings: Vec<Reading<'_>> = self.each.iter().map(|load| load.reading(&self.names)).collect();
        COMPARER.portability(&readings, &Deadline::none())
    }
}

fn file(id: &str, users: &[(&str, bool)], aliases: &[(&str, bool)]) -> Value {
    let list = |entries: &[(&str, bool)]| -> Vec<Value> {
        entries.iter().map(|(regex, exclusive)| json!({"regex": regex, "exclusive": exclusive})).collect()
    };
    json!({
        "id": id, "as_token": format!("{id}-as-token-0123456789abcdef"), "hs_token": format!("{id}-hs-token-0123456789abcdef"),
        "sender_localpart": format!("{id}-bot"), "url": null, "namespaces": {"users": list(users), "aliases": list(aliases)},
    })
}

fn all() -> Vec<Dialect> {
    Several::all().dialects().to_vec()
}

fn warnings(files: &[Value]) -> Vec<Arc<Finding>> {
    let found = Loads::of(&all(), files).findings();
    found.into_iter().filter(|finding| finding.severity == Severity::Warning).collect()
}

/// Who says something.
fn saying(finding: &Finding, says: Says) -> Vec<&'static str> {
    let answers = finding.answers.iter().filter(|answer| answer.says == says);
    answers.flat_map(|answer| answer.homeservers.iter().copied()).collect()
}

#[test]
fn what_every_homeserver_reads_alike_is_no_finding() {
    for regex in [r"@irc_.*:example\.com", r"^@irc_[a-z0-9]+:example\.com$", r"@irc_(?:a|b)_\d{1,5}:example\.com"] {
        let found = warnings(&[file("a", &[(regex, true)], &[])]);
        assert_eq!(found, [], "{regex}");
    }
}

#[test]
fn entries_that_claim_otherwise_are_told_each_with_a_shortest_witness() {
    for (users, witness, exclusive) in [
        (&[("webhook", true)][..], "@webhook:example.com", ANYWHERE),
        (&[("@.*", false), (r"@intercom:example\.com", true)], "@intercom:example.com", SYNAPSE_ONLY),
        (&[(r"@IRC_.*:example\.com", true)], "@irc_:example.com", &["tuwunel"]),
        // A digit of Unicode is no character of a name, so that no more is told than that of capitals.
        (&[(r"@a\d+:example\.com|@b.*:EXAMPLE\.com", true)], "@b:example.com", &["tuwunel"]),
        (&[(r"@x\z:example\.com|@y.*$", true), ("irc", true)], "@irc:example.com", ANYWHERE),
    ] {
        let found = warnings(&[file("a", users, &[])]);
        let of_claims: Vec<_> = found.iter().filter(|finding| finding.witness.is_some()).collect();
        assert_eq!(of_claims.len(), 1, "{users:?}: {found:?}");
        assert_eq!(of_claims[0].witness.as_deref(), Some(witness), "{users:?}");
        let here = saying(of_claims[0], Says::Exclusive);
        assert!(
            exclusive.iter().all(|name| here.contains(name) || !loads(name, users)),
            "{users:?}: {:?}",
            of_claims[0]
        );
        assert!(!here.contains(&"synapse"), "{users:?}: {:?}", of_claims[0]);
    }
}

fn loads(dialect: &str, users: &[(&str, bool)]) -> bool {
    let loads = Loads::of(&[dialect.parse().expect("a dialect")], &[file("a", users, &[])]);
    loads.loads(0)
}

/// Each two homeservers that differ on an ID as people make them are told apart by some finding, and by the index each
/// finding is true: on regexes of all sorts.
#[test]
fn homeservers_that_differ_are_told_apart_and_those_that_do_not_are_not() {
    const REGEXES: [&str; 18] = [
        "webhook",
        "@irc_.*",
        "^@irc_",
        "@.*",
        "irc",
        r"\birc",
        "@(?i:IRC)_.*",
        "@Irc.*",
        "@irc_[a-z]+:example\\.com",
        ".*luke.*",
        "@a|b",
        "#irc.*",
        r"@[[:alpha:]]+_x",
        r"@irc\B",
        "@irc_.*$",
        "(?:@irc|luke)$",
        r"@\pL+:",
        "@irc_{0,3}a",
    ];
    const IDS: [&str; 9] = [
        "@webhook:example.com",
        "@mywebhook:example.com",
        "@irc_a:example.com",
        "@luke:example.com",
        "@xirc:example.com",
        "@irc:example.com",
        "@a_x:example.com",
        "@b:example.com",
        "@ircluke:example.com",
    ];
    let dialects = all();
    let mut not_compared = 0;
    for (one, other) in
        (0..REGEXES.len()).flat_map(|one| [(one, (one * 7 + 3) % REGEXES.len()), (one, (one * 5 + 1) % REGEXES.len())])
    {
        let users = [(REGEXES[one], one % 2 == 0), (REGEXES[other], true)];
        let loads = Loads::of(&dialects, &[file("a", &users, &[])]);
        let found = loads.findings();
        if found.iter().any(|finding| finding.code == Code::NotCompared) {
            not_compared += 1;
            continue;
        }
        let claim = |at: usize, id: &str| {
            let services = &loads.each[at].services;
            let claims = services.claims(MatrixId::parse(id).expect("an ID"), &mut Scratch::new());
            claims.first().map_or(Says::Unclaimed, |claim| if claim.exclusive { Says::Exclusive } else { Says::Shared })
        };
        let position = |name: &str| dialects.iter().position(|dialect| dialect.name() == name).expect("it was asked");
        let told: Vec<&Arc<Finding>> =
            found.iter().filter(|f| f.code == Code::Portability && f.witness.is_some()).collect();
        for finding in &told {
            let id = finding.witness.as_deref().expect("it has one");
            for answer in finding.answers.iter().filter(|answer| answer.says != Says::Undefined) {
                for name in &answer.homeservers {
                    assert_eq!(claim(position(name), id), answer.says, "{users:?}: {name} on {id}");
                }
            }
        }
        // The specification's other reading may leave it open.
        let asked = || (0..dialects.len()).filter(|&at| loads.loads(at) && dialects[at].other_reading().is_none());
        for (a, b) in asked().flat_map(|a| asked().map(move |b| (a, b))).filter(|(a, b)| a < b) {
            let differ = IDS.iter().find(|id| claim(a, id) != claim(b, id));
            let apart = |f: &&&Arc<Finding>| {
                let of = |at: usize| {
                    f.answers
                        .iter()
                        .find(|answer| answer.homeservers.contains(&dialects[at].name()))
                        .map(|answer| answer.says)
                };
                f.witness_is == Some(WitnessIs::Valid) && of(a) != of(b)
            };
            let (a, b) = (dialects[a], dialects[b]);
            assert!(
                differ.is_none() || told.iter().any(|f| apart(&f)),
                "{users:?}: {a:?} and {b:?} differ on {differ:?}: {told:?}"
            );
        }
    }
    // Those that look for a boundary of words anywhere: what is a word differs between engines, and the search reaches its limit.
    assert!(not_compared <= 9, "{not_compared} were not compared");
}

#[test]
fn who_may_have_what_another_holds_depends_on_the_homeserver() {
    let files = [
        file("photon", &[("@.*", false)], &[]),
        file("bifrost", &[(r"@_bifrost_.*:example\.com", true)], &[(r"#bifrost_.*:example\.com", true)]),
        file("linkedin1", &[(r"@linkedin_.*:example\.com", true)], &[]),
        file("linkedin2", &[(r"@linkedin_.*:example\.com", true)], &[]),
    ];
    let found = warnings(&files);
    let of = |part: &str| {
        let found: Vec<_> = found.iter().filter(|finding| finding.message.contains(part)).collect();
        assert_eq!(found.len(), 1, "{part}: {found:?}");
        (saying(found[0], Says::Allowed), saying(found[0], Says::Refused))
    };
    let others = ["tuwunel", "continuwuity", "conduit", "palpo", "palpo-421"];
    let (allowed, refused) = of("whether `photon` may register `@_bifrost_");
    assert_eq!((allowed, refused), ([&["dendrite"][..], &others].concat(), vec!["synapse", "spec"]));
    let (allowed, refused) =
        of("whether `linkedin1` may register `@linkedin_:example.com`, which `linkedin2` holds exclusively, as");
    assert_eq!((allowed, refused), (others.to_vec(), vec!["synapse", "dendrite", "spec"]));
    let (allowed, _) = of("whether a person may create `#bifrost_:example.com`");
    assert_eq!(allowed, ["palpo", "palpo-421"]);
    let with_capitals = found.iter().find(|finding| finding.message.contains("aliases with capitals"));
    let claimed = with_capitals.map(|finding| saying(finding, Says::Exclusive));
    assert_eq!(claimed.as_deref(), Some(&["tuwunel"][..]));
}

#[test]
fn a_file_that_some_refuse_is_told_with_what_becomes_of_the_others() {
    let food = file("food", &[(r"@food_{[0-9]+}:example\.com", true)], &[]);
    let found = warnings(&[food]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(saying(&found[0], Says::Loads), ["synapse", "dendrite", "spec"]);
    let tuwunel = found[0].answers.iter().find(|answer| answer.homeservers.contains(&"tuwunel")).expect("it answers");
    assert!(tuwunel.message.contains("would stop loading there: later files are missing"), "{tuwunel:?}");
    // What is read otherwise in it.
    let text = |id: &str| {
        format!(
            "id: {id}\nurl: null\nas_token: t0123456789\nhs_token: h0123456789\nsender_localpart: s\nnamespaces: {{}}\n"
        )
    };
    for (id, what) in [("x", None), ("0123", Some("some homeservers load")), ("!!binary aGk=", Some("another `id`"))] {
        let found = Loads::of(&all(), &[json!(text(id))]).findings();
        let told = what.map(|what| found.iter().any(|finding| finding.message.contains(what)));
        assert_eq!(told, what.map(|_| true), "{id}: {found:?}");
        assert!(what.is_some() || found.iter().all(|finding| finding.severity == Severity::Note), "{id}: {found:?}");
    }
}

#[test]
fn what_the_specification_leaves_open_is_undefined_and_no_disagreement() {
    let spec = ["synapse", "spec"].map(|name| name.parse().expect("a dialect"));
    let found = Loads::of(&spec, &[file("hook", &[("webhook", true)], &[])]).findings();
    let [undefined] = &*found else { panic!("{found:?}") };
    assert_eq!((undefined.code, undefined.severity), (Code::Undefined, Severity::Note));
    assert_eq!(undefined.witness.as_deref(), Some("@webhook:example.com"));
    assert_eq!(saying(undefined, Says::Undefined), ["spec"]);
    // A regex that one of the readings does not take.
    let found = Loads::of(&spec, &[file("look", &[(r"@(?!a)x.*:example\.com", true)], &[])]).findings();
    assert!(found.iter().all(|finding| finding.code == Code::Undefined), "{found:?}");
    assert!(found[0].message.contains("a regex is one by one of its readings"), "{found:?}");
}

/// A stranger's file costs no more than it may, and what is left out is said.
#[test]
fn a_file_of_too_many_entries_is_not_compared_and_that_is_said() {
    let regexes: Vec<String> = (0..200).map(|at| format!("hook{at}")).collect();
    let users: Vec<(&str, bool)> = regexes.iter().map(|regex| (&**regex, true)).collect();
    let found = Loads::of(&all(), &[file("a", &users, &[])]).findings();
    assert!(found.iter().any(|finding| finding.code == Code::NotCompared), "{found:?}");
    assert!(
        found.iter().all(|finding| finding.witness.is_none() || finding.witness_is != Some(WitnessIs::Valid)),
        "{found:?}"
    );
}

/// What homeservers' own libraries confirmed of 75 real files together, case by case (`oracle/portability.py`): what a service
/// claims is found again, and who may have an ID is decided so.
#[test]
fn what_was_confirmed_of_real_registrations_is_found_again() {
    let recorded = fs::read_to_string(RECORDED).expect("recorded data is committed");
    let mut by_services: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in recorded.lines() {
        let case: Value = serde_json::from_str(line).expect("a line is JSON");
        by_services.entry(format!("{}{}", case["kind"], case["services"])).or_default().push(case);
    }
    assert!(by_services.len() > 100, "only {} sets", by_services.len());
    for cases in by_services.values() {
        let list = |kind: &str| match kind {
            "user" => "users",
            "alias" => "aliases",
            _ => "rooms",
        };
        let kind = list(cases[0]["kind"].as_str().expect("a kind"));
        let services = cases[0]["services"].as_array().expect("services").iter();
        let files: Vec<Value> = services.map(|service| recorded_file(kind, service)).collect();
        let loads = Loads::of(&all(), &files);
        let found = loads.findings();
        for case in cases {
            let id = case["id"].as_str().expect("an ID");
            let says = case["says"].as_object().expect("what each says");
            for (name, says) in says {
                let at =
                    loads.each.iter().position(|load| load.homeserver.dialect.name() == name).expect("it is known");
                let ours = recorded_answer(&loads.each[at].services, case, id);
                // What the specification leaves open takes both readings, which the finding has.
                assert!(says == "undefined" || *says == ours, "{name} on {id}: {ours}, not {says}: {files:?}");
            }
            let of = |f: &Arc<Finding>| {
                f.places.iter().any(|place| place.witness.as_deref() == Some(id)) || f.witness.as_deref() == Some(id)
            };
            assert!(case.get("asks").is_some() || found.iter().any(of), "{id} is not found in {files:?}: {found:?}");
        }
    }
}

fn recorded_file(list: &str, service: &Value) -> Value {
    let entries = service["entries"].as_array().expect("entries").iter();
    let entries: Vec<Value> = entries.map(|entry| json!({"regex": entry[0], "exclusive": entry[1]})).collect();
    json!({
        "id": service["id"], "as_token": format!("{}-as-token", service["id"]), "hs_token": format!("{}-hs-token", service["id"]),
        "sender_localpart": service["sender"], "url": null, "namespaces": {list: entries},
    })
}

fn recorded_answer(services: &Services, case: &Value, id: &str) -> &'static str {
    let (parsed, mut scratch) = (MatrixId::parse(id).expect("an ID"), Scratch::new());
    let Some(asks) = case.get("asks") else {
        let claims = services.claims(parsed, &mut scratch);
        return claims.first().map_or("unclaimed", |claim| if claim.exclusive { "exclusive" } else { "shared" });
    };
    let asker = asks
        .as_str()
        .map_or(Asker::Person, |as_id| Asker::Service(services.position_of_id(as_id).expect("it is there")));
    let decision = if case["kind"] == "user" {
        services.may_register(asker, UserName::UserId(id), &mut scratch)
    } else {
        services.may_create_alias(parsed, asker, None, &mut scratch)
    };
    if decision.allowed { "allowed" } else { "refused" }
}

/// The findings of each homeserver by itself that have a code.
fn each_has(loads: &Loads, code: Code) -> Vec<(&'static str, Vec<Arc<Finding>>)> {
    let of = |load: &'_ Load| load.homeserver.dialect.name();
    let with = loads
        .each
        .iter()
        .map(|load| (of(load), load.analysis.findings.iter().filter(|found| found.code == code).collect()));
    with.collect()
}

#[test]
fn what_is_as_true_elsewhere_is_told_there_and_names_that_homeserver() {
    let text = "id: irc\nas_token: ${TOKEN}\nhs_token: hs-token-0123456789abcdef\nsender_localpart: ircbot\nurl: localhost:9000\n\
                ratelimited: false\nprotocols: ['{{ protocol }}']\nnamespaces: {users: [], user: []}\n";
    let loads = Loads::of(&all(), &[json!(text)]);
    for (code, times) in [(Code::Placeholder, 2), (Code::UnknownKey, 2), (Code::UnusableUrl, 1)] {
        for (name, found) in each_has(&loads, code) {
            assert_eq!(found.len(), times, "{name}: {found:?}");
            let homeserver = name.parse::<Dialect>().expect("a dialect").homeserver();
            let others = found.iter().filter(|found| found.message.contains("Synapse") && name != "synapse");
            assert_eq!(others.count(), 0, "{name}: {found:?}");
            let named = found.iter().any(|found| found.message.contains(homeserver));
            assert!(named, "{name}: {found:?}");
        }
    }
    // A key that another homeserver reads is meant for that one; what a library refuses it does not make a boolean of.
    let mut file = file("irc", &[], &[]);
    file["rate_limited"] = json!(null);
    file["io.element.msc4190"] = json!(true);
    file["url"] = json!("unix:///run/irc.sock");
    let loads = Loads::of(&all(), &[file]);
    for (name, found) in each_has(&loads, Code::UnknownKey) {
        assert_eq!(found.len(), 0, "{name}: {found:?}");
    }
    let having = |code| -> Vec<&str> {
        let with = each_has(&loads, code).into_iter().filter(|(_, found)| !found.is_empty());
        with.map(|(name, _)| name).collect()
    };
    assert_eq!(having(Code::NotABoolean), ["synapse", "dendrite", "spec"]);
    assert_eq!(
        having(Code::UnusableUrl),
        all().iter().map(|one| one.name()).filter(|name| *name != "dendrite").collect::<Vec<_>>()
    );
}

#[test]
fn the_specification_speaks_with_one_voice_and_has_no_rules_of_synapses() {
    let spec = &["spec".parse().expect("a dialect")];
    let loads = Loads::of(spec, &[file("hook", &[("webhook", true), (r"@x:other\.org$", true)], &[])]);
    let told = |code| each_has(&loads, code).remove(0).1;
    let [undefined] = &*told(Code::Undefined) else { panic!("{:?}", told(Code::Undefined)) };
    assert!(undefined.message.contains("by one of its readings none does"), "{undefined:?}");
    let [dead] = &*told(Code::DeadEntry) else { panic!("{:?}", told(Code::DeadEntry)) };
    assert!(dead.message.contains("of another server"), "{dead:?}");
    let mut odd = file("a|b", &[], &[]);
    odd["sender_localpart"] = json!("a b");
    odd["io.element.msc4190"] = json!("no boolean");
    assert!(Loads::of(spec, &[odd.clone()]).loads(0));
    assert!(!Loads::of(&[Dialect::default()], &[odd]).loads(0));
    for broken in ["- id: irc\n", "id: !env IRC\n", "[global]\nid = 'a'\n", "as_token_file: x\n", "id: a\nurl: 5\n"] {
        let loads = Loads::of(spec, &[json!(broken)]);
        let Err(faults) = &loads.each[0].files[0] else { panic!("{broken} loads") };
        assert!(faults.iter().all(|fault| !fault.message.contains("Synapse")), "{faults:?}");
    }
}

#[test]
fn whoever_sees_everybody_is_warned_of_where_that_lets_it_take_the_names_of_others() {
    let files = [file("photon", &[("@.*", false)], &[]), file("irc", &[("@irc_.*:example.com", true)], &[])];
    for (name, found) in each_has(&Loads::of(&all(), &files), Code::ClaimsEveryone) {
        let [one] = &*found else { panic!("{name}: {found:?}") };
        let takes = !["synapse", "spec"].contains(&name);
        assert_eq!(one.severity, if takes { Severity::Warning } else { Severity::Note }, "{name}");
        assert_eq!(one.message.contains("may register each"), takes, "{name}: {one:?}");
        assert_eq!(one.message.contains("one other service"), name == "dendrite", "{name}: {one:?}");
    }
    // Nobody else holds anything.
    for (name, found) in each_has(&Loads::of(&all(), &files[..1]), Code::ClaimsEveryone) {
        assert_eq!(found[0].severity, Severity::Note, "{name}");
    }
}

#[test]
fn a_service_whose_own_user_has_capitals_may_not_register_it_everywhere() {
    let mut capitals = file("signal", &[(r"@signal_.*:example\.com", true)], &[]);
    capitals["sender_localpart"] = json!("AbC");
    let found = Loads::of(&all(), &[capitals, file("irc", &[], &[])]).findings();
    let own: Vec<_> = found.iter().filter(|found| found.message.contains("its own user")).collect();
    let [own] = own[..] else { panic!("{found:?}") };
    assert_eq!(
        (own.code, own.severity, own.witness.as_deref()),
        (Code::Portability, Severity::Note, Some("@AbC:example.com"))
    );
    assert_eq!(saying(own, Says::Allowed), ["synapse", "spec"]);
    assert_eq!(saying(own, Says::Refused), ["dendrite", "tuwunel", "continuwuity", "conduit", "palpo", "palpo-421"]);
}

#[test]
fn dendrite_joins_aliases_as_well_as_users() {
    let dendrite = &["dendrite".parse().expect("a dialect")];
    for (users, aliases, broken) in [
        (&[(r"\Q@irc_", true)][..], &[][..], 1),
        (&[], &[(r"\Q#irc_", true)], 1),
        (&[(r"\Q@irc_", false)], &[(r"\Q#irc_\E.*", true)], 0),
    ] {
        let loads =
            Loads::of(dendrite, &[file("irc", users, aliases), file("b", &[("@b.*", true)], &[("#b.*", true)])]);
        let found = each_has(&loads, Code::UnjoinableRegex).remove(0).1;
        assert_eq!(found.len(), broken, "{users:?} {aliases:?}: {found:?}");
    }
}
