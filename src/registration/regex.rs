use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use python_re::{Ast, Pattern};

use crate::homeserver::Dialect;
use crate::matrix::Kind;

/// The regex of an entry, which has been read once: whoever holds one need not ask whether it is a regex.
///
/// Kept as text, since there may be a million and a parsed one takes ten times as much; [`Regex::pattern`] reads it
/// again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ValidRegex(Arc<str>);

impl ValidRegex {
    /// Takes in a text that the check lets pass.
    pub fn checked<E>(text: impl Into<Arc<str>>, check: impl FnOnce(&str) -> Result<(), E>) -> Result<Self, E> {
        let text = text.into();
        check(&text)?;
        Ok(Self(text))
    }

    /// The text, as it stands in answers.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes in a text that was let pass before.
    pub(super) fn read_before(text: Arc<str>) -> Self {
        Self(text)
    }

    /// The regex, to be looked at.
    #[must_use]
    pub fn borrowed(&self) -> Regex<'_> {
        Regex(&self.0)
    }

    /// The text, to be kept elsewhere.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

/// The same as it stands in its registration.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Regex<'r>(&'r str);

impl<'r> Regex<'r> {
    /// A text that was let pass before.
    pub(super) const fn read_before(text: &'r str) -> Self {
        Self(text)
    }

    /// The text, as it stands in answers.
    #[must_use]
    pub const fn as_str(self) -> &'r str {
        self.0
    }

    /// The same, to be kept elsewhere.
    #[must_use]
    pub fn to_owned(self) -> ValidRegex {
        ValidRegex(self.0.into())
    }

    /// What it matches, in the dialect of the homeserver that loaded it.
    ///
    /// The one place at which a regex is read again. A dialect that refuses what it has taken before would be a mistake
    /// of this program; the entry then claims every ID of its kind, since a name must never be set free by a mistake.
    #[must_use]
    pub fn pattern(self, dialect: Dialect, kind: Kind) -> Pattern {
        dialect.syntax().pattern(kind, self.0).unwrap_or_else(|_| Pattern::of(Ast::Empty))
    }
}

impl Deref for ValidRegex {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for Regex<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl fmt::Debug for Regex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl fmt::Debug for ValidRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use python_re::{Outcome, Scratch};

    use super::*;

    fn matches(regex: &ValidRegex, id: &str) -> bool {
        regex.borrowed().pattern(Dialect::default(), Kind::User).matcher().run(&mut Scratch::new(), id)
            == Outcome::Match
    }

    #[test]
    fn a_regex_is_read_again_as_it_was_read_first() {
        let regex = ValidRegex::checked("@irc_.*", Pattern::check).expect("a regex");
        assert!(matches(&regex, "@irc_a:example.com") && !matches(&regex, "@alice:example.com"));
        assert!(ValidRegex::checked("@irc_(", Pattern::check).is_err());
    }

    #[test]
    fn a_regex_that_its_dialect_takes_no_more_claims_everything() {
        let regex = ValidRegex::checked("@irc_(", |_| Ok::<(), ()>(())).expect("nothing was checked");
        assert!(matches(&regex, "@alice:example.com"));
    }
}
