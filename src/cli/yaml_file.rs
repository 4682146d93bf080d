//! A file that somebody writes for a command: YAML, read as the registrations themselves are, so that every fault has its
//! line. A key that is not known is one: what is misspelt would be passed over.

use std::fmt;
use std::str::FromStr;

use pyyaml::{Document, Located, NodeId, Place, Release, Value};

/// Why a file cannot be used, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    place: Place,
    what: String,
}

impl Fault {
    pub(super) fn at(place: Place, what: impl Into<String>) -> Self {
        Self { place, what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.place.line, self.place.column, self.what)
    }
}

impl std::error::Error for Fault {}

/// Reads a file, of which `take` makes something.
pub(super) fn read<T>(bytes: &[u8], take: impl FnOnce(Node<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
    let fault = |error: pyyaml::YamlError| Fault::at(error.place, error.to_string());
    let decoded = pyyaml::decode(bytes).map_err(fault)?;
    let document = Document::read(&decoded, Release::V6_0_3).map_err(fault)?;
    let document = document.ok_or_else(|| Fault::at(Place { line: 1, column: 1 }, "the file is empty"))?;
    if let Some(&(earlier, later)) = document.repeated().first() {
        return Err(Fault::at(later, format!("this key stands already at {}:{}", earlier.line, earlier.column)));
    }
    take(Node { document: &document, located: document.locate(document.root()) })
}

/// Something that stands in a file.
#[derive(Clone, Copy)]
pub(super) struct Node<'d> {
    document: &'d Document<'d>,
    located: Located<'d>,
}

impl<'d> Node<'d> {
    pub(super) fn place(self) -> Place {
        self.located.place
    }

    /// A mapping.
    pub(super) fn map(self) -> Result<Map<'d>, Fault> {
        match self.located.value {
            Value::Dict(pairs) => Ok(Map { document: self.document, place: self.located.place, pairs }),
            _ => Err(Fault::at(self.located.place, "expected a mapping")),
        }
    }

    /// The members of a list, or itself: one that stands for a list of one.
    pub(super) fn members(self) -> Vec<Self> {
        match self.located.value {
            Value::List(members) => {
                members.iter().map(|&member| Self { located: self.document.locate(member), ..self }).collect()
            }
            _ => vec![self],
        }
    }

    pub(super) fn text(self) -> Result<String, Fault> {
        match self.located.value {
            Value::Str(text) => Ok(text.escaped().into_owned()),
            _ => Err(Fault::at(
                self.located.place,
                "expected a text; what YAML takes for something else is put in quotes",
            )),
        }
    }

    pub(super) fn boolean(self) -> Result<bool, Fault> {
        match self.located.value {
            Value::Bool(value) => Ok(value),
            _ => Err(Fault::at(self.located.place, "expected true or false")),
        }
    }

    /// A text that says something.
    pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(self) -> Result<T, Fault> {
        self.text()?.parse().map_err(|error: T::Err| Fault::at(self.located.place, error.to_string()))
    }
}

/// A mapping with string keys.
pub(super) struct Map<'d> {
    document: &'d Document<'d>,
    pub(super) place: Place,
    pairs: &'d [(NodeId, NodeId)],
}

impl<'d> Map<'d> {
    pub(super) fn get(&self, key: &str) -> Option<Node<'d>> {
        let located = self.document.get(self.pairs, key)?;
        Some(Node { document: self.document, located })
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Fault> {
        self.get(key).map(Node::text).transpose()
    }

    pub(super) fn needs(&self, key: &str) -> Result<Node<'d>, Fault> {
        self.get(key).ok_or_else(|| Fault::at(self.place, format!("`{key}` is missing")))
    }

    /// A list, or one that stands for a list of one; none where there is no such key.
    pub(super) fn list(&self, key: &str) -> Result<Vec<Node<'d>>, Fault> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let members = value.members();
        if members.is_empty() {
            return Err(Fault::at(value.place(), format!("`{key}` is empty")));
        }
        Ok(members)
    }

    /// Refuses other keys.
    pub(super) fn knows(&self, keys: &[&[&str]]) -> Result<(), Fault> {
        for &(key, _) in self.pairs {
            let key = Node { document: self.document, located: self.document.locate(key) };
            let name = key.text()?;
            if !keys.iter().any(|keys| keys.contains(&&*name)) {
                let known: Vec<String> = keys.concat().iter().map(|key| format!("`{key}`")).collect();
                return Err(Fault::at(key.place(), format!("`{name}` is no key here; there are {}", known.join(", "))));
            }
        }
        Ok(())
    }
}
