use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Code;
use super::fix::Fix;
use crate::matrix::{Kind, MAX_ID_BYTES};
use crate::registration::{Place, Registration};

/// Something about a set of registrations that no homeserver tells, proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// What it is; stable.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// What kind of namespace it is about; null when it is about a file.
    pub kind: Option<Kind>,
    /// How the entry of the first place lies to that of the second; null when there are not two.
    pub relation: Option<Relation>,
    /// A shortest ID that proves it; the service answers it accordingly.
    #[schema(value_type = Option<String>)]
    pub witness: Option<Box<str>>,
    /// What kind of ID the witness is.
    pub witness_is: Option<WitnessIs>,
    /// What is the matter, in one sentence.
    #[schema(value_type = String)]
    pub message: Cow<'static, str>,
    /// The way out, in one sentence.
    pub help: &'static str,
    /// Where.
    #[schema(value_type = Vec<FindingPlace>)]
    pub places: Box<[FindingPlace]>,
    /// On which homeservers it is so, where several were asked; left out where one was.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    pub homeservers: Box<[&'static str]>,
    /// What homeservers say that do not agree; left out where they do.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<HomeserverAnswer>, required = false)]
    pub answers: Box<[HomeserverAnswer]>,
    /// An edit that ends it, proved; left out where none is known to be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Fix>, required = false)]
    pub fix: Option<Box<Fix>>,
}

/// What some homeservers say alike, and others otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HomeserverAnswer {
    /// Who says so.
    #[schema(value_type = Vec<String>)]
    pub homeservers: Box<[&'static str]>,
    /// What, in a word.
    pub says: Says,
    /// What, in words.
    #[schema(value_type = String)]
    pub message: Box<str>,
}

/// What a homeserver says of a file, or of an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Says {
    /// The file is loaded.
    Loads,
    /// The file is refused.
    Refuses,
    /// What it reads in the file.
    Reads,
    /// What comes of it there.
    Means,
    /// The service holds the ID exclusively.
    Exclusive,
    /// The service claims the ID, and others may have it.
    Shared,
    /// The service does not claim the ID.
    Unclaimed,
    /// Who asks may have the ID.
    Allowed,
    /// Who asks may not have it.
    Refused,
    /// Nobody can say.
    Undefined,
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loads => "loaded",
            Self::Refuses => "refused",
            Self::Reads => "read",
            Self::Means => "otherwise",
            Self::Exclusive => "held exclusively",
            Self::Shared => "claimed, and shared",
            Self::Unclaimed => "not claimed",
            Self::Allowed => "allowed",
            Self::Refused => "not allowed",
            Self::Undefined => "undefined",
        })
    }
}

/// An entry, or another place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FindingPlace {
    /// The `id` of the application service.
    #[schema(value_type = String)]
    pub as_id: Arc<str>,
    /// The file.
    #[schema(value_type = String)]
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The position of the entry in its list, from 0; null when it is not about an entry.
    pub index: Option<u32>,
    /// The regex of the entry.
    #[schema(value_type = Option<String>)]
    pub regex: Option<Arc<str>>,
    /// An ID that proves it here, where it is said once for several places; left out where it is the finding's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub witness: Option<Box<str>>,
}

impl Finding {
    /// What is the matter, so far with nothing.
    pub(super) fn new(code: Code, severity: Severity, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            severity,
            kind: None,
            relation: None,
            witness: None,
            witness_is: None,
            message: message.into(),
            help: code.help(),
            places: Box::default(),
            homeservers: Box::default(),
            answers: Box::default(),
            fix: None,
        }
    }

    /// That there is nothing at all, where somebody means to check something.
    pub(crate) fn nothing_found(message: String) -> Self {
        Self::new(Code::NothingFound, Severity::Error, message)
    }

    /// What is passed over in a homeserver's own configuration, which is no service's.
    pub(crate) fn of_configuration(code: Code, message: String, file: Arc<str>, place: Place) -> Self {
        let Place { line, column } = place;
        let place = FindingPlace { as_id: Arc::from(""), file, line, column, index: None, regex: None, witness: None };
        Self::new(code, Severity::Warning, message).at(place)
    }

    /// It concerns IDs of a kind.
    pub(super) fn on(self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// It concerns a place; the first is the one to be looked at.
    pub(super) fn at(self, place: FindingPlace) -> Self {
        let mut places = self.places.into_vec();
        places.push(place);
        Self { places: places.into(), ..self }
    }

    /// It concerns an entry, and IDs of its kind.
    pub(super) fn about(self, registration: &Registration, kind: Kind, index: u32) -> Self {
        self.on(kind).at(FindingPlace::entry(registration, kind, index))
    }

    /// How the first entry lies to the second.
    pub(super) fn relating(self, relation: Option<Relation>) -> Self {
        Self { relation, ..self }
    }

    /// An ID proves it.
    pub(super) fn proved_by(self, witness: Option<Witness>) -> Self {
        let (witness, witness_is) = witness.map(|witness| (witness.id, witness.is)).unzip();
        Self { witness, witness_is, ..self }
    }
}

/// An `id` as a message says it. Real ones have less than thirty bytes, and nothing keeps a stranger from sending one of two
/// hundred thousand, which thousands of findings would repeat: 256 KiB took 733 MB. The whole stands in the places.
pub(super) fn shown(id: &str) -> Cow<'_, str> {
    match id.char_indices().find(|(at, _)| *at >= MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &id[..end]).into(),
        None => id.into(),
    }
}

/// No ID of a user, which is made of one, is longer.
const MAX_SHOWN: usize = MAX_ID_BYTES;

/// An ID that proves something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) id: Box<str>,
    pub(super) is: WitnessIs,
}

impl FindingPlace {
    /// An entry.
    pub(super) fn entry(registration: &Registration, kind: Kind, index: u32) -> Self {
        let entry = registration.entries(kind).at(index as usize);
        Self {
            as_id: registration.id().into(),
            file: registration.file().into(),
            line: entry.place.line,
            column: entry.place.column,
            index: Some(index),
            regex: Some(entry.regex.as_str().into()),
            witness: None,
        }
    }

    /// A place in a file that is none of an entry.
    pub(super) fn at(registration: &Registration, place: Place) -> Self {
        Self {
            as_id: registration.id().into(),
            file: registration.file().into(),
            line: place.line,
            column: place.column,
            index: None,
            regex: None,
            witness: None,
        }
    }

    /// The file as a whole.
    pub(super) fn file(registration: &Registration) -> Self {
        Self::at(registration, Place { line: 1, column: 1 })
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work.
    Error,
    /// Something does not work as its author will have meant.
    Warning,
    /// Something to know.
    Note,
}

impl Severity {
    /// All severities, the gravest first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];

    /// The severity as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }

    /// One step less.
    pub(super) const fn less(self) -> Self {
        match self {
            Self::Error => Self::Warning,
            Self::Warning | Self::Note => Self::Note,
        }
    }
}

/// How the language of one entry lies to that of another, among the IDs of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Both claim the same.
    Equal,
    /// The first claims all that the second does, and more.
    Contains,
    /// The second claims all that the first does, and more.
    Contained,
    /// Each claims something that the other does not.
    Overlaps,
}

/// What kind of ID a witness is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WitnessIs {
    /// A local ID as they can be made today.
    Valid,
    /// A local ID of printable ASCII, as it may have been made in the past or by a service.
    Historical,
    /// An ID of another server.
    Remote,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
