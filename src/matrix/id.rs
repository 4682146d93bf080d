use serde::{Deserialize, Serialize};

/// The longest ID that is answered, in bytes of UTF-8.
///
/// Source: Matrix specification, appendices, "Identifier Grammar": no ID exceeds 255 bytes, sigil and server included.
pub const MAX_ID_BYTES: usize = 255;

/// What an ID names, told by its sigil.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `@localpart:server`
    User,
    /// `#alias:server`
    Alias,
    /// `!opaque:server`, or without a server part in newer room versions
    Room,
}

impl Kind {
    /// All kinds, in the order of the lists in a registration.
    pub const ALL: [Self; 3] = [Self::User, Self::Alias, Self::Room];

    /// The character that an ID of this kind begins with.
    #[must_use]
    pub const fn sigil(self) -> char {
        match self {
            Self::User => '@',
            Self::Alias => '#',
            Self::Room => '!',
        }
    }

    /// The key of this kind's list under `namespaces` in a registration.
    #[must_use]
    pub const fn list(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Alias => "aliases",
            Self::Room => "rooms",
        }
    }

    /// One of this kind, in a sentence.
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::User => "a user",
            Self::Alias => "an alias",
            Self::Room => "a room",
        }
    }

    /// The kind as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Alias => "alias",
            Self::Room => "room",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A string that may be asked about: at most 255 bytes, beginning with a sigil.
///
/// Synapse checks nothing beyond that before it tries a namespace on an ID, so neither does this: spaces, capitals,
/// line feeds and any Unicode are allowed, and a server part is not required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixId<'a> {
    kind: Kind,
    text: &'a str,
}

impl<'a> MatrixId<'a> {
    /// Checks length and sigil.
    pub fn parse(text: &'a str) -> Result<Self, IdError> {
        if text.len() > MAX_ID_BYTES {
            return Err(IdError::TooLong { bytes: text.len() });
        }
        Self::of_any_length(text)
    }

    /// Checks the sigil alone, for the questions where length is part of the decision and not of the request.
    pub fn of_any_length(text: &'a str) -> Result<Self, IdError> {
        let kind = match text.as_bytes().first() {
            None => return Err(IdError::Empty),
            Some(b'@') => Kind::User,
            Some(b'#') => Kind::Alias,
            Some(b'!') => Kind::Room,
            Some(_) => return Err(IdError::NoSigil),
        };
        Ok(Self { kind, text })
    }

    /// What the ID names.
    #[must_use]
    pub const fn kind(self) -> Kind {
        self.kind
    }

    /// What stands behind the first colon.
    #[must_use]
    pub fn server_part(self) -> Option<&'a str> {
        self.text.split_once(':').map(|(_, server)| server)
    }

    /// The whole ID, sigil included.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }
}

/// Why a string is not an ID that can be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The string is empty.
    #[error("an ID must not be empty: it begins with `@` (user), `#` (alias; `%23` in a URL) or `!` (room)")]
    Empty,
    /// The string begins with something else than a sigil.
    #[error("an ID begins with `@` (user), `#` (alias) or `!` (room)")]
    NoSigil,
    /// The string is longer than any ID can be.
    #[error("an ID has at most 255 bytes, this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// The user ID for a localpart on a server, whatever the localpart holds.
#[must_use]
pub fn user_id(localpart: &str, server_name: &str) -> String {
    format!("@{localpart}:{server_name}")
}

/// Splits a user ID at its first colon into localpart and server name, as Synapse does; `None` without sigil or colon.
#[must_use]
pub fn split_user_id(user_id: &str) -> Option<(&str, &str)> {
    user_id.strip_prefix('@')?.split_once(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigil_tells_the_kind() {
        for kind in Kind::ALL {
            let text = format!("{}x:example.com", kind.sigil());
            assert_eq!(MatrixId::parse(&text).map(MatrixId::kind), Ok(kind));
        }
    }

    #[test]
    fn length_is_counted_in_bytes() {
        let just = format!("@{}", "é".repeat(127));
        assert_eq!(just.len(), 255);
        assert!(MatrixId::parse(&just).is_ok());
        let over = format!("{just}x");
        assert_eq!(MatrixId::parse(&over), Err(IdError::TooLong { bytes: 256 }));
        assert!(MatrixId::of_any_length(&over).is_ok());
    }

    #[test]
    fn anything_without_a_sigil_is_refused() {
        assert_eq!(MatrixId::parse(""), Err(IdError::Empty));
        for text in ["alice", " @alice:example.com", "$event", "+group:example.com", "é"] {
            assert_eq!(MatrixId::parse(text), Err(IdError::NoSigil), "{text}");
        }
    }

    #[test]
    fn user_id_splits_at_the_first_colon() {
        assert_eq!(split_user_id("@a:b:8448"), Some(("a", "b:8448")));
        assert_eq!(split_user_id("@a"), None);
        assert_eq!(split_user_id("#a:b"), None);
    }
}
