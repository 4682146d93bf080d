use pyyaml::Located;
use serde::Serialize;

use super::Place;
use crate::homeserver::Consequence;

/// What is wrong with a registration file, as a stable code; each has a page under `docs/faults/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultCode {
    /// The file cannot be read.
    Unreadable,
    /// The bytes are not YAML as the homeserver reads it.
    Syntax,
    /// The file is something else: a bridge's configuration, a manifest, an archive.
    NotARegistration,
    /// A key that is needed is missing.
    MissingKey,
    /// A value has the wrong type.
    WrongType,
    /// A value has the right type and is not acceptable.
    InvalidValue,
    /// A regex that the homeserver refuses.
    InvalidRegex,
    /// Another file has the same `id`.
    DuplicateId,
    /// Another file has the same `as_token`.
    DuplicateToken,
    /// Another file has a proxy prefix that overlaps this one's.
    OverlappingProxyPrefix,
    /// Nothing is wrong, but what the file claimed a moment ago it claims no more; that is held for a while.
    Held,
}

impl FaultCode {
    /// All codes.
    pub const ALL: [Self; 11] = [
        Self::Unreadable,
        Self::Syntax,
        Self::NotARegistration,
        Self::MissingKey,
        Self::WrongType,
        Self::InvalidValue,
        Self::InvalidRegex,
        Self::DuplicateId,
        Self::DuplicateToken,
        Self::OverlappingProxyPrefix,
        Self::Held,
    ];

    /// The code as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Syntax => "syntax",
            Self::NotARegistration => "not-a-registration",
            Self::MissingKey => "missing-key",
            Self::WrongType => "wrong-type",
            Self::InvalidValue => "invalid-value",
            Self::InvalidRegex => "invalid-regex",
            Self::DuplicateId => "duplicate-id",
            Self::DuplicateToken => "duplicate-token",
            Self::OverlappingProxyPrefix => "overlapping-proxy-prefix",
            Self::Held => "held",
        }
    }

    /// The page that explains it, in Markdown.
    #[must_use]
    pub const fn page(self) -> &'static str {
        macro_rules! page {
            ($name:literal) => {
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults/", $name, ".md"))
            };
        }
        match self {
            Self::Unreadable => page!("unreadable"),
            Self::Syntax => page!("syntax"),
            Self::NotARegistration => page!("not-a-registration"),
            Self::MissingKey => page!("missing-key"),
            Self::WrongType => page!("wrong-type"),
            Self::InvalidValue => page!("invalid-value"),
            Self::InvalidRegex => page!("invalid-regex"),
            Self::DuplicateId => page!("duplicate-id"),
            Self::DuplicateToken => page!("duplicate-token"),
            Self::OverlappingProxyPrefix => page!("overlapping-proxy-prefix"),
            Self::Held => page!("held"),
        }
    }

    /// What it means, as a sentence without an end.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Unreadable => "the file cannot be read",
            Self::Syntax => "the file is not YAML as the homeserver reads it",
            Self::NotARegistration => "the file is something else than a registration",
            Self::MissingKey => "a key that is needed is missing",
            Self::WrongType => "a value has the wrong type",
            Self::InvalidValue => "a value is not acceptable",
            Self::InvalidRegex => "the homeserver refuses a regex",
            Self::DuplicateId => "another file has the same id",
            Self::DuplicateToken => "another file has the same as_token",
            Self::OverlappingProxyPrefix => "another file has an overlapping proxy prefix",
            Self::Held => "what the file claimed a moment ago is held for a while",
        }
    }
}

/// One fault: what is wrong, where, and the way out. Never holds a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// The stable code.
    pub code: FaultCode,
    /// What is wrong, what the homeserver would say, and the way out.
    pub message: String,
    /// The line, counted from 1; absent when the fault has no place in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in characters, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What the homeserver would do about it, and about the other files; told where it is not Synapse that is asked about,
    /// which starts with no such file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consequence: Option<Consequence>,
    /// Behind the last character of what is wrong, where that is known: for showing it in its line.
    #[serde(skip)]
    pub end: Option<Place>,
}

impl Fault {
    /// A fault at a place.
    #[must_use]
    pub fn at(code: FaultCode, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            line: Some(place.line),
            column: Some(place.column),
            consequence: None,
            end: None,
        }
    }

    /// A fault of a value.
    pub(super) fn over(code: FaultCode, found: Located<'_>, message: impl Into<String>) -> Self {
        Self { end: Some(found.end).filter(|&end| end > found.place), ..Self::at(code, found.place, message) }
    }

    /// A fault of the file as a whole.
    #[must_use]
    pub fn of_file(code: FaultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), line: None, column: None, consequence: None, end: None }
    }

    /// The same with what becomes of the file and of the others.
    #[must_use]
    pub fn with(self, consequence: Consequence) -> Self {
        Self { consequence: Some(consequence), ..self }
    }
}
