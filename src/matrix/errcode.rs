use serde::{Serialize, Serializer};

/// The Matrix error codes that bailiwick answers with.
///
/// Source: Matrix specification, client-server API, "Standard error response".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrCode {
    /// The ID is in a namespace that somebody holds exclusively.
    Exclusive,
    /// The caller lacks the right to do this.
    Forbidden,
    /// A parameter has a value that is not acceptable.
    InvalidParam,
    /// The localpart is not one that a person may register.
    InvalidUsername,
    /// The caller asks too much at once.
    LimitExceeded,
    /// A parameter that is needed was not given.
    MissingParam,
    /// No access token was given where one is needed.
    MissingToken,
    /// The body is JSON of the wrong shape.
    BadJson,
    /// What was asked for does not exist.
    NotFound,
    /// The body is not JSON at all.
    NotJson,
    /// The body is larger than the server takes.
    TooLarge,
    /// Anything that has no code of its own.
    Unknown,
    /// Who asks has not said who it is, or nobody knows it.
    Unauthorized,
    /// No application service has this ID or token.
    UnknownToken,
    /// An account of this name is there, or may not be made.
    UserInUse,
    /// The path, or the method on it, is not served.
    Unrecognized,
}

impl ErrCode {
    /// The code as it stands in an answer, `M_…`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exclusive => "M_EXCLUSIVE",
            Self::Forbidden => "M_FORBIDDEN",
            Self::InvalidParam => "M_INVALID_PARAM",
            Self::InvalidUsername => "M_INVALID_USERNAME",
            Self::LimitExceeded => "M_LIMIT_EXCEEDED",
            Self::MissingParam => "M_MISSING_PARAM",
            Self::MissingToken => "M_MISSING_TOKEN",
            Self::BadJson => "M_BAD_JSON",
            Self::NotFound => "M_NOT_FOUND",
            Self::NotJson => "M_NOT_JSON",
            Self::TooLarge => "M_TOO_LARGE",
            Self::Unknown => "M_UNKNOWN",
            Self::Unauthorized => "M_UNAUTHORIZED",
            Self::UnknownToken => "M_UNKNOWN_TOKEN",
            Self::UserInUse => "M_USER_IN_USE",
            Self::Unrecognized => "M_UNRECOGNIZED",
        }
    }
}

impl Serialize for ErrCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl std::fmt::Display for ErrCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
