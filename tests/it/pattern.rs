//! The index and the analysis say of each ID what the engines of python-re say, where sets are empty.

use bailiwick::analysis::Code;
use bailiwick::homeserver::Homeserver;
use bailiwick::index::Scratch;
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, TokenHasher};
use bailiwick::ruling::{Services, Status};
use python_re::{Outcome, Pattern};

use super::findings::findings_of;

/// What holds a set that no character belongs to: the backtracker, the index and the analysis say of each ID what
/// CPython's `re` says.
#[test]
fn an_empty_set_fails_only_where_it_must_match() {
    for (regex, id, matches) in [
        (r"@[^\s\S]", "@a", false),
        (r"@[^\s\S]*", "@a", true),
        (r"@[^\W\S]{0,3}", "@a", true),
        (r"@a[^\s\S]{0,0}:", "@a", true),
        (r"@[^\s\S]{1,3}", "@a", false),
        (r"[^\W\S]*@", "@a", true),
        (r"(?:[^\s\S]*){2000}@", "@a", true),
        (r"(?:[^\s\S]){2000}@", "@a", false),
        (r"@[a-z](?:[^\s\S]|b)", "@ab", true),
        (r"@[a-z](?:[^\s\S]|b)", "@aa", false),
        (r"@[a-z](?:[^\s\S]|[^\w\W]b)", "@ab", false),
        (r"@.*(?:[^\s\S]|b)", "@ab", true),
        (r"@[a-z]([^\w\W]x)?b", "@ab", true),
        (r"@[a-z]([^\w\W]x)+b", "@ab", false),
        (r"@(?=[^\s\S]*a)ab", "@ab", true),
        (r"@(?![^\s\S])ab", "@ab", true),
        (r"@(?=[^\s\S])ab", "@ab", false),
        (r"@[^\s\S]*+a", "@a", true),
        (r"\A@[^\s\S]{0,2}b+.*", "@b", true),
        (r"(?:[^\s\S]|@)a.*(?:[^\s\S]c|:).*", "@a", true),
    ] {
        let text = format!("{id}:example.com");
        let pattern = Pattern::parse(regex).expect("a pattern");
        assert_eq!(
            pattern.backtracker().run(&mut python_re::Scratch::new(), &text) == Outcome::Match,
            matches,
            "{regex} on {text}"
        );
        let dead = &services(&[regex]);
        let is_dead = findings_of(dead).iter().any(|f| f.code == Code::DeadEntry);
        // All but one of these that do not match this ID match none at all.
        assert_eq!(is_dead, !matches && id != "@aa", "{regex} is dead");
        let both = &services(&[regex, &format!(r"{id}:example\.com\Z")]);
        let status = both.ownership(MatrixId::parse(&text).expect("an ID"), &mut Scratch::new()).status;
        assert_eq!(status == Status::Contested, matches, "the index: {regex} on {text}");
        let findings = findings_of(both);
        let collides = findings.iter().any(|f| matches!(f.code, Code::ExclusiveConflict | Code::ClaimsEveryone));
        assert_eq!(collides, matches, "the analysis: {regex} on {text}");
    }
}

/// Pairs of users' regexes, and in which dialects they collide: where the one is looked for anywhere, and where capitals
/// are small letters. The index says the same of the witness.
#[test]
fn what_collides_depends_on_the_homeserver() {
    const ALL: [&str; 4] = ["synapse", "dendrite", "tuwunel", "continuwuity"];
    for (one, other, collide) in [
        ("@irc_.*", "@irc_x.*", &ALL[..]),
        ("@irc_.*", "@slack_.*", &[]),
        ("^@irc_.*", "@irc_x.*", &ALL),
        ("irc_", "@irc_.*", &["dendrite", "tuwunel", "continuwuity"]),
        ("webhook", "@my.*", &["dendrite", "tuwunel", "continuwuity"]),
        ("@IRC_.*", "@irc_x.*", &["tuwunel"]),
        ("@(?i:IRC)_.*", "@irc_x.*", &ALL),
        (r"@.*\bbot", "@irc_.*", &["synapse", "dendrite", "tuwunel", "continuwuity"]),
        ("foo|@irc_", "@foo", &["dendrite", "tuwunel", "continuwuity"]),
    ] {
        for name in ALL {
            let services = &services_of(name, &[one, other]);
            let findings = findings_of(services);
            let found = findings.iter().find(|finding| finding.code == Code::ExclusiveConflict);
            assert_eq!(found.is_some(), collide.contains(&name), "{name}: {one} and {other}");
            let Some(witness) = found.and_then(|finding| finding.witness.as_ref()) else { continue };
            let id = MatrixId::parse(witness).expect("an ID");
            let status = services.ownership(id, &mut Scratch::new()).status;
            assert_eq!(status, Status::Contested, "{name}: {one} and {other} on {witness}");
        }
    }
}

/// Aliases may hold a second sigil, in which any two meet that are looked for anywhere: that is not reported for each pair.
#[test]
fn what_is_looked_for_anywhere_does_not_collide_with_everything() {
    let regexes: Vec<String> = (0..300).map(|at| format!("#net{at}_.*:example\\.com")).collect();
    let file = |(at, regex): (usize, &String)| {
        serde_json::json!({
            "id": format!("as{at}"), "as_token": format!("as-token-{at}"), "hs_token": format!("hs-token-{at}"),
            "sender_localpart": format!("bot{at}"), "url": null, "namespaces": {"aliases": [{"regex": regex, "exclusive": true}]},
        })
    };
    let load = |one: (usize, &String)| {
        let loaded = registration::load(&"test.yaml".into(), file(one).to_string().as_bytes(), &TokenHasher::new());
        loaded.expect("it loads")
    };
    for name in ["dendrite", "tuwunel"] {
        let dialect = name.parse().expect("a dialect");
        let homeserver = Homeserver::new("example.com".parse().expect("a server name"), dialect);
        let services = Services::new(homeserver, regexes.iter().enumerate().map(load).collect());
        let between: Vec<_> = findings_of(&services).into_iter().filter(|finding| finding.places.len() > 1).collect();
        assert_eq!(between, [], "{name}");
        let id = MatrixId::parse("#net1_x#net2_:example.com").expect("an ID");
        let status = services.ownership(id, &mut Scratch::new()).status;
        assert_eq!(status, Status::Contested, "{name}: the index answers for every ID");
    }
}

/// A service for each regex, which claims users exclusively by it.
fn services(regexes: &[&str]) -> Services {
    services_of("synapse", regexes)
}

/// The same on a homeserver of some dialect.
fn services_of(dialect: &str, regexes: &[&str]) -> Services {
    let load = |(number, regex): (usize, &&str)| {
        let file = serde_json::json!({
            "id": format!("as{number}"), "as_token": format!("as-token-{number}"), "hs_token": format!("hs-token-{number}"),
            "sender_localpart": format!("bot{number}"), "url": null,
            "namespaces": {"users": [{"regex": regex, "exclusive": true}]},
        });
        registration::load(&"test.yaml".into(), file.to_string().as_bytes(), &TokenHasher::new()).expect("it loads")
    };
    let dialect = dialect.parse().expect("a dialect");
    let homeserver = Homeserver::new("example.com".parse().expect("a server name"), dialect);
    Services::new(homeserver, regexes.iter().enumerate().map(load).collect())
}
