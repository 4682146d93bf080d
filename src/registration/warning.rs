use pyyaml::Located;

use super::Place;

/// Something about a file that Synapse accepts and its author should know; becomes a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is.
    pub code: WarningCode,
    /// What and why, and the way out; never a token.
    pub message: Box<str>,
    /// Where it begins.
    pub place: Place,
    /// Behind its last character, where that is known.
    pub end: Option<Place>,
}

impl Warning {
    /// A warning about what begins at a place.
    #[must_use]
    pub fn at(code: WarningCode, place: Place, message: impl Into<Box<str>>) -> Self {
        Self { code, message: message.into(), place, end: None }
    }

    /// A warning about a value.
    pub(super) fn over(code: WarningCode, found: Located<'_>, message: impl Into<Box<str>>) -> Self {
        Self {
            code,
            message: message.into(),
            place: found.place,
            end: Some(found.end).filter(|&end| end > found.place),
        }
    }
}

/// The stable codes of warnings; the findings of the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningCode {
    /// A mapping holds the same key twice; the last one wins.
    DuplicateKey,
    /// A token is empty, short, or both tokens are the same.
    WeakToken,
    /// A key that Synapse passes over, near to one that it reads.
    UnknownKey,
    /// A `url` at which Synapse reaches nobody.
    UnusableUrl,
    /// A value that was to be replaced before Synapse reads it.
    Placeholder,
    /// A switch that holds something else than a boolean.
    NotABoolean,
    /// Lists of merge keys, which releases of PyYAML read differently.
    MergeOrder,
}

impl WarningCode {
    /// All codes.
    pub const ALL: [Self; 7] = [
        Self::DuplicateKey,
        Self::WeakToken,
        Self::UnknownKey,
        Self::UnusableUrl,
        Self::Placeholder,
        Self::NotABoolean,
        Self::MergeOrder,
    ];
}
