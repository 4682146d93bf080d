use std::fmt;

use python_text::repr;

use crate::ast::Mode;

/// Why Python's `re.compile` would refuse a pattern.
///
/// Shown, it is Python's own message, to the letter:
///
/// ```
/// use python_re::{Pattern, PatternErrorKind};
///
/// let error = Pattern::parse("@*+*").unwrap_err();
/// assert_eq!(error.kind, PatternErrorKind::MultipleRepeat);
/// assert_eq!(error.to_string(), "multiple repeat at position 3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// What is wrong.
    pub kind: PatternErrorKind,
    /// Where, in characters from the start of the pattern; `None` where Python names no position.
    pub position: Option<usize>,
    /// The same as line and column, from 1, if the pattern has several lines: Python then says both.
    pub line_and_column: Option<(usize, usize)>,
}

/// What is wrong with a pattern. Shown, it is Python's message without the position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternErrorKind {
    /// A quantifier with nothing before it.
    NothingToRepeat,
    /// A quantifier on a quantifier.
    MultipleRepeat,
    /// `{3,2}`
    MinExceedsMax,
    /// A number of repetitions that does not fit 32 bits.
    RepetitionTooLarge,
    /// A number of repetitions with more digits than `int()` reads.
    TooManyDigits(usize),
    /// `)` without `(`.
    UnbalancedParenthesis,
    /// `(` without `)`.
    UnterminatedGroup,
    /// `(?#` without `)`.
    UnterminatedComment,
    /// `[` without `]`.
    UnterminatedSet,
    /// `[z-a]` or `[\w-a]`, as written.
    BadRange(String),
    /// A backslash at the very end.
    TrailingBackslash,
    /// A backslash before a letter or digit that makes no escape, as written.
    BadEscape(String),
    /// An escape with too few hexadecimal digits, as written.
    IncompleteEscape(String),
    /// An octal escape beyond `\377`, as written.
    OctalOutOfRange(String),
    /// `\U` with a number that Python's `chr` does not even look at.
    CharacterTooLarge,
    /// `\N` without a name in braces.
    MissingBrace,
    /// A name in `\N{…}` that no character has.
    UndefinedCharacterName(String),
    /// No name where one is needed.
    MissingName(Named),
    /// A name that does not end: this should end it.
    UnterminatedName(char),
    /// Nothing where something is needed.
    UnexpectedEnd,
    /// `(?` and something that Python does not know: what follows the parenthesis, as written.
    UnknownExtension(String),
    /// A name that is no identifier, or a number that is none.
    BadGroupName(String),
    /// A name that no group before has.
    UnknownGroupName(String),
    /// A name that two groups have.
    RedefinedGroup {
        /// The name.
        name: String,
        /// The second of them.
        group: u32,
        /// The first.
        former: u32,
    },
    /// A reference to a group from within it.
    OpenGroupReference,
    /// A reference within a look-behind to a group within it.
    LookBehindGroupReference,
    /// A reference to a group that is not there, by its number.
    InvalidGroupReference(String),
    /// `(?(0)…)`
    BadGroupNumber,
    /// `(?(1)a|b|c)`
    TooManyBranches,
    /// `(?i)` behind something.
    GlobalFlagsNotAtStart,
    /// In a group's flags there is no letter where one is needed: what is wanted, in Python's words.
    MissingFlag(&'static str),
    /// A letter that is no flag.
    UnknownFlag,
    /// Flags that cannot stand as they do, in Python's words.
    BadFlags(&'static str),
    /// `(?a)` and `(?u)`
    AsciiAndUnicode,
    /// A quantifier under the flag `t`, which Python knows only to refuse.
    TemplateOperator(Mode),
    /// A look-behind whose length may vary.
    VariableLookBehind,
    /// A look-behind of more characters than fit 32 bits.
    LookBehindTooLong,
    /// Groups nested so deeply that Python would run out of stack.
    NestedTooDeeply,
    /// So many sets of so many characters that they would take tens of megabytes. Python would take them.
    TooManySets,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A group.
    Group,
    /// A character.
    Character,
}

impl PatternError {
    pub(crate) const fn at(position: usize, kind: PatternErrorKind) -> Self {
        Self { kind, position: Some(position), line_and_column: None }
    }

    pub(crate) const fn without_position(kind: PatternErrorKind) -> Self {
        Self { kind, position: None, line_and_column: None }
    }

    /// Reckons line and column in the pattern that it is about.
    pub(crate) fn located(mut self, pattern: &str) -> Self {
        if let Some(position) = self.position.filter(|_| pattern.contains('\n')) {
            let before = pattern.chars().take(position);
            let (lines, column) = before.fold((1, 1), |(lines, column), c| match c {
                '\n' => (lines + 1, 1),
                _ => (lines, column + 1),
            });
            self.line_and_column = Some((lines, column));
        }
        self
    }

    /// The way out, where it is plain.
    #[must_use]
    pub const fn help(&self) -> Option<&'static str> {
        Some(match self.kind {
            PatternErrorKind::NothingToRepeat => "a quantifier needs something before it; for any text write `.*`",
            PatternErrorKind::MultipleRepeat => {
                "two quantifiers in a row; put the first with what it repeats in `(?:…)`"
            }
            PatternErrorKind::UnbalancedParenthesis => "a literal parenthesis is written `\\)`",
            PatternErrorKind::UnterminatedGroup => "close the group, or write a literal parenthesis as `\\(`",
            PatternErrorKind::UnterminatedSet => "close the set with `]`, or write a literal bracket as `\\[`",
            PatternErrorKind::GlobalFlagsNotAtStart => "move the flags to the very start, or write `(?i:…)`",
            PatternErrorKind::TrailingBackslash => "a literal backslash is written `\\\\`",
            _ => return None,
        })
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if let Some(position) = self.position {
            write!(f, " at position {position}")?;
        }
        match self.line_and_column {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PatternError {}

impl fmt::Display for PatternErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingToRepeat => f.write_str("nothing to repeat"),
            Self::MultipleRepeat => f.write_str("multiple repeat"),
            Self::MinExceedsMax => f.write_str("min repeat greater than max repeat"),
            Self::RepetitionTooLarge => f.write_str("the repetition number is too large"),
            Self::TooManyDigits(digits) => write!(
                f,
                "Exceeds the limit ({} digits) for integer string conversion: value has {digits} digits; \
                 use sys.set_int_max_str_digits() to increase the limit",
                python_text::MAX_DIGITS
            ),
            Self::UnbalancedParenthesis => f.write_str("unbalanced parenthesis"),
            Self::UnterminatedGroup => f.write_str("missing ), unterminated subpattern"),
            Self::UnterminatedComment => f.write_str("missing ), unterminated comment"),
            Self::UnterminatedSet => f.write_str("unterminated character set"),
            Self::BadRange(range) => write!(f, "bad character range {range}"),
            Self::TrailingBackslash => f.write_str("bad escape (end of pattern)"),
            Self::BadEscape(escape) => write!(f, "bad escape {escape}"),
            Self::IncompleteEscape(escape) => write!(f, "incomplete escape {escape}"),
            Self::OctalOutOfRange(escape) => write!(f, "octal escape value {escape} outside of range 0-0o377"),
            Self::CharacterTooLarge => f.write_str("Python int too large to convert to C int"),
            Self::MissingBrace => f.write_str("missing {"),
            Self::UndefinedCharacterName(name) => write!(f, "undefined character name {}", repr(name)),
            Self::MissingName(named) => write!(f, "missing {named}"),
            Self::UnterminatedName(terminator) => write!(f, "missing {terminator}, unterminated name"),
            Self::UnexpectedEnd => f.write_str("unexpected end of pattern"),
            Self::UnknownExtension(extension) => write!(f, "unknown extension {extension}"),
            Self::BadGroupName(name) => write!(f, "bad character in group name {}", repr(name)),
            Self::UnknownGroupName(name) => write!(f, "unknown group name {}", repr(name)),
            Self::RedefinedGroup { name, group, former } => {
                write!(f, "redefinition of group name {} as group {group}; was group {former}", repr(name))
            }
            Self::OpenGroupReference => f.write_str("cannot refer to an open group"),
            Self::LookBehindGroupReference => {
                f.write_str("cannot refer to group defined in the same lookbehind subpattern")
            }
            Self::InvalidGroupReference(group) => write!(f, "invalid group reference {group}"),
            Self::BadGroupNumber => f.write_str("bad group number"),
            Self::TooManyBranches => f.write_str("conditional backref with more than two branches"),
            Self::GlobalFlagsNotAtStart => f.write_str("global flags not at the start of the expression"),
            Self::MissingFlag(wanted) => write!(f, "missing {wanted}"),
            Self::UnknownFlag => f.write_str("unknown flag"),
            Self::BadFlags(why) => write!(f, "bad inline flags: {why}"),
            Self::AsciiAndUnicode => f.write_str("ASCII and UNICODE flags are incompatible"),
            Self::TemplateOperator(mode) => {
                let operator = match mode {
                    Mode::Greedy => "MAX_REPEAT",
                    Mode::Lazy => "MIN_REPEAT",
                    Mode::Possessive => "POSSESSIVE_REPEAT",
                };
                write!(f, "internal: unsupported template operator {operator}")
            }
            Self::VariableLookBehind => f.write_str("look-behind requires fixed-width pattern"),
            Self::LookBehindTooLong => f.write_str("looks too much behind"),
            Self::TooManySets => f.write_str("the sets of characters in it take too much memory"),
            Self::NestedTooDeeply => f.write_str("maximum recursion depth exceeded: groups are nested too deeply"),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Group => "group name",
            Self::Character => "character name",
        })
    }
}
