use std::fmt;
use std::time::Instant;

use super::Role;

/// Who asks, and what was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// What the caller may do.
    pub(super) role: Role,
    /// By which token.
    pub(super) who: Who,
    /// The route of the request.
    pub(super) route: &'static str,
    /// When it came.
    pub(super) began: Instant,
}

/// By what a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Nobody is asked for a token, or none is needed.
    Anybody,
    /// A token without a name.
    Unnamed,
    /// A token with one.
    Named(TokenName),
}

impl Caller {
    /// Whoever asks where nobody is asked for a token, or where none is needed.
    pub(super) const fn anybody(route: &'static str, began: Instant) -> Self {
        Self { role: Role::Admin, who: Who::Anybody, route, began }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.who {
            Who::Anybody => f.write_str("anybody"),
            Who::Unnamed => write!(f, "role:{}", self.role.as_str()),
            Who::Named(name) => write!(f, "token:{name}"),
        }
    }
}

/// What an operator calls a token. Shorter than any token is, so that one that stands in the place of the name is refused and
/// never shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TokenName {
    bytes: [u8; Self::MAX],
    length: usize,
}

impl TokenName {
    /// The longest name, in characters: one less than the shortest token.
    pub(super) const MAX: usize = super::access::MIN_TOKEN - 1;

    /// Takes a name, if it is one: letters, digits and `. _ -`.
    pub(super) fn of(text: &str) -> Option<Self> {
        let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..text.len()).filter(|_| fits && !text.is_empty())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: text.len() })
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shorter_than_any_token() {
        for name in ["web", "a.b-c_9", "123456789012345"] {
            assert_eq!(TokenName::of(name).map(|name| name.to_string()).as_deref(), Some(name));
        }
        for wrong in ["", "1234567890123456", "a b", "é", "a:b"] {
            assert_eq!(TokenName::of(wrong), None, "{wrong}");
        }
    }
}
