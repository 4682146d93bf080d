/// The longest user ID that a person may register, in characters. Source: Synapse, `MAX_USERID_LENGTH`.
pub const MAX_USER_ID_CHARS: usize = 255;

/// The longest alias that may be created, in characters. Source: Synapse, `MAX_ALIAS_LENGTH`.
pub const MAX_ALIAS_CHARS: usize = 255;

/// By which grammar a localpart is acceptable. Source: Matrix specification, appendices, "User Identifiers" and
/// "Historical User IDs".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LocalpartGrammar {
    /// Today's grammar: one or more of `a-z 0-9 . _ = - / +`.
    Valid,
    /// What older servers allowed: printable ASCII without space and colon.
    Historical,
    /// Neither.
    None,
}

/// Whether a character may stand in a localpart that is registered today.
#[must_use]
pub const fn is_registrable(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '=' | '-' | '/' | '+')
}

/// Whether a character may stand in a localpart as older servers allowed it.
#[must_use]
pub const fn is_historical(c: char) -> bool {
    matches!(c, '!'..='~') && c != ':'
}

/// Whether every character of a localpart may be registered today; the empty localpart has no other.
#[must_use]
pub fn registrable_localpart(localpart: &str) -> bool {
    localpart.chars().all(is_registrable)
}

/// The strictest grammar that a localpart satisfies.
#[must_use]
pub fn localpart_grammar(localpart: &str) -> LocalpartGrammar {
    if localpart.is_empty() {
        LocalpartGrammar::None
    } else if registrable_localpart(localpart) {
        LocalpartGrammar::Valid
    } else if localpart.chars().all(is_historical) {
        LocalpartGrammar::Historical
    } else {
        LocalpartGrammar::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_grammar_wins() {
        assert_eq!(localpart_grammar("alice_1.x=-/+"), LocalpartGrammar::Valid);
        assert_eq!(localpart_grammar("Alice!"), LocalpartGrammar::Historical);
        for localpart in ["", "a b", "a:b", "é", "a\n"] {
            assert_eq!(localpart_grammar(localpart), LocalpartGrammar::None, "{localpart:?}");
        }
    }
}
