//! A file of tests: YAML, read as the registrations themselves are, so that every fault has its line.

use std::path::PathBuf;

use super::expectation::{Expectation, Expected, Language, Question, State, Test};
use crate::cli::yaml_file::{self, Fault, Map, Node};
use crate::homeserver::Dialect;
use crate::matrix::ServerName;
use crate::ruling::Reason;

/// What a file of tests says.
#[derive(Debug, Default)]
pub(super) struct TestFile {
    pub(super) server_name: Option<ServerName>,
    /// For which homeservers each test is made.
    pub(super) homeservers: Vec<Dialect>,
    /// Directories and files, relative to the file's own directory.
    pub(super) registrations: Vec<PathBuf>,
    pub(super) tests: Vec<Test>,
}

/// The states that IDs are listed under.
const STATES: [&str; 4] = ["reserved", "free", "shared", "contested"];
const LANGUAGES: [&str; 2] = ["reserved_language", "free_language"];
const QUESTIONS: [&str; 3] = ["may_register", "may_create_alias", "may_act"];

impl TestFile {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        yaml_file::read(bytes, Self::of)
    }

    fn of(root: Node<'_>) -> Result<Self, Fault> {
        let root = root.map()?;
        root.knows(&[&["server_name", "homeserver", "registrations", "tests"]])?;
        let mut file = Self::default();
        if let Some(name) = root.get("server_name") {
            file.server_name = Some(name.parsed()?);
        }
        for name in root.list("homeserver")? {
            file.homeservers.push(name.parsed()?);
        }
        for path in root.list("registrations")? {
            file.registrations.push(PathBuf::from(path.text()?));
        }
        for test in root.list("tests")? {
            file.tests.push(self::test(test)?);
        }
        if file.tests.is_empty() {
            return Err(Fault::at(root.place, "there are no `tests`"));
        }
        Ok(file)
    }
}

fn test(value: Node<'_>) -> Result<Test, Fault> {
    let map = value.map()?;
    let what: Vec<&str> = [&STATES[..], &LANGUAGES, &QUESTIONS].concat();
    let mut said = what.iter().filter(|key| map.get(key).is_some());
    let (Some(&key), None) = (said.next(), said.next()) else {
        let keys: Vec<String> = what.iter().map(|key| format!("`{key}`")).collect();
        return Err(Fault::at(map.place, format!("a test has one of {}", keys.join(", "))));
    };
    let more: &[&str] = match key {
        "reserved" | "reserved_language" => &["by"],
        _ if QUESTIONS.contains(&key) => &["expect"],
        _ => &[],
    };
    map.knows(&[&["name", key], more])?;
    let expectation = if QUESTIONS.contains(&key) {
        let question = map.get(key).map(|question| self::question(key, question));
        let question = question.expect("the key has been found")?;
        Expectation::Decision { question, expected: self::expected(&map)? }
    } else {
        let are = match key {
            "reserved" | "reserved_language" => State::Reserved { by: map.text("by")? },
            "shared" => State::Shared,
            "contested" => State::Contested,
            _ => State::Free,
        };
        let items = map.list(key)?;
        if LANGUAGES.contains(&key) {
            let regexes = items.into_iter().map(Node::parsed::<Language>).collect::<Result<_, _>>()?;
            Expectation::Language { are, regexes }
        } else {
            Expectation::Ids { are, ids: items.into_iter().map(Node::text).collect::<Result<_, _>>()? }
        }
    };
    let name = map.text("name")?.unwrap_or_else(|| called(key, &expectation));
    Ok(Test { name, line: Some(map.place.line), expectation })
}

fn question(key: &str, value: Node<'_>) -> Result<Question, Fault> {
    let map = value.map()?;
    Ok(match key {
        "may_create_alias" => {
            map.knows(&[&["alias", "user_id", "as_id"]])?;
            let (user_id, as_id) = (map.text("user_id")?, map.text("as_id")?);
            Question::CreateAlias { alias: map.needs("alias")?.text()?, user_id, as_id }
        }
        "may_act" => {
            map.knows(&[&["user_id", "as_id"]])?;
            Question::Act { user_id: map.needs("user_id")?.text()?, as_id: map.needs("as_id")?.text()? }
        }
        _ => {
            map.knows(&[&["user_id", "as_id"]])?;
            Question::Register { user_id: map.needs("user_id")?.text()?, as_id: map.text("as_id")? }
        }
    })
}

fn expected(map: &Map<'_>) -> Result<Expected, Fault> {
    let missing = || Fault::at(map.place, "`expect` is missing: `allowed`, `reason` or `errcode`");
    let expect = map.get("expect").ok_or_else(missing)?.map()?;
    expect.knows(&[&["allowed", "reason", "errcode"]])?;
    let mut expected = Expected { errcode: expect.text("errcode")?, ..Expected::default() };
    if let Some(value) = expect.get("allowed") {
        expected.allowed = Some(value.boolean()?);
    }
    if let Some(value) = expect.get("reason") {
        let name = value.text()?;
        let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == name);
        expected.reason = Some(reason.ok_or_else(|| Fault::at(value.place(), format!("`{name}` is no reason")))?);
    }
    if let Expected { allowed: None, reason: None, errcode: None } = expected {
        return Err(missing());
    }
    Ok(expected)
}

/// What a test is called that has no name: what it is about.
fn called(key: &str, expectation: &Expectation) -> String {
    let list = |texts: &[String]| match texts {
        [first, rest @ ..] if rest.len() > 1 => format!("{first} and {} more", rest.len()),
        _ => texts.join(", "),
    };
    let about = match expectation {
        Expectation::Ids { ids, .. } => list(ids),
        Expectation::Language { regexes, .. } => {
            list(&regexes.iter().map(|language| language.regex.clone()).collect::<Vec<_>>())
        }
        Expectation::Decision { question, .. } => match question {
            Question::Register { user_id, as_id } => by_service(user_id, as_id.as_deref()),
            Question::CreateAlias { alias, as_id, .. } => by_service(alias, as_id.as_deref()),
            Question::Act { user_id, as_id } => by_service(user_id, Some(as_id)),
        },
    };
    format!("{key} {about}")
}

fn by_service(id: &str, as_id: Option<&str>) -> String {
    as_id.map_or_else(|| id.to_owned(), |as_id| format!("{id} by {as_id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        TestFile::read(text.as_bytes()).expect_err("it cannot be used").to_string()
    }

    #[test]
    fn a_file_is_read_as_it_is_documented() {
        let text = "server_name: example.com\nhomeserver: [synapse, dendrite]\nregistrations: [a, b/c.yaml]\ntests:\n\
                    - reserved: '@a:example.com'\n  by: a\n- {name: people, free: [alice, bob, carol]}\n\
                    - may_register: {user_id: '@b:example.com', as_id: b}\n  expect: {allowed: no, reason: reserved}\n\
                    - free_language: '@[a-z]+:example\\.com'\n";
        let file = TestFile::read(text.as_bytes()).expect("it is read");
        assert_eq!(file.server_name.map(|name| name.to_string()).as_deref(), Some("example.com"));
        assert_eq!((file.homeservers.len(), file.registrations.len()), (2, 2));
        let names: Vec<(&str, Option<u32>)> = file.tests.iter().map(|test| (&*test.name, test.line)).collect();
        let expected = [
            ("reserved @a:example.com", Some(5)),
            ("people", Some(7)),
            ("may_register @b:example.com by b", Some(8)),
            (r"free_language @[a-z]+:example\.com", Some(10)),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn what_would_test_nothing_is_refused_with_its_place() {
        for (text, said) in [
            ("", "1:1: the file is empty"),
            ("tests: []", "1:8: `tests` is empty"),
            ("server_name: x", "1:1: there are no `tests`"),
            ("tests:\n- fre: [a]", "2:3: a test has one of"),
            ("tests:\n- free: [a]\n  by: b", "3:3: `by` is no key here"),
            ("tests:\n- free: [a]\n  reserved: [b]", "2:3: a test has one of"),
            ("tests:\n- free: [1]", "2:10: expected a text"),
            ("tests:\n- free: []", "2:9: `free` is empty"),
            ("tests:\n- may_register: {user_id: '@a:b'}", "2:3: `expect` is missing"),
            ("tests:\n- may_register: {user_id: '@a:b'}\n  expect: {}", "2:3: `expect` is missing"),
            ("tests:\n- may_register: {user_id: '@a:b'}\n  expect: {reason: no_such}", "3:20: `no_such` is no reason"),
            ("tests:\n- free_language: 'a('", "2:18: `a(` is no regex of Python"),
            ("homeserver: construct\ntests: [{free: a}]", "1:13: `construct` is no homeserver"),
            ("tests: [{free: a}]\ntests: [{free: b}]", "2:1: this key stands already at 1:1"),
            ("tests: @", "1:8: "),
        ] {
            let fault = fault(text);
            assert!(fault.starts_with(said), "{text:?}: {fault}");
        }
    }
}
