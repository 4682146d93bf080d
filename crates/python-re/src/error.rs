/// Why Python's `re.compile` would refuse a pattern, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Python's message, without the position.
    pub message: String,
    /// Where, in characters from the start of the pattern; `None` where Python names no position.
    pub position: Option<usize>,
}

impl PatternError {
    pub(super) fn at(position: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), position: Some(position) }
    }

    pub(super) fn without_position(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None }
    }

    /// The way out, where it is plain.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match &*self.message {
            "nothing to repeat" => "a quantifier needs something before it; for any text write `.*`",
            "multiple repeat" => "two quantifiers in a row; put the first with what it repeats in `(?:…)`",
            "unbalanced parenthesis" => "a literal parenthesis is written `\\)`",
            "missing ), unterminated subpattern" => "close the group, or write a literal parenthesis as `\\(`",
            "unterminated character set" => "close the set with `]`, or write a literal bracket as `\\[`",
            "global flags not at the start of the expression" => "move the flags to the very start, or write `(?i:…)`",
            "bad escape (end of pattern)" => "a literal backslash is written `\\\\`",
            _ => return None,
        })
    }
}

impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.position {
            Some(position) => write!(f, "{} at position {position}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for PatternError {}
