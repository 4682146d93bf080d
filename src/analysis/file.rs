//! Findings about a file as such.

use super::Code;
use super::finding::{Finding, FindingPlace, Severity};
use crate::registration::{Registration, WarningCode};

/// What was found out when the file was read.
pub(super) fn findings(registration: &Registration) -> impl Iterator<Item = Finding> {
    registration.warnings().iter().map(|warning| {
        Finding::new(warning.code.into(), Severity::Warning, warning.message.to_string())
            .at(FindingPlace::at(registration, warning.place))
    })
}

impl From<WarningCode> for Code {
    fn from(code: WarningCode) -> Self {
        match code {
            WarningCode::DuplicateKey => Self::DuplicateKey,
            WarningCode::WeakToken => Self::WeakToken,
            WarningCode::UnknownKey => Self::UnknownKey,
            WarningCode::UnusableUrl => Self::UnusableUrl,
            WarningCode::Placeholder => Self::Placeholder,
            WarningCode::NotABoolean => Self::NotABoolean,
            WarningCode::MergeOrder => Self::MergeOrder,
        }
    }
}

/// What its permissions let happen.
pub(super) fn readable_by_all(registration: &Registration) -> Finding {
    let message = "every user of this machine can read the tokens in this file";
    Finding::new(Code::ReadableByAll, Severity::Warning, message).at(FindingPlace::file(registration))
}
