use std::str::FromStr;

use crate::matrix::Kind;
use crate::ruling::Reason;
use python_re::Pattern;

/// A test: what is expected, and where that stands.
#[derive(Clone, Debug)]
pub(super) struct Test {
    /// What it is called, or else what it expects.
    pub(super) name: String,
    /// The line in its file; none if it is of the command line.
    pub(super) line: Option<u32>,
    pub(super) expectation: Expectation,
}

#[derive(Clone, Debug)]
pub(super) enum Expectation {
    /// What each of some IDs is; a name without a sigil is a localpart.
    Ids { are: State, ids: Vec<String> },
    /// How a question is decided.
    Decision { question: Question, expected: Expected },
    /// What holds of all IDs that each of some regexes matches.
    Language { are: State, regexes: Vec<Language> },
}

/// What an ID may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A service holds it exclusively: this one and no other, if one is named.
    Reserved { by: Option<String> },
    /// A person may have it.
    Free,
    /// It is claimed, and nobody holds it exclusively.
    Shared,
    /// Several services hold it exclusively.
    Contested,
}

/// Whether somebody may.
#[derive(Clone, Debug)]
pub(super) enum Question {
    Register { user_id: String, as_id: Option<String> },
    CreateAlias { alias: String, user_id: Option<String>, as_id: Option<String> },
    Act { user_id: String, as_id: String },
}

/// What is expected of a decision; what is not said is not asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    pub(super) allowed: Option<bool>,
    pub(super) reason: Option<Reason>,
    pub(super) errcode: Option<String>,
}

/// A regex that names IDs of a kind, as Python reads it.
#[derive(Clone, Debug)]
pub(super) struct Language {
    pub(super) regex: String,
    pub(super) kind: Kind,
    pub(super) pattern: Pattern,
}

impl FromStr for Language {
    type Err = String;

    fn from_str(regex: &str) -> Result<Self, String> {
        let pattern = Pattern::parse(regex).map_err(|error| format!("`{regex}` is no regex of Python: {error}"))?;
        let paths = pattern.paths();
        let begins = |kind: &Kind| paths.iter().all(|path| path.prefix.first().copied() == Some(kind.sigil() as u8));
        let kind = Kind::ALL.into_iter().find(begins).filter(|_| !paths.is_empty());
        let kind = kind.ok_or_else(|| {
            format!("`{regex}` begins with none of `@`, `#` and `!`, and so names no IDs of one kind")
        })?;
        Ok(Self { regex: regex.to_owned(), kind, pattern })
    }
}

/// What is expected of one ID, on the command line.
impl FromStr for Test {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected free=ID, reserved=ID, reserved:SERVICE=ID, shared=ID or contested=ID";
        let (state, id) = text.split_once('=').filter(|(_, id)| !id.is_empty()).ok_or(expected)?;
        let are = match (state, state.split_once(':')) {
            ("free", _) => State::Free,
            ("shared", _) => State::Shared,
            ("contested", _) => State::Contested,
            ("reserved", _) => State::Reserved { by: None },
            (_, Some(("reserved", by))) if !by.is_empty() => State::Reserved { by: Some(by.to_owned()) },
            _ => return Err(expected.to_owned()),
        };
        let expectation = Expectation::Ids { are, ids: vec![id.to_owned()] };
        Ok(Self { name: text.to_owned(), line: None, expectation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are(text: &str) -> Result<(State, Vec<String>), String> {
        let Test { expectation, .. } = text.parse()?;
        match expectation {
            Expectation::Ids { are, ids } => Ok((are, ids)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_expected_of_one_id_fits_in_a_word() {
        assert_eq!(are("free=alice"), Ok((State::Free, vec!["alice".to_owned()])));
        let by = State::Reserved { by: Some("tele".to_owned()) };
        assert_eq!(are("reserved:tele=@a=b:c.d"), Ok((by, vec!["@a=b:c.d".to_owned()])));
        for wrong in ["", "free", "free=", "taken=alice", "reserved:=alice", "alice=free"] {
            assert!(are(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_language_is_of_one_kind() {
        assert_eq!("@[a-z]+:x".parse::<Language>().map(|one| one.kind), Ok(Kind::User));
        assert_eq!("^#a".parse::<Language>().map(|one| one.kind), Ok(Kind::Alias));
        for wrong in ["[@#]a", ".*", "a", "@("] {
            assert!(wrong.parse::<Language>().is_err(), "{wrong}");
        }
    }
}
