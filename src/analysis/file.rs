//! Findings about a file as such.

use super::Code;
use super::finding::{Finding, FindingPlace, Severity};
use crate::registration::{Registration, WarningCode};

/// What was found out when the file was read.
pub(super) fn findings(registration: &Registration) -> impl Iterator<Item = Finding> {
    registration.warnings.iter().map(|warning| {
        let code = match warning.code {
            WarningCode::DuplicateKey => Code::DuplicateKey,
            WarningCode::WeakToken => Code::WeakToken,
            WarningCode::UnknownKey => Code::UnknownKey,
            WarningCode::UnusableUrl => Code::UnusableUrl,
            WarningCode::Placeholder => Code::Placeholder,
            WarningCode::NotABoolean => Code::NotABoolean,
            WarningCode::MergeOrder => Code::MergeOrder,
        };
        Finding::new(code, Severity::Warning, warning.message.to_string())
            .at(FindingPlace::at(registration, warning.place))
    })
}

/// What its permissions let happen.
pub(super) fn readable_by_all(registration: &Registration) -> Finding {
    let message = "every user of this machine can read the tokens in this file";
    Finding::new(Code::ReadableByAll, Severity::Warning, message).at(FindingPlace::file(registration))
}
