use std::fmt;

/// Why Go's `regexp.Compile` refuses an expression.
///
/// Shown, it is Go's own message, to the letter:
///
/// ```
/// use go_re2::ErrorKind;
///
/// let error = go_re2::parse("@irc_**").unwrap_err();
/// assert_eq!(error.kind, ErrorKind::InvalidRepeatOp);
/// assert_eq!(error.to_string(), "error parsing regexp: invalid nested repetition operator: `**`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// The part of the expression that Go shows.
    pub part: String,
}

/// What is wrong with an expression, by Go's names. Shown, it is Go's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `[z-a]`, `[[:foo:]]`, `\p{Foo}`
    InvalidCharRange,
    /// `\y`, `\1`, `\C`
    InvalidEscape,
    /// `(?P<é>a)`
    InvalidNamedCapture,
    /// `(?=a)`, `(?x)`
    InvalidPerlOp,
    /// `a**`
    InvalidRepeatOp,
    /// `a{1001}`, `a{2,1}`, `(a{100}){100}`
    InvalidRepeatSize,
    /// `[a`
    MissingBracket,
    /// `(a`
    MissingParen,
    /// `*`
    MissingRepeatArgument,
    /// `a\`
    TrailingBackslash,
    /// `a)`
    UnexpectedParen,
    /// More than a thousand levels.
    NestingDepth,
    /// More than 3,355,443 instructions, or more than 33,554,432 characters in classes.
    Large,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, part: &str) -> Self {
        Self { kind, part: part.to_owned() }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidCharRange => "invalid character class range",
            Self::InvalidEscape => "invalid escape sequence",
            Self::InvalidNamedCapture => "invalid named capture",
            Self::InvalidPerlOp => "invalid or unsupported Perl syntax",
            Self::InvalidRepeatOp => "invalid nested repetition operator",
            Self::InvalidRepeatSize => "invalid repeat count",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParen => "missing closing )",
            Self::MissingRepeatArgument => "missing argument to repetition operator",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParen => "unexpected )",
            Self::NestingDepth => "expression nests too deeply",
            Self::Large => "expression too large",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.kind, self.part)
    }
}

impl std::error::Error for Error {}
